/* SPDX-License-Identifier: MIT
 *
 * Each unit costs one cache miss; those of the units ahead are fetched while the ones before are looked at.  The three
 * variants set the same bits.
 */
#include "tools/bloom-dedup/filter.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/number.h"
#include "common/base/rng.h"
#include "common/base/simd.h"

enum { WORD = 64, AHEAD = 20 };

/* ---- the formula */

/* q(c): how z draws from 64 bits come to c different ones. */
static void different_bits(int bits, double q[FILTER_MOST_BITS + 1]) {
  memset(q, 0, (FILTER_MOST_BITS + 1) * sizeof *q);
  q[0] = 1;
  for (int draw = 0; draw < bits; draw++) {
    for (int c = draw + 1; c > 0; c--) q[c] = q[c] * c / WORD + q[c - 1] * (WORD - c + 1) / WORD;
    q[0] = 0;
  }
}

/* All bits asked for in a word are set by `units` units. */
static double word_rate(double units, int bits, const double q[FILTER_MOST_BITS + 1]) {
  double total = 0;
  for (int c = 1; c <= bits; c++) {
    double all = 0, choose = 1;
    for (int j = 0; j <= c; j++) {
      all += (j % 2 ? -1 : 1) * choose * pow(1 - (double)j / WORD, units * bits);
      choose = choose * (c - j) / (j + 1);
    }
    total += q[c] * all;
  }
  return total > 0 ? total : 0;
}

/* By units a block. */
static double load_rate(double load, int bits) {
  if (load <= 0) return 0;
  if (load > 4096) return 1;
  double q[FILTER_MOST_BITS + 1], total = 0, spread = 12 * sqrt(load) + 40;
  different_bits(bits, q);
  int first = load > spread ? (int)(load - spread) : 0, last = (int)(load + spread);
  double logarithm = -load;
  for (int i = 1; i <= last; i++) {
    logarithm += log(load / i);
    if (i < first) continue;
    double word = word_rate(i, bits, q);
    total += exp(logarithm) * pow(word, FILTER_WORDS);
  }
  return total < 1 ? total : 1;
}

double filter_rate(double units, uint64_t blocks, int bits) { return load_rate(units / (double)blocks, bits); }

/* The next unit is new with probability 1 - rate(units): d units = d inserted / (1 - rate(units)), by Heun's method. */
double filter_units(uint64_t inserted, uint64_t blocks, int bits) {
  enum { STEPS = 256 };
  double step = (double)inserted / STEPS, units = 0;
  for (int i = 0; inserted && i < STEPS; i++) {
    double slope = 1 / (1 - fmin(filter_rate(units, blocks, bits), .999)), ahead = 1 / (1 - fmin(filter_rate(units + step * slope, blocks, bits), .999));
    units += step * (slope + ahead) / 2;
  }
  return units;
}

double filter_changes(double units, uint64_t blocks, int bits) {
  enum { STEPS = 256 };
  double sum = 0;
  for (int i = 0; i < STEPS; i++) sum += 1 - filter_rate(units * (i + .5) / STEPS, blocks, bits);
  return sum * units / STEPS;
}

/* The most units a block at that rate, over all z; to the millionth below, so that the last bits in which two mathematical
 * libraries differ do not change a filter's size. */
static double best_load(double rate, int *bits) {
  double best = 0;
  for (int z = 1; z <= FILTER_MOST_BITS; z++) {
    double low = 0, high = 4096;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (load_rate(middle, z) <= rate) low = middle;
      else high = middle;
    }
    if (low <= best) continue;
    best = low;
    *bits = z;
  }
  return floor(best * 0x1p20) / 0x1p20;
}

int filter_plan(uint64_t capacity, double rate, struct filter_plan *plan) {
  *plan = (struct filter_plan){.capacity = capacity, .rate = rate};
  double load = best_load(rate, &plan->bits), blocks = load > 0 ? ceil((double)capacity / load) : INFINITY;
  if (!(blocks < 0x1p50)) return -1;
  plan->blocks = blocks < 1 ? 1 : (uint64_t)blocks;
  return 0;
}

void filter_plan_memory(uint64_t bytes, double rate, struct filter_plan *plan) {
  *plan = (struct filter_plan){.rate = rate, .blocks = bytes / FILTER_BLOCK ? bytes / FILTER_BLOCK : 1};
  plan->capacity = (uint64_t)(best_load(rate, &plan->bits) * (double)plan->blocks);
}

/* ---- memory */

int filter_init(struct filter *f, const struct filter_plan *plan, struct err *e) {
  char text[NUMBER_TEXT];
  *f = (struct filter){.plan = *plan};
  f->words = pages_new(filter_bytes(plan));
  return f->words ? 0 : err_set(e, "no memory for a filter of %s: less -S or --capacity", number_bytes((double)filter_bytes(plan), text));
}

void filter_release(struct filter *f) {
  if (f->mapping) munmap(f->mapping, f->mapping_size);
  else if (f->words) pages_free(f->words, filter_bytes(&f->plan));
  f->mapping = NULL;
  f->words = NULL;
}

/* ---- probing */

/* The j-th 64 bits that choose bits: the high half itself, then values of the stream of random numbers that starts there. */
static inline uint64_t choice(uint64_t high, int j) { return j == 0 ? high : splitmix64(high + (uint64_t)(j - 1) * 0x9E3779B97F4A7C15u); }

static inline bool probe_scalar(uint64_t *block, uint64_t high, int bits, bool add) {
  uint64_t missing = 0;
  for (int w = 0; w < FILTER_WORDS; w++) {
    uint64_t mask = 0;
    for (int j = 0; j < bits; j++) mask |= (uint64_t)1 << (choice(high, j) >> (6 * w) & 63);
    missing |= mask & ~block[w];
    if (add) block[w] |= mask;
  }
  return !missing;
}

#ifdef __x86_64__
SIMD_TARGET_AVX2 static inline bool probe_avx2(uint64_t *block, uint64_t high, int bits, bool add) {
  const __m256i one = _mm256_set1_epi64x(1), six = _mm256_set1_epi64x(63);
  __m256i *at = (__m256i *)block, low_mask = _mm256_setzero_si256(), high_mask = low_mask;
  for (int j = 0; j < bits; j++) {
    __m256i h = _mm256_set1_epi64x((long long)choice(high, j));
    low_mask = _mm256_or_si256(low_mask, _mm256_sllv_epi64(one, _mm256_and_si256(_mm256_srlv_epi64(h, _mm256_setr_epi64x(0, 6, 12, 18)), six)));
    high_mask = _mm256_or_si256(high_mask, _mm256_sllv_epi64(one, _mm256_and_si256(_mm256_srlv_epi64(h, _mm256_setr_epi64x(24, 30, 36, 42)), six)));
  }
  __m256i a = _mm256_load_si256(at), b = _mm256_load_si256(at + 1);
  bool known = _mm256_testc_si256(a, low_mask) && _mm256_testc_si256(b, high_mask);
  if (add && !known) {
    _mm256_store_si256(at, _mm256_or_si256(a, low_mask));
    _mm256_store_si256(at + 1, _mm256_or_si256(b, high_mask));
  }
  return known;
}

SIMD_TARGET_AVX512 static inline bool probe_avx512(uint64_t *block, uint64_t high, int bits, bool add) {
  const __m512i one = _mm512_set1_epi64(1), six = _mm512_set1_epi64(63), shifts = _mm512_setr_epi64(0, 6, 12, 18, 24, 30, 36, 42);
  __m512i mask = _mm512_setzero_si512();
  for (int j = 0; j < bits; j++)
    mask = _mm512_or_si512(mask, _mm512_sllv_epi64(one, _mm512_and_si512(_mm512_srlv_epi64(_mm512_set1_epi64((long long)choice(high, j)), shifts), six)));
  __m512i there = _mm512_load_si512(block);
  bool known = _mm512_test_epi64_mask(_mm512_andnot_si512(there, mask), mask) == 0;
  if (add && !known) _mm512_store_si512(block, _mm512_or_si512(there, mask));
  return known;
}
#endif

/* One loop for each variant; `bits` and `add` become constants where it is called. */
#define PROBE_ALL(name, target, probe)                                                                                            \
  target static inline uint64_t name(const struct filter *f, const struct hash128 *hashes, size_t count, unsigned char *known, int bits, bool add) { \
    uint64_t found = 0;                                                                                                            \
    for (size_t i = 0; i < count && i < AHEAD; i++) __builtin_prefetch(filter_block(f, hashes[i]), 1);                                 \
    for (size_t i = 0; i < count; i++) {                                                                                           \
      if (i + AHEAD < count) __builtin_prefetch(filter_block(f, hashes[i + AHEAD]), 1);                                                \
      known[i] = probe(filter_block(f, hashes[i]), hashes[i].high, bits, add);                                                         \
      found += known[i];                                                                                                           \
    }                                                                                                                              \
    return found;                                                                                                                  \
  }                                                                                                                                \
  target static uint64_t name##_bits(const struct filter *f, const struct hash128 *hashes, size_t count, unsigned char *known, bool add) { \
    if (f->plan.bits == 1) return add ? name(f, hashes, count, known, 1, true) : name(f, hashes, count, known, 1, false);           \
    if (f->plan.bits == 2) return add ? name(f, hashes, count, known, 2, true) : name(f, hashes, count, known, 2, false);           \
    return name(f, hashes, count, known, f->plan.bits, add);                                                                        \
  }

PROBE_ALL(all_scalar, , probe_scalar)
#ifdef __x86_64__
PROBE_ALL(all_avx2, SIMD_TARGET_AVX2, probe_avx2)
PROBE_ALL(all_avx512, SIMD_TARGET_AVX512, probe_avx512)
#endif

static uint64_t probe_all(const struct filter *f, const struct hash128 *hashes, size_t count, unsigned char *known, bool add) {
#ifdef __x86_64__
  enum simd level = simd_level();
  if (level == SIMD_AVX512) return all_avx512_bits(f, hashes, count, known, add);
  if (level == SIMD_AVX2) return all_avx2_bits(f, hashes, count, known, add);
#endif
  return all_scalar_bits(f, hashes, count, known, add);
}

void filter_add_all(struct filter *f, const struct hash128 *hashes, size_t count, unsigned char *known) { f->inserted += count - probe_all(f, hashes, count, known, true); }
void filter_find_all(const struct filter *f, const struct hash128 *hashes, size_t count, unsigned char *known) { probe_all(f, hashes, count, known, false); }
