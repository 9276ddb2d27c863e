/* SPDX-License-Identifier: MIT
 *
 * Small non-negative least squares, for laws that are linear once their exponents are given (variable projection, Golub &
 * Pereyra 1973).
 */
#ifndef FIT_SCALING_LEAST_SQUARES_H
#define FIT_SCALING_LEAST_SQUARES_H

#include <stdbool.h>

enum { UNKNOWNS_MAX = 4 };

/* x >= 0 that minimises x' m x / 2 - r' x for the k x k normal matrix m and right side r: the best of the 2^k - 1 subsets of
 * unknowns that are not 0.  false: none has a solution. */
bool nonnegative_least_squares(int k, double x[], const double m[UNKNOWNS_MAX][UNKNOWNS_MAX], const double r[]);

/* The same where unknowns whose `held` is a number have that value. */
bool held_least_squares(int k, double x[], const double m[UNKNOWNS_MAX][UNKNOWNS_MAX], const double r[], const double held[]);

#endif
