/* SPDX-License-Identifier: MIT
 *
 * Token embedding: y[r] = table[ids[r]];  d_table[ids[r]] += dy[r], in the order of r.
 *
 * y, dy: [rows][C]; table, d_table: [V][C]; ids: [rows], each inside the table (the caller has checked).
 * Backward splits columns, not rows, among threads: two rows with one id meet on the same thread, so there are neither
 * atomics nor an order that changes.  A GPU adds the rows of an id that it meets often in pieces (embedding.cuh).
 */
#ifndef KERNELS_EMBEDDING_H
#define KERNELS_EMBEDDING_H

#include "kernels/backend.h"

int embedding_forward(real *y, const real *table, const int32_t *ids, int64_t rows, int64_t C, struct kernel_error *e);
int embedding_backward(real *d_table, const real *dy, const int32_t *ids, int64_t rows, int64_t V, int64_t C, struct kernel_error *e);

#endif
