/* SPDX-License-Identifier: MIT
 *
 * Panels of how a budget is best split: the runs of each budget by model size with the lowest point of each, and the best model
 * size against compute.
 */
#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/forms/isoflop.h"
#include "tools/fit-scaling/plot/panel.h"

enum { CURVE = 97 };

/* Where the runs themselves put the lowest loss of each budget: the form isoflop finds that, others only have their law. */
static int find_minima(const struct scene *s, struct optimum minimum[ISOFLOP_BUDGETS_MAX], double flops[ISOFLOP_BUDGETS_MAX]) {
  int count = 0;
  if (s->study->data.form != &form_isoflop) {
    for (; count < s->budgets; count++) minimum[count] = scene_optimum(s, flops[count] = s->budget[count]);
    return count;
  }
  struct isoflop_budget *found = NEW_ARRAY(struct isoflop_budget, ISOFLOP_BUDGETS_MAX);
  size_t n = isoflop_budgets(&s->study->data, found, ISOFLOP_BUDGETS_MAX);
  for (size_t i = 0; i < n; i++) {
    if (found[i].left_out) continue;
    flops[count] = found[i].flops;
    minimum[count++] = (struct optimum){found[i].N, found[i].D, found[i].loss};
  }
  free(found);
  return count;
}

static const char *no_isoflop(const struct scene *s) {
  if (!scene_explains(s, RUN_LOSS) || !s->study->data.form->optimum) return "the form has no compute-optimal model";
  return s->budgets > 0 && s->study->fitted.column[RUN_PARAMS] ? NULL : "the runs have no params or no compute";
}

static void draw_isoflop(struct panel *p, struct scene *s) {
  p->x = panel_axis(RUN_PARAMS);
  p->y = panel_axis(RUN_LOSS);
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    axis_widen(&p->x, run.value[RUN_PARAMS]);
    axis_widen(&p->y, run.value[RUN_LOSS]);
  }
  struct optimum minimum[ISOFLOP_BUDGETS_MAX];
  double flops[ISOFLOP_BUDGETS_MAX];
  int minima = find_minima(s, minimum, flops);
  for (int k = 0; k < minima; k++) {
    if (!isfinite(minimum[k].loss)) continue;
    axis_widen(&p->x, minimum[k].N);
    axis_widen(&p->y, minimum[k].loss);
  }
  axis_margin(&p->x, log(4));
  axis_margin(&p->y, .02);
  panel_begin(p, "Budgets and their lowest loss");
  double x[CURVE], y[CURVE];
  for (int k = 0; k < s->budgets; k++) {
    char class[16];
    for (int i = 0; i < CURVE; i++) {
      x[i] = axis_at(&p->x, (double)i / (CURVE - 1));
      struct run run = run_of(x[i], s->budget[k] / 6 / x[i]);
      y[i] = scene_predict(s, &run);
    }
    panel_curve(p, scene_class('l', k, class), x, y, CURVE);
  }
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    panel_mark(p, s, &run, number, run.value[RUN_PARAMS], run.value[RUN_LOSS]);
  }
  for (int i = 0; i < CURVE; i++) {
    struct optimum o = scene_optimum(s, exp(log(s->lowest) + log(s->highest / s->lowest) * i / (CURVE - 1)));
    x[i] = o.N, y[i] = o.loss;
  }
  panel_curve(p, "frontier", x, y, CURVE);
  for (int k = 0; k < minima; k++) svg_mark(p->out, 0, axis_place(&p->x, minimum[k].N), axis_place(&p->y, minimum[k].loss), 5.5, "minimum", NULL);
  s->legend |= LEGEND_LAW | LEGEND_MINIMUM | LEGEND_FRONTIER;
  panel_end(p);
}

static const char *no_allocation(const struct scene *s) {
  if (!s->study->data.form->optimum) return "the form has no compute-optimal model";
  return isfinite(s->lowest) && isfinite(scene_optimum(s, s->highest).N) ? NULL : "the law has no compute-optimal model, or the runs no compute";
}

static void draw_allocation(struct panel *p, struct scene *s) {
  p->x = panel_axis(RUN_FLOPS);
  p->y = panel_axis(RUN_PARAMS);
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    axis_widen(&p->x, scene_compute(&run));
    axis_widen(&p->y, run.value[RUN_PARAMS]);
  }
  for (size_t i = 0; i < s->plot->prediction_count; i++) {
    const struct plot_prediction *q = &s->plot->predictions[i];
    if (!q->optimum || !isfinite(q->at.value[RUN_PARAMS])) continue;
    axis_widen(&p->x, q->at.value[RUN_FLOPS]);
    axis_widen(&p->y, q->at.value[RUN_PARAMS]);
    if (isfinite(q->params.high)) axis_widen(&p->y, fmin(q->params.high, 10 * q->at.value[RUN_PARAMS]));
    if (isfinite(q->params.low)) axis_widen(&p->y, fmax(q->params.low, q->at.value[RUN_PARAMS] / 10));
  }
  axis_margin(&p->x, log(4));
  axis_margin(&p->y, log(4));
  panel_begin(p, "Best model size for a budget");
  panel_answer_band(p, s, QUANTITY_N_OPT, "band");
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    panel_mark(p, s, &run, number, scene_compute(&run), run.value[RUN_PARAMS]);
  }
  for (int beyond = 0; beyond < 2; beyond++) {
    double x[CURVE], y[CURVE], from = beyond ? s->highest : s->lowest, to = beyond ? axis_at(&p->x, 1) : s->highest;
    for (int i = 0; i < CURVE; i++) y[i] = scene_optimum(s, x[i] = exp(log(from) + log(to / from) * i / (CURVE - 1))).N;
    panel_curve(p, beyond ? "frontier beyond" : "frontier", x, y, CURVE);
  }
  s->legend |= LEGEND_FRONTIER;
  s->beyond = true;
  if (s->study->data.form == &form_isoflop) {
    struct optimum minimum[ISOFLOP_BUDGETS_MAX];
    double flops[ISOFLOP_BUDGETS_MAX];
    int minima = find_minima(s, minimum, flops);
    for (int k = 0; k < minima; k++) svg_mark(p->out, 0, axis_place(&p->x, flops[k]), axis_place(&p->y, minimum[k].N), 5.5, "minimum", NULL);
    s->legend |= LEGEND_MINIMUM;
  }
  for (size_t i = 0; i < s->plot->prediction_count; i++) {
    const struct plot_prediction *q = &s->plot->predictions[i];
    if (!q->optimum || !isfinite(q->at.value[RUN_PARAMS])) continue;
    panel_whisker(p, "whisker", true, q->at.value[RUN_FLOPS], q->params.low, q->params.high);
    panel_cross(p, q->at.value[RUN_FLOPS], q->at.value[RUN_PARAMS], q->label);
    panel_note(p, q->at.value[RUN_FLOPS], q->at.value[RUN_PARAMS], 9, q->label);
    s->legend |= LEGEND_PREDICTION;
  }
  panel_end(p);
}

const struct panel_kind panel_isoflop = {"isoflop", "the runs of each budget against params, and the lowest loss of each", no_isoflop, draw_isoflop};
const struct panel_kind panel_allocation = {"allocation", "the best params against compute", no_allocation, draw_allocation};
