/* SPDX-License-Identifier: MIT */
#include "common/token/pretokenize.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/token/classes.h"
#include "common/token/pattern.h"
#include "common/token/scan.h"
#include "common/token/specials.h"
#include "tests/tap.h"

enum { PIECES = 2 * SCAN_WIDE };

/* For names of tests. */
static int first_line(const char *pattern) {
  int n = (int)strcspn(pattern, "\n");
  return n < 20 ? n : 20;
}

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

static void test_more_named(void) {
  is("o200k", "DON'Tx we'lL's ABCdefGHI \xE4\xB8\xAD" "AB 'ab!\n/\n//x \xC3\x89t\xC3\xA9", "DON'T|x| we'lL|'s| ABCdef|GHI| \xE4\xB8\xAD|AB| '|ab|!\n/\n//|x| \xC3\x89t\xC3\xA9", "o200k: capitals behind small letters, a contraction behind a word, slashes behind newlines");
  is("o200k", "e\xCC\x81" "E\xCC\x81X !\xCC\x81 \xCC\x81" "a", "e\xCC\x81|E\xCC\x81|X| !\xCC\x81| \xCC\x81" "a", "o200k: marks are in words and in signs");
  is("qwen2", "ab 12345 it's\n\n x", "ab| |1|2|3|4|5| it|'s|\n\n| x", "qwen2: numbers one by one");
  is("llama3", "ab12345 \n  ", "ab|123|45| \n|  ", "llama3: three digits; white space at the end is cut");
  is("deepseek", "a  12345.b ..b\n\n x\t\xC3\xA9 's", "a|  |123|45|.b| ..|b|\n\n| x|\t\xC3\xA9| '|s", "deepseek: a number ends what white space looks at, a sign takes ASCII letters");
  is("deepseek", "\xE4\xB8\xAD\xE6\x96\x87, \xE3\x82\xA2\xE3\x83\xBB\xE3\x82\xA4" "B \xE4\xB8\xAD-\xC3\xA9" "e", "\xE4\xB8\xAD\xE6\x96\x87|,| |\xE3\x82\xA2|\xE3\x83\xBB|\xE3\x82\xA4|B| |\xE4\xB8\xAD|-|\xC3\xA9" "e", "deepseek: ideographs and kana are apart, signs among them too");
  is("deepseek", "a\x01\x02" "b\x01 \xFF", "a|\x01|\x02" "b|\x01| |\xFF", "deepseek: control characters and invalid bytes");
  is("\\p{N}\ngpt2", "x 12 it's  3", "x| |1|2| it|'s|  |3", "the stage Digits before gpt2");
  is("\\p{N}+\n\\p{L}\n.", "ab12", "a|b|1|2", "three stages, of scanners and of regular expressions");
  is(PATTERN_WORDS, "a_1 -- b\xFF?", "a_1| |--| |b|\xFF|?", "words and what is between them");
}

/* The same pieces at every level, in texts longer than blocks and queues, cut into calls in any way. */
static void test_levels(void) {
  static const char *const patterns[] = {"gpt2", "cl100k", "o200k", "llama3", "qwen2", "deepseek", "\\p{N}\ngpt2", "\\p{N}{1,3}\ncl100k", PATTERN_WORDS};
  static const char *const parts[] = {"word", "Word", "B", "\xC3\xA9", "\xE6\x97\xA5", "\xE3\x83\xBB", "\xD0\x9F\xD1\x80", " ", "  ", "\t", "\n", "\r\n", "'s", "'LL", "'", "1", "4096", "\xD9\xA1", ".", "//", "\xE2\x80\x9C", "\xCC\x81", "\xC2\xA0", "\x01", "\xFF", "\xE3\x81"};
  struct rng rng;
  rng_init(&rng, 7);
  struct buffer text = {0}, scalar = {0}, got = {0};
  for (size_t k = 0; k < sizeof patterns / sizeof patterns[0]; k++) {
    int wrong = 0;
    for (int round = 0; round < 40; round++) {
      buffer_clear(&text);
      /* Few kinds of parts at a time make long runs. */
      size_t first = rng_below(&rng, sizeof parts / sizeof parts[0]), kinds = 1 + rng_below(&rng, sizeof parts / sizeof parts[0] - first);
      while (text.len < 3000) buffer_append_string(&text, parts[first + rng_below(&rng, kinds)]);
      simd_force(SIMD_SCALAR);
      pieces(&scalar, patterns[k], buffer_slice(&text), 1 + (int)rng_below(&rng, PIECES));
      for (enum simd level = SIMD_AVX2; level <= SIMD_AVX512 && simd_force(level) == level; level++) {
        pieces(&got, patterns[k], buffer_slice(&text), PIECES);
        wrong += !slice_equal(buffer_slice(&scalar), buffer_slice(&got));
        pieces(&got, patterns[k], buffer_slice(&text), SCAN_WIDE + (int)rng_below(&rng, 64));
        wrong += !slice_equal(buffer_slice(&scalar), buffer_slice(&got));
      }
    }
    ok(wrong == 0, "%.*s: the same pieces at every level (%d differ)", first_line(patterns[k]), patterns[k], wrong);
  }
  simd_force(SIMD_AVX512);
  buffer_release(&text);
  buffer_release(&scalar);
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
  struct buffer deepseek = {0};
  pattern_canonical(&deepseek, "deepseek", false);
  ok(strchr(buffer_string(&deepseek), '\n') && pattern_known(deepseek.data, deepseek.len) && pattern_known(deepseek.data, deepseek.len)->kind == PATTERN_DEEPSEEK, "deepseek stands for its three stages");
  canonical(deepseek.data, true, deepseek.data, "which stay as they are");
  buffer_release(&deepseek);
  canonical("qwen2", false, "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", "qwen2 stands for its expression");
  ok(pattern_regex("x+") == NULL, "an unknown name has no expression");
}

/* Cutting anywhere the cut says gives the same pieces. */
static void test_cut(void) {
  static const char *const patterns[] = {"gpt2", "cl100k", "o200k", "qwen2", "deepseek", "\\p{N}\ngpt2", "\\p{N}{1,3}\n[a-c]+", PATTERN_WORDS};
  static const char *const parts[] = {"a", "B", "\xC3\xA9", "\xE6\x97\xA5", "\xE3\x80\x82", "\xCC\x81", "\t", "/", " ", "  ", "\n", "\r\n", "'s", "'", "1", "22", ".", "!!", "\xFF", "\xE3\x81", "<|x y|>"};
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
    ok(wrong == 0 && cuts > 100, "%.*s: text cut where it may be has the same pieces (%d cuts, %d wrong)", first_line(patterns[k]), patterns[k], cuts, wrong);
    ok(inside == 0, "%.*s: no cut lies inside a special", first_line(patterns[k]), patterns[k]);
    pretokenizer_free(p);
  }
  specials_free(specials);
}

static void cut(const char *pattern, const char *text, size_t want, const char *name) {
  struct pretokenizer *p;
  struct err e;
  if (pretokenizer_new(&p, pattern, &e)) abort();
  ok_int((int64_t)pretokenizer_cut(p, NULL, slice_of(text)), (int64_t)want, name);
  pretokenizer_free(p);
}

static void test_cut_places(void) {
  cut("gpt2", "if(a){b=1}", 9, "gpt2: minified code is cut between number and sign");
  cut("gpt2", "abc'd", 3, "gpt2: not behind an apostrophe, but before it");
  cut("o200k", "abc'd", 0, "o200k: neither");
  cut("cl100k", "a \n\nb", 4, "cl100k: behind newlines");
  cut("gpt2", "a\n\nb", 1, "gpt2: not behind several");
  cut("gpt2", "a\nb", 2, "gpt2: behind one");
  cut("cl100k", "\xE4\xB8\xAD\xE3\x80\x82\xE4\xB8\xAD", 3, "cl100k: Chinese is cut before a full stop");
  cut("deepseek", "\xE4\xB8\xAD\xE3\x80\x82\xE4\xB8\xAD", 6, "deepseek: and behind it");
  cut("qwen2", "a123456", 6, "qwen2: between digits");
  cut("llama3", "a123456", 1, "llama3: not between digits, which go by three");
  cut("gpt2", "ab\xCC\x81", 0, "not before a mark, which normalisation joins to the letter");
  cut("none", "a b\nc", 0, "none: nowhere");
  cut("[a-z]+", "a b\nc", 0, "a regular expression: nowhere");
  cut("\\p{N}\n[a-z]+", "a b\n1c", 5, "but where a known stage before it splits");
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
  static const char *const patterns[] = {"gpt2", "cl100k", "o200k", "deepseek", "\\p{N}\ngpt2"};
  struct buffer got = {0};
  for (size_t k = 0; k < 5; k++)
    for (const char *c = letters; *c; c++) {
      char *text = MALLOC(1 << 20);
      memset(text, *c, 1 << 20);
      pieces(&got, patterns[k], (struct slice){text, 1 << 20}, PIECES);
      ok(got.len >= 1 << 20 && strstr(got.data + got.len - 20, "missing") == NULL && strncmp(got.data, "error", 5) != 0, "%.*s: a mebibyte of 0x%02x", first_line(patterns[k]), patterns[k], *c);
      free(text);
    }
  buffer_release(&got);
}

int main(void) {
  test_named();
  test_more_named();
  test_levels();
  test_regex();
  test_canonical();
  test_classes();
  test_cut();
  test_cut_places();
  test_long();
  return tap_done();
}
