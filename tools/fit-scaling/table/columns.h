/* SPDX-License-Identifier: MIT
 *
 * What the columns of a table mean: names that people use for the numbers of a run, units in them, and --column.
 *
 * Names are compared without ASCII case, with white space, '-', '.' and '/' as '_'.  Where several columns of a table would do, --column
 * comes first, then the field's own name, then the others in their order here; of one name, the spelling here before others.
 * A unit stands in brackets at the end, "params (M)", or behind '_', "tokens_B": k M B G T, powers of ten such as 1e18, %.
 */
#ifndef FIT_SCALING_COLUMNS_H
#define FIT_SCALING_COLUMNS_H

#include "common/base/options.h"
#include "tools/fit-scaling/table/runs.h"
#include "tools/fit-scaling/table/table.h"

enum field { /* first those of enum run_column */
  FIELD_ERROR = RUN_COLUMNS, /* 1 - accuracy */
  FIELD_EPOCHS,              /* tokens / unique_tokens */
  FIELD_SEQUENCE,            /* tokens a sequence; then `batch` counts sequences */
  FIELD_SOURCES,             /* "web:0.7,code:0.3": all shares of a mixture in one cell */
  FIELD_LOSSES,              /* "web:3.1,code:1.4": losses of several validation sets */
  FIELDS
};

const char *field_name(int field);

/* The built-in names and those of --column. */
struct columns;
/* specifications: NAME=COLUMN[*FACTOR]; NULL: none.  -1 with a usage error when one is wrong. */
int columns_new(struct columns **c, const struct option_list *specifications, struct err *e);
void columns_free(struct columns *c);
bool columns_know(const void *columns, struct slice name); /* for table_open() */

enum { PLACES_MOST = 4 }; /* columns that may give one field */

struct column_place {
  size_t column, slot; /* slot: of table_cells() */
  double factor;
  int rank;            /* low is better */
};
enum { RANK_OWN_NAME = 10, RANK_OTHER_NAME = 20 }; /* and from there on; below: --column */

struct named_place { /* share:NAME, loss:NAME */
  struct slice name;
  struct column_place place;
};

struct named_places {
  struct named_place *items;
  size_t count, capacity;
};

enum named { NAMED_SHARE, NAMED_LOSS, NAMED };
enum { NAMED_MOST = 256 }; /* of each; more are ignored */

/* Which columns of a table give which field. */
struct column_map {
  size_t seen;                                       /* columns that were looked at */
  int count[FIELDS];                                 /* places of each, best first */
  struct column_place place[FIELDS][PLACES_MOST];
  struct named_places named[NAMED];                  /* columns share:SOURCE, loss:DOMAIN */
};

/* Looks at the columns of t from map->seen on; true when one of them has a meaning. */
bool column_map_extend(struct column_map *map, const struct columns *c, const struct table *t);
void column_map_release(struct column_map *map);

/* Whether the field, or what it follows from, is there. */
bool column_map_gives(const struct column_map *map, int field);
/* -1 when a --column names a column that the table lacks, or when the fields of `needs` are not all given. */
int column_map_check(const struct column_map *map, const struct columns *c, const struct table *t, unsigned needs, struct err *e);
/* Two columns that look alike give one field: says so and which one is taken; false: there are none from `field` on.  Call it
 * with *field = 0 first. */
bool column_map_ambiguous(const struct column_map *map, const struct table *t, int *field, struct err *warning);

/* The column called `name` (as it stands, else without case), else the one that gives the field of this name; COLUMN_NONE: none. */
#define COLUMN_NONE SIZE_MAX
size_t column_by_name(const struct column_map *map, const struct table *t, const char *name);

/* Printable text of at most n - 1 bytes for messages: control and other bytes that are no UTF-8 are '?', cut text ends in "...". */
const char *shown_text(struct slice text, char *to, size_t n);
/* Appends the names of the table's columns, not more than fit a message. */
void shown_columns(const struct table *t, char *to, size_t n);

#endif
