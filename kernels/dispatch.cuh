/* SPDX-License-Identifier: MIT
 *
 * Rows to the slots of their experts and back on the GPU; dispatch.h has the formulas.
 *
 * A warp takes one row of the result (of combine_backward: one slot's), 16 bytes a lane at a time, so that every access to
 * memory is 512 bytes side by side however rows are scattered, and there are no barriers.  Each slot belongs to one row: sums
 * run over j in the order of choice, in float, the same bits every time.  In combine_backward the warps of a row's choices
 * stand side by side in a block and share dy through the first cache.
 * N: elements read at once (16 bytes), or 1 where C or a pointer is not aligned to that.
 * Expected on an H100: >= 90% of the copy bandwidth for rows of 1 KB and more, because each byte moves once and a warp keeps
 * four (gather) or `top` (combine) loads of 512 bytes in flight; shorter rows leave lanes idle.
 */
#ifndef KERNELS_DISPATCH_CUH
#define KERNELS_DISPATCH_CUH

#include "kernels/cuda_cpu.h"

enum { DISPATCH_THREADS = 256, DISPATCH_WARPS = DISPATCH_THREADS / 32 };

template <class T, int N>
__global__ void __launch_bounds__(DISPATCH_THREADS)
    gather_rows_kernel(T *__restrict__ y, const T *__restrict__ x, const int32_t *__restrict__ sources, int64_t slots, int64_t C) {
  int64_t slot = (int64_t)blockIdx.x * DISPATCH_WARPS + threadIdx.x / 32;
  if (slot >= slots) return;
  y += slot * C, x += sources[slot] * C;
#pragma unroll 4
  for (int64_t c = threadIdx.x % 32 * N; c < C; c += 32 * N) store_pack<T, N>(y + c, load_pack<T, N>(x + c));
}

/* y[r] = or += sum over j of weights[r][j] x[slots[r*top + j]]; weights NULL: all 1. */
template <class T, int N>
__global__ void __launch_bounds__(DISPATCH_THREADS)
    sum_rows_kernel(T *__restrict__ y, const T *__restrict__ x, const T *__restrict__ weights, const int32_t *__restrict__ slots, int64_t rows, int64_t top,
                    int64_t C, bool accumulate) {
  int64_t row = (int64_t)blockIdx.x * DISPATCH_WARPS + threadIdx.x / 32;
  if (row >= rows) return;
  y += row * C, slots += row * top;
  for (int64_t c = threadIdx.x % 32 * N; c < C; c += 32 * N) {
    float sum[N];
    pack<T, N> p;
    if (accumulate) p = load_pack<T, N>(y + c);
    for (int i = 0; i < N; i++) sum[i] = accumulate ? to_float(p.at[i]) : 0;
#pragma unroll 4
    for (int64_t j = 0; j < top; j++) {
      float w = weights ? to_float(weights[row * top + j]) : 1;
      p = load_pack<T, N>(x + slots[j] * C + c);
      for (int i = 0; i < N; i++) sum[i] += w * to_float(p.at[i]);
    }
    for (int i = 0; i < N; i++) p.at[i] = from_float<T>(sum[i]);
    store_pack<T, N>(y + c, p);
  }
}

/* dx may be x: a lane reads what it overwrites, and before that. */
template <class T, int N>
__global__ void __launch_bounds__(DISPATCH_THREADS)
    spread_rows_kernel(T *dx, T *d_weights, const T *__restrict__ dy, const T *x, const T *__restrict__ weights, const int32_t *__restrict__ slots, int64_t choices,
                       int64_t top, int64_t C) {
  int64_t i = (int64_t)blockIdx.x * DISPATCH_WARPS + threadIdx.x / 32;
  if (i >= choices) return;
  int64_t at = slots[i] * C;
  float w = to_float(weights[i]), sum = 0;
  dy += i / top * C, x += at, dx += at;
  for (int64_t c = threadIdx.x % 32 * N; c < C; c += 32 * N) {
    pack<T, N> d = load_pack<T, N>(dy + c), p = load_pack<T, N>(x + c);
    for (int k = 0; k < N; k++) {
      float g = to_float(d.at[k]);
      sum += g * to_float(p.at[k]);
      d.at[k] = from_float<T>(w * g);
    }
    store_pack<T, N>(dx + c, d);
  }
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) d_weights[i] = from_float<T>(sum);
}

#endif
