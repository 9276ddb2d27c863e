/* SPDX-License-Identifier: MIT
 *
 * LayerNorm on the CPU: rows in parallel, a row stays in the first cache between its passes; the backward pass keeps d_weight
 * and d_bias of each piece of rows apart.
 */
#include "kernels/layernorm.h"

#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"
#include "kernels/elementwise.h"

/* Rows begin..end-1. */
static void forward_scalar(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias, int64_t begin,
                           int64_t end, const struct norm_shape *n) {
  for (int64_t r = begin; r < end; r++)
    for (int64_t g = 0; g < n->groups; g++) {
      const real *in = x + r * n->ld_x + g * n->C;
      real *out = y + r * n->ld_y + g * n->C;
      double sum = 0, squares = 0;
      for (int64_t c = 0; c < n->C; c++) sum += in[c];
      double m = sum / (double)n->C;
      for (int64_t c = 0; c < n->C; c++) squares += (in[c] - m) * (in[c] - m);
      double s = 1 / sqrt(squares / (double)n->C + (double)n->eps);
      mean[r * n->groups + g] = (real)m;
      rstd[r * n->groups + g] = (real)s;
      for (int64_t c = 0; c < n->C; c++) out[c] = (real)((in[c] - m) * s) * weight[c] + (bias ? bias[c] : 0);
    }
}

/* partial: [2][C], for d_weight and d_bias, added to. */
static void backward_scalar(real *dx, real *partial, const real *dy, const real *x, const real *weight, const real *mean,
                            const real *rstd, int64_t begin, int64_t end, const struct norm_shape *n, bool accumulate) {
  for (int64_t r = begin; r < end; r++)
    for (int64_t g = 0; g < n->groups; g++) {
      const real *in = x + r * n->ld_x + g * n->C, *d = dy + r * n->ld_y + g * n->C;
      real *out = dx + r * n->ld_x + g * n->C, s = rstd[r * n->groups + g], m = mean[r * n->groups + g];
      double sum = 0, dot = 0;
      for (int64_t c = 0; c < n->C; c++) {
        double gradient = (double)d[c] * weight[c];
        sum += gradient;
        dot += gradient * (double)(in[c] - m);
      }
      real mean_g = (real)(sum / (double)n->C), mean_dot = (real)(dot * (double)s / (double)n->C);
      for (int64_t c = 0; c < n->C; c++) {
        real xn = (in[c] - m) * s, o = s * (d[c] * weight[c] - mean_g - xn * mean_dot);
        partial[c] += d[c] * xn;
        partial[n->C + c] += d[c];
        out[c] = accumulate ? out[c] + o : o;
      }
    }
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/layernorm_vector.h"
#include "kernels/vector_each.h"
#endif

int layernorm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias, const struct norm_shape *s,
                      struct kernel_error *e) {
  (void)e;
  if (s->groups == 0 || s->C == 0) return 0;
  enum { PIECE = 16 };
  void (*forward)(real *, real *, real *, const real *, const real *, const real *, int64_t, int64_t,
                  const struct norm_shape *) = CPU_PICK(forward);
#pragma omp parallel for schedule(static) if (s->rows * s->groups * s->C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < s->rows; r += PIECE) forward(y, mean, rstd, x, weight, bias, r, r + PIECE < s->rows ? r + PIECE : s->rows, s);
  return 0;
}

int layernorm_backward(real *dx, real *d_weight, real *d_bias, const real *dy, const real *x, const real *weight, const real *mean,
                       const real *rstd, const struct norm_shape *s, bool accumulate, struct kernel_error *e) {
  void (*backward)(real *, real *, const real *, const real *, const real *, const real *, const real *, int64_t, int64_t,
                   const struct norm_shape *, bool) = CPU_PICK(backward);
  int64_t rows = s->rows, C = s->C, pieces = row_pieces(rows);
  if (rows == 0 || s->groups == 0 || C == 0) return 0;
  real *partial = cpu_scratch(0, (size_t)(2 * pieces * C) * sizeof *partial);
  if (!partial) return kernel_fail(e, "layernorm: no memory for %lld partial sums", (long long)(2 * pieces * C));
#pragma omp parallel for schedule(static) if (rows * s->groups * C >= CPU_PARALLEL_FROM)
  for (int64_t p = 0; p < pieces; p++) {
    memset(partial + 2 * p * C, 0, (size_t)(2 * C) * sizeof *partial);
    backward(dx, partial + 2 * p * C, dy, x, weight, mean, rstd, rows * p / pieces, rows * (p + 1) / pieces, s, accumulate);
  }
  for (int64_t p = 0; p < pieces; p++) {
    elementwise_add(d_weight, d_weight, partial + 2 * p * C, C, e);
    if (d_bias) elementwise_add(d_bias, d_bias, partial + (2 * p + 1) * C, C, e);
  }
  return 0;
}
