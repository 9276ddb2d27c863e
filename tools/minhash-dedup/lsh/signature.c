/* SPDX-License-Identifier: MIT
 *
 * The permutations are kept in registers over all shingles of a block: with 16 lanes, 112 of them are 7 vectors of
 * minima, of a and of b, which fit the 32 registers of AVX-512.
 */
#include "tools/minhash-dedup/lsh/signature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "tools/minhash-dedup/lsh/datatrove.h"

enum { LANES = 16 };
static const uint64_t prime = (1ull << 61) - 1;

static void update_scalar(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n) {
  const uint32_t *a = p->a, *b = p->b;
  uint32_t *least = signature;
  for (size_t i = 0; i < n; i++) {
    uint32_t x = (uint32_t)hashes[i];
    for (size_t k = 0; k < p->count; k++) {
      uint32_t y = a[k] * (x ^ b[k]);
      if (y < least[k]) least[k] = y;
    }
  }
}

static void update_prime_scalar(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n) {
  const uint64_t *a = p->a, *b = p->b;
  uint64_t *least = signature;
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < p->count; k++) {
      uint64_t y = a[k] * hashes[i] + b[k];
      y = (y & prime) + (y >> 61);
      if (y >= prime) y -= prime;
      if (y < least[k]) least[k] = y;
    }
  }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define UPDATE(name, isa, type, lanes, vectors, load, store, set1, mul, xor, min)                                                        \
  isa static void name(const uint32_t *a, const uint32_t *b, uint32_t *signature, const uint64_t *hashes, size_t n) {                    \
    type minimum[vectors], factor[vectors], offset[vectors];                                                                             \
    _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) {                                                                          \
      minimum[v] = load((const void *)(signature + v * lanes));                                                                          \
      factor[v] = load((const void *)(a + v * lanes));                                                                                   \
      offset[v] = load((const void *)(b + v * lanes));                                                                                   \
    }                                                                                                                                    \
    for (size_t i = 0; i < n; i++) {                                                                                                     \
      type x = set1((int)(uint32_t)hashes[i]);                                                                                           \
      _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) minimum[v] = min(minimum[v], mul(factor[v], xor(x, offset[v])));         \
    }                                                                                                                                    \
    _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) store((void *)(signature + v * lanes), minimum[v]);                        \
  }

UPDATE(update_avx512_by_7, SIMD_TARGET_AVX512, __m512i, 16, 7, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32, _mm512_mullo_epi32, _mm512_xor_si512, _mm512_min_epu32)
UPDATE(update_avx512_by_1, SIMD_TARGET_AVX512, __m512i, 16, 1, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32, _mm512_mullo_epi32, _mm512_xor_si512, _mm512_min_epu32)
UPDATE(update_avx2_by_4, SIMD_TARGET_AVX2, __m256i, 8, 4, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi32, _mm256_mullo_epi32, _mm256_xor_si256, _mm256_min_epu32)
UPDATE(update_avx2_by_1, SIMD_TARGET_AVX2, __m256i, 8, 1, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi32, _mm256_mullo_epi32, _mm256_xor_si256, _mm256_min_epu32)

static void update_avx512(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n) {
  const uint32_t *a = p->a, *b = p->b;
  uint32_t *least = signature;
  size_t k = 0;
  for (; k + 7 * 16 <= p->count; k += 7 * 16) update_avx512_by_7(a + k, b + k, least + k, hashes, n);
  for (; k < p->count; k += 16) update_avx512_by_1(a + k, b + k, least + k, hashes, n);
}

static void update_avx2(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n) {
  const uint32_t *a = p->a, *b = p->b;
  uint32_t *least = signature;
  size_t k = 0;
  for (; k + 4 * 8 <= p->count; k += 4 * 8) update_avx2_by_4(a + k, b + k, least + k, hashes, n);
  for (; k < p->count; k += 8) update_avx2_by_1(a + k, b + k, least + k, hashes, n);
}

/* y mod 2^61 - 1 is (y & prime) + (y >> 61), less prime where that is smaller: the other difference is negative, hence
 * large as an unsigned number. */
#define UPDATE_PRIME(name, vectors)                                                                                                      \
  SIMD_TARGET_AVX512 static void name(const uint64_t *a, const uint64_t *b, uint64_t *signature, const uint64_t *hashes, size_t n) {     \
    const __m512i p = _mm512_set1_epi64((long long)prime);                                                                               \
    __m512i minimum[vectors], factor[vectors], offset[vectors];                                                                          \
    _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) {                                                                          \
      minimum[v] = _mm512_loadu_si512(signature + v * 8);                                                                                \
      factor[v] = _mm512_loadu_si512(a + v * 8);                                                                                         \
      offset[v] = _mm512_loadu_si512(b + v * 8);                                                                                         \
    }                                                                                                                                    \
    for (size_t i = 0; i < n; i++) {                                                                                                     \
      __m512i x = _mm512_set1_epi64((long long)hashes[i]);                                                                               \
      _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) {                                                                        \
        __m512i y = _mm512_add_epi64(_mm512_mullo_epi64(factor[v], x), offset[v]);                                                       \
        y = _mm512_add_epi64(_mm512_and_si512(y, p), _mm512_srli_epi64(y, 61));                                                          \
        minimum[v] = _mm512_min_epu64(minimum[v], _mm512_min_epu64(y, _mm512_sub_epi64(y, p)));                                          \
      }                                                                                                                                  \
    }                                                                                                                                    \
    _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) _mm512_storeu_si512(signature + v * 8, minimum[v]);                        \
  }

UPDATE_PRIME(update_prime_avx512_by_7, 7)
UPDATE_PRIME(update_prime_avx512_by_1, 1)

static void update_prime_avx512(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n) {
  const uint64_t *a = p->a, *b = p->b;
  uint64_t *least = signature;
  size_t k = 0;
  for (; k + 7 * 8 <= p->count; k += 7 * 8) update_prime_avx512_by_7(a + k, b + k, least + k, hashes, n);
  for (; k < p->count; k += 8) update_prime_avx512_by_1(a + k, b + k, least + k, hashes, n);
}

/* 64-bit products from 32-bit ones; values are below 2^63 once reduced, so that signed comparisons serve. */
SIMD_TARGET_AVX2 static void update_prime_avx2(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n) {
  const __m256i modulus = _mm256_set1_epi64x((long long)prime), below = _mm256_set1_epi64x((long long)prime - 1);
  uint64_t *least = signature;
  for (size_t k = 0; k < p->count; k += 4) {
    const __m256i a = _mm256_loadu_si256((const void *)((const uint64_t *)p->a + k)), b = _mm256_loadu_si256((const void *)((const uint64_t *)p->b + k)), a_high = _mm256_srli_epi64(a, 32);
    __m256i minimum = _mm256_loadu_si256((const void *)(least + k));
    for (size_t i = 0; i < n; i++) {
      __m256i x = _mm256_set1_epi64x((long long)hashes[i]);
      __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(a_high, x), _mm256_mul_epu32(a, _mm256_srli_epi64(x, 32)));
      __m256i y = _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epu32(a, x), _mm256_slli_epi64(cross, 32)), b);
      y = _mm256_add_epi64(_mm256_and_si256(y, modulus), _mm256_srli_epi64(y, 61));
      y = _mm256_sub_epi64(y, _mm256_and_si256(_mm256_cmpgt_epi64(y, below), modulus));
      minimum = _mm256_blendv_epi8(minimum, y, _mm256_cmpgt_epi64(minimum, y));
    }
    _mm256_storeu_si256((void *)(least + k), minimum);
  }
}
#endif

typedef void update(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n);

static update *update_of(enum signature_kind kind) {
  static update *const updates[2][SIMD_AVX512 + 1] = {
#if defined(__x86_64__)
      {update_scalar, update_avx2, update_avx512}, {update_prime_scalar, update_prime_avx2, update_prime_avx512}
#else
      {update_scalar}, {update_prime_scalar}
#endif
  };
  return updates[kind][simd_level()];
}

void permutations_init(struct permutations *p, enum signature_kind kind, int bands, int rows, uint64_t seed) {
  size_t used = (size_t)bands * (size_t)rows;
  *p = (struct permutations){.kind = kind, .bands = bands, .rows = rows, .count = (used + LANES - 1) / LANES * LANES};
  p->place = kind == SIGNATURE_DATATROVE ? sizeof(uint64_t) : sizeof(uint32_t);
  p->update = update_of(kind);
  p->a = ALIGNED(64, p->count * p->place);
  p->b = ALIGNED(64, p->count * p->place);
  memset(p->a, 0, p->count * p->place);
  memset(p->b, 0, p->count * p->place);
  if (kind == SIGNATURE_DATATROVE) {
    datatrove_permutations(p->a, p->b, used, seed ? (uint32_t)seed : 1);
    return;
  }
  uint32_t *a = p->a, *b = p->b;
  uint64_t stream = splitmix64(seed);
  for (size_t i = 0; i < p->count; i++) {
    uint64_t word = splitmix64(stream + i);
    a[i] = (uint32_t)(word >> 32) | 1;
    b[i] = (uint32_t)word;
  }
}

void permutations_release(struct permutations *p) {
  free(p->a);
  free(p->b);
  *p = (struct permutations){0};
}

/* All ones, but what signed comparisons take for large where places are of 61 bits. */
void signature_clear(const struct permutations *p, void *signature) {
  memset(signature, 0xff, p->count * p->place);
  if (p->kind == SIGNATURE_DATATROVE)
    for (size_t k = 0; k < p->count; k++) ((uint64_t *)signature)[k] = INT64_MAX;
}

void signature_keys(const struct permutations *p, const void *signature, uint64_t *keys) {
  size_t size = (size_t)p->rows * p->place;
  for (int band = 0; band < p->bands; band++) keys[band] = XXH3_64bits((const char *)signature + (size_t)band * size, size);
}

double signature_recall(double jaccard, int bands, int rows) { return 1 - pow(1 - pow(jaccard, rows), bands); }
