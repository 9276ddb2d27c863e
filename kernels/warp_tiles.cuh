/* SPDX-License-Identifier: MIT
 *
 * The end of products of few rows by a block whose warps have 16 outputs by 8 TILES rows each, `parts` neighbouring warps the same
 * ones for their parts of k.
 */
#ifndef KERNELS_WARP_TILES_CUH
#define KERNELS_WARP_TILES_CUH

#include "kernels/cuda_cpu.h"

/* sum: as mma_bf16() leaves it.  The parts are added in order, and store(row, output, sum) is called for each that is inside. */
template <int TILES, int WARPS, class Store>
static __device__ __forceinline__ void warp_tiles_store(float (&partial)[WARPS][16][8 * TILES + 1], const float (&sum)[TILES][4], int parts, int64_t first_row, int64_t rows, int64_t out, Store store) {
  int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4, tiles = blockDim.x / 32 / parts;
  for (int j = 0; j < TILES; j++)
    for (int i = 0; i < 4; i++) partial[warp][g + i / 2 * 8][8 * j + 2 * t + i % 2] = sum[j][i];
  __syncthreads();
  for (int i = threadIdx.x; i < tiles * 16 * TILES * 8; i += blockDim.x) {
    int output = i % 16, row = i / 16 % (8 * TILES), tile = i / (16 * 8 * TILES);
    int64_t n = ((int64_t)blockIdx.x * tiles + tile) * 16 + output;
    if (n >= out || first_row + row >= rows) continue;
    float all = 0;
    for (int p = 0; p < parts; p++) all += partial[tile * parts + p][output][row];
    store(first_row + row, n, all);
  }
}

#endif
