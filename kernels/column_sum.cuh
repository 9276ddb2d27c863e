/* SPDX-License-Identifier: MIT
 *
 * Sums over rows for gradients of vectors (biases, weights of norms), without atomics: blocks write rows of partial sums, and
 * columns_reduce adds these in their order.
 *
 * columns_sum_kernel makes such rows from a matrix: a block has columns of up to 32 packs of 16 bytes and one piece of the rows; its
 * threads take every blockDim.y-th row, 4 loads at a time, and their sums meet in shared memory and are added in order.  Tiles
 * times pieces are 4 blocks a multiprocessor, which have 64 KB on their way where an H100 needs 18 (matvec.cuh): the matrix is read
 * once, at 90% of the bandwidth from 30 MB on; below that the two launches show, 4-5 microseconds.
 */
#ifndef KERNELS_COLUMN_SUM_CUH
#define KERNELS_COLUMN_SUM_CUH

#include "kernels/cuda.h"

enum { COLUMN_SUM_THREADS = 256, COLUMN_SUM_AT_ONCE = 4, COLUMNS_REDUCE_COLUMNS = 32, COLUMNS_REDUCE_PARTS = 32 };

/* partial: [gridDim.y][columns]; rows of x are ld apart; N divides columns; blockDim: packs and rows of them, COLUMN_SUM_THREADS in all */
template <class T, int N>
static __global__ void __launch_bounds__(COLUMN_SUM_THREADS) columns_sum_kernel(float *partial, const T *x, int64_t ld, int64_t rows, int64_t columns) {
  __shared__ float sums[COLUMN_SUM_THREADS * N]; /* [blockDim.y][blockDim.x * N] */
  const int width = (int)blockDim.x * N;
  int64_t c = (int64_t)blockIdx.x * width + threadIdx.x * N, end = rows * (blockIdx.y + 1) / gridDim.y;
  float sum[N] = {};
  if (c < columns)
    for (int64_t r = rows * blockIdx.y / gridDim.y + threadIdx.y; r < end; r += COLUMN_SUM_AT_ONCE * blockDim.y) {
      pack<T, N> v[COLUMN_SUM_AT_ONCE];
#pragma unroll
      for (int i = 0; i < COLUMN_SUM_AT_ONCE; i++)
        if (r + i * blockDim.y < end) v[i] = load_pack<T, N>(x + (r + i * blockDim.y) * ld + c);
#pragma unroll
      for (int i = 0; i < COLUMN_SUM_AT_ONCE; i++)
        if (r + i * blockDim.y < end)
#pragma unroll
          for (int j = 0; j < N; j++) sum[j] += to_float(v[i].at[j]);
    }
#pragma unroll
  for (int j = 0; j < N; j++) sums[threadIdx.y * width + threadIdx.x * N + j] = sum[j];
  __syncthreads();
  for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < width; i += COLUMN_SUM_THREADS) {
    float all = 0;
    for (int y = 0; y < (int)blockDim.y; y++) all += sums[y * width + i];
    if ((int64_t)blockIdx.x * width + i < columns) partial[blockIdx.y * columns + (int64_t)blockIdx.x * width + i] = all;
  }
}

/* first[c] += the sum of partial[0..pieces-1][c], second (or NULL) the same from column C on.  partial: [pieces][columns].
 * A block has COLUMNS_REDUCE_COLUMNS columns; its part y adds pieces y, y + PARTS, ..., and the parts are added in their order. */
static __global__ void __launch_bounds__(COLUMNS_REDUCE_COLUMNS *COLUMNS_REDUCE_PARTS)
    columns_reduce_kernel(float *first, float *second, const float *partial, int pieces, int64_t columns, int64_t C) {
  __shared__ float sums[COLUMNS_REDUCE_PARTS][COLUMNS_REDUCE_COLUMNS];
  int64_t c = (int64_t)blockIdx.x * COLUMNS_REDUCE_COLUMNS + threadIdx.x;
  float sum = 0;
  if (c < columns)
    for (int p = threadIdx.y; p < pieces; p += COLUMNS_REDUCE_PARTS) sum += partial[p * columns + c];
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y > 0 || c >= columns) return;
  for (int i = 1; i < COLUMNS_REDUCE_PARTS; i++) sum += sums[i][threadIdx.x];
  if (c < C) first[c] += sum;
  else if (second) second[c - C] += sum;
}

/* Queued on cuda_stream(), as is what follows. */
static inline void columns_reduce(float *first, float *second, const float *partial, int pieces, int64_t columns, int64_t C) {
  CUDA_LAUNCH(columns_reduce_kernel, (unsigned)divide_up(columns, COLUMNS_REDUCE_COLUMNS), dim3(COLUMNS_REDUCE_COLUMNS, COLUMNS_REDUCE_PARTS), 0,
              cuda_stream(), first, second, partial, pieces, columns, C);
}

struct column_sum_plan {
  dim3 grid, block;
  int64_t pack;
};

template <class T> static inline struct column_sum_plan column_sum_plan(const T *x, int64_t ld, int64_t rows, int64_t columns) {
  struct column_sum_plan p;
  p.pack = 16 / (int64_t)sizeof(T);
  if (!aligned_16({x}) || ld % p.pack != 0 || columns % p.pack != 0) p.pack = 1;
  unsigned width = 1;
  while (width < 32 && width * p.pack < columns) width *= 2;
  p.block = dim3(width, COLUMN_SUM_THREADS / width);
  int64_t tiles = divide_up(columns, width * p.pack), pieces = 4 * cuda_device()->processors / tiles, most = divide_up(rows, COLUMN_SUM_AT_ONCE * p.block.y);
  pieces = pieces < 1 ? 1 : pieces > most ? most : pieces;
  p.grid = dim3((unsigned)tiles, (unsigned)pieces);
  return p;
}
static inline size_t column_sum_bytes(const struct column_sum_plan &p, int64_t columns) { return p.grid.y * (size_t)columns * sizeof(float); }

/* to[c] += the sum of x's column c, over at least one row, at least one column; partial: column_sum_bytes() */
template <class T>
static void column_sum(float *to, const T *x, int64_t ld, int64_t rows, int64_t columns, const struct column_sum_plan &p, float *partial) {
  enum { N = 16 / sizeof(T) };
  if (p.pack == 1) CUDA_LAUNCH((columns_sum_kernel<T, 1>), p.grid, p.block, 0, cuda_stream(), partial, x, ld, rows, columns);
  else CUDA_LAUNCH((columns_sum_kernel<T, N>), p.grid, p.block, 0, cuda_stream(), partial, x, ld, rows, columns);
  columns_reduce(to, nullptr, partial, (int)p.grid.y, columns, columns);
}

#endif
