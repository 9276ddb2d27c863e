/* SPDX-License-Identifier: MIT
 *
 * The parametric law of Hoffmann et al. 2022 (Chinchilla, approach 3): L(N, D) = E + A / N^alpha + B / D^beta, loss in
 * nats per token of a model with N parameters after D training tokens, and what it says about a budget of
 * C = 6 N D floating-point operations.
 */
#ifndef FIT_SCALING_LAW_H
#define FIT_SCALING_LAW_H

enum { LAW_PARAMETERS = 5 };

struct law {
  double E, A, B, alpha, beta;
};

struct law_optimum {
  double N, D, loss;
};

double law_loss(const struct law *law, double params, double tokens);

/* The N and D of lowest loss for C = 6 N D: N = G (C/6)^(beta/(alpha+beta)), D = C / (6 N), with
 * G = (alpha A / (beta B))^(1/(alpha+beta)).  Not a number where the law has no such point (an exponent or a factor
 * that is 0). */
struct law_optimum law_optimum(const struct law *law, double flops);

#endif
