/* SPDX-License-Identifier: MIT
 *
 * Conditions: text at the first comparison sign, then numbers or bytes compared.
 */
#include "tools/fit-scaling/table/filter.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/table/decimal.h"

static const struct {
  const char *sign;
  enum comparison comparison;
} signs[] = {{"!=", COMPARE_DIFFERENT}, {"<=", COMPARE_AT_MOST}, {">=", COMPARE_AT_LEAST}, {"==", COMPARE_EQUAL}, {"=", COMPARE_EQUAL}, {"<", COMPARE_BELOW}, {">", COMPARE_ABOVE}};

static double number_of(struct slice text) {
  double value;
  bool suffix;
  return decimal_parse(text, &value, &suffix) ? value : NAN;
}

static int parse(struct condition *c, const char *text, struct err *e) {
  const char *at = strpbrk(text, "=<>!");
  for (size_t i = 0; at && at > text && i < sizeof signs / sizeof *signs; i++) {
    size_t n = strlen(signs[i].sign);
    if (strncmp(at, signs[i].sign, n) != 0) continue;
    struct slice column = slice_trim((struct slice){text, (size_t)(at - text)});
    *c = (struct condition){.comparison = signs[i].comparison, .text = slice_trim(slice_of(at + n)), .field = -1, .place = COLUMN_NONE};
    c->number = number_of(c->text);
    if (column.len == 0) break;
    if (c->comparison >= COMPARE_BELOW && isnan(c->number)) return err_usage(e, "--where %s: %s compares numbers, not '%.*s'", text, signs[i].sign, (int)c->text.len, c->text.data);
    c->column = COPY(column.data, column.len);
    return 0;
  }
  return err_usage(e, "--where takes COLUMN=VALUE (or !=, <, <=, >, >=), not '%s'", text);
}

int filter_new(struct filter *f, const struct option_list *conditions, struct err *e) {
  int count = conditions ? conditions->count : 0;
  *f = (struct filter){.items = NEW_ARRAY(struct condition, (size_t)count + 1)};
  for (; f->count < count; f->count++)
    if (parse(&f->items[f->count], conditions->items[f->count], e)) return -1;
  return 0;
}

void filter_release(struct filter *f) {
  for (int i = 0; i < f->count; i++) free(f->items[i].column);
  free(f->items);
  *f = (struct filter){0};
}

void filter_bind(struct filter *f, const struct column_map *map, const struct table *t) {
  for (int i = 0; i < f->count; i++) {
    struct condition *c = &f->items[i];
    c->field = -1;
    c->place = column_by_name(map, t, c->column);
    if (c->place != COLUMN_NONE && slice_equal_nocase(table_column(t, c->place), slice_of(c->column))) continue;
    for (int field = 0; field < RUN_COLUMNS; field++)
      if (slice_equal_nocase(slice_of(field_name(field)), slice_of(c->column)) && column_map_gives(map, field)) c->field = field;
  }
}

const struct condition *filter_unbound(const struct filter *f) {
  for (int i = 0; i < f->count; i++)
    if (f->items[i].field < 0 && f->items[i].place == COLUMN_NONE) return &f->items[i];
  return NULL;
}

static bool holds(const struct condition *c, double number, const struct slice *text) {
  bool numbers = !isnan(number) && !isnan(c->number);
  bool equal = numbers ? number == c->number : text && slice_equal(*text, c->text);
  switch (c->comparison) {
  case COMPARE_EQUAL: return equal;
  case COMPARE_DIFFERENT: return !equal;
  case COMPARE_BELOW: return numbers && number < c->number;
  case COMPARE_AT_MOST: return numbers && number <= c->number;
  case COMPARE_ABOVE: return numbers && number > c->number;
  case COMPARE_AT_LEAST: return numbers && number >= c->number;
  }
  return false;
}

const struct condition *filter_cells(const struct filter *f, const struct slice *cells) {
  static const struct slice nothing = {"", 0};
  for (int i = 0; i < f->count; i++) {
    const struct condition *c = &f->items[i];
    if (c->field >= 0) continue;
    const struct slice *cell = c->place != COLUMN_NONE && cells[c->slot].data ? &cells[c->slot] : &nothing;
    if (!holds(c, isnan(c->number) ? NAN : number_of(*cell), cell)) return c;
  }
  return NULL;
}

const struct condition *filter_run(const struct filter *f, const struct run *run) {
  for (int i = 0; i < f->count; i++)
    if (f->items[i].field >= 0 && !holds(&f->items[i], run->value[f->items[i].field], NULL)) return &f->items[i];
  return NULL;
}
