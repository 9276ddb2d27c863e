/* SPDX-License-Identifier: MIT
 *
 * What is said about a study: rows, a JSON object, a summary for people, warnings and a plot, all from the same answers (rows.h).
 */
#ifndef FIT_SCALING_REPORT_H
#define FIT_SCALING_REPORT_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/fit-scaling/study/study.h"

struct target {          /* what to predict: the optimum for at's FLOPs, or, when `params` is there, a run of that shape */
  const char *typed;     /* as on the command line; names the rows */
  struct run at;
  bool optimum;
};

struct rows;

struct report {
  const struct study *study;
  const struct target *targets;
  int target_count;
  const char *group;        /* of --by: a seventh column; NULL: none */
  const struct runs *table; /* as it was read, for JSON; NULL: not known */
  const struct rows *rows;  /* the answers, for whoever needs them more than once (rows.h); NULL: they are asked for each time */
};

/* ---- rows.c: `form name value low high stderr`, tab-separated, numbers %.9g, empty where unknown */

void report_header(const struct report *r, struct buffer *out);
void report_rows(const struct report *r, struct buffer *out);
/* One row of a number that is not the study's own. */
void report_row(const struct report *r, struct buffer *out, const char *name, const struct target *target, const struct answer *answer);

/* ---- json.c */

/* One object, without a newline after it; fit-scaling(1) lists its keys.  Numbers %.9g, null where unknown. */
void report_json(const struct report *r, struct buffer *out);
/* A table with a header as an array of objects: a field that is a number becomes one, an empty one null. */
void report_json_table(struct slice table, struct buffer *out);

/* ---- summary.c: lines of at most 80 columns, the first without indent; no control bytes, whatever names hold */

void report_summary(const struct report *r, struct buffer *out);
/* Text from elsewhere, for a terminal: what is no UTF-8 becomes U+FFFD, control characters '?'.  Returns the columns written. */
int report_name(struct buffer *out, const char *name);

/* ---- warnings.c */

struct warning {
  const char *name; /* one word, for programs */
  char *text;       /* a sentence or two: what was seen, what follows for the numbers, what helps */
};
struct warnings {
  struct warning *items;
  int count, capacity;
};
void report_warnings(struct warnings *w, const struct report *r); /* of the law; those of the table are in `runs` */
void warnings_release(struct warnings *w);

/* ---- figure.c */

/* panels: as in struct plot.  -1 when one of them cannot be drawn. */
int report_plot(const struct report *r, const char *panels, struct buffer *svg, struct err *e);

#endif
