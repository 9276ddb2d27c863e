/* SPDX-License-Identifier: MIT
 *
 * Behind runs_read(): the state of reading, and what makes a run of the row at hand (row.c), in the order of the functions here.
 */
#ifndef FIT_SCALING_READER_H
#define FIT_SCALING_READER_H

#include "common/base/hashmap.h"
#include "tools/fit-scaling/table/columns.h"
#include "tools/fit-scaling/table/filter.h"
#include "tools/fit-scaling/table/runs.h"
#include "tools/fit-scaling/table/table.h"

enum {
  SHOWN = 44,      /* bytes of a cell in a message, with its NUL */
  FLOPS_RATIO = 2, /* flops that are farther from 6 N D count something else */
};

struct reader {
  struct runs *runs;
  const struct runs_options *options;
  struct columns *columns;
  struct filter filter;
  struct hashmap *groups;

  struct table *table;
  struct column_map map;
  size_t *want, wants, want_capacity;
  size_t by, by_slot;                    /* column of the groups */
  size_t *number[NAMED];                 /* [map.named[].count]: which source or domain each column is */
  double *values[NAMED];                 /* shares and losses of the row at hand */
  size_t value_capacity[NAMED];
  uint64_t first_row;                    /* runs->rows before this table */
  struct err first_unwanted;

  uint64_t compared, apart;              /* rows that have params, tokens and flops; those where they disagree */
  char apart_column[SHOWN];              /* that of flops in the first of these */
  uint64_t odd_sums;                     /* rows whose shares did not sum to 1 or 100 */
};

/* Counts the row as bad; `text`, unless its data is NULL, is shown. */
void row_bad(struct reader *r, const char *what, struct slice text);

/* The numbers in the cells of their own.  False: there is text, or a number out of range, where it matters: *wrong is the field. */
bool row_numbers(const struct reader *r, struct run *run, int *wrong, struct slice *text);
const char *row_range(int field); /* "a positive number" */

/* These count the row as bad where they return false. */
bool row_losses(struct reader *r, struct run *run);      /* by domain; their mean is the loss of a row that has no other */
void row_derive(struct reader *r, struct run *run);      /* what follows from other numbers */
bool row_check(struct reader *r, const struct run *run); /* nothing that is needed is missing, nothing is out of range */
bool row_shares(struct reader *r, struct run *run);      /* of a mixture, divided by their sum */

#endif
