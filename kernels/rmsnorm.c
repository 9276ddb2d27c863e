/* SPDX-License-Identifier: MIT
 *
 * RMSNorm on the CPU: rows in parallel, a row stays in the first cache between its passes; the backward pass keeps d_weight of
 * each piece of rows apart.
 */
#include "kernels/rmsnorm.h"

#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"
#include "kernels/elementwise.h"

/* Rows begin..end-1. */
static void forward_scalar(real *y, real *rstd, const real *x, const real *weight, int64_t begin, int64_t end, const struct norm_shape *n) {
  for (int64_t r = begin; r < end; r++)
    for (int64_t g = 0; g < n->groups; g++) {
      const real *in = x + r * n->ld_x + g * n->C;
      real *out = y + r * n->ld_y + g * n->C;
      double sum = 0;
      for (int64_t c = 0; c < n->C; c++) sum += (double)in[c] * in[c];
      real s = (real)(1 / sqrt(sum / (double)n->C + (double)n->eps));
      rstd[r * n->groups + g] = s;
      for (int64_t c = 0; c < n->C; c++) out[c] = in[c] * s * weight[c];
    }
}

static void add_forward_scalar(real *total, real *y, real *rstd, const real *a, const real *b, const real *weight, int64_t begin,
                               int64_t end, const struct norm_shape *n) {
  for (int64_t i = begin * n->C; i < end * n->C; i++) total[i] = a[i] + b[i];
  forward_scalar(y, rstd, total, weight, begin, end, n);
}

/* partial: [C], added to. */
static void backward_scalar(real *dx, real *partial, const real *dy, const real *x, const real *weight, const real *rstd,
                            int64_t begin, int64_t end, const struct norm_shape *n, bool accumulate) {
  for (int64_t r = begin; r < end; r++)
    for (int64_t g = 0; g < n->groups; g++) {
      const real *in = x + r * n->ld_x + g * n->C, *d = dy + r * n->ld_y + g * n->C;
      real *out = dx + r * n->ld_x + g * n->C, s = rstd[r * n->groups + g];
      double sum = 0;
      for (int64_t c = 0; c < n->C; c++) sum += (double)d[c] * weight[c] * in[c];
      real mean = (real)(sum * (double)s / (double)n->C);
      for (int64_t c = 0; c < n->C; c++) {
        real xn = in[c] * s, o = s * (d[c] * weight[c] - xn * mean);
        partial[c] += d[c] * xn;
        out[c] = accumulate ? out[c] + o : o;
      }
    }
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/rmsnorm_vector.h"
#include "kernels/vector_each.h"
#endif

enum { PIECE = 16 };

int rmsnorm_forward(real *y, real *rstd, const real *x, const real *weight, const struct norm_shape *s, struct kernel_error *e) {
  (void)e;
  if (s->groups == 0 || s->C == 0) return 0;
  void (*forward)(real *, real *, const real *, const real *, int64_t, int64_t, const struct norm_shape *) = CPU_PICK(forward);
#pragma omp parallel for schedule(static) if (s->rows * s->groups * s->C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < s->rows; r += PIECE) forward(y, rstd, x, weight, r, r + PIECE < s->rows ? r + PIECE : s->rows, s);
  return 0;
}

int add_rmsnorm(real *sum, real *y, real *rstd, const real *a, const real *b, const real *weight, int64_t rows, int64_t C, real eps,
                struct kernel_error *e) {
  (void)e;
  if (C == 0) return 0;
  const struct norm_shape s = {.rows = rows, .groups = 1, .C = C, .ld_x = C, .ld_y = C, .eps = eps};
  void (*forward)(real *, real *, real *, const real *, const real *, const real *, int64_t, int64_t,
                  const struct norm_shape *) = CPU_PICK(add_forward);
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r += PIECE) forward(sum, y, rstd, a, b, weight, r, r + PIECE < rows ? r + PIECE : rows, &s);
  return 0;
}

int rmsnorm_backward(real *dx, real *d_weight, const real *dy, const real *x, const real *weight, const real *rstd,
                     const struct norm_shape *s, bool accumulate, struct kernel_error *e) {
  void (*backward)(real *, real *, const real *, const real *, const real *, const real *, int64_t, int64_t,
                   const struct norm_shape *, bool) = CPU_PICK(backward);
  int64_t rows = s->rows, C = s->C, pieces = row_pieces(rows);
  if (rows == 0 || s->groups == 0 || C == 0) return 0;
  real *partial = cpu_scratch(0, (size_t)(pieces * C) * sizeof *partial);
  if (!partial) return kernel_fail(e, "rmsnorm: no memory for %lld partial sums", (long long)(pieces * C));
#pragma omp parallel for schedule(static) if (rows * s->groups * C >= CPU_PARALLEL_FROM)
  for (int64_t p = 0; p < pieces; p++) {
    memset(partial + p * C, 0, (size_t)C * sizeof *partial);
    backward(dx, partial + p * C, dy, x, weight, rstd, rows * p / pieces, rows * (p + 1) / pieces, s, accumulate);
  }
  for (int64_t p = 0; p < pieces; p++) elementwise_add(d_weight, d_weight, partial + p * C, C, e);
  return 0;
}
