/* SPDX-License-Identifier: MIT
 *
 * Peak learning rate and batch size that train a model of N parameters on D tokens to its lowest loss, by the step law of
 * Li et al. 2025 ("Predictable Scale: Part I"): lr = lr_c N^lr_N D^lr_D, batch = batch_c D^batch_D tokens a step.
 *
 * The form takes a search: runs of each of several (N, D), with different learning rates and batch sizes.  The optimum of one
 * (N, D) is the lowest point of a surface in log lr and log batch, quadratic but for a term log(lr)^3 (twelve runs or more; seven when
 * only lr was varied: loss rises faster beyond the best learning rate than below it), through the runs whose loss is within 2% of the
 * lowest (where these are fewer than eight, or four when only one was varied, the next within 10%); where that surface has none
 * between those runs, the mean of the runs within 0.25% of the lowest, which Li et al. use throughout.  What was not varied at
 * an (N, D) has no optimum there.  The laws are lines through the optima by least squares on logarithms, whatever the objective;
 * what they explain are optima, not single runs.
 */
#ifndef FIT_SCALING_STEP_LAW_H
#define FIT_SCALING_STEP_LAW_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_step_law;

/* With the published constants: AdamW, dense models of 60M to 1.1B parameters, 2G to 100G tokens, a cosine or linear
 * schedule down to a fixed 1e-5. */
double step_law_lr(double params, double tokens); /* 1.797 N^-.713 D^.307 */
double step_law_batch(double tokens);             /* .581 D^.571, in tokens */

#endif
