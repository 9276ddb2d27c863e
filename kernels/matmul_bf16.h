/* SPDX-License-Identifier: MIT
 *
 * The bfloat16 product of matmul.h: c = alpha round(op(a)) round(op(b)) + beta c, where round() takes a float to the nearest
 * bfloat16, ties to even (NaN stays NaN), and products are summed in float.  Sizes are checked by matmul().
 */
#ifndef KERNELS_MATMUL_BF16_H
#define KERNELS_MATMUL_BF16_H

#include "kernels/backend.h"

#ifndef KERNELS_DOUBLE
int matmul_bf16(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a,
                const float *b, int64_t ld_b, float beta, float *c, int64_t ld_c, struct kernel_error *e);
#endif

#endif
