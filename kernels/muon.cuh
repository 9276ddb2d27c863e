/* SPDX-License-Identifier: MIT
 *
 * Muon on the GPU; muon.h has the formula.  T, the type of x, A and b A + c A A: float, or bf16 where Newton-Schulz is in
 * bfloat16, with PyTorch's roundings as the CPU does them.
 *
 * The products are cuBLASLt's, with addends beside the result (b A, a x), so that a step of Newton-Schulz is three products and no
 * pass of ours.  Around them are three passes, bound by memory, of 16-byte accesses, one use of everything:
 *   blend    momentum and u in one pass, with the partial sums of u's squares: 12 bytes an element + u
 *   divide   x = u / max(|u|, 1e-7) in place; the norm stays on the device
 *   apply    8 bytes an element + x
 * >= 90% of a copy's bandwidth each, for matrices of a million elements or more; smaller ones are bound by the ~20 launches.  On a
 * matrix n x n the products' 30 n^3 operations take n / 200 times as long as the passes' 28 n^2 bytes (bf16 at 700 TFLOP/s, 3 TB/s),
 * so from n = 1,000 on they are what counts.  Both Gram products are symmetric; half of them is not saved here.
 */
#ifndef KERNELS_MUON_CUH
#define KERNELS_MUON_CUH

#include "kernels/squares.cuh"

enum { MUON_THREADS = 256, MUON_BLOCKS_EACH = 8 /* a multiprocessor: what 32 registers allow */ };

struct muon_coefficients { /* as of muon.c */
  float scale, momentum, toward, keep, rate;
  bool nesterov;
};

/* lerp(x, y, w) as PyTorch computes it: from y where w >= 1/2; rest = w - 1 */
static __device__ __forceinline__ float muon_lerp(float x, float y, float w, float rest) { return w < 0.5f ? fmaf(w, y - x, x) : fmaf(rest, y - x, y); }

/* partial[blockIdx.x] = the sum of squares of this block's u.  Chunks as of squares_kernel, a round of the block's threads at a time. */
template <class T, int N>
__global__ void __launch_bounds__(SQUARES_THREADS, MUON_BLOCKS_EACH) muon_blend_kernel(T *u, double *partial, const float *gradient, float *momentum, int64_t n, muon_coefficients k) {
  double sum = 0;
  for (int64_t i = ((int64_t)blockIdx.x * SQUARES_THREADS + threadIdx.x) * N; i < n; i += (int64_t)gridDim.x * SQUARES_THREADS * N) {
    pack<float, N> g = load_pack<float, N>(gradient + i), m = load_pack<float, N>(momentum + i);
    pack<T, N> out;
#pragma unroll
    for (int j = 0; j < N; j++) {
      float x = g.at[j] * k.scale;
      m.at[j] = muon_lerp(m.at[j], x, k.toward, k.toward - 1);
      out.at[j] = from_float<T>(k.nesterov ? muon_lerp(x, m.at[j], k.momentum, k.momentum - 1) : m.at[j]);
      double square = (double)to_float(out.at[j]);
      sum = fma(square, square, sum);
    }
    store_pack<float, N>(momentum + i, m);
    store_pack<T, N>(u + i, out);
  }
  sum = squares_block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/* *norm = what u is divided by */
template <class T> __global__ void __launch_bounds__(SQUARES_THREADS) muon_norm_kernel(float *norm, const double *partial, int pieces) {
  double size = sqrt(squares_total(partial, pieces));
  if (threadIdx.x == 0) *norm = to_float(from_float<T>((float)(size > 1e-7 ? size : 1e-7)));
}

template <class T, int N> __global__ void __launch_bounds__(MUON_THREADS) muon_divide_kernel(T *x, const float *norm, int64_t n) {
  int64_t i = ((int64_t)blockIdx.x * MUON_THREADS + threadIdx.x) * N;
  if (i >= n) return;
  float by = *norm;
  pack<T, N> p = load_pack<T, N>(x + i);
#pragma unroll
  for (int j = 0; j < N; j++) p.at[j] = from_float<T>(to_float(p.at[j]) / by);
  store_pack<T, N>(x + i, p);
}

template <class T, int N> __global__ void __launch_bounds__(MUON_THREADS) muon_apply_kernel(float *p, const T *x, int64_t n, muon_coefficients k) {
  int64_t i = ((int64_t)blockIdx.x * MUON_THREADS + threadIdx.x) * N;
  if (i >= n) return;
  pack<float, N> value = load_pack<float, N>(p + i);
  pack<T, N> step = load_pack<T, N>(x + i);
#pragma unroll
  for (int j = 0; j < N; j++) value.at[j] = fmaf(-k.rate, to_float(step.at[j]), value.at[j] * k.keep);
  store_pack<float, N>(p + i, value);
}

#endif
