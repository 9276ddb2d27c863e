/* SPDX-License-Identifier: MIT
 *
 * The summary: what was fitted, a table of parameters, a table of predictions.
 *
 *   chinchilla: L = E + A/N^alpha + B/D^beta (Hoffmann et al. 2022, approach 3)
 *     240 runs, 1.41e+18 to 1.26e+22 FLOPs, mean error 0.47%
 *     objective huber 0.00101827402, 8 of 8 starts reach it, condition 33
 *
 *     quantity         value   95% interval               stderr
 *     alpha          0.34731   0.31555 to 0.37166          0.015
 *
 *     FLOPs     N_opt            D_opt            loss                tokens/param
 *     1e21      2.79B            59.7B            2.3045              21.4
 *               2.43B to 3.27B   51B to 68.6B     2.2994 to 2.31      15.7 to 28.2
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/utf8.h"
#include "tools/fit-scaling/report/rows.h"
#include "tools/fit-scaling/validation/holdout.h"

enum { NAME_LEAST = 12, NAME_MOST = 28, LABEL = 10, WIDE = 64, COLUMNS = 80 };

int report_name(struct buffer *out, const char *name) {
  struct buffer text = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&text, name, strlen(name), &invalid, &nul);
  int columns = (int)utf8_count(text.data, text.len);
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.data[i];
    bool c1 = c == 0xc2 && i + 1 < text.len && (unsigned char)text.data[i + 1] < 0xa0; /* U+0080 to U+009F */
    buffer_put(out, c < 0x20 || c == 0x7f || c1 ? '?' : (char)c);
    i += c1;
  }
  buffer_release(&text);
  return columns;
}

static void pad(struct buffer *out, int columns) {
  for (; columns > 0; columns--) buffer_put(out, ' ');
}

static bool is_count(const struct row *row) { return row->quantity == QUANTITY_N_OPT || row->quantity == QUANTITY_D_OPT; }

/* 2.79B; five digits for what is not a count, three for a ratio. */
static const char *format(const struct row *row, double value, char text[NUMBER_TEXT]) {
  if (!isfinite(value)) snprintf(text, NUMBER_TEXT, "-");
  else if (is_count(row) && fabs(value) < 1e15) {
    number_short(value, text);
    size_t n = strlen(text);
    if (n > 0 && text[n - 1] == 'G') text[n - 1] = 'B'; /* as the field counts parameters and tokens */
  } else {
    snprintf(text, NUMBER_TEXT, "%.*g", is_count(row) || row->quantity == QUANTITY_TOKENS_PER_PARAM ? 3 : 5, value);
  }
  return text;
}

static bool has_interval(const struct row *row) { return isfinite(row->answer.interval.low) && isfinite(row->answer.interval.high); }

static void range(const struct row *row, char text[WIDE]) {
  char low[NUMBER_TEXT], high[NUMBER_TEXT];
  text[0] = 0;
  if (has_interval(row)) snprintf(text, WIDE, "%s to %s", format(row, row->answer.interval.low, low), format(row, row->answer.interval.high, high));
}

/* ---- what was fitted */

/* Broken between words, so that no line is longer than COLUMNS; `at`: columns that are used already. */
static void put_wrapped(struct buffer *out, const char *text, int at) {
  while (*text) {
    int n = (int)strcspn(text + 1, " ") + 1;
    if (at + n > COLUMNS && at > 4) {
      buffer_append_string(out, "\n    ");
      at = 4;
      if (*text == ' ') text++, n--;
    }
    buffer_append(out, text, (size_t)n);
    text += n;
    at += n;
  }
}

static void put_head(const struct study *s, struct buffer *out, int at) {
  const struct form *form = s->data.form;
  double lowest = NAN, highest = rows_largest_compute(s);
  for (size_t i = 0; i < s->fitted.count; i++) lowest = fmin(lowest, runs_row(&s->fitted, i).value[RUN_FLOPS]);
  buffer_printf(out, "%s: ", form->name);
  put_wrapped(out, form->formula, at + (int)strlen(form->name) + 2);
  buffer_append_string(out, "\n  ");
  put_wrapped(out, form->source, 2);
  buffer_printf(out, "\n  %zu runs", s->fitted.count);
  if (isfinite(highest)) buffer_printf(out, ", %.3g to %.3g FLOPs", lowest, highest);
  if (!form->searches) buffer_printf(out, ", mean error %.3g%%", study_error(s, &s->fitted));
  buffer_put(out, '\n');
  buffer_printf(out, "  objective %s %.9g, %d of %d starts reach it, condition %.3g\n", rows_objective(s), s->fit.objective, s->fit.reached,
                s->fit.starts, s->fit.condition);
  if (s->bootstrap.count > 0)
    buffer_printf(out, "  intervals by %s, %zu resamples\n", s->options.bootstrap.kind == INTERVALS_PROFILE ? "profile" : interval_kind_name(s->bootstrap.kind), s->bootstrap.count);
}

/* ---- numbers of the law */

static void put_law(const struct study *s, const struct rows *rows, struct buffer *out) {
  int widest = NAME_LEAST;
  for (int i = 0; i < rows->count; i++) {
    const struct row *row = &rows->items[i];
    int n = (int)strlen(row->name);
    if (!row->target && row->quantity != ROW_OBJECTIVE && n < NAME_MOST && n > widest) widest = n;
  }
  buffer_append_string(out, "\n  ");
  pad(out, widest - report_name(out, "quantity"));
  char heading[WIDE];
  snprintf(heading, sizeof heading, "%g%% interval", rows_percent(s));
  buffer_printf(out, " %11s   %-26s%9s\n", "value", heading, "stderr");
  for (int i = 0; i < rows->count; i++) {
    const struct row *row = &rows->items[i];
    char value[NUMBER_TEXT], interval[WIDE];
    if (row->target || row->quantity == ROW_OBJECTIVE || row->scope == SCOPE_HOLDOUT) continue;
    range(row, interval);
    buffer_append_string(out, "  ");
    pad(out, widest - report_name(out, row->name));
    buffer_printf(out, " %11s", format(row, row->answer.value, value));
    if (has_interval(row)) buffer_printf(out, "   %-26s%9.3g", interval, row->answer.interval.stderr_);
    buffer_put(out, '\n');
  }
}

/* ---- predictions */

static bool is_further_run(const struct row *row) { return row->quantity == QUANTITY_RUN || row->quantity == QUANTITY_RUN_OPT; }

static const char *column_title(const struct row *row) { return row->quantity == QUANTITY_TOKENS_PER_PARAM ? "tokens/param" : row->name; }

/* "2.43B to 3.27B" and "0.70104 to 0.71296" with two spaces. */
static int column_width(const struct row *row) { return is_count(row) ? 17 : 20; }

/* The rows of a target, from `first`; returns the index after them. */
static int end_of_target(const struct rows *rows, int first) {
  int i = first;
  while (i < rows->count && rows->items[i].target == rows->items[first].target) i++;
  return i;
}

static void end_line(struct buffer *out) {
  while (out->len > 0 && out->data[out->len - 1] == ' ') out->len--;
  buffer_put(out, '\n');
}

static void put_cells(const struct rows *rows, int first, int end, bool intervals, struct buffer *out) {
  while (end > first && is_further_run(&rows->items[end - 1])) end--; /* its interval alone is told, below */
  for (int i = first; i < end; i++) {
    char text[WIDE];
    if (is_further_run(&rows->items[i])) continue;
    if (intervals) range(&rows->items[i], text);
    else format(&rows->items[i], rows->items[i].answer.value, text);
    buffer_append_string(out, text);
    int space = column_width(&rows->items[i]) - (int)strlen(text);
    if (i + 1 < end) pad(out, space > 1 ? space : 1);
  }
  end_line(out);
}

static void put_predictions(const struct rows *rows, struct buffer *out) {
  enum scope last = SCOPE_PARAMETER;
  for (int i = 0, end; i < rows->count; i = end) {
    const struct row *row = &rows->items[i];
    end = end_of_target(rows, i);
    if (!row->target) continue;
    if (row->scope != last) { /* a heading where the kind of target changes */
      bool budgets = row->target->optimum;
      buffer_append_string(out, "\n  ");
      pad(out, LABEL - report_name(out, budgets ? "FLOPs" : "at"));
      for (int k = i; k < end; k++)
        if (!is_further_run(&rows->items[k])) buffer_printf(out, "%-*s", column_width(&rows->items[k]), column_title(&rows->items[k]));
      end_line(out);
    }
    last = row->scope;
    buffer_append_string(out, "  ");
    int columns = report_name(out, row->target->typed);
    if (columns >= LABEL) buffer_append_string(out, "\n  "), columns = 0; /* too long a name has a line of its own */
    pad(out, LABEL - columns);
    put_cells(rows, i, end, false, out);
    bool any = false;
    for (int k = i; k < end; k++) any |= has_interval(&rows->items[k]);
    if (any) {
      pad(out, 2 + LABEL);
      put_cells(rows, i, end, true, out);
    }
    for (int k = i; k < end; k++) {
      char text[WIDE];
      if (!is_further_run(&rows->items[k]) || !has_interval(&rows->items[k])) continue;
      range(&rows->items[k], text);
      pad(out, 2 + LABEL);
      buffer_printf(out, "one such run: %s\n", text);
    }
  }
}

void report_summary(const struct report *r, struct buffer *out) {
  const struct study *s = r->study;
  struct rows rows;
  rows_init(&rows, r);
  int at = 0;
  if (r->group) {
    at = report_name(out, r->group) + 2;
    buffer_append_string(out, ": ");
  }
  put_head(s, out, at);
  put_law(s, &rows, out);
  put_predictions(&rows, out);
  for (int i = 0; i < rows.count; i++) {
    const struct row *row = &rows.items[i];
    char interval[WIDE];
    if (row->quantity != QUANTITY_HOLDOUT_MAPE) continue;
    range(row, interval);
    buffer_printf(out, "\n  %zu runs held out: mean absolute error %.4g%%", s->held_out.count, row->answer.value);
    if (has_interval(row)) buffer_printf(out, " (%s)", interval);
    struct holdout_score score = holdout_score(s);
    buffer_printf(out, ",\n  mean signed error %+.4g%%", score.bias);
    if (isfinite(score.coverage)) buffer_printf(out, ", %.0f%% of the runs inside their %g%% interval", 100 * score.coverage, rows_percent(s));
    buffer_put(out, '\n');
  }
  while (out->len > 0 && out->data[out->len - 1] == '\n') out->len--;
  rows_release(&rows);
}
