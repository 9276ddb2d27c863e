/* SPDX-License-Identifier: MIT
 *
 * AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101), in PyTorch's order.  With g = gradient * gradient_scale, t = step:
 *   p -= lr * weight_decay * p
 *   m  = beta1 m + (1 - beta1) g
 *   v  = beta2 v + (1 - beta2) g^2
 *   p -= lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps)
 * All arrays: [n], not overlapping.  Coefficients are computed in double and applied in `real`.
 *
 * sum_squares: *sum += sum of x[i]^2, in double, pieces of 16,384 elements added in order.
 */
#ifndef KERNELS_OPTIMIZER_H
#define KERNELS_OPTIMIZER_H

#include "kernels/backend.h"

int adamw(real *parameter, const real *gradient, real *m, real *v, int64_t n, const struct adamw_settings *s,
          struct kernel_error *e);
int sum_squares(double *sum, const real *x, int64_t n, struct kernel_error *e);

#endif
