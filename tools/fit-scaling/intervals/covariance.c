/* SPDX-License-Identifier: MIT
 *
 * Sums over the runs in fixed order, then a small Cholesky factorisation.
 */
#include "tools/fit-scaling/intervals/covariance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/order.h"
#include "tools/fit-scaling/intervals/distribution.h"

enum { P = PARAMETERS_MAX };

static const double dependent = 1e-13;

/* The coordinates that can move: neither fixed nor on a bound. */
static int moving(const struct curve *c, const struct fit *best, int index[]) {
  int p = 0;
  for (int i = 0; i < c->parameters; i++)
    if (curve_is_free(c, i) && best->theta[i] > c->low[i] && best->theta[i] < c->high[i]) index[p++] = i;
  return p;
}

int covariance_freedom(const struct form_data *d) { return d->curve ? curve_free_count(d->curve) : d->parameters; }

void covariance_leverage(const struct form_data *d, const struct fit *best, double *leverage) {
  const struct curve *c = d->curve;
  double even = fmin(.999, (double)covariance_freedom(d) / (double)d->count), g[P], h[HESSIAN_MAX], x[P];
  int index[P];
  for (size_t i = 0; i < d->count; i++) leverage[i] = even;
  if (!c || c->count != d->count) return;
  matrix_row *m = NEW_ARRAY(matrix_row, P);
  int p = moving(c, best, index);
  for (size_t i = 0; i < c->count; i++) {
    c->value(c->context, i, best->theta, g, h);
    for (int j = 0; j < p; j++)
      for (int k = 0; k <= j; k++) m[j][k] += g[index[j]] * g[index[k]];
  }
  for (int j = 0; j < p; j++) m[j][j] *= 1 + 1e-10; /* the runs may say nothing about a direction: it then fits no run either */
  if (cholesky_factor(p, m, dependent))
    for (size_t i = 0; i < c->count; i++) {
      double sum = 0;
      c->value(c->context, i, best->theta, g, h);
      for (int j = 0; j < p; j++) x[j] = g[index[j]];
      cholesky_forward(p, m, x);
      for (int j = 0; j < p; j++) sum += x[j] * x[j];
      leverage[i] = fmin(sum, .999);
    }
  free(m);
}

/* ---- the objective around its optimum */

/* Silverman's width for residuals, less those that the fit passes through: as many as there are parameters. */
static double kernel_width(const double *residual, size_t n, size_t parameters) {
  size_t step = 1 + n / 100000, m = (n + step - 1) / step, from = step > 1 ? 0 : parameters < n ? parameters : n - 1, left = m - from;
  double *size = NEW_ARRAY(double, m + 1), squares = 0;
  for (size_t i = 0; i < m; i++) size[i] = fabs(residual[i * step]);
  order_ascending(size, m);
  for (size_t i = from; i < m; i++) squares += size[i] * size[i];
  double median = size[from + left / 2] / normal_quantile(.75), deviation = fmin(sqrt(squares / (double)left), median);
  free(size);
  return .9 * deviation * pow((double)(n - from), -.2);
}

struct slopes { /* of rho at a residual */
  double first, second;
};

static struct slopes slopes_at(double residual, const struct fit_options *o, double width) {
  if (o->objective == OBJECTIVE_SQUARES) return (struct slopes){2 * residual, 2};
  double delta = o->objective == OBJECTIVE_L1 ? 0 : o->delta, first = o->objective == OBJECTIVE_L1 ? 1 : delta;
  if (fabs(residual) < delta) first = fabs(residual);
  first = residual == 0 ? 0 : copysign(first, residual);
  if (!(width > 0)) return (struct slopes){first, fabs(residual) <= delta};
  if (delta < 1e-3 * width) { /* twice the density, times delta of a huber */
    double z = residual / width, density = exp(-.5 * z * z) / sqrt(2 * acos(-1)) / width;
    return (struct slopes){first, 2 * density * (o->objective == OBJECTIVE_L1 ? 1 : delta)};
  }
  return (struct slopes){first, normal_cdf((delta - residual) / width) - normal_cdf((-delta - residual) / width)};
}

static double *residuals_of(const struct curve *c, const struct fit *best) {
  double *residual = NEW_ARRAY(double, c->count + 1);
  for (size_t i = 0; i < c->count; i++) residual[i] = c->target[i] - c->value(c->context, i, best->theta, NULL, NULL);
  return residual;
}

struct curvature covariance_curvature(const struct form_data *d, const struct fit *best) {
  const struct curve *c = d->curve;
  struct curvature curvature = {0};
  double *residual = residuals_of(c, best), *leverage = NEW_ARRAY(double, d->count + 1);
  covariance_leverage(d, best, leverage);
  for (size_t i = 0; i < c->count && c->count == d->count; i++) residual[i] /= sqrt(1 - leverage[i]);
  double width = kernel_width(residual, c->count, (size_t)covariance_freedom(d));
  for (size_t i = 0; i < c->count; i++) {
    struct slopes s = slopes_at(residual[i], &d->options.fit, width);
    curvature.second += s.second / (double)c->count;
    curvature.square += s.first * s.first / (double)c->count;
  }
  free(residual);
  free(leverage);
  return curvature;
}

bool covariance_factor(const struct form_data *d, const struct fit *best, matrix_row factor[]) {
  if (!d->curve) return false;
  const struct curve *c = d->curve;
  double *residual = residuals_of(c, best), g[P], h[HESSIAN_MAX];
  matrix_row *a = NEW_ARRAY(matrix_row, P), *b = NEW_ARRAY(matrix_row, P);
  int index[P], p = moving(c, best, index);
  double width = kernel_width(residual, c->count, (size_t)p);
  for (size_t i = 0; i < c->count; i++) {
    c->value(c->context, i, best->theta, g, h);
    struct slopes s = slopes_at(residual[i], &d->options.fit, width);
    for (int j = 0; j < p; j++)
      for (int k = 0; k <= j; k++) {
        double product = g[index[j]] * g[index[k]];
        a[j][k] += s.second * product - s.first * h[index[j] * (index[j] + 1) / 2 + index[k]]; /* index ascends */
        b[j][k] += s.first * s.first * product;
      }
  }
  free(residual);
  bool sound = p > 0 && cholesky_factor(p, a, dependent);
  if (sound) { /* columns of A^-1 chol(B); a singular B (no scatter) gives no spread in that direction */
    for (int j = 0; j < p; j++) b[j][j] *= 1 + 1e-12;
    if (!cholesky_factor(p, b, dependent)) memset(b, 0, P * sizeof *b);
    memset(factor, 0, P * sizeof *factor);
    for (int k = 0; k < p; k++) {
      double x[P] = {0};
      for (int j = k; j < p; j++) x[j] = b[j][k];
      cholesky_forward(p, a, x);
      cholesky_backward(p, a, x);
      for (int j = 0; j < p; j++) factor[index[j]][index[k]] = x[j]; /* full, not triangular */
    }
  }
  free(a);
  free(b);
  return sound;
}
