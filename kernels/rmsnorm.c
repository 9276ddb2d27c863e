/* SPDX-License-Identifier: MIT
 *
 * RMSNorm on the CPU: rows in parallel; the backward pass reads x and dy once and keeps d_weight of each piece of rows
 * apart.
 */
#include "kernels/rmsnorm.h"

#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"

/* Rows begin..end-1. */
static void forward_scalar(real *y, real *rstd, const real *x, const real *weight, int64_t begin, int64_t end, int64_t C,
                           real eps) {
  for (int64_t r = begin; r < end; r++) {
    const real *in = x + r * C;
    double sum = 0;
    for (int64_t c = 0; c < C; c++) sum += (double)in[c] * in[c];
    real s = (real)(1 / sqrt(sum / (double)C + (double)eps));
    rstd[r] = s;
    for (int64_t c = 0; c < C; c++) y[r * C + c] = in[c] * s * weight[c];
  }
}

/* partial: [C], added to. */
static void backward_scalar(real *dx, real *partial, const real *dy, const real *x, const real *weight, const real *rstd,
                            int64_t begin, int64_t end, int64_t C, bool accumulate) {
  for (int64_t r = begin; r < end; r++) {
    const real *in = x + r * C, *d = dy + r * C;
    real *out = dx + r * C, s = rstd[r];
    double sum = 0;
    for (int64_t c = 0; c < C; c++) sum += (double)d[c] * weight[c] * in[c];
    real mean = (real)(sum * (double)s / (double)C);
    for (int64_t c = 0; c < C; c++) {
      real xn = in[c] * s, g = s * (d[c] * weight[c] - xn * mean);
      partial[c] += d[c] * xn;
      out[c] = accumulate ? out[c] + g : g;
    }
  }
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/rmsnorm_vector.h"
#include "kernels/vector_each.h"
#endif

int rmsnorm_forward(real *y, real *rstd, const real *x, const real *weight, int64_t rows, int64_t C, real eps,
                    struct kernel_error *e) {
  (void)e;
  void (*forward)(real *, real *, const real *, const real *, int64_t, int64_t, int64_t, real) = CPU_PICK(forward);
  enum { PIECE = 16 };
  int64_t pieces = (rows + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t p = 0; p < pieces; p++) {
    int64_t end = (p + 1) * PIECE < rows ? (p + 1) * PIECE : rows;
    forward(y, rstd, x, weight, p * PIECE, end, C, eps);
  }
  return 0;
}

int rmsnorm_backward(real *dx, real *d_weight, const real *dy, const real *x, const real *weight, const real *rstd,
                     int64_t rows, int64_t C, bool accumulate, struct kernel_error *e) {
  void (*backward)(real *, real *, const real *, const real *, const real *, const real *, int64_t, int64_t, int64_t,
                   bool) = CPU_PICK(backward);
  enum { MOST_PIECES = 32 };
  int64_t pieces = rows < MOST_PIECES ? rows : MOST_PIECES;
  real *partial = cpu_scratch(0, (size_t)(pieces * C) * sizeof *partial);
  if (!partial) return kernel_fail(e, "rmsnorm: no memory for %lld partial sums", (long long)(pieces * C));
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t p = 0; p < pieces; p++) {
    memset(partial + p * C, 0, (size_t)C * sizeof *partial);
    backward(dx, partial + p * C, dy, x, weight, rstd, rows * p / pieces, rows * (p + 1) / pieces, C, accumulate);
  }
  for (int64_t p = 0; p < pieces; p++)
    for (int64_t c = 0; c < C; c++) d_weight[c] += partial[p * C + c];
  return 0;
}
