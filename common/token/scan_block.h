/* SPDX-License-Identifier: MIT
 *
 * 64 bytes of text to bit masks of character classes: what the wide scanners share.
 *
 * A block starts at the start of a character (or at an invalid byte) and holds whole characters only: `length` is 64, or
 * less by the one that the block's end would cut, or what is left of the text.  Bit i stands for byte i; every byte of a
 * character has its character's class; bits at and above `length` are 0 in every mask.  An invalid byte is "other", and
 * a character of its own, exactly as in classes_bits_at().
 *
 * ASCII is classified by a permutation of a table of 128 (AVX-512) or by comparisons (AVX2).  In other text masks of
 * leads and continuations say which characters are valid.  AVX-512 then knows most classes by the lead alone (ideographs,
 * Hangul, Cyrillic) or from bit maps held in registers (U+0080 to U+0FFF, punctuation, kana, full-width forms), see struct
 * classes_wide; what is left, and all with AVX2, is looked up one by one and laid down at the first bytes.  One addition a
 * mask floods a class over the other bytes of its characters.
 *
 * The functions are inlined; `cases` is a constant of the caller: false leaves head and tail out at no cost.  Masks that a
 * caller does not use cost nothing.  How to use:
 *
 *   SIMD_TARGET_AVX512 static int scan(...) {
 *     struct scan_bytes_avx512 v = scan_load_avx512(p, end);
 *     struct scan_block b = scan_classify_avx512(c, p, end, &v, true);
 *     uint64_t newline = scan_equal_avx512(&v, '\n') ...;
 *     n = scan_emit_avx512(starts, (uint32_t)(p - text), ends, n, max);
 *     p += b.length;
 */
#ifndef TOKEN_SCAN_BLOCK_H
#define TOKEN_SCAN_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/simd.h"
#include "common/token/classes.h"

struct scan_block {
  uint64_t letter, number, white, other; /* \p{L}, \p{N}, \p{White_Space}, the rest: disjoint, together the low `length` bits */
  uint64_t inner;                        /* bytes of a character after its first */
  uint64_t head, tail;                   /* CASE_HEAD, CASE_TAIL (a mark is other with both); 0 unless `cases` */
  unsigned length;                       /* 61 to 64, at the end of the text 1 to 64 */
};

#define SCAN_INLINE static inline __attribute__((always_inline))

/* The runs of `through` whose first bits are in `from` (only first bits of runs may be). */
SCAN_INLINE uint64_t scan_flood(uint64_t from, uint64_t through) { return through & ~(through + from); }

/* Index of the highest bit; bits is not 0. */
SCAN_INLINE unsigned scan_top(uint64_t bits) { return 63 - (unsigned)__builtin_clzll(bits); }
SCAN_INLINE unsigned scan_bottom(uint64_t bits) { return (unsigned)__builtin_ctzll(bits); }

/* The block's last bit when a character that is not white space follows the block. */
SCAN_INLINE uint64_t scan_word_behind(const struct classes *c, const struct scan_block *b, const uint8_t *p, const uint8_t *end) {
  unsigned unused;
  p += b->length;
  if (p >= end) return 0;
  unsigned k = c->byte[*p];
  if (k == CLASS_LOOK) k = classes_at(c, p, end, &unused);
  return (uint64_t)(k != CLASS_SPACE) << (b->length - 1);
}

/* A whole block of ASCII with more text behind it; a caller may then set ->length to 64 and ->inner to 0 once more, so that
 * the compiler knows them in the code for most blocks. */
SCAN_INLINE bool scan_plain(const struct scan_block *b, const uint8_t *p, const uint8_t *end) { return b->length == 64 && b->inner == 0 && end - p > 64; }

/* Where the next byte is, or behind the block may be, one of a letter. */
SCAN_INLINE uint64_t scan_letter_behind(const struct scan_block *b) { return b->letter >> 1 | UINT64_C(1) << (b->length - 1); }

#ifdef __x86_64__
#include <immintrin.h>

#define SCAN_AVX512 SIMD_TARGET_AVX512 SCAN_INLINE
#define SCAN_AVX2 SIMD_TARGET_AVX2 SCAN_INLINE

/* Bits 0 .. n-1, n <= 64. */
SCAN_AVX2 uint64_t scan_low(unsigned n) { return _bzhi_u64(~UINT64_C(0), n); }

/* What the levels measure of a block with bytes at or above 0x80. */
struct scan_leads {
  uint64_t high, continuation;       /* >= 0x80; 0x80 .. 0xBF */
  uint64_t short_form, three, four;  /* 0xC0, 0xC1 and > 0xF4; >= 0xE0; >= 0xF0 */
  uint64_t e0, ed, f0, f4;           /* leads with a limit on the second byte */
  uint64_t from_90, from_a0;         /* bytes at or above */
};

/* Finds the valid characters: sets block->inner and ->length; valid[0 .. 2]: leads of characters of two, three, four bytes. */
SCAN_AVX2 void scan_characters(struct scan_block *block, const struct scan_leads *l, bool more, uint64_t valid[3]) {
  uint64_t lead = l->high & ~l->continuation & ~l->short_form;
  uint64_t two = lead & ~l->three, three = lead & l->three & ~l->four, four = lead & l->four;
  if (more) {
    uint64_t cut = (lead & UINT64_C(1) << 63) | ((three | four) & UINT64_C(1) << 62) | (four & UINT64_C(1) << 61);
    block->length = (unsigned)_tzcnt_u64(cut); /* 64 of 0 */
  }
  uint64_t c1 = l->continuation >> 1, c2 = c1 & l->continuation >> 2, c3 = c2 & l->continuation >> 3;
  uint64_t limit = (l->e0 & ~(l->from_a0 >> 1)) | (l->ed & l->from_a0 >> 1) | (l->f0 & ~(l->from_90 >> 1)) | (l->f4 & l->from_90 >> 1);
  valid[0] = two & c1;
  valid[1] = three & c2 & ~limit;
  valid[2] = four & c3 & ~limit;
  block->inner = (valid[0] | valid[1] | valid[2]) << 1 | (valid[1] | valid[2]) << 2 | valid[2] << 3;
}

/* Lays the class bits of the valid characters of p[0 .. 64) with leads in `wanted` down at their first bytes. */
SCAN_INLINE void scan_look_up(const struct classes *c, const uint8_t *p, uint64_t wanted, const uint64_t valid[3], uint8_t bits[64]) {
  for (uint64_t m = valid[0] & wanted; m; m &= m - 1) {
    unsigned i = scan_bottom(m);
    bits[i] = c->basic[(uint32_t)(p[i] & 0x1F) << 6 | (p[i + 1] & 0x3F)];
  }
  for (uint64_t m = valid[1] & wanted; m; m &= m - 1) {
    unsigned i = scan_bottom(m);
    bits[i] = c->basic[(uint32_t)(p[i] & 0x0F) << 12 | (uint32_t)(p[i + 1] & 0x3F) << 6 | (p[i + 2] & 0x3F)];
  }
  for (uint64_t m = valid[2] & wanted; m; m &= m - 1) {
    unsigned i = scan_bottom(m);
    bits[i] = (uint8_t)classes_bits(c, (uint32_t)(p[i] & 0x07) << 18 | (uint32_t)(p[i + 1] & 0x3F) << 12 | (uint32_t)(p[i + 2] & 0x3F) << 6 | (p[i + 3] & 0x3F));
  }
}

/* Adds the characters' classes to block's ASCII masks; k: bits 0 to 3 of what classes_bits() says, at leads. */
SCAN_INLINE void scan_spread(struct scan_block *b, const uint64_t k[4], bool cases) {
  uint64_t letter = k[0] & ~k[1], number = k[1] & ~k[0], white = k[0] & k[1];
  b->letter |= letter | scan_flood(letter << 1 & b->inner, b->inner);
  b->number |= number | scan_flood(number << 1 & b->inner, b->inner);
  b->white |= white | scan_flood(white << 1 & b->inner, b->inner);
  if (!cases) return;
  b->head |= k[2] | scan_flood(k[2] << 1 & b->inner, b->inner);
  b->tail |= k[3] | scan_flood(k[3] << 1 & b->inner, b->inner);
}

/* Cuts the masks at the block's length and sets ->other; the branch foretells whole ASCII blocks. */
SCAN_AVX2 void scan_finish(struct scan_block *b, bool high, bool cases) {
  uint64_t all = ~UINT64_C(0);
  if (high || b->length < 64) {
    all = scan_low(b->length);
    b->letter &= all, b->number &= all, b->white &= all, b->inner &= all;
    if (cases) b->head &= all, b->tail &= all;
  }
  b->other = all & ~(b->letter | b->number | b->white);
}

/* ---- AVX-512 -------------------------------------------------------------------------------------------------------- */

struct scan_bytes_avx512 {
  __m512i v; /* the first 64 bytes, 0 behind the text's end */
};

SCAN_AVX512 struct scan_bytes_avx512 scan_load_avx512(const uint8_t *p, const uint8_t *end) {
  struct scan_bytes_avx512 b;
  if (end - p >= 64) b.v = _mm512_loadu_si512(p);
  else b.v = _mm512_maskz_loadu_epi8(scan_low((unsigned)(end - p)), p);
  return b;
}

/* Where a byte is; bits at and above the block's length may be set (a caller that needs them gone cuts), but none behind
 * the text's end unless byte is 0. */
SCAN_AVX512 uint64_t scan_equal_avx512(const struct scan_bytes_avx512 *b, uint8_t byte) { return _mm512_cmpeq_epi8_mask(b->v, _mm512_set1_epi8((char)byte)); }

/* k[i] |= those of `wanted` with a bit in map[i]; at: its byte there, bit: its place in the byte. */
SCAN_AVX512 void scan_map_avx512(const uint8_t map[][256], __m512i at, __m512i bit, uint64_t wanted, uint64_t k[4], int planes) {
  __mmask64 upper = _mm512_movepi8_mask(at);
  for (int i = 0; i < planes; i++) {
    __m512i low = _mm512_permutex2var_epi8(_mm512_loadu_si512(map[i]), at, _mm512_loadu_si512(map[i] + 64));
    __m512i high = _mm512_permutex2var_epi8(_mm512_loadu_si512(map[i] + 128), at, _mm512_loadu_si512(map[i] + 192));
    k[i] |= _mm512_mask_test_epi8_mask(wanted, _mm512_mask_mov_epi8(low, upper, high), bit);
  }
}

SCAN_AVX512 void scan_high_avx512(const struct classes *c, const struct scan_bytes_avx512 *v, bool more, struct scan_block *b, bool cases) {
#define AT_LEAST(x) _mm512_cmpge_epu8_mask(v->v, _mm512_set1_epi8((char)(x)))
  struct scan_leads l = {.high = AT_LEAST(0x80), .three = AT_LEAST(0xE0), .four = AT_LEAST(0xF0), .from_90 = AT_LEAST(0x90), .from_a0 = AT_LEAST(0xA0)};
  uint64_t from_c0 = AT_LEAST(0xC0);
  l.continuation = l.high & ~from_c0;
  l.short_form = (from_c0 & ~AT_LEAST(0xC2)) | AT_LEAST(0xF5);
#undef AT_LEAST
  l.e0 = scan_equal_avx512(v, 0xE0), l.ed = scan_equal_avx512(v, 0xED), l.f0 = scan_equal_avx512(v, 0xF0), l.f4 = scan_equal_avx512(v, 0xF4);
  uint64_t valid[3], k[4];
  scan_characters(b, &l, more, valid);
  static const uint8_t next[64] __attribute__((aligned(64))) = {
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 63};
  const __m512i eighth = _mm512_broadcast_i32x4(_mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128));
  __m512i one = v->v, two = _mm512_permutexvar_epi8(_mm512_load_si512(next), one);
  const struct classes_wide *w = &c->wide;
  const int planes = cases ? 4 : 2;
  const __m512i low3 = _mm512_set1_epi8(7);
#define BY_LEAD(t) _mm512_permutexvar_epi8(one, _mm512_maskz_loadu_epi8(scan_low(48), t))
#define BIT_OF(x) _mm512_shuffle_epi8(eighth, _mm512_and_si512(x, low3))
#define BYTE_OF(high, x, low) \
  _mm512_or_si512(_mm512_and_si512(_mm512_slli_epi16(high, 3), _mm512_set1_epi8((char)(x))), _mm512_and_si512(_mm512_srli_epi16(low, 3), low3))
  /* Leads whose characters are alike. */
  __m512i alike = BY_LEAD(w->alike[cases]);
  uint64_t known = _mm512_cmple_epu8_mask(_mm512_sub_epi8(two, BY_LEAD(w->first[cases])), BY_LEAD(w->span[cases])) & ~_mm512_movepi8_mask(alike);
  known &= (valid[0] | valid[1]) & _mm512_cmpneq_epi8_mask(two, BY_LEAD(w->except[cases]));
  for (int i = 0; i < planes; i++) k[i] = _mm512_mask_test_epi8_mask(known, alike, _mm512_set1_epi8((char)(1 << i)));
  uint64_t pairs = valid[0] & ~known, rest = (valid[1] & ~known) | valid[2];
  if (pairs) scan_map_avx512(w->greek, BYTE_OF(one, 0xF8, two), BIT_OF(two), pairs, k, planes);
  if (rest) {
    __m512i three = _mm512_permutexvar_epi8(_mm512_load_si512(next), two);
    uint64_t indic = rest & l.e0, pages = rest & ~valid[2] & _mm512_cmpeq_epi8_mask(BY_LEAD(w->page_second), _mm512_and_si512(two, _mm512_set1_epi8((char)0xFC)));
    rest &= ~(indic | pages);
    if (indic) scan_map_avx512(w->indic, BYTE_OF(two, 0xF8, three), BIT_OF(three), indic, k, planes);
    if (pages) {
      __m512i bit = BIT_OF(three), at = _mm512_or_si512(BYTE_OF(two, 0x18, three), BY_LEAD(w->page_at));
      for (int i = 0; i < planes; i++)
        k[i] |= _mm512_mask_test_epi8_mask(pages, _mm512_permutex2var_epi8(_mm512_loadu_si512(w->pages[i]), at, _mm512_loadu_si512(w->pages[i] + 64)), bit);
    }
#undef BY_LEAD
#undef BIT_OF
#undef BYTE_OF
    if (rest) { /* one by one */
      uint8_t bytes[64] __attribute__((aligned(64))), bits[64] __attribute__((aligned(64)));
      _mm512_store_si512(bytes, v->v);
      _mm512_store_si512(bits, _mm512_setzero_si512());
      scan_look_up(c, bytes, rest, valid, bits);
      __m512i found = _mm512_load_si512(bits);
      for (int i = 0; i < planes; i++) k[i] |= _mm512_test_epi8_mask(found, _mm512_set1_epi8((char)(1 << i)));
    }
  }
  scan_spread(b, k, cases);
}

/* p: as given to scan_load_avx512(), p < end. */
SCAN_AVX512 struct scan_block scan_classify_avx512(const struct classes *c, const uint8_t *p, const uint8_t *end, const struct scan_bytes_avx512 *v, bool cases) {
  struct scan_block b = {.length = end - p < 64 ? (unsigned)(end - p) : 64};
  __mmask64 high = _mm512_movepi8_mask(v->v);
  __m512i k = _mm512_maskz_permutex2var_epi8(~high, _mm512_loadu_si512(c->basic), v->v, _mm512_loadu_si512(c->basic + 64));
  uint64_t bit0 = _mm512_test_epi8_mask(k, _mm512_set1_epi8(1)), bit1 = _mm512_test_epi8_mask(k, _mm512_set1_epi8(2));
  b.letter = bit0 & ~bit1, b.number = bit1 & ~bit0, b.white = bit0 & bit1;
  if (cases) b.head = _mm512_test_epi8_mask(k, _mm512_set1_epi8(CASE_HEAD)), b.tail = _mm512_test_epi8_mask(k, _mm512_set1_epi8(CASE_TAIL));
  if (__builtin_expect(high != 0, 0)) scan_high_avx512(c, v, end - p > 64, &b, cases);
  scan_finish(&b, high != 0, cases);
  return b;
}

/* Appends base + i for each bit i of starts to ends[count .. max), lowest first; what does not fit is left out.  Returns
 * the new count. */
SCAN_AVX512 int scan_emit_avx512(uint64_t starts, uint32_t base, uint32_t *ends, int count, int max) {
  static const uint8_t iota[64] __attribute__((aligned(64))) = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  int n = __builtin_popcountll(starts), room = max - count;
  __m512i at = _mm512_maskz_compress_epi8(starts, _mm512_load_si512(iota)), b = _mm512_set1_epi32((int)base);
  uint32_t *out = ends + count;
  if (n > room) n = room;
  if (__builtin_expect(room >= 64, 1)) {
#define WORD(i) _mm512_add_epi32(b, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(at, i)))
    _mm512_storeu_si512(out, WORD(0));
    _mm512_storeu_si512(out + 16, WORD(1));
    if (n > 32) _mm512_storeu_si512(out + 32, WORD(2)), _mm512_storeu_si512(out + 48, WORD(3));
#undef WORD
  } else {
    for (int i = 0; i < n; i += 16) {
      _mm512_mask_storeu_epi32(out + i, (__mmask16)(n - i >= 16 ? 0xFFFF : scan_low((unsigned)(n - i))), _mm512_add_epi32(b, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(at))));
      at = _mm512_shuffle_i64x2(at, at, 0x39);
    }
  }
  return count + n;
}

/* ---- AVX2 ----------------------------------------------------------------------------------------------------------- */

struct scan_bytes_avx2 {
  __m256i a, b; /* the first 64 bytes, 0 behind the text's end */
};

SCAN_AVX2 struct scan_bytes_avx2 scan_load_avx2(const uint8_t *p, const uint8_t *end) {
  uint8_t rest[64] __attribute__((aligned(32)));
  if (end - p < 64) {
    memset(rest, 0, sizeof rest);
    memcpy(rest, p, (size_t)(end - p));
    p = rest;
  }
  return (struct scan_bytes_avx2){_mm256_loadu_si256((const void *)p), _mm256_loadu_si256((const void *)(p + 32))};
}

SCAN_AVX2 uint64_t scan_join_avx2(__m256i a, __m256i b) {
  return (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
}

SCAN_AVX2 uint64_t scan_equal_avx2(const struct scan_bytes_avx2 *v, uint8_t byte) {
  __m256i k = _mm256_set1_epi8((char)byte);
  return scan_join_avx2(_mm256_cmpeq_epi8(v->a, k), _mm256_cmpeq_epi8(v->b, k));
}

/* first <= byte <= last, unsigned */
SCAN_AVX2 uint64_t scan_range_avx2(const struct scan_bytes_avx2 *v, uint8_t first, uint8_t last) {
  __m256i low = _mm256_set1_epi8((char)first), span = _mm256_set1_epi8((char)(last - first));
  __m256i a = _mm256_sub_epi8(v->a, low), b = _mm256_sub_epi8(v->b, low);
  return scan_join_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(a, span), a), _mm256_cmpeq_epi8(_mm256_min_epu8(b, span), b));
}

SCAN_AVX2 void scan_high_avx2(const struct classes *c, const struct scan_bytes_avx2 *v, uint64_t high, bool more, struct scan_block *b, bool cases) {
  struct scan_leads l = {.high = high, .three = scan_range_avx2(v, 0xE0, 0xFF), .four = scan_range_avx2(v, 0xF0, 0xFF)};
  l.from_90 = scan_range_avx2(v, 0x90, 0xFF), l.from_a0 = scan_range_avx2(v, 0xA0, 0xFF);
  l.continuation = scan_range_avx2(v, 0x80, 0xBF);
  l.short_form = scan_range_avx2(v, 0xC0, 0xC1) | scan_range_avx2(v, 0xF5, 0xFF);
  l.e0 = scan_equal_avx2(v, 0xE0), l.ed = scan_equal_avx2(v, 0xED), l.f0 = scan_equal_avx2(v, 0xF0), l.f4 = scan_equal_avx2(v, 0xF4);
  uint64_t valid[3], k[4];
  scan_characters(b, &l, more, valid);
  uint8_t bytes[64] __attribute__((aligned(64))), bits[64] __attribute__((aligned(64)));
  _mm256_store_si256((void *)bytes, v->a), _mm256_store_si256((void *)(bytes + 32), v->b);
  _mm256_store_si256((void *)bits, _mm256_setzero_si256()), _mm256_store_si256((void *)(bits + 32), _mm256_setzero_si256());
  scan_look_up(c, bytes, ~UINT64_C(0), valid, bits);
  __m256i a = _mm256_load_si256((const void *)bits), z = _mm256_load_si256((const void *)(bits + 32));
  for (int i = 0; i < (cases ? 4 : 2); i++) k[i] = scan_join_avx2(_mm256_slli_epi16(a, 7 - i), _mm256_slli_epi16(z, 7 - i));
  scan_spread(b, k, cases);
}

SCAN_AVX2 struct scan_block scan_classify_avx2(const struct classes *c, const uint8_t *p, const uint8_t *end, const struct scan_bytes_avx2 *v, bool cases) {
  struct scan_block b = {.length = end - p < 64 ? (unsigned)(end - p) : 64};
  __m256i fold = _mm256_set1_epi8(0x20);
  struct scan_bytes_avx2 folded = {_mm256_or_si256(v->a, fold), _mm256_or_si256(v->b, fold)};
  b.letter = scan_range_avx2(&folded, 'a', 'z');
  b.number = scan_range_avx2(v, '0', '9');
  b.white = scan_range_avx2(v, '\t', '\r') | scan_equal_avx2(v, ' ');
  if (cases) b.head = scan_range_avx2(v, 'A', 'Z'), b.tail = scan_range_avx2(v, 'a', 'z');
  uint64_t high = scan_join_avx2(v->a, v->b);
  if (__builtin_expect(high != 0, 0)) scan_high_avx2(c, v, high, end - p > 64, &b, cases);
  scan_finish(&b, high != 0, cases);
  return b;
}

/* As scan_emit_avx512(). */
SCAN_AVX2 int scan_emit_avx2(uint64_t starts, uint32_t base, uint32_t *ends, int count, int max) {
  int n = __builtin_popcountll(starts), room = max - count;
  uint32_t *out = ends + count;
  if (n > room) n = room;
  if (room >= 64) { /* a fixed number of steps, but for blocks full of pieces: the tail is written over */
#define EIGHT(from) \
  for (int k = from; k < (from) + 8; k++) { \
    out[k] = base + (uint32_t)_tzcnt_u64(starts); \
    starts = _blsr_u64(starts); \
  }
    EIGHT(0)
    EIGHT(8)
    if (n > 16) {
      EIGHT(16)
      for (int i = 24; i < n; i += 8) EIGHT(i)
    }
#undef EIGHT
  } else {
    for (int i = 0; i < n; i++) {
      out[i] = base + scan_bottom(starts);
      starts &= starts - 1;
    }
  }
  return count + n;
}

#endif
#endif
