/* SPDX-License-Identifier: MIT
 *
 * The step `plan` as the program does it: rows to the output, --config and --recipe to their files, summary and warnings to
 * standard error.
 */
#ifndef FIT_SCALING_PLAN_WRITE_H
#define FIT_SCALING_PLAN_WRITE_H

#include "common/io/program.h"
#include "tools/fit-scaling/plan/plan.h"

bool plan_is_first(struct program *p); /* the first operand is `plan`; it is taken off */

/* The law is given: --law, or --fix of all parameters. */
bool plan_needs_no_runs(const struct plan_options *o, const struct study_options *study);
int plan_run_given(struct program *p, const struct plan_options *o, const struct study_options *study, struct err *e);

/* The law is fitted to the runs of at most `above` FLOPs. */
int plan_run(struct program *p, const struct plan_options *o, const struct study_options *study, const struct runs *runs, double above, struct err *e);

#endif
