/* SPDX-License-Identifier: MIT
 *
 * The parabola is a fixed point of reweighting; the spline's second derivatives solve a system of five bands, and the trace
 * that cross-validation needs comes from the bands of its inverse (Hutchinson & de Hoog 1985), so that both are linear in
 * the number of points.
 */
#include "tools/fit-scaling/fitting/minimum.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/linear.h"

enum { ITERATIONS = 60, ROBUST_LEAST = 6, SCALE_SAMPLE = 4096, SMOOTHINGS = 41 };

static const double width = 1;       /* of the weights, in x: a factor e of N */
static const double huber = 1.345;   /* 95% of the efficiency of least squares under normal noise */
static const double settled = 1e-10; /* in x */
static const double inflation = 1.2; /* of the degrees of freedom in cross-validation, which else follows few points too closely (Kim & Gu 2004 take 1.4) */

static const char *const too_few = "needs three different sizes", *const bends_down = "the losses bend downward: they show no minimum",
                         *const at_small = "the loss is lowest at the smallest size: the minimum may lie below",
                         *const at_large = "the loss is lowest at the largest size: the minimum may lie above";

struct points {
  double *x, *y, *w;
  size_t n;
};

static void points_release(struct points *p) {
  free(p->x);
  free(p->y);
  free(p->w);
}

/* Those of weight above 0; equal x become one point. */
static void points_merge(struct points *p, const double *x, const double *y, const double *weight, size_t n) {
  *p = (struct points){NEW_ARRAY(double, n + 1), NEW_ARRAY(double, n + 1), NEW_ARRAY(double, n + 1), 0};
  for (size_t i = 0; i < n; i++) {
    double w = weight ? weight[i] : 1;
    if (!(w > 0)) continue;
    size_t last = p->n - 1;
    if (p->n > 0 && p->x[last] == x[i]) {
      p->w[last] += w;
      p->y[last] += (y[i] - p->y[last]) * w / p->w[last];
    } else {
      p->x[p->n] = x[i];
      p->y[p->n] = y[i];
      p->w[p->n++] = w;
    }
  }
}

static double closeness(double distance) { return exp(-.5 * distance * distance / (width * width)); }

/* ---- parabola */

struct weighted {
  double value, weight;
};

static int ascending(const void *a, const void *b) {
  double x = ((const struct weighted *)a)->value, y = ((const struct weighted *)b)->value;
  return (x > y) - (x < y);
}

static double weighted_median(struct weighted *v, size_t n) {
  double total = 0, sum = 0;
  qsort(v, n, sizeof *v, ascending);
  for (size_t i = 0; i < n; i++) total += v[i].weight;
  for (size_t i = 0; i < n; i++) {
    sum += v[i].weight;
    if (sum >= total / 2) return v[i].value;
  }
  return 0;
}

/* Sets trust[] from the residuals of base + c[0] + c[1] d + c[2] d^2, d the distance from `center`. */
static void distrust_outliers(double *trust, const struct points *p, const double c[3], double center, double base, struct weighted *room) {
  size_t stride = p->n / SCALE_SAMPLE + 1, n = 0; /* the scale of many points is that of some */
  double sum = 0, squares = 0;
  for (size_t i = 0; i < p->n; i++) {
    double d = p->x[i] - center;
    trust[i] = fabs(p->y[i] - base - c[0] - d * (c[1] + d * c[2]));
    sum += p->w[i] * closeness(d);
    squares += p->w[i] * closeness(d) * closeness(d);
    if (i % stride == 0) room[n++] = (struct weighted){trust[i], p->w[i] * closeness(d)};
  }
  double points = fmax(sum * sum / squares, 4); /* as many equal weights would be as certain */
  double limit = huber * 1.4826 * weighted_median(room, n) * sqrt(points / (points - 3)); /* three were spent on the parabola */
  for (size_t i = 0; i < p->n; i++) trust[i] = trust[i] > limit ? limit / trust[i] : 1;
}

static const char *parabola(struct minimum *m, const struct points *p, bool robust) {
  double low = p->x[0], high = p->x[p->n - 1], center = low, least = INFINITY, c[3] = {0};
  double *trust = NEW_ARRAY(double, p->n);
  struct weighted *room = NEW_ARRAY(struct weighted, SCALE_SAMPLE + 1);
  const char *why = NULL;
  for (size_t i = 0; i < p->n; i++) {
    trust[i] = 1;
    if (p->y[i] < least) least = p->y[i], center = p->x[i];
  }
  for (int iteration = 0; !why && iteration < ITERATIONS; iteration++) {
    struct linear l = {.unknowns = 3};
    for (size_t i = 0; i < p->n; i++) {
      double d = p->x[i] - center;
      linear_add(&l, (double[]){1, d, d * d}, p->y[i] - least, p->w[i] * trust[i] * closeness(d));
    }
    if (!linear_solve(&l, c)) why = too_few;
    else if (!(c[2] > 0)) why = bends_down;
    else {
      double next = fmin(fmax(center - c[1] / (2 * c[2]), low), high), moved = fabs(next - center);
      *m = (struct minimum){center - c[1] / (2 * c[2]), least + c[0] - c[1] * c[1] / (4 * c[2]), c[2]};
      if (robust && p->n >= ROBUST_LEAST) distrust_outliers(trust, p, c, center, least, room);
      center = next;
      if (moved < settled && iteration > 1) break;
    }
  }
  /* a curve that only falls bends a parabola up just before the last point: there the last point itself must rise */
  if (!why && (m->x <= low || (m->x < p->x[1] && p->y[0] < p->y[1]))) why = at_small;
  if (!why && (m->x >= high || (m->x > p->x[p->n - 2] && p->y[p->n - 1] < p->y[p->n - 2]))) why = at_large;
  free(trust);
  free(room);
  return why;
}

/* ---- smoothing spline: Green & Silverman 1994, section 2.3; Q is n x (n-2) of second differences, R tridiagonal */

struct band { /* row i of a symmetric matrix: [i][i], [i][i+1], [i][i+2] */
  double at[3];
};

struct spline {
  const struct points *p;
  size_t k;            /* inner knots */
  struct band *r, *b;  /* R; B = Q' W^-1 Q */
  double *q[3];        /* column j of Q: rows j, j+1, j+2 */
  double *right;       /* Q' y */
  struct band *factor; /* L D L' of R + smoothing B: D, then L's two bands */
  struct band *inverse;
  double *second, *value; /* [n] second derivatives; fitted values */
};

static void spline_init(struct spline *s, const struct points *p) {
  size_t k = p->n - 2;
  *s = (struct spline){.p = p, .k = k, .r = NEW_ARRAY(struct band, k), .b = NEW_ARRAY(struct band, k), .right = NEW_ARRAY(double, k),
                       .factor = NEW_ARRAY(struct band, k), .inverse = NEW_ARRAY(struct band, k + 2), .second = NEW_ARRAY(double, p->n),
                       .value = NEW_ARRAY(double, p->n)};
  for (int c = 0; c < 3; c++) s->q[c] = NEW_ARRAY(double, k);
  for (size_t j = 0; j < k; j++) {
    double before = p->x[j + 1] - p->x[j], after = p->x[j + 2] - p->x[j + 1];
    s->q[0][j] = 1 / before;
    s->q[1][j] = -1 / before - 1 / after;
    s->q[2][j] = 1 / after;
    s->r[j].at[0] = (before + after) / 3;
    if (j + 1 < k) s->r[j].at[1] = after / 6;
    for (int c = 0; c < 3; c++) s->right[j] += s->q[c][j] * p->y[j + (size_t)c];
  }
  for (size_t j = 0; j < k; j++)
    for (size_t offset = 0; offset < 3 && j + offset < k; offset++)
      for (size_t row = offset; row < 3; row++) s->b[j].at[offset] += s->q[row][j] * s->q[row - offset][j + offset] / p->w[j + row];
}

static void spline_release(struct spline *s) {
  free(s->r);
  free(s->b);
  free(s->right);
  free(s->factor);
  free(s->inverse);
  free(s->second);
  free(s->value);
  for (int c = 0; c < 3; c++) free(s->q[c]);
}

/* Sets second[] and value[]; returns the score of generalised cross-validation, infinite where the spline is too free to be scored. */
static double spline_smooth(struct spline *s, double smoothing) {
  size_t k = s->k, n = s->p->n;
  struct band *f = s->factor, *inverse = s->inverse;
  double *solution = s->second + 1, trace = 0, squares = 0;
  for (size_t i = 0; i < k; i++) {
    double d = s->r[i].at[0] + smoothing * s->b[i].at[0], e = s->r[i].at[1] + smoothing * s->b[i].at[1], g = smoothing * s->b[i].at[2];
    if (i > 0) d -= f[i - 1].at[1] * f[i - 1].at[1] * f[i - 1].at[0], e -= f[i - 1].at[1] * f[i - 1].at[2] * f[i - 1].at[0];
    if (i > 1) d -= f[i - 2].at[2] * f[i - 2].at[2] * f[i - 2].at[0];
    f[i] = (struct band){{d, e / d, g / d}};
  }
  for (size_t i = 0; i < k; i++) {
    solution[i] = s->right[i];
    if (i > 0) solution[i] -= f[i - 1].at[1] * solution[i - 1];
    if (i > 1) solution[i] -= f[i - 2].at[2] * solution[i - 2];
  }
  for (size_t i = k; i-- > 0;) {
    solution[i] /= f[i].at[0];
    if (i + 1 < k) solution[i] -= f[i].at[1] * solution[i + 1];
    if (i + 2 < k) solution[i] -= f[i].at[2] * solution[i + 2];
  }
  inverse[k] = inverse[k + 1] = (struct band){{0}};
  for (size_t i = k; i-- > 0;) {
    double l1 = i + 1 < k ? f[i].at[1] : 0, l2 = i + 2 < k ? f[i].at[2] : 0;
    inverse[i].at[2] = -l1 * inverse[i + 1].at[1] - l2 * inverse[i + 2].at[0];
    inverse[i].at[1] = -l1 * inverse[i + 1].at[0] - l2 * inverse[i + 1].at[1];
    inverse[i].at[0] = 1 / f[i].at[0] - l1 * inverse[i].at[1] - l2 * inverse[i].at[2];
    trace += inverse[i].at[0] * s->b[i].at[0] + 2 * (inverse[i].at[1] * s->b[i].at[1] + inverse[i].at[2] * s->b[i].at[2]);
  }
  for (size_t i = 0; i < n; i++) {
    double residual = 0;
    for (size_t c = 0; c < 3; c++)
      if (i >= c && i - c < k) residual += s->q[c][i - c] * solution[i - c];
    residual *= smoothing / s->p->w[i];
    s->value[i] = s->p->y[i] - residual;
    squares += s->p->w[i] * residual * residual;
  }
  double left = 1 - inflation * (1 - smoothing * trace / (double)n);
  return left > 0 ? squares / (double)n / (left * left) : INFINITY;
}

/* Lowers *m to the lowest stationary point of the cubic between knots i and i + 1. */
static void lowest_between(struct minimum *m, const struct spline *s, size_t i) {
  double h = s->p->x[i + 1] - s->p->x[i], g0 = s->second[i], g1 = s->second[i + 1];
  double slope = (s->value[i + 1] - s->value[i]) / h - h * (2 * g0 + g1) / 6;
  double a = (g1 - g0) / (2 * h), inside = g0 * g0 - 4 * a * slope;
  if (!(inside >= 0)) return;
  double root = g0 + copysign(sqrt(inside), g0), t[2] = {-root / (2 * a), -2 * slope / root};
  for (int k = 0; k < 2; k++) {
    double y = s->value[i] + t[k] * (slope + t[k] * (g0 / 2 + t[k] * a / 3));
    if (t[k] >= 0 && t[k] <= h && y < m->y) m->x = s->p->x[i] + t[k], m->y = y, m->curvature = (g0 + 2 * a * t[k]) / 2;
  }
}

/* The parabola with its vertex at *m, near it. */
static double curvature_at(const struct minimum *m, const struct points *p) {
  double sum = 0, total = 0;
  for (size_t i = 0; i < p->n; i++) {
    double d = p->x[i] - m->x, w = p->w[i] * closeness(d);
    sum += w * d * d * (p->y[i] - m->y);
    total += w * d * d * d * d;
  }
  return sum / total;
}

static const char *spline(struct minimum *m, const struct points *p) {
  struct spline s;
  double ratio[2] = {0}, best = INFINITY, chosen = 0;
  spline_init(&s, p);
  for (size_t i = 0; i < s.k; i++) ratio[0] += s.r[i].at[0], ratio[1] += s.b[i].at[0];
  for (int i = 0; i < SMOOTHINGS; i++) {
    double smoothing = ratio[0] / ratio[1] * pow(10, -6 + .25 * i), score = spline_smooth(&s, smoothing);
    if (score < best * (1 - 1e-9)) best = score, chosen = smoothing;
  }
  spline_smooth(&s, chosen);
  size_t lowest = 0, last = p->n - 1;
  for (size_t i = 1; i <= last; i++)
    if (s.value[i] < s.value[lowest]) lowest = i;
  *m = (struct minimum){p->x[lowest], s.value[lowest], s.second[lowest] / 2};
  for (size_t i = 0; i < last; i++) lowest_between(m, &s, i);
  spline_release(&s);
  if (m->x <= p->x[0]) return at_small;
  if (m->x >= p->x[last]) return at_large;
  double curvature = curvature_at(m, p);
  if (curvature > 0) m->curvature = curvature;
  return m->curvature > 1e-12 * fabs(m->y) ? NULL : bends_down; /* equal losses curve by rounding errors */
}

const char *minimum_find(struct minimum *m, enum minima how, bool robust, const double *x, const double *y, const double *weight, size_t n) {
  struct points p;
  points_merge(&p, x, y, weight, n);
  const char *why = p.n < 3 ? too_few : how == MINIMA_SPLINE ? spline(m, &p) : parabola(m, &p, robust);
  points_release(&p);
  return why;
}
