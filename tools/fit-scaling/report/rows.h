/* SPDX-License-Identifier: MIT
 *
 * The quantities of a report with their answers, in the order in which they are told.  A new quantity is one line in the table
 * of rows.c; rows, JSON and summary then have it.
 */
#ifndef FIT_SCALING_ROWS_H
#define FIT_SCALING_ROWS_H

#include "tools/fit-scaling/report/report.h"

enum scope { /* what a quantity is asked of */
  SCOPE_PARAMETER, /* each parameter of the law */
  SCOPE_LAW,       /* the law */
  SCOPE_SOURCE,    /* each source of a mixture */
  SCOPE_BUDGET,    /* each budget (--predict) */
  SCOPE_RUN,       /* each run that is thought of (--at), and, of a form without an optimum, each budget */
  SCOPE_HOLDOUT,   /* the held-out runs */
};

enum { ROW_OBJECTIVE = -1 }; /* a quantity of the fit, not of a law */

struct row {
  enum scope scope;
  int quantity;                /* enum quantity or ROW_OBJECTIVE */
  char *name;                  /* "alpha", "N_opt" */
  const struct target *target; /* NULL but for budgets and runs */
  struct answer answer;
};

struct rows {
  struct row *items;
  int count, capacity;
  bool borrowed; /* of the report */
};

void rows_init(struct rows *rows, const struct report *r);
void rows_release(struct rows *rows);

/* "huber", "l1", "squares" */
const char *rows_objective(const struct study *s);

/* The confidence of the intervals: 95 */
double rows_percent(const struct study *s);

/* The FLOPs of the largest fitted run; not a number when none is known. */
double rows_largest_compute(const struct study *s);

#endif
