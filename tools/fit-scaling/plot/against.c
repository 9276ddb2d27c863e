/* SPDX-License-Identifier: MIT
 *
 * Panels of what the law explains (the loss, mostly) against params, tokens, compute or loss.
 */
#include <math.h>
#include <stdlib.h>

#include "tools/fit-scaling/plot/panel.h"

enum { CURVE = 97, BAND = 25 };

static double value_of(const struct run *run, enum run_column column) { return column == RUN_FLOPS ? scene_compute(run) : run->value[column]; }

struct axis panel_axis(enum run_column column) {
  bool counted = column == RUN_PARAMS || column == RUN_TOKENS || column == RUN_UNIQUE_TOKENS || column == RUN_BATCH || column == RUN_STEPS;
  enum axis_labels labels = counted ? AXIS_COUNTS : column == RUN_FLOPS || column == RUN_LR ? AXIS_POWERS : AXIS_PLAIN;
  return axis_of(scene_title(column), column == RUN_ACCURACY ? AXIS_LINEAR : AXIS_LOG, labels);
}

static double least_width(enum run_column column) { return column == RUN_ACCURACY ? .05 : column == RUN_LOSS ? .02 : log(4); }

static struct run only(enum run_column column, double value) {
  struct run run = run_of(NAN, NAN);
  run.value[column] = value;
  return run;
}

/* The interval as far as an axis should stretch for it. */
static void widen_prediction(struct axis *y, double value, const struct interval *in) {
  axis_widen(y, value);
  if (y->scale != AXIS_LOG || !(value > 0) || !isfinite(in->low) || !isfinite(in->high)) return;
  axis_widen(y, fmax(in->low, value / 2));
  axis_widen(y, fmin(in->high, value * 2));
}

static void set_axes(struct panel *p, const struct scene *s, enum run_column column) {
  enum run_column explains = s->study->data.form->explains;
  p->x = panel_axis(column);
  p->y = panel_axis(explains);
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    axis_widen(&p->x, value_of(&run, column));
    axis_widen(&p->y, run.value[explains]);
  }
  for (size_t i = 0; i < s->plot->prediction_count; i++) {
    const struct plot_prediction *q = &s->plot->predictions[i];
    double x = value_of(&q->at, column);
    if (!isfinite(x) || !isfinite(q->value.value)) continue;
    axis_widen(&p->x, x);
    widen_prediction(&p->y, q->value.value, &q->value.interval);
    widen_prediction(&p->y, q->value.value, &q->run);
  }
  axis_margin(&p->x, column == RUN_LOSS ? .05 : least_width(column));
  axis_margin(&p->y, least_width(explains));
}

/* The law at each budget over N or D, or, where it is a function of the panel's column alone, its one curve. */
static void draw_law(struct panel *p, struct scene *s, enum run_column column) {
  double x[CURVE], y[CURVE];
  bool alone = false;
  for (int i = 0; i < CURVE; i++) {
    x[i] = axis_at(&p->x, (double)i / (CURVE - 1));
    struct run run = only(column, x[i]);
    y[i] = scene_predict(s, &run);
    alone |= isfinite(y[i]);
  }
  if (alone) {
    panel_curve(p, "law", x, y, CURVE);
    s->legend |= LEGEND_LAW;
  } else if (column == RUN_PARAMS || column == RUN_TOKENS) {
    for (int k = 0; k < s->budgets; k++) {
      bool begun = false;
      char class[16];
      for (int i = 0; i < CURVE; i++) {
        double other = s->budget[k] / 6 / x[i];
        struct run run = column == RUN_PARAMS ? run_of(x[i], other) : run_of(other, x[i]);
        y[i] = scene_predict(s, &run);
        begun |= isfinite(y[i]);
      }
      if (begun) panel_curve(p, scene_class('l', k, class), x, y, CURVE);
      if (begun) s->legend |= LEGEND_LAW;
    }
  }
}

/* Compute from the smallest run to the farthest prediction, or, when compute is the panel's axis, to its end. */
static double farthest(const struct panel *p, const struct scene *s, enum run_column column) {
  double far = s->highest;
  for (size_t i = 0; i < s->plot->prediction_count; i++) {
    const struct plot_prediction *q = &s->plot->predictions[i];
    if (q->optimum && q->at.value[RUN_FLOPS] > far) far = q->at.value[RUN_FLOPS];
  }
  return column == RUN_FLOPS ? fmax(far, axis_at(&p->x, 1)) : far;
}

/* Solid over the runs, dashed beyond them. */
static void draw_frontier(struct panel *p, struct scene *s, enum run_column column) {
  double x[CURVE], y[CURVE], end = farthest(p, s, column);
  for (int beyond = 0; beyond < 2; beyond++) {
    double from = beyond ? s->highest : s->lowest, to = beyond ? end : s->highest;
    bool any = false;
    for (int i = 0; i < CURVE; i++) {
      double flops = exp(log(from) + log(to / from) * i / (CURVE - 1));
      struct optimum o = scene_optimum(s, flops);
      x[i] = column == RUN_PARAMS ? o.N : column == RUN_TOKENS ? o.D : flops;
      y[i] = o.loss;
      any |= isfinite(x[i]) && isfinite(y[i]);
    }
    if (!any || !(to > from)) continue;
    panel_curve(p, beyond ? "frontier beyond" : "frontier", x, y, CURVE);
    s->legend |= LEGEND_FRONTIER;
    s->beyond |= beyond;
  }
}

void panel_answer_band(struct panel *p, struct scene *s, enum quantity quantity, const char *class) {
  double x[BAND], low[BAND], high[BAND];
  bool any = false;
  for (int i = 0; i < BAND; i++) {
    x[i] = axis_at(&p->x, (double)i / (BAND - 1));
    struct question q = {.quantity = quantity, .at = only(RUN_FLOPS, x[i])};
    struct answer a = study_answer(s->study, &q);
    low[i] = a.interval.low, high[i] = a.interval.high;
    any |= isfinite(low[i]) && isfinite(high[i]);
  }
  if (!any) return;
  panel_band(p, class, x, low, high, BAND);
  s->legend |= quantity == QUANTITY_RUN || quantity == QUANTITY_RUN_OPT ? LEGEND_RUN_BAND : LEGEND_BAND;
}

static void draw_predictions(struct panel *p, struct scene *s, enum run_column column) {
  for (size_t i = 0; i < s->plot->prediction_count; i++) {
    const struct plot_prediction *q = &s->plot->predictions[i];
    double x = value_of(&q->at, column);
    if (!isfinite(x) || !isfinite(q->value.value)) continue;
    panel_whisker(p, "whisker further", true, x, q->run.low, q->run.high);
    panel_whisker(p, "whisker", true, x, q->value.interval.low, q->value.interval.high);
    panel_cross(p, x, q->value.value, q->label);
    panel_note(p, x, q->value.value, 9, q->label);
    s->legend |= LEGEND_PREDICTION;
  }
}

static void against(struct panel *p, struct scene *s, enum run_column column, const char *what) {
  enum run_column explains = s->study->data.form->explains;
  struct buffer title = {0};
  set_axes(p, s, column);
  buffer_printf(&title, "%s against %s", scene_name(explains), what);
  panel_begin(p, buffer_string(&title));
  buffer_release(&title);
  bool budgets = s->study->data.form->optimum != NULL;
  if (column == RUN_FLOPS) {
    panel_answer_band(p, s, budgets ? QUANTITY_RUN_OPT : QUANTITY_RUN, "band further");
    panel_answer_band(p, s, budgets ? QUANTITY_LOSS_OPT : QUANTITY_PREDICTION, "band");
  }
  draw_law(p, s, column);
  if (budgets) draw_frontier(p, s, column);
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    panel_mark(p, s, &run, number, value_of(&run, column), run.value[explains]);
  }
  draw_predictions(p, s, column);
  panel_end(p);
}

static bool has(const struct scene *s, enum run_column column) {
  const struct runs *runs = &s->study->fitted;
  for (size_t i = 0; i < runs->count; i++) {
    struct run run = runs_row(runs, i);
    if (isfinite(value_of(&run, column))) return true;
  }
  return false;
}

static const char *no_column(const struct scene *s, enum run_column column, const char *why) {
  return scene_explains(s, column) ? "it is what the form explains" : has(s, column) ? NULL : why;
}
static const char *no_params(const struct scene *s) { return no_column(s, RUN_PARAMS, "the runs have no params"); }
static const char *no_tokens(const struct scene *s) { return no_column(s, RUN_TOKENS, "the runs have no tokens"); }
static const char *no_compute(const struct scene *s) { return has(s, RUN_FLOPS) ? NULL : "the runs have no compute"; }
static const char *no_batch(const struct scene *s) {
  struct run run = only(RUN_BATCH, 1e5);
  return has(s, RUN_BATCH) && isfinite(scene_predict(s, &run)) ? NULL : "it needs runs with a batch, and a form that explains something by the batch";
}
static const char *no_accuracy(const struct scene *s) {
  return scene_explains(s, RUN_ACCURACY) && has(s, RUN_LOSS) ? NULL : "it needs a form that explains accuracy and runs with a loss";
}

static void draw_params(struct panel *p, struct scene *s) { against(p, s, RUN_PARAMS, "model size"); }
static void draw_tokens(struct panel *p, struct scene *s) { against(p, s, RUN_TOKENS, "training data"); }
static void draw_compute(struct panel *p, struct scene *s) { against(p, s, RUN_FLOPS, "compute"); }
static void draw_batch(struct panel *p, struct scene *s) { against(p, s, RUN_BATCH, "the batch"); }
static void draw_accuracy(struct panel *p, struct scene *s) { against(p, s, RUN_LOSS, "loss"); }

const struct panel_kind panel_loss_params = {"loss-N", "loss (or what the form explains) against params, with the law at each budget", no_params, draw_params};
const struct panel_kind panel_loss_tokens = {"loss-D", "loss against tokens, with the law at each budget", no_tokens, draw_tokens};
const struct panel_kind panel_loss_compute = {"loss-C", "loss against compute, with the frontier and its interval", no_compute, draw_compute};
const struct panel_kind panel_loss_batch = {"loss-batch", "what the form explains against the batch", no_batch, draw_batch};
const struct panel_kind panel_accuracy_loss = {"accuracy-loss", "accuracy against loss", no_accuracy, draw_accuracy};
