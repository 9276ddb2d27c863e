/* SPDX-License-Identifier: MIT
 *
 * How the laws of groups differ: rows and a summary.
 */
#ifndef FIT_SCALING_DIFFERENCES_H
#define FIT_SCALING_DIFFERENCES_H

#include "common/base/buffer.h"
#include "tools/fit-scaling/report/report.h"
#include "tools/fit-scaling/validation/groups.h"

/* Rows `loss_difference_percent@TARGET` with group "SECOND - FIRST" for every two groups (of more than 20, for each and the
 * first), at every target or, without one, at the largest compute that all reach.  Of `r` the targets count. */
void report_differences(const struct report *r, const struct groups *g, struct buffer *rows, struct buffer *summary);

#endif
