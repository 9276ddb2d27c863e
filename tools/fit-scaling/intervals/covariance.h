/* SPDX-License-Identifier: MIT
 *
 * How far the optimum of an objective moves with its runs, to first order: the sandwich A^-1 B A^-1 of the objective's Hessian
 * A and the gradients' outer products B, a run each (Huber 1967), in the coordinates theta of a form's curve.  It is what the
 * pairs bootstrap's covariance tends to with many runs, and holds when the scatter is uneven or the law is not quite right.
 *
 * Huber's and l1's objectives have kinks: their second derivative is the density of residuals around 0, taken from the
 * residuals by a normal kernel (Silverman's width; Powell 1991 for l1).
 */
#ifndef FIT_SCALING_COVARIANCE_H
#define FIT_SCALING_COVARIANCE_H

#include <stdbool.h>

#include "tools/fit-scaling/fitting/cholesky.h"
#include "tools/fit-scaling/forms/form.h"

int covariance_freedom(const struct form_data *d); /* parameters that are not fixed */

/* leverage[count], each in [0, .999]: of the curve's Jacobian at the fit; freedom / count where the form has no curve. */
void covariance_leverage(const struct form_data *d, const struct fit *best, double *leverage);

/* What a rise of the objective means. */
struct curvature {
  double second; /* mean of rho'' over the runs, smoothed */
  double square; /* mean of rho'^2 */
};
struct curvature covariance_curvature(const struct form_data *d, const struct fit *best);

/* factor[PARAMETERS_MAX][PARAMETERS_MAX], full: factor factor' is the sandwich; rows and columns of fixed or bounded
 * coordinates are 0.  false: the form has no curve, or the Hessian is singular. */
bool covariance_factor(const struct form_data *d, const struct fit *best, matrix_row factor[]);

#endif
