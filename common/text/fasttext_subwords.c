/* SPDX-License-Identifier: MIT
 *
 * Character n-grams of a token between brackets: from each character on, those of minn..maxn characters, hashed by FNV-1a.
 * As in the reference n-grams of one character are left out at both ends.
 *
 * The vector code takes 16 bytes of <token> as starts at a time and moves all of them one byte on at every step; a lane
 * whose next byte does not continue a character has an n-gram ready.  Those that pruning left are found by a gather
 * from a bit map, and come out in the reference's order: by start, then by length.
 */
#include "common/text/fasttext_subwords.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/simd.h"

static inline uint32_t next_hash(uint32_t h, char byte) { return (h ^ (uint32_t)(int8_t)byte) * 16777619u; }

static inline bool continues(char byte) { return (byte & 0xC0) == 0x80; }

/* The brackets are not stored: position 0 is '<', n + 1 is '>'. */
static void add_scalar(const struct fasttext *m, struct slice token, size_t begin, struct fasttext_line *line) {
  int minn = m->args.minn, maxn = m->args.maxn;
  size_t end = token.len + 2;
#define AT(k) ((k) == 0 ? '<' : (k) == end - 1 ? '>' : token.data[(k) - 1])
  for (size_t i = begin; i < end; i++) {
    if (continues(AT(i))) continue;
    uint32_t h = 2166136261u;
    size_t j = i;
    for (int n = 1; j < end && n <= maxn; n++) {
      h = next_hash(h, AT(j));
      for (j++; j < end && continues(AT(j)); j++) h = next_hash(h, AT(j));
      if (n >= minn && !(n == 1 && (i == 0 || j == end))) fasttext_push_bucket(m, line, fasttext_in_bucket(m, h));
    }
    if (line->flush && line->count >= FASTTEXT_FLUSH && token.len > FASTTEXT_CACHED_TOKEN) line->flush(line, line->context);
  }
#undef AT
}

#ifdef __x86_64__
enum { LANES = 16, CHARACTER = 4, LONGEST = 8, STEPS = CHARACTER * LONGEST, PIECE = 128 };

struct ready { /* n-grams that one step completed */
  uint32_t bucket[LANES];
  uint32_t lanes;
};

/* 16 hashes modulo bucket; the quotient is at most one too small. */
SIMD_TARGET_AVX512 static inline __m512i modulo(__m512i h, __m512i bucket, __m512i inverse) {
  __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(h, inverse), 32), odd = _mm512_mul_epu32(_mm512_srli_epi64(h, 32), inverse);
  __m512i left = _mm512_sub_epi32(h, _mm512_mullo_epi32(_mm512_mask_mov_epi32(even, 0xAAAA, odd), bucket));
  return _mm512_min_epu32(left, _mm512_sub_epi32(left, bucket));
}

/* n-grams that start in text[0 .. LANES): `characters` has a bit for each byte of `text` where a character starts, and
 * one behind the last.  `starts`: of these bytes those that may start one; first: text is at the token's start. */
SIMD_TARGET_AVX512 static void add_block(const struct fasttext *m, const char *text, uint64_t characters, uint32_t starts, size_t left, bool first, struct fasttext_line *line) {
  const __m512i prime = _mm512_set1_epi32(16777619), bucket = _mm512_set1_epi32(m->args.bucket), inverse = _mm512_set1_epi32((int)(uint32_t)(m->bucket_inverse >> 32));
  const __m512i least = _mm512_set1_epi32(m->args.minn < 1 ? 1 : m->args.minn), most = _mm512_set1_epi32(m->args.maxn);
  __m512i h = _mm512_set1_epi32((int)2166136261u), length = _mm512_setzero_si512();
  struct ready ready[STEPS];
  uint32_t any = 0, active = starts;
  int steps = 0;
  for (size_t k = 0; active && k < left; k++) {
    h = _mm512_mullo_epi32(_mm512_xor_si512(h, _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(text + k)))), prime);
    if (k + 1 < left) active &= (1u << (left - k > LANES ? LANES : left - k)) - 1; /* the lanes that are still in the token */
    else active &= 1;
    __mmask16 whole = (__mmask16)(active & (uint32_t)(characters >> (k + 1)));
    if (!whole) continue;
    length = _mm512_mask_add_epi32(length, whole, length, _mm512_set1_epi32(1));
    __mmask16 wanted = _mm512_mask_cmpge_epi32_mask(whole, length, least);
    if (m->args.minn <= 1) {
      __mmask16 single = _mm512_mask_cmpeq_epi32_mask(wanted, length, _mm512_set1_epi32(1));
      wanted &= (__mmask16)~(single & ((first ? 1u : 0) | (left - k - 1 < LANES ? 1u << (left - k - 1) : 0)));
    }
    active &= ~(uint32_t)_mm512_mask_cmpge_epi32_mask(whole, length, most);
    if (!wanted) continue;
    __m512i at = modulo(h, bucket, inverse);
    if (m->pruned) {
      __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), wanted, _mm512_srli_epi32(at, 5), m->pair_bits, 4);
      wanted = _mm512_mask_test_epi32_mask(wanted, words, _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(at, _mm512_set1_epi32(31))));
      if (!wanted) continue;
    }
    _mm512_storeu_si512(ready[steps].bucket, at);
    ready[steps++].lanes = wanted;
    any |= wanted;
  }
  for (; any; any &= any - 1) {
    int lane = __builtin_ctz(any);
    for (int s = 0; s < steps; s++)
      if (ready[s].lanes >> lane & 1) fasttext_push(line, m->pruned ? fasttext_pair_row(m, ready[s].bucket[lane]) : (uint32_t)m->words + ready[s].bucket[lane]);
  }
}

/* Bytes of <token> from `at` on into to[PIECE + 64], as far as they go, then zeros; returns how many. */
static size_t copy_piece(struct slice token, size_t at, char *to) {
  size_t end = token.len + 2, n = end - at < PIECE + STEPS + 1 ? end - at : PIECE + STEPS + 1, i = 0;
  memset(to, 0, PIECE + 64);
  if (at == 0) to[i++] = '<';
  size_t from = at + i - 1, middle = token.len - from < n - i ? token.len - from : n - i;
  memcpy(to + i, token.data + from, middle);
  if (i + middle < n) to[n - 1] = '>';
  return n;
}

/* From a character of more than CHARACTER bytes on, which is no UTF-8, the scalar code. */
SIMD_TARGET_AVX512 static void add_avx512(const struct fasttext *m, struct slice token, struct fasttext_line *line) {
  char text[PIECE + 64];
  size_t end = token.len + 2;
  for (size_t at = 0; at < end; at += PIECE) {
    size_t n = copy_piece(token, at, text);
    for (size_t i = 0; i < n && i < PIECE; i += LANES) {
      size_t left = n - i;
      uint64_t follow = _mm512_cmplt_epi8_mask(_mm512_loadu_si512(text + i), _mm512_set1_epi8((char)0xC0));
      if (left < 64) follow &= (UINT64_C(1) << left) - 1;
      if (follow & follow >> 1 & follow >> 2 & follow >> 3) {
        add_scalar(m, token, at + i, line);
        return;
      }
      add_block(m, text + i, ~follow, (uint32_t)~follow & 0xFFFF, left, at + i == 0, line);
    }
    if (line->flush && line->count >= FASTTEXT_FLUSH && token.len > FASTTEXT_CACHED_TOKEN) line->flush(line, line->context);
  }
}
#endif

void fasttext_add_subwords(const struct fasttext *m, struct slice token, struct fasttext_line *line) {
  if (fasttext_no_ngrams(m) || m->args.maxn <= 0) return;
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX512 && m->args.maxn <= LONGEST) {
    add_avx512(m, token, line);
    return;
  }
#endif
  add_scalar(m, token, 0, line);
}
