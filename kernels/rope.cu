/* SPDX-License-Identifier: MIT
 *
 * Rotary position embedding on the GPU; rope.cuh has the kernel.
 */
#include "kernels/rope.cuh"

extern "C" {
#include "kernels/rope.h"
}

template <class T>
static int rope(stored *x, int64_t ld, int64_t step, const real *cosine, const real *sine, int64_t rows, int64_t positions,
                const int64_t *past, int64_t heads, int64_t D, bool inverse, struct kernel_error *e) {
  enum { N = 16 / sizeof(T) };
  if (rope_check(positions, step, heads, D, e) != 0) return -1;
  if (rows == 0 || heads == 0 || D == 0) return 0;
  int64_t half = D / 2, chunks = divide_up(heads, ROPE_HEADS);
  bool aligned = half % N == 0 && ld % N == 0 && (heads == 1 || step % N == 0) && aligned_16({x, cosine, sine});
  int64_t blocks = divide_up(rows * chunks * (half / (aligned ? N : 1)), ROPE_THREADS);
  float sign = inverse ? -1 : 1;
  if (aligned)
    CUDA_LAUNCH((rope_kernel<T, N>), (unsigned)blocks, ROPE_THREADS, 0, cuda_stream(), elements<T>(x), ld, step, cosine, sine, rows, positions, past,
                (int)heads, (int)chunks, (int)half, sign);
  else
    CUDA_LAUNCH((rope_kernel<T, 1>), (unsigned)blocks, ROPE_THREADS, 0, cuda_stream(), elements<T>(x), ld, step, cosine, sine, rows, positions, past,
                (int)heads, (int)chunks, (int)half, sign);
  return launched("rope", e);
}

template <class T> static void fill(struct backend *b) { b->rope = rope<T>; }

extern "C" void rope_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
