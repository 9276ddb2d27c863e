/* SPDX-License-Identifier: MIT
 *
 * How runs scatter around a fitted law.
 *
 * A residual is log(run / law), or run - law where the law explains an accuracy.  A fit follows its own runs: residuals are
 * divided by sqrt(1 - leverage), the leverage from the Jacobian of the fitted curve, or parameters / runs for a form that is
 * a procedure.  Small or short runs are often noisier than others: the scale is N^a D^b with the exponents of highest Laplace
 * likelihood, where that raises twice the log-likelihood by more than the number of exponents; it is held within what it is at
 * the runs.  Residuals over their scale are then alike, and any run may have drawn any of them.
 */
#ifndef FIT_SCALING_SCATTER_H
#define FIT_SCALING_SCATTER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/rng.h"
#include "tools/fit-scaling/forms/form.h"

struct scatter {
  bool logarithmic;
  size_t count;
  double *standard;         /* [count] corrected residuals over their scale */
  double mean, deviation;   /* of them */
  double centre;            /* of them, as the objective sees it: their mean for squares, their median for l1 */
  int freedom;              /* runs less free parameters, at least 1 */
  int columns;              /* what the scale depends on: params and tokens, or whichever of them or of compute the runs have */
  enum run_column by[2];
  double exponent[2], middle[2]; /* log scale = sum of exponent (log column - middle) */
  double low, high;              /* of the log scale over the runs */
};

/* runs: those that d is bound to.  false: the form does not predict them, or fewer than two residuals are finite. */
bool scatter_measure(struct scatter *s, const struct form_data *d, const struct fit *best, const struct runs *runs);
void scatter_release(struct scatter *s);

double scatter_scale(const struct scatter *s, const struct run *at);
double scatter_residual(const struct scatter *s, double run, double law);
double scatter_add(const struct scatter *s, double value, double residual); /* a run that lies `residual` from the law's `value` */

/* The residual of one further run: a standard residual drawn at random, smoothed by a normal kernel that leaves their variance
 * as it is, times the scale there. */
double scatter_draw(const struct scatter *s, const struct run *at, struct rng *rng);

/* A draw of what the true scale of the scatter may be over that of so few runs, sqrt(freedom / chi^2): normal residuals times
 * it have Student's distribution. */
double scatter_uncertainty(const struct scatter *s, struct rng *rng);

#endif
