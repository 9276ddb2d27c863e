/* SPDX-License-Identifier: MIT
 *
 * The law of Kaplan et al. 2020, equation 1.5: L(N, D) = ((N_c / N)^(alpha_N / alpha_D) + D_c / D)^alpha_D.  It has no
 * irreducible loss; with unlimited tokens L = (N_c / N)^alpha_N, with unlimited params L = (D_c / D)^alpha_D.
 */
#ifndef FIT_SCALING_KAPLAN_H
#define FIT_SCALING_KAPLAN_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_kaplan;

enum { KAPLAN_NC, KAPLAN_DC, KAPLAN_ALPHA_N, KAPLAN_ALPHA_D, KAPLAN_PARAMETERS };

double kaplan_loss(const double law[KAPLAN_PARAMETERS], double params, double tokens);

/* The N and D of lowest loss for C = 6 N D: with rho = alpha_N / alpha_D, N^(rho + 1) = rho N_c^rho (C/6) / D_c. */
struct optimum kaplan_optimum(const double law[KAPLAN_PARAMETERS], double flops);

#endif
