/* SPDX-License-Identifier: MIT
 *
 * Intervals by profile likelihood: a number q that follows from the law may be c if the best fit among the laws with q = c is
 * not much worse than the best of all (Bates & Watts 1988, chapter 6).  For squares that is the F test; for huber and l1 the
 * rise of the objective is scaled by the density of the residuals around 0, estimated with a kernel (Koenker & Bassett 1982),
 * so their intervals are approximate.  The scatter is taken to be even.
 */
#ifndef FIT_SCALING_PROFILE_H
#define FIT_SCALING_PROFILE_H

#include "tools/fit-scaling/forms/form.h"

struct profile_limits {
  double low, high; /* not a number: the form has no curve, or q has no value at the best fit */
};

/* best: the optimum of all runs of d.  value(context, law) is q, smooth where it is finite. */
struct profile_limits profile_limits(const struct form_data *d, const struct fit *best, double level, double (*value)(const void *context, const double *law),
                                     const void *context);

#endif
