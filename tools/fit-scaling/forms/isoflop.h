/* SPDX-License-Identifier: MIT
 *
 * isoFLOP curves (Hoffmann et al. 2022, approach 2): runs of the same compute are a budget; each budget has a size N of lowest
 * loss; those minima follow power laws of the compute,
 *
 *   N_opt = kN C^a    D_opt = kD C^b    L_opt = E + kL C^-c
 *
 * fitted by least squares on logarithms, whatever the objective; of the objective it depends whether a budget's outliers count
 * less (all but squares).  Around the minima L = E + kL C^-c cosh(gamma log(N / N_opt)): near them a parabola, whose factor is
 * gamma^2 / 2 of the reducible loss; further off Hoffmann's parametric law with alpha = beta = gamma.
 */
#ifndef FIT_SCALING_ISOFLOP_H
#define FIT_SCALING_ISOFLOP_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_isoflop;

enum { ISOFLOP_BUDGETS_MAX = 256 };

struct isoflop_budget {
  double flops;         /* geometric mean over its runs */
  size_t runs;
  const char *left_out; /* NULL, or why it has no minimum; then the following are not numbers */
  double N, D, loss;    /* at the minimum */
  double curvature;     /* loss + curvature log(n / N)^2 near it, n the params */
};

/* Of runs bound to form_isoflop, by ascending compute; returns how many were set. */
size_t isoflop_budgets(const struct form_data *d, struct isoflop_budget *out, size_t max);

#endif
