/* SPDX-License-Identifier: MIT
 *
 * Rows to the slots of their experts and back (route.h: slots, sources).
 *
 *   gather_rows           y[slot] = x[sources[slot]]
 *   gather_rows_backward  dx[r] = sum over j of dy[slots[r*top + j]]; added to dx when accumulate
 *   combine_forward       y[r] = sum over j of weights[r][j] x[slots[r*top + j]]
 *   combine_backward      dx[slots[r*top + j]] = weights[r][j] dy[r], d_weights[r][j] = dy[r] . x[slots[r*top + j]], both overwritten
 *
 * x of gather, y and dy of combine: [rows][C]; their counterparts [slots][C], slots = rows*top; weights: [rows][top].
 * In combine_backward dx may be x.  Sums over j in the order of choice; the dot product: double in scalar code, 2 x 8 or
 * 2 x 16 float lanes in vector code.  The same bits at any thread count.
 */
#ifndef KERNELS_DISPATCH_H
#define KERNELS_DISPATCH_H

#include "kernels/backend.h"

int gather_rows(real *y, const real *x, const int32_t *sources, int64_t slots, int64_t C, struct kernel_error *e);
int gather_rows_backward(real *dx, const real *dy, const int32_t *slots, int64_t rows, int64_t top, int64_t C, bool accumulate,
                         struct kernel_error *e);
int combine_forward(real *y, const real *x, const real *weights, const int32_t *slots, int64_t rows, int64_t top, int64_t C,
                    struct kernel_error *e);
int combine_backward(real *dx, real *d_weights, const real *dy, const real *x, const real *weights, const int32_t *slots,
                     int64_t rows, int64_t top, int64_t C, struct kernel_error *e);

#endif
