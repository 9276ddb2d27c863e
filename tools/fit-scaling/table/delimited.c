/* SPDX-License-Identifier: MIT
 *
 * Lines of cells with a separator.  A quote opens a cell only at its start, so that 5" stays what it is; a row ends at the first
 * line end outside quotes.  TSV has no quotes, but a cell that starts and ends with one (R writes its header so) loses both.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/table/decimal.h"
#include "tools/fit-scaling/table/layout.h"

static struct slice trimmed(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\t')) p++;
  while (p < end && (end[-1] == ' ' || end[-1] == '\t')) end--;
  return (struct slice){p, (size_t)(end - p)};
}

/* At the quote; the cell goes to t->scratch, which has room for the row.  Returns where the cell's text ends. */
static const char *quoted_cell(struct table *t, const char *p, const char *end, struct slice *cell) {
  char *to = t->scratch.data + t->scratch.len;
  size_t n = 0;
  for (p++; p < end; p++) {
    if (*p == '"' && (++p == end || *p != '"')) break;
    to[n++] = *p;
  }
  t->scratch.len += n;
  *cell = trimmed(to, to + n);
  return p;
}

/* The cell at *at, which moves behind its separator, or becomes NULL behind the last one. */
static inline struct slice next_cell(struct table *t, const char **at, const char *end) {
  const char *p = *at, *text = p;
  struct slice cell;
  if (t->separator != '\t') {
    while (text < end && *text == ' ') text++;
    if (text < end && *text == '"') {
      p = quoted_cell(t, text, end, &cell);
      const char *next = p < end ? memchr(p, t->separator, (size_t)(end - p)) : NULL;
      *at = next ? next + 1 : NULL;
      return cell;
    }
  }
  const char *next = p < end ? memchr(p, t->separator, (size_t)(end - p)) : NULL;
  cell = trimmed(p, next ? next : end);
  if (t->separator == '\t' && cell.len >= 2 && cell.data[0] == '"' && cell.data[cell.len - 1] == '"') cell = (struct slice){cell.data + 1, cell.len - 2};
  *at = next ? next + 1 : NULL;
  return cell;
}

static const char *begin_cells(struct table *t) {
  t->scratch.len = 0;
  if (t->separator != '\t') buffer_reserve(&t->scratch, t->row_len + 1);
  return t->row;
}

void delimited_cut(struct table *t) {
  const char *at = begin_cells(t), *end = t->row + t->row_len;
  size_t index = 0, k = 0;
  memset(t->cell, 0, t->wants * sizeof *t->cell);
  for (; at && k < t->wants; index++) {
    struct slice cell = next_cell(t, &at, end);
    while (k < t->wants && t->want[k].column == index) t->cell[t->want[k++].slot] = cell;
  }
  for (; at && index < t->columns; index++) next_cell(t, &at, end);
  while (at && !t->fault) /* a separator too many at the end of each line is common, a cell too many is not */
    if (next_cell(t, &at, end).len) {
      snprintf(t->fault_text, sizeof t->fault_text, "more cells than the %zu of the header", t->columns);
      t->fault = t->fault_text;
    }
}

bool table_like_header(struct table *t) {
  size_t count = 0;
  double value;
  bool suffix;
  if (!t->separator || !t->row) return false;
  for (const char *at = begin_cells(t), *end = t->row + t->row_len; at;) {
    struct slice cell = next_cell(t, &at, end);
    if (decimal_parse(cell, &value, &suffix)) return false;
    count += cell.len && t->known(t->context, cell);
  }
  return count >= 2;
}

int table_take_header(struct table *t, struct err *e) {
  layout_forget_columns(t);
  t->header_line = t->line;
  buffer_clear(&t->header);
  buffer_append(&t->header, t->row, t->row_len);
  if (t->row_len && t->row[0] == '#') t->row++, t->row_len--; /* as numpy.savetxt() writes it */
  for (const char *at = begin_cells(t), *end = t->row + t->row_len; at;) {
    struct slice name = next_cell(t, &at, end);
    size_t column;
    if (layout_add_column(t, name, &column)) continue;
    if (column == SIZE_MAX) return err_set(e, "%s:%llu: a header of more than %d columns", input_name(t->in), (unsigned long long)t->line, COLUMNS_MOST);
    if (name.len && !t->repeated.len) t->repeated = t->column[column];
    GROW(t->column, t->column_capacity, t->columns + 1); /* the name leads to the first; the place counts */
    t->column[t->columns++] = (struct slice){"", 0};
  }
  return 0;
}

/* The end of the row that starts at p, or NULL when more bytes must be seen; *open: it is in quotes at `end`. */
static const char *row_end(const char *p, const char *end, char separator, uint64_t *lines, bool *open) {
  *open = false;
  *lines = 1;
  for (bool start = true; p < end; p++) {
    if (start && *p == '"') {
      do { /* from quote to quote, a pair of them being one of the text */
        const char *quote = memchr(p + 1, '"', (size_t)(end - p - 1));
        if (!quote) return *open = true, NULL;
        for (const char *q = p + 1; (q = memchr(q, '\n', (size_t)(quote - q))); q++) ++*lines;
        p = quote;
      } while (p + 1 < end && p[1] == '"' && ++p);
      start = false;
    } else if (*p == '\n') {
      return p;
    } else {
      start = *p == separator || (start && *p == ' ');
    }
  }
  return NULL;
}

/* The next row, empty ones too, in t->row: 1, 0 at the end, -1. */
static int take_row(struct table *t, struct err *e) {
  const char *data, *end = NULL;
  size_t available, scanned = 0;
  uint64_t lines = 1;
  bool open = false;
  t->line = t->next_line;
  for (size_t want = ROW_FIRST;; want = 2 * available) {
    if (input_peek(t->in, want, &data, &available, e)) return err_prefix(e, "%s:%llu", input_name(t->in), (unsigned long long)t->line);
    if (available > scanned) end = memchr(data + scanned, '\n', available - scanned);
    if (t->separator != '\t' && available && memchr(data, '"', end ? (size_t)(end - data) : available)) end = row_end(data, data + available, t->separator, &lines, &open);
    else scanned = available; /* with a quote it starts over: all of it doubles each time */
    if (end || available < want) break;
    if (available > ROW_MOST) {
      return err_set(e, open ? "%s:%llu: a quote that is not closed within 256 MB" : "%s:%llu: a line of more than 256 MB", input_name(t->in), (unsigned long long)t->line);
    }
  }
  if (available == 0) return 0;
  if (!end && open) return err_set(e, "%s:%llu: a quote that is never closed", input_name(t->in), (unsigned long long)t->line);
  t->row = data;
  t->row_len = end ? (size_t)(end - data) : available;
  t->held = t->row_len + (end != NULL);
  t->next_line += end ? lines : 0;
  if (t->row_len && t->row[t->row_len - 1] == '\r') t->row_len--;
  if (t->row_len >= 3 && memcmp(t->row, "\xEF\xBB\xBF", 3) == 0) t->row += 3, t->row_len -= 3; /* of a file that was appended */
  return 1;
}

static bool blank(const struct table *t) {
  return t->row_len == 0 || ((unsigned char)t->row[0] <= ' ' && slice_trim((struct slice){t->row, t->row_len}).len == 0);
}

static bool repeats_header(const struct table *t) { return slice_equal((struct slice){t->row, t->row_len}, buffer_slice(&t->header)); }

int delimited_next(struct table *t, struct err *e) {
  int status;
  while ((status = take_row(t, e)) > 0 && (blank(t) || repeats_header(t))) {
    input_consume(t->in, t->held);
    t->held = 0;
  }
  if (status > 0) delimited_cut(t);
  else t->row = NULL;
  return status;
}

/* A tab, else a comma, else a semicolon, outside quotes. */
static char find_separator(const struct table *t) {
  static const char candidates[] = "\t,;";
  for (const char *c = candidates; *c; c++) {
    bool quoted = false;
    for (size_t i = 0; i < t->row_len; i++) {
      if (t->row[i] == '"') quoted = !quoted;
      else if (t->row[i] == *c && !quoted) return *c;
    }
  }
  return '\t';
}

int delimited_open(struct table *t, struct err *e) {
  int status;
  t->separator = '\t'; /* a line end within quotes of the header comes to light when the separator is known */
  if ((status = take_row(t, e)) <= 0) return status;
  t->separator = find_separator(t);
  if (t->separator != '\t') {
    t->next_line = t->line;
    if (take_row(t, e) < 0) return -1;
  }
  if (table_take_header(t, e)) return -1;
  input_consume(t->in, t->held);
  t->held = t->row_len = 0;
  t->row = NULL;
  return 0;
}
