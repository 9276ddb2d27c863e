/* SPDX-License-Identifier: MIT
 *
 * c = alpha op(a) op(b) + beta c, row-major.  op(a): [M][K], op(b): [K][N], c: [M][N].
 *
 * ld_*: elements between rows as stored, so a is [M][ld_a] or, transposed, [K][ld_a].  beta 0 does not read c (NaN there
 * vanishes).  c does not overlap a or b.  M, N of 0 do nothing; K of 0 leaves beta c.
 *
 * type MATMUL_BF16: a and b are rounded to bfloat16 first (to nearest, ties to even; NaN stays), products are summed in
 * float.  With AVX-512 BF16 subnormal numbers count as zero; other CPUs round the same way, multiply as floats, and differ in the
 * last bits of the sums.  Where real is double the type is ignored: nothing is rounded.
 * MATMUL_TF32 is taken as MATMUL_FP32; MATMUL_FP8 fails.
 * b is packed at each call, which pays from about 32 rows of c on: steps of generation are faster as MATMUL_FP32.
 *
 * Float: up to MATMUL_FEW_ROWS rows against a transposed b (a decode step) run in an own kernel bound by the bandwidth
 * that streams b; others in oneDNN (built with HAVE_ONEDNN), an own blocked kernel (matmul_blocked.h), or OpenBLAS, whose sums
 * are float.  Double: OpenBLAS.
 */
#ifndef KERNELS_MATMUL_H
#define KERNELS_MATMUL_H

#include "kernels/backend.h"

enum { MATMUL_FEW_ROWS = 24 };

int matmul(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const real *a,
           int64_t ld_a, const real *b, int64_t ld_b, real beta, real *c, int64_t ld_c, struct kernel_error *e);

/* The products of a layer y = x w^T + bias and of its backward pass, w: [out][in]. */
int linear_forward(enum matmul_type type, real *y, int64_t ld_y, const real *x, int64_t ld_x, const real *w, const real *bias, int64_t rows,
                   int64_t out, int64_t in, struct kernel_error *e);
int linear_backward_input(enum matmul_type type, real *dx, int64_t ld_x, const real *dy, int64_t ld_y, const real *w, int64_t rows, int64_t out,
                          int64_t in, bool accumulate, struct kernel_error *e);
int linear_backward_weight(enum matmul_type type, real *dw, real *d_bias, const real *dy, int64_t ld_y, const real *x, int64_t ld_x, int64_t rows,
                           int64_t out, int64_t in, bool accumulate, struct kernel_error *e);
int linear_backward(enum matmul_type type, real *dx, real *dw, real *d_bias, const real *dy, int64_t ld_y, const real *x, int64_t ld_x, const real *w,
                    int64_t rows, int64_t out, int64_t in, bool accumulate_x, bool accumulate_w, struct kernel_error *e);

/* Both libraries start their own threads from OpenMP's; this tells OpenBLAS as well. */
void matmul_set_threads(int threads);
/* "oneDNN 2.6.3" or "OpenBLAS 0.3.21 (Cooperlake)"; *warning as backend_cpu_describe(). */
const char *matmul_describe(const char **warning);

#endif
