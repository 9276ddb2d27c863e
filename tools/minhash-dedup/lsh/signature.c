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

enum { LANES = 16 };

static void update_scalar(const struct permutations *p, uint32_t *signature, const uint64_t *hashes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t x = (uint32_t)hashes[i];
    for (size_t k = 0; k < p->count; k++) {
      uint32_t y = p->a[k] * x + p->b[k];
      if (y < signature[k]) signature[k] = y;
    }
  }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define UPDATE(name, isa, type, lanes, vectors, load, store, set1, mul, add, min)                                                        \
  __attribute__((target(isa))) static void name(const uint32_t *a, const uint32_t *b, uint32_t *signature, const uint64_t *hashes, size_t n) { \
    type minimum[vectors], factor[vectors], offset[vectors];                                                                             \
    _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) {                                                                          \
      minimum[v] = load((const void *)(signature + v * lanes));                                                                          \
      factor[v] = load((const void *)(a + v * lanes));                                                                                   \
      offset[v] = load((const void *)(b + v * lanes));                                                                                   \
    }                                                                                                                                    \
    for (size_t i = 0; i < n; i++) {                                                                                                     \
      type x = set1((int)(uint32_t)hashes[i]);                                                                                           \
      _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) minimum[v] = min(minimum[v], add(mul(factor[v], x), offset[v]));         \
    }                                                                                                                                    \
    _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++) store((void *)(signature + v * lanes), minimum[v]);                        \
  }

UPDATE(update_avx512_by_7, "avx512f", __m512i, 16, 7, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32, _mm512_mullo_epi32, _mm512_add_epi32, _mm512_min_epu32)
UPDATE(update_avx512_by_1, "avx512f", __m512i, 16, 1, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32, _mm512_mullo_epi32, _mm512_add_epi32, _mm512_min_epu32)
UPDATE(update_avx2_by_4, "avx2", __m256i, 8, 4, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi32, _mm256_mullo_epi32, _mm256_add_epi32, _mm256_min_epu32)
UPDATE(update_avx2_by_1, "avx2", __m256i, 8, 1, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi32, _mm256_mullo_epi32, _mm256_add_epi32, _mm256_min_epu32)

static void update_avx512(const struct permutations *p, uint32_t *signature, const uint64_t *hashes, size_t n) {
  size_t k = 0;
  for (; k + 7 * 16 <= p->count; k += 7 * 16) update_avx512_by_7(p->a + k, p->b + k, signature + k, hashes, n);
  for (; k < p->count; k += 16) update_avx512_by_1(p->a + k, p->b + k, signature + k, hashes, n);
}

static void update_avx2(const struct permutations *p, uint32_t *signature, const uint64_t *hashes, size_t n) {
  size_t k = 0;
  for (; k + 4 * 8 <= p->count; k += 4 * 8) update_avx2_by_4(p->a + k, p->b + k, signature + k, hashes, n);
  for (; k < p->count; k += 8) update_avx2_by_1(p->a + k, p->b + k, signature + k, hashes, n);
}
#endif

void permutations_init(struct permutations *p, int bands, int rows, uint64_t seed, enum signature_variant variant) {
  size_t used = (size_t)bands * (size_t)rows;
  *p = (struct permutations){.bands = bands, .rows = rows, .count = (used + LANES - 1) / LANES * LANES, .update = update_scalar};
  p->a = ALIGNED(64, p->count * sizeof *p->a);
  p->b = ALIGNED(64, p->count * sizeof *p->b);
  uint64_t stream = splitmix64(seed);
  for (size_t i = 0; i < p->count; i++) {
    uint64_t word = splitmix64(stream + i);
    p->a[i] = (uint32_t)(word >> 32) | 1;
    p->b[i] = (uint32_t)word;
  }
#if defined(__x86_64__)
  if (variant != SIGNATURE_SCALAR && __builtin_cpu_supports("avx2")) p->update = update_avx2;
  if ((variant == SIGNATURE_BEST || variant == SIGNATURE_AVX512) && __builtin_cpu_supports("avx512f")) p->update = update_avx512;
#else
  (void)variant;
#endif
}

void permutations_release(struct permutations *p) {
  free(p->a);
  free(p->b);
  *p = (struct permutations){0};
}

void signature_clear(const struct permutations *p, uint32_t *signature) { memset(signature, 0xff, p->count * sizeof *signature); }

void signature_keys(const struct permutations *p, const uint32_t *signature, uint64_t *keys) {
  for (int band = 0; band < p->bands; band++) keys[band] = XXH3_64bits(signature + (size_t)band * (size_t)p->rows, (size_t)p->rows * sizeof *signature);
}

double signature_recall(double jaccard, int bands, int rows) { return 1 - pow(1 - pow(jaccard, rows), bands); }
