/* SPDX-License-Identifier: MIT
 *
 * Coordinates are (s, L0, q = log k, b) of f = b + s psi.  Given (L0, k) a curve is linear in (s, b), so a grid of (L0, k) is
 * solved by least squares within the bounds of (s, b) (variable projection), and the grid's best local minima are polished.
 *
 * With z = k (L - L0): z_L0 = -k, z_q = z, z_L0q = -k, z_qq = z, z_L0L0 = 0, from which the derivatives of psi(z) follow.
 * The sigmoid's psi is 1 / (1 + e^-z) and s is a.  The log-sigmoid's is log(1 + e^z) / k, which tends to a straight line of slope s
 * for large k: where the runs show no more than that, a = s / k and k are not determined, but s is.  The exponential's is
 * e^-z with L0 held at the mean loss: k of its formula is s exp(gamma L0).
 */
#include "tools/fit-scaling/forms/accuracy_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/grid.h"

enum { P = ACCURACY_COORDINATES, GRID = 24, STARTS = 8, LOOKED_AT = 20000 };
enum { at_s, at_mid, at_rate, at_b };

static const char *const sigmoid_names[] = {"a", "L0", "k", "b"};
static const char *const exponential_names[] = {"eps", "k", "gamma"};

static double softplus(double z) { return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z)); }

static double logistic(double z) { return z > 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z)); }

enum { BY_NONE, BY_MID, BY_RATE, BY_MID_MID, BY_MID_RATE, BY_RATE_RATE, DERIVATIVES };

/* psi at z = k (loss - L0) and, when asked, its derivatives. */
static void basis(enum accuracy_link link, double z, double k, double v[DERIVATIVES], bool derivatives) {
  if (link == ACCURACY_LOG_SIGMOID) {
    v[BY_NONE] = softplus(z) / k;
    if (!derivatives) return;
    double first = logistic(z), second = first * logistic(-z);
    v[BY_MID] = -first;
    v[BY_RATE] = first * z / k - v[BY_NONE];
    v[BY_MID_MID] = k * second;
    v[BY_MID_RATE] = -second * z;
    v[BY_RATE_RATE] = second * z * z / k - v[BY_RATE];
    return;
  }
  double first, second;
  if (link == ACCURACY_SIGMOID) {
    double p = logistic(z);
    v[BY_NONE] = p;
    if (!derivatives) return;
    first = p * logistic(-z);
    second = first * (1 - 2 * p);
  } else {
    v[BY_NONE] = second = exp(-z);
    first = -second;
  }
  v[BY_MID] = -k * first;
  v[BY_RATE] = z * first;
  v[BY_MID_MID] = k * k * second;
  v[BY_MID_RATE] = -k * (second * z + first);
  v[BY_RATE_RATE] = z * (second * z + first);
}

double accuracy_at(enum accuracy_link link, const double parameter[], double loss) {
  if (link == ACCURACY_EXPONENTIAL) return 1 - parameter[0] + exp(log(parameter[1]) - parameter[2] * loss);
  double k = parameter[at_rate], z = k * (loss - parameter[at_mid]);
  return link == ACCURACY_SIGMOID ? parameter[at_b] + parameter[at_s] * logistic(z) : 1 + parameter[at_s] * softplus(z);
}

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct accuracy_curve *c = context;
  double s = theta[at_s], k = exp(theta[at_rate]), v[DERIVATIVES];
  basis(c->link, k * (c->loss[i] - theta[at_mid]), k, v, gradient != NULL);
  if (gradient) {
    gradient[at_s] = v[BY_NONE], gradient[at_mid] = s * v[BY_MID], gradient[at_rate] = s * v[BY_RATE], gradient[at_b] = 1;
    double rows[] = {0, v[BY_MID], s * v[BY_MID_MID], v[BY_RATE], s * v[BY_MID_RATE], s * v[BY_RATE_RATE], 0, 0, 0, 0};
    memcpy(hessian, rows, sizeof rows);
  }
  return theta[at_b] + s * v[BY_NONE];
}

/* ---- bound to runs */

static int fix_parameters(struct accuracy_curve *a, const struct form_options *o, struct err *e) {
  struct curve *c = &a->curve;
  if (a->link == ACCURACY_EXPONENTIAL) {
    double eps = form_fixed(o, "eps"), k = form_fixed(o, "k"), gamma = form_fixed(o, "gamma");
    if (eps < 0 || eps > 1 || k <= 0 || gamma <= 0) return err_usage(e, "--fix: eps is from 0 to 1, k and gamma are above 0");
    if (!isnan(k) && isnan(gamma)) return err_usage(e, "--fix k needs --fix gamma too");
    curve_fix(c, at_b, 1 - eps);
    curve_fix(c, at_rate, log(gamma));
    curve_fix(c, at_s, exp(log(k) - gamma * a->middle));
    return 0;
  }
  double factor = form_fixed(o, "a"), mid = form_fixed(o, "L0"), k = form_fixed(o, "k"), b = a->link == ACCURACY_SIGMOID ? form_fixed(o, "b") : NAN;
  if (factor > 0 || k <= 0 || b < 0 || b > 1) return err_usage(e, "--fix: a is at most 0, k above 0, b from 0 to 1");
  if (a->link == ACCURACY_LOG_SIGMOID && !isnan(factor) && isnan(k)) return err_usage(e, "--fix a needs --fix k too");
  curve_fix(c, at_s, a->link == ACCURACY_LOG_SIGMOID ? factor * k : factor);
  curve_fix(c, at_mid, mid);
  curve_fix(c, at_rate, log(k));
  curve_fix(c, at_b, b);
  return 0;
}

void accuracy_curve_release(struct accuracy_curve *a) {
  free(a->loss);
  free(a->accuracy);
  *a = (struct accuracy_curve){0};
}

static void set_bounds(struct accuracy_curve *a, double least, double most) {
  double range = most > least ? most - least : 1;
  struct curve *c = &a->curve;
  double low[P] = {-1, 0, log(.01 / range), 0}, high[P] = {0, 4 * most, log(1e4 / range), 1};
  memcpy(c->low, low, sizeof low);
  memcpy(c->high, high, sizeof high);
  if (a->link == ACCURACY_LOG_SIGMOID) c->low[at_s] = -1e4 / range, c->low[at_b] = 1;
  if (a->link == ACCURACY_EXPONENTIAL) c->low[at_s] = 0, c->high[at_s] = 2, c->low[at_mid] = c->high[at_mid] = a->middle;
  double longest[P] = {.5, range, 1, .5};
  memcpy(c->longest, longest, sizeof longest);
}

int accuracy_curve_bind(struct accuracy_curve *a, enum accuracy_link link, bool ideal, const struct runs *runs, const struct form_options *options, struct err *e) {
  size_t n = runs->count;
  *a = (struct accuracy_curve){.link = link, .count = n, .names = link == ACCURACY_EXPONENTIAL ? exponential_names : sigmoid_names,
                               .parameters = link == ACCURACY_SIGMOID ? 4 : 3};
  a->loss = NEW_ARRAY(double, n + 1);
  a->accuracy = NEW_ARRAY(double, n + 1);
  double least = INFINITY, most = 0;
  for (size_t i = 0; i < n; i++) {
    double loss = runs->column[RUN_LOSS][i], accuracy = runs->column[RUN_ACCURACY][i];
    if (!(accuracy >= 0 && accuracy <= 1))
      return err_set(e, "run %zu has an accuracy of %.9g: accuracies are fractions from 0 to 1 (a percentage: --column 'accuracy=NAME*0.01')", i + 1, accuracy);
    a->loss[i] = loss;
    a->accuracy[i] = accuracy;
    a->middle += loss / (double)n;
    least = fmin(least, loss);
    most = fmax(most, loss);
  }
  a->loss[n] = 0;
  a->accuracy[n] = 1;
  a->curve = (struct curve){.parameters = P, .count = n + ideal, .target = a->accuracy, .value = value, .context = a};
  set_bounds(a, least, most);
  return fix_parameters(a, options, e);
}

const char *accuracy_curve_undetermined(const struct accuracy_curve *a, const double *weight) {
  int wanted = curve_free_count(&a->curve), losses = 0, k;
  double seen[P], least = INFINITY, most = -INFINITY, sum = 0, mean_loss = 0, mean_accuracy = 0, covariance = 0;
  bool ideal = a->curve.count > a->count;
  for (size_t i = 0; i < a->count; i++) {
    double w = weight ? weight[i] : 1, loss = a->loss[i], accuracy = a->accuracy[i];
    if (!(w > 0)) continue;
    for (k = 0; k < losses && seen[k] != loss; k++) continue;
    if (k == losses && losses < P) seen[losses++] = loss;
    least = fmin(least, accuracy);
    most = fmax(most, accuracy);
    sum += w;
    double step = loss - mean_loss;
    mean_loss += w / sum * step;
    mean_accuracy += w / sum * (accuracy - mean_accuracy);
    covariance += w * step * (accuracy - mean_accuracy);
  }
  if (losses + ideal < wanted) return "needed are as many different losses as the curve from loss to accuracy has free parameters";
  if (wanted > 0 && !(least < most)) return "all runs have the same accuracy: the task is at chance, or solved, at these sizes";
  if (wanted > 0 && !weight && !(covariance < 0))
    return "accuracy does not rise as loss falls: the task is at chance at these sizes, or the losses are not its own";
  return NULL;
}

/* ---- starts */

struct sums { /* of weight, psi, psi^2, y, y psi, y^2 */
  double w, f, ff, y, yf, yy;
};

static double squares(const struct sums *s, double a, double b) {
  return s->yy + a * a * s->ff + b * b * s->w + 2 * a * b * s->f - 2 * a * s->yf - 2 * b * s->y;
}

/* The (a, b) within bounds of least squares: inside, or best of the four edges, as the sum is convex. */
static double solve_linear(double theta[], const struct sums *s, const struct curve *c) {
  double determinant = s->w * s->ff - s->f * s->f, least = INFINITY;
  double a = (s->w * s->yf - s->f * s->y) / determinant, b = (s->ff * s->y - s->f * s->yf) / determinant;
  if (determinant > 1e-12 * s->w * s->ff && a >= c->low[at_s] && a <= c->high[at_s] && b >= c->low[at_b] && b <= c->high[at_b]) {
    theta[at_s] = a, theta[at_b] = b;
    return squares(s, a, b);
  }
  for (int edge = 0; edge < 4; edge++) {
    if (edge < 2) {
      a = edge ? c->high[at_s] : c->low[at_s];
      b = fmin(fmax((s->y - a * s->f) / s->w, c->low[at_b]), c->high[at_b]);
    } else {
      b = edge > 2 ? c->high[at_b] : c->low[at_b];
      a = s->ff > 0 ? fmin(fmax((s->yf - b * s->f) / s->ff, c->low[at_s]), c->high[at_s]) : c->low[at_s];
    }
    double value = squares(s, a, b);
    if (!(value < least)) continue;
    least = value;
    theta[at_s] = a, theta[at_b] = b;
  }
  return least;
}

static double between(double low, double high, int i) { return low + (high - low) * i / (GRID - 1); }

static int starts(double (*from)[PARAMETERS_MAX], const struct accuracy_curve *a, const double *weight) {
  const struct curve *c = &a->curve;
  size_t n = c->count, stride = n / LOOKED_AT + 1; /* starts need not see every one of millions of checkpoints */
  double least = INFINITY, most = 0, sum = 0, mean = 0, scatter = 0; /* scatter: squares of the runs' accuracies about their mean */
  for (size_t i = 0; i < a->count; i++) {
    double w = weight ? weight[i] : 1, step = a->accuracy[i] - mean;
    if (w == 0) continue;
    least = fmin(least, a->loss[i]);
    most = fmax(most, a->loss[i]);
    sum += w;
    mean += w / sum * step;
    scatter += w * step * (a->accuracy[i] - mean);
  }
  double range = most > least ? most - least : most;
  struct grid grid;
  grid_init(&grid, 2, (int[]){curve_is_free(c, at_mid) ? GRID : 1, curve_is_free(c, at_rate) ? GRID : 1});
  for (int g = 0; g < grid.cells; g++) {
    struct sums s = {0};
    int at[2];
    grid_position(&grid, g, at);
    double mid = between(least - range, most + range, at[0]), rate = between(log(.3 / range), log(100 / range), at[1]), *theta = grid.theta[g];
    theta[at_mid] = fmin(fmax(mid, c->low[at_mid]), c->high[at_mid]);
    theta[at_rate] = fmin(fmax(rate, c->low[at_rate]), c->high[at_rate]);
    double k = exp(theta[at_rate]);
    for (size_t i = 0; i < n; i += stride) {
      double w = weight ? weight[i] : 1, y = c->target[i], v[DERIVATIVES], f;
      if (w == 0) continue;
      basis(a->link, k * (a->loss[i] - theta[at_mid]), k, v, false);
      f = v[BY_NONE];
      s.w += w, s.f += w * f, s.ff += w * f * f, s.y += w * y, s.yf += w * y * f, s.yy += w * y * y;
    }
    double value = solve_linear(theta, &s, c);
    if (value * (double)stride < .99 * scatter) grid.value[g] = value; /* else it says no more than the mean accuracy */
  }
  int count = grid_starts(&grid, from, STARTS);
  grid_release(&grid);
  return count;
}

/* ---- the fit */

static uint64_t bit(uint64_t set, int from, int to) { return (set >> from & 1) << to; }

void accuracy_curve_set_parameters(struct fit *fit, const struct accuracy_curve *a) {
  const double *t = fit->theta;
  /* the ends of what b can mean are answers, not a sign that the data say nothing: a task may well be solvable, or a guess */
  fit->at_bound &= ~(UINT64_C(1) << at_b);
  if (a->link == ACCURACY_EXPONENTIAL) {
    double gamma = exp(t[at_rate]);
    fit->parameter[0] = 1 - t[at_b], fit->parameter[1] = t[at_s] * exp(gamma * a->middle), fit->parameter[2] = gamma;
    fit->at_bound = bit(fit->at_bound, at_s, 1) | bit(fit->at_bound, at_rate, 2);
    return;
  }
  for (int i = 0; i < a->parameters; i++) fit->parameter[i] = i == at_rate ? exp(t[i]) : t[i];
  if (a->link == ACCURACY_LOG_SIGMOID) fit->parameter[at_s] /= fit->parameter[at_rate];
  if (t[at_s] < 0 && a->link == ACCURACY_SIGMOID) fit->at_bound &= ~(UINT64_C(1) << at_s);
}

void accuracy_curve_estimate(struct fit *fit, const struct accuracy_curve *a, const double *weight, const double *start) {
  static const struct fit_options least_squares = {OBJECTIVE_SQUARES, 1};
  const struct curve *c = &a->curve;
  double *all = NULL;
  if (weight && c->count > a->count) { /* the ideal point is in every resample */
    all = NEW_ARRAY(double, c->count);
    memcpy(all, weight, a->count * sizeof *all);
    all[a->count] = 1;
    weight = all;
  }
  if (start) {
    curve_polish(fit, c, weight, &least_squares, start);
  } else {
    double from[STARTS][PARAMETERS_MAX];
    int count = starts(from, a, weight);
    curve_fit(fit, c, weight, &least_squares, (const double(*)[PARAMETERS_MAX])from, count);
  }
  accuracy_curve_set_parameters(fit, a);
  free(all);
}
