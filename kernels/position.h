/* SPDX-License-Identifier: MIT
 *
 * Absolute positions:  y[r] += table[past[r / T] + r % T], past NULL: table[r % T];   backward: d_table[r % T] += dy[r], in the order of r.
 *
 * y, dy: [rows][C], sequences of T rows one behind the other; table, d_table: [positions][C], each position inside the table
 * (the caller has checked).  The table is learned (GPT-2) or sinusoidal (Vaswani et al. 2017, arXiv:1706.03762), which differ
 * in who fills it.  The same bits at any thread count.
 */
#ifndef KERNELS_POSITION_H
#define KERNELS_POSITION_H

#include "kernels/backend.h"

int position_forward(real *y, const real *table, int64_t rows, int64_t T, const int64_t *past, int64_t C, struct kernel_error *e);
int position_backward(real *d_table, const real *dy, int64_t rows, int64_t T, int64_t C, struct kernel_error *e);

#endif
