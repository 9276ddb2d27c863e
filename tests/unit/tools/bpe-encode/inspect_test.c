/* SPDX-License-Identifier: MIT */
#include "tools/bpe-encode/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/input.h"
#include "tests/tap.h"

static struct err e;
static size_t length; /* of what inspect() returned */

static struct scheme *open_scheme(const char *name) {
  struct tokenizer_options options = {.special_count = -1};
  struct scheme *s = NULL;
  if (scheme_open(&s, name, &options, &e)) note("%s", e.message);
  return s;
}

/* What inspect writes of `documents` texts, each put in pieces of `piece` tokens. */
static char *inspect(const struct scheme *s, const struct slice *texts, int documents, size_t piece, bool colours) {
  char path[600];
  snprintf(path, sizeof path, "%s/out", tap_folder());
  struct output *out = NULL;
  struct buffer all = {0};
  struct ids ids = {0};
  int status = output_open(&out, path, 0, &e);
  struct scheme_worker *w = scheme_worker_new(s, 1 << 16);
  struct inspect *i = inspect_new(s, out, colours);
  uint64_t bytes = 0, tokens = 0;
  for (int d = 0; d < documents && status == 0; d++) {
    ids.len = 0;
    status = scheme_encode(w, texts[d], true, &ids, &e);
    size_t at = 0;
    do {
      size_t n = ids.len - at < piece ? ids.len - at : piece;
      if (status == 0) status = inspect_put(i, ids.data + at, &(struct shard_run){(uint64_t)d * 2, (uint32_t)n, 0}, 1, &e);
      at += n;
    } while (at < ids.len);
    bytes += texts[d].len;
    tokens += ids.len;
  }
  if (status == 0) status = inspect_end(i, (uint64_t)documents, bytes, bytes, tokens, &e);
  inspect_free(i);
  if (status == 0) status = output_commit(out, &e);
  else output_abort(out);
  if (status == 0) status = input_read_all(path, &all, &e);
  if (status) note("%s", e.message);
  scheme_worker_free(w);
  ids_release(&ids);
  length = all.len;
  return buffer_string(&all);
}

static void shows(const struct scheme *s, struct slice text, bool colours, const char *want, const char *name) {
  char *got = inspect(s, &text, 1, 3, colours);
  ok_string(got, want, name);
  free(got);
}

int main(void) {
  struct scheme *bytes = open_scheme("bytes"), *chars = open_scheme("chars");
  char vocabulary[600];
  snprintf(vocabulary, sizeof vocabulary, "%s/tok.tsv", tap_folder());
  struct buffer file = {0};
  buffer_append_string(&file, "#crawl2lm-tokenizer\t1\n#pattern\tgpt2\n#special\t257\t<|x|>\n");
  for (int b = 0; b < 256; b++) {
    char c = (char)b;
    buffer_printf(&file, "%d\t", b);
    vocab_escape(&file, (struct slice){&c, 1});
    buffer_append_string(&file, "\t\t\n");
  }
  buffer_append_string(&file, "256\tab\t97\t98\n257\t<|x|>\t\t\n");
  if (output_file(vocabulary, file.data, file.len, &e)) note("%s", e.message);
  struct scheme *tokenizer = open_scheme(vocabulary);

  shows(bytes, SLICE("a\t\\\n\x1B\xC3\xA9\x7F"), false, "id\tbytes\ttext\n97\t1\ta\n9\t1\t\\t\n92\t1\t\\\\\n10\t1\t\\n\n27\t1\t\\x1B\n195\t1\t\\xC3\n169\t1\t\\xA9\n127\t1\t\\x7F\n", "a table: escapes, parts of characters as bytes");
  shows(chars, SLICE("\xC3\xA9\xFFz"), false, "id\tbytes\ttext\n233\t2\t\xC3\xA9\n56575\t1\t\\xFF\n122\t1\tz\n", "whole characters as they are");
  shows(tokenizer, SLICE("abc<|x|>"), false, "id\tbytes\ttext\n256\t2\tab\n99\t1\tc\n257\t5\t<|x|>\n", "merged tokens and specials");
  shows(bytes, SLICE(""), false, "id\tbytes\ttext\n", "a document without tokens has only the column names");
  const struct slice texts[] = {SLICE("a"), SLICE(""), SLICE("bc")};
  for (size_t piece = 1; piece < 4; piece += 2) {
    char *got = inspect(bytes, texts, 3, piece, false);
    ok_string(got, "id\tbytes\ttext\n97\t1\ta\n\n\n98\t1\tb\n99\t1\tc\n", "an empty line between documents, also around one without tokens");
    free(got);
  }

#define FIRST "\x1B[38;5;16;48;5;153m"
#define SECOND "\x1B[38;5;16;48;5;157m"
#define THIRD "\x1B[38;5;16;48;5;223m"
#define DONE "\x1B[0m"
  shows(bytes, SLICE("a b"), true, FIRST "a" DONE SECOND "\u00B7" DONE THIRD "b" DONE "\n3 bytes, 3 characters, 3 tokens, 1.00 bytes a token\n", "tokens on colours in turn, a space is seen");
  shows(tokenizer, SLICE("ab\n\t"), true, FIRST "ab" DONE SECOND "\u21B5" DONE "\n" THIRD "\u2192" DONE "\n4 bytes, 4 characters, 3 tokens, 1.33 bytes a token\n", "a newline is seen and ends the line, without a colour behind it");
  shows(tokenizer, SLICE("<|x|>"), true, "\x1B[1;97;41m<|x|>" DONE "\n5 bytes, 5 characters, 1 tokens, 5.00 bytes a token\n", "specials are marked");
  shows(chars, SLICE("\x1B\xC2\x9B\u200D"), true, FIRST "\x1B[4m\\x1B" DONE SECOND "\x1B[4m\\xC2\\x9B" DONE THIRD "\x1B[4m\\xE2\\x80\\x8D" DONE "\n6 bytes, 6 characters, 3 tokens, 2.00 bytes a token\n", "control and format characters are bytes, underlined");
  shows(chars, SLICE("e\u0301"), true, FIRST "e" DONE SECOND "\u25CC\u0301" DONE "\n3 bytes, 3 characters, 2 tokens, 1.50 bytes a token\n", "a mark at the start of a token has something to stand on");
  char *got = inspect(bytes, texts, 3, 9, true);
  ok_string(got, FIRST "a" DONE "\n\n\n" FIRST "b" DONE SECOND "c" DONE "\n3 bytes, 3 characters, 3 tokens, 1.00 bytes a token, 3 documents\n", "a free line between documents, each starts with the first colour");
  free(got);

  /* Whatever the bytes are: of control bytes the terminal sees newlines and the colours' own escapes. */
  struct buffer any = {0};
  for (int k = 0; k < 3000; k++) buffer_put(&any, (char)(k * k % 251 + k));
  struct slice text = buffer_slice(&any);
  for (int k = 0; k < 3; k++) {
    got = inspect(k == 0 ? bytes : k == 1 ? chars : tokenizer, &text, 1, 100, true);
    bool clean = true;
    for (const unsigned char *c = (const unsigned char *)got; *c && clean; c++) {
      if (*c == 0x1B) {
        c += c[1] == '[' ? 2 : 0;
        while ((*c >= '0' && *c <= '9') || *c == ';') c++;
        clean = *c == 'm';
      } else clean = (*c >= 0x20 && *c != 0x7F && !(*c == 0xC2 && c[1] < 0xA0)) || *c == '\n';
    }
    ok(clean && strlen(got) == length, "no control byte of the text is written as it is (%d)", k);
    free(got);
  }
  buffer_release(&any);
  buffer_release(&file);
  scheme_free(bytes);
  scheme_free(chars);
  scheme_free(tokenizer);
  setenv("NO_COLOR", "1", 1);
  ok(!inspect_colours(NULL), "NO_COLOR: no colours");
  unsetenv("NO_COLOR");
  ok(!inspect_colours("file"), "to a file: no colours");
  return tap_done();
}
