/* SPDX-License-Identifier: MIT
 *
 * Runs are ordered by compute: a law is asked what it will be used for, larger runs than it has seen.
 */
#include "tools/fit-scaling/validation/holdout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"

enum { COVERAGE_RUNS = 1000 }; /* intervals cost a pass over the bootstrap each: of more runs every k-th is asked */

int holdout_parse(struct holdout *h, const char *text, struct err *e) {
  *h = (struct holdout){NAN, NAN};
  if (strncmp(text, "above=", 6) == 0 && number_double(text + 6, &h->above) == 0 && h->above > 0) return 0;
  if (strncmp(text, "top=", 4) == 0 && number_double(text + 4, &h->top) == 0 && h->top > 0 && h->top < 1) return 0;
  return err_usage(e, "--holdout takes above=FLOPS or top=FRACTION (of the runs, 0 to 1), not '%s'", text);
}

static int descending(const void *x, const void *y) {
  double a = *(const double *)x, b = *(const double *)y;
  return (a < b) - (a > b);
}

double holdout_above(const struct holdout *h, const struct runs *runs) {
  if (!isnan(h->above)) return h->above;
  size_t n = runs->count, k;
  if (n == 0 || !runs->column[RUN_FLOPS]) return INFINITY;
  double *flops = COPY(runs->column[RUN_FLOPS], n * sizeof *flops), above = INFINITY;
  qsort(flops, n, sizeof *flops, descending);
  for (k = (size_t)ceil(h->top * (double)n); k < n && flops[k] > flops[k - 1] * (1 - 1e-9); k++) continue;
  if (k < n) above = flops[k];
  free(flops);
  return above;
}

struct holdout_score holdout_score(const struct study *s) {
  const struct form *form = s->data.form;
  size_t n = s->held_out.count, judged = 0, inside = 0;
  struct holdout_score score = {.count = n, .mape = NAN, .bias = NAN, .coverage = NAN};
  if (n == 0) return score;
  size_t stride = (n + COVERAGE_RUNS - 1) / COVERAGE_RUNS;
  score.mape = score.bias = 0;
  for (size_t i = 0; i < n; i++) {
    struct question q = {.quantity = QUANTITY_RUN, .at = runs_row(&s->held_out, i)};
    double measured = q.at.value[form->explains], error = form_error(form, measured, form->predict(&s->data, s->fit.parameter, &q.at));
    score.mape += 100 * fabs(error) / (double)n;
    score.bias += 100 * error / (double)n;
    if (i % stride) continue;
    struct interval interval = study_answer(s, &q).interval;
    if (!isfinite(interval.low) || !isfinite(interval.high)) continue;
    judged++;
    inside += measured >= interval.low && measured <= interval.high;
  }
  if (judged > 0) score.coverage = (double)inside / (double)judged;
  return score;
}

bool holdout_warning(const struct study *s, struct buffer *out) {
  const struct form *power = form_find("power");
  if (s->held_out.count == 0 || !power || s->data.form == power || power->explains != s->data.form->explains) return false;
  struct study_options options = s->options;
  struct study straight;
  struct err e = {0};
  options.form = power;
  options.fit.fixed_count = 0;
  options.bootstrap.resamples = 0;
  double mine = study_error(s, &s->held_out), its = INFINITY;
  if (study_run(&straight, &options, &s->fitted, INFINITY, &e) == 0) its = study_error(&straight, &s->held_out);
  study_release(&straight);
  if (!(its < mine)) return false;
  buffer_printf(out, "%s extrapolates worse than the straight power law: mean error of the held-out runs %.3g%% against %.3g%%; --compare all shows other forms", s->data.form->name, mine, its);
  return true;
}
