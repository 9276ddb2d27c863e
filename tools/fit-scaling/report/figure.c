/* SPDX-License-Identifier: MIT
 *
 * The plot of a report: its predictions handed to plot/.
 */
#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/plot/plot.h"
#include "tools/fit-scaling/report/rows.h"

static struct plot_prediction prediction_of(const struct study *s, const struct target *t) {
  bool best = t->optimum && s->data.form->optimum;
  struct plot_prediction p = {.label = t->typed, .at = t->at, .optimum = best, .params = {NAN, NAN, NAN}};
  struct question q = {.quantity = best ? QUANTITY_LOSS_OPT : QUANTITY_PREDICTION, .at = t->at};
  p.value = study_answer(s, &q);
  q.quantity = best ? QUANTITY_RUN_OPT : QUANTITY_RUN;
  p.run = study_answer(s, &q).interval;
  if (!best) return p;
  q.quantity = QUANTITY_N_OPT;
  struct answer params = study_answer(s, &q);
  q.quantity = QUANTITY_D_OPT;
  p.at.value[RUN_PARAMS] = params.value;
  p.at.value[RUN_TOKENS] = study_value(s, s->fit.parameter, &q);
  p.params = params.interval;
  return p;
}

int report_plot(const struct report *r, const char *panels, struct buffer *svg, struct err *e) {
  const struct study *s = r->study;
  struct plot_prediction *predictions = NEW_ARRAY(struct plot_prediction, r->target_count + 1);
  struct buffer title = {0};
  for (int i = 0; i < r->target_count; i++) predictions[i] = prediction_of(s, &r->targets[i]);
  if (r->group) buffer_printf(&title, "%s: ", r->group);
  buffer_printf(&title, "%s fitted to %zu runs, objective %s", s->data.form->name, s->fitted.count, rows_objective(s));
  struct plot plot = {.title = buffer_string(&title), .study = s, .predictions = predictions, .prediction_count = (size_t)r->target_count, .panels = panels};
  int result = plot_svg(svg, &plot, e);
  buffer_release(&title);
  free(predictions);
  return result;
}
