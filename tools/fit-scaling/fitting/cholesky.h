/* SPDX-License-Identifier: MIT
 *
 * Cholesky's factorisation m = l l' of small symmetric matrices, and the triangular systems it leaves.
 */
#ifndef FIT_SCALING_CHOLESKY_H
#define FIT_SCALING_CHOLESKY_H

#include <stdbool.h>

#include "tools/fit-scaling/fitting/curve.h"

typedef double matrix_row[PARAMETERS_MAX];

/* l takes the place of the lower triangle of m[n]; the upper one is not looked at.  false: a pivot is not above `dependent` times
 * its diagonal element, so that its row follows from those before, or m is not positive definite. */
bool cholesky_factor(int n, matrix_row m[], double dependent);

void cholesky_forward(int n, matrix_row l[], double x[]);  /* x = l^-1 x */
void cholesky_backward(int n, matrix_row l[], double x[]); /* x = l'^-1 x */

#endif
