/* SPDX-License-Identifier: MIT
 *
 * Two studies a form: one of the runs that are not held out, which predicts the others, and one of all.
 */
#include "tools/fit-scaling/validation/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/table/fields.h"

static bool has_columns(const struct form *form, const struct runs *runs) {
  for (int c = 0; c < RUN_COLUMNS; c++)
    if (c != RUN_FLOPS && ((form->needs | form->uses) >> c & 1) && !runs->column[c]) return false;
  return !(form->needs & RUN_NEEDS_SHARES) || runs->source_count > 0;
}

static int add(struct contender *contenders, int count, const struct form *form) {
  for (int i = 0; i < count; i++)
    if (contenders[i].form == form) return count;
  contenders[count] = (struct contender){.form = form, .aicc = NAN, .bic = NAN, .objective = NAN, .condition = NAN};
  return count + 1;
}

static int choose(struct contender *contenders, const char *names, const struct form *like, const struct runs *runs, struct err *e) {
  int count = 0;
  if (strcmp(names, "all") == 0) {
    for (int i = 0; forms[i]; i++)
      if (forms[i]->explains == like->explains && has_columns(forms[i], runs)) count = add(contenders, count, forms[i]);
    return count;
  }
  char *list = STRDUP(names), *rest = list;
  for (char *name; (name = strsep(&rest, ",")) != NULL;) {
    const struct form *form = form_find(name);
    if (!form) err_usage(e, "--compare: there is no form '%s'; --form list shows them", name);
    else if (count > 0 && form->explains != contenders[0].form->explains)
      err_usage(e, "--compare: %s explains %s, %s explains %s: they cannot be compared", contenders[0].form->name, run_column_name(contenders[0].form->explains), form->name,
                run_column_name(form->explains));
    else {
      count = add(contenders, count, form);
      continue;
    }
    count = -1;
    break;
  }
  free(list);
  return count;
}

void criteria_add(struct criteria *c, const struct study *s) {
  const struct form *form = s->data.form;
  for (size_t i = 0; i < s->fitted.count; i++) {
    struct run run = runs_row(&s->fitted, i);
    double r = form_residual(form, run.value[form->explains], form->predict(&s->data, s->fit.parameter, &run));
    c->absolute += fabs(r);
    c->squares += r * r;
  }
  c->n += (double)s->fitted.count;
  for (int i = 0; i < s->data.parameters; i++) c->parameters += !(s->data.held >> i & 1);
}

/* Twice the negative log-likelihood with the scale at its maximum; a noise-free table counts as scattered by 1e-12. */
static double deviance(const struct criteria *c) {
  double normal = c->n * log(2 * M_PI * M_E * fmax(c->squares / c->n, 1e-24));
  double exponential = 2 * c->n * log(2 * M_E * fmax(c->absolute / c->n, 1e-12));
  return fmin(normal, exponential);
}

double criteria_aicc(const struct criteria *c) {
  double k = c->parameters + 1;
  return c->n - k - 1 > 0 ? deviance(c) + 2 * k + 2 * k * (k + 1) / (c->n - k - 1) : NAN;
}

static double bic(const struct criteria *c) {
  double k = c->parameters + 1;
  return c->n > k ? deviance(c) + k * log(c->n) : NAN;
}

static void judge(struct contender *c, const struct study *s) {
  struct criteria criteria = {0};
  criteria_add(&criteria, s);
  c->parameters = criteria.parameters;
  c->aicc = criteria_aicc(&criteria);
  c->bic = bic(&criteria);
  c->objective = s->fit.objective;
  c->condition = s->fit.condition;
  c->starts = s->fit.starts;
  c->reached = s->fit.reached;
}

static int by_promise(const void *x, const void *y) {
  const struct contender *a = x, *b = y;
  bool failed_a = a->failure.message[0] != 0, failed_b = b->failure.message[0] != 0;
  if (failed_a != failed_b) return failed_a - failed_b;
  if (a->scored != b->scored) return b->scored - a->scored;
  double va = a->scored ? a->score.mape : a->aicc, vb = b->scored ? b->score.mape : b->aicc;
  if (isnan(va) != isnan(vb)) return isnan(va) - isnan(vb);
  if (va != vb) return va < vb ? -1 : 1;
  return strcmp(a->form->name, b->form->name);
}

int compare_forms(struct contender **contenders, int *count, const char *names, const struct study_options *options, const struct runs *runs,
                  const struct holdout *holdout, struct err *e) {
  int all = 0;
  while (forms[all]) all++;
  *contenders = NEW_ARRAY(struct contender, all + 1);
  *count = choose(*contenders, names, options->form, runs, e);
  if (*count < 0) return -1;
  double above = holdout_above(holdout, runs);
  for (int i = 0; i < *count; i++) {
    struct contender *c = &(*contenders)[i];
    struct study_options mine = *options, all_runs;
    struct study study;
    struct err why = {0};
    mine.form = c->form;
    all_runs = mine;
    all_runs.bootstrap.resamples = 0;
    if (isfinite(above)) {
      if (study_run(&study, &mine, runs, above, &why) == 0 && study.held_out.count > 0) {
        c->score = holdout_score(&study);
        c->scored = isfinite(c->score.mape);
      }
      study_release(&study);
    }
    if (study_run(&study, &all_runs, runs, INFINITY, &c->failure) == 0) judge(c, &study);
    else c->scored = false;
    study_release(&study);
  }
  qsort(*contenders, (size_t)*count, sizeof **contenders, by_promise);
  return 0;
}

void compare_rows(const struct contender *contenders, int count, struct buffer *out) {
  buffer_append_string(out, "rank\tform\tparameters\tholdout_runs\tholdout_mape\tholdout_bias\tholdout_coverage\taicc\tbic\tobjective\tstarts\treached\tcondition\tnote\n");
  for (int i = 0; i < count; i++) {
    const struct contender *c = &contenders[i];
    buffer_printf(out, "%d\t%s", i + 1, c->form->name);
    if (c->failure.message[0]) {
      buffer_append_string(out, "\t\t\t\t\t\t\t\t\t\t\t\t");
      fields_text(out, c->failure.message);
      buffer_put(out, '\n');
      continue;
    }
    buffer_printf(out, "\t%d\t%zu\t", c->parameters, c->scored ? c->score.count : 0);
    fields_numbers(out, c->scored ? (double[]){c->score.mape, c->score.bias, c->score.coverage} : (double[]){NAN, NAN, NAN}, 3);
    buffer_put(out, '\t');
    fields_numbers(out, (double[]){c->aicc, c->bic, c->objective}, 3);
    buffer_printf(out, "\t%d\t%d\t", c->starts, c->reached);
    fields_numbers(out, &c->condition, 1);
    buffer_append_string(out, "\t\n");
  }
}

void compare_summary(const struct contender *contenders, int count, struct buffer *out) {
  const struct contender *power = NULL, *best = NULL;
  for (int i = 0; i < count; i++) {
    const struct contender *c = &contenders[i];
    if (c->failure.message[0]) continue;
    if (!best) best = c;
    if (strcmp(c->form->name, "power") == 0) power = c;
  }
  if (!best) {
    buffer_append_string(out, "no form could be fitted");
    return;
  }
  if (best->scored) buffer_printf(out, "%s predicts the %zu runs of most compute best: mean error %.3g%%", best->form->name, best->score.count, best->score.mape);
  else buffer_printf(out, "%s has the lowest AICc; no runs could be held out", best->form->name);
  const struct contender *closest = best;
  for (int i = 0; i < count; i++)
    if (contenders[i].aicc < closest->aicc) closest = &contenders[i];
  if (closest != best) buffer_printf(out, "\n  %s describes all runs best (AICc %.5g, that of %s %.5g)", closest->form->name, closest->aicc, best->form->name, best->aicc);
  for (int i = 0; i < count && power && power->scored; i++) {
    const struct contender *c = &contenders[i];
    if (c->scored && c->score.mape > power->score.mape)
      buffer_printf(out, "\n  %s extrapolates worse than the straight power law (%.3g%% against %.3g%%)", c->form->name, c->score.mape, power->score.mape);
  }
}
