/* SPDX-License-Identifier: MIT
 *
 * The table reader: one pass over each line's fields, columns found by name.
 */
#include "tools/fit-scaling/runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/input.h"

static const char *const column_name[RUNS_COLUMNS] = {"params", "tokens", "flops", "loss"};

/* Takes the field before the next tab off the line; false when the line is used up. */
static bool next_field(struct slice *rest, struct slice *field) {
  if (!rest->data) return false;
  const char *tab = rest->len ? memchr(rest->data, '\t', rest->len) : NULL;
  field->data = rest->data;
  field->len = tab ? (size_t)(tab - rest->data) : rest->len;
  *rest = tab ? (struct slice){tab + 1, rest->len - field->len - 1} : (struct slice){0};
  return true;
}

/* Fills column[] when the line names every needed column; else *missing is the first that it lacks. */
static bool is_header(struct slice line, int column[RUNS_COLUMNS], const char **missing) {
  int found[RUNS_COLUMNS] = {0}, index = 1;
  struct slice field;
  for (; next_field(&line, &field); index++)
    for (int c = 0; c < RUNS_COLUMNS; c++)
      if (!found[c] && slice_equal(slice_trim(field), slice_of(column_name[c]))) found[c] = index;
  for (int c = 0; c < RUNS_COLUMNS; c++)
    if (!found[c] && c != RUNS_FLOPS) {
      *missing = column_name[c];
      return false;
    }
  memcpy(column, found, sizeof found);
  return true;
}

static bool positive_number(struct slice field, double *value) {
  char text[64];
  if (field.len == 0 || field.len >= sizeof text || memchr(field.data, 0, field.len)) return false;
  memcpy(text, field.data, field.len);
  text[field.len] = 0;
  return number_double(text, value) == 0 && isfinite(*value) && *value > 0;
}

static void add_bad(struct runs *runs, const struct runs_reader *reader, int column, struct slice field) {
  if (runs->bad++ > 0) return;
  char shown[41];
  size_t n = 0;
  for (; n < field.len && n + 1 < sizeof shown; n++) shown[n] = (unsigned char)field.data[n] < 0x20 || field.data[n] == 0x7f ? '?' : field.data[n];
  shown[n] = 0;
  err_set(&runs->first_bad, "%s:%llu: %s is not a positive number: '%s'", reader->name, (unsigned long long)reader->line, column_name[column], shown);
}

int runs_line(struct runs *runs, struct runs_reader *reader, struct slice line, struct err *e) {
  reader->line++;
  if (line.len && line.data[line.len - 1] == '\r') line.len--;
  if (slice_trim(line).len == 0) return 0;
  const char *missing = NULL;
  if (is_header(line, reader->column, &missing)) return 0;
  if (!reader->column[RUNS_PARAMS])
    return err_set(e, "%s:%llu: the header lacks the column '%s'; needed are params, tokens and loss", reader->name, (unsigned long long)reader->line, missing);
  runs->rows++;
  struct slice fields[RUNS_COLUMNS] = {0}, field;
  for (int index = 1; next_field(&line, &field); index++)
    for (int c = 0; c < RUNS_COLUMNS; c++)
      if (reader->column[c] == index) fields[c] = slice_trim(field);
  double value[RUNS_COLUMNS] = {0};
  for (int c = 0; c < RUNS_COLUMNS; c++) {
    if (c == RUNS_FLOPS && fields[c].len == 0) continue;
    if (!positive_number(fields[c], &value[c])) {
      add_bad(runs, reader, c, fields[c]);
      return 0;
    }
  }
  struct run run = {value[RUNS_PARAMS], value[RUNS_TOKENS], value[RUNS_FLOPS], value[RUNS_LOSS]};
  if (!(run.flops > 0)) run.flops = 6 * run.params * run.tokens;
  if (!isfinite(run.flops)) {
    add_bad(runs, reader, RUNS_FLOPS, fields[RUNS_FLOPS]);
    return 0;
  }
  GROW(runs->items, runs->capacity, runs->count + 1);
  runs->items[runs->count++] = run;
  return 0;
}

int runs_read(struct runs *runs, const char *name, struct err *e) {
  struct input *in;
  if (input_open(&in, name, NULL, e) != 0) return -1;
  struct runs_reader reader = {.name = input_name(in)};
  struct slice line;
  int result = 0, more = 0;
  while (result == 0 && (more = input_line(in, &line, e)) > 0) result = runs_line(runs, &reader, line, e);
  if (more < 0) result = err_prefix(e, "%s:%llu", reader.name, (unsigned long long)reader.line + 1);
  if (result == 0 && !reader.column[RUNS_PARAMS]) result = err_set(e, "%s: no header: needed are the columns params, tokens and loss", reader.name);
  input_close(in);
  return result;
}

void runs_release(struct runs *runs) {
  free(runs->items);
  *runs = (struct runs){0};
}
