/* SPDX-License-Identifier: MIT
 *
 * Runs of classes.  Numbers: \p{N}, \p{N}{1,3} or \p{N}+, and what lies between them, the first stage of patterns in
 * stages.  Words: [\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]+, and white space and invalid bytes between them.
 */
#include "common/token/scan.h"
#include "common/token/scan_characters.h"
#include "common/token/scan_window.h"

static const uint8_t *next_numbers(const struct classes *c, const uint8_t *p, const uint8_t *end, int digits) {
  unsigned length;
  if (classes_at(c, p, end, &length) == CLASS_NUMBER) {
    for (int i = 0; p < end && (digits == 0 || i < digits) && classes_at(c, p, end, &length) == CLASS_NUMBER; i++) p += length;
    return p;
  }
  while (p < end && classes_at(c, p, end, &length) != CLASS_NUMBER) p += length;
  return p;
}

#ifdef __x86_64__

/* Windows, as in scan_window.h; what lies between numbers may be longer than one. */
#define SCAN_WIDE_NUMBERS(level, target) \
  target static int scan_numbers_##level(const struct classes *c, const uint8_t *text, const uint8_t *end, uint32_t *ends, int max, unsigned digits) { \
    const uint8_t *at = text; \
    int count = 0; \
    while (count < max && at < end) { \
      struct scan_bytes_##level v = scan_load_##level(at, end); \
      struct scan_block b = scan_classify_##level(c, at, end, &v, false); \
      struct window w = {.number = b.number, .inner = b.inner, .length = b.length, .digits = digits}; \
      uint64_t starts = b.number ^ b.number << 1; \
      if (digits) starts |= window_starts(&w); \
      starts = window_certain(&w, starts); \
      if (starts) { \
        count = scan_emit_##level(starts, (uint32_t)(at - text), ends, count, max); \
        at = text + ends[count - 1]; \
        continue; \
      } \
      if (b.number & 1) at = next_numbers(c, at, end, (int)digits); \
      else \
        for (;;) { \
          at += b.number ? scan_bottom(b.number) : b.length; \
          if (at == end || b.number) break; \
          v = scan_load_##level(at, end); \
          b = scan_classify_##level(c, at, end, &v, false); \
        } \
      ends[count++] = (uint32_t)(at - text); \
    } \
    return count; \
  }

SCAN_WIDE_NUMBERS(avx512, SIMD_TARGET_AVX512)
SCAN_WIDE_NUMBERS(avx2, SIMD_TARGET_AVX2)
#endif

int scan_numbers(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  const struct classes *c = classes_get();
  const uint8_t *at = text, *end = text + n;
  int count = 0;
#ifdef __x86_64__
  enum simd level = max >= SCAN_WIDE ? simd_level() : SIMD_SCALAR;
  if (level == SIMD_AVX512) return scan_numbers_avx512(c, text, end, ends, max, (unsigned)pattern->digits);
  if (level == SIMD_AVX2) return scan_numbers_avx2(c, text, end, ends, max, (unsigned)pattern->digits);
#endif
  while (count < max && at < end) {
    at = next_numbers(c, at, end, pattern->digits);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}

enum run { RUN_WORD, RUN_SIGNS, RUN_BETWEEN };

static inline enum run run_at(const struct classes *c, const uint8_t *p, const uint8_t *end, unsigned *length) {
  unsigned bits = classes_bits_at(c, p, end, length);
  enum char_class k = (enum char_class)(bits & CLASS_MASK);
  if (k == CLASS_LETTER || k == CLASS_NUMBER || bits & CASE_HEAD || *p == '_') return RUN_WORD;
  return k == CLASS_SPACE || (*p >= 0x80 && *length == 1) ? RUN_BETWEEN : RUN_SIGNS;
}

#ifdef __x86_64__

#define SCAN_WIDE_WORDS(level, target) \
  target static int scan_words_##level(const struct classes *c, const uint8_t *text, const uint8_t *end, uint32_t *ends, int max) { \
    const uint8_t *at = text; \
    uint64_t word_before = 0, between_before = 0; \
    int count = 0; \
    while (count < max && at < end) { \
      struct scan_bytes_##level v = scan_load_##level(at, end); \
      struct scan_block b = scan_classify_##level(c, at, end, &v, true); \
      uint64_t word = b.letter | b.number | (b.other & b.head) | (scan_equal_##level(&v, '_') & scan_low(b.length)); \
      uint64_t between = b.white | (scan_high_bytes_##level(&v) & scan_low(b.length) & ~b.inner & ~(b.inner >> 1)); \
      uint64_t starts = ((word ^ (word << 1 | word_before)) | (between ^ (between << 1 | between_before))) & scan_low(b.length); \
      if (at == text) starts &= ~UINT64_C(1); \
      count = scan_emit_##level(starts, (uint32_t)(at - text), ends, count, max); \
      word_before = word >> (b.length - 1) & 1, between_before = between >> (b.length - 1) & 1; \
      at += b.length; \
    } \
    if (count < max) ends[count++] = (uint32_t)(end - text); \
    return count; \
  }

SCAN_AVX512 uint64_t scan_high_bytes_avx512(const struct scan_bytes_avx512 *v) { return _mm512_movepi8_mask(v->v); }
SCAN_AVX2 uint64_t scan_high_bytes_avx2(const struct scan_bytes_avx2 *v) { return scan_join_avx2(v->a, v->b); }

SCAN_WIDE_WORDS(avx512, SIMD_TARGET_AVX512)
SCAN_WIDE_WORDS(avx2, SIMD_TARGET_AVX2)
#endif

int scan_words(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  (void)pattern;
  const struct classes *c = classes_get();
  const uint8_t *at = text, *end = text + n;
  int count = 0;
#ifdef __x86_64__
  enum simd level = n && max >= SCAN_WIDE ? simd_level() : SIMD_SCALAR;
  if (level == SIMD_AVX512) return scan_words_avx512(c, text, end, ends, max);
  if (level == SIMD_AVX2) return scan_words_avx2(c, text, end, ends, max);
#endif
  while (count < max && at < end) {
    unsigned length;
    enum run k = run_at(c, at, end, &length);
    do at += length;
    while (at < end && run_at(c, at, end, &length) == k);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}
