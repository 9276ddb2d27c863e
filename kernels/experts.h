/* SPDX-License-Identifier: MIT
 *
 * Grouped products of a mixture of experts: expert e multiplies rows starts[e] .. starts[e+1]-1 (route.h), none of them
 * maybe, with its own weight w_e [out][in] at w + e*stride.
 *
 *   forward   y = x w_e^T         y: [slots][out], x: [slots][in]
 *   backward  dx = dy w_e         overwritten; NULL: not wanted
 *             dw_e += dy^T x      at dw + e*stride; NULL: not wanted
 *
 * Sums are float (double when real is double).  Nothing overlaps.  MATMUL_FP32 with vectors runs in an own kernel, the same
 * bits at any thread count; everything else is one matmul() for each expert.
 */
#ifndef KERNELS_EXPERTS_H
#define KERNELS_EXPERTS_H

#include "kernels/backend.h"

int experts_forward(enum matmul_type type, real *y, const real *x, const real *w, int64_t stride, const int32_t *starts,
                    int64_t experts, int64_t slots, int64_t out, int64_t in, struct kernel_error *e);
int experts_backward(enum matmul_type type, real *dx, real *dw, const real *dy, const real *x, const real *w, int64_t stride,
                     const int32_t *starts, int64_t experts, int64_t slots, int64_t out, int64_t in, struct kernel_error *e);

/* struct backend's product of matrices of equal sizes: one matmul() after the other on the CPU, one grouped product on a GPU. */
int matmul_batched(enum matmul_type type, real *c, const real *a, const real *b, const struct batch_shape *s, struct kernel_error *e);

#endif
