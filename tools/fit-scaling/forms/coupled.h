/* SPDX-License-Identifier: MIT
 *
 * Hoffmann et al.'s law with a term of the data whose factor and exponent change with the size of the model:
 *
 *   L(N, D) = E + A / N^alpha + B (N / N_0)^gamma (D_0 / D)^(beta (N / N_0)^delta)
 *
 * That larger models turn tokens into loss at another rate is Li et al.'s observation (Farseer, 2025), who let factor and
 * exponent be stretched exponentials of N; power laws say the same with two parameters fewer.  N_0 and D_0 are where B is the
 * term and beta the exponent; they are the geometric means of the runs unless fixed, and are not estimated.  gamma = delta = 0
 * is the chinchilla form.
 */
#ifndef FIT_SCALING_COUPLED_H
#define FIT_SCALING_COUPLED_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_coupled;

enum {
  COUPLED_E, COUPLED_A, COUPLED_ALPHA, COUPLED_B, COUPLED_BETA, COUPLED_GAMMA, COUPLED_DELTA,
  COUPLED_ESTIMATED,
  COUPLED_N0 = COUPLED_ESTIMATED, COUPLED_D0, COUPLED_PARAMETERS
};

double coupled_loss(const double law[COUPLED_PARAMETERS], double params, double tokens);

#endif
