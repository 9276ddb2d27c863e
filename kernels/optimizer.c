/* SPDX-License-Identifier: MIT
 *
 * Optimiser steps on the CPU; bound by memory bandwidth (AdamW: four streams read, three written).
 */
#include "kernels/optimizer.h"

#include <tgmath.h>

#include "kernels/cpu.h"

enum { PIECE = 16384, AHEAD = 512 /* elements fetched ahead */ };

struct coefficients {
  real beta1, rest1, beta2, rest2; /* rest = 1 - beta */
  real keep;                       /* 1 - lr * weight_decay */
  real rate;                       /* lr / (1 - beta1^t) */
  real correction2;                /* 1 / sqrt(1 - beta2^t) */
  real eps, gradient_scale;
};

static void adamw_scalar(real *restrict p, const real *restrict gradient, real *restrict m, real *restrict v, int64_t n,
                         const struct coefficients *c) {
  for (int64_t i = 0; i < n; i++) {
    real g = gradient[i] * c->gradient_scale;
    m[i] = c->beta1 * m[i] + c->rest1 * g;
    v[i] = c->beta2 * v[i] + c->rest2 * g * g;
    p[i] = p[i] * c->keep - c->rate * m[i] / (sqrt(v[i]) * c->correction2 + c->eps);
  }
}

static double squares_scalar(const real *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/optimizer_vector.h"
#include "kernels/vector_each.h"
#endif

int adamw(real *parameter, const real *gradient, real *m, real *v, int64_t n, const struct adamw_settings *s,
          struct kernel_error *e) {
  if (s->step < 1) return kernel_fail(e, "adamw: step %lld, the first is 1", (long long)s->step);
  const struct coefficients c = {
      .beta1 = (real)s->beta1,
      .rest1 = (real)(1 - s->beta1),
      .beta2 = (real)s->beta2,
      .rest2 = (real)(1 - s->beta2),
      .keep = (real)(1 - s->lr * s->weight_decay),
      .rate = (real)(s->lr / (1 - pow(s->beta1, (double)s->step))),
      .correction2 = (real)(1 / sqrt(1 - pow(s->beta2, (double)s->step))),
      .eps = (real)s->eps,
      .gradient_scale = (real)s->gradient_scale,
  };
  void (*step)(real *restrict, const real *restrict, real *restrict, real *restrict, int64_t,
               const struct coefficients *) = CPU_PICK(adamw);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i += PIECE)
    step(parameter + i, gradient + i, m + i, v + i, n - i < PIECE ? n - i : PIECE, &c);
  return 0;
}

int sum_squares(double *sum, const real *x, int64_t n, struct kernel_error *e) {
  int64_t pieces = (n + PIECE - 1) / PIECE;
  double *partial = cpu_scratch(0, (size_t)pieces * sizeof *partial);
  if (!partial) return kernel_fail(e, "sum of squares: no memory for %lld partial sums", (long long)pieces);
  double (*squares)(const real *, int64_t) = CPU_PICK(squares);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t p = 0; p < pieces; p++) partial[p] = squares(x + p * PIECE, n - p * PIECE < PIECE ? n - p * PIECE : PIECE);
  for (int64_t p = 0; p < pieces; p++) *sum += partial[p];
  return 0;
}
