/* SPDX-License-Identifier: MIT
 *
 * Element-wise passes on the CPU; bound by memory bandwidth.
 */
#include "kernels/elementwise.h"

#include "kernels/cpu.h"

enum { PIECE = 8192 };

static void add_scalar(real *y, const real *a, const real *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void scale_scalar(real *x, real factor, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/elementwise_vector.h"
#include "kernels/vector_each.h"
#endif

int elementwise_add(real *y, const real *a, const real *b, int64_t n, struct kernel_error *e) {
  (void)e;
  void (*add)(real *, const real *, const real *, int64_t) = CPU_PICK(add);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i += PIECE) add(y + i, a + i, b + i, n - i < PIECE ? n - i : PIECE);
  return 0;
}

int elementwise_scale(real *x, real factor, int64_t n, struct kernel_error *e) {
  (void)e;
  void (*multiply)(real *, real, int64_t) = CPU_PICK(scale);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i += PIECE) multiply(x + i, factor, n - i < PIECE ? n - i : PIECE);
  return 0;
}
