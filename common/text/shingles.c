/* SPDX-License-Identifier: MIT
 *
 * A piece of text becomes a lowered copy and the places where its words begin and end; then the words' hashes, behind the
 * n - 1 that the last piece left; then the shingles'.  A piece ends before a word it does not hold whole; a word longer
 * than a piece is hashed as a stream.
 *
 * AVX-512 classifies 64 bytes at once, writes the places by compressing 0..63 with the masks (VBMI2), and hashes eight
 * words, then eight shingles, at a time.
 */
#include "common/text/shingles.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/simd.h"

enum { PIECE = 8192, SLACK = 64, SHORT = 16 /* bytes of a word that the mixing takes */, HORNER_MOST = 24 };

struct shingler {
  size_t ngram;
  enum simd level;
  uint64_t last_power;               /* FACTOR to the power ngram - 1 */
  uint64_t *hashes;                  /* of words: `carried` of the pieces before, then this piece's */
  size_t carried;
  bool any;                          /* a shingle of this text was given out */
  unsigned char lower[256];          /* 0: separates words */
  uint16_t begin[PIECE / 2 + SLACK], end[PIECE / 2 + SLACK];
  uint64_t out[PIECE / 2 + SLACK];
  unsigned char lowered[PIECE + SLACK];
};

/* Odd, with digits that look random: of splitmix64 (Steele et al. 2014), of the golden ratio, of murmur3's finaliser. */
#define MIX_1 0x9E3779B97F4A7C15u
#define MIX_2 0xBF58476D1CE4E5B9u
#define MIX_3 0x94D049BB133111EBu
#define MIX_4 0xFF51AFD7ED558CCDu
#define FACTOR 0xC4CEB9FE1A85EC53u /* 3 mod 8: its powers differ from each other in low bits, too */

static inline uint64_t mix_word(uint64_t first, uint64_t second) {
  uint64_t h = first * MIX_1;
  h = (h ^ h >> 32) * MIX_2;
  h = ((h ^ h >> 29) + second) * MIX_3;
  return h ^ h >> 32;
}

static inline uint64_t mix_shingle(uint64_t h) {
  h = (h ^ h >> 32) * MIX_4;
  return h ^ h >> 32;
}

struct shingler *shingler_new(int ngram) {
  struct shingler *s = NEW(struct shingler);
  s->ngram = (size_t)ngram;
  s->level = simd_level();
  s->last_power = 1;
  for (int i = 1; i < ngram; i++) s->last_power *= FACTOR;
  s->hashes = NEW_ARRAY(uint64_t, s->ngram + PIECE / 2 + SLACK);
  for (int c = 0; c < 256; c++) {
    bool upper = c >= 'A' && c <= 'Z';
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || upper || c >= 0x80) s->lower[c] = (unsigned char)(upper ? c + 32 : c);
  }
  return s;
}

void shingler_free(struct shingler *s) {
  if (!s) return;
  free(s->hashes);
  free(s);
}

/* ---- words of a piece: how many end in it; an unfinished one has its begin[] behind theirs */

static size_t find_words_scalar(struct shingler *s, const unsigned char *text, size_t n, bool *unfinished) {
  size_t words = 0;
  bool in_word = false;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = s->lower[text[i]];
    s->lowered[i] = c;
    if (c && !in_word) s->begin[words] = (uint16_t)i;
    if (!c && in_word) s->end[words++] = (uint16_t)i;
    in_word = c != 0;
  }
  *unfinished = in_word;
  return words;
}

/* The bytes of a word, zeros behind; up to 15 behind the word are read. */
static inline uint64_t load_word(const unsigned char *p, size_t length) {
  uint64_t bytes;
  memcpy(&bytes, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  bytes = __builtin_bswap64(bytes);
#endif
  return length >= 8 ? bytes : bytes & (((uint64_t)1 << 8 * length) - 1);
}

static inline uint64_t hash_word(const unsigned char *p, size_t length) {
  if (length > SHORT) return XXH3_64bits(p, length);
  return mix_word(load_word(p, length), length > 8 ? load_word(p + 8, length - 8) : 0);
}

static void hash_words_scalar(struct shingler *s, size_t words) {
  for (size_t k = 0; k < words; k++) s->hashes[s->carried + k] = hash_word(s->lowered + s->begin[k], (size_t)(s->end[k] - s->begin[k]));
}

static void hash_shingles_scalar(struct shingler *s, size_t count) {
  const uint64_t *w = s->hashes;
  size_t n = s->ngram;
  uint64_t h = 0;
  for (size_t j = 0; j + 1 < n; j++) h = h * FACTOR + w[j];
  for (size_t i = 0; i < count; i++) {
    h = h * FACTOR + w[i + n - 1];
    s->out[i] = mix_shingle(h);
    h -= w[i] * s->last_power;
  }
}

#if defined(__x86_64__)
#include <immintrin.h>

SIMD_TARGET_AVX2 static size_t find_words_avx2(struct shingler *s, const unsigned char *text, size_t n, bool *unfinished) {
  const __m256i zero = _mm256_set1_epi8('0' - 1), nine = _mm256_set1_epi8('9'), a = _mm256_set1_epi8('a' - 1), z = _mm256_set1_epi8('z');
  const __m256i upper_a = _mm256_set1_epi8('A' - 1), upper_z = _mm256_set1_epi8('Z'), case_bit = _mm256_set1_epi8(0x20);
  uint16_t *begin = s->begin, *end = s->end;
  uint32_t before = 0;
  unsigned char last[32] = {0};
  for (size_t i = 0; i < n; i += 32) {
    if (n - i < 32) memcpy(last, text + i, n - i);
    __m256i c = _mm256_loadu_si256((const __m256i *)(const void *)(n - i < 32 ? last : text + i));
    __m256i upper = _mm256_and_si256(_mm256_cmpgt_epi8(c, upper_a), _mm256_cmpgt_epi8(_mm256_add_epi8(upper_z, _mm256_set1_epi8(1)), c));
    __m256i lowered = _mm256_or_si256(c, _mm256_and_si256(upper, case_bit));
    __m256i letter = _mm256_andnot_si256(_mm256_cmpgt_epi8(lowered, z), _mm256_cmpgt_epi8(lowered, a)), digit = _mm256_andnot_si256(_mm256_cmpgt_epi8(c, nine), _mm256_cmpgt_epi8(c, zero));
    uint32_t word = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(letter, digit), c)); /* the top bit of c: bytes >= 0x80 */
    _mm256_storeu_si256((__m256i *)(void *)(s->lowered + i), lowered);
    uint32_t shifted = word << 1 | before;
    for (uint32_t m = word & ~shifted; m; m &= m - 1) *begin++ = (uint16_t)(i + _tzcnt_u32(m));
    for (uint32_t m = ~word & shifted; m; m &= m - 1) {
      size_t at = i + _tzcnt_u32(m);
      *end++ = (uint16_t)(at < n ? at : n);
    }
    before = word >> 31;
  }
  size_t begun = (size_t)(begin - s->begin), words = (size_t)(end - s->end);
  if (words && s->end[words - 1] == n) words--; /* by the zeros behind the text */
  *unfinished = begun > words;
  return words;
}

SIMD_TARGET_AVX512 static size_t find_words_avx512(struct shingler *s, const unsigned char *text, size_t n, bool *unfinished) {
  const __m512i zero = _mm512_set1_epi8('0'), letter = _mm512_set1_epi8('a'), upper = _mm512_set1_epi8('A');
  const __m512i case_bit = _mm512_set1_epi8(0x20), ten = _mm512_set1_epi8(10), alphabet = _mm512_set1_epi8(26);
  const __m512i iota = _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25,
                                       24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  uint16_t *begin = s->begin, *end = s->end;
  uint64_t before = 0;
  for (size_t i = 0; i < n; i += 64) {
    uint64_t valid = n - i >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << (n - i)) - 1;
    __m512i c = _mm512_maskz_loadu_epi8(valid, text + i);
    uint64_t is_upper = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(c, upper), alphabet);
    __m512i lowered = _mm512_mask_add_epi8(c, is_upper, c, case_bit);
    uint64_t word = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(lowered, letter), alphabet) | _mm512_cmplt_epu8_mask(_mm512_sub_epi8(c, zero), ten) | _mm512_movepi8_mask(c);
    uint64_t shifted = word << 1 | before, first = word & ~shifted, behind = ~word & shifted & valid;
    __m512i at = _mm512_set1_epi16((short)i);
    _mm512_storeu_si512(s->lowered + i, lowered);
    _mm512_storeu_si512(begin, _mm512_add_epi16(at, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(_mm512_maskz_compress_epi8(first, iota)))));
    _mm512_storeu_si512(end, _mm512_add_epi16(at, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(_mm512_maskz_compress_epi8(behind, iota)))));
    begin += _mm_popcnt_u64(first);
    end += _mm_popcnt_u64(behind);
    before = word >> 63;
  }
  size_t words = (size_t)(end - s->end);
  *unfinished = (size_t)(begin - s->begin) > words;
  return words;
}

#define SHIFT_XOR(h, bits) _mm512_xor_si512(h, _mm512_srli_epi64(h, bits))

SIMD_TARGET_AVX512 static void hash_words_avx512(struct shingler *s, size_t words) {
  const __m512i ones = _mm512_set1_epi64(-1), width = _mm512_set1_epi64(64), eight = _mm512_set1_epi64(8);
  const __m512i mix_1 = _mm512_set1_epi64((long long)MIX_1), mix_2 = _mm512_set1_epi64((long long)MIX_2), mix_3 = _mm512_set1_epi64((long long)MIX_3);
  uint64_t *to = s->hashes + s->carried;
  for (size_t k = 0; k < words; k += 8) {
    __mmask8 used = words - k >= 8 ? 0xff : (__mmask8)((1u << (words - k)) - 1);
    __m512i begin = _mm512_maskz_cvtepu16_epi64(used, _mm_loadu_si128((const void *)(s->begin + k)));
    __m512i length = _mm512_sub_epi64(_mm512_maskz_cvtepu16_epi64(used, _mm_loadu_si128((const void *)(s->end + k))), begin);
    __m512i head = _mm512_min_epu64(length, eight), tail = _mm512_min_epu64(_mm512_sub_epi64(length, head), eight);
    __m512i first = _mm512_mask_i64gather_epi64(ones, used, begin, s->lowered, 1);
    __m512i second = _mm512_mask_i64gather_epi64(ones, _mm512_mask_cmpgt_epu64_mask(used, length, eight), begin, s->lowered + 8, 1);
    first = _mm512_and_si512(first, _mm512_srlv_epi64(ones, _mm512_sub_epi64(width, _mm512_slli_epi64(head, 3))));
    second = _mm512_and_si512(second, _mm512_srlv_epi64(ones, _mm512_sub_epi64(width, _mm512_slli_epi64(tail, 3))));
    __m512i h = _mm512_mullo_epi64(first, mix_1);
    h = _mm512_mullo_epi64(SHIFT_XOR(h, 32), mix_2);
    h = _mm512_mullo_epi64(_mm512_add_epi64(SHIFT_XOR(h, 29), second), mix_3);
    _mm512_storeu_si512(to + k, SHIFT_XOR(h, 32));
    for (unsigned m = _mm512_cmpgt_epu64_mask(length, _mm512_set1_epi64(SHORT)); m; m &= m - 1) {
      size_t i = k + _tzcnt_u32(m);
      to[i] = XXH3_64bits(s->lowered + s->begin[i], (size_t)(s->end[i] - s->begin[i]));
    }
  }
}

SIMD_TARGET_AVX512 static void hash_shingles_avx512(struct shingler *s, size_t count) {
  const uint64_t *w = s->hashes;
  const __m512i factor = _mm512_set1_epi64((long long)FACTOR), mix_4 = _mm512_set1_epi64((long long)MIX_4);
  for (size_t i = 0; i < count; i += 8) {
    __m512i h = _mm512_loadu_si512(w + i);
    for (size_t j = 1; j < s->ngram; j++) h = _mm512_add_epi64(_mm512_mullo_epi64(h, factor), _mm512_loadu_si512(w + i + j));
    h = _mm512_mullo_epi64(SHIFT_XOR(h, 32), mix_4);
    _mm512_storeu_si512(s->out + i, SHIFT_XOR(h, 32));
  }
}
#endif

static size_t find_words(struct shingler *s, const unsigned char *text, size_t n, bool *unfinished) {
#if defined(__x86_64__)
  if (s->level == SIMD_AVX512) return find_words_avx512(s, text, n, unfinished);
  if (s->level == SIMD_AVX2) return find_words_avx2(s, text, n, unfinished);
#endif
  return find_words_scalar(s, text, n, unfinished);
}

/* The hash of a word that begins at `text` and goes beyond a piece; *length: its bytes. */
static uint64_t hash_long_word(struct shingler *s, const unsigned char *text, size_t n, size_t *length) {
  XXH3_state_t stream;
  size_t at = 0;
  XXH3_64bits_reset(&stream);
  for (bool more = true; more && at < n;) {
    size_t k = 0;
    while (k < PIECE && at + k < n && (s->lowered[k] = s->lower[text[at + k]])) k++;
    more = k == PIECE;
    XXH3_64bits_update(&stream, s->lowered, k);
    at += k;
  }
  *length = at;
  return XXH3_64bits_digest(&stream);
}

/* Takes the hashes of `words` more words; keeps the ones that later shingles need. */
static void give_shingles(struct shingler *s, size_t words, void (*take)(void *, const uint64_t *, size_t), void *context) {
  size_t have = s->carried + words, n = s->ngram;
  if (have < n) {
    s->carried = have;
    return;
  }
  size_t count = have - n + 1;
#if defined(__x86_64__)
  if (s->level == SIMD_AVX512 && n <= HORNER_MOST) hash_shingles_avx512(s, count);
  else
#endif
    hash_shingles_scalar(s, count);
  take(context, s->out, count);
  s->any = true;
  s->carried = n - 1;
  memmove(s->hashes, s->hashes + count, s->carried * sizeof *s->hashes);
}

void shingler_run(struct shingler *s, struct slice slice, void (*take)(void *context, const uint64_t *hashes, size_t count), void *context) {
  const unsigned char *text = (const unsigned char *)slice.data;
  s->carried = 0;
  s->any = false;
  for (size_t at = 0; at < slice.len;) {
    size_t n = slice.len - at < PIECE ? slice.len - at : PIECE;
    bool unfinished;
    size_t words = find_words(s, text + at, n, &unfinished);
    if (unfinished && at + n == slice.len) {
      s->end[words++] = (uint16_t)n;
      unfinished = false;
    }
    if (unfinished && s->begin[words] == 0) {
      s->hashes[s->carried] = hash_long_word(s, text + at, slice.len - at, &n);
      words = 1;
    } else {
      if (unfinished) n = s->begin[words];
#if defined(__x86_64__)
      if (s->level == SIMD_AVX512) hash_words_avx512(s, words);
      else
#endif
        hash_words_scalar(s, words);
    }
    at += n;
    give_shingles(s, words, take, context);
  }
  if (!s->any) {
    uint64_t h = 0;
    for (size_t k = 0; k < s->carried; k++) h = h * FACTOR + s->hashes[k];
    h = mix_shingle(h);
    take(context, &h, 1);
  }
}
