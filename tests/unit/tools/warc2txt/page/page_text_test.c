/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/page/page_text.h"

#include <stdlib.h>

#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "tests/tap.h"

/* What random texts are made of: plain words, white space of all kinds, what goes, what is counted, scripts. */
static const char *const pieces[] = {
  "a", "Z", "word", "The", "x_1", "42", "7", " ", " ", "  ", "\n", "\t", "\r\n", "\f", "\n   \t ", ",", ".", ";", "!", "?", "|", "$", "$5", "$ 5", ":", "\"", "-", "\x01", "\x7F",
  "\xC2\xA0", "\xC2\xAD", "\xC2\x80", "\xC2\x81", "\xC2\x96", "\xC2\x9F", "\xC2\xA3", "\xC2\xA5", "\xC2\xA9", "\xC2\xAA", "\xC2\xB5", "\xC2\xB7", "\xC2\xBA", "\xC2\xBB",
  "\xC3\xA9", "\xC3\x97", "\xC3\xB7", "\xCF\x89", "\xD0\x96", "\xD7\x90", "\xE0\xA4\x95", "\xE0\xB8\x81", "\xE0\xB9\x80", "\xE0\xBA\x81", "\xE1\x88\x80",
  "\xE2\x80\x80", "\xE2\x80\x8A", "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8E", "\xE2\x80\x8F", "\xE2\x80\x93", "\xE2\x80\xA2", "\xE2\x80\xA6", "\xE2\x80\xA8", "\xE2\x80\xAF", "\xE2\x80\xBA",
  "\xE2\x82\xAC", "\xE2\x84\xA2", "\xE2\xB4\x80", "\xE2\xBA\x80", "\xE2\xBF\xB0", "\xE3\x80\x80", "\xE3\x80\x81", "\xE3\x80\x82", "\xE3\x80\x85", "\xE3\x80\x8C", "\xE3\x81\x82", "\xE3\x82\xA2",
  "\xE4\xB8\xAD", "\xE9\xBF\xBF", "\xEA\xB0\x80", "\xEE\x80\x80", "\xED\x9F\xBF", "\xEF\xA3\xBF", "\xEF\xB7\x8F", "\xEF\xB7\x90", "\xEF\xB7\xAF", "\xEF\xB7\xB0", "\xEF\xBF\xBD", "\xEF\xBF\xBE", "\xEF\xBF\xBF", "\xEF\xBB\xBB",
  "\xE2\x80\xAA", "\xE2\x80\xAE", "\xE2\x81\x9F", "\xE2\x81\xA0", "\xE2\x81\xAF", "\xE2\x81\xB0", "\xEF\xA4\x80", "\xEF\xB8\x8F", "\xEF\xBB\xBF", "\xEF\xBB\xBE", "\xEF\xBC\x81", "\xEF\xBC\x8C", "\xEF\xBC\x9F", "\xEF\xBD\xA1",
  "\xF0\x90\x8C\x80", "\xF0\x9F\x98\x80", "\xF0\xA0\x80\x80", "\xF3\xA0\x80\x81", "reply", "Posted", "JOINED", "likes", "quote",
};

static unsigned length_of(const char *s) {
  unsigned char c = (unsigned char)*s;
  return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

static uint32_t point_at(const char *s) {
  static const unsigned char lead[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  unsigned n = length_of(s);
  uint32_t c = (unsigned char)*s & lead[n];
  for (unsigned i = 1; i < n; i++) c = c << 6 | ((unsigned char)s[i] & 0x3F);
  return c;
}

/* ---- the same by code points, slowly */

static const uint16_t c1[32] = {0x20AC, 0, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17D, 0,
                                0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0, 0x17E, 0x178};

static void slow_append(struct text_run *r, const char *s, size_t n) {
  for (size_t i = 0; i < n; i += length_of(s + i)) {
    uint32_t c = point_at(s + i);
    if (c == ' ' || (c >= 9 && c <= 13 && c != 11) || c == 0xA0 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x3000) {
      r->space = true;
      continue;
    }
    if (c >= 0x80 && c < 0xA0) c = c1[c - 0x80];
    if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || (c >= 0xE000 && c <= 0xF8FF) || (c >= 0xFDD0 && c <= 0xFDEF) || c == 0xFFFE || c == 0xFFFF) continue;
    if (c < 0x20 || c == 0x7F || c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F || c == 0xFEFF) continue;
    if (r->space && r->out->len > r->start && r->out->data[r->out->len - 1] != '\n') buffer_put(r->out, ' ');
    r->space = false;
    r->written = true;
    utf8_append(r->out, c);
  }
}

static int slow_class(uint32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  if (c == 0xD7 || c == 0xF7) return 0;
  if (c >= 0xE00 && c < 0xE80) return 2;
  if (c >= 0x2000 && c < 0x2C00) return 0;
  if (c >= 0x2EC0 && c < 0x3000) return 0;
  if (c >= 0x3000 && c < 0x3040) return c >= 0x3005 && c <= 0x3007 ? 2 : 0;
  if (c >= 0x3040 && c < 0xA000) return 2;
  if (c >= 0xF000 && c < 0xF900) return 0;
  if (c >= 0xFE00 && c < 0x10000) return 0;
  if (c >= 0x1F000 && c < 0x20000) return 0;
  if (c >= 0x20000 && c < 0x40000) return 2;
  return 1;
}

static uint32_t slow_words(const char *s, size_t n) {
  uint32_t words = 0, pairs = 0;
  bool in = false;
  for (size_t i = 0; i < n; i += length_of(s + i)) {
    int class = slow_class(point_at(s + i));
    if (s[i] == '\xE3' && s[i + 1] == '\x80') class = (unsigned char)s[i + 2] >= 0x85 && (unsigned char)s[i + 2] <= 0x87 ? 2 : 0;
    if (class == 2) pairs++;
    if (class == 1 && !in) words++;
    in = class == 1;
  }
  return words + (pairs + 1) / 2;
}

static void slow_look(const char *s, size_t n, struct text_look *l) {
  memset(l, 0, sizeof *l);
  bool start = true;
  uint32_t c = 0;
  for (size_t i = 0; i < n; i += length_of(s + i)) {
    c = point_at(s + i);
    l->chars++;
    if (c == ' ' || c == '\n' || c == '\t') {
      start = true;
      continue;
    }
    if (start) l->tokens++, l->capitals += c >= 'A' && c <= 'Z';
    start = false;
    bool digit = c >= '0' && c <= '9', letter = c < 0x80 && (c | 32) >= 'a' && (c | 32) <= 'z';
    l->digits += digit;
    l->signs += (c < 0x80 && !digit && !letter) || (c >= 0x80 && c < 0xC0) || (c >= 0x2000 && c < 0x3000);
    l->commas += (c < 0x80 && c && strchr(",.;!?", (int)c) != NULL) || c == 0x3001 || c == 0x3002 || c == 0xFF0C || c == 0xFF01 || c == 0xFF1F;
    l->bars += c == '|' || c == 0xA9 || c == 0xBB || c == 0xB7 || c == 0x203A || c == 0x2022;
    if (c == 0xA3 || c == 0xA5 || c == 0x20AC) l->currency = true;
    if (c == '$' && i + 2 < n && ((s[i + 1] >= '0' && s[i + 1] <= '9') || (s[i + 2] >= '0' && s[i + 2] <= '9'))) l->currency = true;
  }
  if (n) l->terminal = c == '.' || c == '!' || c == '?' || c == '"' || c == 0x2026 || c == 0x201D || c == 0x3002 || c == 0xFF01 || c == 0xFF1F;
  l->colon = n && c == ':';
}

static unsigned slow_edges(const char *s, size_t n, uint32_t *edges, unsigned max) {
  unsigned count = 0;
  for (size_t i = 0; i <= n && count < max; i++) {
    bool before = i > 0 && ((unsigned char)s[i - 1] >= 0x80 || slow_class((unsigned char)s[i - 1])), now = i < n && ((unsigned char)s[i] >= 0x80 || slow_class((unsigned char)s[i]));
    if (before != now) edges[count++] = (uint32_t)i;
  }
  return count;
}

static uint64_t slow_reply_starts(const char *s, size_t n) {
  uint64_t bits = 0;
  static const char *const pairs[] = {"re", "po", "jo", "li", "qu"};
  for (size_t i = 0; i + 2 <= n; i++)
    for (int k = 0; k < 5; k++)
      if (slice_equal_nocase((struct slice){s + i, 2}, slice_of(pairs[k]))) bits |= UINT64_C(1) << i;
  return bits;
}

/* ---- */

static void random_text(struct rng *rng, struct buffer *b) {
  buffer_clear(b);
  unsigned kind = (unsigned)rng_below(rng, 4), count = (unsigned)rng_below(rng, kind == 0 ? 8 : 80);
  for (unsigned i = 0; i < count; i++) {
    size_t k = rng_below(rng, kind == 1 ? 29 : sizeof pieces / sizeof *pieces);
    buffer_append_string(b, pieces[k]);
    if (rng_below(rng, 3) == 0) buffer_put(b, ' ');
  }
}

static void at_level(enum simd level) {
  struct rng rng;
  rng_init(&rng, 7);
  struct buffer text = {0}, got = {0}, want = {0};
  unsigned appended = 0, words = 0, looks = 0, edges = 0, replies = 0, rounds = 20000;
  for (unsigned i = 0; i < rounds; i++) {
    random_text(&rng, &text);
    /* exact allocations, so that a sanitizer sees a read too far */
    char *copy = malloc(text.len ? text.len : 1);
    if (text.len) memcpy(copy, text.data, text.len);
    got.len = want.len = 0;
    if (i % 2) buffer_append_string(&got, i % 3 ? "x" : "x\n"), buffer_append_string(&want, i % 3 ? "x" : "x\n");
    struct text_run a = {.out = &got, .start = i % 5 ? 0 : got.len, .space = i % 7 == 0}, b = a;
    b.out = &want;
    size_t cut = text.len;
    if (i % 4 == 0) { /* in two parts, at a character */
      cut = text.len / 2;
      while (cut < text.len && ((unsigned char)copy[cut] & 0xC0) == 0x80) cut++;
    }
    text_append(&a, copy, cut);
    text_append(&a, copy + cut, text.len - cut);
    slow_append(&b, copy, text.len);
    appended += got.len == want.len && memcmp(got.data ? got.data : "", want.data ? want.data : "", got.len) == 0 && a.space == b.space && a.written == b.written;
    words += text_words(copy, text.len) == slow_words(copy, text.len);
    struct text_look look, slow;
    text_look_at(copy, text.len, &look);
    slow_look(copy, text.len, &slow);
    looks += memcmp(&look, &slow, sizeof look) == 0;
    uint32_t e[64], f[64];
    unsigned max = i % 2 ? 64 : 6, n = text_edges(copy, text.len, e, max);
    edges += n == slow_edges(copy, text.len, f, max) && memcmp(e, f, n * sizeof *e) == 0;
    size_t head = text.len < 64 ? text.len : 64;
    replies += text_reply_starts(copy, head) == slow_reply_starts(copy, head);
    free(copy);
  }
  const char *name = simd_name(level);
  ok_int(appended, rounds, "text is written as code point by code point");
  ok_int(words, rounds, "words are counted so");
  ok_int(looks, rounds, "signs are counted so");
  ok_int(edges, rounds, "words' edges are found so");
  ok_int(replies, rounds, "starts of forum words are found so");
  note("at level %s", name);
  buffer_release(&text);
  buffer_release(&got);
  buffer_release(&want);
}

static const char *written(const char *s) {
  static struct buffer b;
  b.len = 0;
  text_append(&(struct text_run){.out = &b}, s, strlen(s));
  return buffer_string(&b);
}

static const char *written_pre(const char *s) {
  static struct buffer b;
  b.len = 0;
  text_append_pre(&b, s, strlen(s), true);
  return buffer_string(&b);
}

int main(void) {
  ok_string(written("  one \n two\xC2\xA0three\xE2\x80\x8B" "four\xC2\xAD "), "one two threefour", "white space is one space, zero-width characters nothing");
  ok_string(written("\xC2\x93quoted\xC2\x94"), "\xE2\x80\x9Cquoted\xE2\x80\x9D", "C1 controls are windows-1252");
  ok_string(written_pre("\r\n  a\r\n\tb\rc\x01\n"), "  a\n\tb\nc\n", "white space stands in pre, but for a first newline");
  ok_string(written_pre("\xEF\xBB\xBF" "a\xE2\x80\xAE" "b\xEE\x80\x80\xE2\x80\x8B\xC2\xAD" "c\xE2\x80\x8D \xC2\xA0\xC2\x93"), "abc\xE2\x80\x8D \xC2\xA0\xE2\x80\x9C", "what nobody is to see goes there as well");
  struct buffer none = {0};
  ok(text_append_pre(&none, "\r", 1, true) && none.len == 0, "a pre without text still waits for its first newline");
  buffer_release(&none);
  ok_int(text_words("one two-three it's x_1 \xC3\xA9t\xC3\xA9 \xE2\x80\x9Cq\xE2\x80\x9D", 34), 8, "words are runs of letters, digits and _");
  ok_int(text_words("\xE4\xB8\xAD\xE6\x96\x87\xE5\xAD\x97\xE7\xAC\xA6", 12), 2, "two characters of Chinese are a word");
  enum simd widest = simd_force(SIMD_AVX512);
  for (enum simd level = SIMD_SCALAR; level <= widest; level++) at_level(simd_force(level));
  return tap_done();
}
