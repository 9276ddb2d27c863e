/* SPDX-License-Identifier: MIT
 *
 * RMSNorm on the GPU; the contract is that of rmsnorm_cuda.h, for T = float or bf16 (x, y, dx, dy and weight), with rstd,
 * d_weight and all sums in float.
 *
 * Forward: a warp takes a row, 16 bytes a lane at a time, so there is no barrier.
 * Backward: a block takes a contiguous piece of the rows, one row at a time; a thread always has the same columns and adds
 * their part of d_weight to shared memory nobody else touches, and the block writes one row of partial sums in the end.  A
 * second kernel adds the pieces in a fixed order: no atomics, the same bits every time.
 * N: elements read at once (16 bytes), or 1 where C or a pointer is not aligned to that.
 */
#ifndef KERNELS_RMSNORM_CUH
#define KERNELS_RMSNORM_CUH

#include "kernels/cuda_cpu.h"

enum { RMSNORM_THREADS = 128, RMSNORM_MOST_PIECES = 512, RMSNORM_COLUMNS = 32, RMSNORM_PARTS = 8 };

template <class T, int N> struct __align__(sizeof(T) * N) rmsnorm_pack {
  T at[N];
};
template <class T, int N> static __device__ __forceinline__ rmsnorm_pack<T, N> rmsnorm_load(const T *p) {
  return *reinterpret_cast<const rmsnorm_pack<T, N> *>(p);
}
template <class T, int N> static __device__ __forceinline__ void rmsnorm_store(T *p, rmsnorm_pack<T, N> x) {
  *reinterpret_cast<rmsnorm_pack<T, N> *>(p) = x;
}

static __device__ __forceinline__ float rmsnorm_warp_sum(float x) {
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffffu, x, distance);
  return x;
}

/* The sum over the block's RMSNORM_THREADS threads, in every thread. */
static __device__ __forceinline__ float rmsnorm_block_sum(float x) {
  __shared__ float sums[RMSNORM_THREADS / 32];
  x = rmsnorm_warp_sum(x);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = x;
  __syncthreads();
  x = 0;
  for (int i = 0; i < RMSNORM_THREADS / 32; i++) x += sums[i];
  __syncthreads(); /* before the next row's sums are written */
  return x;
}

template <class T, int N>
__global__ void __launch_bounds__(RMSNORM_THREADS)
    rmsnorm_forward_kernel(T *y, float *rstd, const T *x, const T *weight, int64_t rows, int C, float eps) {
  int lane = threadIdx.x % 32;
  int64_t row = (int64_t)blockIdx.x * (RMSNORM_THREADS / 32) + threadIdx.x / 32;
  if (row >= rows) return; /* the whole warp */
  x += row * C, y += row * C;
  float sum = 0;
  for (int c = lane * N; c < C; c += 32 * N) {
    rmsnorm_pack<T, N> p = rmsnorm_load<T, N>(x + c);
    for (int i = 0; i < N; i++) sum += to_float(p.at[i]) * to_float(p.at[i]);
  }
  float s = 1 / sqrtf(rmsnorm_warp_sum(sum) / (float)C + eps);
  if (lane == 0) rstd[row] = s;
  for (int c = lane * N; c < C; c += 32 * N) {
    rmsnorm_pack<T, N> p = rmsnorm_load<T, N>(x + c), w = rmsnorm_load<T, N>(weight + c);
    for (int i = 0; i < N; i++) p.at[i] = from_float<T>(to_float(p.at[i]) * s * to_float(w.at[i]));
    rmsnorm_store<T, N>(y + c, p);
  }
}

/* partial: [gridDim.x][C]; dynamic shared memory: [C] floats. */
template <class T, int N>
__global__ void __launch_bounds__(RMSNORM_THREADS)
    rmsnorm_backward_kernel(T *dx, float *partial, const T *dy, const T *x, const T *weight, const float *rstd, int64_t rows,
                            int C, bool accumulate) {
  CUDA_DYNAMIC_SHARED(float, d_weight); /* a thread's own columns only */
  for (int c = threadIdx.x * N; c < C; c += RMSNORM_THREADS * N)
    for (int i = 0; i < N; i++) d_weight[c + i] = 0;
  int64_t begin = rows * blockIdx.x / gridDim.x, end = rows * (blockIdx.x + 1) / gridDim.x;
  for (int64_t row = begin; row < end; row++) {
    int64_t at = row * C;
    float s = rstd[row], sum = 0;
    for (int c = threadIdx.x * N; c < C; c += RMSNORM_THREADS * N) {
      rmsnorm_pack<T, N> p = rmsnorm_load<T, N>(x + at + c), d = rmsnorm_load<T, N>(dy + at + c), w = rmsnorm_load<T, N>(weight + c);
      for (int i = 0; i < N; i++) sum += to_float(d.at[i]) * to_float(w.at[i]) * to_float(p.at[i]);
    }
    float mean = rmsnorm_block_sum(sum) * s / (float)C;
    for (int c = threadIdx.x * N; c < C; c += RMSNORM_THREADS * N) {
      rmsnorm_pack<T, N> p = rmsnorm_load<T, N>(x + at + c), d = rmsnorm_load<T, N>(dy + at + c), w = rmsnorm_load<T, N>(weight + c);
      rmsnorm_pack<T, N> out;
      if (accumulate) out = rmsnorm_load<T, N>(dx + at + c);
      for (int i = 0; i < N; i++) {
        float xn = to_float(p.at[i]) * s, g = to_float(d.at[i]);
        d_weight[c + i] += g * xn;
        g = s * (g * to_float(w.at[i]) - xn * mean);
        out.at[i] = from_float<T>(accumulate ? to_float(out.at[i]) + g : g);
      }
      rmsnorm_store<T, N>(dx + at + c, out);
    }
  }
  for (int c = threadIdx.x * N; c < C; c += RMSNORM_THREADS * N)
    for (int i = 0; i < N; i++) partial[(int64_t)blockIdx.x * C + c + i] = d_weight[c + i];
}

/* d_weight += sum over pieces of partial.  A block has RMSNORM_COLUMNS columns x RMSNORM_PARTS interleaved parts of the
 * pieces. */
static __global__ void __launch_bounds__(RMSNORM_COLUMNS *RMSNORM_PARTS)
    rmsnorm_reduce_kernel(float *d_weight, const float *partial, int pieces, int C) {
  __shared__ float sums[RMSNORM_PARTS][RMSNORM_COLUMNS];
  int c = blockIdx.x * RMSNORM_COLUMNS + threadIdx.x;
  float sum = 0;
  for (int p = threadIdx.y; c < C && p < pieces; p += RMSNORM_PARTS) sum += partial[(int64_t)p * C + c];
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y > 0 || c >= C) return;
  for (int i = 1; i < RMSNORM_PARTS; i++) sum += sums[i][threadIdx.x];
  d_weight[c] += sum;
}

#endif
