/* SPDX-License-Identifier: MIT
 *
 * Newton's method on the barrier F(r) - mu sum log r - mu sum log(limit - r) inside the simplex, with mu falling from 1e-2 to
 * 1e-14 of F (Boyd & Vandenberghe 2004, chapters 10 and 11): the step solves M d = -g + lambda 1 with sum d = 0.
 */
#include "tools/fit-scaling/forms/shares.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tools/fit-scaling/fitting/cholesky.h"

enum { S = PARAMETERS_MAX, NEWTON_STEPS = 60 };

struct problem {
  int laws, sources;
  const double *u, *t;
  int source[S];   /* of the caller's, those that may be used at all */
  double limit[S]; /* >= 1: none */
  double scale;    /* F is divided by exp(scale) */
  double mu;
};

static double exponent(const struct problem *p, int law, int stride, const double r[]) {
  double x = p->u[law] - p->scale;
  for (int j = 0; j < p->sources; j++) x += p->t[law * stride + p->source[j]] * r[j];
  return x;
}

/* The barrier's value, and when g is not NULL its gradient and the lower triangle of its Hessian; infinite outside. */
static double barrier(const struct problem *p, int stride, const double r[], double g[], matrix_row m[]) {
  double f = 0;
  int n = p->sources;
  for (int i = 0; g && i < n; i++) {
    g[i] = 0;
    for (int j = 0; j <= i; j++) m[i][j] = 0;
  }
  for (int k = 0; k < p->laws; k++) {
    double e = exp(exponent(p, k, stride, r));
    f += e;
    for (int i = 0; g && i < n; i++) {
      double ti = e * p->t[k * stride + p->source[i]];
      g[i] += ti;
      for (int j = 0; j <= i; j++) m[i][j] += ti * p->t[k * stride + p->source[j]];
    }
  }
  for (int i = 0; i < n; i++) {
    double room = p->limit[i] < 1 ? p->limit[i] - r[i] : 1;
    if (!(r[i] > 0 && room > 0)) return INFINITY;
    f -= p->mu * (log(r[i]) + log(room));
    if (!g) continue;
    g[i] -= p->mu / r[i];
    m[i][i] += p->mu / (r[i] * r[i]);
    if (p->limit[i] < 1) g[i] += p->mu / room, m[i][i] += p->mu / (room * room);
  }
  return f;
}

/* Towards the barrier's minimum from r; the square of Newton's decrement, 0 when no step is left. */
static double newton_step(const struct problem *p, int stride, double r[]) {
  matrix_row m[S];
  double g[S], d[S], ones[S], trial[S], along = 0, across = 0, decrement = 0, length = 1;
  int n = p->sources;
  double f = barrier(p, stride, r, g, m);
  if (!cholesky_factor(n, m, 0)) return 0;
  for (int i = 0; i < n; i++) d[i] = -g[i], ones[i] = 1;
  cholesky_forward(n, m, d);
  cholesky_backward(n, m, d);
  cholesky_forward(n, m, ones);
  cholesky_backward(n, m, ones);
  for (int i = 0; i < n; i++) along += d[i], across += ones[i];
  for (int i = 0; i < n; i++) {
    d[i] -= along / across * ones[i];
    decrement -= g[i] * d[i];
    if (d[i] < 0) length = fmin(length, -.99 * r[i] / d[i]);
    if (d[i] > 0 && p->limit[i] < 1) length = fmin(length, .99 * (p->limit[i] - r[i]) / d[i]);
  }
  for (; length > 1e-12; length /= 2) {
    for (int i = 0; i < n; i++) trial[i] = r[i] + length * d[i];
    /* near the end the gain drowns in F's rounding errors: the step itself is still exact */
    if (decrement < 1e-12 || barrier(p, stride, trial, NULL, NULL) <= f - 1e-4 * length * decrement) {
      memcpy(r, trial, sizeof trial);
      return decrement;
    }
  }
  return 0;
}

void shares_minimise(int laws, int sources, const double u[], const double t[], const double limit[], double shares[]) {
  struct problem p = {.laws = laws, .u = u, .t = t, .scale = -INFINITY};
  double r[S] = {0}, sum = 0;
  for (int j = 0; j < sources; j++) {
    shares[j] = 0;
    if (!(limit[j] > 0)) continue;
    p.source[p.sources] = j;
    p.limit[p.sources] = fmin(limit[j], 1);
    sum += p.limit[p.sources++];
  }
  for (int i = 0; i < p.sources; i++) r[i] = p.limit[i] / sum; /* strictly inside, unless the limits leave no choice */
  if (p.sources > 1 && sum > 1 + 1e-12) {
    for (int k = 0; k < laws; k++) {
      struct problem at = p;
      at.scale = 0;
      p.scale = fmax(p.scale, exponent(&at, k, sources, r));
    }
    for (p.mu = 1e-2; p.mu > .5e-14; p.mu /= 10)
      for (int i = 0; i < NEWTON_STEPS && newton_step(&p, sources, r) > 1e-3 * p.mu; i++) continue;
  }
  double kept = 0;
  for (int i = 0; i < p.sources; i++) kept += r[i] = r[i] < 1e-10 ? 0 : r[i];
  for (int i = 0; i < p.sources; i++) shares[p.source[i]] = r[i] / kept;
}
