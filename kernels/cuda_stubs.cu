/* SPDX-License-Identifier: MIT
 *
 * Hyena's ops, which are not on the GPU yet: they say so.
 */
#include <tuple>

#include "kernels/cuda.h"

template <class... A> static int absent(A... arguments) {
  struct kernel_error *e = std::get<sizeof...(A) - 1>(std::tie(arguments...));
  return kernel_fail(e, "Hyena's convolutions are not on the GPU yet: use --device cpu");
}

extern "C" void convolution_cuda(struct backend *b, bool) {
  b->short_convolution_forward = absent, b->short_convolution_backward = absent, b->short_convolution_cached = absent;
  b->long_convolution_forward = absent, b->long_convolution_backward = absent, b->long_convolution_cached = absent;
}

extern "C" void filter_cuda(struct backend *b, bool) { b->filter_forward = absent, b->filter_backward = absent; }
