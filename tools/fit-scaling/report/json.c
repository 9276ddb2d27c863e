/* SPDX-License-Identifier: MIT
 *
 * A report as one JSON object, its keys in the order in which fit-scaling(1) lists them.
 */
#include "common/base/json.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>

#include "common/base/number.h"
#include "common/base/utf8.h"
#include "tools/fit-scaling/report/rows.h"

/* Any bytes, as a string of valid UTF-8. */
static void put_string(struct buffer *out, struct slice s) {
  struct buffer text = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&text, s.data, s.len, &invalid, &nul);
  json_append_string(out, buffer_slice(&text));
  buffer_release(&text);
}

static void put_key(struct buffer *out, bool *first, const char *key) {
  if (!*first) buffer_append_string(out, ", ");
  *first = false;
  put_string(out, slice_of(key));
  buffer_append_string(out, ": ");
}

static void put_number(struct buffer *out, double value) {
  char text[NUMBER_TEXT];
  buffer_append_string(out, isfinite(value) ? number_format(value, text) : "null");
}

static void put_text(struct buffer *out, bool *first, const char *key, const char *text) {
  put_key(out, first, key);
  if (text) put_string(out, slice_of(text));
  else buffer_append_string(out, "null");
}

static void put_value(struct buffer *out, bool *first, const char *key, double value) {
  put_key(out, first, key);
  put_number(out, value);
}

static void put_answer(struct buffer *out, bool *first, const char *key, const struct answer *a) {
  put_key(out, first, key);
  bool begun = true;
  buffer_put(out, '{');
  put_value(out, &begun, "value", a->value);
  put_value(out, &begun, "low", a->interval.low);
  put_value(out, &begun, "high", a->interval.high);
  put_value(out, &begun, "stderr", a->interval.stderr_);
  buffer_put(out, '}');
}

/* "KEY": { ... } of the rows of some scopes that belong to `target`. */
static void put_rows(struct buffer *out, bool *first, const struct rows *rows, unsigned scopes, const struct target *target) {
  for (int i = 0; i < rows->count; i++) {
    const struct row *row = &rows->items[i];
    if (scopes >> row->scope & 1 && row->target == target && row->quantity != ROW_OBJECTIVE) put_answer(out, first, row->name, &row->answer);
  }
}

static void put_object(struct buffer *out, bool *first, const char *key, const struct rows *rows, unsigned scopes) {
  bool begun = true;
  put_key(out, first, key);
  buffer_put(out, '{');
  put_rows(out, &begun, rows, scopes, NULL);
  buffer_put(out, '}');
}

static void put_predictions(struct buffer *out, bool *first, const struct report *r, const struct rows *rows) {
  put_key(out, first, "predictions");
  buffer_put(out, '[');
  for (int t = 0; t < r->target_count; t++) {
    const struct target *target = &r->targets[t];
    bool begun = true;
    buffer_append_string(out, t ? ", {" : "{");
    put_text(out, &begun, "at", target->typed);
    put_value(out, &begun, "flops", target->at.value[RUN_FLOPS]);
    put_value(out, &begun, "params", target->at.value[RUN_PARAMS]);
    put_value(out, &begun, "tokens", target->at.value[RUN_TOKENS]);
    put_rows(out, &begun, rows, 1 << SCOPE_BUDGET | 1 << SCOPE_RUN, target);
    buffer_put(out, '}');
  }
  buffer_put(out, ']');
}

static void put_warning(struct buffer *out, bool *first, const char *name, const char *text) {
  bool begun = true;
  buffer_append_string(out, *first ? "{" : ", {");
  *first = false;
  put_text(out, &begun, "name", name);
  put_text(out, &begun, "text", text);
  buffer_put(out, '}');
}

static void put_warnings(struct buffer *out, bool *first, const struct report *r) {
  struct warnings warnings;
  bool begun = true;
  report_warnings(&warnings, r);
  put_key(out, first, "warnings");
  buffer_put(out, '[');
  for (size_t i = 0; r->table && i < r->table->warning_count; i++) put_warning(out, &begun, "table", r->table->warning[i].message);
  if (r->table && r->table->bad > 0) put_warning(out, &begun, "rows_left_out", r->table->first_bad.message);
  for (int i = 0; i < warnings.count; i++) put_warning(out, &begun, warnings.items[i].name, warnings.items[i].text);
  buffer_put(out, ']');
  warnings_release(&warnings);
}

void report_json(const struct report *r, struct buffer *out) {
  const struct study *s = r->study;
  const struct form *form = s->data.form;
  struct rows rows;
  bool first = true;
  rows_init(&rows, r);
  buffer_put(out, '{');
  put_text(out, &first, "form", form->name);
  put_text(out, &first, "formula", form->formula);
  put_text(out, &first, "explains", run_column_name(form->explains));
  put_text(out, &first, "source", form->source);
  if (r->group) put_text(out, &first, "group", r->group);
  if (r->table) {
    put_value(out, &first, "rows", (double)r->table->rows);
    put_value(out, &first, "rows_left_out", (double)r->table->bad);
  }
  put_value(out, &first, "runs", (double)s->fitted.count);
  put_value(out, &first, "held_out", (double)s->held_out.count);
  put_text(out, &first, "objective_name", rows_objective(s));
  put_value(out, &first, "delta", s->options.fit.fit.objective == OBJECTIVE_HUBER ? s->options.fit.fit.delta : NAN);
  put_value(out, &first, "objective", s->fit.objective);
  put_value(out, &first, "starts", s->fit.starts);
  put_value(out, &first, "reached", s->fit.reached);
  put_value(out, &first, "condition", s->fit.condition);
  put_text(out, &first, "intervals", s->options.bootstrap.kind == INTERVALS_PROFILE ? "profile" : interval_kind_name(s->bootstrap.kind));
  put_value(out, &first, "level", rows_percent(s) / 100);
  put_value(out, &first, "resamples", (double)s->bootstrap.count);
  put_object(out, &first, "parameters", &rows, 1 << SCOPE_PARAMETER);
  put_object(out, &first, "law", &rows, 1 << SCOPE_LAW | 1 << SCOPE_SOURCE);
  put_predictions(out, &first, r, &rows);
  put_object(out, &first, "holdout", &rows, 1 << SCOPE_HOLDOUT);
  put_warnings(out, &first, r);
  buffer_put(out, '}');
  rows_release(&rows);
}

/* ---- tables */

static struct slice next_until(struct slice *rest, char end) {
  const char *at = rest->len ? memchr(rest->data, end, rest->len) : NULL;
  struct slice field = {rest->data, at ? (size_t)(at - rest->data) : rest->len};
  size_t used = field.len + (at ? 1 : 0);
  rest->data += used;
  rest->len -= used;
  return field;
}

/* As JSON allows it: number_format() writes such. */
static bool is_number(struct slice s) {
  size_t i = s.len > 0 && s.data[0] == '-', digits = i;
  while (i < s.len && isdigit((unsigned char)s.data[i])) i++;
  if (i == digits || (s.data[digits] == '0' && i > digits + 1)) return false;
  if (i < s.len && s.data[i] == '.') {
    digits = ++i;
    while (i < s.len && isdigit((unsigned char)s.data[i])) i++;
    if (i == digits) return false;
  }
  if (i < s.len && s.data[i] == 'e') {
    i += 1 + (i + 1 < s.len && (s.data[i + 1] == '-' || s.data[i + 1] == '+'));
    digits = i;
    while (i < s.len && isdigit((unsigned char)s.data[i])) i++;
    if (i == digits) return false;
  }
  return i == s.len;
}

void report_json_table(struct slice table, struct buffer *out) {
  struct slice header = next_until(&table, '\n');
  bool any = false;
  buffer_put(out, '[');
  while (table.len > 0) {
    struct slice line = next_until(&table, '\n'), names = header;
    buffer_append_string(out, any ? ", {" : "{");
    any = true;
    for (bool first = true; names.len > 0; first = false) {
      struct slice name = next_until(&names, '\t'), field = next_until(&line, '\t');
      if (!first) buffer_append_string(out, ", ");
      put_string(out, name);
      buffer_append_string(out, ": ");
      if (field.len == 0) buffer_append_string(out, "null");
      else if (is_number(field)) buffer_append_slice(out, field);
      else put_string(out, field);
    }
    buffer_put(out, '}');
  }
  buffer_put(out, ']');
}
