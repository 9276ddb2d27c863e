/* SPDX-License-Identifier: MIT
 *
 * Budgets are found by sorting the runs' compute once.
 */
#include "tools/fit-scaling/plot/scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/order.h"
#include "tools/fit-scaling/plot/svg.h"

enum { SPREAD_BUDGETS = 8, RUNS_DRAWN = 2000 };

double scene_compute(const struct run *run) {
  double flops = run->value[RUN_FLOPS];
  return isfinite(flops) ? flops : 6 * run->value[RUN_PARAMS] * run->value[RUN_TOKENS];
}

/* What the law's curves are drawn at: 6 N D, even where the table counts other operations too. */
static double budget_of(const struct run *run) {
  double flops = 6 * run->value[RUN_PARAMS] * run->value[RUN_TOKENS];
  return isfinite(flops) ? flops : run->value[RUN_FLOPS];
}

static size_t number_of(const struct scene *s, size_t i) { return s->best ? s->best[i] : i; }

/* i below total. */
static struct run run_number(const struct scene *s, size_t i) {
  size_t number = number_of(s, i), fitted = s->study->fitted.count;
  return number < fitted ? runs_row(&s->study->fitted, number) : runs_row(&s->study->held_out, number - fitted);
}

static void find_budgets(struct scene *s) {
  double *c = NEW_ARRAY(double, s->total + 1), sum = 0;
  size_t n = 0;
  bool smeared = false;
  for (size_t i = 0; i < s->total; i++) {
    struct run run = run_number(s, i);
    double flops = budget_of(&run);
    if (flops > 0 && isfinite(flops)) c[n++] = log(flops);
  }
  order_ascending(c, n);
  for (size_t i = 0, first = 0; i < n && s->budgets <= BUDGETS_MAX; i++) {
    sum += c[i];
    if (i + 1 < n && c[i + 1] - c[i] <= log(1.2)) continue;
    smeared |= c[i] - c[first] > log(2);
    if (s->budgets < BUDGETS_MAX) s->budget[s->budgets] = exp(sum / (double)(i + 1 - first));
    s->budgets++;
    sum = 0;
    first = i + 1;
  }
  s->exact = s->budgets <= BUDGETS_MAX && !smeared;
  if (!s->exact) s->budgets = SPREAD_BUDGETS;
  for (int i = 0; i < s->budgets && !s->exact; i++) s->budget[i] = exp(c[0] + (c[n - 1] - c[0]) * i / (s->budgets - 1));
  free(c);
}

struct trial {
  double params, tokens, loss;
  size_t number;
};

static int by_loss(const void *x, const void *y) {
  const struct trial *a = x, *b = y;
  if (a->params != b->params) return a->params < b->params ? -1 : 1;
  if (a->tokens != b->tokens) return a->tokens < b->tokens ? -1 : 1;
  if (a->loss != b->loss) return a->loss < b->loss ? -1 : 1;
  return (a->number > b->number) - (a->number < b->number);
}

static int by_number(const void *x, const void *y) {
  size_t a = *(const size_t *)x, b = *(const size_t *)y;
  return (a > b) - (a < b);
}

/* Only these are samples of what the form explains. */
static void keep_best(struct scene *s) {
  const struct runs *runs = &s->study->fitted;
  struct trial *t = NEW_ARRAY(struct trial, runs->count + 1);
  for (size_t i = 0; i < runs->count; i++) {
    struct run run = runs_row(runs, i);
    t[i] = (struct trial){run.value[RUN_PARAMS], run.value[RUN_TOKENS], run.value[RUN_LOSS], i};
  }
  qsort(t, runs->count, sizeof *t, by_loss);
  s->best = NEW_ARRAY(size_t, runs->count + 1);
  s->total = 0;
  for (size_t i = 0; i < runs->count; i++)
    if (i == 0 || t[i].params != t[i - 1].params || t[i].tokens != t[i - 1].tokens) s->best[s->total++] = t[i].number;
  qsort(s->best, s->total, sizeof *s->best, by_number);
  free(t);
}

void scene_init(struct scene *s, const struct plot *plot) {
  *s = (struct scene){.plot = plot, .study = plot->study, .lowest = INFINITY, .highest = -INFINITY};
  s->total = plot->study->fitted.count + plot->study->held_out.count;
  if (plot->study->data.form->searches) keep_best(s);
  s->step = (s->total + RUNS_DRAWN - 1) / RUNS_DRAWN;
  if (s->step == 0) s->step = 1;
  s->drawn = (s->total + s->step - 1) / s->step;
  s->marks = s->drawn > 1000 ? 2.4 : s->drawn > 200 ? 3 : 3.8;
  for (size_t i = 0; i < s->total; i++) {
    struct run run = run_number(s, i);
    double flops = scene_compute(&run);
    if (!(flops > 0) || !isfinite(flops)) continue;
    s->lowest = fmin(s->lowest, flops);
    s->highest = fmax(s->highest, flops);
  }
  if (!(s->lowest <= s->highest)) s->lowest = s->highest = NAN;
  find_budgets(s);
  residuals_init(&s->residuals, plot->study);
}

void scene_release(struct scene *s) {
  residuals_release(&s->residuals);
  free(s->best);
}

struct run scene_run(const struct scene *s, size_t i, size_t *number) {
  *number = number_of(s, i * s->step);
  return run_number(s, i * s->step);
}

bool scene_held_out(const struct scene *s, size_t number) { return number >= s->study->fitted.count; }

int scene_budget(const struct scene *s, const struct run *run) {
  int nearest = 0;
  double flops = budget_of(run);
  for (int k = 1; k < s->budgets; k++)
    if (fabs(log(flops / s->budget[k])) < fabs(log(flops / s->budget[nearest]))) nearest = k;
  return nearest;
}

double scene_predict(const struct scene *s, const struct run *at) { return s->study->data.form->predict(&s->study->data, s->study->fit.parameter, at); }

struct optimum scene_optimum(const struct scene *s, double flops) {
  const struct form *form = s->study->data.form;
  return form->optimum ? form->optimum(&s->study->data, s->study->fit.parameter, flops) : (struct optimum){NAN, NAN, NAN};
}

const char *scene_title(enum run_column column) {
  static const char *const title[RUN_COLUMNS] = {
      [RUN_PARAMS] = "parameters N", [RUN_TOKENS] = "training tokens D",       [RUN_FLOPS] = "compute C, floating-point operations",
      [RUN_LOSS] = "loss L, nats per token", [RUN_ACCURACY] = "accuracy",      [RUN_UNIQUE_TOKENS] = "unique tokens U",
      [RUN_LR] = "peak learning rate", [RUN_BATCH] = "batch, tokens per step", [RUN_STEPS] = "steps"};
  return title[column] ? title[column] : run_column_name(column);
}

const char *scene_name(enum run_column column) {
  static const char *const name[RUN_COLUMNS] = {
      [RUN_TOKENS] = "Tokens", [RUN_LOSS] = "Loss", [RUN_ACCURACY] = "Accuracy", [RUN_LR] = "Learning rate", [RUN_BATCH] = "Batch"};
  return name[column] ? name[column] : run_column_name(column);
}

bool scene_explains(const struct scene *s, enum run_column column) { return s->study->data.form->explains == column; }

const char *scene_class(char kind, int budget, char class[16]) {
  snprintf(class, 16, "%c%d", kind, budget);
  return class;
}

void scene_style(const struct scene *s, struct buffer *out) {
  static const char *const dashes[] = {"", "7 3", "2 2.5", "9 3 2 3"};
  int classes = s->budgets ? s->budgets : 1;
  for (int k = 0; k < classes; k++) {
    struct buffer color = {0};
    svg_color(&color, classes > 1 ? (double)k / (classes - 1) : .35);
    const char *c = buffer_string(&color), *dash = dashes[k % 4];
    buffer_printf(out, ".m%d{fill:%s;stroke:#222;stroke-width:.6}.h%d{fill:#fff;stroke:%s;stroke-width:1.7}", k, c, k, c);
    buffer_printf(out, ".l%d{fill:none;stroke:%s;stroke-width:1.5%s%s}", k, c, *dash ? ";stroke-dasharray:" : "", dash);
    buffer_release(&color);
  }
}
