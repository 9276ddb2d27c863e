/* SPDX-License-Identifier: MIT
 *
 * Each target is a curve of two coordinates, log tokens_min and log batch_critical, about log tokens; tokens are linear in B, so
 * one weighted line gives the start.
 */
#include "tools/fit-scaling/forms/critical_batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/fit-scaling/fitting/least_squares.h"
#include "tools/fit-scaling/fitting/linear.h"

enum { of_tokens, of_steps, of_batch, EACH };
enum { curve_tokens, curve_batch, CURVE };
enum { TARGETS = CRITICAL_BATCH_TARGETS_MAX, NAME = 64 };

static const double beyond = 9; /* log batch_critical stays within a factor 8000 of the batch sizes tried */

struct point {
  double log_batch, log_tokens;
  int target;
};

struct target {
  double params, loss; /* not a number where the table has no such column */
  double low, high;    /* of log batch */
  size_t runs;
};

struct sweeps {
  struct point *points; /* [d->count] */
  size_t count;
  int targets;
  bool losses_differ;
  struct target target[TARGETS];
  char name[PARAMETERS_MAX][NAME];
  const char *names[PARAMETERS_MAX];
};

/* ---- bound to runs */

static bool same(double x, double y) { return x == y || (isnan(x) && isnan(y)); }

/* -1: none. */
static int find_target(const struct sweeps *s, double params, double loss) {
  for (int t = 0; t < s->targets; t++)
    if (same(s->target[t].params, params) && same(s->target[t].loss, loss)) return t;
  return -1;
}

static void name_parameters(struct sweeps *s, struct form_data *d) {
  static const char *const each[EACH] = {"tokens_min", "steps_min", "batch_critical"}, *const laws[] = {"batch_c", "batch_D", "B_star", "alpha_B"};
  bool sizes_differ = false;
  int n = 0;
  for (int t = 1; t < s->targets; t++) {
    sizes_differ |= !same(s->target[t].params, s->target[0].params);
    s->losses_differ |= !same(s->target[t].loss, s->target[0].loss);
  }
  for (int t = 0; t < s->targets; t++)
    for (int k = 0; k < EACH; k++) {
      char params[NUMBER_TEXT], loss[NUMBER_TEXT];
      const char *of_params = sizes_differ ? number_format(s->target[t].params, params) : "";
      const char *of_loss = s->losses_differ ? number_format(s->target[t].loss, loss) : "";
      const char *open = s->targets > 1 ? "[" : "", *close = s->targets > 1 ? "]" : "", *comma = sizes_differ && s->losses_differ ? "," : "";
      snprintf(s->name[n++], NAME, "%s%s%s%s%s%s", each[k], open, of_params, comma, of_loss, close);
    }
  for (int k = 0; s->targets > 1 && k < (s->losses_differ ? 4 : 2); k++) snprintf(s->name[n++], NAME, "%s", laws[k]);
  for (int i = 0; i < n; i++) s->names[i] = s->name[i];
  d->parameters = n;
  d->names = s->names;
}

static void release(struct form_data *d) {
  struct sweeps *s = d->own;
  if (!s) return;
  free(s->points);
  free(s);
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  struct sweeps *s = NEW(struct sweeps);
  d->own = s;
  s->points = NEW_ARRAY(struct point, runs->count + 1);
  s->count = runs->count;
  for (size_t i = 0; i < runs->count; i++) {
    struct run run = runs_row(runs, i);
    double *v = run.value, tokens = isnan(v[RUN_TOKENS]) ? v[RUN_BATCH] * v[RUN_STEPS] : v[RUN_TOKENS];
    if (isnan(tokens)) return err_set(e, "run %zu has neither tokens nor steps: critical-batch needs one of them beside batch", i + 1);
    int t = find_target(s, v[RUN_PARAMS], v[RUN_LOSS]);
    if (t < 0) {
      if (s->targets == TARGETS)
        return err_set(e, "more than %d targets: critical-batch takes runs stopped at a target loss, so that rows with the same params have one of a few losses",
                       TARGETS);
      s->target[t = s->targets++] = (struct target){v[RUN_PARAMS], v[RUN_LOSS], INFINITY, -INFINITY, 0};
    }
    s->points[i] = (struct point){log(v[RUN_BATCH]), log(tokens), t};
    s->target[t].runs++;
    s->target[t].low = fmin(s->target[t].low, s->points[i].log_batch);
    s->target[t].high = fmax(s->target[t].high, s->points[i].log_batch);
  }
  name_parameters(s, d);
  return 0;
}

static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct sweeps *s = d->own;
  double low[TARGETS], high[TARGETS];
  for (int t = 0; t < s->targets; t++) low[t] = INFINITY, high[t] = -INFINITY;
  for (size_t i = 0; i < s->count; i++) {
    const struct point *p = &s->points[i];
    if (weight && !(weight[i] > 0)) continue;
    low[p->target] = fmin(low[p->target], p->log_batch);
    high[p->target] = fmax(high[p->target], p->log_batch);
  }
  for (int t = 0; t < s->targets; t++)
    if (!(high[t] > low[t])) return "needed are runs to the same loss, of the same params, with two batch sizes or more";
  return NULL;
}

/* ---- one target */

struct sweep {
  double *log_batch, *log_tokens, *weight;
  size_t count;
};

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct sweep *s = context;
  double z = s->log_batch[i] - theta[curve_batch], share = 1 / (1 + exp(-z)); /* of the tokens that B costs */
  if (gradient) {
    gradient[curve_tokens] = 1, gradient[curve_batch] = -share;
    hessian[0] = hessian[1] = 0, hessian[2] = share * (1 - share);
  }
  return theta[curve_tokens] + (z > 0 ? z + log1p(exp(-z)) : log1p(exp(z)));
}

static void start_line(double start[PARAMETERS_MAX], const struct sweep *s, const struct target *t) {
  double m[UNKNOWNS_MAX][UNKNOWNS_MAX] = {{0}}, r[UNKNOWNS_MAX] = {0}, line[UNKNOWNS_MAX] = {0}, unit = t->low;
  double lowest = INFINITY;
  for (size_t i = 0; i < s->count; i++) lowest = fmin(lowest, s->log_tokens[i]);
  for (size_t i = 0; i < s->count; i++) {
    double b = exp(s->log_batch[i] - unit), y = exp(s->log_tokens[i] - lowest), w = s->weight[i] / (y * y);
    m[0][0] += w, m[0][1] += w * b, m[1][1] += w * b * b;
    r[0] += w * y, r[1] += w * b * y;
  }
  m[1][0] = m[0][1];
  if (!nonnegative_least_squares(2, line, m, r) || !(line[0] > 0)) line[0] = exp(-beyond), line[1] = 1;
  start[curve_tokens] = log(line[0]) + lowest;
  start[curve_batch] = log(line[0]) - log(line[1]) + unit;
}

static void fit_target(struct fit *fit, const struct form_data *d, int index, const double *weight, struct sweep *room) {
  const struct sweeps *s = d->own;
  const struct target *t = &s->target[index];
  double start[1][PARAMETERS_MAX] = {{0}}, lowest = INFINITY;
  room->count = 0;
  for (size_t i = 0; i < s->count; i++) {
    if (s->points[i].target != index || (weight && !(weight[i] > 0))) continue;
    room->log_batch[room->count] = s->points[i].log_batch;
    room->log_tokens[room->count] = s->points[i].log_tokens;
    room->weight[room->count++] = weight ? weight[i] : 1;
    lowest = fmin(lowest, s->points[i].log_tokens);
  }
  struct curve curve = {.parameters = CURVE, .count = room->count, .target = room->log_tokens, .value = value, .context = room,
                        .low = {lowest - 2 * beyond - (t->high - t->low), t->low - beyond}, .high = {lowest + 1, t->high + beyond}, .longest = {2, 2}};
  start_line(start[0], room, t);
  curve_fit(fit, &curve, room->weight, &d->options.fit, start, 1);
}

/* y = log c + exponent x through the targets of these weights; false: they do not differ in x. */
static bool power_law(double law[2], const double *x, const double *y, const double *weight, int n) {
  double line[2], mean;
  if (!linear_line(line, &mean, x, y, weight, n)) return false;
  law[0] = exp(line[0] - line[1] * mean);
  law[1] = line[1];
  return true;
}

/* ---- the form */

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct sweeps *s = d->own;
  struct sweep room = {NEW_ARRAY(double, s->count + 1), NEW_ARRAY(double, s->count + 1), NEW_ARRAY(double, s->count + 1), 0};
  double tokens[TARGETS], batch[TARGETS], loss[TARGETS], runs[TARGETS] = {0}, by_tokens[2] = {NAN, NAN}, by_loss[2] = {NAN, NAN};
  (void)start;
  *fit = (struct fit){.converged = true, .starts = 1, .reached = 1, .condition = 1};
  for (int t = 0, n = 0; t < s->targets; t++) {
    struct fit one;
    fit_target(&one, d, t, weight, &room);
    tokens[t] = one.theta[curve_tokens];
    batch[t] = one.theta[curve_batch];
    loss[t] = log(s->target[t].loss);
    for (size_t i = 0; i < room.count; i++) runs[t] += room.weight[i] / (double)s->target[t].runs;
    fit->parameter[n++] = exp(tokens[t]);
    fit->parameter[n++] = exp(tokens[t] - batch[t]);
    if (one.at_bound) fit->at_bound |= UINT64_C(1) << n;
    fit->parameter[n++] = exp(batch[t]);
    fit->objective += one.objective;
    fit->converged &= one.converged;
    fit->condition = fmax(fit->condition, one.condition);
  }
  if (s->targets > 1) {
    power_law(by_tokens, tokens, batch, runs, s->targets);
    if (s->losses_differ) power_law(by_loss, loss, batch, runs, s->targets);
    double *law = fit->parameter + EACH * s->targets;
    law[0] = by_tokens[0];
    law[1] = by_tokens[1];
    if (s->losses_differ) law[2] = by_loss[0], law[3] = -1 / by_loss[1];
  }
  free(room.log_batch);
  free(room.log_tokens);
  free(room.weight);
}

/* Tokens to the target that the run shares; the only one, for any run. */
static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  const struct sweeps *s = d->own;
  int t = s->targets == 1 ? 0 : find_target(s, at->value[RUN_PARAMS], at->value[RUN_LOSS]);
  return t < 0 ? NAN : parameter[EACH * t + of_tokens] * (1 + at->value[RUN_BATCH] / parameter[EACH * t + of_batch]);
}

/* The critical batch size of a run of so many tokens. */
static double predict_batch(const struct form_data *d, const double parameter[], const struct run *at) {
  const struct sweeps *s = d->own;
  const double *law = parameter + EACH * s->targets;
  return s->targets == 1 ? parameter[of_batch] : law[0] * pow(at->value[RUN_TOKENS], law[1]);
}

const struct form form_critical_batch = {
    .name = "critical-batch",
    .formula = "tokens = tokens_min (1 + B/batch_critical), batch_critical = batch_c tokens_min^batch_D",
    .parameters = "tokens_min steps_min batch_critical",
    .source = "McCandlish et al. 2018",
    .needs = 1 << RUN_BATCH,
    .explains = RUN_TOKENS,
    .bind = bind,
    .release = release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .predict_too = predict_batch,
    .explains_too = RUN_BATCH,
};
