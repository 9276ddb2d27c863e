/* SPDX-License-Identifier: MIT */
#include "common/token/vocab.h"

#include <xxhash.h>

#include "common/base/memory.h"
#include "tests/tap.h"

static void add_bytes(struct vocab *v) {
  struct err e;
  for (unsigned b = 0; b < 256; b++) {
    char c = (char)b;
    vocab_add(v, b, (struct slice){&c, 1}, &e);
  }
}

static void refuses(const char *rows, const char *want, const char *name) {
  struct vocab v, bytes;
  struct buffer text = {0};
  struct err e = {0};
  vocab_init(&v);
  vocab_init(&bytes);
  add_bytes(&bytes);
  bytes.pattern = STRDUP("gpt2");
  vocab_write(&text, &bytes);
  buffer_append_string(&text, rows);
  bool refused = vocab_read(&v, buffer_slice(&text), "x", &e) || vocab_check(&v, &e);
  ok(refused && strstr(e.message, want), "%s: %s", name, refused ? e.message : "accepted");
  vocab_release(&v);
  vocab_release(&bytes);
  buffer_release(&text);
}

int main(void) {
  struct vocab v, again;
  struct err e;
  struct buffer text = {0}, second = {0};
  vocab_init(&v);
  add_bytes(&v);
  vocab_add(&v, 256, SLICE("ab"), &e);
  v.entries[256].left = 'a';
  v.entries[256].right = 'b';
  v.entries[256].rank = 0;
  vocab_add_special(&v, 260, SLICE("<|endoftext|>"), &e);
  v.eot = 260;
  v.pattern = STRDUP("x+\ngpt2");
  ok(vocab_check(&v, &e) == 0, "a vocabulary with holes passes");
  vocab_write(&text, &v);
  ok(strncmp(buffer_string(&text), "#crawl2lm-tokenizer\t1\n#pattern\tx+\n#pattern\tgpt2\n#special\t260\t<|endoftext|>\n#eot\t260\n0\t\\x00\t\t\n", 85) == 0, "header: version, a line a stage, specials, end-of-text");
  ok(strstr(text.data, "\n9\t\\t\t\t\n10\t\\n\t\t\n11\t\\x0B\t\t\n") && strstr(text.data, "\n92\t\\\\\t\t\n") && strstr(text.data, "\n127\t\\x7F\t\t\n128\t\\x80\t\t\n") && strstr(text.data, "\n255\t\\xFF\t\t\n256\tab\t97\t98\n260\t<|endoftext|>\t\t\n"), "rows: escapes, parts, specials");
  vocab_init(&again);
  ok(vocab_read(&again, buffer_slice(&text), "x", &e) == 0 && vocab_check(&again, &e) == 0, "it is read back");
  vocab_write(&second, &again);
  ok_bytes(second.data, second.len, text.data, text.len, "and written the same");
  ok(vocab_hash(&v) == XXH3_64bits(text.data, text.len) && vocab_hash(&again) == vocab_hash(&v), "the hash is that of the native form");
  vocab_release(&again);

  /* A merge of lower rank with a higher id. */
  vocab_add(&v, 257, SLICE("cd"), &e);
  v.entries[257].left = 'c';
  v.entries[257].right = 'd';
  v.entries[257].rank = 0;
  v.entries[256].rank = 1;
  buffer_clear(&text);
  vocab_write(&text, &v);
  ok(strstr(buffer_string(&text), "\n260\t<|endoftext|>\t\t\n257\tcd\t99\t100\n256\tab\t97\t98\n"), "merges out of the order of ids stand last, by rank");
  vocab_init(&again);
  ok(vocab_read(&again, buffer_slice(&text), "x", &e) == 0 && again.entries[257].rank == 0 && again.entries[256].rank == 1, "and are read in that order");
  vocab_release(&again);
  vocab_release(&v);

  refuses("256\tab\t97\t99\n", "joined", "parts that are not the token");
  refuses("256\tab\t97\t300\n", "joined", "parts that are not there");
  refuses("256\ta\t\t\n", "same bytes", "two tokens of the same bytes");
  refuses("7\tab\t97\t98\n", "twice", "an id twice");
  refuses("256\ta\\qb\t97\t98\n", "escape", "an unknown escape");
  refuses("256\ta\\x4\t97\t98\n", "escape", "half an escape");
  refuses("999999999\tab\t97\t98\n", "id", "an id beyond the limit");
  refuses("x\tab\t97\t98\n", "id", "an id that is no number");
  refuses("256\t\t\t\n", "empty", "an empty token");
  refuses("#special\t300\t<s>\n", "no row", "a special without a row");
  refuses("#eot\t300\n", "end-of-text", "an end-of-text that is not there");
  refuses("#what\t300\n", "unknown header", "an unknown header");
  vocab_init(&v);
  ok(vocab_read(&v, SLICE("#crawl2lm-tokenizer\t1\n#pattern\tgpt2\n0\ta\t\t\n"), "x", &e) == 0 && vocab_check(&v, &e) && strstr(e.message, "byte 00"), "a vocabulary without all bytes: %s", e.message);
  vocab_release(&v);
  ok(vocab_read(&v, SLICE("#crawl2lm-tokenizer\t2\n"), "x", &e) && strstr(e.message, "version"), "another version: %s", e.message);
  vocab_release(&v);

  int wrong = 0;
  for (unsigned b = 0; b < 256; b++) wrong += unicode_to_byte(byte_to_unicode((unsigned char)b)) != (int)b;
  ok(wrong == 0 && byte_to_unicode(' ') == 0x120 && byte_to_unicode('\n') == 0x10A && byte_to_unicode(0xAD) == 0x143, "GPT-2's characters for bytes");
  ok(unicode_to_byte(' ') == -1 && unicode_to_byte(0x144) == -1, "other characters stand for none");
  buffer_release(&text);
  buffer_release(&second);
  return tap_done();
}
