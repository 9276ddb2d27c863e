/* SPDX-License-Identifier: MIT
 *
 * The table of warnings.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/fit-scaling/report/rows.h"
#include "tools/fit-scaling/validation/holdout.h"
#include "tools/fit-scaling/validation/outliers.h"

/* Above this the fitted parameters stand for a direction, not a point: Besiroglu's 240 runs have 33, eight runs over
 * three budgets within a factor of 16 of compute have hundreds. */
static const double condition_limit = 200;

static const double far_beyond = 1000; /* times the compute of the largest run */

static bool at_bound(const struct report *r, struct buffer *out) {
  const struct study *s = r->study;
  if (!s->fit.at_bound) return false;
  buffer_append_string(out, "these runs do not determine the law: ");
  bool begun = false;
  for (int i = 0; i < s->data.parameters; i++) {
    if (!(s->fit.at_bound >> i & 1)) continue;
    buffer_printf(out, "%s%s runs to %s", begun ? ", " : "", s->data.names[i], fabs(s->fit.parameter[i]) < 1e-6 ? "0" : "its bound");
    begun = true;
  }
  buffer_append_string(out, "; trust predictions near the runs only; runs over a wider range help, or a value from elsewhere (--fix)");
  return true;
}

static bool condition(const struct report *r, struct buffer *out) {
  if (!(r->study->fit.condition > condition_limit)) return false;
  buffer_printf(out, "the runs can hardly tell the parameters apart (condition number %.3g): trust predictions near the runs, not single parameters; "
                "runs over a wider range of params and tokens help", r->study->fit.condition);
  return true;
}

static bool local_minima(const struct report *r, struct buffer *out) {
  const struct fit *fit = &r->study->fit;
  if (fit->reached * 2 >= fit->starts) return false;
  buffer_printf(out, "only %d of %d starts reach the best objective: other laws fit almost as well; compare the predictions of another --objective",
                fit->reached, fit->starts);
  return true;
}

static bool unconverged(const struct report *r, struct buffer *out) {
  if (r->study->fit.converged) return false;
  buffer_append_string(out, "the fit still improved when it was stopped: its parameters are not exact; a larger --delta or --objective squares is smoother");
  return true;
}

static bool few_runs(const struct report *r, struct buffer *out) {
  const struct study *s = r->study;
  int free_parameters = 0;
  for (int i = 0; i < s->data.parameters; i++) free_parameters += !(s->data.held >> i & 1);
  if (s->data.form->searches || s->fitted.count * (size_t)s->data.explained >= 2 * (size_t)free_parameters) return false;
  buffer_printf(out, "%zu runs for %d parameters: the law follows the scatter of single runs, and its intervals rest on little; "
                "twice as many runs are the least", s->fitted.count, free_parameters);
  return true;
}

static bool narrow(const struct report *r, struct buffer *out) {
  const struct study *s = r->study;
  double lowest = NAN, highest = rows_largest_compute(s);
  for (size_t i = 0; i < s->fitted.count; i++) lowest = fmin(lowest, runs_row(&s->fitted, i).value[RUN_FLOPS]);
  if (!(highest / lowest < 10) || s->data.form->explains != RUN_LOSS) return false;
  if (highest / lowest < 1.01) buffer_append_string(out, "all runs have the same compute");
  else buffer_printf(out, "all runs lie within a factor of %.3g of compute", highest / lowest);
  buffer_append_string(out, ": how the loss falls with compute is hardly seen; runs with ten or a hundred times less compute cost little and help most");
  return true;
}

/* The largest budget's best model against the runs: is the minimum seen, or the law's word for it? */
static bool optimum_outside(const struct report *r, struct buffer *out) {
  const struct study *s = r->study;
  double least = INFINITY, most = 0, flops = rows_largest_compute(s);
  if (!s->data.form->optimum || !isfinite(flops)) return false;
  for (size_t i = 0; i < s->fitted.count; i++) {
    double params = runs_row(&s->fitted, i).value[RUN_PARAMS];
    least = fmin(least, params);
    most = fmax(most, params);
  }
  double best = s->data.form->optimum(&s->data, s->fit.parameter, flops).N;
  char text[2][NUMBER_TEXT];
  if (!isfinite(best) || !(best > 1.5 * most || best < least / 1.5)) return false;
  buffer_printf(out, "the best size for the largest budget, %s params, is %s than every run (%s): no run shows where the loss is lowest; "
                "run %s models of that budget", number_short(best, text[0]), best > most ? "larger" : "smaller", number_short(best > most ? most : least, text[1]), best > most ? "larger" : "smaller");
  return true;
}

static bool resamples_left_out(const struct report *r, struct buffer *out) {
  const struct bootstrap *b = &r->study->bootstrap;
  if (b->drawn == 0 || b->degenerate + b->unconverged == 0) return false;
  buffer_printf(out, "%zu of %zu bootstrap resamples left out: %zu do not determine the law, %zu did not converge%s", b->degenerate + b->unconverged,
                b->drawn, b->degenerate, b->unconverged, b->count < BOOTSTRAP_LEAST ? "; too few remain for intervals, more runs are needed" : "; the intervals are those of the others");
  return true;
}

static bool resamples_at_bound(const struct report *r, struct buffer *out) {
  const struct bootstrap *b = &r->study->bootstrap;
  if (b->at_bound * 20 <= b->count) return false;
  buffer_printf(out, "in %.0f%% of the resamples a parameter runs to its bound: its interval ends there for want of data, not because it is known",
                100.0 * (double)b->at_bound / (double)b->count);
  return true;
}

static bool other_intervals(const struct report *r, struct buffer *out) {
  const char *note = r->study->bootstrap.note;
  if (note) buffer_append_string(out, note);
  return note != NULL;
}

/* Percentiles need not hold the fitted number: where resamples lead elsewhere, or where the normal limit is no good approximation. */
static bool value_outside(const struct report *r, struct buffer *out) {
  struct rows rows;
  int outside = 0;
  if (r->study->options.bootstrap.kind == INTERVALS_PROFILE) return false; /* these go out from the value */
  rows_init(&rows, r);
  for (int i = 0; i < rows.count; i++) {
    const struct row *row = &rows.items[i];
    const struct interval *in = &row->answer.interval;
    double slack = 1e-9 * fabs(row->answer.value);
    if (row->scope == SCOPE_HOLDOUT || !(row->answer.value < in->low - slack || row->answer.value > in->high + slack)) continue;
    buffer_printf(out, "%s%s%s%s", outside++ ? ", " : "the fitted value lies outside its own interval of resamples: ", row->name, row->target ? "@" : "",
                  row->target ? row->target->typed : "");
  }
  rows_release(&rows);
  if (outside) buffer_append_string(out, "; such an interval is not to be trusted, and perhaps the law is not: compare another --intervals, and --compare all");
  return outside > 0;
}

static bool extrapolated(const struct report *r, struct buffer *out) {
  for (int i = 0; i < r->target_count; i++) {
    double factor = r->targets[i].at.value[RUN_FLOPS] / rows_largest_compute(r->study);
    if (!(factor > far_beyond)) continue;
    buffer_printf(out, "%s is %.3g times the compute of the largest run: the interval holds only if the law does, "
                  "which --holdout can test on smaller steps", r->targets[i].typed, factor);
    return true;
  }
  return false;
}

static bool outliers(const struct report *r, struct buffer *out) { return outliers_warning(r->study, out); }
static bool holdout(const struct report *r, struct buffer *out) { return holdout_warning(r->study, out); }

static const struct {
  const char *name;
  bool (*warn)(const struct report *r, struct buffer *out);
} table[] = {
    {"at_bound", at_bound},
    {"condition", condition},
    {"local_minima", local_minima},
    {"unconverged", unconverged},
    {"few_runs", few_runs},
    {"narrow_compute", narrow},
    {"optimum_outside", optimum_outside},
    {"resamples_left_out", resamples_left_out},
    {"resamples_at_bound", resamples_at_bound},
    {"other_intervals", other_intervals},
    {"value_outside", value_outside},
    {"extrapolation", extrapolated},
    {"outliers", outliers},
    {"holdout", holdout},
};

static void add(struct warnings *w, const char *name, const char *text) {
  GROW(w->items, w->capacity, w->count + 1);
  w->items[w->count++] = (struct warning){name, STRDUP(text)};
}

void report_warnings(struct warnings *w, const struct report *r) {
  struct buffer text = {0};
  *w = (struct warnings){0};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    buffer_clear(&text);
    if (table[i].warn(r, &text)) add(w, table[i].name, buffer_string(&text));
  }
  buffer_clear(&text);
  if (r->study->data.form->remarks) r->study->data.form->remarks(&r->study->data, &text);
  for (char *rest = buffer_string(&text), *line; (line = strsep(&rest, "\n")) != NULL;)
    if (*line) add(w, "remark", line);
  buffer_release(&text);
}

void warnings_release(struct warnings *w) {
  for (int i = 0; i < w->count; i++) free(w->items[i].text);
  free(w->items);
  *w = (struct warnings){0};
}
