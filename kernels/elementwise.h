/* SPDX-License-Identifier: MIT
 *
 * y[i] = a[i] + b[i] (y may be a or b) and x[i] *= factor, for i in 0..n-1.
 */
#ifndef KERNELS_ELEMENTWISE_H
#define KERNELS_ELEMENTWISE_H

#include "kernels/backend.h"

int elementwise_add(real *y, const real *a, const real *b, int64_t n, struct kernel_error *e);
int elementwise_scale(real *x, real factor, int64_t n, struct kernel_error *e);

#endif
