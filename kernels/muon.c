/* SPDX-License-Identifier: MIT
 *
 * Muon on the CPU.  x is never transposed: a tall matrix uses x^T x and x (b A + c A A) instead.  Both Gram products are
 * symmetric; in `real`, a x is added by putting a on the diagonal of the small matrix, which saves a pass over x.
 */
#include "kernels/muon.h"

#include <tgmath.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/matmul.h"
#include "kernels/optimizer.h"
#include "kernels/symmetric.h"

enum { PIECE = 16384 };

struct coefficients {
  real scale;            /* of the gradient */
  real momentum, toward; /* toward = 1 - momentum: the share of the gradient in the momentum */
  real keep, rate;       /* 1 - lr weight_decay; lr adjust */
  bool nesterov;
};

double muon_adjust(enum muon_adjust rule, int64_t rows, int64_t columns) {
  double r = (double)rows, c = (double)columns;
  return rule == MUON_ORIGINAL ? sqrt(fmax(1, r / c)) : 0.2 * sqrt(fmax(r, c));
}

/* lerp(x, y, w) as PyTorch computes it: from y where w >= 1/2 */
static void blend_scalar(real *restrict u, const real *restrict gradient, real *restrict momentum, int64_t n, const struct coefficients *k) {
  for (int64_t i = 0; i < n; i++) {
    real g = gradient[i] * k->scale;
    momentum[i] = k->toward < (real)0.5 ? momentum[i] + k->toward * (g - momentum[i]) : g + (k->toward - 1) * (g - momentum[i]);
    real w = k->momentum, d = momentum[i] - g;
    u[i] = !k->nesterov ? momentum[i] : w < (real)0.5 ? g + w * d : momentum[i] + (w - 1) * d;
  }
}

static void apply_scalar(real *restrict p, const real *restrict x, int64_t n, const struct coefficients *k) {
  for (int64_t i = 0; i < n; i++) p[i] = p[i] * k->keep - k->rate * x[i];
}

/* To the nearest bfloat16, ties to even; a NaN stays one. */
static real to_bf16(real x) {
#ifdef KERNELS_DOUBLE
  return x;
#else
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  float y;
  memcpy(&y, &rounded, sizeof y);
  return x == x ? y : x;
#endif
}

static void round_scalar(real *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = to_bf16(x[i]);
}

/* y = p x + q y in bfloat16, with the roundings of PyTorch's addmm: fma(p, x, q y).  A double holds a product of two floats. */
static void combine_scalar(real *restrict y, const real *restrict x, int64_t n, real p, real q) {
  for (int64_t i = 0; i < n; i++) y[i] = to_bf16((real)((double)p * x[i] + (double)(q * y[i])));
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/muon_vector.h"
#include "kernels/vector_each.h"
#endif

static void round_all(real *x, int64_t n) {
  void (*nearest)(real *, int64_t) = CPU_PICK(round);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i += PIECE) nearest(x + i, n - i < PIECE ? n - i : PIECE);
}

static void combine_all(real *y, const real *x, int64_t n, real p, real q) {
  void (*combine)(real *restrict, const real *restrict, int64_t, real, real) = CPU_PICK(combine);
#pragma omp parallel for schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i += PIECE) combine(y + i, x + i, n - i < PIECE ? n - i : PIECE, p, q);
}

static void divide(real *x, int64_t n, real by) {
#pragma omp parallel for simd schedule(static) if (n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i++) x[i] /= by;
}

/* One step from x to y, both [rows][columns]; A and B: [n][n], n the smaller side. */
static int newton_schulz(real *y, const real *x, real *A, real *B, int64_t rows, int64_t columns, enum matmul_type type, struct kernel_error *e) {
  const real a = (real)3.4445, b = (real)-4.7750, c = (real)2.0315;
  bool tall = rows > columns, bf16 = type == MATMUL_BF16;
  int64_t n = tall ? columns : rows, longer = tall ? rows : columns;
  if (matmul_symmetric(type, tall, n, longer, 1, x, columns, 0, A, e) < 0) return -1;
  if (bf16) round_all(A, n * n);
  else memcpy(B, A, (size_t)(n * n) * sizeof *B);
  if (matmul_symmetric(type, false, n, n, bf16 ? 1 : c, A, n, bf16 ? 0 : b, B, e) < 0) return -1;
  if (bf16) combine_all(B, A, n * n, b, c);
  else
    for (int64_t i = 0; i < n; i++) B[i * n + i] += a;
  if (matmul(type, false, false, rows, columns, n, 1, tall ? x : B, tall ? columns : n, tall ? B : x, tall ? n : columns, 0, y, columns, e) < 0) return -1;
  if (bf16) combine_all(y, x, rows * columns, a, 1);
  return 0;
}

int muon(real *parameter, const real *gradient, real *momentum, int64_t rows, int64_t columns, const struct muon_settings *s, struct kernel_error *e) {
  int64_t count = rows * columns, n = rows < columns ? rows : columns;
  if (rows < 0 || columns < 0 || s->steps < 0) return kernel_fail(e, "muon: a matrix of %lld x %lld, %d steps", (long long)rows, (long long)columns, s->steps);
  if (count == 0) return 0;
  real *work = cpu_scratch(1, (size_t)(2 * count + 2 * n * n) * sizeof *work);
  if (!work) return kernel_fail(e, "muon: no memory for a matrix of %lld x %lld", (long long)rows, (long long)columns);
  real *x = work, *y = work + count, *A = y + count, *B = A + n * n;
#ifdef KERNELS_DOUBLE
  enum matmul_type type = MATMUL_FP32;
#else
  enum matmul_type type = s->type;
#endif

  const struct coefficients k = {.scale = (real)s->gradient_scale, .momentum = (real)s->momentum, .toward = (real)(1 - s->momentum), .nesterov = s->nesterov,
                                 .keep = (real)(1 - s->lr * s->weight_decay), .rate = (real)(s->lr * s->adjust)};
  void (*blend)(real *restrict, const real *restrict, real *restrict, int64_t, const struct coefficients *) = CPU_PICK(blend);
  void (*apply)(real *restrict, const real *restrict, int64_t, const struct coefficients *) = CPU_PICK(apply);
#pragma omp parallel for schedule(static) if (count >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < count; i += PIECE) blend(x + i, gradient + i, momentum + i, count - i < PIECE ? count - i : PIECE, &k);
  if (type == MATMUL_BF16) round_all(x, count);

  double squares = 0;
  if (sum_squares(&squares, x, count, e) < 0) return -1;
  double norm = sqrt(squares) > 1e-7 ? sqrt(squares) : 1e-7;
  divide(x, count, type == MATMUL_BF16 ? to_bf16((real)norm) : (real)norm);
  if (type == MATMUL_BF16) round_all(x, count);
  for (int i = 0; i < s->steps; i++) {
    if (newton_schulz(y, x, A, B, rows, columns, type, e) < 0) return -1;
    real *swap = x;
    x = y, y = swap;
  }
#pragma omp parallel for schedule(static) if (count >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < count; i += PIECE) apply(parameter + i, x + i, count - i < PIECE ? count - i : PIECE, &k);
  return 0;
}
