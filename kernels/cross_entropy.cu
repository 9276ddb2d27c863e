/* SPDX-License-Identifier: MIT
 *
 * Launches the cross-entropy's kernel.
 */
#include "kernels/cross_entropy.cuh"

#include "kernels/cuda.h"

template <class T>
static int cross_entropy(real *losses, stored *logits, int64_t ld, const int32_t *targets, int64_t rows, int64_t V, real gradient_scale, real z, bool with_gradient,
                         struct kernel_error *e) {
  if (rows == 0) return 0;
  int64_t bytes = V * (int64_t)sizeof(T), room = (int64_t)cuda_device()->shared_bytes - 512; /* sums, and what the driver keeps */
  if (V < 1 || bytes > (int64_t)1 << 32 || rows > INT32_MAX)
    return kernel_fail(e, "cross-entropy: %lld rows of %lld logits, 2^31 rows of 4 GB are possible", (long long)rows, (long long)V);
  int64_t kept = !with_gradient ? 0 : bytes < room ? bytes / 16 : room / 16;
  unsigned threads = bytes <= 8 << 10 ? 128 : bytes <= 32 << 10 ? 256 : bytes <= 112 << 10 ? 512 : 1024;
  CUDA_LAUNCH(cross_entropy_kernel<T>, (unsigned)rows, threads, (size_t)kept * 16, cuda_stream(), losses, elements<T>(logits), ld, targets, V, gradient_scale, z,
              with_gradient, (int)kept);
  return launched("cross_entropy", e);
}

template <class T> static void fill(struct backend *b) { b->cross_entropy = cross_entropy<T>; }
extern "C" void cross_entropy_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
