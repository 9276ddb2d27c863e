/* SPDX-License-Identifier: MIT
 *
 * The critical batch size (McCandlish et al. 2018, "An Empirical Model of Large-Batch Training"): to reach a given loss with B
 * tokens a step takes
 *
 *   tokens = tokens_min (1 + B / batch_critical)    steps = steps_min (1 + batch_critical / B)    tokens = B steps
 *
 * so that steps_min = tokens_min / batch_critical.  Each row is a run stopped when it reached its target: columns batch, and
 * tokens or steps; rows with the same params and loss (where a table has them) share a target.  Several targets have tokens_min,
 * steps_min and batch_critical each, named with the target in brackets, and two laws through them, by least squares on logarithms:
 *
 *   batch_critical = batch_c tokens_min^batch_D    (Zhang et al. 2024: batch_D is about .47)
 *   batch_critical = B_star / loss^(1/alpha_B)     (Kaplan et al. 2020: alpha_B is about .21); for targets of several losses
 */
#ifndef FIT_SCALING_CRITICAL_BATCH_H
#define FIT_SCALING_CRITICAL_BATCH_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_critical_batch;

enum { CRITICAL_BATCH_TARGETS_MAX = (PARAMETERS_MAX - 4) / 3 };

#endif
