/* SPDX-License-Identifier: MIT
 *
 * LayerNorm (Ba, Kiros and Hinton 2016, arXiv:1607.06450):  y = (x - mean) * rstd * weight + bias,
 *   mean = mean(x),  rstd = 1 / sqrt(mean((x - mean)^2) + eps),
 * over each of `groups` consecutive runs of C columns in each row, with one weight for all of them.
 *
 * x, dx: [rows][ld_x] and y, dy: [rows][ld_y], of which groups*C columns are used and the rest neither read nor written;
 * weight, d_weight, bias, d_bias: [C], the last two NULL for none; mean, rstd: [rows*groups], written by forward and read by
 * backward.  With xn = (x - mean) * rstd and g = dy * weight:
 *   dx       = rstd * (g - mean(g) - xn * mean(g * xn))     overwritten, or added to when accumulate
 *   d_weight += sum over rows and groups of dy * xn,   d_bias += that of dy
 * y may be x where ld_y is ld_x; so may dx be dy when not accumulating.  The variance is that of a second pass, so a large mean
 * costs no digits.  Sums of a run: double in scalar code, 2 x 8 or 2 x 16 float lanes in vector code.  d_weight, d_bias: float
 * partial sums of pieces of rows, added in order: the same bits at any thread count.  NaN in a run stays in that run.  rows,
 * groups or C of 0 do nothing.
 */
#ifndef KERNELS_LAYERNORM_H
#define KERNELS_LAYERNORM_H

#include "kernels/backend.h"

int layernorm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias, const struct norm_shape *s,
                      struct kernel_error *e);
int layernorm_backward(real *dx, real *d_weight, real *d_bias, const real *dy, const real *x, const real *weight, const real *mean,
                       const real *rstd, const struct norm_shape *s, bool accumulate, struct kernel_error *e);

#endif
