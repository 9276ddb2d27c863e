/* SPDX-License-Identifier: MIT
 *
 * Rows lie anywhere in hundreds of megabytes, so each is asked for AHEAD rows before its turn.  Columns are taken in
 * strips of at most WIDE vectors of sixteen, whose sums (or steps) stay in registers over all the rows; the last vector
 * ends at the row's end and may overlap the one before, which does the same work twice with the same result.
 *
 * One body, in GCC's vector extension, is compiled for each instruction set.
 */
#include "tools/qfilter-train/rows.h"

#include "common/base/simd.h"

enum { AHEAD = 8, LANES = 16, WIDE = 8 };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

#define BODY static inline __attribute__((always_inline))
#define LOAD(p) (*(const lanes *)(p))
#define STORE(p) (*(lanes *)(p))

BODY void prefetch_row(const float *row, size_t columns) {
  for (size_t d = 0; d < columns; d += LANES) __builtin_prefetch(row + d, 1);
  __builtin_prefetch(row + columns - 1, 1);
}

/* How many times ids[k] stands there. */
BODY size_t run_length(const uint32_t *ids, size_t count, size_t k) {
  size_t end = k + 1;
  while (end < count && ids[end] == ids[k]) end++;
  return end - k;
}

/* Columns begin .. begin + width, width > 16 (vectors - 1) and at least 16. */
BODY void add_strip(const float *matrix, size_t dim, size_t width, const uint32_t *ids, size_t count, size_t known, float *sum, int vectors) {
  lanes s[WIDE];
  size_t last = width - LANES;
#pragma GCC unroll 8
  for (int v = 0; v < vectors; v++) s[v] = LOAD(sum + (v + 1 < vectors ? (size_t)v * LANES : last));
  for (size_t k = 0, n; k < count; k += n) {
    n = run_length(ids, count, k);
    if (k + AHEAD < known) prefetch_row(matrix + (size_t)ids[k + AHEAD] * dim, width);
    const float *row = matrix + (size_t)ids[k] * dim;
    float times = (float)n;
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) s[v] += times * LOAD(row + (v + 1 < vectors ? (size_t)v * LANES : last));
  }
#pragma GCC unroll 8
  for (int v = 0; v < vectors; v++) STORE(sum + (v + 1 < vectors ? (size_t)v * LANES : last)) = s[v];
}

BODY void update_strip(float *matrix, size_t dim, size_t width, const uint32_t *ids, size_t count, size_t known, const float *step, int vectors) {
  lanes s[WIDE];
  size_t last = width - LANES;
#pragma GCC unroll 8
  for (int v = 0; v < vectors; v++) s[v] = LOAD(step + (v + 1 < vectors ? (size_t)v * LANES : last));
  for (size_t k = 0, n; k < count; k += n) {
    n = run_length(ids, count, k);
    if (k + AHEAD < known) prefetch_row(matrix + (size_t)ids[k + AHEAD] * dim, width);
    float *row = matrix + (size_t)ids[k] * dim;
    float times = (float)n;
    lanes end = LOAD(row + last); /* before the vector that it may overlap is changed */
#pragma GCC unroll 8
    for (int v = 0; v + 1 < vectors; v++) STORE(row + (size_t)v * LANES) += times * s[v];
    STORE(row + last) = end + times * s[vectors - 1];
  }
}

/* One copy for each number of vectors. */
#define IN_STRIPS(strip, matrix, vector)                                                                   \
  for (size_t begin = 0; begin < dim; begin += (size_t)WIDE * LANES) {                                     \
    size_t width = dim - begin < (size_t)WIDE * LANES ? dim - begin : (size_t)WIDE * LANES;                \
    if (width < LANES) { /* less than a vector is left */                                                  \
      narrow_##strip(matrix + begin, dim, width, ids, count, known, vector + begin);                              \
      continue;                                                                                            \
    }                                                                                                      \
    switch ((width + LANES - 1) / LANES) {                                                                 \
      case 1: strip(matrix + begin, dim, width, ids, count, known, vector + begin, 1); break;                     \
      case 2: strip(matrix + begin, dim, width, ids, count, known, vector + begin, 2); break;                     \
      case 3: strip(matrix + begin, dim, width, ids, count, known, vector + begin, 3); break;                     \
      case 4: strip(matrix + begin, dim, width, ids, count, known, vector + begin, 4); break;                     \
      case 5: strip(matrix + begin, dim, width, ids, count, known, vector + begin, 5); break;                     \
      case 6: strip(matrix + begin, dim, width, ids, count, known, vector + begin, 6); break;                     \
      case 7: strip(matrix + begin, dim, width, ids, count, known, vector + begin, 7); break;                     \
      default: strip(matrix + begin, dim, width, ids, count, known, vector + begin, WIDE); break;                 \
    }                                                                                                      \
  }

BODY void narrow_add_strip(const float *matrix, size_t dim, size_t width, const uint32_t *ids, size_t count, size_t known, float *restrict sum) {
  for (size_t k = 0, n; k < count; k += n) {
    n = run_length(ids, count, k);
    if (k + AHEAD < known) prefetch_row(matrix + (size_t)ids[k + AHEAD] * dim, width);
    for (size_t d = 0; d < width; d++) sum[d] += (float)n * matrix[(size_t)ids[k] * dim + d];
  }
}

BODY void narrow_update_strip(float *matrix, size_t dim, size_t width, const uint32_t *ids, size_t count, size_t known, const float *restrict step) {
  for (size_t k = 0, n; k < count; k += n) {
    n = run_length(ids, count, k);
    if (k + AHEAD < known) prefetch_row(matrix + (size_t)ids[k + AHEAD] * dim, width);
    for (size_t d = 0; d < width; d++) matrix[(size_t)ids[k] * dim + d] += (float)n * step[d];
  }
}

BODY void add(const float *matrix, size_t dim, const uint32_t *ids, size_t count, size_t known, float *sum) { IN_STRIPS(add_strip, matrix, sum) }

BODY void update(float *matrix, size_t dim, const uint32_t *ids, size_t count, size_t known, const float *step) { IN_STRIPS(update_strip, matrix, step) }

BODY void add_scaled(float *restrict to, const float *restrict from, size_t dim, float factor) {
  size_t d = 0;
  for (; d + LANES <= dim; d += LANES) STORE(to + d) += factor * LOAD(from + d);
  for (; d < dim; d++) to[d] += factor * from[d];
}

typedef int32_t places __attribute__((vector_size(LANES * sizeof(int32_t))));

BODY float dot(const float *a, const float *b, size_t dim) {
  lanes sum = {0};
  size_t d = 0;
  for (; d + LANES <= dim; d += LANES) sum += LOAD(a + d) * LOAD(b + d);
  if (d < dim) {
    float lane[LANES];
    STORE(lane) = sum;
    for (size_t l = 0; d + l < dim; l++) lane[l] += a[d + l] * b[d + l];
    sum = LOAD(lane);
  }
  sum += __builtin_shuffle(sum, (places){8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7});
  sum += __builtin_shuffle(sum, (places){4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11});
  sum += __builtin_shuffle(sum, (places){2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13});
  return sum[0] + sum[1];
}

#ifdef __x86_64__
#define FOR_EACH_LEVEL(type, name, parameters, arguments)                                              \
  static SIMD_TARGET_AVX512 __attribute__((flatten)) type name##_avx512 parameters { return name arguments; } \
  static SIMD_TARGET_AVX2 __attribute__((flatten)) type name##_avx2 parameters { return name arguments; }     \
  type rows_##name parameters {                                                                        \
    switch (simd_level()) {                                                                            \
      case SIMD_AVX512: return name##_avx512 arguments;                                                \
      case SIMD_AVX2: return name##_avx2 arguments;                                                    \
      default: return name arguments;                                                                  \
    }                                                                                                  \
  }
#else
#define FOR_EACH_LEVEL(type, name, parameters, arguments) \
  type rows_##name parameters { return name arguments; }
#endif

FOR_EACH_LEVEL(void, add, (const float *matrix, size_t dim, const uint32_t *ids, size_t count, size_t known, float *sum), (matrix, dim, ids, count, known, sum))
FOR_EACH_LEVEL(void, update, (float *matrix, size_t dim, const uint32_t *ids, size_t count, size_t known, const float *step), (matrix, dim, ids, count, known, step))
FOR_EACH_LEVEL(void, add_scaled, (float *to, const float *from, size_t dim, float factor), (to, from, dim, factor))
FOR_EACH_LEVEL(float, dot, (const float *a, const float *b, size_t dim), (a, b, dim))
