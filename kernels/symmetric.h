/* SPDX-License-Identifier: MIT
 *
 * c = alpha a a^T + beta c for a symmetric c: [n][n], contiguous; a: [n][k], rows ld elements apart, or, transposed (a^T a),
 * [k][n].  Panels of rows are computed up to the diagonal and mirrored, so that little more than half of the products are
 * done.  beta 0 does not read c.  a and c do not overlap.
 */
#ifndef KERNELS_SYMMETRIC_H
#define KERNELS_SYMMETRIC_H

#include "kernels/backend.h"

int matmul_symmetric(enum matmul_type type, bool transpose, int64_t n, int64_t k, real alpha, const real *a, int64_t ld, real beta, real *c,
                     struct kernel_error *e);

#endif
