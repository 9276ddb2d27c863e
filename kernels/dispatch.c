/* SPDX-License-Identifier: MIT
 *
 * Dispatch and combine on the CPU, bound by memory bandwidth: rows in parallel, each slot belongs to one row.
 */
#include "kernels/dispatch.h"

#include <string.h>

#include "kernels/cpu.h"

/* y = or += sum over j of weights[j] x[slots[j]]; weights NULL: all 1. */
static void sum_rows_scalar(real *y, const real *x, const real *weights, const int32_t *slots, int64_t top, int64_t C, bool accumulate) {
  for (int64_t c = 0; c < C; c++) {
    real sum = accumulate ? y[c] : 0;
    for (int64_t j = 0; j < top; j++) sum += weights ? weights[j] * x[slots[j] * C + c] : x[slots[j] * C + c];
    y[c] = sum;
  }
}

/* dx = weight dy; returns dy . x */
static real spread_row_scalar(real *dx, const real *dy, const real *x, real weight, int64_t C) {
  double sum = 0;
  for (int64_t c = 0; c < C; c++) {
    sum += (double)dy[c] * x[c];
    dx[c] = weight * dy[c];
  }
  return (real)sum;
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/dispatch_vector.h"
#include "kernels/vector_each.h"
#endif

int gather_rows(real *y, const real *x, const int32_t *sources, int64_t slots, int64_t C, struct kernel_error *e) {
  (void)e;
#pragma omp parallel for schedule(static) if (slots * C >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < slots; i++) memcpy(y + i * C, x + sources[i] * C, (size_t)C * sizeof *y);
  return 0;
}

int gather_rows_backward(real *dx, const real *dy, const int32_t *slots, int64_t rows, int64_t top, int64_t C, bool accumulate,
                         struct kernel_error *e) {
  (void)e;
  void (*sum_rows)(real *, const real *, const real *, const int32_t *, int64_t, int64_t, bool) = CPU_PICK(sum_rows);
#pragma omp parallel for schedule(static) if (rows * top * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) sum_rows(dx + r * C, dy, NULL, slots + r * top, top, C, accumulate);
  return 0;
}

int combine_forward(real *y, const real *x, const real *weights, const int32_t *slots, int64_t rows, int64_t top, int64_t C,
                    struct kernel_error *e) {
  (void)e;
  void (*sum_rows)(real *, const real *, const real *, const int32_t *, int64_t, int64_t, bool) = CPU_PICK(sum_rows);
#pragma omp parallel for schedule(static) if (rows * top * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) sum_rows(y + r * C, x, weights + r * top, slots + r * top, top, C, false);
  return 0;
}

int combine_backward(real *dx, real *d_weights, const real *dy, const real *x, const real *weights, const int32_t *slots,
                     int64_t rows, int64_t top, int64_t C, struct kernel_error *e) {
  (void)e;
  real (*spread_row)(real *, const real *, const real *, real, int64_t) = CPU_PICK(spread_row);
#pragma omp parallel for schedule(static) if (rows * top * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = r * top; i < (r + 1) * top; i++)
      d_weights[i] = spread_row(dx + slots[i] * C, dy + r * C, x + slots[i] * C, weights[i], C);
  return 0;
}
