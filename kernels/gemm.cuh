/* SPDX-License-Identifier: MIT
 *
 * d = alpha op(a) op(b) + beta c for ops that are made of products: matrices of T, row-major; c and d side by side ([M][N]), c
 * may be d and is not looked at where beta is 0.  workspace: cuda_gemm_workspace() bytes of the op's one request.
 */
#ifndef KERNELS_GEMM_CUH
#define KERNELS_GEMM_CUH

#include "kernels/matmul.cuh"

template <class T>
static int gemm(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const T *a, int64_t ld_a, const T *b, int64_t ld_b,
                float beta, const T *c, T *d, void *workspace, struct kernel_error *e) {
  const bool half = sizeof(T) == 2;
  return cuda_gemm(type, transpose_a, transpose_b, M, N, K, alpha, a, half, ld_a, b, half, ld_b, beta, c, d, half, N, workspace, cuda_gemm_workspace(), e);
}

#endif
