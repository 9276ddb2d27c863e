/* SPDX-License-Identifier: MIT
 *
 * Element-wise passes on the CPU; bound by memory bandwidth.
 */
#include "kernels/elementwise.h"

#include <math.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/mask.h"

enum { PIECE = 8192 };

static void add_scalar(real *y, const real *a, const real *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void scale_scalar(real *x, real factor, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

static void multiply_scalar(real *y, const real *a, const real *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

static void multiply_back_scalar(real *da, real *db, const real *dy, const real *a, const real *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    real d = dy[i], at = a[i];
    da[i] = d * b[i];
    db[i] = d * at;
  }
}

/* sum += the rows */
static void sum_rows_scalar(real *restrict sum, const real *restrict x, int64_t ld, int64_t rows, int64_t C) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4)
    for (int64_t c = 0; c < C; c++) {
      const real *at = x + r * ld + c;
      sum[c] += (at[0] + at[ld]) + (at[2 * ld] + at[3 * ld]);
    }
  for (; r < rows; r++)
    for (int64_t c = 0; c < C; c++) sum[c] += x[r * ld + c];
}

/* ---- dropout */

struct dropping {
  uint64_t key;
  uint32_t threshold; /* words below it drop */
  real scale;
};

/* n elements, at most 64, of which the first has the number 64 * block. */
static void drop_block(real *x, int64_t n, int64_t block, const struct dropping *d) {
  for (int64_t lane = 0; lane < 16 && lane < n; lane++) {
    uint32_t word[4];
    philox(word, (uint64_t)(block * 16 + lane), d->key);
    for (int64_t w = 0; w < 4 && w * 16 + lane < n; w++) {
      real *at = x + w * 16 + lane;
      *at = word[w] >= d->threshold ? *at * d->scale : 0;
    }
  }
}

/* n elements from number 64 * block on. */
static void drop_scalar(real *x, int64_t n, int64_t block, const struct dropping *d) {
  for (int64_t i = 0; i < n; i += 64) drop_block(x + i, n - i < 64 ? n - i : 64, block + i / 64, d);
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/elementwise_vector.h"
#include "kernels/vector_each.h"
#endif

int dropout(real *x, int64_t n, double p, uint64_t key, struct kernel_error *e) {
  if (!(p >= 0 && p < 1)) return kernel_fail(e, "dropout: probability %g, at least 0 and less than 1 is possible", p);
  double threshold = floor(p * 4294967296.0 + 0.5);
  const struct dropping d = {.key = key, .threshold = (uint32_t)fmin(threshold, UINT32_MAX), .scale = (real)(1 / (1 - p))};
  if (p == 0) return 0;
  void (*drop)(real *, int64_t, int64_t, const struct dropping *) = CPU_PICK(drop);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM / 4) /* much work an element */
  for (int64_t i = 0; i < n; i += PIECE) drop(x + i, n - i < PIECE ? n - i : PIECE, i / 64, &d);
  return 0;
}

/* ---- the others */

int elementwise_add(real *y, const real *a, const real *b, int64_t n, struct kernel_error *e) {
  (void)e;
  void (*add)(real *, const real *, const real *, int64_t) = CPU_PICK(add);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i += PIECE) add(y + i, a + i, b + i, n - i < PIECE ? n - i : PIECE);
  return 0;
}

int elementwise_scale(real *x, real factor, int64_t n, struct kernel_error *e) {
  (void)e;
  void (*scale)(real *, real, int64_t) = CPU_PICK(scale);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i += PIECE) scale(x + i, factor, n - i < PIECE ? n - i : PIECE);
  return 0;
}

int bias_forward(real *y, int64_t ld, const real *bias, int64_t rows, int64_t C, struct kernel_error *e) {
  (void)e;
  void (*add)(real *, const real *, const real *, int64_t) = CPU_PICK(add);
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) add(y + r * ld, y + r * ld, bias, C);
  return 0;
}

int bias_backward(real *d_bias, const real *dy, int64_t ld, int64_t rows, int64_t C, struct kernel_error *e) {
  void (*sum_rows)(real *restrict, const real *restrict, int64_t, int64_t, int64_t) = CPU_PICK(sum_rows);
  void (*add)(real *, const real *, const real *, int64_t) = CPU_PICK(add);
  int64_t pieces = row_pieces(rows);
  real *partial = cpu_scratch(0, (size_t)(pieces * C) * sizeof *partial);
  if (!partial) return kernel_fail(e, "bias: no memory for %lld partial sums", (long long)(pieces * C));
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t p = 0; p < pieces; p++) {
    int64_t begin = rows * p / pieces, end = rows * (p + 1) / pieces;
    memset(partial + p * C, 0, (size_t)C * sizeof *partial);
    sum_rows(partial + p * C, dy + begin * ld, ld, end - begin, C);
  }
  for (int64_t p = 0; p < pieces; p++) add(d_bias, d_bias, partial + p * C, C);
  return 0;
}

int multiply(real *y, int64_t ld_y, const real *a, int64_t ld_a, const real *b, int64_t ld_b, int64_t rows, int64_t C,
             struct kernel_error *e) {
  (void)e;
  void (*product)(real *, const real *, const real *, int64_t) = CPU_PICK(multiply);
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) product(y + r * ld_y, a + r * ld_a, b + r * ld_b, C);
  return 0;
}

int multiply_backward(real *da, int64_t ld_a, real *db, int64_t ld_b, const real *dy, int64_t ld_y, const real *a, const real *b,
                      int64_t rows, int64_t C, struct kernel_error *e) {
  (void)e;
  void (*back)(real *, real *, const real *, const real *, const real *, int64_t) = CPU_PICK(multiply_back);
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) back(da + r * ld_a, db + r * ld_b, dy + r * ld_y, a + r * ld_a, b + r * ld_b, C);
  return 0;
}

int copy_rows(real *to, int64_t ld_to, const real *from, int64_t ld_from, int64_t rows, int64_t C, struct kernel_error *e) {
  (void)e;
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) memcpy(to + r * ld_to, from + r * ld_from, (size_t)C * sizeof *to);
  return 0;
}

int cache_append(real *cache, int64_t ld_cache, const struct cache_pages *pages, const int64_t *past, const real *x, int64_t ld_x, int64_t B,
                 int64_t T, int64_t C, struct kernel_error *e) {
  int64_t first = cpu_first_page(pages, B, e);
  if (first < 0) return -1;
  for (int64_t b = 0; b < B; b++) copy_rows(cache + ((first + b) * pages->page + past[b]) * ld_cache, ld_cache, x + b * T * ld_x, ld_x, T, C, e);
  return 0;
}
