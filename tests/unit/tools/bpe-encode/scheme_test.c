/* SPDX-License-Identifier: MIT */
#include "tools/bpe-encode/scheme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/io/output.h"
#include "tests/tap.h"

static struct scheme *open_scheme(const char *name) {
  struct tokenizer_options options = {.special_count = -1};
  struct scheme *s = NULL;
  struct err e;
  if (scheme_open(&s, name, &options, &e)) note("%s", e.message);
  return s;
}

static void round_trip(const struct scheme *s, struct slice text, const uint32_t *want, size_t n, struct slice decoded, const char *name) {
  struct scheme_worker *w = scheme_worker_new(s, 1 << 16);
  struct ids ids = {0};
  struct buffer back = {0};
  struct err e = {0};
  uint64_t words = 0;
  ok(scheme_encode(w, text, false, &ids, &e) == 0 && ids.len == n && memcmp(ids.data, want, n * sizeof *want) == 0, "%s: ids", name);
  int status = 0;
  for (size_t i = 0; i < ids.len; i++) status |= scheme_decode(s, ids.data[i], &words, &back, &e);
  ok(status == 0 && slice_equal(buffer_slice(&back), decoded), "%s: text %.*s", name, (int)back.len, back.data);
  ids_release(&ids);
  buffer_release(&back);
  scheme_worker_free(w);
}

int main(void) {
  struct err e;
  struct buffer out = {0};
  uint64_t words = 0;
  struct scheme *s = open_scheme("bytes");
  round_trip(s, (struct slice){"A\xFF", 2}, (const uint32_t[]){65, 255}, 2, (struct slice){"A\xFF", 2}, "bytes");
  ok(scheme_size(s) == 257 && scheme_eot(s) == 256 && !scheme_wide(s), "bytes: 257 ids, end-of-text 256");
  ok(scheme_decode(s, 257, &words, &out, &e) == -1, "bytes: no id beyond them");
  scheme_free(s);

  s = open_scheme("chars");
  round_trip(s, (struct slice){"a\xC3\xA9\xF0\x9F\x99\x82\xFF\xE3\x81", 10}, (const uint32_t[]){'a', 0xE9, 0x1F642, 0xDCFF, 0xDCE3, 0xDC81}, 6, (struct slice){"a\xC3\xA9\xF0\x9F\x99\x82\xFF\xE3\x81", 10}, "chars, bytes that are none as surrogates");
  ok(scheme_size(s) == 0x110000 && scheme_eot(s) == -1 && scheme_wide(s), "chars: ids are code points, no end-of-text");
  ok(scheme_decode(s, 0xD800, &words, &out, &e) == -1 && scheme_decode(s, 0x110000, &words, &out, &e) == -1, "chars: a surrogate is no character");
  scheme_free(s);

  char path[600], name[700];
  snprintf(path, sizeof path, "%s/words", tap_folder());
  snprintf(name, sizeof name, "words:%s", path);
  output_file(path, "the\n\xE0\xA4\xA8\xE0\xA4\xBE\n.\n<|endoftext|>", 26, &e);
  s = open_scheme(name);
  round_trip(s, slice_of("the  \xE0\xA4\xA8\xE0\xA4\xBE cat\xC2\xA0.\n"), (const uint32_t[]){1, 2, 0, 3}, 4, slice_of("the \xE0\xA4\xA8\xE0\xA4\xBE <unk> ."), "words: marks belong to words, white space to none");
  ok(scheme_size(s) == 5 && scheme_eot(s) == 4, "words: a line a word, 0 unknown, end-of-text by its name");
  scheme_free(s);
  struct tokenizer_options options = {.special_count = -1};
  output_file(path, "a\nb\na\n", 6, &e);
  ok(scheme_open(&s, name, &options, &e) == -1 && strstr(e.message, ":3: "), "a word twice: %s", e.message);
  output_file(path, "a\n\nb\n", 5, &e);
  ok(scheme_open(&s, name, &options, &e) == -1 && strstr(e.message, ":2: "), "an empty word: %s", e.message);
  options.pattern = "gpt2";
  ok(scheme_open(&s, "bytes", &options, &e) == -1 && e.kind == ERR_USAGE, "-p with bytes: %s", e.message);
  buffer_release(&out);
  return tap_done();
}
