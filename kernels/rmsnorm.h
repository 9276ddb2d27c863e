/* SPDX-License-Identifier: MIT
 *
 * RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467):  y = x * rstd * weight,  rstd = 1 / sqrt(mean(x^2) + eps).
 *
 * x, y, dx, dy: [rows][C]; weight, d_weight: [C]; rstd: [rows], written by forward and read by backward.
 * With xn = x * rstd and g = dy * weight:
 *   dx       = rstd * (g - xn * mean(g * xn))     overwritten, or added to when accumulate
 *   d_weight += sum over rows of dy * xn
 * y may be x; dx may be dy when not accumulating.  Sums of a row: double in scalar code, 4 x 8 or 4 x 16 float lanes in
 * vector code.  d_weight: float partial sums of pieces of rows, added in order: the same bits at any thread count.
 * NaN in a row stays in that row.  rows or C of 0 do nothing.
 */
#ifndef KERNELS_RMSNORM_H
#define KERNELS_RMSNORM_H

#include "kernels/backend.h"

int rmsnorm_forward(real *y, real *rstd, const real *x, const real *weight, int64_t rows, int64_t C, real eps,
                    struct kernel_error *e);
int rmsnorm_backward(real *dx, real *d_weight, const real *dy, const real *x, const real *weight, const real *rstd,
                     int64_t rows, int64_t C, bool accumulate, struct kernel_error *e);

#endif
