/* SPDX-License-Identifier: MIT
 *
 * Starts by variable projection (Golub & Pereyra 1973) for laws whose value is a sum of terms with factors that are not
 * negative: for given exponents the factors follow from weighted non-negative least squares on relative residuals.  The cells of
 * a grid of exponents (grid.h) have the true objective.
 */
#ifndef FIT_SCALING_PROJECTION_H
#define FIT_SCALING_PROJECTION_H

#include "tools/fit-scaling/fitting/curve.h"
#include "tools/fit-scaling/fitting/grid.h"
#include "tools/fit-scaling/fitting/least_squares.h"

enum { AXIS_MAX = 64 };

struct projection {
  const struct curve *curve;
  int axes, size[AXES_MAX]; /* a fixed exponent is an axis of size 1 */
  double axis[AXES_MAX][AXIS_MAX];
  int factors;
  double held[UNKNOWNS_MAX]; /* the value of a factor that is fixed; not a number: free */
  /* The terms of point i without their factors, and what their sum should be. */
  double (*terms)(const void *context, size_t i, const double exponent[], double term[]);
  void (*theta)(const void *context, const double exponent[], const double factor[], double theta[]);
  const void *context;
};

/* `size` values in equal ratios from low to high, or, when fixed is a number, only that. */
void projection_axis(struct projection *p, int axis, double low, double high, int size, double fixed);
void projection_even_axis(struct projection *p, int axis, double low, double high, int size, double fixed); /* equal differences */

/* Returns how many of start[max] are set. */
int projection_starts(const struct projection *p, const double *weight, const struct fit_options *options, double (*start)[PARAMETERS_MAX], int max);

#endif
