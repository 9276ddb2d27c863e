/* SPDX-License-Identifier: MIT
 *
 * The shares of sources in a mixture that minimise a sum of exponentials, F(r) = sum over laws k of exp(u_k + t_k . r), over
 * r >= 0, r <= limit, sum r = 1.  F is convex: there is one least value, and with as many laws as sources, one place for it.
 */
#ifndef FIT_SCALING_SHARES_H
#define FIT_SCALING_SHARES_H

#include "tools/fit-scaling/fitting/curve.h"

/* u: [laws]; t: [laws][sources]; limit: [sources], of which the sum is at least 1.  Exact to about 1e-9; at most
 * PARAMETERS_MAX sources. */
void shares_minimise(int laws, int sources, const double u[], const double t[], const double limit[], double shares[]);

#endif
