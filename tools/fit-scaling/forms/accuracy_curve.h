/* SPDX-License-Identifier: MIT
 *
 * Accuracy of a downstream task as a function of loss, accuracy = b + a phi(L):
 *
 *   sigmoid      phi = 1 / (1 + exp(-k (L - L0)))      a <= 0, b <= 1, k > 0   Bhagia et al. 2024
 *   log-sigmoid  phi = -log(1 - sigmoid)               a <= 0, b = 1, k > 0    their variant for tasks scored by cross-entropy
 *   exponential  error = eps - k exp(-gamma L)         that is b = 1 - eps     Gadre et al. 2024
 *
 * For the sigmoid, b is the accuracy of a perfect model and b + a that of chance.  Residuals are differences of accuracies,
 * squared, as in all three sources: accuracies are bounded and scatter by about as much everywhere, so their logs do not.
 */
#ifndef FIT_SCALING_ACCURACY_CURVE_H
#define FIT_SCALING_ACCURACY_CURVE_H

#include "common/base/err.h"
#include "tools/fit-scaling/fitting/curve.h"
#include "tools/fit-scaling/forms/form.h"
#include "tools/fit-scaling/table/runs.h"

enum accuracy_link { ACCURACY_SIGMOID, ACCURACY_LOG_SIGMOID, ACCURACY_EXPONENTIAL };

enum { ACCURACY_COORDINATES = 4 };

struct accuracy_curve {
  enum accuracy_link link;
  int parameters;           /* a L0 k b; a L0 k; eps k gamma */
  const char *const *names; /* [parameters] */
  size_t count;             /* runs */
  double *loss, *accuracy;  /* [count + 1]: the last may be the ideal point */
  double middle;            /* the exponential's origin, which takes the correlation out of (k, gamma): the mean loss */
  struct curve curve;       /* of count points, or count + 1 */
};

/* ideal: adds the point (0, 1), a model without loss that is always right.  release() is due after a failure too. */
int accuracy_curve_bind(struct accuracy_curve *a, enum accuracy_link link, bool ideal, const struct runs *runs, const struct form_options *options, struct err *e);
void accuracy_curve_release(struct accuracy_curve *a);

/* weight: [count] or NULL.  As of a form. */
const char *accuracy_curve_undetermined(const struct accuracy_curve *a, const double *weight);
void accuracy_curve_estimate(struct fit *fit, const struct accuracy_curve *a, const double *weight, const double *start);

void accuracy_curve_set_parameters(struct fit *fit, const struct accuracy_curve *a); /* from theta */

double accuracy_at(enum accuracy_link link, const double parameter[], double loss);

#endif
