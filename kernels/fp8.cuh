/* SPDX-License-Identifier: MIT
 *
 * The factors of a product as 8-bit floats with one scale each ("current scaling": Micikevicius et al. 2022, "FP8 formats for deep
 * learning", arXiv:2209.05433, and NVIDIA's Transformer Engine): E4M3 for weights and activations, E5M2 for gradients.
 *
 *   fp8_largest_kernel    the largest |x| of each block's tiles
 *   fp8_quantize_kernel   the largest of those, L; x (limit / L) to 8 bits, to nearest even; L / limit for the product to multiply by
 *
 * each for both factors in one launch.  A tile is 128 rows of 64 columns; a thread has 8 neighbouring columns of 4 neighbouring
 * rows: 4 loads of 16 bytes, of which a warp's are whole lines of 128 bytes.  8-bit products of Hopper take factors only with k
 * contiguous, so the input's gradient needs the weights transposed, and the weights' gradient both factors: then a thread's 4 rows
 * are a 32-bit word of a column of the tile in shared memory (33 words a column: reads without bank conflicts, writes two at a
 * time), and threads write 16 bytes each, whole lines of 128 bytes again.
 * Zeros only: scale 1.  An infinity makes the whole product NaN, so that overflow of gradients is seen; NaN spoils its row.
 *
 * Memory traffic: 5 bytes for each element of both factors (2 read, 2 read again, from the second-level cache if the factor is
 * below about 30 MB, 1 written), expected at 85-90% of the bandwidth, against half the time of the product.  With 3 TB/s, and 650 TFLOP/s
 * of bfloat16 against 1200, a product M x N x K of M x K and K x N gains where M N / (M + N) > 1200: forward and the input's gradient, with many
 * rows, from 1300 features on (the side that is not summed over), the weights' gradient from 2400 x 2400 on; at 2048 x 5632 and
 * 16,384 rows 540 us become about 370, 460 and 510.
 */
#ifndef KERNELS_FP8_CUH
#define KERNELS_FP8_CUH

#include "kernels/cuda.h"

enum {
  FP8_THREADS = 256, FP8_TILE_ROWS = 128, FP8_TILE_COLUMNS = 64, FP8_STRIDE = FP8_TILE_ROWS / 4 + 1 /* words */,
  FP8_MOST_BLOCKS = 1024, FP8_MULTIPLE = 16 /* of rows and columns */
};

struct fp8_factor {
  const bf16 *x; /* [rows][ld] */
  int64_t ld, rows, columns;
  uint8_t *to;    /* [rows][columns], transposed [columns][rows], 16-byte aligned */
  float *largest; /* [blocks] */
  float *scale;   /* what the 8-bit numbers are to be multiplied by */
  int64_t tiles, tiles_across;
  int32_t blocks; /* of fp8_largest_kernel */
  bool aligned, transposed, gradient;
};
struct fp8_factors {
  struct fp8_factor of[2];
};

/* This thread's first row and first column of a tile. */
struct fp8_place {
  int64_t row, column;
  bool inside;
};
static __device__ __forceinline__ fp8_place fp8_at(const fp8_factor &f, int64_t tile) {
  int64_t down = tile / f.tiles_across, row = down * FP8_TILE_ROWS + threadIdx.x / 8 * 4, column = (tile - down * f.tiles_across) * FP8_TILE_COLUMNS + threadIdx.x % 8 * 8;
  return {row, column, row < f.rows && column < f.columns};
}
static __device__ __forceinline__ void fp8_load(pack<bf16, 8> v[4], const fp8_factor &f, const fp8_place &at) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const bf16 *from = f.x + (at.row + i) * f.ld + at.column;
#pragma unroll
    for (int j = 0; j < 8; j++) v[i].at[j] = from_float<bf16>(0);
    if (!at.inside) continue;
    if (f.aligned) v[i] = load_pack<bf16, 8>(from);
    else
#pragma unroll
      for (int j = 0; j < 8; j++) v[i].at[j] = from[j];
  }
}

/* blockIdx.y: which factor */
static __global__ void __launch_bounds__(FP8_THREADS) fp8_largest_kernel(fp8_factors both) {
  const fp8_factor &f = both.of[blockIdx.y];
  if ((int)blockIdx.x >= f.blocks) return;
  float most = 0;
  for (int64_t tile = blockIdx.x; tile < f.tiles; tile += f.blocks) {
    pack<bf16, 8> v[4];
    fp8_load(v, f, fp8_at(f, tile));
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int j = 0; j < 8; j++) most = fmaxf(most, fabsf(to_float(v[i].at[j])));
  }
  most = block_max<FP8_THREADS>(most);
  if (threadIdx.x == 0) f.largest[blockIdx.x] = most;
}

template <class Q> static __device__ __forceinline__ void fp8_convert(uint8_t q[4][8], const pack<bf16, 8> v[4], float scale) {
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 8; j++) q[i][j] = from_float<Q>(to_float(v[i].at[j]) * scale).bits;
}

/* A block a tile, those of the first factor first. */
static __global__ void __launch_bounds__(FP8_THREADS) fp8_quantize_kernel(fp8_factors both) {
  __shared__ uint32_t words[FP8_TILE_COLUMNS * FP8_STRIDE];
  bool second = blockIdx.x >= both.of[0].tiles;
  const fp8_factor &f = both.of[second];
  int64_t tile = second ? blockIdx.x - both.of[0].tiles : blockIdx.x;
  fp8_place at = fp8_at(f, tile);
  pack<bf16, 8> v[4];
  fp8_load(v, f, at); /* on their way while the scale is found */
  float largest = 0;
  for (int i = threadIdx.x; i < f.blocks; i += FP8_THREADS) largest = fmaxf(largest, f.largest[i]);
  largest = block_max<FP8_THREADS>(largest);
  float limit = f.gradient ? 57344 : 448, scale = largest > 0 ? fminf(limit / largest, 1e30f) : 1;
  if (tile == 0 && threadIdx.x == 0) *f.scale = 1 / scale;
  uint8_t q[4][8];
  if (f.gradient) fp8_convert<fp8_e5m2>(q, v, scale);
  else fp8_convert<fp8_e4m3>(q, v, scale);
  if (!f.transposed) {
    if (!at.inside) return;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      pack<uint8_t, 8> row;
#pragma unroll
      for (int j = 0; j < 8; j++) row.at[j] = q[i][j];
      store_pack<uint8_t, 8>(f.to + (at.row + i) * f.columns + at.column, row);
    }
    return;
  }
#pragma unroll
  for (int j = 0; j < 8; j++)
    words[(threadIdx.x % 8 * 8 + j) * FP8_STRIDE + threadIdx.x / 8] = q[0][j] | (uint32_t)q[1][j] << 8 | (uint32_t)q[2][j] << 16 | (uint32_t)q[3][j] << 24;
  __syncthreads();
  int64_t down = tile / f.tiles_across, first_row = down * FP8_TILE_ROWS, first_column = (tile - down * f.tiles_across) * FP8_TILE_COLUMNS;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    int column = half * FP8_TILE_COLUMNS / 2 + threadIdx.x / 8, part = threadIdx.x % 8; /* of 16 rows */
    if (first_column + column >= f.columns || first_row + part * 16 >= f.rows) continue;
    pack<uint32_t, 4> four;
#pragma unroll
    for (int i = 0; i < 4; i++) four.at[i] = words[column * FP8_STRIDE + part * 4 + i];
    store_pack<uint32_t, 4>(reinterpret_cast<uint32_t *>(f.to + (first_column + column) * f.rows + first_row + part * 16), four);
  }
}

/* Workspace of a factor: its 8-bit numbers, then fp8_largest_kernel's floats and the scale.  A multiple of 256. */
static inline size_t fp8_bytes(int64_t rows, int64_t columns) {
  return (size_t)divide_up(rows * columns, 256) * 256 + (FP8_MOST_BLOCKS + 64) * sizeof(float);
}
static inline struct fp8_factor fp8_factor(const bf16 *x, int64_t ld, int64_t rows, int64_t columns, bool transposed, bool gradient, void *workspace) {
  struct fp8_factor f = {x, ld, rows, columns};
  f.to = static_cast<uint8_t *>(workspace);
  f.largest = reinterpret_cast<float *>(f.to + divide_up(rows * columns, 256) * 256);
  f.scale = f.largest + FP8_MOST_BLOCKS;
  f.tiles_across = divide_up(columns, FP8_TILE_COLUMNS);
  f.tiles = divide_up(rows, FP8_TILE_ROWS) * f.tiles_across;
  int64_t blocks = min((int64_t)FP8_MOST_BLOCKS, min(f.tiles, (int64_t)4 * cuda_device()->processors));
  f.blocks = (int32_t)blocks;
  f.aligned = aligned_16({x}) && ld % 8 == 0;
  f.transposed = transposed, f.gradient = gradient;
  return f;
}

/* Both, at least one element each, rows and columns multiples of FP8_MULTIPLE; queued on cuda_stream(). */
static inline void fp8_quantize(const struct fp8_factor &a, const struct fp8_factor &b) {
  const struct fp8_factors both = {{a, b}};
  CUDA_LAUNCH(fp8_largest_kernel, dim3((unsigned)max(a.blocks, b.blocks), 2), FP8_THREADS, 0, cuda_stream(), both);
  CUDA_LAUNCH(fp8_quantize_kernel, (unsigned)(a.tiles + b.tiles), FP8_THREADS, 0, cuda_stream(), both);
}

#endif
