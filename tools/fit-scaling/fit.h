/* SPDX-License-Identifier: MIT
 *
 * Fits the law to weighted points (N, D, loss) by minimising the sum over points of rho(log loss - log law(N, D)).
 *
 *   huber    rho(d) = d^2/2 where |d| <= delta, else delta (|d| - delta/2); delta 1e-3 as in Hoffmann et al. 2022
 *   l1       rho(d) = |d|
 *   squares  rho(d) = d^2
 *
 * The optimum is the global one as far as a grid of starts can tell; it is exact to rounding, not to a tolerance of the
 * minimiser (see fit.c).
 */
#ifndef FIT_SCALING_FIT_H
#define FIT_SCALING_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/fit-scaling/law.h"

enum objective { OBJECTIVE_HUBER, OBJECTIVE_L1, OBJECTIVE_SQUARES };

struct fit_options {
  enum objective objective;
  double delta; /* of huber */
};

/* Points as logarithms, centred so that the parameters of a fit are nearly independent of each other. */
struct points {
  size_t count;
  double *log_params, *log_tokens, *log_loss; /* the first two minus their means */
  double mean_log_params, mean_log_tokens;
};

enum { FIT_STARTS = 8 };

enum { /* bounds that the optimum lies on: the data do not determine this parameter from that side */
  FIT_NO_E = 1,     /* E runs to 0 */
  FIT_ALPHA = 2,
  FIT_BETA = 4,
};

struct fit {
  struct law law;
  double objective;
  double parameter[LAW_PARAMETERS]; /* centred: a, b, e, alpha, beta; a start for other weights of the same points */
  bool converged;
  unsigned at_bound;
  int starts, reached;              /* polished starts, and how many of them ended at this optimum (relative 1e-6) */
  double condition;                 /* of the log law's Jacobian with unit columns at the optimum */
};

/* Arrays of n > 0 positive numbers; points_release() frees. */
void points_init(struct points *p, const double *params, const double *tokens, const double *loss, size_t n);
void points_release(struct points *p);

/* Whether points with weight > 0 can determine five parameters: at least five different (N, D), three different N
 * and three different D.  weight NULL: 1 each. */
bool points_determine_law(const struct points *p, const double *weight);

/* weight NULL: 1 each. */
void fit_global(struct fit *fit, const struct points *p, const double *weight, const struct fit_options *options);
/* Descends from `start` (the `parameter` of another fit of these points) alone; starts and condition are not set. */
void fit_from(struct fit *fit, const struct points *p, const double *weight, const struct fit_options *options,
              const double start[LAW_PARAMETERS]);

/* The objective of a law given from elsewhere. */
double fit_objective(const struct law *law, const struct points *p, const double *weight, const struct fit_options *options);

#endif
