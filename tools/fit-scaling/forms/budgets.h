/* SPDX-License-Identifier: MIT
 *
 * Which runs were given the same compute.  FLOPs that a table states agree exactly; those of real runs differ by the rounding
 * of steps, those read off a figure by several percent.  The narrowest of three tolerances (0.2%, 2%, 16%) counts that puts four
 * of five runs into budgets.  A budget is the densest window of that width that is left between those found so far.
 */
#ifndef FIT_SCALING_BUDGETS_H
#define FIT_SCALING_BUDGETS_H

#include <stddef.h>
#include <stdint.h>

enum { BUDGETS_MAX = 256 };

#define BUDGET_NONE UINT32_MAX

/* Sets budget[count] to the run's budget, numbered by ascending compute, or BUDGET_NONE; returns the number of budgets. */
size_t budgets_find(uint32_t *budget, const double *log_flops, size_t count);

#endif
