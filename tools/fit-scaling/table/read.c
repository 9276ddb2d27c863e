/* SPDX-License-Identifier: MIT
 *
 * Tables -> runs: which columns are wanted, which rows are headers, left out, bad or runs, and to which group they belong.
 *
 * A row is taken for another header when a cell that should hold a number holds text, none is a number, and at least two are names
 * that columns.h knows: tables of different columns that were concatenated.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/table/reader.h"

enum { GROUPS_MOST = 1 << 16, WARNINGS_MOST = 8 };

static void warn(struct runs *runs, const struct err *warning) {
  for (size_t i = 0; i < runs->warning_count; i++)
    if (strcmp(runs->warning[i].message, warning->message) == 0) return;
  if (runs->warning_count == WARNINGS_MOST) return;
  runs->warning = RESIZE(runs->warning, runs->warning_count + 1);
  runs->warning[runs->warning_count++] = *warning;
}

/* ---- columns of a table */

static size_t want(struct reader *r, size_t column) {
  GROW(r->want, r->want_capacity, r->wants + 1);
  r->want[r->wants] = column;
  return r->wants++;
}

static int lacks_column(const struct reader *r, const char *column, const char *option, struct err *e) {
  char has[400], name[SHOWN];
  shown_columns(r->table, has, sizeof has);
  shown_text(slice_of(column), name, sizeof name);
  if (!table_has_header(r->table)) return err_set(e, "%s: no object has the key '%s' of %s; there are: %s", table_name(r->table), name, option, has);
  return err_set(e, "%s:%llu: the header lacks the column '%s' of %s; it has: %s", table_name(r->table), (unsigned long long)table_header_line(r->table), name, option, has);
}

/* Whether the columns of --by and --where are there. */
static int check_choices(const struct reader *r, struct err *e) {
  const struct condition *c = filter_unbound(&r->filter);
  if (r->options->by && r->by == COLUMN_NONE) return lacks_column(r, r->options->by, "--by", e);
  return c ? lacks_column(r, c->column, "--where", e) : 0;
}

/* Chooses what is cut out of each row, once the meaning of the columns is known. */
static void bind(struct reader *r) {
  struct column_map *map = &r->map;
  r->wants = 0;
  for (int f = 0; f < FIELDS; f++) {
    if (table_has_header(r->table) && map->count[f] > 1) map->count[f] = 1; /* of objects, each may have another of the keys */
    for (int k = 0; k < map->count[f]; k++) map->place[f][k].slot = want(r, map->place[f][k].column);
  }
  if (r->options->by) r->by = column_by_name(map, r->table, r->options->by);
  if (r->by != COLUMN_NONE) r->by_slot = want(r, r->by);
  filter_bind(&r->filter, map, r->table);
  for (int i = 0; i < r->filter.count; i++)
    if (r->filter.items[i].field < 0 && r->filter.items[i].place != COLUMN_NONE) r->filter.items[i].slot = want(r, r->filter.items[i].place);
  for (int k = 0; k < NAMED; k++) {
    struct named_places *places = &map->named[k];
    r->number[k] = RESIZE(r->number[k], places->count + 1);
    for (size_t i = 0; i < places->count; i++) {
      places->items[i].place.slot = want(r, places->items[i].place.column);
      r->number[k][i] = k == NAMED_SHARE ? runs_add_source(r->runs, places->items[i].name) : runs_add_domain(r->runs, places->items[i].name);
    }
  }
  table_want(r->table, r->want, r->wants);
}

static int read_header(struct reader *r, struct err *e) {
  struct err warning = {0};
  char name[SHOWN];
  column_map_release(&r->map);
  column_map_extend(&r->map, r->columns, r->table);
  if (column_map_check(&r->map, r->columns, r->table, r->options->needs, e)) return -1;
  struct slice repeated = table_repeated(r->table);
  if (repeated.len) {
    err_set(&warning, "%s:%llu: the header has '%s' twice: the first is taken", table_name(r->table), (unsigned long long)table_header_line(r->table),
            shown_text(repeated, name, sizeof name));
    warn(r->runs, &warning);
  }
  for (int field = 0; column_map_ambiguous(&r->map, r->table, &field, &warning);) warn(r->runs, &warning);
  bind(r);
  return check_choices(r, e);
}

/* ---- groups */

static int group_of(struct reader *r, uint32_t *group, struct err *e) {
  struct slice text = r->by != COLUMN_NONE ? table_cells(r->table)[r->by_slot] : (struct slice){0};
  bool added;
  if (!text.data || text.len == 0) text = SLICE("NA");
  uint64_t *at = hashmap_put(r->groups, text, &added);
  if (added) {
    struct runs *runs = r->runs;
    if (runs->group_count == GROUPS_MOST) return err_set(e, "--by %s: more than %d different values, the last of them in %s:%llu: that is no column of groups", r->options->by,
                                                         GROUPS_MOST, table_name(r->table), (unsigned long long)table_line(r->table));
    *at = runs->group_count;
    runs->group_name = RESIZE(runs->group_name, runs->group_count + 1);
    runs->group_name[runs->group_count++] = COPY(text.data, text.len);
    if (!runs->group && runs->capacity) runs->group = NEW_ARRAY(uint32_t, runs->capacity);
  }
  *group = (uint32_t)*at;
  return 0;
}

static void unwanted(struct reader *r, const struct condition *c, const struct run *run) {
  char shown[SHOWN], number[40];
  if (r->runs->unwanted++ > 0) return;
  struct slice text = c->field < 0 ? (c->place == COLUMN_NONE ? (struct slice){0} : table_cells(r->table)[c->slot]) : (struct slice){0};
  snprintf(number, sizeof number, "%.9g", c->field >= 0 ? run->value[c->field] : NAN);
  err_set(&r->first_unwanted, "%s:%llu has %s '%s'", table_name(r->table), (unsigned long long)table_line(r->table), c->column,
          c->field >= 0 ? number : shown_text(text.data ? text : (struct slice){"", 0}, shown, sizeof shown));
}

/* Binds again when keys have come that mean something. */
static void new_keys(struct reader *r) {
  size_t seen = r->map.seen;
  bool changed = column_map_extend(&r->map, r->columns, r->table), open = (r->options->by && r->by == COLUMN_NONE) || filter_unbound(&r->filter);
  if (changed || (open && r->map.seen > seen)) bind(r);
}

static int read_row(struct reader *r, struct err *e) {
  struct runs *runs = r->runs;
  struct run run;
  struct slice text;
  int wrong;
  if (!table_has_header(r->table) && !table_fault(r->table)) new_keys(r);
  bool numbers = (table_has_header(r->table) || !table_fault(r->table)) && row_numbers(r, &run, &wrong, &text);
  if (!numbers && table_has_header(r->table) && table_like_header(r->table)) return table_take_header(r->table, e) ? -1 : read_header(r, e);
  runs->rows++;
  if (table_fault(r->table)) {
    row_bad(r, table_fault(r->table), (struct slice){0});
    return 0;
  }
  const struct condition *failing = filter_cells(&r->filter, table_cells(r->table));
  if (failing) {
    unwanted(r, failing, NULL);
    return 0;
  }
  if (!numbers) {
    char what[120];
    snprintf(what, sizeof what, "%s is not %s", field_name(wrong), row_range(wrong));
    row_bad(r, what, text);
    return 0;
  }
  if (!row_losses(r, &run)) return 0;
  row_derive(r, &run);
  if ((failing = filter_run(&r->filter, &run))) {
    unwanted(r, failing, &run);
    return 0;
  }
  if (!row_check(r, &run) || !row_shares(r, &run)) return 0;
  uint32_t group = 0;
  if (r->options->by && group_of(r, &group, e)) return -1;
  runs_append(runs, &run, group);
  return 0;
}

/* ---- tables */

/* What only the end of a table without header tells. */
static int check_objects(struct reader *r, struct err *e) {
  struct err warning;
  if (r->runs->rows == r->first_row || table_columns(r->table) == 0) return 0; /* nothing, or damage, of which the bad rows tell */
  for (int field = 0; column_map_ambiguous(&r->map, r->table, &field, &warning);) warn(r->runs, &warning);
  return column_map_check(&r->map, r->columns, r->table, r->options->needs, e) ? -1 : check_choices(r, e);
}

static int read_table(struct reader *r, const char *name, struct err *e) {
  if (table_open(&r->table, name, columns_know, r->columns, e)) return -1;
  int status = 0, more = 0;
  r->by = COLUMN_NONE;
  r->first_row = r->runs->rows;
  column_map_release(&r->map);
  if (table_has_header(r->table)) status = table_columns(r->table) ? read_header(r, e) : err_set(e, "%s: nothing in it: there must be a line that names columns, then a line a run", table_name(r->table));
  while (status == 0 && (more = table_next(r->table, e)) > 0) status = read_row(r, e);
  if (more < 0) status = -1;
  if (status == 0 && !table_has_header(r->table)) status = check_objects(r, e);
  table_close(r->table);
  r->table = NULL;
  return status;
}

static int check_rows(struct reader *r, const char *name, struct err *e) {
  struct runs *runs = r->runs;
  struct err warning = {0};
  if (runs->count == 0 && runs->rows == 0) return err_set(e, "%s: a table without rows", name);
  if (runs->count == 0 && runs->unwanted == runs->rows) return err_set(e, "--where leaves none of %llu rows; the first, %s", (unsigned long long)runs->rows, r->first_unwanted.message);
  if (runs->count == 0) return err_set(e, "none of %llu rows can be used; the first bad one: %s", (unsigned long long)runs->rows, runs->first_bad.message);
  if (2 * r->apart > r->compared) {
    err_set(&warning, "flops (column '%s') differ from 6 params tokens by more than a factor of %d in %llu of %llu rows: do they count something else?", r->apart_column, FLOPS_RATIO, (unsigned long long)r->apart,
            (unsigned long long)r->compared);
    warn(runs, &warning);
  }
  if (runs->duplicates) {
    err_set(&warning, "%llu of %zu rows repeat an earlier one in every number: were they read twice? Intervals are then too narrow", (unsigned long long)runs->duplicates, runs->count);
    warn(runs, &warning);
  }
  if (r->odd_sums) {
    err_set(&warning, "the shares of the mixture do not sum to 1 in %llu rows: they are divided by their sum", (unsigned long long)r->odd_sums);
    warn(runs, &warning);
  }
  return 0;
}

int runs_read(struct runs *runs, const char *const *names, size_t count, const struct runs_options *options, struct err *e) {
  struct reader r = {.runs = runs, .options = options, .groups = hashmap_new()};
  int status = columns_new(&r.columns, options->columns, e);
  if (status == 0) status = filter_new(&r.filter, options->where, e);
  for (size_t i = 0; i < count && status == 0; i++) status = read_table(&r, names[i], e);
  if (status == 0) runs_count_duplicates(runs);
  if (status == 0) status = check_rows(&r, strcmp(names[0], "-") == 0 ? "stdin" : names[0], e);
  column_map_release(&r.map);
  columns_free(r.columns);
  filter_release(&r.filter);
  hashmap_free(r.groups);
  free(r.want);
  for (int k = 0; k < NAMED; k++) {
    free(r.number[k]);
    free(r.values[k]);
  }
  return status;
}
