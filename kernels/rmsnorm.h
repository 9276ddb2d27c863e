/* SPDX-License-Identifier: MIT
 *
 * RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467):  y = x * rstd * weight,  rstd = 1 / sqrt(mean(x^2) + eps),
 * over each of `groups` consecutive runs of C columns in each row: one group is a norm of the row, more are QK-norm
 * (arXiv:2010.04245), a norm of every head with one weight for all heads.
 *
 * x, dx: [rows][ld_x] and y, dy: [rows][ld_y], of which groups*C columns are used and the rest neither read nor written;
 * weight, d_weight: [C]; rstd: [rows*groups], written by forward and read by backward.
 * With xn = x * rstd and g = dy * weight:
 *   dx       = rstd * (g - xn * mean(g * xn))     overwritten, or added to when accumulate
 *   d_weight += sum over rows and groups of dy * xn
 * y may be x where ld_y is ld_x; so may dx be dy when not accumulating.  Sums of a run: double in scalar code, 2 x 8 or 2 x 16
 * float lanes in vector code.  d_weight: float partial sums of pieces of rows, added in order: the same bits at any thread
 * count.  NaN in a run stays in that run.  rows, groups or C of 0 do nothing.
 *
 * add_rmsnorm is the residual and the norm behind it in one pass: sum = a + b, y = rmsnorm(sum); a, b, sum, y: [rows][C];
 * rstd: [rows]; sum may be a or b.
 */
#ifndef KERNELS_RMSNORM_H
#define KERNELS_RMSNORM_H

#include "kernels/backend.h"

int rmsnorm_forward(real *y, real *rstd, const real *x, const real *weight, const struct norm_shape *s, struct kernel_error *e);
int rmsnorm_backward(real *dx, real *d_weight, const real *dy, const real *x, const real *weight, const real *rstd,
                     const struct norm_shape *s, bool accumulate, struct kernel_error *e);
int add_rmsnorm(real *sum, real *y, real *rstd, const real *a, const real *b, const real *weight, int64_t rows, int64_t C, real eps,
                struct kernel_error *e);

#endif
