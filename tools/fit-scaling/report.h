/* SPDX-License-Identifier: MIT
 *
 * One fit with everything that is said about it: `form name value low high stderr` rows, a readable summary, warnings
 * and a plot, all from the same numbers.
 */
#ifndef FIT_SCALING_REPORT_H
#define FIT_SCALING_REPORT_H

#include <stdbool.h>

#include "tools/fit-scaling/bootstrap.h"
#include "tools/fit-scaling/runs.h"

struct target {          /* what to predict: the optimum for `flops`, or, when that is 0, a run of params and tokens */
  const char *typed;     /* as on the command line; names the rows */
  double flops, params, tokens;
};

struct report {
  /* asked for */
  struct fit_options options;
  struct target *targets; /* owned */
  int target_count;
  size_t resamples;
  uint64_t seed;
  int jobs;
  /* found */
  struct runs runs;       /* the first `fitted` are fitted, the others held out */
  size_t fitted;
  struct points points;
  struct fit fit;
  struct bootstrap bootstrap;
};

/* Moves the runs with more than `above` FLOPs to the end, keeping order. */
void report_hold_out(struct report *r, double above);
int report_fit(struct report *r, struct err *e); /* -1 when the runs are too few */
void report_rows(const struct report *r, struct buffer *out); /* header and rows */
void report_summary(const struct report *r, struct buffer *out);
void report_plot(const struct report *r, struct buffer *svg);
void report_release(struct report *r);

enum { REPORT_WARNINGS = 6 };
bool report_warning(const struct report *r, int index, struct buffer *out); /* index below REPORT_WARNINGS; false: all is well */

#endif
