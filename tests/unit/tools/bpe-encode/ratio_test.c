/* SPDX-License-Identifier: MIT */
#include "tools/bpe-encode/ratio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/utf8.h"
#include "common/io/input.h"
#include "tests/tap.h"

static struct err e;

static struct scheme *open_scheme(const char *name) {
  struct tokenizer_options options = {.special_count = -1};
  struct scheme *s = NULL;
  if (scheme_open(&s, name, &options, &e)) note("%s", e.message);
  return s;
}

static int number(const char *script) {
  int i = 0;
  while (script_name(i) && strcmp(script_name(i), script)) i++;
  return i;
}

static struct ratio_counts count(const struct scheme *s, struct slice text, uint64_t *tokens) {
  static struct ratio_counts c;
  struct ratio *r = NULL;
  struct ids ids = {0};
  struct scheme_worker *w = scheme_worker_new(s, 1 << 16);
  c = (struct ratio_counts){0};
  if (ratio_new(&r, s, &e) || scheme_encode(w, text, true, &ids, &e) || ratio_count(r, w, text, ids.data, ids.len, &c, &e)) note("%s", e.message);
  *tokens = ids.len;
  ids_release(&ids);
  ratio_free(r);
  scheme_worker_free(w);
  return c;
}

static void has(const struct ratio_counts *c, const char *script, uint64_t bytes, uint64_t characters, uint64_t tokens, const char *name) {
  const struct ratio_row *r = &c->rows[number(script)];
  ok(r->bytes == bytes && r->characters == characters && r->tokens == tokens, "%s, %s: %d bytes, %d characters, %d tokens", name, script, (int)r->bytes, (int)r->characters, (int)r->tokens);
}

static void sums(const struct scheme *s, struct slice text, const char *name) {
  uint64_t tokens, bytes = 0, characters = 0, sum = 0;
  struct ratio_counts c = count(s, text, &tokens);
  for (int i = 0; i < SCRIPTS; i++) bytes += c.rows[i].bytes, characters += c.rows[i].characters, sum += c.rows[i].tokens;
  ok(bytes == text.len && characters == utf8_count(text.data, text.len) && sum == tokens, "%s: scripts add up to the whole", name);
}

int main(void) {
  char vocabulary[600], words[640], path[600];
  snprintf(vocabulary, sizeof vocabulary, "%s/tok.tsv", tap_folder());
  struct buffer file = {0};
  buffer_append_string(&file, "#crawl2lm-tokenizer\t1\n#pattern\tgpt2\n#special\t261\t<|x|>\n");
  for (int b = 0; b < 256; b++) {
    char c = (char)b;
    buffer_printf(&file, "%d\t", b);
    vocab_escape(&file, (struct slice){&c, 1});
    buffer_append_string(&file, "\t\t\n");
  }
  /* "ab", " a", E4 BD (of U+4F60), " D0" (a space and half a letter), specials */
  buffer_append_string(&file, "256\tab\t97\t98\n257\t a\t32\t97\n258\t\\xE4\\xBD\t228\t189\n259\t \\xD0\t32\t208\n260\t \\xD0\\x9F\t259\t159\n261\t<|x|>\t\t\n");
  if (output_file(vocabulary, file.data, file.len, &e)) note("%s", e.message);
  snprintf(path, sizeof path, "%s/words", tap_folder());
  snprintf(words, sizeof words, "words:%s", path);
  if (output_file(path, "one\nhello\n", 10, &e)) note("%s", e.message);
  struct scheme *bpe = open_scheme(vocabulary), *bytes = open_scheme("bytes"), *chars = open_scheme("chars"), *by_word = open_scheme(words);
  const struct slice mixed = SLICE("ab ab, \u4F60\u597D \u041F\u0440 12 e\u0301 <|x|>\n");
  uint64_t tokens;

  struct ratio_counts c = count(bytes, mixed, &tokens);
  has(&c, "Han", 6, 2, 6, "bytes");
  has(&c, "Cyrillic", 4, 2, 4, "bytes");
  has(&c, "Latin", 6, 6, 6, "bytes"); /* abab e x */
  c = count(chars, mixed, &tokens);
  has(&c, "Han", 6, 2, 2, "characters");
  has(&c, "Cyrillic", 4, 2, 2, "characters");
  c = count(bpe, mixed, &tokens);
  has(&c, "Han", 6, 2, 5, "tokenizer"); /* E4BD A0 E5 A5 BD: each holds a part of one */
  has(&c, "Cyrillic", 5, 3, 3, "tokenizer"); /* " D0 9F" with its space, D1 80 */
  has(&c, "Latin", 5, 5, 3, "tokenizer"); /* "ab", "ab", "e"; the special is Common */
  c = count(bpe, SLICE(" \xD0\xA4"), &tokens);
  has(&c, "Cyrillic", 3, 2, 2, "a space and the first half of a letter, then the other half");
  c = count(bpe, SLICE("\xD0\xD0\x9F\x9F\xFF"), &tokens);
  has(&c, "Cyrillic", 2, 1, 2, "bytes that are not UTF-8 around a letter");
  c = count(by_word, SLICE("one \u041F\u0440  hello! "), &tokens);
  has(&c, "Latin", 10, 10, 2, "words with the white space before");
  has(&c, "Cyrillic", 5, 3, 1, "an unknown word");
  has(&c, "Common", 2, 2, 1, "punctuation, and white space at the end");

  struct buffer any = {0};
  struct rng r;
  rng_init(&r, 3);
  for (int k = 0; k < 20000; k++)
    if (rng_below(&r, 4)) utf8_append(&any, (uint32_t)(rng_below(&r, 8) ? rng_below(&r, 0x3000) : rng_below(&r, 0x110000)));
    else buffer_put(&any, (char)rng_below(&r, 256));
  sums(bpe, buffer_slice(&any), "a tokenizer on any bytes");
  sums(bytes, buffer_slice(&any), "bytes on any bytes");
  sums(chars, buffer_slice(&any), "characters on any bytes");
  sums(by_word, buffer_slice(&any), "words on any bytes");
  sums(bpe, SLICE(""), "nothing");

  static struct ratio_counts d, all;
  ok(ratio_script(&d) == 0, "a document without text is Common's");
  d.rows[0].bytes = 100;
  ok(ratio_script(&d) == 0, "as is one without letters");
  d.rows[number("Han")].bytes = 5, d.rows[number("Latin")].bytes = 6;
  ok(ratio_script(&d) == number("Latin"), "else the script with the most bytes, not Common");
  d.rows[number("Latin")].documents = 1, d.rows[number("Latin")].tokens = 4, d.rows[number("Latin")].characters = 6;
  ratio_add(&all, &d);
  ratio_add(&all, &d);
  snprintf(path, sizeof path, "%s/table", tap_folder());
  struct output *out = NULL;
  struct ratio_row whole = {2, 222, 222, 8};
  struct buffer text = {0};
  if (output_open(&out, path, 0, &e) || ratio_write(&all, &whole, "tok", out, &e) || output_commit(out, &e) || input_read_all(path, &text, &e)) note("%s", e.message);
  ok_string(buffer_string(&text), "tokenizer\tdocuments\tbytes\ttokens\tbytes_per_token\tchars_per_token\tscript\ntok\t2\t222\t8\t27.75\t27.75\tall\ntok\t0\t200\t0\t\t\tCommon\ntok\t2\t12\t8\t1.5\t1.5\tLatin\ntok\t0\t10\t0\t\t\tHan\n", "a table, most bytes first");
  buffer_release(&text);
  buffer_release(&any);
  buffer_release(&file);
  scheme_free(bpe);
  scheme_free(bytes);
  scheme_free(chars);
  scheme_free(by_word);
  return tap_done();
}
