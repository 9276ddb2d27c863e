/* SPDX-License-Identifier: MIT
 *
 * LayerNorm on the GPU; norm.cuh has the kernels.
 */
#include "kernels/norm.cuh"

template <class T>
static int layernorm_forward(stored *y, real *mean, real *rstd, const stored *x, const real *weight, const real *bias,
                             const struct norm_shape *s, struct kernel_error *e) {
  return norm_forward<T, true>({elements<T>(y), nullptr, mean, rstd, elements<T>(x), nullptr, weight, bias, *s}, "layernorm_forward", e);
}

template <class T>
static int layernorm_backward(stored *dx, real *d_weight, real *d_bias, const stored *dy, const stored *x, const real *weight,
                              const real *mean, const real *rstd, const struct norm_shape *s, bool accumulate, struct kernel_error *e) {
  return norm_backward<T, true>({elements<T>(dx), nullptr, elements<T>(dy), elements<T>(x), weight, mean, rstd, *s, accumulate}, d_weight,
                                d_bias, "layernorm_backward", e);
}

template <class T> static void fill(struct backend *b) {
  b->layernorm_forward = layernorm_forward<T>;
  b->layernorm_backward = layernorm_backward<T>;
}

extern "C" void layernorm_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
