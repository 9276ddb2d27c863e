/* SPDX-License-Identifier: MIT
 *
 * Behind table.h: what the two kinds of layout, lines with separators and JSON, share.
 */
#ifndef FIT_SCALING_LAYOUT_H
#define FIT_SCALING_LAYOUT_H

#include "common/base/hashmap.h"
#include "common/io/input.h"
#include "tools/fit-scaling/table/table.h"

enum { ROW_MOST = 1 << 28, COLUMNS_MOST = 1 << 17, ROW_FIRST = 4096 };

struct want {
  size_t column, slot;
};

enum json_place { JSON_TOP, JSON_FIRST_ELEMENT, JSON_ELEMENT, JSON_AFTER_ELEMENT };

struct table {
  struct input *in;
  bool (*known)(const void *context, struct slice name);
  const void *context;
  char separator;                /* 0: JSON */

  const char *row;               /* the row at hand, in the window of `in` ... */
  size_t row_len, held;          /* ... of which so many bytes go before the next one */
  uint64_t line, next_line, header_line;
  struct buffer header;          /* its text, to know it when it comes again */
  const char *fault;
  char fault_text[100];

  struct hashmap *index;         /* name -> column */
  struct slice *column, repeated;
  size_t columns, column_capacity;

  struct want *want;             /* [wants], in order of column */
  size_t wants, *first_want;     /* JSON: [wanted_columns], from 1; 0: that column is not wanted */
  size_t wanted_columns;
  struct slice *cell;            /* [wants] */
  struct buffer scratch;         /* cells that had quotes or escapes; never grows within a row */

  enum json_place place;
  bool lines, begun;             /* JSON: rows at the top; there was a row */
  bool framed, skip_line;        /* the array stands in an object; a damaged line is to be left */
  size_t guess, stored;          /* the column that comes next when rows have their keys in one order; values of this row */
  struct buffer path;            /* name of a key within objects: outer.inner */
};

/* Enters a name; false: it is there already, as *column, or there are too many (*column is SIZE_MAX). */
bool layout_add_column(struct table *t, struct slice name, size_t *column);
void layout_forget_columns(struct table *t);

int delimited_open(struct table *t, struct err *e); /* finds the separator and takes the header */
int delimited_next(struct table *t, struct err *e);
void delimited_cut(struct table *t);                /* fills the cells */

int json_next(struct table *t, struct err *e);
void json_cut(struct table *t);

#endif
