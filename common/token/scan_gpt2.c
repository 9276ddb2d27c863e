/* SPDX-License-Identifier: MIT
 *
 * GPT-2's pattern: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * In masks (scan_block.h): a piece starts where the class changes, but not behind a space, which joins what follows; at
 * the first character of white space, and at its last one when something follows.  A contraction that starts at a start
 * moves the start behind its apostrophe to its end.  What the next block has to know is the class of the byte before it.
 */
#include "common/token/scan.h"
#include "common/token/scan_block.h"
#include "common/token/scan_characters.h"

/* The contraction that starts at p: its length, or 0. */
static inline unsigned contraction_gpt2(const uint8_t *p, const uint8_t *end) {
  if (end - p < 2 || *p != '\'') return 0;
  uint8_t a = p[1];
  if (a == 's' || a == 'd' || a == 'm' || a == 't') return 2;
  return end - p >= 3 && ((a == 'l' && p[2] == 'l') || ((a == 'v' || a == 'r') && p[2] == 'e')) ? 3 : 0;
}

static const uint8_t *next_gpt2(const struct classes *c, const uint8_t *p, const uint8_t *end) {
  unsigned length = contraction_gpt2(p, end);
  if (length) return p + length;
  enum char_class k;
  if (*p == ' ' && p + 1 < end) {
    k = classes_at(c, p + 1, end, &length);
    if (k != CLASS_SPACE) return run(c, p + 1 + length, end, k);
  }
  k = classes_at(c, p, end, &length);
  if (k != CLASS_SPACE) return run(c, p + length, end, k);
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  return stop == end || last == p ? stop : last;
}

#ifdef __x86_64__

/* Of the byte before a block, 0 or 1 each; all 0: a piece starts there. */
struct before {
  uint64_t letter, number, other, white, space;
};

/* The starts of pieces in [0, *used) of the block at p, which the caller goes on behind. */
SCAN_AVX2 uint64_t starts_gpt2(const struct classes *c, const struct scan_block *b, uint64_t space, uint64_t apostrophe, const uint8_t *p, const uint8_t *end,
                               struct before *before, unsigned *used) {
  uint64_t same = (b->letter & (b->letter << 1 | before->letter)) | (b->number & (b->number << 1 | before->number)) | (b->other & (b->other << 1 | before->other));
  uint64_t word = b->letter | b->number | b->other, split = b->white & (word >> 1 | scan_word_behind(c, b, p, end));
  uint64_t starts = (word & ~same & ~(space << 1 | before->space)) | (b->white & ~(b->white << 1 | before->white));
  while (__builtin_expect((split & b->inner) != 0, 0)) split = (split & ~b->inner) | (split & b->inner) >> 1;
  starts |= split;
  *used = b->length;
  for (uint64_t m = starts & apostrophe & scan_letter_behind(b); m; m &= m - 1) {
    unsigned i = scan_bottom(m), length = contraction_gpt2(p + i, end);
    if (length == 0) continue;
    if (i + length >= *used) {
      *used = i + length;
      *before = (struct before){0};
      return starts & scan_low(i + 1);
    }
    starts = (starts & ~(UINT64_C(1) << (i + 1))) | UINT64_C(1) << (i + length);
  }
  unsigned last = *used - 1;
  *before = (struct before){b->letter >> last & 1, b->number >> last & 1, b->other >> last & 1, b->white >> last & 1, space >> last & 1};
  return starts;
}

#define SCAN_WIDE_GPT2(level, target) \
  target static int scan_gpt2_##level(const struct classes *c, const uint8_t *text, size_t n, uint32_t *ends, int max) { \
    const uint8_t *at = text, *end = text + n; \
    struct before before = {0}; \
    int count = 0; \
    while (at < end && count < max) { \
      struct scan_bytes_##level v = scan_load_##level(at, end); \
      struct scan_block b = scan_classify_##level(c, at, end, &v, false); \
      unsigned used; \
      uint64_t space = scan_equal_##level(&v, ' '), apostrophe = scan_equal_##level(&v, '\''), starts; \
      if (__builtin_expect(scan_plain(&b, at, end), 1)) { \
        b.length = 64, b.inner = 0; \
        starts = starts_gpt2(c, &b, space, apostrophe, at, end, &before, &used); \
      } else starts = starts_gpt2(c, &b, space, apostrophe, at, end, &before, &used); \
      if (at == text) starts &= ~UINT64_C(1); \
      count = scan_emit_##level(starts, (uint32_t)(at - text), ends, count, max); \
      at += used; \
    } \
    if (count < max) ends[count++] = (uint32_t)n; \
    return count; \
  }

SCAN_WIDE_GPT2(avx512, SIMD_TARGET_AVX512)
SCAN_WIDE_GPT2(avx2, SIMD_TARGET_AVX2)
#endif

int scan_gpt2(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  (void)pattern;
  const struct classes *c = classes_get();
  if (n == 0) return 0;
#ifdef __x86_64__
  enum simd level = max >= SCAN_WIDE ? simd_level() : SIMD_SCALAR;
  if (level == SIMD_AVX512) return scan_gpt2_avx512(c, text, n, ends, max);
  if (level == SIMD_AVX2) return scan_gpt2_avx2(c, text, n, ends, max);
#endif
  const uint8_t *at = text, *end = text + n;
  int count = 0;
  while (count < max && at < end) {
    at = next_gpt2(c, at, end);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}
