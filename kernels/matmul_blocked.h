/* SPDX-License-Identifier: MIT
 *
 * An own blocked product for CPUs with AVX-512, with the contract of matmul.h: of floats, or rounded to bfloat16 where the
 * CPU multiplies those.  Sizes have been checked and are not 0.  The bits do not depend on the number of threads.
 */
#ifndef KERNELS_MATMUL_BLOCKED_H
#define KERNELS_MATMUL_BLOCKED_H

#include "kernels/cpu.h"

#if CPU_VECTORS
bool matmul_blocked_runs(enum matmul_type type); /* here, with the present variant */
int matmul_blocked(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a,
                   const float *b, int64_t ld_b, float beta, float *c, int64_t ld_c, struct kernel_error *e);
#endif

#endif
