/* SPDX-License-Identifier: MIT
 *
 * Absolute positions on the GPU.  Shapes: position.h; T: float or bf16; N: elements of one load.
 *
 * Threads along a row (x) times positions (y and blockIdx.x).  Forward: blockIdx.z is the sequence; reads y and the table's
 * row, which stays in L2 from one sequence to the next, and writes y: expected 90% of the copy bandwidth.
 * Backward: a thread adds its columns of one position over the sequences in order, as the CPU does, 4 rows under way: dy is
 * read once.  Expected 85% where T C makes enough threads (1024 x 768 makes 98,304 of 8 columns), less for a short T.
 */
#ifndef KERNELS_POSITION_CUH
#define KERNELS_POSITION_CUH

#include "kernels/cuda_cpu.h"

enum { POSITION_THREADS = 128, POSITION_AT_ONCE = 4 };

template <class T, int N>
static __global__ void __launch_bounds__(POSITION_THREADS)
    position_forward_kernel(T *y, const T *table, int64_t rows, int64_t length, const int64_t *past, int64_t C) {
  int64_t t = (int64_t)blockIdx.x * blockDim.y + threadIdx.y, c = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (t >= length || c >= C) return;
  for (int64_t b = blockIdx.z; b * length + t < rows; b += gridDim.z) {
    T *to = y + (b * length + t) * C + c;
    pack<T, N> p = load_pack<T, N>(to), q = load_pack<T, N>(table + ((past ? past[b] : 0) + t) * C + c);
    for (int i = 0; i < N; i++) p.at[i] = from_float<T>(to_float(p.at[i]) + to_float(q.at[i]));
    store_pack<T, N>(to, p);
  }
}

template <class T, int N>
static __global__ void __launch_bounds__(POSITION_THREADS) position_backward_kernel(float *d_table, const T *dy, int64_t rows, int64_t length, int64_t C) {
  const int M = N < 4 ? N : 4;
  int64_t t = (int64_t)blockIdx.x * blockDim.y + threadIdx.y, c = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (t >= length || t >= rows || c >= C) return;
  pack<float, M> sum[N / M];
  for (int i = 0; i < N / M; i++) sum[i] = load_pack<float, M>(d_table + t * C + c + i * M);
  for (int64_t r = t; r < rows; r += POSITION_AT_ONCE * length) {
    pack<T, N> d[POSITION_AT_ONCE];
    for (int j = 0; j < POSITION_AT_ONCE; j++)
      if (r + j * length < rows) d[j] = load_pack<T, N>(dy + (r + j * length) * C + c);
    for (int j = 0; j < POSITION_AT_ONCE; j++)
      if (r + j * length < rows)
        for (int i = 0; i < N; i++) sum[i / M].at[i % M] += to_float(d[j].at[i]);
  }
  for (int i = 0; i < N / M; i++) store_pack<float, M>(d_table + t * C + c + i * M, sum[i]);
}

#endif
