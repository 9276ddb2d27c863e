/* SPDX-License-Identifier: MIT
 *
 * The law of Muennighoff et al. 2023 for runs that repeat their data.  Of D tokens U are different; repeats R = D/U - 1 are worth
 * less and less, as are params beyond the optimum U_N for U tokens:
 *
 *   L = E + A / N'^alpha + B / D'^beta
 *   D' = U + U R_D (1 - e^(-R / R_D))
 *   N' = U_N + U_N R_N (1 - e^(-(N/U_N - 1) / R_N)),  U_N = min(N, G (U G)^(beta/alpha)),  G = (alpha A / (beta B))^(1/(alpha+beta))
 *
 * (equations 5 and 6, and U_N as in their code, utils/parametric_fit.ipynb of huggingface/datablations).  A run whose
 * unique_tokens are not known repeats nothing: U = D.
 */
#ifndef FIT_SCALING_DATA_CONSTRAINED_H
#define FIT_SCALING_DATA_CONSTRAINED_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_data_constrained;

enum {
  DATA_CONSTRAINED_E, DATA_CONSTRAINED_A, DATA_CONSTRAINED_B, DATA_CONSTRAINED_ALPHA, DATA_CONSTRAINED_BETA, DATA_CONSTRAINED_RD, DATA_CONSTRAINED_RN,
  DATA_CONSTRAINED_PARAMETERS
};

double data_constrained_loss(const double law[DATA_CONSTRAINED_PARAMETERS], double params, double tokens, double unique_tokens);

#endif
