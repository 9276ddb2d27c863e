/* SPDX-License-Identifier: MIT
 *
 * --where: conditions on the rows of a table, all of which must hold.
 *
 * COLUMN=VALUE, !=, <, <=, >, >=.  The first two compare numbers when both sides are some (1e9 = 1000000000), else text; the others
 * numbers only, and do not hold for a cell without one.  COLUMN is a column of the table, or a field of runs such as `flops`, which
 * is then compared as it was read or derived.
 */
#ifndef FIT_SCALING_FILTER_H
#define FIT_SCALING_FILTER_H

#include "common/base/options.h"
#include "tools/fit-scaling/table/columns.h"

enum comparison { COMPARE_EQUAL, COMPARE_DIFFERENT, COMPARE_BELOW, COMPARE_AT_MOST, COMPARE_ABOVE, COMPARE_AT_LEAST };

struct condition {
  char *column;
  enum comparison comparison;
  struct slice text;     /* the other side, in the option's argument */
  double number;         /* not a number: it is text */
  int field;             /* of runs; -1: a cell ... */
  size_t place, slot;    /* ... of this column, COLUMN_NONE: the table has none; in this slot */
};

struct filter {
  struct condition *items;
  int count;
};

int filter_new(struct filter *f, const struct option_list *conditions, struct err *e); /* NULL: none; -1 with a usage error */
void filter_release(struct filter *f);

/* Looks up the columns of a table; slots are the caller's to set. */
void filter_bind(struct filter *f, const struct column_map *map, const struct table *t);
/* The first condition on a column that is not there, or NULL. */
const struct condition *filter_unbound(const struct filter *f);

/* The first condition on cells, or on fields, that does not hold; NULL: all do. */
const struct condition *filter_cells(const struct filter *f, const struct slice *cells);
const struct condition *filter_run(const struct filter *f, const struct run *run);

#endif
