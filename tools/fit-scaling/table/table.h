/* SPDX-License-Identifier: MIT
 *
 * Rows of named cells from a stream, whatever its layout, which its first bytes tell:
 *
 *   TSV          a header, then a row a line; the header holds a tab
 *   CSV          the same with commas, or semicolons where the header has no comma (RFC 4180: cells in double quotes may hold
 *                separators, line ends, and quotes written twice)
 *   JSON Lines   an object a row (RFC 8259); its keys are names of columns, those of an object within it are "outer.inner"
 *   JSON         one array of such objects, or an object that holds one
 *
 * gzip, Zstandard and URLs are common/io/input's.  One row is held at a time, of which only the cells asked for are cut out.
 * A row may have 256 MiB; one that is longer, and damage to the frame around rows, is an error; damage in one row is that row's.
 */
#ifndef FIT_SCALING_TABLE_H
#define FIT_SCALING_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct table;

/* known() tells names of columns that the caller looks for from others: an object with one of them is a row, not a frame.  A file,
 * URL or "-".  What it says in errors already names the input. */
int table_open(struct table **t, const char *name, bool (*known)(const void *context, struct slice name), const void *context, struct err *e);
void table_close(struct table *t); /* NULL is fine */

/* 1: there is a row, which is neither empty nor the header once more; 0: the end; -1. */
int table_next(struct table *t, struct err *e);
const char *table_fault(const struct table *t);        /* why the row at hand cannot be read; NULL: it can */
uint64_t table_line(const struct table *t);            /* where it starts, from 1 */
const char *table_name(const struct table *t);

/* Columns so far: those of the header, or all keys that came.  The names are in order and keep their bytes until table_close(). */
size_t table_columns(const struct table *t);
struct slice table_column(const struct table *t, size_t column);
bool table_has_header(const struct table *t);          /* not JSON */
uint64_t table_header_line(const struct table *t);
struct slice table_repeated(const struct table *t);    /* a name that the header has twice (the first counts), or empty */

/* Which cells are wanted, of this row and all that follow. */
void table_want(struct table *t, const size_t *column, size_t count);
/* [count] of the row at hand; data NULL: it has no such cell.  Without quotes and escapes; valid until the next call. */
const struct slice *table_cells(const struct table *t);

/* Whether the row at hand can be a header: two cells or more are names that known() knows, and none is a number. */
bool table_like_header(struct table *t);
int table_take_header(struct table *t, struct err *e); /* takes it for one */

#endif
