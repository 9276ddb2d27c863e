/* SPDX-License-Identifier: MIT
 *
 * Which layout it is, and the columns and wishes that all layouts share.
 */
#include "tools/fit-scaling/table/table.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/table/layout.h"

/* What people hand over in place of text. */
static const struct {
  struct slice magic;
  const char *advice;
} foreign[] = {
    {{"PK\3\4", 4}, "this is a zip archive (a spreadsheet?): save the sheet as CSV"},
    {{"PAR1", 4}, "this is Parquet: write it as CSV or JSON Lines first"},
    {{"SQLite format 3", 15}, "this is an SQLite database: sqlite3 -header -csv FILE 'select * from TABLE' writes what can be read"},
    {{"\xFF\xFE", 2}, "this is UTF-16: iconv -f UTF-16 -t UTF-8 writes what can be read"},
    {{"\xFE\xFF", 2}, "this is UTF-16: iconv -f UTF-16 -t UTF-8 writes what can be read"},
    {{"\x89HDF", 4}, "this is HDF5: write it as CSV or JSON Lines first"},
};

/* Consumes a byte order mark and white space; *first is the byte after them, 0 at the end. */
static int look(struct table *t, char *first, struct err *e) {
  const char *data;
  size_t n;
  *first = 0;
  if (input_peek(t->in, 16, &data, &n, e)) return -1;
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
    if (slice_starts((struct slice){data, n}, foreign[i].magic)) return err_set(e, "%s", foreign[i].advice);
  if (n >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) input_consume(t->in, 3);
  for (;;) {
    if (input_peek(t->in, 1, &data, &n, e)) return -1;
    size_t i = 0;
    for (; i < n && (data[i] == '\n' || data[i] == '\r' || data[i] == ' '); i++) t->next_line += data[i] == '\n';
    input_consume(t->in, i);
    if (n == 0) return 0;
    if (i < n) return *first = data[i], 0;
  }
}

int table_open(struct table **result, const char *name, bool (*known)(const void *context, struct slice name), const void *context, struct err *e) {
  struct table *t = NEW(struct table);
  char first;
  *result = NULL;
  *t = (struct table){.known = known, .context = context, .next_line = 1, .index = hashmap_new()};
  if (input_open(&t->in, name, NULL, e)) {
    table_close(t);
    return -1;
  }
  int status = look(t, &first, e);
  if (status == 0 && first != '{' && first != '[') status = delimited_open(t, e);
  else if (status) err_prefix(e, "%s", input_name(t->in));
  if (status) {
    table_close(t);
    return -1;
  }
  *result = t;
  return 0;
}

void table_close(struct table *t) {
  if (!t) return;
  input_close(t->in);
  hashmap_free(t->index);
  free(t->column);
  free(t->want);
  free(t->first_want);
  free(t->cell);
  buffer_release(&t->header);
  buffer_release(&t->scratch);
  buffer_release(&t->path);
  free(t);
}

int table_next(struct table *t, struct err *e) {
  input_consume(t->in, t->held);
  t->held = t->row_len = 0;
  t->row = NULL;
  t->fault = NULL;
  return t->separator ? delimited_next(t, e) : json_next(t, e);
}

const char *table_fault(const struct table *t) { return t->fault; }
uint64_t table_line(const struct table *t) { return t->line; }
const char *table_name(const struct table *t) { return input_name(t->in); }
size_t table_columns(const struct table *t) { return t->columns; }
struct slice table_column(const struct table *t, size_t column) { return t->column[column]; }
bool table_has_header(const struct table *t) { return t->separator != 0; }
uint64_t table_header_line(const struct table *t) { return t->header_line; }
struct slice table_repeated(const struct table *t) { return t->repeated; }
const struct slice *table_cells(const struct table *t) { return t->cell; }

static int by_column(const void *a, const void *b) {
  const struct want *x = a, *y = b;
  if (x->column != y->column) return x->column < y->column ? -1 : 1;
  return x->slot < y->slot ? -1 : 1;
}

void table_want(struct table *t, const size_t *column, size_t count) {
  t->want = RESIZE(t->want, count + 1);
  t->cell = RESIZE(t->cell, count + 1);
  t->wants = count;
  for (size_t i = 0; i < count; i++) t->want[i] = (struct want){column[i], i};
  qsort(t->want, count, sizeof *t->want, by_column);
  t->wanted_columns = t->columns;
  t->first_want = RESIZE(t->first_want, t->columns + 1);
  memset(t->first_want, 0, (t->columns + 1) * sizeof *t->first_want);
  for (size_t i = count; i-- > 0;) t->first_want[t->want[i].column] = i + 1;
  if (!t->row) memset(t->cell, 0, count * sizeof *t->cell);
  else if (t->separator) delimited_cut(t);
  else json_cut(t);
}
