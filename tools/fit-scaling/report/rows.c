/* SPDX-License-Identifier: MIT
 *
 * The table of quantities, and the rows of tab-separated output.
 */
#include "tools/fit-scaling/report/rows.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/table/fields.h"

static bool has_optimum(const struct study *s) { return s->data.form->optimum != NULL; }
static bool grows(const struct study *s) { return has_optimum(s) && isfinite(rows_largest_compute(s)); }
static bool has_second(const struct study *s) { return s->data.form->predict_too != NULL; }
static bool mixes(const struct study *s) { return s->data.form->best_shares != NULL; }
static bool scatters(const struct study *s) { return s->bootstrap.has_scatter && s->bootstrap.count > 0; }

static const struct entry {
  enum scope scope;
  int quantity;                           /* as in struct row */
  const char *name;                       /* NULL: the parameter's, or that of the column that the law explains */
  bool (*applies)(const struct study *s); /* NULL: always */
} entries[] = {
    {SCOPE_PARAMETER, QUANTITY_PARAMETER, NULL, NULL},
    {SCOPE_LAW, ROW_OBJECTIVE, "objective", NULL},
    {SCOPE_LAW, QUANTITY_N_EXPONENT, "N_exponent", grows},
    {SCOPE_LAW, QUANTITY_D_EXPONENT, "D_exponent", grows},
    {SCOPE_SOURCE, QUANTITY_SHARE, "share:", mixes},
    {SCOPE_LAW, QUANTITY_LOSS_BEST, "loss@best", mixes},
    {SCOPE_BUDGET, QUANTITY_N_OPT, "N_opt", has_optimum},
    {SCOPE_BUDGET, QUANTITY_D_OPT, "D_opt", has_optimum},
    {SCOPE_BUDGET, QUANTITY_LOSS_OPT, NULL, has_optimum},
    {SCOPE_BUDGET, QUANTITY_TOKENS_PER_PARAM, "tokens_per_param", has_optimum},
    {SCOPE_BUDGET, QUANTITY_RUN_OPT, "run", scatters},
    {SCOPE_RUN, QUANTITY_PREDICTION, NULL, NULL},
    {SCOPE_RUN, QUANTITY_RUN, "run", scatters},
    {SCOPE_RUN, QUANTITY_PREDICTION_TOO, NULL, has_second},
    {SCOPE_HOLDOUT, QUANTITY_HOLDOUT_MAPE, "holdout_mape", NULL},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

const char *rows_objective(const struct study *s) {
  static const char *const name[] = {"huber", "l1", "squares"};
  return name[s->data.options.fit.objective];
}

double rows_percent(const struct study *s) { return 100 * (s->bootstrap.level > 0 ? s->bootstrap.level : .95); }

double rows_largest_compute(const struct study *s) {
  double largest = NAN;
  for (size_t i = 0; i < s->fitted.count; i++) largest = fmax(largest, runs_row(&s->fitted, i).value[RUN_FLOPS]);
  return largest;
}

static void add(struct rows *rows, const struct report *r, const struct entry *e, const char *name, int index, const struct target *target) {
  const struct form *form = r->study->data.form;
  struct buffer text = {0};
  struct answer answer = {r->study->fit.objective, {NAN, NAN, NAN}};
  if (e->quantity != ROW_OBJECTIVE) {
    struct question q = {.quantity = (enum quantity)e->quantity, .parameter = index, .at = target ? target->at : run_of(NAN, NAN)};
    if (!target) q.at.value[RUN_FLOPS] = rows_largest_compute(r->study); /* where an exponent of growth is asked for */
    answer = study_answer(r->study, &q);
  }
  buffer_append_string(&text, e->scope == SCOPE_SOURCE ? e->name : "");
  buffer_append_string(&text, name ? name : run_column_name(e->quantity == QUANTITY_PREDICTION_TOO ? form->explains_too : form->explains));
  GROW(rows->items, rows->capacity, rows->count + 1);
  rows->items[rows->count++] = (struct row){e->scope, e->quantity, buffer_string(&text), target, answer};
}

/* The entries of what is asked once, `from` up to `to`. */
static void add_once(struct rows *rows, const struct report *r, int from, int to) {
  const struct form_data *d = &r->study->data;
  for (int i = from; i < to; i++) {
    const struct entry *e = &entries[i];
    if (e->applies && !e->applies(r->study)) continue;
    if (e->scope == SCOPE_PARAMETER)
      for (int k = 0; k < d->parameters; k++) add(rows, r, e, d->names[k], k, NULL);
    else if (e->scope == SCOPE_SOURCE)
      for (int k = 0; k < d->source_count; k++) add(rows, r, e, d->sources[k], k, NULL);
    else if (e->scope != SCOPE_HOLDOUT || r->study->held_out.count > 0) add(rows, r, e, e->name, 0, NULL);
  }
}

static bool of_target(const struct entry *e) { return e->scope == SCOPE_BUDGET || e->scope == SCOPE_RUN; }

void rows_init(struct rows *rows, const struct report *r) {
  *rows = r->rows ? *r->rows : (struct rows){0};
  rows->borrowed = r->rows != NULL;
  if (r->rows) return;
  int first = 0, last = ENTRIES;
  while (!of_target(&entries[first])) first++;
  while (!of_target(&entries[last - 1])) last--;
  add_once(rows, r, 0, first);
  for (int t = 0; t < r->target_count; t++) {
    enum scope scope = r->targets[t].optimum && has_optimum(r->study) ? SCOPE_BUDGET : SCOPE_RUN;
    for (int i = first; i < last; i++) {
      const struct entry *e = &entries[i];
      if (e->scope == scope && (!e->applies || e->applies(r->study))) add(rows, r, e, e->name, 0, &r->targets[t]);
    }
  }
  add_once(rows, r, last, ENTRIES);
}

void rows_release(struct rows *rows) {
  if (rows->borrowed) return;
  for (int i = 0; i < rows->count; i++) free(rows->items[i].name);
  free(rows->items);
  *rows = (struct rows){0};
}

/* ---- tab-separated */

void report_header(const struct report *r, struct buffer *out) {
  buffer_append_string(out, "form\tname\tvalue\tlow\thigh\tstderr");
  if (r->group) buffer_append_string(out, "\tgroup");
  buffer_put(out, '\n');
}

void report_row(const struct report *r, struct buffer *out, const char *name, const struct target *target, const struct answer *answer) {
  buffer_printf(out, "%s\t", r->study->data.form->name);
  fields_text(out, name);
  if (target) buffer_put(out, '@');
  fields_text(out, target ? target->typed : "");
  buffer_put(out, '\t');
  fields_numbers(out, (double[]){answer->value, answer->interval.low, answer->interval.high, answer->interval.stderr_}, 4);
  if (r->group) {
    buffer_put(out, '\t');
    fields_text(out, r->group);
  }
  buffer_put(out, '\n');
}

void report_rows(const struct report *r, struct buffer *out) {
  struct rows rows;
  rows_init(&rows, r);
  for (int i = 0; i < rows.count; i++) report_row(r, out, rows.items[i].name, rows.items[i].target, &rows.items[i].answer);
  rows_release(&rows);
}
