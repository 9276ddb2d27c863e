/* SPDX-License-Identifier: MIT */
#include "common/token/pretokenize.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/token/classes.h"
#include "common/token/pattern.h"
#include "common/token/scan.h"
#include "common/token/specials.h"
#include "tests/tap.h"

enum { PIECES = 2 * SCAN_WIDE };

/* Pieces of text with | between. */
static void pieces(struct buffer *out, const char *pattern, struct slice text, int max) {
  struct pretokenizer *p;
  struct err e;
  buffer_clear(out);
  if (pretokenizer_new(&p, pattern, &e)) {
    buffer_printf(out, "error: %s", e.message);
    buffer_string(out);
    return;
  }
  struct pretokenizer_scratch *s = pretokenizer_scratch_new(p);
  uint32_t ends[PIECES];
  size_t cursor = 0, from = 0;
  int n;
  for (size_t start = 0; (n = pretokenize(p, s, text, &cursor, ends, max, &e)) > 0; start = cursor)
    for (int i = 0; i < n; i++) {
      size_t stop = start + ends[i];
      if (from) buffer_put(out, '|');
      buffer_append(out, text.data + from, stop - from);
      from = stop;
    }
  if (from != text.len) buffer_append_string(out, " (bytes are missing)");
  buffer_string(out);
  pretokenizer_scratch_free(s);
  pretokenizer_free(p);
}

static void is(const char *pattern, const char *text, const char *want, const char *name) {
  struct buffer got = {0};
  pieces(&got, pattern, slice_of(text), PIECES);
  ok_string(got.data, want, name);
  pieces(&got, pattern, slice_of(text), 1);
  ok_string(got.data, want, "the same one piece at a time");
  buffer_release(&got);
}

static void test_named(void) {
  is("gpt2", "I'm here, they'LL  see\n\n it's 123456.", "I|'m| here|,| they|'|LL| | see|\n\n| it|'s| 123456|.", "gpt2: contractions in small letters, a space belongs to the next piece");
  is("gpt2", "a  \n", "a|  \n", "gpt2: white space at the end is one piece");
  is("gpt2", "a\t\tb\xC2\xA0 c", "a|\t|\t|b|\xC2\xA0| c", "gpt2: only a space joins what follows");
  is("cl100k", "I'M don'\xC5\xBF x", "I|'M| don|'\xC5\xBF| x", "cl100k: contractions in any case, the long s folds to s");
  is("cl100k", "ab12345;\r\n\n x", "ab|123|45|;\r\n\n| x", "cl100k: three digits, line ends stay with punctuation");
  is("cl100k", "a \n\n  b", "a| \n\n| | b", "cl100k: white space is cut after its last line end");
  is("cl100k", "\tif(x)\n", "\tif|(x|)\n", "cl100k: one other character joins the letters after it");
  is("cl100k", "a\n  ", "a|\n  ", "cl100k: white space at the end is one piece");
  is("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", "a\n  ", "a|\n|  ", "the older cl100k cuts it");
  is("none", "a b\nc", "a b\nc", "none: one piece");
  is("o200k", "camelCase DON'T/\n 1234", "camel|Case| DON'T|/\n| |123|4", "o200k: a contraction stays with its word");
  is("gpt2", "", "", "no text, no piece");
}

static void test_regex(void) {
  is("\\d+", "a1b22", "a|1|b|22", "what a regular expression leaves out is a piece of its own");
  is("\\p{N}\ngpt2", "x 12 it's", "x| |1|2| it|'s", "stages: each splits the pieces of the one before");
  is("\\s+", "a\xE1\xA0\x8E" "b c", "a\xE1\xA0\x8E" "b| |c", "U+180E is not white space");
  is("x*", "axxb", "a|xx|b", "empty matches are no pieces");
  is("(", "a", "error: pattern (: missing closing parenthesis", "a regular expression that is none is an error");
  struct buffer got = {0};
  pieces(&got, "\\p{L}+", (struct slice){"ab\xFF\xFE" "cd\xE3\x81", 8}, PIECES);
  ok_string(got.data, "ab|\xFF\xFE|cd|\xE3\x81", "a run of invalid bytes is a piece between matches");
  pieces(&got, "gpt2", (struct slice){"ab\xFF\xFE" "cd \xE3\x81", 9}, PIECES);
  ok_string(got.data, "ab|\xFF\xFE|cd| \xE3\x81", "invalid bytes are other characters");
  buffer_release(&got);
}

static void canonical(const char *pattern, bool stages, const char *want, const char *name) {
  struct buffer out = {0};
  pattern_canonical(&out, pattern, stages);
  ok_string(buffer_string(&out), want, name);
  buffer_release(&out);
}

static void test_canonical(void) {
  canonical("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", false, "gpt2", "GPT-2's own spelling is gpt2");
  canonical("'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|\\s+(?!\\S)|\\s", false, "gpt2", "tiktoken's possessive spelling is gpt2");
  canonical("'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s", false, "cl100k", "tiktoken's spelling is cl100k");
  canonical(pattern_regex("cl100k"), false, "cl100k", "the spelling that is written is read back");
  canonical(pattern_regex("o200k"), false, "o200k", "o200k's too");
  canonical("[a\nb]", false, "[a\\nb]", "a literal newline becomes its escape");
  canonical("[a\\\nb]", false, "[a\\nb]", "also after a backslash");
  canonical("x\ngpt2", true, "x\ngpt2", "newlines separate stages");
  ok(pattern_regex("x+") == NULL, "an unknown name has no expression");
}

/* Cutting anywhere the cut says gives the same pieces. */
static void test_cut(void) {
  static const char *const patterns[] = {"gpt2", "cl100k", "o200k", PATTERN_WORDS};
  static const char *const parts[] = {"a", "B", "\xC3\xA9", "\xE6\x97\xA5", " ", "  ", "\n", "\r\n", "'s", "'", "1", "22", ".", "!!", "\xFF", "\xE3\x81", "<|x y|>"};
  struct rng rng;
  struct err e;
  rng_init(&rng, 5);
  struct specials *specials = specials_new();
  specials_add(specials, SLICE("<|x y|>"), 1);
  for (size_t k = 0; k < sizeof patterns / sizeof patterns[0]; k++) {
    struct pretokenizer *p;
    if (pretokenizer_new(&p, patterns[k], &e)) abort();
    int wrong = 0, cuts = 0, inside = 0;
    for (int round = 0; round < 3000; round++) {
      struct buffer text = {0}, whole = {0}, two = {0}, part = {0};
      for (int i = 0; i < 12; i++) buffer_append_string(&text, parts[rng_below(&rng, sizeof parts / sizeof parts[0])]);
      size_t seen = rng_below(&rng, text.len) + 1, at = pretokenizer_cut(p, NULL, (struct slice){text.data, seen});
      if (at) {
        cuts++;
        pieces(&whole, patterns[k], buffer_slice(&text), PIECES);
        pieces(&part, patterns[k], (struct slice){text.data, at}, PIECES);
        buffer_append_slice(&two, buffer_slice(&part));
        buffer_put(&two, '|');
        pieces(&part, patterns[k], (struct slice){text.data + at, text.len - at}, PIECES);
        buffer_append_slice(&two, buffer_slice(&part));
        wrong += !slice_equal(buffer_slice(&whole), buffer_slice(&two));
      }
      at = pretokenizer_cut(p, specials, (struct slice){text.data, seen});
      for (size_t i = 0; at && i + 7 <= text.len; i++) inside += memcmp(text.data + i, "<|x y|>", 7) == 0 && at > i && at < i + 7;
      buffer_release(&text);
      buffer_release(&whole);
      buffer_release(&two);
      buffer_release(&part);
    }
    ok(wrong == 0 && cuts > 100, "%.20s: text cut where it may be has the same pieces (%d cuts, %d wrong)", patterns[k], cuts, wrong);
    ok(inside == 0, "%.20s: no cut lies inside a special", patterns[k]);
    pretokenizer_free(p);
  }
  specials_free(specials);
}

static void test_classes(void) {
  const struct classes *c = classes_get();
  ok(classes_of(c, 'a') == CLASS_LETTER && classes_of(c, '7') == CLASS_NUMBER && classes_of(c, ' ') == CLASS_SPACE && classes_of(c, '!') == CLASS_OTHER, "ASCII classes");
  ok(classes_of(c, 0x85) == CLASS_SPACE && classes_of(c, 0x180E) == CLASS_OTHER && classes_of(c, 0x200B) == CLASS_OTHER && classes_of(c, 0x3000) == CLASS_SPACE, "white space is the property White_Space");
  ok(classes_of(c, 0x2EBF0) == CLASS_LETTER && classes_of(c, 0x10D40) == CLASS_NUMBER, "letters of Unicode 15.1 and numbers of 16.0");
  ok(classes_of(c, 0x0915) == CLASS_LETTER && classes_of(c, 0x093E) == CLASS_OTHER, "marks are neither letters nor numbers");
  ok(classes_of(c, 0x10FFFF) == CLASS_OTHER, "the last code point has a class");
}

static void test_long(void) {
  static const char letters[] = "aA1 \n=";
  static const char *const patterns[] = {"gpt2", "cl100k", "o200k"};
  struct buffer got = {0};
  for (size_t k = 0; k < 3; k++)
    for (const char *c = letters; *c; c++) {
      char *text = MALLOC(1 << 20);
      memset(text, *c, 1 << 20);
      pieces(&got, patterns[k], (struct slice){text, 1 << 20}, PIECES);
      ok(got.len >= 1 << 20 && strstr(got.data + got.len - 20, "missing") == NULL && strncmp(got.data, "error", 5) != 0, "%s: a mebibyte of 0x%02x", patterns[k], *c);
      free(text);
    }
  buffer_release(&got);
}

int main(void) {
  test_named();
  test_regex();
  test_canonical();
  test_classes();
  test_cut();
  test_long();
  return tap_done();
}
