/* SPDX-License-Identifier: MIT
 *
 * RMSNorm on the GPU, alone and behind a residual; norm.cuh has the kernels.
 */
#include "kernels/norm.cuh"

template <class T>
static int rmsnorm_forward(stored *y, real *rstd, const stored *x, const real *weight, const struct norm_shape *s, struct kernel_error *e) {
  return norm_forward<T, false>({elements<T>(y), nullptr, nullptr, rstd, elements<T>(x), nullptr, weight, nullptr, *s}, "rmsnorm_forward", e);
}

template <class T>
static int rmsnorm_backward(stored *dx, real *d_weight, const stored *dy, const stored *x, const real *weight, const real *rstd,
                            const struct norm_shape *s, bool accumulate, struct kernel_error *e) {
  return norm_backward<T, false>({elements<T>(dx), nullptr, elements<T>(dy), elements<T>(x), weight, nullptr, rstd, *s, accumulate}, d_weight,
                                 nullptr, "rmsnorm_backward", e);
}

template <class T>
static int add_rmsnorm(stored *sum, stored *y, real *rstd, const stored *a, const stored *b, const real *weight, int64_t rows, int64_t C,
                       real eps, struct kernel_error *e) {
  struct norm_shape s = {rows, 1, C, C, C, eps};
  return norm_forward<T, false>({elements<T>(y), elements<T>(sum), nullptr, rstd, elements<T>(a), elements<T>(b), weight, nullptr, s},
                                "add_rmsnorm", e);
}

template <class T> static void fill(struct backend *b) {
  b->rmsnorm_forward = rmsnorm_forward<T>;
  b->rmsnorm_backward = rmsnorm_backward<T>;
  b->add_rmsnorm = add_rmsnorm<T>;
}

extern "C" void rmsnorm_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
