/* SPDX-License-Identifier: MIT
 *
 * Passes over elements.  Matrices are rows of C elements, ld apart.
 *   elementwise_add    y[i] = a[i] + b[i], y may be a or b          elementwise_scale  x[i] *= factor
 *   bias_forward       y[r] += bias                                 bias_backward      d_bias += sum over r of dy[r]
 *   multiply           y = a * b, y may be a or b where their ld is that of y
 *   multiply_backward  da = dy * b, db = dy * a, overwritten; da and a are ld_a apart, db and b ld_b; da may be a, db may be b
 *   copy_rows          to[r] = from[r]                             cache_append       row past[b] + t of sequence b = x[b*T + t]
 *   dropout            x[i] = keep(key, i) ? x[i] / (1 - p) : 0     (Srivastava et al. 2014, JMLR 15), 0 <= p < 1
 * bias_backward sums in reals: rows four at a time, then pieces of rows, each in order.
 *
 * keep(key, i) holds with probability 1 - p, to 2^-32, and depends on nothing but key and i: backward makes the same mask again.
 * It compares a 32-bit word of Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with p 2^32:
 * element i takes word i % 64 / 16 of the block with the counter i / 64 * 16 + i % 16 under `key`, so that a vector of
 * neighbouring elements takes the same word of neighbouring counters.
 */
#ifndef KERNELS_ELEMENTWISE_H
#define KERNELS_ELEMENTWISE_H

#include "kernels/backend.h"

int elementwise_add(real *y, const real *a, const real *b, int64_t n, struct kernel_error *e);
int elementwise_scale(real *x, real factor, int64_t n, struct kernel_error *e);
int bias_forward(real *y, int64_t ld, const real *bias, int64_t rows, int64_t C, struct kernel_error *e);
int bias_backward(real *d_bias, const real *dy, int64_t ld, int64_t rows, int64_t C, struct kernel_error *e);
int multiply(real *y, int64_t ld_y, const real *a, int64_t ld_a, const real *b, int64_t ld_b, int64_t rows, int64_t C,
             struct kernel_error *e);
int multiply_backward(real *da, int64_t ld_a, real *db, int64_t ld_b, const real *dy, int64_t ld_y, const real *a, const real *b,
                      int64_t rows, int64_t C, struct kernel_error *e);
int dropout(real *x, int64_t n, double p, uint64_t key, struct kernel_error *e);
int copy_rows(real *to, int64_t ld_to, const real *from, int64_t ld_from, int64_t rows, int64_t C, struct kernel_error *e);
int cache_append(real *cache, int64_t ld_cache, const struct cache_pages *pages, const int64_t *past, const real *x, int64_t ld_x, int64_t B,
                 int64_t T, int64_t C, struct kernel_error *e);

/* In how many pieces ops cut rows whose sum they take: enough to share among threads, few enough to add up, and the same for
 * any number of threads.  Piece p holds rows rows*p/pieces .. rows*(p+1)/pieces - 1. */
static inline int64_t row_pieces(int64_t rows) { return rows < 64 ? 1 : rows < 64 * 32 ? rows / 32 : 64; }

#endif
