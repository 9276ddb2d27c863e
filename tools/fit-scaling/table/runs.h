/* SPDX-License-Identifier: MIT
 *
 * Finished training runs as columns of numbers.  A column that no table has is NULL; a value that is missing in a row is not
 * a number.
 */
#ifndef FIT_SCALING_RUNS_H
#define FIT_SCALING_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/base/options.h"

enum run_column {
  RUN_PARAMS,        /* N */
  RUN_TOKENS,        /* D, repeats included */
  RUN_FLOPS,         /* C; missing: 6 N D */
  RUN_LOSS,          /* nats per token */
  RUN_ACCURACY,      /* of a downstream task, 0 to 1 */
  RUN_UNIQUE_TOKENS, /* U: tokens that are different; missing: D */
  RUN_LR,            /* peak learning rate */
  RUN_BATCH,         /* tokens a step */
  RUN_STEPS,
  RUN_COLUMNS
};
enum { RUN_NEEDS_SHARES = 1 << RUN_COLUMNS }; /* among the bits 1 << RUN_... of needs: the shares of a mixture */

/* One row, or a run that somebody thinks of.  NAN: not known. */
struct run {
  double value[RUN_COLUMNS];
  const double *shares; /* [source_count], or NULL; not owned */
  const double *domain_loss; /* [domain_count], or NULL; not owned */
};

struct runs {
  size_t count, capacity;
  double *column[RUN_COLUMNS]; /* [count] */
  size_t source_count;         /* columns `share:NAME` of data mixtures */
  char **source;
  double *share;               /* [count][source_count]: each row sums to 1, or holds no number */
  size_t domain_count;         /* columns `loss:NAME` of several validation sets */
  char **domain;
  double *domain_loss;         /* [count][domain_count] */
  size_t group_count;          /* of --by: the values of that column in the order they appear; 0: none */
  char **group_name;
  uint32_t *group;             /* [count] */
  uint64_t rows, bad, unwanted; /* rows that are not headers; those left out because a number is missing or wrong, or by --where */
  uint64_t duplicates;         /* rows whose numbers all stood in an earlier row (of the first two million different ones) */
  struct err first_bad;        /* why the first bad row is one */
  struct err *warning;         /* what the tables leave in doubt */
  size_t warning_count;
};

struct runs_options {
  unsigned needs;                    /* bits 1 << RUN_..., RUN_NEEDS_SHARES: rows that lack one of them are bad */
  const struct option_list *columns; /* --column, --where: see columns.h and filter.h; NULL: none */
  const struct option_list *where;
  const char *by;                    /* --by: the column of groups; NULL: no groups */
};

const char *run_column_name(enum run_column column); /* "params", "tokens", ...: as in a header */

/* Reads tables (files, URLs, "-") one after another into *runs, which is released by the caller also when this fails: -1 when a table
 * cannot be read, lacks a column, or when no row is left.  Any two of params, tokens, flops give the third (C = 6 N D). */
int runs_read(struct runs *runs, const char *const *names, size_t count, const struct runs_options *options, struct err *e);

struct run runs_row(const struct runs *runs, size_t row);
void runs_append(struct runs *runs, const struct run *run, uint32_t group);
/* The rows with keep[row], in order, with the same sources and groups; rows and bad are 0. */
void runs_select(struct runs *out, const struct runs *runs, const bool *keep);
void runs_release(struct runs *runs);
/* The number of source or domain `name`, entered when it is new: earlier rows that have shares have none of a new source, and no
 * loss in a new domain. */
size_t runs_add_source(struct runs *runs, struct slice name);
size_t runs_add_domain(struct runs *runs, struct slice name);
void runs_count_duplicates(struct runs *runs);

/* A run of which only N and D are known; C = 6 N D. */
struct run run_of(double params, double tokens);

#endif
