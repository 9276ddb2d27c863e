/* SPDX-License-Identifier: MIT
 *
 * Long texts are checked 64 or 32 bytes at a time by three table look-ups (Keiser and Lemire 2021, "Validating UTF-8 in less
 * than one instruction per byte", https://arxiv.org/abs/2010.03090); scalar code does the ends and finds where an error is.
 */
#include "common/base/utf8.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/simd.h"

int utf8_decode(const char *text, size_t n, uint32_t *code_point, int *invalid) {
  const unsigned char *s = (const unsigned char *)text;
  unsigned c = s[0];
  *invalid = 1;
  if (c < 0x80) {
    *code_point = c;
    return 1;
  }
  if (c < 0xC2 || c > 0xF4) return 0;
  int length = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  /* the second byte's range excludes overlong forms, surrogates and values above U+10FFFF */
  unsigned low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80, high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
  uint32_t value = c & (0x7Fu >> length);
  for (int i = 1; i < length; i++) {
    if ((size_t)i >= n || s[i] < low || s[i] > high) {
      *invalid = i;
      return 0;
    }
    value = value << 6 | (s[i] & 0x3Fu);
    low = 0x80, high = 0xBF;
  }
  *code_point = value;
  return length;
}

/* The end of the valid text from `i`, where a character begins. */
static size_t valid_scalar(const char *s, size_t n, size_t i) {
  while (i < n) {
    uint64_t word;
    while (i + 8 <= n && (memcpy(&word, s + i, 8), (word & 0x8080808080808080u) == 0)) i += 8;
    while (i < n && (unsigned char)s[i] < 0x80) i++;
    while (i < n && (unsigned char)s[i] >= 0x80) {
      uint32_t code_point;
      int invalid, length = utf8_decode(s + i, n - i, &code_point, &invalid);
      if (!length) return i;
      i += (size_t)length;
    }
  }
  return n;
}

#ifdef __x86_64__
/* What a pair of bytes can have wrong, a bit each: of the first byte's upper half, its lower half and the second byte's upper
 * half, each allows some; what all three allow is wrong.  Bit 7, two continuation bytes in a row, is right exactly where
 * the byte two or three before begins a long character. */
enum {
  TOO_SHORT = 1, TOO_LONG = 2, OVERLONG_3 = 4, TOO_LARGE = 8, SURROGATE = 16, OVERLONG_2 = 32, TOO_LARGE_1000 = 64, OVERLONG_4 = 64, TWO_CONTINUE = 128,
  ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTINUE,
  ANY_SECOND = TOO_LONG | OVERLONG_2 | TWO_CONTINUE,
};
static const uint8_t first_high[16] = {
  TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TWO_CONTINUE, TWO_CONTINUE, TWO_CONTINUE, TWO_CONTINUE,
  TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4};
static const uint8_t first_low[16] = {
  ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, ANY_LOW | OVERLONG_2, ANY_LOW, ANY_LOW, ANY_LOW | TOO_LARGE,
  ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
  ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
  ANY_LOW | TOO_LARGE | TOO_LARGE_1000 | SURROGATE, ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000};
static const uint8_t second_high[16] = {
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, ANY_SECOND | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
  ANY_SECOND | OVERLONG_3 | TOO_LARGE, ANY_SECOND | SURROGATE | TOO_LARGE, ANY_SECOND | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT};

/* A character that needs bytes at s[i] or behind has begun. */
static bool incomplete(const char *s, size_t i) { return (uint8_t)s[i - 1] >= 0xC0 || (uint8_t)s[i - 2] >= 0xE0 || (uint8_t)s[i - 3] >= 0xF0; }

/* From i >= 3, before which all is valid: the start of the first block that is not, or of what is left. */
SIMD_TARGET_AVX512 static size_t valid_avx512(const char *s, size_t n, size_t i) {
  const __m512i t1 = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)first_high)), t2 = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)first_low)),
                t3 = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)second_high)), nibble = _mm512_set1_epi8(15), top = _mm512_set1_epi8((char)0x80);
  for (bool ascii = true; i + 64 <= n; i += 64) {
    __m512i here = _mm512_loadu_si512(s + i);
    if (_mm512_movepi8_mask(here) == 0) {
      if (!ascii && incomplete(s, i)) return i;
      ascii = true;
      continue;
    }
    ascii = false;
    __m512i before = _mm512_loadu_si512(s + i - 1), second = _mm512_loadu_si512(s + i - 2), third = _mm512_loadu_si512(s + i - 3);
    __m512i wrong = _mm512_shuffle_epi8(t1, _mm512_and_si512(_mm512_srli_epi16(before, 4), nibble));
    wrong = _mm512_and_si512(wrong, _mm512_shuffle_epi8(t2, _mm512_and_si512(before, nibble)));
    wrong = _mm512_and_si512(wrong, _mm512_shuffle_epi8(t3, _mm512_and_si512(_mm512_srli_epi16(here, 4), nibble)));
    __m512i longer = _mm512_or_si512(_mm512_subs_epu8(second, _mm512_set1_epi8(0xE0 - 0x80)), _mm512_subs_epu8(third, _mm512_set1_epi8(0xF0 - 0x80)));
    if (_mm512_test_epi8_mask(_mm512_xor_si512(_mm512_and_si512(longer, top), wrong), _mm512_set1_epi8(-1))) return i;
  }
  return i;
}

SIMD_TARGET_AVX2 static size_t valid_avx2(const char *s, size_t n, size_t i) {
  const __m256i t1 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)first_high)), t2 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)first_low)),
                t3 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)second_high)), nibble = _mm256_set1_epi8(15), top = _mm256_set1_epi8((char)0x80);
  for (bool ascii = true; i + 32 <= n; i += 32) {
    __m256i here = _mm256_loadu_si256((const __m256i *)(s + i));
    if (_mm256_movemask_epi8(here) == 0) {
      if (!ascii && incomplete(s, i)) return i;
      ascii = true;
      continue;
    }
    ascii = false;
    __m256i before = _mm256_loadu_si256((const __m256i *)(s + i - 1)), second = _mm256_loadu_si256((const __m256i *)(s + i - 2)), third = _mm256_loadu_si256((const __m256i *)(s + i - 3));
    __m256i wrong = _mm256_shuffle_epi8(t1, _mm256_and_si256(_mm256_srli_epi16(before, 4), nibble));
    wrong = _mm256_and_si256(wrong, _mm256_shuffle_epi8(t2, _mm256_and_si256(before, nibble)));
    wrong = _mm256_and_si256(wrong, _mm256_shuffle_epi8(t3, _mm256_and_si256(_mm256_srli_epi16(here, 4), nibble)));
    __m256i longer = _mm256_or_si256(_mm256_subs_epu8(second, _mm256_set1_epi8(0xE0 - 0x80)), _mm256_subs_epu8(third, _mm256_set1_epi8(0xF0 - 0x80)));
    wrong = _mm256_xor_si256(_mm256_and_si256(longer, top), wrong);
    if (!_mm256_testz_si256(wrong, wrong)) return i;
  }
  return i;
}

SIMD_TARGET_AVX512 static size_t count_avx512(const char *s, size_t n, size_t *count) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64) *count += (size_t)_mm_popcnt_u64(_mm512_cmpgt_epi8_mask(_mm512_loadu_si512(s + i), _mm512_set1_epi8(-65)));
  return i;
}

SIMD_TARGET_AVX2 static size_t count_avx2(const char *s, size_t n, size_t *count) {
  size_t i = 0;
  for (; i + 32 <= n; i += 32)
    *count += (size_t)_mm_popcnt_u32((unsigned)_mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_loadu_si256((const __m256i *)(s + i)), _mm256_set1_epi8(-65))));
  return i;
}
#endif

size_t utf8_valid_prefix(const char *s, size_t n) {
  size_t i = 0;
#ifdef __x86_64__
  enum simd level = n < 64 ? SIMD_SCALAR : simd_level();
  if (level != SIMD_SCALAR) {
    while (i < 3) { /* the bytes before a block are looked at */
      uint32_t code_point;
      int invalid, length = utf8_decode(s + i, n - i, &code_point, &invalid);
      if (!length) return i;
      i += (size_t)length;
    }
    size_t from = i;
    i = level == SIMD_AVX512 ? valid_avx512(s, n, i) : valid_avx2(s, n, i);
    /* back to the start of a character that the blocks before left open */
    if (i > from)
      for (size_t k = 1; k <= 3; k++)
        if ((uint8_t)s[i - k] >= 0xC0) {
          if ((uint8_t)s[i - k] >= (k == 1 ? 0xC0 : k == 2 ? 0xE0 : 0xF0)) i -= k;
          break;
        }
  }
#endif
  return valid_scalar(s, n, i);
}

int utf8_encode(uint32_t c, char bytes[4]) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = 0xFFFD;
  if (c < 0x80) return bytes[0] = (char)c, 1;
  int length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; i--, c >>= 6) bytes[i] = (char)(0x80 | (c & 0x3F));
  bytes[0] = (char)((0xF00u >> length & 0xFF) | c);
  return length;
}

void utf8_append(struct buffer *b, uint32_t code_point) {
  char bytes[4];
  buffer_append(b, bytes, (size_t)utf8_encode(code_point, bytes));
}

void utf8_sanitize(struct buffer *out, const char *s, size_t n, uint64_t *invalid, uint64_t *nul) {
  while (n) {
    size_t valid = utf8_valid_prefix(s, n);
    n -= valid;
    for (const char *end = s + valid; s < end;) {
      const char *zero = memchr(s, 0, (size_t)(end - s));
      size_t good = zero ? (size_t)(zero - s) : (size_t)(end - s);
      buffer_append(out, s, good);
      s += good;
      if (zero) ++*nul, s++;
    }
    if (!n) return;
    uint32_t code_point;
    int skip;
    utf8_decode(s, n, &code_point, &skip);
    buffer_append(out, "\xEF\xBF\xBD", 3);
    ++*invalid;
    s += skip, n -= (size_t)skip;
  }
}

size_t utf8_count(const char *s, size_t n) {
  size_t count = 0, i = 0;
#ifdef __x86_64__
  enum simd level = simd_level();
  if (level == SIMD_AVX512) i = count_avx512(s, n, &count);
  else if (level == SIMD_AVX2) i = count_avx2(s, n, &count);
#endif
  for (; i < n; i++) count += ((unsigned char)s[i] & 0xC0) != 0x80;
  return count;
}
