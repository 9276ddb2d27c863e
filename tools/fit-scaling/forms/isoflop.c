/* SPDX-License-Identifier: MIT
 *
 * Budgets are found once, when runs are bound; an estimate finds each budget's minimum (fitting/minimum.h) from the runs that
 * have a weight, then draws the lines of log N and log D over log C and the law of the lowest loss through the minima.  Runs of
 * a budget whose compute differs (read off a figure) are moved along the frontier to the budget's mean: their N by
 * (C_mean / C)^a, their loss by the slope of the loss law.  That needs the laws, so it is repeated with those found before.
 */
#include "tools/fit-scaling/forms/isoflop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/fit-scaling/fitting/least_squares.h"
#include "tools/fit-scaling/fitting/linear.h"
#include "tools/fit-scaling/forms/budgets.h"

enum { at_a, at_b, at_kn, at_kd, at_e, at_kl, at_c, at_gamma, P };
enum { loss_e, loss_k, loss_c, LOSS_P }; /* theta of the loss law: log E, log of the power law at the mean compute, c */
enum { FREE_E_LEAST = 4, STARTS = 12, PASSES = 3 };

static const double log_e_below = 25; /* E is zero for all purposes at e^-25 of the smallest loss */

struct point {
  double log_n, loss, log_flops, log_k; /* log_k: of C / (N D), 6 by the usual count */
  uint32_t budget;
  size_t run;
};

struct isoflop {
  struct point *points;          /* [count] of the runs in budgets, by budget, then N */
  size_t count, budgets;
  size_t *first;                 /* [budgets + 1] */
  double log_flops[BUDGETS_MAX]; /* mean over the budget's runs */
  double *log_n, *log_flops_of_run, *log_loss; /* of all runs */
  double fixed[P];               /* --fix, else not a number */
};

struct minima_found {
  size_t count;
  double log_flops[BUDGETS_MAX], log_n[BUDGETS_MAX], log_d[BUDGETS_MAX], log_loss[BUDGETS_MAX], curvature[BUDGETS_MAX];
  double weight[BUDGETS_MAX]; /* mean of its runs' weights: a resample that holds the whole budget twice counts it twice */
};

/* ---- bound to runs */

static int by_budget_and_size(const void *a, const void *b) {
  const struct point *x = a, *y = b;
  if (x->budget != y->budget) return x->budget < y->budget ? -1 : 1;
  if (x->log_n != y->log_n) return x->log_n < y->log_n ? -1 : 1;
  return (x->run > y->run) - (x->run < y->run);
}

static void release(struct form_data *d) {
  struct isoflop *f = d->own;
  if (!f) return;
  free(f->points);
  free(f->first);
  free(f->log_n);
  free(f->log_flops_of_run);
  free(f->log_loss);
  free(f);
}

static double flops_of(const struct run *run) {
  double flops = run->value[RUN_FLOPS];
  return isfinite(flops) ? flops : 6 * run->value[RUN_PARAMS] * run->value[RUN_TOKENS];
}

static void find_budgets(struct isoflop *f, const struct runs *runs) {
  size_t n = runs->count;
  uint32_t *budget = NEW_ARRAY(uint32_t, n + 1);
  f->points = NEW_ARRAY(struct point, n + 1);
  f->budgets = budgets_find(budget, f->log_flops_of_run, n);
  for (size_t i = 0; i < n; i++) {
    if (budget[i] == BUDGET_NONE) continue;
    double log_n = f->log_n[i], log_flops = f->log_flops_of_run[i], log_k = log_flops - log_n - log(runs->column[RUN_TOKENS][i]);
    f->points[f->count++] = (struct point){log_n, runs->column[RUN_LOSS][i], log_flops, log_k, budget[i], i};
  }
  qsort(f->points, f->count, sizeof *f->points, by_budget_and_size);
  f->first = NEW_ARRAY(size_t, f->budgets + 1);
  for (size_t b = 0, i = 0; b < f->budgets; b++) {
    double sum = 0;
    for (; i < f->count && f->points[i].budget == b; i++) sum += f->points[i].log_flops;
    f->first[b + 1] = i;
    f->log_flops[b] = sum / (double)(i - f->first[b]);
  }
  free(budget);
}

static int take_fixed(struct isoflop *f, const struct form_data *d, struct err *e) {
  static const int may[] = {at_a, at_b, at_e, at_c};
  for (int i = 0; i < P; i++) f->fixed[i] = NAN;
  for (size_t i = 0; i < sizeof may / sizeof *may; i++) f->fixed[may[i]] = form_fixed(&d->options, d->names[may[i]]);
  for (int i = 0; i < P; i++)
    if (isnan(f->fixed[i]) && !isnan(form_fixed(&d->options, d->names[i])))
      return err_usage(e, "--fix: of isoflop's parameters a, b, E and c can be fixed, not %s", d->names[i]);
  if (f->fixed[at_e] < 0 || f->fixed[at_c] <= 0) return err_usage(e, "--fix: c is above 0, E not below");
  return 0;
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  static const char *const names[P] = {"a", "b", "kN", "kD", "E", "kL", "c", "gamma"};
  struct isoflop *f = NEW(struct isoflop);
  d->own = f;
  d->parameters = P;
  d->names = names;
  f->log_n = NEW_ARRAY(double, runs->count + 1);
  f->log_flops_of_run = NEW_ARRAY(double, runs->count + 1);
  f->log_loss = NEW_ARRAY(double, runs->count + 1);
  for (size_t i = 0; i < runs->count; i++) {
    struct run run = runs_row(runs, i);
    f->log_n[i] = log(run.value[RUN_PARAMS]);
    f->log_flops_of_run[i] = log(flops_of(&run));
    f->log_loss[i] = log(run.value[RUN_LOSS]);
  }
  find_budgets(f, runs);
  return take_fixed(f, d, e);
}

/* ---- minima */

struct laws { /* log N = log_n + a (x - mean), likewise D; L = E + exp(k - c (x - mean)), x = log C */
  double mean, log_n, a, log_d, b, E, k, c;
};

struct sample {
  double x, y, w, k;
};

static int by_x(const void *a, const void *b) {
  double x = ((const struct sample *)a)->x, y = ((const struct sample *)b)->x;
  return (x > y) - (x < y);
}

struct room { /* for the points of one budget */
  struct sample *samples;
  double *x, *y, *w, *k;
};

static void room_init(struct room *r, const struct isoflop *f) {
  size_t most = 1;
  for (size_t b = 0; b < f->budgets; b++)
    if (f->first[b + 1] - f->first[b] > most) most = f->first[b + 1] - f->first[b];
  r->samples = NEW_ARRAY(struct sample, most);
  r->x = NEW_ARRAY(double, 4 * most);
  r->y = r->x + most;
  r->w = r->y + most;
  r->k = r->w + most;
}

static void room_release(struct room *r) {
  free(r->samples);
  free(r->x);
}

/* The points of a budget that have a weight, moved along the frontier of `laws` (NULL: as they are). */
static size_t take_points(struct room *r, const struct isoflop *f, size_t b, const double *weight, const struct laws *laws) {
  size_t n = 0;
  double mean = f->log_flops[b], loss = laws ? exp(laws->k - laws->c * (mean - laws->mean)) : 0;
  for (size_t i = f->first[b]; i < f->first[b + 1]; i++) {
    const struct point *p = &f->points[i];
    if (weight && !(weight[p->run] > 0)) continue;
    struct sample *s = &r->samples[n++];
    *s = (struct sample){p->log_n, p->loss, weight ? weight[p->run] : 1, p->log_k};
    if (!laws || p->log_flops == mean) continue;
    s->x += laws->a * (mean - p->log_flops);
    s->y += loss - exp(laws->k - laws->c * (p->log_flops - laws->mean));
  }
  if (laws) qsort(r->samples, n, sizeof *r->samples, by_x);
  for (size_t i = 0; i < n; i++) r->x[i] = r->samples[i].x, r->y[i] = r->samples[i].y, r->w[i] = r->samples[i].w, r->k[i] = r->samples[i].k;
  return n;
}

/* log C / (N D) at the minimum: a line through the points near it. */
static double log_k_at(double minimum, const double *x, const double *k, const double *w, size_t n) {
  struct linear l = {.unknowns = 2};
  double c[2], sum = 0, total = 0;
  for (size_t i = 0; i < n; i++) {
    double d = x[i] - minimum, near = w[i] * exp(-.5 * d * d);
    linear_add(&l, (double[]){1, d}, k[i], near);
    sum += near * k[i];
    total += near;
  }
  return linear_solve(&l, c) ? c[0] : sum / total;
}

/* NULL, or why budget b shows none. */
static const char *budget_minimum(struct minimum *m, double *log_k, const struct form_data *d, size_t b, const double *weight, const struct laws *laws,
                                  struct room *r) {
  const struct isoflop *f = d->own;
  size_t n = take_points(r, f, b, weight, laws);
  const char *why = minimum_find(m, d->options.minima, d->options.fit.objective != OBJECTIVE_SQUARES, r->x, r->y, r->w, n);
  if (!why && !(m->y > 0)) why = "the curve falls below 0";
  if (!why) *log_k = log_k_at(m->x, r->x, r->k, r->w, n);
  return why;
}

static double weight_of(const struct isoflop *f, size_t b, const double *weight) {
  double sum = 0;
  for (size_t i = f->first[b]; weight && i < f->first[b + 1]; i++) sum += weight[f->points[i].run];
  return weight ? sum / (double)(f->first[b + 1] - f->first[b]) : 1;
}

static void find_minima(struct minima_found *found, const struct form_data *d, const double *weight, const struct laws *laws) {
  const struct isoflop *f = d->own;
  struct room room;
  room_init(&room, f);
  found->count = 0;
  for (size_t b = 0; b < f->budgets; b++) {
    struct minimum m;
    double log_k, c = f->log_flops[b];
    if (budget_minimum(&m, &log_k, d, b, weight, laws, &room) != NULL) continue;
    size_t i = found->count++;
    found->log_flops[i] = c;
    found->log_n[i] = m.x;
    found->log_d[i] = c - log_k - m.x;
    found->log_loss[i] = log(m.y);
    found->curvature[i] = m.curvature;
    found->weight[i] = weight_of(f, b, weight);
  }
  room_release(&room);
}

/* ---- the law of the lowest loss */

struct frontier {
  const double *x; /* log C less its mean */
};

static double loss_value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct frontier *f = context;
  double e = exp(theta[loss_e]), k = exp(theta[loss_k] - theta[loss_c] * f->x[i]), sum = e + k, pe = e / sum, pk = k / sum, x = f->x[i];
  if (gradient) {
    gradient[loss_e] = pe, gradient[loss_k] = pk, gradient[loss_c] = -x * pk;
    hessian[0] = pe * pk;
    hessian[1] = -pe * pk, hessian[2] = pe * pk;
    hessian[3] = x * pe * pk, hessian[4] = -x * pe * pk, hessian[5] = x * x * pe * pk;
  }
  return log(sum);
}

/* For each exponent of a grid, E and the factor by least squares. */
static int loss_starts(double start[STARTS][PARAMETERS_MAX], const double *x, const struct minima_found *found) {
  int count = 0;
  for (int g = 0; g < STARTS; g++) {
    double c = .01 * pow(100, (double)g / (STARTS - 1)), s[UNKNOWNS_MAX], m[UNKNOWNS_MAX][UNKNOWNS_MAX] = {{0}}, r[UNKNOWNS_MAX] = {0};
    for (size_t i = 0; i < found->count; i++) {
      double u = exp(-c * x[i]), loss = exp(found->log_loss[i]), w = found->weight[i] / (loss * loss);
      m[0][0] += w, m[0][1] += w * u, m[1][1] += w * u * u;
      r[0] += w * loss, r[1] += w * u * loss;
    }
    m[1][0] = m[0][1];
    if (!nonnegative_least_squares(2, s, m, r)) continue;
    double *t = start[count++];
    t[loss_e] = log(s[0]);
    t[loss_k] = log(s[1]);
    t[loss_c] = c;
  }
  return count;
}

/* Through the minima, by least squares on logarithms.  Sets fit's theta, objective, convergence and bounds, and E, k, c of the laws. */
static void fit_loss(struct fit *fit, struct laws *laws, const struct minima_found *found, const struct form_data *d, const double *start) {
  const struct isoflop *f = d->own;
  double x[BUDGETS_MAX], low = INFINITY, high = -INFINITY, E = f->fixed[at_e], c = f->fixed[at_c];
  for (size_t i = 0; i < found->count; i++) {
    x[i] = found->log_flops[i] - laws->mean;
    low = fmin(low, found->log_loss[i]);
    high = fmax(high, found->log_loss[i]);
  }
  if (isnan(E) && found->count < FREE_E_LEAST) E = 0;
  struct frontier frontier = {x};
  struct curve curve = {.parameters = LOSS_P, .count = found->count, .target = found->log_loss, .value = loss_value, .context = &frontier,
                        .low = {low - log_e_below, low - 60, 1e-3}, .high = {low, high + 60, 5}, .longest = {2, 2, .5}};
  if (!isnan(E)) curve.low[loss_e] = curve.high[loss_e] = E == 0 ? low - log_e_below : log(E);
  if (!isnan(c)) curve.low[loss_c] = curve.high[loss_c] = c;
  double from[STARTS][PARAMETERS_MAX] = {{0}};
  int count = 1;
  if (start) memcpy(from[0], start, sizeof(double) * LOSS_P);
  else count = loss_starts(from, x, found);
  if (start && from[0][loss_e] < low - log_e_below / 2) from[0][loss_e] = low - 3; /* the slope of an E of 0 is 0 too */
  struct fit_options squares = {.objective = OBJECTIVE_SQUARES}; /* outliers were tamed where the minima were found */
  curve_fit(fit, &curve, found->weight, &squares, from, count);
  bool none = fit->theta[loss_e] <= curve.low[loss_e] + log_e_below / 2 && (isnan(E) || E == 0), is_free = curve.low[loss_e] < curve.high[loss_e];
  laws->E = none ? 0 : exp(fit->theta[loss_e]);
  laws->k = fit->theta[loss_k];
  laws->c = fit->theta[loss_c];
  uint64_t bound = fit->at_bound;
  fit->at_bound = (none && is_free ? UINT64_C(1) << at_e : 0) | (bound >> loss_k & 1) << at_kl | (bound >> loss_c & 1) << at_c;
}

/* ---- the form */

static bool draw_lines(struct laws *laws, const struct minima_found *found, const struct isoflop *f) {
  double n[2], d[2];
  if (!linear_line(n, &laws->mean, found->log_flops, found->log_n, found->weight, (int)found->count)) return false;
  if (!linear_line(d, &laws->mean, found->log_flops, found->log_d, found->weight, (int)found->count)) return false;
  laws->log_n = n[0];
  laws->log_d = d[0];
  laws->a = isnan(f->fixed[at_a]) ? n[1] : f->fixed[at_a];
  laws->b = isnan(f->fixed[at_b]) ? d[1] : f->fixed[at_b];
  return true;
}

static double gamma_of(const struct laws *laws, const struct minima_found *found) {
  double sum = 0, total = 0;
  for (size_t i = 0; i < found->count; i++) {
    sum += found->weight[i] * (log(2 * found->curvature[i]) - (laws->k - laws->c * (found->log_flops[i] - laws->mean)));
    total += found->weight[i];
  }
  return exp(sum / total / 2);
}

static bool has_smeared_budget(const struct isoflop *f) {
  for (size_t i = 0; i < f->count; i++)
    if (fabs(f->points[i].log_flops - f->log_flops[f->points[i].budget]) > 1e-6) return true;
  return false;
}

static double log_loss_at(const double parameter[P], double log_n, double x) {
  double reducible = log(parameter[at_kl]) - parameter[at_c] * x, away = log_n - log(parameter[at_kn]) - parameter[at_a] * x;
  return log(parameter[at_e] + exp(reducible) * cosh(parameter[at_gamma] * away));
}

struct spread {
  const struct isoflop *f;
  const double *parameter;
};

static double spread_value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct spread *s = context;
  (void)theta, (void)gradient, (void)hessian;
  return log_loss_at(s->parameter, s->f->log_n[i], s->f->log_flops_of_run[i]);
}

/* Of all runs about the law, like any other form's. */
static double objective(const struct form_data *d, const double *parameter, const double *weight) {
  const struct isoflop *f = d->own;
  struct spread spread = {f, parameter};
  struct curve curve = {.count = d->count, .target = f->log_loss, .value = spread_value, .context = &spread};
  return curve_objective(&curve, NULL, weight, &d->options.fit);
}

static bool has_three_sizes(const struct isoflop *f, size_t b, const double *weight) {
  double last = NAN;
  int sizes = 0;
  for (size_t i = f->first[b]; i < f->first[b + 1] && sizes < 3; i++) {
    const struct point *p = &f->points[i];
    if ((weight && !(weight[p->run] > 0)) || p->log_n == last) continue;
    last = p->log_n;
    sizes++;
  }
  return sizes == 3;
}

/* Of a resample only what is cheap to see: that its minima are too few is found by estimate(), which then does not converge. */
static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct isoflop *f = d->own;
  size_t budgets = 0;
  for (size_t b = 0; b < f->budgets; b++) budgets += has_three_sizes(f, b, weight);
  if (budgets < 2) return "needed are two budgets, each of runs with the same compute and three sizes";
  if (weight) return NULL;
  struct minima_found *found = NEW(struct minima_found);
  find_minima(found, d, weight, NULL);
  size_t count = found->count;
  free(found);
  return count < 2 ? "needed are two budgets whose loss has a minimum between the smallest and the largest size" : NULL;
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct isoflop *f = d->own;
  struct minima_found *found = NEW(struct minima_found);
  struct laws laws = {0};
  int passes = has_smeared_budget(f) ? PASSES : 1;
  *fit = (struct fit){.objective = INFINITY, .condition = 1};
  for (int pass = 0; pass < passes; pass++) {
    find_minima(found, d, weight, pass ? &laws : NULL);
    if (found->count < 2 || !draw_lines(&laws, found, f)) break;
    fit_loss(fit, &laws, found, d, start);
  }
  if (fit->starts > 0) {
    double law[P] = {laws.a, laws.b, exp(laws.log_n - laws.a * laws.mean), exp(laws.log_d - laws.b * laws.mean), laws.E, exp(laws.k + laws.c * laws.mean),
                     laws.c, gamma_of(&laws, found)};
    memcpy(fit->parameter, law, sizeof law);
    fit->objective = objective(d, law, weight);
    fit->converged &= isfinite(fit->objective);
  }
  free(found);
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  return exp(log_loss_at(parameter, log(at->value[RUN_PARAMS]), log(flops_of(at))));
}

static struct optimum optimum(const struct form_data *d, const double parameter[], double flops) {
  (void)d;
  double x = log(flops);
  return (struct optimum){exp(log(parameter[at_kn]) + parameter[at_a] * x), exp(log(parameter[at_kd]) + parameter[at_b] * x),
                          parameter[at_e] + exp(log(parameter[at_kl]) - parameter[at_c] * x)};
}

size_t isoflop_budgets(const struct form_data *d, struct isoflop_budget *out, size_t max) {
  const struct isoflop *f = d->own;
  struct room room;
  struct fit fit;
  struct laws laws = {0}, *moved = NULL;
  size_t n = f->budgets < max ? f->budgets : max;
  if (has_smeared_budget(f) && !undetermined(d, NULL)) {
    estimate(&fit, d, NULL, NULL);
    laws = (struct laws){.a = fit.parameter[at_a], .k = log(fit.parameter[at_kl]), .c = fit.parameter[at_c]};
    moved = &laws;
  }
  room_init(&room, f);
  for (size_t b = 0; b < n; b++) {
    struct minimum m;
    double log_k;
    const char *why = budget_minimum(&m, &log_k, d, b, NULL, moved, &room);
    out[b] = (struct isoflop_budget){exp(f->log_flops[b]), f->first[b + 1] - f->first[b], why, NAN, NAN, NAN, NAN};
    if (why) continue;
    out[b].N = exp(m.x);
    out[b].D = exp(f->log_flops[b] - log_k - m.x);
    out[b].loss = m.y;
    out[b].curvature = m.curvature;
  }
  room_release(&room);
  return n;
}

static void remarks(const struct form_data *d, struct buffer *out) {
  enum { SHOWN = 4 };
  const struct isoflop *f = d->own;
  struct isoflop_budget *budgets = NEW_ARRAY(struct isoflop_budget, BUDGETS_MAX);
  size_t n = isoflop_budgets(d, budgets, BUDGETS_MAX), left_out = 0, shown = 0;
  char text[NUMBER_TEXT];
  for (size_t b = 0; b < n; b++) left_out += budgets[b].left_out != NULL;
  if (left_out) buffer_printf(out, "%zu of %zu budgets left out", left_out, n);
  for (size_t b = 0; b < n; b++)
    if (budgets[b].left_out && shown++ < SHOWN)
      buffer_printf(out, "; %s FLOPs (%zu runs): %s", number_format(budgets[b].flops, text), budgets[b].runs, budgets[b].left_out);
  if (left_out) buffer_append_string(out, left_out > SHOWN ? "; ...\n" : "\n");
  if (n - left_out < FREE_E_LEAST && isnan(f->fixed[at_e]))
    buffer_printf(out, "%zu budgets do not tell an irreducible loss: E is 0; four would\n", n - left_out);
  if (f->count < d->count)
    buffer_printf(out, "%zu of %zu runs share their compute with too few others and belong to no budget\n", d->count - f->count, d->count);
  free(budgets);
}

const struct form form_isoflop = {
    .name = "isoflop",
    .formula = "N_opt = kN C^a, D_opt = kD C^b, L = E + kL C^-c cosh(gamma log(N / N_opt))",
    .parameters = "a b kN kD E kL c gamma",
    .source = "Hoffmann et al. 2022, approach 2",
    .needs = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LOSS,
    .explains = RUN_LOSS,
    .bind = bind,
    .release = release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .optimum = optimum,
    .fixable = true,
    .remarks = remarks,
};
