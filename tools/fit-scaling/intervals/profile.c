/* SPDX-License-Identifier: MIT
 *
 * The constraint is a soft one: the objective plus W (q - c)^2 / 2 is minimised.  Where that ends, q is not quite c, but the
 * optimum is exactly the best one among the laws with that q, so a sweep of c walks along the profile whatever W is.  The
 * root of the rise is nearly linear in q: a guarded secant finds the limit in a few fits.
 */
#include "tools/fit-scaling/intervals/profile.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/intervals/covariance.h"
#include "tools/fit-scaling/intervals/distribution.h"

enum { P = PARAMETERS_MAX, HESSIAN_OF_TERM_MAX = 12, FITS = 60 };

struct profile {
  const struct form_data *data;
  const struct fit *best;
  double (*value)(const void *context, const double *law);
  const void *context;
  bool logarithmic;  /* q is the log of a number above 0 */
  double q, c;       /* at the best fit; where the term pulls */
  double unit;       /* an estimate of q's standard error */
  double weight;     /* W */
  double direction[P]; /* how theta moves where q moves by 1 */
  struct curve curve;
};

static double q_of(const struct profile *p, const double theta[]) {
  struct fit fit = {0};
  memcpy(fit.theta, theta, sizeof fit.theta);
  p->data->form->set_parameters(&fit, p->data);
  double v = p->value(p->context, fit.parameter);
  return p->logarithmic ? log(v) : v;
}

static double step_of(const struct profile *p, int i) { return 1e-4 * fmin(1, p->curve.longest[i]); }

static void gradient_of_q(const struct profile *p, const double theta[], double gradient[]) {
  double at[P];
  memcpy(at, theta, sizeof at);
  for (int i = 0; i < p->curve.parameters; i++) {
    double h = step_of(p, i);
    gradient[i] = 0;
    if (!curve_is_free(&p->curve, i)) continue;
    at[i] = theta[i] + h;
    double up = q_of(p, at);
    at[i] = theta[i] - h;
    gradient[i] = (up - q_of(p, at)) / (2 * h);
    at[i] = theta[i];
  }
}

/* Differences of the gradient; many parameters do without. */
static void add_hessian_of_q(const struct profile *p, const double theta[], double factor, double hessian[]) {
  double at[P], up[P], down[P];
  int n = p->curve.parameters;
  if (n > HESSIAN_OF_TERM_MAX) return;
  memcpy(at, theta, sizeof at);
  for (int i = 0; i < n; i++) {
    if (!curve_is_free(&p->curve, i)) continue;
    double h = 10 * step_of(p, i);
    at[i] = theta[i] + h;
    gradient_of_q(p, at, up);
    at[i] = theta[i] - h;
    gradient_of_q(p, at, down);
    at[i] = theta[i];
    for (int j = 0; j <= i; j++) {
      double second = (up[j] - down[j]) / (2 * h);
      if (isfinite(second)) hessian[i * (i + 1) / 2 + j] += factor * second;
    }
  }
}

static double term(const void *context, const double theta[], double gradient[], double hessian[]) {
  const struct profile *p = context;
  double whole[P] = {0}, off, g[P];
  memcpy(whole, theta, sizeof *theta * (size_t)p->curve.parameters);
  off = q_of(p, whole) - p->c;
  if (!isfinite(off)) return INFINITY;
  gradient_of_q(p, whole, g);
  for (int i = 0, n = 0; i < p->curve.parameters; i++) {
    gradient[i] += p->weight * off * g[i];
    for (int j = 0; j <= i; j++, n++) hessian[n] += p->weight * g[i] * g[j];
  }
  add_hessian_of_q(p, whole, p->weight * off, hessian);
  return .5 * p->weight * off * off;
}

/* The rise of the objective that `level` allows. */
static double allowed(const struct form_data *d, const struct fit *best, double level) {
  int p = covariance_freedom(d);
  size_t n = d->curve->count, freedom = n > (size_t)p ? n - (size_t)p : 1;
  double t = student_quantile(.5 * (1 + level), (int)fmin(1e9, (double)freedom));
  if (d->options.fit.objective == OBJECTIVE_SQUARES) return t * t * best->objective / (double)freedom;
  struct curvature c = covariance_curvature(d, best);
  return t * t * c.square / (2 * c.second) * (double)n / (double)freedom;
}

/* q's standard error to first order, and the direction in which theta moves with q. */
static void set_unit(struct profile *p, double rise, double critical) {
  double g[P], variance = 0;
  matrix_row *factor = NEW_ARRAY(matrix_row, P);
  int n = p->curve.parameters;
  gradient_of_q(p, p->best->theta, g);
  if (covariance_factor(p->data, p->best, factor)) {
    for (int k = 0; k < n; k++) {
      double sum = 0;
      for (int i = 0; i < n; i++) sum += isfinite(g[i]) ? factor[i][k] * g[i] : 0;
      variance += sum * sum;
      for (int i = 0; i < n; i++) p->direction[i] += factor[i][k] * sum;
    }
    for (int i = 0; i < n; i++) p->direction[i] = variance > 0 && isfinite(p->direction[i] / variance) ? p->direction[i] / variance : 0;
  }
  free(factor);
  double natural = p->logarithmic ? 1 : fmax(fabs(p->q), 1e-6);
  p->unit = variance > 0 && isfinite(variance) ? fmin(sqrt(variance), natural) : .05 * natural;
  p->weight = 30 * rise / (critical * critical) / (p->unit * p->unit);
}

/* The square root of the rise, over that allowed, at the best law for p->c; *q is that law's. */
static double root_of_rise(struct profile *p, double rise, double theta[], double *q) {
  struct fit fit;
  curve_polish(&fit, &p->curve, NULL, &p->data->options.fit, theta);
  double now = q_of(p, fit.theta);
  if (!isfinite(now) || !isfinite(fit.objective)) return INFINITY;
  memcpy(theta, fit.theta, sizeof fit.theta);
  *q = now;
  return sqrt(fmax(0, fit.objective - p->best->objective) / rise);
}

/* The limit on one side; the last q that was reached where nothing ends the walk. */
static double limit(struct profile *p, double rise, double critical, int side) {
  double theta[P], inner = p->q, inner_q = p->q, inner_root = 0, outer = NAN, outer_q = NAN, outer_root = NAN, c = p->q + side * p->unit * critical;
  double farthest = p->logarithmic ? 46 : 1e4 * fmax(p->unit, fabs(p->q)); /* a factor of 1e20 */
  for (int i = 0; i < P; i++) theta[i] = p->best->theta[i] + p->direction[i] * (c - p->q);
  for (int k = 0; k < FITS; k++) {
    double from[P], q = NAN;
    memcpy(from, theta, sizeof from);
    p->c = c;
    double root = root_of_rise(p, rise, from, &q);
    if (root < INFINITY) memcpy(theta, from, sizeof theta);
    if (root >= 1) outer = c, outer_q = q, outer_root = root;
    else inner = c, inner_q = q, inner_root = root;
    if (fabs(root - 1) < 5e-4) return q;
    if (isnan(outer)) {
      if (fabs(c - p->q) >= farthest) return q;
      double wanted = (c - p->q) * fmin(fmax(1.1 / fmax(root, 1e-9), 1.3), 4);
      c = p->q + copysign(fmin(fabs(wanted), farthest), wanted);
    } else {
      if (fabs(outer - inner) < 1e-5 * (fabs(outer - p->q) + 1e-12 * fabs(p->q)) + DBL_MIN) break;
      double share = outer_root < INFINITY ? (1 - inner_root) / (outer_root - inner_root) : .5;
      c = inner + fmin(fmax(share, .05), .95) * (outer - inner);
    }
  }
  double share = outer_root < INFINITY ? (1 - inner_root) / (outer_root - inner_root) : 0; /* the profile may jump there */
  return isfinite(outer_q) ? inner_q + share * (outer_q - inner_q) : inner_q;
}

struct profile_limits profile_limits(const struct form_data *d, const struct fit *best, double level, double (*value)(const void *context, const double *law),
                                     const void *context) {
  struct profile_limits limits = {NAN, NAN};
  double v = value(context, best->parameter);
  if (!d->curve || !d->form->set_parameters || !isfinite(v)) return limits;
  struct profile *p = NEW(struct profile);
  *p = (struct profile){.data = d, .best = best, .value = value, .context = context, .logarithmic = v > 0, .curve = *d->curve};
  p->q = p->logarithmic ? log(v) : v;
  p->curve.term = term;
  p->curve.term_context = p;
  double rise = allowed(d, best, level), critical = student_quantile(.5 * (1 + level), 1000);
  if (rise > 1e-24 * (double)p->curve.count) {
    set_unit(p, rise, critical);
    double low = limit(p, rise, critical, -1), high = limit(p, rise, critical, 1);
    limits = p->logarithmic ? (struct profile_limits){exp(low), exp(high)} : (struct profile_limits){low, high};
  } else if (rise >= 0) { /* no scatter at all */
    limits = (struct profile_limits){v, v};
  }
  free(p);
  return limits;
}
