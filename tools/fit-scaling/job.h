/* SPDX-License-Identifier: MIT
 *
 * What the command line asks for: the settings as typed, and what they mean together with the runs.
 */
#ifndef FIT_SCALING_JOB_H
#define FIT_SCALING_JOB_H

#include "common/base/options.h"
#include "common/io/program.h"
#include "tools/fit-scaling/plan/write.h"
#include "tools/fit-scaling/report/report.h"
#include "tools/fit-scaling/validation/holdout.h"

struct settings {
  const char *form;
  int objective, minima, format, intervals;
  double delta, level;
  int64_t bootstrap;
  const char *unique, *lowest_per, *by, *holdout, *compare, *residuals, *plot, *panels;
  struct option_list predict, at, at_loss, at_shares, fix, weight, limit, column, where;
  struct plan_options plan;
};

enum { FORMAT_TSV, FORMAT_JSON };

struct job {
  struct study_options study;
  struct named_value *fixed, *weights, *limits; /* of --fix, --weight and --limit; study.fit counts them */
  struct holdout holdout;
  struct target *targets;
  int target_count;
  unsigned lowest_per;
  double *shares; /* of --at-shares, [items][sources] */
  struct runs runs;
};

/* Of everything but the tables: no file is touched when a setting is wrong. */
int job_parse(struct job *job, const struct program *p, const struct settings *s, struct err *e);
/* The tables, with warnings about them; then what only they can tell of the settings. */
int job_read(struct job *job, struct program *p, const struct settings *s, struct err *e);
void job_release(struct job *job);
void settings_release(struct settings *s);

#endif
