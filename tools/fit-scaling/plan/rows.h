/* SPDX-License-Identifier: MIT
 *
 * What is said about a plan: rows `form name value low high stderr`, a readable summary, warnings.
 */
#ifndef FIT_SCALING_PLAN_ROWS_H
#define FIT_SCALING_PLAN_ROWS_H

#include "common/base/buffer.h"
#include "tools/fit-scaling/plan/plan.h"

/* ---- rows.c */

void plan_report_rows(const struct plan *plan, struct buffer *out); /* header and rows */

double plan_gpus(const struct plan *plan);
double plan_hours(const struct plan *plan);
double plan_epochs(const struct plan *plan);
/* The loss of `factor` times the parameters, for the same training FLOPs or as long as the data lasts. */
double plan_loss_beside(const struct plan *plan, double factor);
struct interval plan_after_next_runs(const struct plan *plan); /* of the loss */

/* ---- summary.c: lines of about 80 columns */

void plan_report_summary(const struct plan *plan, struct buffer *out);
const char *plan_count(double value, char *text); /* 2.79B, into NUMBER_TEXT bytes */

/* ---- warnings.c */

enum { PLAN_WARNINGS = 12 };
bool plan_report_warning(const struct plan *plan, int index, struct buffer *out); /* index below PLAN_WARNINGS; false: all is well */

#endif
