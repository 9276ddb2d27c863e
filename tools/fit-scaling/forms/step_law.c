/* SPDX-License-Identifier: MIT
 *
 * Runs are sorted by (N, D), then loss, once; a resample's lowest runs are then the first that it holds.
 */
#include "tools/fit-scaling/forms/step_law.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/linear.h"

enum { at_lr_c, at_lr_n, at_lr_d, at_batch_c, at_batch_d, P };
enum { LR, BATCH, AXES };
enum { LEAST_ONE = 4, LEAST_BOTH = 8, SKEWED_ONE = 7, SKEWED_BOTH = 12 }; /* runs of a surface over one axis, over both; of one that is skewed */

static const double near = .02, far = .1, best = .0025; /* above the lowest loss, as a fraction of it */

double step_law_lr(double params, double tokens) { return 1.797 * pow(params, -.713) * pow(tokens, .307); }

double step_law_batch(double tokens) { return .581 * pow(tokens, .571); }

struct trial {
  double log_n, log_d, log_loss, at[AXES]; /* log lr, log batch */
  size_t run;
};

struct search {
  struct trial *trials;  /* [count], by (N, D), then loss */
  size_t count, cells;
  size_t *first;         /* [cells + 1] */
  double fixed[P];       /* --fix, else not a number */
};

struct cell {
  double log_n, log_d;
  double weight;        /* mean of its runs' weights: a resample that holds the whole cell twice counts it twice */
  bool varied[AXES];    /* at[] is an optimum */
  double at[AXES];
  bool surface;         /* of the quadratic surface; else the mean of the best runs */
  bool at_edge[AXES];   /* the best run has the smallest or the largest value tried */
};

/* ---- bound to runs */

static int by_cell_and_loss(const void *a, const void *b) {
  const struct trial *x = a, *y = b;
  if (x->log_n != y->log_n) return x->log_n < y->log_n ? -1 : 1;
  if (x->log_d != y->log_d) return x->log_d < y->log_d ? -1 : 1;
  if (x->log_loss != y->log_loss) return x->log_loss < y->log_loss ? -1 : 1;
  return (x->run > y->run) - (x->run < y->run);
}

static void release(struct form_data *d) {
  struct search *s = d->own;
  if (!s) return;
  free(s->trials);
  free(s->first);
  free(s);
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  static const char *const names[P] = {"lr_c", "lr_N", "lr_D", "batch_c", "batch_D"};
  struct search *s = NEW(struct search);
  d->own = s;
  d->parameters = P;
  d->names = names;
  s->count = runs->count;
  s->trials = NEW_ARRAY(struct trial, s->count + 1);
  s->first = NEW_ARRAY(size_t, s->count + 2);
  for (size_t i = 0; i < s->count; i++) {
    struct run run = runs_row(runs, i);
    s->trials[i] = (struct trial){log(run.value[RUN_PARAMS]), log(run.value[RUN_TOKENS]), log(run.value[RUN_LOSS]),
                                  {log(run.value[RUN_LR]), log(run.value[RUN_BATCH])}, i};
  }
  qsort(s->trials, s->count, sizeof *s->trials, by_cell_and_loss);
  for (size_t i = 0; i < s->count; i++) {
    const struct trial *t = &s->trials[i];
    if (i == 0 || t->log_n != t[-1].log_n || t->log_d != t[-1].log_d) s->first[s->cells++] = i;
  }
  s->first[s->cells] = s->count;
  for (int i = 0; i < P; i++) s->fixed[i] = form_fixed(&d->options, names[i]);
  if (!isnan(s->fixed[at_lr_c]) || !isnan(s->fixed[at_batch_c])) return err_usage(e, "--fix: of step-law's parameters lr_N, lr_D and batch_D can be fixed");
  return 0;
}

/* ---- the optimum of one (N, D) */

/* The trials of a cell that have a weight, from the lowest loss: taken[].  Returns how many. */
static size_t take(const struct trial **taken, const struct search *s, size_t cell, const double *weight) {
  size_t n = 0;
  for (size_t i = s->first[cell]; i < s->first[cell + 1]; i++)
    if (!weight || weight[s->trials[i].run] > 0) taken[n++] = &s->trials[i];
  return n;
}

static void mean_of(double mean[AXES], const struct trial *const *taken, size_t n, const double *weight) {
  double total = 0;
  mean[LR] = mean[BATCH] = 0;
  for (size_t i = 0; i < n; i++) {
    double w = weight ? weight[taken[i]->run] : 1;
    total += w;
    for (int a = 0; a < AXES; a++) mean[a] += w * (taken[i]->at[a] - mean[a]) / total;
  }
}

/* c[0] + c[1] u + c[2] v + c[3] u^2 + c[4] u v + c[5] v^2 + c[6] u^3, u along log lr, v along log batch. */
enum { of_1, of_u, of_v, of_uu, of_uv, of_vv, of_uuu, TERMS };

/* Which terms: those of the varied axes; the cubic one, for the loss rises faster beyond the best learning rate than below it. */
static int choose_terms(int term[TERMS], const bool varied[AXES], size_t n) {
  int k = 0;
  bool u = varied[LR], v = varied[BATCH], skewed = u && n >= (v ? SKEWED_BOTH : SKEWED_ONE);
  bool used[TERMS] = {true, u, v, u, u && v, v, skewed};
  for (int t = 0; t < TERMS; t++)
    if (used[t]) term[k++] = t;
  return k;
}

/* Its minimum over v leaves a cubic in u, whose minimum has a closed form; false: there is none. */
static bool lowest_point(double step[AXES], const double c[TERMS], const bool varied[AXES]) {
  bool v = varied[BATCH];
  if (v && !(c[of_vv] > 0)) return false;
  double slope = c[of_u] - (v ? c[of_v] * c[of_uv] / (2 * c[of_vv]) : 0), bend = c[of_uu] - (v ? c[of_uv] * c[of_uv] / (4 * c[of_vv]) : 0);
  double inside = bend * bend - 3 * c[of_uuu] * slope;
  if (varied[LR] && !(inside >= 0 && bend + sqrt(inside) > 0)) return false;
  step[LR] = varied[LR] ? -slope / (bend + sqrt(inside)) : 0;
  step[BATCH] = v ? -(c[of_v] + c[of_uv] * step[LR]) / (2 * c[of_vv]) : 0;
  return true;
}

/* Sets at[] to the lowest point of the surface through the trials; false where it has none among them. */
static bool surface(double at[AXES], const bool varied[AXES], const struct trial *const *taken, size_t n, const double *weight) {
  double mean[AXES], solution[LINEAR_MAX], c[TERMS] = {0}, low[AXES] = {INFINITY, INFINITY}, high[AXES] = {-INFINITY, -INFINITY}, step[AXES];
  int term[TERMS];
  struct linear l = {.unknowns = choose_terms(term, varied, n)};
  mean_of(mean, taken, n, weight);
  for (size_t i = 0; i < n; i++) {
    double u = taken[i]->at[LR] - mean[LR], v = taken[i]->at[BATCH] - mean[BATCH], row[TERMS];
    const double terms[TERMS] = {1, u, v, u * u, u * v, v * v, u * u * u};
    for (int k = 0; k < l.unknowns; k++) row[k] = terms[term[k]];
    linear_add(&l, row, taken[i]->log_loss - taken[0]->log_loss, weight ? weight[taken[i]->run] : 1);
    for (int a = 0; a < AXES; a++) low[a] = fmin(low[a], taken[i]->at[a]), high[a] = fmax(high[a], taken[i]->at[a]);
  }
  if (!linear_solve(&l, solution)) return false;
  for (int k = 0; k < l.unknowns; k++) c[term[k]] = solution[k];
  if (!lowest_point(step, c, varied)) return false;
  for (int a = 0; a < AXES; a++)
    if (varied[a] && !(mean[a] + step[a] >= low[a] && mean[a] + step[a] <= high[a])) return false;
  for (int a = 0; a < AXES; a++) at[a] = mean[a] + step[a];
  return true;
}

/* false: no trial of it has a weight. */
static bool find_optimum(struct cell *cell, const struct search *s, size_t index, const double *weight, const struct trial **room) {
  size_t n = take(room, s, index, weight), close = 0, lowest = 0;
  if (n == 0) return false;
  double low[AXES] = {INFINITY, INFINITY}, high[AXES] = {-INFINITY, -INFINITY};
  *cell = (struct cell){.log_n = room[0]->log_n, .log_d = room[0]->log_d};
  for (size_t i = 0; i < n; i++) cell->weight += (weight ? weight[room[i]->run] : 1) / (double)(s->first[index + 1] - s->first[index]);
  for (size_t i = 0; i < n; i++)
    for (int a = 0; a < AXES; a++) low[a] = fmin(low[a], room[i]->at[a]), high[a] = fmax(high[a], room[i]->at[a]);
  for (int a = 0; a < AXES; a++) {
    cell->varied[a] = high[a] > low[a];
    cell->at_edge[a] = cell->varied[a] && (room[0]->at[a] == low[a] || room[0]->at[a] == high[a]);
  }
  size_t least = cell->varied[LR] && cell->varied[BATCH] ? LEAST_BOTH : LEAST_ONE;
  while (close < n && room[close]->log_loss <= room[0]->log_loss + log1p(close < least ? far : near)) close++;
  while (lowest < n && room[lowest]->log_loss <= room[0]->log_loss + log1p(best)) lowest++;
  mean_of(cell->at, room, lowest, weight);
  cell->surface = (cell->varied[LR] || cell->varied[BATCH]) && surface(cell->at, cell->varied, room, close, weight);
  return true;
}

static size_t find_optima(struct cell *cells, const struct search *s, const double *weight) {
  const struct trial **room = NEW_ARRAY(const struct trial *, s->count + 1);
  size_t n = 0;
  for (size_t c = 0; c < s->cells; c++) n += find_optimum(&cells[n], s, c, weight, room);
  free(room);
  return n;
}

/* A table of which every (N, D) has one run holds optima that somebody else found. */
static bool is_optimum(const struct search *s, const struct cell *cell, int axis) { return cell->varied[axis] || s->cells == s->count; }

/* ---- the laws */

struct law_fit {
  int unknowns, column[3]; /* of 1, log N, log D; the first is 0 */
  double fixed[3];         /* exponents held, 0 for those that the law lacks */
  double mean[3];
  struct linear l;
};

static void begin(struct law_fit *f, const struct search *s, int axis, const struct cell *cells, size_t n) {
  double held[3] = {NAN, axis == LR ? s->fixed[at_lr_n] : 0, s->fixed[axis == LR ? at_lr_d : at_batch_d]};
  size_t used = 0;
  *f = (struct law_fit){0};
  for (int c = 0; c < 3; c++) {
    if (isnan(held[c])) f->column[f->unknowns++] = c;
    f->fixed[c] = isnan(held[c]) ? 0 : held[c];
  }
  f->l.unknowns = f->unknowns;
  for (size_t i = 0; i < n; i++) {
    if (!is_optimum(s, &cells[i], axis)) continue;
    used++;
    f->mean[1] += (cells[i].log_n - f->mean[1]) / (double)used;
    f->mean[2] += (cells[i].log_d - f->mean[2]) / (double)used;
  }
}

/* Sets exponent[0] to the logarithm of the factor.  false: the cells do not determine it. */
static bool fit_law(double exponent[3], const struct search *s, int axis, const struct cell *cells, size_t n) {
  struct law_fit f;
  double solution[LINEAR_MAX];
  begin(&f, s, axis, cells, n);
  for (size_t i = 0; i < n; i++) {
    if (!is_optimum(s, &cells[i], axis)) continue;
    double x[3] = {1, cells[i].log_n - f.mean[1], cells[i].log_d - f.mean[2]}, row[3];
    for (int k = 0; k < f.unknowns; k++) row[k] = x[f.column[k]];
    linear_add(&f.l, row, cells[i].at[axis] - f.fixed[1] * x[1] - f.fixed[2] * x[2], cells[i].weight);
  }
  if (!linear_solve(&f.l, solution)) return false;
  for (int c = 0; c < 3; c++) exponent[c] = f.fixed[c];
  for (int k = 0; k < f.unknowns; k++) exponent[f.column[k]] = solution[k];
  exponent[0] -= exponent[1] * f.mean[1] + exponent[2] * f.mean[2];
  return true;
}

static bool was_varied(const struct search *s, int axis, const struct cell *cells, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (is_optimum(s, &cells[i], axis)) return true;
  return false;
}

static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct search *s = d->own;
  struct cell *cells = NEW_ARRAY(struct cell, s->cells + 1);
  size_t n = find_optima(cells, s, weight);
  double exponent[3];
  const char *why = NULL;
  if (!was_varied(s, LR, cells, n) && !was_varied(s, BATCH, cells, n))
    why = "needed are runs of the same params and tokens with different learning rates or batch sizes";
  else if (was_varied(s, LR, cells, n) && !fit_law(exponent, s, LR, cells, n))
    why = "needed are three (params, tokens) with several learning rates, the two not in proportion; else --fix lr_N or lr_D";
  else if (was_varied(s, BATCH, cells, n) && !fit_law(exponent, s, BATCH, cells, n))
    why = "needed are two values of tokens with several batch sizes; else --fix batch_D";
  free(cells);
  return why;
}

static double log_law(const double parameter[P], int axis, double log_n, double log_d) {
  if (axis == LR) return log(parameter[at_lr_c]) + parameter[at_lr_n] * log_n + parameter[at_lr_d] * log_d;
  return log(parameter[at_batch_c]) + parameter[at_batch_d] * log_d;
}


static double zero(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  (void)context, (void)i, (void)theta, (void)gradient, (void)hessian;
  return 0;
}

/* Over the optima, of both columns. */
static double objective(const struct form_data *d, const double *parameter, const struct cell *cells, size_t n) {
  const struct search *s = d->own;
  double *residual = NEW_ARRAY(double, AXES * n + 1);
  struct curve curve = {.target = residual, .value = zero};
  for (size_t i = 0; i < n; i++)
    for (int a = 0; a < AXES; a++)
      if (is_optimum(s, &cells[i], a)) residual[curve.count++] = cells[i].at[a] - log_law(parameter, a, cells[i].log_n, cells[i].log_d);
  double sum = curve_objective(&curve, NULL, NULL, &d->options.fit);
  free(residual);
  return sum;
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct search *s = d->own;
  struct cell *cells = NEW_ARRAY(struct cell, s->cells + 1);
  size_t n = find_optima(cells, s, weight);
  double lr[3], batch[3];
  (void)start;
  bool any_lr = fit_law(lr, s, LR, cells, n), any_batch = fit_law(batch, s, BATCH, cells, n);
  double law[P] = {any_lr ? exp(lr[0]) : NAN, any_lr ? lr[1] : NAN, any_lr ? lr[2] : NAN, any_batch ? exp(batch[0]) : NAN, any_batch ? batch[2] : NAN};
  *fit = (struct fit){.converged = true, .starts = 1, .reached = 1, .condition = 1};
  memcpy(fit->parameter, law, sizeof law);
  fit->objective = objective(d, law, cells, n);
  free(cells);
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  return exp(log_law(parameter, LR, log(at->value[RUN_PARAMS]), log(at->value[RUN_TOKENS])));
}

static double predict_batch(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  return exp(log_law(parameter, BATCH, log(at->value[RUN_PARAMS]), log(at->value[RUN_TOKENS])));
}

static void remarks(const struct form_data *d, struct buffer *out) {
  static const char *const name[AXES] = {"learning rate", "batch size"};
  const struct search *s = d->own;
  struct cell *cells = NEW_ARRAY(struct cell, s->cells + 1);
  size_t n = find_optima(cells, s, NULL), flat = 0, edge[AXES] = {0}, varied[AXES] = {0};
  for (size_t i = 0; i < n; i++) {
    flat += !cells[i].surface && (cells[i].varied[LR] || cells[i].varied[BATCH]);
    for (int a = 0; a < AXES; a++) edge[a] += cells[i].at_edge[a], varied[a] += is_optimum(s, &cells[i], a);
  }
  if (flat)
    buffer_printf(out, "%zu of %zu (params, tokens) show no minimum between their runs: there the mean of the runs within %g%% of the lowest loss stands for it\n", flat, n,
                  100 * best);
  for (int a = 0; a < AXES; a++) {
    if (edge[a])
      buffer_printf(out, "at %zu of %zu (params, tokens) the best %s is the smallest or the largest that was tried: the optimum may lie beyond\n", edge[a], n, name[a]);
    if (varied[a] == 0) buffer_printf(out, "the %s was not varied: no law for it\n", name[a]);
  }
  free(cells);
}

const struct form form_step_law = {
    .name = "step-law",
    .formula = "lr = lr_c N^lr_N D^lr_D, batch = batch_c D^batch_D",
    .parameters = "lr_c lr_N lr_D batch_c batch_D",
    .source = "Li et al. 2025",
    .needs = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LR | 1 << RUN_BATCH | 1 << RUN_LOSS,
    .explains = RUN_LR,
    .bind = bind,
    .release = release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .fixable = true,
    .remarks = remarks,
    .searches = true,
    .explains_too = RUN_BATCH,
    .predict_too = predict_batch,
};
