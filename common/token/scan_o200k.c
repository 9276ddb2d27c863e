/* SPDX-License-Identifier: MIT
 *
 * o200k's pattern and Mistral's tekken; see pattern.c.
 *
 * Wide: windows (scan_window.h) with words of letters and marks, which also start where a capital follows a small letter,
 * and take a contraction behind them.  Left to the scalar code: a capital behind a character without case, since it depends
 * on what follows whether the word ends between them; a mark that follows no word, which signs take too; a / behind the
 * newlines that signs took.
 */
#include "common/token/scan.h"
#include "common/token/scan_characters.h"
#include "common/token/scan_window.h"

/* What `[Lu Lt Lm Lo M]*[Ll Lm Lo M]+` matches at p, or NULL.  *heads: the end of the longest run of its first part.
 * The first part takes all it can; when no small letter follows, it gives back down to the last caseless one. */
static inline const uint8_t *cased_word(const struct classes *c, const uint8_t *p, const uint8_t *end, const uint8_t **heads) {
  const uint8_t *after_caseless = NULL;
  unsigned length, bits;
  for (;; p += length) {
    bits = p < end ? classes_bits_at(c, p, end, &length) : 0;
    if (!(bits & CASE_HEAD)) break;
    if (bits & CASE_TAIL) after_caseless = p + length;
  }
  *heads = p;
  if (!(bits & CASE_TAIL)) return after_caseless;
  while (p < end && (classes_bits_at(c, p, end, &length) & CASE_TAIL)) p += length;
  return p;
}

static const uint8_t *next_o200k(const struct pattern *pattern, const struct classes *c, const uint8_t *p, const uint8_t *end) {
  unsigned length, second_length = 0;
  unsigned bits = classes_bits_at(c, p, end, &length);
  enum char_class k = (enum char_class)(bits & CLASS_MASK);
  if (k == CLASS_NUMBER) {
    const uint8_t *stop = p + length;
    for (int i = 1; i < pattern->digits && stop < end && classes_at(c, stop, end, &length) == CLASS_NUMBER; i++) stop += length;
    return stop;
  }
  /* A word, with the character before it or without; then one of capitals alone, the same. */
  bool joins = k != CLASS_LETTER && *p != '\n' && *p != '\r';
  const uint8_t *second = p + length, *word = NULL, *heads = p, *heads_joined = second;
  if (joins) word = cased_word(c, second, end, &heads_joined);
  if (!word && (bits & (CASE_HEAD | CASE_TAIL))) word = cased_word(c, p, end, &heads);
  if (!word && joins && heads_joined > second) word = heads_joined;
  if (!word && heads > p) word = heads;
  if (word) return pattern->plain ? word : contraction(word, end);
  enum char_class k2 = second < end ? classes_at(c, second, end, &second_length) : CLASS_SPACE;
  if (k == CLASS_OTHER || (*p == ' ' && k2 == CLASS_OTHER)) {
    const uint8_t *stop = run(c, second, end, CLASS_OTHER);
    while (stop < end && (*stop == '\n' || *stop == '\r' || *stop == '/')) stop++;
    return stop;
  }
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  if (newline > p) return newline;
  return stop == end || last == p ? stop : last;
}

#ifdef __x86_64__

SCAN_AVX2 uint64_t starts_o200k(const struct pattern *pattern, const struct scan_block *b, uint64_t space, uint64_t newline, uint64_t apostrophe,
                                uint64_t slash, const uint8_t *p, const uint8_t *end) {
  uint64_t mark = b->other & b->head, capital = b->head & ~b->tail, small = b->tail & ~b->head;
  struct window w = {.word = b->letter | mark, .sign = b->other & ~mark, .number = b->number, .white = b->white, .newline = newline & b->white,
                     .space = space & b->white, .inner = b->inner, .length = b->length, .digits = (unsigned)pattern->digits};
  w.undecided = (mark & ~(w.word << 1)) | (capital & (b->head & b->tail) << 1);
  uint64_t starts = window_starts(&w) | (capital & small << 1);
  w.undecided |= slash & w.absorbed << 1;
  unsigned stop = 0; /* end of the contraction before: an apostrophe there starts a piece */
  for (uint64_t m = pattern->plain ? 0 : apostrophe & w.word << 1; m; m &= m - 1) {
    unsigned i = scan_bottom(m), length = (unsigned)(contraction(p + i, end) - (p + i));
    if (length == 0 || i == stop) continue;
    stop = i + length;
    if (stop >= b->length) {
      w.undecided |= UINT64_C(1) << i;
      break;
    }
    starts = (starts & ~(scan_low(length) << i)) | UINT64_C(1) << stop;
  }
  return window_certain(&w, starts);
}

#define SCAN_WIDE_O200K(level, target) \
  target static int scan_o200k_##level(const struct pattern *pattern, const struct classes *c, const uint8_t *text, const uint8_t *end, uint32_t *ends, int max) { \
    const uint8_t *at = text; \
    int count = 0, patience = 1; /* pieces of scalar code where windows are of no use */ \
    while (count < max && at < end) { \
      struct scan_bytes_##level v = scan_load_##level(at, end); \
      struct scan_block b = scan_classify_##level(c, at, end, &v, true); \
      uint64_t newline = scan_equal_##level(&v, '\n') | scan_equal_##level(&v, '\r'); \
      uint64_t starts = starts_o200k(pattern, &b, scan_equal_##level(&v, ' '), newline, scan_equal_##level(&v, '\''), scan_equal_##level(&v, '/'), at, end); \
      if (starts) { \
        int before = count; \
        count = scan_emit_##level(starts, (uint32_t)(at - text), ends, count, max); \
        at = count - before == __builtin_popcountll(starts) ? at + scan_top(starts) : text + ends[count - 1]; \
        patience -= patience > 1; \
        continue; \
      } \
      for (int i = 0; i < patience && count < max && at < end; i++) { \
        at = next_o200k(pattern, c, at, end); \
        ends[count++] = (uint32_t)(at - text); \
      } \
      if (patience < 32) patience *= 2; \
    } \
    return count; \
  }

SCAN_WIDE_O200K(avx512, SIMD_TARGET_AVX512)
SCAN_WIDE_O200K(avx2, SIMD_TARGET_AVX2)
#endif

int scan_o200k(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  const struct classes *c = classes_get();
  const uint8_t *at = text, *end = text + n;
  int count = 0;
#ifdef __x86_64__
  enum simd level = max >= SCAN_WIDE ? simd_level() : SIMD_SCALAR;
  if (level == SIMD_AVX512) return scan_o200k_avx512(pattern, c, text, end, ends, max);
  if (level == SIMD_AVX2) return scan_o200k_avx2(pattern, c, text, end, ends, max);
#endif
  while (count < max && at < end) {
    at = next_o200k(pattern, c, at, end);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}
