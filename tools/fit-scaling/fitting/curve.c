/* SPDX-License-Identifier: MIT
 *
 * Newton's method with the exact Hessian, damped like Levenberg-Marquardt, inside bounds: with residual r = target - f,
 * gradient g and Hessian H of f, the objective's Hessian is sum rho''(r) g g' - rho'(r) H.
 *
 * L1 has kinks where the optimum usually sits (as many residuals are 0 as there are parameters).  |r| is smoothed to
 * sqrt(r^2 + delta^2), with delta going from 1e-2 to 1e-12, each stage starting where the last one ended: like an
 * interior-point method it keeps curvature in every residual on the way, and the last stage's objective is within 1e-12 a
 * point of the kinked one.
 */
#include "tools/fit-scaling/fitting/curve.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/threads.h"

enum { ITERATIONS = 1000 };

enum { CHUNK = 16384 }; /* points of one partial sum: sums do not depend on threads */

struct shape {
  enum objective objective;
  double delta; /* of huber; width of the smoothing of l1 */
  int jobs;
};

struct evaluation {
  double f, gradient[PARAMETERS_MAX], hessian[HESSIAN_MAX]; /* lower triangle by rows */
};

void curve_fix(struct curve *c, int coordinate, double theta) {
  if (!isnan(theta)) c->low[coordinate] = c->high[coordinate] = theta;
}

bool curve_is_free(const struct curve *c, int coordinate) { return c->low[coordinate] < c->high[coordinate]; }

int curve_free_count(const struct curve *c) {
  int count = 0;
  for (int i = 0; i < c->parameters; i++) count += curve_is_free(c, i);
  return count;
}

static int at(int i, int j) { return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i; }

/* ---- the objective and its derivatives */

static void clear(struct evaluation *v, int p) {
  v->f = 0;
  for (int i = 0; i < p; i++) v->gradient[i] = 0;
  for (int i = 0; i < p * (p + 1) / 2; i++) v->hessian[i] = 0;
}

static void evaluate_points(struct evaluation *v, const struct curve *c, const double theta[], const double *weight, struct shape s, size_t begin, size_t end) {
  int p = c->parameters;
  double g[PARAMETERS_MAX], h[HESSIAN_MAX];
  clear(v, p);
  for (size_t k = begin; k < end; k++) {
    double w = weight ? weight[k] : 1;
    if (w == 0) continue;
    double r = c->target[k] - c->value(c->context, k, theta, g, h), size = fabs(r), first, second;
    if (s.objective == OBJECTIVE_L1) {
      double smooth = sqrt(r * r + s.delta * s.delta), ratio = s.delta / smooth;
      v->f += w * smooth;
      first = w * r / smooth;
      second = w * ratio * ratio / smooth;
    } else if (s.objective == OBJECTIVE_SQUARES) {
      v->f += w * r * r;
      first = 2 * w * r;
      second = 2 * w;
    } else if (size <= s.delta) {
      v->f += .5 * w * r * r;
      first = w * r;
      second = w;
    } else {
      v->f += w * s.delta * (size - .5 * s.delta);
      first = copysign(w * s.delta, r);
      second = 0;
    }
    for (int i = 0, n = 0; i < p; i++) {
      double q = second * g[i];
      v->gradient[i] -= first * g[i];
      for (int j = 0; j <= i; j++, n++) v->hessian[n] += q * g[j] - first * h[n];
    }
  }
}

static double objective_of_points(const struct curve *c, const double theta[], const double *weight, const struct fit_options *options, size_t begin, size_t end) {
  double f = 0, delta = options->delta;
  for (size_t i = begin; i < end; i++) {
    double w = weight ? weight[i] : 1;
    if (w == 0) continue;
    double r = fabs(c->target[i] - c->value(c->context, i, theta, NULL, NULL));
    if (options->objective == OBJECTIVE_L1) f += w * r;
    else if (options->objective == OBJECTIVE_SQUARES) f += w * r * r;
    else f += w * (r <= delta ? .5 * r * r : delta * (r - .5 * delta));
  }
  return f;
}

struct sum {
  const struct curve *curve;
  const double *theta, *weight;
  struct shape shape;
  const struct fit_options *options;
  struct evaluation *part; /* [chunks]; NULL: only the objective */
  double *objective;       /* [chunks] */
};

static size_t chunks_of(const struct curve *c) { return (c->count + CHUNK - 1) / CHUNK; }

static void sum_chunks(void *context, int index, size_t begin, size_t end) {
  (void)index;
  struct sum *s = context;
  for (size_t k = begin; k < end; k++) {
    size_t from = k * CHUNK, to = from + CHUNK < s->curve->count ? from + CHUNK : s->curve->count;
    if (s->part) evaluate_points(&s->part[k], s->curve, s->theta, s->weight, s->shape, from, to);
    else s->objective[k] = objective_of_points(s->curve, s->theta, s->weight, s->options, from, to);
  }
}

static void evaluate(struct evaluation *v, const struct curve *c, const double theta[], const double *weight, struct shape s) {
  int p = c->parameters;
  if (c->count <= CHUNK) {
    evaluate_points(v, c, theta, weight, s, 0, c->count);
  } else {
    struct sum sum = {.curve = c, .theta = theta, .weight = weight, .shape = s, .part = NEW_ARRAY(struct evaluation, chunks_of(c))};
    threads_ranges(s.jobs > 1 ? s.jobs : 1, chunks_of(c), sum_chunks, &sum);
    clear(v, p);
    for (size_t k = 0; k < chunks_of(c); k++) {
      v->f += sum.part[k].f;
      for (int i = 0; i < p; i++) v->gradient[i] += sum.part[k].gradient[i];
      for (int i = 0; i < p * (p + 1) / 2; i++) v->hessian[i] += sum.part[k].hessian[i];
    }
    free(sum.part);
  }
  if (c->term) v->f += c->term(c->term_context, theta, v->gradient, v->hessian);
}

double curve_objective(const struct curve *c, const double theta[], const double *weight, const struct fit_options *options) {
  if (c->count <= CHUNK) return objective_of_points(c, theta, weight, options, 0, c->count);
  struct sum sum = {.curve = c, .theta = theta, .weight = weight, .options = options, .objective = NEW_ARRAY(double, chunks_of(c))};
  threads_ranges(options->jobs > 1 ? options->jobs : 1, chunks_of(c), sum_chunks, &sum);
  double f = 0;
  for (size_t k = 0; k < chunks_of(c); k++) f += sum.objective[k];
  free(sum.objective);
  return f;
}

/* ---- Newton */

/* Solves (h + mu diag(scale)) step = -gradient over the parameters with open[i]; false when it is not positive definite. */
static bool damped_step(double step[], int p, const struct evaluation *v, const double scale[], double mu, const bool open[]) {
  double l[HESSIAN_MAX];
  for (int i = 0; i < p; i++)
    for (int j = 0; j <= i; j++) {
      double sum = open[i] && open[j] ? v->hessian[at(i, j)] : 0;
      if (i == j) sum = open[i] ? sum + mu * scale[i] : 1;
      double whole = sum;
      for (int k = 0; k < j; k++) sum -= l[at(i, k)] * l[at(j, k)];
      if (i == j) {
        if (!(sum > 1e-14 * fabs(whole)) || !isfinite(sum)) return false;
        l[at(i, i)] = sqrt(sum);
      } else {
        l[at(i, j)] = sum / l[at(j, j)];
      }
    }
  for (int i = 0; i < p; i++) {
    double sum = open[i] ? -v->gradient[i] : 0;
    for (int k = 0; k < i; k++) sum -= l[at(i, k)] * step[k];
    step[i] = sum / l[at(i, i)];
  }
  for (int i = p - 1; i >= 0; i--) {
    double sum = step[i];
    for (int k = i + 1; k < p; k++) sum -= l[at(k, i)] * step[k];
    step[i] = sum / l[at(i, i)];
  }
  return true;
}

/* Minimises over theta from where it stands; returns whether no step improves any more within `ITERATIONS`. */
static bool descend(double theta[], const struct curve *c, const double *weight, struct shape s) {
  struct evaluation storage[2], *now = storage, *next = storage + 1;
  int p = c->parameters;
  double mu = 0;
  evaluate(now, c, theta, weight, s);
  for (int iteration = 0; iteration < ITERATIONS; iteration++) {
    if (now->f <= 1e-28 * (double)c->count) return true; /* residuals are rounding errors */
    bool open[PARAMETERS_MAX];
    double scale[PARAMETERS_MAX], largest = 0;
    for (int i = 0; i < p; i++) {
      open[i] = !(theta[i] <= c->low[i] && now->gradient[i] > 0) && !(theta[i] >= c->high[i] && now->gradient[i] < 0) && curve_is_free(c, i);
      scale[i] = fmax(fabs(now->hessian[at(i, i)]), fabs(now->gradient[i]));
      largest = fmax(largest, scale[i]);
    }
    /* far from the runs huber has no curvature, and as many residuals of either sign leave no slope: such a coordinate waits */
    for (int i = 0; i < p; i++) scale[i] = fmax(scale[i], 1e-10 * largest);
    for (;;) {
      if (mu > 1e12) return true; /* the gradient is rounding noise, or a kink that no step leaves */
      double step[PARAMETERS_MAX], trial[PARAMETERS_MAX], predicted = 0, moved = 0, longest = 1;
      if (!damped_step(step, p, now, scale, mu, open)) {
        mu = fmax(10 * mu, 1e-4);
        continue;
      }
      for (int i = 0; i < p; i++) longest = fmax(longest, fabs(step[i]) / c->longest[i]);
      for (int i = 0; i < p; i++) {
        trial[i] = fmin(fmax(theta[i] + step[i] / longest, c->low[i]), c->high[i]);
        step[i] = trial[i] - theta[i];
        moved = fmax(moved, fabs(step[i]));
      }
      for (int i = 0; i < p; i++) {
        predicted -= step[i] * now->gradient[i];
        for (int j = 0; j < p; j++) predicted -= .5 * step[i] * step[j] * now->hessian[at(i, j)];
      }
      if (moved < 1e-14) return true;
      evaluate(next, c, trial, weight, s);
      double gained = now->f - next->f;
      if (!(gained > 0)) {
        if (fabs(gained) <= 4 * DBL_EPSILON * now->f && moved < 1e-9) return true;
        mu = fmax(10 * mu, 1e-6);
        continue;
      }
      memcpy(theta, trial, sizeof *trial * (size_t)p);
      struct evaluation *other = now;
      now = next;
      next = other;
      if (predicted > 0 && gained > .75 * predicted) mu = mu < 1e-9 ? 0 : .1 * mu;
      else if (!(predicted > 0) || gained < .25 * predicted) mu = fmax(4 * mu, 1e-7);
      break;
    }
  }
  return false;
}

void curve_polish(struct fit *fit, const struct curve *c, const double *weight, const struct fit_options *options, const double start[]) {
  *fit = (struct fit){.condition = 1};
  double *theta = fit->theta;
  for (int i = 0; i < c->parameters; i++) theta[i] = fmin(fmax(start[i], c->low[i]), c->high[i]);
  if (options->objective == OBJECTIVE_L1)
    for (double delta = 1e-2; delta > .5e-12; delta /= 10) fit->converged = descend(theta, c, weight, (struct shape){OBJECTIVE_L1, delta, options->jobs});
  else { /* a narrow huber is nearly l1, and its kinks are approached in the same way */
    for (double delta = 1e-3; options->objective == OBJECTIVE_HUBER && delta > options->delta && delta > .5e-12; delta /= 10)
      descend(theta, c, weight, (struct shape){OBJECTIVE_HUBER, delta, options->jobs});
    fit->converged = descend(theta, c, weight, (struct shape){options->objective, options->delta, options->jobs});
  }
  fit->objective = curve_objective(c, theta, weight, options);
  for (int i = 0; i < c->parameters; i++)
    if (curve_is_free(c, i) && (theta[i] <= c->low[i] || theta[i] >= c->high[i])) fit->at_bound |= UINT64_C(1) << i;
}

/* From the eigenvalues of the Jacobian's Gram matrix (Jacobi rotations); fixed coordinates have no column. */
static double condition(const struct curve *c, const double theta[]) {
  enum { P = PARAMETERS_MAX };
  double m[P][P] = {{0}}, g[P], h[HESSIAN_MAX], length[P];
  int column[P], p = 0;
  for (int i = 0; i < c->parameters; i++)
    if (curve_is_free(c, i)) column[p++] = i;
  for (size_t i = 0; i < c->count; i++) {
    c->value(c->context, i, theta, g, h);
    for (int j = 0; j < p; j++)
      for (int k = 0; k < p; k++) m[j][k] += g[column[j]] * g[column[k]];
  }
  for (int j = 0; j < p; j++) {
    if (!(m[j][j] > 0)) return INFINITY;
    length[j] = sqrt(m[j][j]);
  }
  for (int j = 0; j < p; j++)
    for (int k = 0; k < p; k++) m[j][k] /= length[j] * length[k];
  for (int sweep = 0; sweep < 30; sweep++)
    for (int j = 0; j < p; j++)
      for (int k = j + 1; k < p; k++) {
        if (m[j][k] == 0) continue;
        double angle = .5 * atan2(2 * m[j][k], m[j][j] - m[k][k]), cosine = cos(angle), sine = sin(angle);
        for (int i = 0; i < p; i++) {
          double u = m[i][j], v = m[i][k];
          m[i][j] = cosine * u + sine * v;
          m[i][k] = cosine * v - sine * u;
        }
        for (int i = 0; i < p; i++) {
          double u = m[j][i], v = m[k][i];
          m[j][i] = cosine * u + sine * v;
          m[k][i] = cosine * v - sine * u;
        }
      }
  double low = INFINITY, high = 0;
  for (int j = 0; j < p; j++) {
    low = fmin(low, m[j][j]);
    high = fmax(high, m[j][j]);
  }
  return p == 0 ? 1 : low > 0 ? sqrt(high / low) : INFINITY;
}

void curve_fit(struct fit *fit, const struct curve *c, const double *weight, const struct fit_options *options,
               const double (*start)[PARAMETERS_MAX], int count) {
  double *value = NEW_ARRAY(double, count + 1);
  *fit = (struct fit){.objective = INFINITY};
  for (int i = 0; i < count; i++) {
    struct fit one;
    curve_polish(&one, c, weight, options, start[i]);
    value[i] = one.objective;
    if (one.objective < fit->objective) *fit = one;
  }
  fit->starts = count;
  /* a noise-free table ends at rounding errors: what is below 1e-12 a point is one and the same optimum; a narrow huber is small throughout */
  double same = options->objective == OBJECTIVE_HUBER ? fmin(1e-12, 1e-6 * options->delta) : 1e-12;
  for (int i = 0; i < count; i++) fit->reached += value[i] <= fit->objective * (1 + 1e-6) + same * (double)c->count;
  if (count > 0) fit->condition = condition(c, fit->theta);
  free(value);
}
