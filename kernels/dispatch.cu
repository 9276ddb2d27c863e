/* SPDX-License-Identifier: MIT
 *
 * Launches dispatch and combine.
 */
#include "kernels/cuda.h"
#include "kernels/dispatch.cuh"

/* Blocks for a warp each of `rows`; 0, with the reason, where they are more than a grid has. */
static unsigned blocks_for(int64_t rows, struct kernel_error *e) {
  int64_t blocks = divide_up(rows, DISPATCH_WARPS);
  if (blocks <= INT32_MAX) return (unsigned)blocks;
  kernel_fail(e, "dispatch: %lld rows are more than a grid has", (long long)rows);
  return 0;
}

template <class T> static int gather(stored *y, const stored *x, const int32_t *sources, int64_t slots, int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (slots <= 0 || C <= 0) return 0;
  unsigned blocks = blocks_for(slots, e);
  if (blocks == 0) return -1;
  if (C % N == 0 && aligned_16({y, x}))
    CUDA_LAUNCH((gather_rows_kernel<T, N>), blocks, DISPATCH_THREADS, 0, cuda_stream(), elements<T>(y), elements<T>(x), sources, slots, C);
  else
    CUDA_LAUNCH((gather_rows_kernel<T, 1>), blocks, DISPATCH_THREADS, 0, cuda_stream(), elements<T>(y), elements<T>(x), sources, slots, C);
  return launched("gather_rows", e);
}

template <class T>
static int sum_rows(const char *op, stored *y, const stored *x, const stored *weights, const int32_t *slots, int64_t rows, int64_t top, int64_t C, bool accumulate,
                    struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows <= 0 || C <= 0) return 0;
  unsigned blocks = blocks_for(rows, e);
  if (blocks == 0) return -1;
  if (C % N == 0 && aligned_16({y, x}))
    CUDA_LAUNCH((sum_rows_kernel<T, N>), blocks, DISPATCH_THREADS, 0, cuda_stream(), elements<T>(y), elements<T>(x), elements<T>(weights), slots, rows, top, C, accumulate);
  else
    CUDA_LAUNCH((sum_rows_kernel<T, 1>), blocks, DISPATCH_THREADS, 0, cuda_stream(), elements<T>(y), elements<T>(x), elements<T>(weights), slots, rows, top, C, accumulate);
  return launched(op, e);
}

template <class T>
static int gather_backward(stored *dx, const stored *dy, const int32_t *slots, int64_t rows, int64_t top, int64_t C, bool accumulate, struct kernel_error *e) {
  return sum_rows<T>("gather_rows_backward", dx, dy, (const stored *)NULL, slots, rows, top, C, accumulate, e);
}

template <class T>
static int combine(stored *y, const stored *x, const stored *weights, const int32_t *slots, int64_t rows, int64_t top, int64_t C, struct kernel_error *e) {
  return sum_rows<T>("combine_forward", y, x, weights, slots, rows, top, C, false, e);
}

template <class T>
static int combine_back(stored *dx, stored *d_weights, const stored *dy, const stored *x, const stored *weights, const int32_t *slots, int64_t rows, int64_t top,
                        int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows <= 0 || top <= 0) return 0;
  unsigned blocks = blocks_for(rows * top, e);
  if (blocks == 0) return -1;
  if (C % N == 0 && aligned_16({dx, dy, x}))
    CUDA_LAUNCH((spread_rows_kernel<T, N>), blocks, DISPATCH_THREADS, 0, cuda_stream(), elements<T>(dx), elements<T>(d_weights), elements<T>(dy), elements<T>(x),
                elements<T>(weights), slots, rows * top, top, C);
  else
    CUDA_LAUNCH((spread_rows_kernel<T, 1>), blocks, DISPATCH_THREADS, 0, cuda_stream(), elements<T>(dx), elements<T>(d_weights), elements<T>(dy), elements<T>(x),
                elements<T>(weights), slots, rows * top, top, C);
  return launched("combine_backward", e);
}

template <class T> static void fill(struct backend *b) {
  b->gather_rows = gather<T>;
  b->gather_rows_backward = gather_backward<T>;
  b->combine_forward = combine<T>;
  b->combine_backward = combine_back<T>;
}

extern "C" void dispatch_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
