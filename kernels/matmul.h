/* SPDX-License-Identifier: MIT
 *
 * c = alpha op(a) op(b) + beta c, row-major.  op(a): [M][K], op(b): [K][N], c: [M][N].
 *
 * ld_*: elements between rows as stored, so a is [M][ld_a] or, transposed, [K][ld_a].  beta 0 does not read c (NaN there
 * vanishes).  c does not overlap a or b.  M, N of 0 do nothing; K of 0 leaves beta c.
 *
 * Float: up to MATMUL_FEW_ROWS rows against a transposed b (a decode step) run in an own kernel bound by the bandwidth
 * that streams b; everything else in oneDNN (built with HAVE_ONEDNN) or OpenBLAS, whose sums are float.  Double: OpenBLAS.
 */
#ifndef KERNELS_MATMUL_H
#define KERNELS_MATMUL_H

#include "kernels/backend.h"

enum { MATMUL_FEW_ROWS = 24 };

int matmul(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const real *a, int64_t ld_a,
           const real *b, int64_t ld_b, real beta, real *c, int64_t ld_c, struct kernel_error *e);

/* Both libraries start their own threads from OpenMP's; this tells OpenBLAS as well. */
void matmul_set_threads(int threads);
/* "oneDNN 2.6.3" or "OpenBLAS 0.3.21 (Cooperlake)"; *warning as backend_cpu_describe(). */
const char *matmul_describe(const char **warning);

#endif
