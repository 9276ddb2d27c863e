/* SPDX-License-Identifier: MIT
 *
 * Where a curve through scattered points is lowest, for the loss of one budget over log N (Hoffmann et al. 2022, approach 2).
 *
 * parabola  y = c0 + c1 x + c2 x^2 by least squares, again and again with weights exp(-d^2 / 2) of the points' distance d
 *           from the last minimum, so that points further than a factor e hardly matter: the loss is no parabola there
 * spline    the natural cubic smoothing spline (Reinsch 1967), its smoothing chosen by generalised cross-validation
 *           (Craven & Wahba 1979); without noise it runs through the points
 */
#ifndef FIT_SCALING_MINIMUM_H
#define FIT_SCALING_MINIMUM_H

#include <stdbool.h>
#include <stddef.h>

enum minima { MINIMA_PARABOLA, MINIMA_SPLINE };

struct minimum {
  double x, y;
  double curvature; /* y is about y + curvature (x - minimum.x)^2 near the minimum; above 0 */
};

/* x ascending, equal ones allowed; weight NULL: 1 each, points of weight 0 are not there.  robust: points that lie far off
 * the parabola against the others count less (Huber's weights, 1.345 robust standard deviations).
 * NULL, or why there is no minimum between the points. */
const char *minimum_find(struct minimum *m, enum minima how, bool robust, const double *x, const double *y, const double *weight, size_t n);

#endif
