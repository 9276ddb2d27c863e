/* SPDX-License-Identifier: MIT
 *
 * Residuals, leverages, scale.
 */
#include "tools/fit-scaling/intervals/scatter.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/intervals/covariance.h"

enum { SAMPLE = 5000 }; /* residuals that the exponents of the scale are estimated from */
static const double steepest = 1.5; /* exponent of the scale */

double scatter_add(const struct scatter *s, double value, double residual) {
  if (s->logarithmic) return value * exp(residual);
  return fmin(fmax(value + residual, 1e-9), 1); /* an accuracy */
}

double scatter_residual(const struct scatter *s, double run, double law) { return s->logarithmic ? log(run / law) : run - law; }

/* log of the sum of |residual| / scale: Laplace's log-likelihood is -n times it, for x of mean 0 (or columns of them). */
static double unlikelihood(int columns, size_t n, const double *residual, const double *x, const double exponent[]) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    double log_scale = 0;
    for (int k = 0; k < columns; k++) log_scale += exponent[k] * x[(size_t)k * n + i];
    sum += fabs(residual[i]) * exp(-log_scale);
  }
  return log(sum);
}

/* Golden section along each exponent in turn: the log of a sum of exponentials is convex. */
static void set_exponents(struct scatter *s, size_t n, const double *residual, const double *x) {
  const double golden = (sqrt(5) - 1) / 2;
  double *e = s->exponent, flat = unlikelihood(s->columns, n, residual, x, e);
  if (!isfinite(flat)) return;
  for (int round = 0; round < 8 * s->columns; round++) {
    double trial[2] = {e[0], e[1]}, low = -steepest, high = steepest;
    int k = round % s->columns;
    while (high - low > 1e-3) {
      double a = high - golden * (high - low), b = low + golden * (high - low);
      trial[k] = a;
      double at_a = unlikelihood(s->columns, n, residual, x, trial);
      trial[k] = b;
      if (at_a < unlikelihood(s->columns, n, residual, x, trial)) high = b;
      else low = a;
    }
    e[k] = .5 * (low + high);
  }
  if (!(2 * (double)n * (flat - unlikelihood(s->columns, n, residual, x, e)) > s->columns)) e[0] = e[1] = 0;
}

static bool varies(const struct runs *runs, enum run_column c) {
  double low = INFINITY, high = 0;
  for (size_t i = 0; runs->column[c] && i < runs->count; i++) {
    double v = runs->column[c][i];
    if (!(v > 0) || isinf(v)) return false;
    low = fmin(low, v);
    high = fmax(high, v);
  }
  return high > 1.5 * low;
}

static double log_scale(const struct scatter *s, const struct run *at) {
  double sum = 0;
  for (int k = 0; k < s->columns; k++) sum += s->exponent[k] * (log(at->value[s->by[k]]) - s->middle[k]);
  return sum;
}

/* Rows of a large table, at random: regular ones might all be of one budget. */
static size_t sampled(size_t i, size_t n) { return n < SAMPLE ? i : splitmix64(i) % n; }

static void set_scale(struct scatter *s, const struct runs *runs, const double *residual) {
  static const enum run_column preferred[] = {RUN_PARAMS, RUN_TOKENS, RUN_FLOPS};
  size_t n = s->count;
  for (int c = 0; c < 3; c++)
    if (s->columns < (c == 2 ? 1 : 2) && varies(runs, preferred[c])) s->by[s->columns++] = preferred[c];
  size_t m = n < SAMPLE ? n : SAMPLE;
  double *x = NEW_ARRAY(double, m * 2 + 1), *some = NEW_ARRAY(double, m + 1);
  for (size_t i = 0; i < m; i++) some[i] = residual[sampled(i, n)];
  for (int k = 0; k < s->columns; k++) {
    for (size_t i = 0; i < m; i++) s->middle[k] += (x[(size_t)k * m + i] = log(runs->column[s->by[k]][sampled(i, n)])) / (double)m;
    for (size_t i = 0; i < m; i++) x[(size_t)k * m + i] -= s->middle[k];
  }
  if (s->columns) set_exponents(s, m, some, x);
  free(x);
  free(some);
  s->low = INFINITY, s->high = -INFINITY;
  for (size_t i = 0; i < n; i++) {
    struct run run = runs_row(runs, i);
    s->low = fmin(s->low, log_scale(s, &run));
    s->high = fmax(s->high, log_scale(s, &run));
  }
}

double scatter_scale(const struct scatter *s, const struct run *at) {
  double x = log_scale(s, at);
  return exp(isnan(x) ? s->high : fmin(fmax(x, s->low), s->high));
}

/* The root of the sum of rho'(z - c), which falls as c rises. */
static double centre_of(const struct scatter *s, const struct fit_options *o) {
  double low = s->mean, high = s->mean, bend = o->objective == OBJECTIVE_HUBER ? o->delta : 1e-6 * s->deviation;
  if (o->objective == OBJECTIVE_SQUARES) return s->mean;
  for (size_t i = 0; i < s->count; i++) low = fmin(low, s->standard[i]), high = fmax(high, s->standard[i]);
  for (int step = 0; step < 60; step++) {
    double middle = .5 * (low + high), pull = 0;
    for (size_t i = 0; i < s->count; i++) pull += fmin(fmax(s->standard[i] - middle, -bend), bend);
    if (pull > 0) low = middle;
    else high = middle;
  }
  return .5 * (low + high);
}

bool scatter_measure(struct scatter *s, const struct form_data *d, const struct fit *best, const struct runs *runs) {
  const struct form *form = d->form;
  size_t n = runs->count, free_parameters = (size_t)covariance_freedom(d);
  *s = (struct scatter){.logarithmic = form->explains != RUN_ACCURACY, .count = n, .standard = NEW_ARRAY(double, n + 1),
                        .freedom = n > free_parameters ? (int)fmin(1e9, (double)(n - free_parameters)) : 1};
  double *leverage = NEW_ARRAY(double, n + 1);
  covariance_leverage(d, best, leverage);
  bool sound = n >= 2 && form->predict && runs->column[form->explains];
  for (size_t i = 0; i < n && sound; i++) {
    struct run run = runs_row(runs, i);
    s->standard[i] = scatter_residual(s, run.value[form->explains], form->predict(d, best->parameter, &run)) / sqrt(1 - leverage[i]);
    sound = isfinite(s->standard[i]);
  }
  free(leverage);
  if (!sound) {
    scatter_release(s);
    return false;
  }
  set_scale(s, runs, s->standard);
  for (size_t i = 0; i < n; i++) {
    struct run run = runs_row(runs, i);
    s->standard[i] /= scatter_scale(s, &run);
    s->mean += s->standard[i] / (double)n;
  }
  for (size_t i = 0; i < n; i++) s->deviation += (s->standard[i] - s->mean) * (s->standard[i] - s->mean) / (double)n;
  s->deviation = sqrt(s->deviation);
  s->centre = centre_of(s, &d->options.fit);
  return true;
}

void scatter_release(struct scatter *s) {
  free(s->standard);
  *s = (struct scatter){0};
}

/* Wilson & Hilferty 1931; the exact sum of squares where that is cheap. */
static double chi_square_over_freedom(int freedom, struct rng *rng) {
  if (freedom > 30) {
    double v = 2. / 9 / freedom, root = 1 - v + sqrt(v) * rng_normal(rng);
    return root * root * root;
  }
  double sum = 0;
  for (int i = 0; i < freedom; i++) {
    double z = rng_normal(rng);
    sum += z * z;
  }
  return sum / freedom;
}

double scatter_draw(const struct scatter *s, const struct run *at, struct rng *rng) {
  double width = .9 * pow((double)s->count, -.2); /* Silverman 1986, in units of the deviation */
  double z = s->standard[rng_below(rng, s->count)] - s->mean;
  z = (z + width * s->deviation * rng_normal(rng)) / sqrt(1 + width * width);
  return (s->mean + z) * scatter_scale(s, at);
}

double scatter_uncertainty(const struct scatter *s, struct rng *rng) { return 1 / sqrt(fmax(chi_square_over_freedom(s->freedom, rng), 1e-6)); }
