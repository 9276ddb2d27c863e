/* SPDX-License-Identifier: MIT
 *
 * Tables of finished training runs, as lm-train's run.tsv: tab-separated, a header that names the columns, in any order,
 * among them `params`, `tokens`, `loss` and, optionally, `flops` (absent or empty: 6 params tokens).  Other columns are
 * ignored.  Concatenated tables repeat their header: any line that names all needed columns is one, and holds from there.
 */
#ifndef FIT_SCALING_RUNS_H
#define FIT_SCALING_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct run {
  double params, tokens, flops, loss; /* all finite and > 0 */
};

struct runs {
  struct run *items;
  size_t count, capacity;
  uint64_t rows, bad;  /* rows that are not headers; those left out because a number is missing or not positive */
  struct err first_bad; /* why, for the first of them */
};

enum { RUNS_PARAMS, RUNS_TOKENS, RUNS_FLOPS, RUNS_LOSS, RUNS_COLUMNS };

struct runs_reader { /* of one input; only `name` is set by the caller, the rest zero */
  const char *name;
  uint64_t line;
  int column[RUNS_COLUMNS]; /* index of the field, from 1; 0: absent */
};

/* One line without its newline.  -1 when the first line that is not empty lacks a needed column. */
int runs_line(struct runs *runs, struct runs_reader *reader, struct slice line, struct err *e);
/* A file, URL or "-".  -1 also when it holds no line. */
int runs_read(struct runs *runs, const char *name, struct err *e);
void runs_release(struct runs *runs);

#endif
