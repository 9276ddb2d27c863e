/* SPDX-License-Identifier: MIT
 *
 * The law of Gadre et al. 2024 for models that are trained on more tokens than is optimal: with M = D / N tokens per parameter
 * and C = 6 N D, L(C, M) = E + (a M^eta + b M^-eta) C^-eta.  Since a M^eta C^-eta = a (6 N^2)^-eta and
 * b M^-eta C^-eta = b (6 D^2)^-eta, it is Hoffmann et al.'s law with one exponent, 2 eta, for params and tokens: the optimal M
 * is the same at every budget.
 */
#ifndef FIT_SCALING_OVER_TRAINING_H
#define FIT_SCALING_OVER_TRAINING_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_over_training;

enum { OVER_TRAINING_E, OVER_TRAINING_A, OVER_TRAINING_B, OVER_TRAINING_ETA, OVER_TRAINING_PARAMETERS };

double over_training_loss(const double law[OVER_TRAINING_PARAMETERS], double params, double tokens);

/* M = (b / a)^(1 / (2 eta)). */
struct optimum over_training_optimum(const double law[OVER_TRAINING_PARAMETERS], double flops);

#endif
