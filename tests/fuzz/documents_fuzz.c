/* SPDX-License-Identifier: MIT
 *
 * Both document formats: whatever the bytes, each line gives a document or an error, its fields are valid UTF-8 without
 * NUL, and what is written of it is one line that gives the same document again.
 */
#include "common/io/documents.h"

#include <stdlib.h>

#include "common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
  if (!condition) abort();
}

static void check(struct slice s) {
  require(utf8_valid_prefix(s.data, s.len) == s.len);
  require(!s.len || !memchr(s.data, 0, s.len));
}

static void same(struct slice a, struct slice b) { require(a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0)); }

static struct slice without_newlines(struct slice s) {
  while (s.len && s.data[s.len - 1] == '\n') s.len--;
  return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (int format = 0; format < 2; format++) {
    struct document_batch batch = {.format = (enum document_format)format, .first_line = 1, .input = "fuzz"};
    buffer_append(&batch.bytes, data, size);
    if (!size || data[size - 1] != '\n') buffer_put(&batch.bytes, '\n');
    struct document_parser parser = {0}, second = {0};
    struct document d, again;
    struct err e;
    size_t cursor = 0;
    int result;
    while ((result = document_next(&parser, &batch, &cursor, &d, &e)) != 0) {
      if (result < 0) continue;
      check(d.id), check(d.url), check(d.date), check(d.text);
      for (int to = 0; to < 2; to++) { /* the text is given, so that the line is not just copied */
        struct document_batch out = {.format = (enum document_format)to, .first_line = 1, .input = "out"};
        size_t at = 0;
        document_write(&out.bytes, &d, (enum document_format)to, &d.text, NULL);
        require(document_next(&second, &out, &at, &again, &e) == 1 && at == out.bytes.len);
        same(d.id, again.id), same(d.url, again.url), same(d.date, again.date);
        same(without_newlines(d.text), again.text);
        document_batch_release(&out);
      }
      struct buffer reject = {0};
      document_write_reject(&reject, "fuzz:reason", &d);
      require(reject.len == d.line.len + 13);
      buffer_release(&reject);
    }
    document_parser_release(&parser);
    document_parser_release(&second);
    document_batch_release(&batch);
  }
  return 0;
}
