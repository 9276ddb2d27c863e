/* SPDX-License-Identifier: MIT
 *
 * The parametric law of Hoffmann et al. 2022 (Chinchilla, approach 3): L(N, D) = E + A / N^alpha + B / D^beta, loss in
 * nats per token of a model with N parameters after D training tokens, and what it says about a budget of
 * C = 6 N D floating-point operations.
 */
#ifndef FIT_SCALING_CHINCHILLA_H
#define FIT_SCALING_CHINCHILLA_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_chinchilla;

enum { CHINCHILLA_E, CHINCHILLA_A, CHINCHILLA_B, CHINCHILLA_ALPHA, CHINCHILLA_BETA, CHINCHILLA_PARAMETERS };

/* Evaluated on logarithms: A and B of a poorly determined fit may be 1e40. */
double chinchilla_loss(const double law[CHINCHILLA_PARAMETERS], double params, double tokens);

/* The N and D of lowest loss for C = 6 N D: N = G (C/6)^(beta/(alpha+beta)), D = C / (6 N), with
 * G = (alpha A / (beta B))^(1/(alpha+beta)).  Not a number where the law has no such point (an exponent or a factor
 * that is 0). */
struct optimum chinchilla_optimum(const double law[CHINCHILLA_PARAMETERS], double flops);

#endif
