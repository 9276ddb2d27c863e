/* SPDX-License-Identifier: MIT
 *
 * The factors of a product as 8-bit floats with scales (Micikevicius et al. 2022, "FP8 formats for deep learning", arXiv:2209.05433).
 *
 *   blocks   all E4M3.  Activations and gradients: a scale for each 128 neighbours along k (VEC128), weights: for each 128 x 128
 *            (BLK128x128), as DeepSeek-V3 trains (arXiv:2412.19437, section 3.3).  A block finds its largest |x| in registers while
 *            it quantises: one pass.  Scales are powers of two, so that w and its transpose are the same numbers.  For products of
 *            Hopper (cuBLAS 12.9 and newer), which add the parts of 128 in float.
 *   matrix   one scale a matrix ("current scaling", NVIDIA's Transformer Engine), E5M2 for gradients: fp8_largest_kernel finds the
 *            largest |x|, a pass of its own.  Where the library has no blocks.
 *
 * 8-bit products of Hopper take factors only with k contiguous: y = x w^T as they lie, dx = dy w the transpose of w, dw = dy^T x
 * both transposes.  So fp8_quantize_kernel writes a matrix, its transpose, or both from one read: dy is read once for dx and dw.
 * A block of threads has a tile of 128 x 128; a thread 8 rows of 8 columns: 8 loads of 16 bytes, of which half a warp's are whole
 * lines of 256 bytes.  Largest |x| of rows by shuffles, of columns by shuffles and shared memory.  For the transpose a thread's 4
 * rows of a column are a word in shared memory, the words of a column in an order that depends on the column (exclusive or with
 * column / 8 % 8 in groups of 4), so that a warp's reads of 16 bytes go to all banks and its writes to half of them; threads write 16
 * bytes of a column each, lines of 128 bytes.  About 800 instructions a thread (counted by hand), 1600 clocks
 * beside the 4400 that a tile's 64 KB take; two blocks a multiprocessor have 64 KB on their way, where an H100 needs 18
 * (matvec.cuh): expected at 85-90% of the bandwidth.
 *
 * Scales for the library (cuBLAS 13 documentation, "Scaling factors layouts" of 128-element and 128x128 block scaling), of a factor
 * of `outer` rows and k columns: VEC128 [ceil(k / 128)][outer]; BLK128x128 [ceil(outer / 128)][ceil(k / 128) rounded up to 4]; at
 * multiples of 16 bytes.
 *
 * Zeros only: scale 1.  An infinity makes its block NaN, and so its row of the result (blocks), or the whole result (matrix), so that
 * overflow of gradients is seen; NaN spoils its row.
 *
 * Bytes moved for each element, read + written:
 *                    x forward   w forward   dy        x^T for dw   w^T for dx    all of x, dy, w
 *     matrix, apart  4 + 1       4 + 1       8 + 2     4 + 1        4 + 1         10, 10, 10
 *     matrix         4 + 1       4 + 1       4 + 2     4 + 1        4 + 1         10, 6, 10
 *     blocks         2 + 1       2 + 1       2 + 2     2 + 1        2 + 1         6, 4, 6
 * A layer of a model of 1.1 10^9 parameters (2048 features, 1024 columns of keys and values, a gated MLP of 5632) has 11,776 inputs,
 * 18,432 outputs and 45.1 10^6 weights: 270 MFLOP a token, 416 ns as bfloat16 at 650 TFLOP/s.  At 3 TB/s and 16,384 tokens a batch the
 * passes take 110, 85 and 54 ns a token: a quarter, a fifth, an eighth of that.  With products 1.5 times as fast the layer takes 387,
 * 363 and 331 ns, 1.07, 1.15 and 1.26 times bfloat16's speed; the whole step, of which these products are about 70%, 1.05, 1.10 and
 * 1.17 times (estimates, nothing of it was measured; NVIDIA states 1.25 to 1.75 for products with block scales, "Boosting Matrix
 * Multiplication Speed and Flexibility with NVIDIA cuBLAS 12.9").
 * Weights kept as 8 bits would save 5 of the 54 ns where a step has many batches, for 2 bytes a parameter and an op that knows when
 * they change.  8 bits written by the ops that make x and dy would save 2 bytes of each, which are read here, 8 ns forward and 20
 * backward, 7 of them of what activation_backward makes, and 7 more there, as nothing else reads its bfloat16.
 *
 * A product pays where it saves more time than the passes take: with P FLOP/s of bfloat16, r times that of FP8 and bandwidth B, from
 * P / B / (1 - 1/r) FLOP for each byte on, which is FP8_BLOCKS_WORK (r = 1.4) and FP8_MATRIX_WORK (r = 1.7).  With 16,384 rows that is,
 * in blocks, forward from 1230 outputs on, backward from 1380 x 1380; with one scale a matrix from 1430, and from 1500 x 1500.
 */
#ifndef KERNELS_FP8_CUH
#define KERNELS_FP8_CUH

#include "kernels/cuda.h"

extern "C" {
#include "kernels/fp8.h"
}

enum {
  FP8_THREADS = 256, FP8_TILE = 128, FP8_EACH = 8 /* rows and columns a thread has */, FP8_ACROSS = FP8_TILE / FP8_EACH, FP8_WORDS = FP8_TILE / 4,
  FP8_MOST_BLOCKS = 1024, FP8_MOST_FACTORS = 3, FP8_MULTIPLE = 16 /* of rows and columns */, FP8_BLOCKS_WORK = 760, FP8_MATRIX_WORK = 525
};

enum fp8_kind { FP8_VECTORS, FP8_SQUARES, FP8_WHOLE };

struct fp8_factor {
  const bf16 *x; /* [rows][ld] */
  int64_t ld, rows, columns;
  uint8_t *plain, *transposed;             /* [rows][columns], [columns][rows], 16-byte aligned; NULL: not wanted */
  float *plain_scales, *transposed_scales; /* what the 8-bit numbers are to be multiplied by, in the library's order */
  float *largest;                          /* [blocks], of FP8_WHOLE */
  int64_t tiles, tiles_down, tiles_across;
  int32_t blocks; /* of fp8_largest_kernel */
  enum fp8_kind kind;
  bool aligned, gradient;
};
struct fp8_factors {
  struct fp8_factor of[FP8_MOST_FACTORS];
};

/* This thread's first row and first column of a tile. */
struct fp8_place {
  int64_t row, column;
  bool inside;
};
static __device__ __forceinline__ fp8_place fp8_at(const fp8_factor &f, int64_t tile) {
  int64_t down = tile / f.tiles_across, row = down * FP8_TILE + threadIdx.x / FP8_ACROSS * FP8_EACH;
  int64_t column = (tile - down * f.tiles_across) * FP8_TILE + threadIdx.x % FP8_ACROSS * FP8_EACH;
  return {row, column, row < f.rows && column < f.columns};
}
static __device__ __forceinline__ void fp8_load(pack<bf16, FP8_EACH> v[FP8_EACH], const fp8_factor &f, const fp8_place &at) {
#pragma unroll
  for (int i = 0; i < FP8_EACH; i++) {
    const bf16 *from = f.x + (at.row + i) * f.ld + at.column;
#pragma unroll
    for (int j = 0; j < FP8_EACH; j++) v[i].at[j] = from_float<bf16>(0);
    if (!at.inside) continue;
    if (f.aligned) v[i] = load_pack<bf16, FP8_EACH>(from);
    else
#pragma unroll
      for (int j = 0; j < FP8_EACH; j++) v[i].at[j] = from[j];
  }
}
static __device__ __forceinline__ float fp8_largest(const pack<bf16, FP8_EACH> v[FP8_EACH]) {
  float most = 0;
#pragma unroll
  for (int i = 0; i < FP8_EACH; i++)
#pragma unroll
    for (int j = 0; j < FP8_EACH; j++) most = fmaxf(most, fabsf(to_float(v[i].at[j])));
  return most;
}

/* blockIdx.y: which factor */
static __global__ void __launch_bounds__(FP8_THREADS) fp8_largest_kernel(fp8_factors all) {
  const fp8_factor &f = all.of[blockIdx.y];
  if ((int)blockIdx.x >= f.blocks) return;
  float most = 0;
  for (int64_t tile = blockIdx.x; tile < f.tiles; tile += f.blocks) {
    pack<bf16, FP8_EACH> v[FP8_EACH];
    fp8_load(v, f, fp8_at(f, tile));
    most = fmaxf(most, fp8_largest(v));
  }
  most = block_max<FP8_THREADS>(most);
  if (threadIdx.x == 0) f.largest[blockIdx.x] = most;
}

/* The power of two that brings `most` near E4M3's largest number, to (224, 448] */
static __device__ __forceinline__ float fp8_power(float most) {
  return most > 0 ? __uint_as_float(__float_as_uint(fminf(448 / most, 0x1p100f)) & 0x7f800000) : 1;
}

/* What this thread's rows and columns are multiplied by; has barriers. */
static __device__ __forceinline__ void fp8_scales(float by_row[FP8_EACH], float by_column[FP8_EACH], const pack<bf16, FP8_EACH> v[FP8_EACH], const fp8_factor &f,
                                                  const fp8_place &at, int64_t tile) {
  __shared__ float columns_most[FP8_THREADS / 32][FP8_TILE], columns_scale[FP8_TILE];
  int64_t down = tile / f.tiles_across, across = tile - down * f.tiles_across;
  int in_row = threadIdx.x % FP8_ACROSS;
#pragma unroll
  for (int i = 0; i < FP8_EACH; i++) by_row[i] = by_column[i] = 1;
  if (f.kind != FP8_VECTORS) {
    float most = 0, scale;
    if (f.kind == FP8_WHOLE) {
      for (int i = threadIdx.x; i < f.blocks; i += FP8_THREADS) most = fmaxf(most, f.largest[i]);
      most = block_max<FP8_THREADS>(most);
      scale = most > 0 ? fminf((f.gradient ? 57344 : 448) / most, 0x1p100f) : 1;
      if (tile == 0 && threadIdx.x == 0) *f.plain_scales = 1 / scale;
    } else {
      scale = fp8_power(block_max<FP8_THREADS>(fp8_largest(v)));
      if (f.plain && threadIdx.x == 0) f.plain_scales[down * ((f.tiles_across + 3) / 4 * 4) + across] = 1 / scale;
      if (f.transposed && threadIdx.x == 0) f.transposed_scales[across * ((f.tiles_down + 3) / 4 * 4) + down] = 1 / scale;
    }
#pragma unroll
    for (int i = 0; i < FP8_EACH; i++) by_row[i] = by_column[i] = scale;
    return;
  }
  float most_row[FP8_EACH], most_column[FP8_EACH];
#pragma unroll
  for (int i = 0; i < FP8_EACH; i++) most_row[i] = most_column[i] = 0;
#pragma unroll
  for (int i = 0; i < FP8_EACH; i++)
#pragma unroll
    for (int j = 0; j < FP8_EACH; j++) {
      float size = fabsf(to_float(v[i].at[j]));
      most_row[i] = fmaxf(most_row[i], size), most_column[j] = fmaxf(most_column[j], size);
    }
  if (f.plain) {
#pragma unroll
    for (int i = 0; i < FP8_EACH; i++) {
#pragma unroll
      for (int distance = FP8_ACROSS / 2; distance > 0; distance /= 2) most_row[i] = fmaxf(most_row[i], __shfl_xor_sync(0xffffffffu, most_row[i], distance));
      by_row[i] = fp8_power(most_row[i]);
      if (at.inside && in_row == 0) f.plain_scales[across * f.rows + at.row + i] = 1 / by_row[i];
    }
  }
  if (!f.transposed) return;
#pragma unroll
  for (int j = 0; j < FP8_EACH; j++) {
    most_column[j] = fmaxf(most_column[j], __shfl_xor_sync(0xffffffffu, most_column[j], FP8_ACROSS));
    if (threadIdx.x % 32 < FP8_ACROSS) columns_most[threadIdx.x / 32][in_row * FP8_EACH + j] = most_column[j];
  }
  __syncthreads();
  if (threadIdx.x < FP8_TILE) {
    float most = 0;
#pragma unroll
    for (int warp = 0; warp < FP8_THREADS / 32; warp++) most = fmaxf(most, columns_most[warp][threadIdx.x]);
    float scale = fp8_power(most);
    columns_scale[threadIdx.x] = scale;
    int64_t column = across * FP8_TILE + threadIdx.x;
    if (column < f.columns) f.transposed_scales[down * f.columns + column] = 1 / scale;
  }
  __syncthreads();
#pragma unroll
  for (int j = 0; j < FP8_EACH; j++) by_column[j] = columns_scale[in_row * FP8_EACH + j];
}

/* words: [FP8_TILE columns][FP8_WORDS] */
template <class Q>
static __device__ __forceinline__ void fp8_write(const fp8_factor &f, const fp8_place &at, int64_t tile, const pack<bf16, FP8_EACH> v[FP8_EACH], const float by_row[FP8_EACH],
                                                 const float by_column[FP8_EACH], uint32_t *words) {
  if (f.plain && at.inside)
#pragma unroll
    for (int i = 0; i < FP8_EACH; i++) {
      pack<uint32_t, 2> row;
#pragma unroll
      for (int j = 0; j < 2; j++)
        row.at[j] = pack_fp8<Q>(to_float(v[i].at[4 * j]) * by_row[i], to_float(v[i].at[4 * j + 1]) * by_row[i]) |
                    pack_fp8<Q>(to_float(v[i].at[4 * j + 2]) * by_row[i], to_float(v[i].at[4 * j + 3]) * by_row[i]) << 16;
      store_pack<uint32_t, 2>(reinterpret_cast<uint32_t *>(f.plain + (at.row + i) * f.columns + at.column), row);
    }
  if (!f.transposed) return;
  int in_row = threadIdx.x % FP8_ACROSS, word = threadIdx.x / FP8_ACROSS * 2;
#pragma unroll
  for (int j = 0; j < FP8_EACH; j++)
#pragma unroll
    for (int h = 0; h < 2; h++)
      words[(in_row * FP8_EACH + j) * FP8_WORDS + ((word + h) ^ in_row % 8 * 4)] =
          pack_fp8<Q>(to_float(v[4 * h].at[j]) * by_column[j], to_float(v[4 * h + 1].at[j]) * by_column[j]) |
          pack_fp8<Q>(to_float(v[4 * h + 2].at[j]) * by_column[j], to_float(v[4 * h + 3].at[j]) * by_column[j]) << 16;
  __syncthreads();
  int64_t down = tile / f.tiles_across, first_row = down * FP8_TILE, first_column = (tile - down * f.tiles_across) * FP8_TILE;
#pragma unroll
  for (int piece = 0; piece < 4; piece++) {
    int column = piece * FP8_TILE / 4 + threadIdx.x / 8, part = threadIdx.x % 8; /* of 16 rows */
    if (first_column + column >= f.columns || first_row + part * 16 >= f.rows) continue;
    pack<uint32_t, 4> four = load_pack<uint32_t, 4>(words + column * FP8_WORDS + (part ^ column / FP8_EACH % 8) * 4);
    store_pack<uint32_t, 4>(reinterpret_cast<uint32_t *>(f.transposed + (first_column + column) * f.rows + first_row + part * 16), four);
  }
}

/* A block a tile, those of the first factor first. */
static __global__ void __launch_bounds__(FP8_THREADS, 2) fp8_quantize_kernel(fp8_factors all) {
  __shared__ __align__(16) uint32_t words[FP8_TILE * FP8_WORDS];
  int64_t tile = blockIdx.x;
  int which = 0;
  while (tile >= all.of[which].tiles) tile -= all.of[which++].tiles;
  const fp8_factor &f = all.of[which];
  fp8_place at = fp8_at(f, tile);
  pack<bf16, FP8_EACH> v[FP8_EACH];
  float by_row[FP8_EACH], by_column[FP8_EACH];
  fp8_load(v, f, at); /* on their way while a scale of the whole is found */
  fp8_scales(by_row, by_column, v, f, at, tile);
  if (f.kind == FP8_WHOLE && f.gradient) fp8_write<fp8_e5m2>(f, at, tile, v, by_row, by_column, words);
  else fp8_write<fp8_e4m3>(f, at, tile, v, by_row, by_column, words);
}

/* `bytes` more of the workspace, of which *used are taken; a multiple of 256.  base NULL: counts only */
static inline void *fp8_take(char *base, size_t *used, size_t bytes) {
  size_t from = *used;
  *used += (bytes + 255) / 256 * 256;
  return base ? base + from : nullptr;
}
/* rows and columns: multiples of FP8_MULTIPLE, at least one */
static inline struct fp8_factor fp8_factor(enum fp8_kind kind, const bf16 *x, int64_t ld, int64_t rows, int64_t columns, bool plain, bool transposed, bool gradient,
                                           char *base, size_t *used) {
  struct fp8_factor f = {x, ld, rows, columns};
  f.kind = kind, f.gradient = gradient;
  f.tiles_down = divide_up(rows, FP8_TILE), f.tiles_across = divide_up(columns, FP8_TILE), f.tiles = f.tiles_down * f.tiles_across;
  f.blocks = (int32_t)min((int64_t)FP8_MOST_BLOCKS, min(f.tiles, (int64_t)4 * cuda_device()->processors));
  f.aligned = aligned_16({x}) && ld % 8 == 0;
  if (plain) f.plain = static_cast<uint8_t *>(fp8_take(base, used, (size_t)(rows * columns)));
  if (transposed) f.transposed = static_cast<uint8_t *>(fp8_take(base, used, (size_t)(rows * columns)));
  if (kind == FP8_WHOLE) {
    f.largest = static_cast<float *>(fp8_take(base, used, FP8_MOST_BLOCKS * sizeof(float)));
    f.plain_scales = f.transposed_scales = static_cast<float *>(fp8_take(base, used, sizeof(float)));
    return f;
  }
  int64_t plain_scales = kind == FP8_VECTORS ? f.tiles_across * rows : f.tiles_down * divide_up(f.tiles_across, 4) * 4;
  int64_t transposed_scales = kind == FP8_VECTORS ? f.tiles_down * columns : f.tiles_across * divide_up(f.tiles_down, 4) * 4;
  if (plain) f.plain_scales = static_cast<float *>(fp8_take(base, used, (size_t)plain_scales * sizeof(float)));
  if (transposed) f.transposed_scales = static_cast<float *>(fp8_take(base, used, (size_t)transposed_scales * sizeof(float)));
  return f;
}

/* All of one kind, or vectors and squares; queued on cuda_stream(). */
static inline void fp8_quantize(const struct fp8_factors &all, int count) {
  int64_t tiles = 0;
  int32_t blocks = 0;
  for (int i = 0; i < count; i++) tiles += all.of[i].tiles, blocks = max(blocks, all.of[i].blocks);
  if (all.of[0].kind == FP8_WHOLE) CUDA_LAUNCH(fp8_largest_kernel, dim3((unsigned)blocks, (unsigned)count), FP8_THREADS, 0, cuda_stream(), all);
  CUDA_LAUNCH(fp8_quantize_kernel, (unsigned)tiles, FP8_THREADS, 0, cuda_stream(), all);
}

#endif
