/* SPDX-License-Identifier: MIT
 *
 * Panels of how well the law fits: residuals, and measured against predicted values.
 */
#include <math.h>
#include <stdio.h>

#include "tools/fit-scaling/plot/panel.h"

/* Residuals farther out than so many robust standard deviations are drawn at the edge, with their value. */
static const double far_out = 8;

static double residual(const struct scene *s, const struct run *run) {
  enum run_column explains = s->study->data.form->explains;
  return 100 * form_residual(s->study->data.form, run->value[explains], scene_predict(s, run));
}

static const char *no_samples(const struct scene *s) {
  return s->study->data.form->searches ? "the runs are trials of a search, of which only the best are explained" : s->total > 0 ? NULL : "there are no runs";
}

/* The outliers that get a label: the farthest, as many as a reader can use. */
enum { LABELLED = 8 };

static void find_farthest(const struct residuals *r, size_t farthest[LABELLED], int *count) {
  *count = 0;
  for (size_t i = 0; i < r->count; i++) {
    if (!(fabs(r->z[i]) > OUTLIER_Z)) continue;
    int at = *count < LABELLED ? (*count)++ : LABELLED;
    for (; at > 0 && fabs(r->z[farthest[at - 1]]) < fabs(r->z[i]); at--)
      if (at < LABELLED) farthest[at] = farthest[at - 1];
    if (at < LABELLED) farthest[at] = i;
  }
}

static void draw_residuals(struct panel *p, struct scene *s) {
  const struct residuals *r = &s->residuals;
  double scale = 100 * r->scale, middle = 100 * r->median, edge = far_out * scale;
  bool compute = isfinite(s->lowest);
  enum run_column explains = s->study->data.form->explains;
  p->x = compute ? panel_axis(RUN_FLOPS) : panel_axis(explains);
  if (!compute) p->x.title = "predicted value";
  p->y = axis_of("residual, % (measured above predicted)", AXIS_LINEAR, AXIS_PLAIN);
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    double y = residual(s, &run);
    axis_widen(&p->x, compute ? scene_compute(&run) : scene_predict(s, &run));
    axis_widen(&p->y, scale > 0 ? fmin(fmax(y, middle - edge), middle + edge) : y);
  }
  axis_widen(&p->y, middle + 2.2 * scale);
  axis_widen(&p->y, middle - 2.2 * scale);
  axis_margin(&p->x, compute ? log(4) : .02);
  axis_margin(&p->y, fmax(1e-6, .2 * scale));
  panel_begin(p, "Residuals");
  double ends[2] = {axis_at(&p->x, 0), axis_at(&p->x, 1)}, low[2] = {middle - 2 * scale, middle - 2 * scale}, high[2] = {middle + 2 * scale, middle + 2 * scale};
  panel_band(p, "band", ends, low, high, 2);
  panel_line(p, "zero", ends[0], 0, ends[1], 0);
  panel_line(p, "bound", ends[0], low[0], ends[1], low[0]);
  panel_line(p, "bound", ends[0], high[0], ends[1], high[0]);
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    double y = residual(s, &run), x = compute ? scene_compute(&run) : scene_predict(s, &run);
    panel_mark(p, s, &run, number, x, scale > 0 ? fmin(fmax(y, middle - edge), middle + edge) : y);
    if (!scene_held_out(s, number) && fabs(r->z[number]) > OUTLIER_Z)
      svg_mark(p->out, 0, axis_place(&p->x, x), axis_place(&p->y, fmin(fmax(y, middle - edge), middle + edge)), s->marks + 3.5, "outlier", NULL);
  }
  size_t farthest[LABELLED];
  int labelled;
  find_farthest(r, farthest, &labelled);
  for (int i = 0; i < labelled; i++) {
    struct run run = runs_row(&s->study->fitted, farthest[i]);
    double y = 100 * r->value[farthest[i]], shown = fmin(fmax(y, middle - edge), middle + edge), x = compute ? scene_compute(&run) : scene_predict(s, &run);
    char text[64];
    if (shown != y) snprintf(text, sizeof text, "run %zu: %s%.3g%%", farthest[i] + 1, y < 0 ? "\u2212" : "+", fabs(y));
    else snprintf(text, sizeof text, "run %zu", farthest[i] + 1);
    panel_note(p, x, shown, s->marks + 7, text);
    s->legend |= LEGEND_OUTLIER;
  }
  s->legend |= LEGEND_RESIDUALS;
  panel_end(p);
}

static void draw_measured(struct panel *p, struct scene *s) {
  enum { WHISKERS = 100 };
  enum run_column explains = s->study->data.form->explains;
  p->x = p->y = panel_axis(explains);
  p->x.title = "predicted";
  p->y.title = explains == RUN_LOSS ? "measured loss, nats per token" : "measured";
  for (size_t i = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    axis_widen(&p->x, scene_predict(s, &run));
    axis_widen(&p->y, run.value[explains]);
  }
  p->x.low = p->y.low = fmin(p->x.low, p->y.low);
  p->x.high = p->y.high = fmax(p->x.high, p->y.high);
  double least = explains == RUN_ACCURACY ? .05 : .02;
  axis_margin(&p->x, least);
  axis_margin(&p->y, least);
  panel_begin(p, s->study->held_out.count ? "Held-out runs: measured against predicted" : "Measured against predicted");
  double ends[2] = {axis_at(&p->x, 0), axis_at(&p->x, 1)};
  panel_line(p, "zero", ends[0], ends[0], ends[1], ends[1]);
  for (size_t i = 0, whiskers = 0; i < s->drawn; i++) {
    size_t number;
    struct run run = scene_run(s, i, &number);
    if (scene_held_out(s, number) && whiskers++ < WHISKERS) {
      struct question q = {.quantity = QUANTITY_RUN, .at = run};
      struct answer a = study_answer(s->study, &q);
      panel_whisker(p, "whisker further", false, run.value[explains], a.interval.low, a.interval.high);
    }
    panel_mark(p, s, &run, number, scene_predict(s, &run), run.value[explains]);
  }
  panel_end(p);
}

const struct panel_kind panel_residuals = {"residuals", "how far each run lies from the law", no_samples, draw_residuals};
const struct panel_kind panel_measured = {"measured", "measured against predicted, held-out runs with the law's interval", no_samples, draw_measured};
