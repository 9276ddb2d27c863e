/* SPDX-License-Identifier: MIT
 *
 * Grouped products on the GPU; experts.h has the formulas.  The rows of each expert are known on the device only.
 *
 *   kind             c [M][N]         a                      b                      products of a sum (K)
 *   EXPERTS_FORWARD  y, rows x out    x [rows][in]           w_e [out][in]          in
 *   EXPERTS_INPUT    dx, rows x in    dy [rows][out]         w_e [out][in], by k    out
 *   EXPERTS_WEIGHT   dw_e, out x in   dy [rows][out], by k   x [rows][in], by k     rows of e
 *
 * Tiles of the result are dealt out by number.  For the first two the grid has as many as there could be (rows / TILE + experts,
 * times those of columns); each warp finds its block's expert in `starts`, 32 experts at a time with a scan over lanes, and blocks
 * beyond the last tile end.  Inside an expert EXPERTS_ROW_TILES tiles of rows share a column of tiles before the next column's
 * turn, so that what runs at once reads few rows and few weights, which stay in the second cache (Tillet et al. 2019, Triton).
 * An expert without rows has no tiles; its gradient stays as it is.
 *
 * bfloat16: tiles of 128 x 128, 32 deep, four of them under way by cp.async, 4 warps of 64 x 64 on mma.sync m16n8k16 with fragments
 * by ldmatrix: 8 of these for 32 products, which is half of what shared memory can deliver.  Where an expert has 64 rows at
 * most, on average, tiles of y and dx have 64: 6 loads for 16 products, so a product takes a third longer, but half as many
 * are of rows that do not exist, and three blocks a multiprocessor, not two, read weights, whose bytes are then the limit.  A tile's 16-byte chunks are
 * permuted so that the 8 rows of a matrix lie in 8 different chunks of banks; what memory has by k is transposed by ldmatrix.
 * Where sizes or pointers are not multiples of 16 bytes the same kernel fills its tiles element by element (of 64 rows, for registers).
 * float: tiles of 16 MICRO, 16 deep, kept by k; products are fused multiply-adds, 4 x 4 or 8 x 8 a thread, or, as TF32 or
 * bfloat16, mma.sync m16n8k8.
 *
 * A batch of products of equal sizes (matmul_batched; heads of latent attention in a decode step) is the same with as many rows
 * for each expert, and its own distances between rows and matrices: one launch for all of them.
 *
 * Each element of c is one sum in one thread, in the order of k: the same bits every time, wherever a row stands.
 * Expected on an H100: bfloat16 60-65% of what wgmma could do (mma.sync's limit there), less the ragged last tile of each expert,
 * so some 500 TFLOP/s from about 1,000 rows an expert on; TF32 a third of its mma.sync limit, float 60% of its fused multiply-adds (a block of 8 warps a multiprocessor).
 */
#ifndef KERNELS_EXPERTS_CUH
#define KERNELS_EXPERTS_CUH

#include "kernels/cuda_cpu.h"

enum experts_kind { EXPERTS_FORWARD, EXPERTS_INPUT, EXPERTS_WEIGHT };
enum experts_arithmetic { EXPERTS_FP32, EXPERTS_TF32, EXPERTS_BF16 }; /* of the float kernel */
enum { EXPERTS_TILE = 128, EXPERTS_FEW_ROWS = 64, EXPERTS_DEPTH = 32, EXPERTS_STAGES = 4, EXPERTS_THREADS = 128, EXPERTS_ROW_TILES = 8 };
enum { EXPERTS_FLOAT_THREADS = 256, EXPERTS_FLOAT_DEPTH = 16 };

struct experts_product {
  const void *a, *b;
  void *c;
  const int32_t *starts; /* [experts + 1]; NULL: the rows are cut into `experts` equal parts, or, of a batch, each has `rows` of its own */
  int64_t rows, out, in;
  int64_t stride;        /* elements between the weights, or gradients, of experts */
  int experts;
  bool add;              /* EXPERTS_WEIGHT: to c, else c is overwritten */
  bool batch;
  int64_t ld_a, ld_b, ld_c, stride_a, stride_c; /* elements between rows, and between the matrices of a batch; not for EXPERTS_WEIGHT */
};

/* Rows that lie side by side; ld_*, stride_* and batch follow from the rest. */
static inline struct experts_product experts_product_of(experts_kind kind, const void *a, const void *b, void *c, const int32_t *starts, int64_t rows, int64_t out, int64_t in, int64_t stride, int experts,
                                                        bool add) {
  return {a, b, c, starts, rows, out, in, stride, experts, add, false, kind == EXPERTS_FORWARD ? in : out, in, kind == EXPERTS_FORWARD ? out : in, 0, 0};
}

static __device__ __forceinline__ int64_t experts_start(const experts_product &p, int e) { return p.starts ? (int64_t)p.starts[e] : p.rows * e / p.experts; }
static __device__ __forceinline__ int64_t experts_rows(const experts_product &p, int e) { return p.batch ? p.rows : experts_start(p, e + 1) - experts_start(p, e); }

/* A block's tile: `a`, `b` and `c` at its corner, of M x N elements that exist there, K deep. */
struct experts_tile {
  int64_t a, b, c; /* elements from the start */
  int64_t M, N, K;
};

/* False: there is no such tile.  The whole warp calls it. */
template <experts_kind KIND, int ROWS, int COLUMNS> static __device__ __forceinline__ bool experts_find(experts_tile *t, const experts_product &p) {
  int64_t id = blockIdx.x, columns = (KIND == EXPERTS_FORWARD ? p.out : p.in), column_tiles = (columns + COLUMNS - 1) / COLUMNS;
  int lane = threadIdx.x % 32;
  if (KIND == EXPERTS_WEIGHT) {
    int64_t tiles = (p.out + ROWS - 1) / ROWS * column_tiles;
    int e = (int)(id / tiles);
    id -= e * tiles;
    int64_t m = id / column_tiles * ROWS, n = id % column_tiles * COLUMNS, first = experts_start(p, e);
    *t = {first * p.out + m, first * p.in + n, e * p.stride + m * p.in + n, p.out - m, p.in - n, experts_start(p, e + 1) - first};
    return t->K > 0 || !p.add;
  }
  int before = 0; /* tiles of rows of the experts before */
  for (int first = 0; first < p.experts; first += 32) {
    int e = first + lane, tiles = e < p.experts ? (int)((experts_rows(p, e) + ROWS - 1) / ROWS) : 0, up_to = tiles;
    for (int distance = 1; distance < 32; distance *= 2) {
      int other = __shfl_up_sync(0xffffffffu, up_to, distance);
      if (lane >= distance) up_to += other;
    }
    unsigned found = __ballot_sync(0xffffffffu, id < (int64_t)(before + up_to) * column_tiles);
    if (found) {
      int owner = __ffs((int)found) - 1;
      tiles = __shfl_sync(0xffffffffu, tiles, owner), up_to = __shfl_sync(0xffffffffu, up_to, owner);
      e = first + owner;
      id -= (int64_t)(before + up_to - tiles) * column_tiles;
      int64_t together = EXPERTS_ROW_TILES * column_tiles, top = id / together * EXPERTS_ROW_TILES, high = min(tiles - top, (int64_t)EXPERTS_ROW_TILES);
      id -= top / EXPERTS_ROW_TILES * together;
      int64_t m = (top + id % high) * ROWS, n = id / high * COLUMNS, start = p.batch ? 0 : experts_start(p, e), K = KIND == EXPERTS_FORWARD ? p.in : p.out;
      *t = {e * p.stride_a + (start + m) * p.ld_a, e * p.stride + (KIND == EXPERTS_FORWARD ? n * p.ld_b : n), e * p.stride_c + (start + m) * p.ld_c + n, experts_rows(p, e) - m, columns - n, K};
      return true;
    }
    before += __shfl_sync(0xffffffffu, up_to, 31);
  }
  return false;
}

/* ---- bfloat16 */

/* Where chunk `chunk` (8 elements) of a row of a tile lies: rows of 128 elements (by k), or of 32. */
template <bool BY_K> static __device__ __forceinline__ int experts_at(int row, int chunk) {
  return BY_K ? row * EXPERTS_TILE + (chunk ^ (row & 7)) * 8 : row * EXPERTS_DEPTH + (chunk ^ (row >> 1 & 3)) * 8;
}

/* One tile, SIZE x EXPERTS_DEPTH (by k always EXPERTS_TILE), of which `size` x `depth` exist; the rest becomes 0. */
template <bool BY_K, bool ALIGNED, int SIZE>
static __device__ __forceinline__ void experts_load(bf16 *to, const bf16 *from, int64_t ld, int64_t size, int64_t depth) {
  const int chunks = (BY_K ? EXPERTS_TILE : EXPERTS_DEPTH) / 8;
#pragma unroll
  for (int i = 0; i < SIZE * EXPERTS_DEPTH / 8 / EXPERTS_THREADS; i++) {
    int index = (int)threadIdx.x + i * EXPERTS_THREADS, row = index / chunks, chunk = index % chunks;
    int64_t last = BY_K ? size : depth; /* columns that exist */
    bool exists = row < (BY_K ? depth : size);
    const bf16 *at = from + row * ld + chunk * 8;
    if (ALIGNED) {
      bool inside = exists && chunk * 8 < last;
      cp_async_16(to + experts_at<BY_K>(row, chunk), inside ? at : from, inside);
    } else {
      pack<bf16, 8> x;
      for (int k = 0; k < 8; k++) x.at[k] = exists && chunk * 8 + k < last ? at[k] : from_float<bf16>(0);
      store_pack<bf16, 8>(to + experts_at<BY_K>(row, chunk), x);
    }
  }
}

/* Dynamic shared memory: EXPERTS_STAGES tiles of a, then as many of b.  A warp has ROWS / 2 x 64 of a tile's sums. */
template <experts_kind KIND, bool ALIGNED, int ROWS> __global__ void __launch_bounds__(EXPERTS_THREADS, ROWS < EXPERTS_TILE ? 3 : 2) experts_bf16_kernel(experts_product p) {
  static_assert(KIND != EXPERTS_WEIGHT || ROWS == EXPERTS_TILE, "tiles by k are of EXPERTS_TILE");
  const bool A_BY_K = KIND == EXPERTS_WEIGHT, B_BY_K = KIND != EXPERTS_FORWARD;
  const int elements_a = ROWS * EXPERTS_DEPTH, elements_b = EXPERTS_TILE * EXPERTS_DEPTH, HIGH = ROWS / 32; /* fragments of 16 rows a warp */
  CUDA_DYNAMIC_SHARED(bf16, tiles);
  experts_tile t;
  if (!experts_find<KIND, ROWS, EXPERTS_TILE>(&t, p)) return; /* the whole block */
  const bf16 *a = (const bf16 *)p.a + t.a, *b = (const bf16 *)p.b + t.b;
  int64_t ld_a = KIND == EXPERTS_WEIGHT ? p.out : p.ld_a, ld_b = KIND == EXPERTS_WEIGHT ? p.in : p.ld_b, ld_c = KIND == EXPERTS_WEIGHT ? p.in : p.ld_c;
  int64_t steps = (t.K + EXPERTS_DEPTH - 1) / EXPERTS_DEPTH;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32, m = warp / 2 * (ROWS / 2), n = warp % 2 * 64;

  float sum[HIGH][8][4];
#pragma unroll
  for (int i = 0; i < HIGH; i++)
#pragma unroll
    for (int j = 0; j < 8; j++)
#pragma unroll
      for (int k = 0; k < 4; k++) sum[i][j][k] = 0;

  for (int64_t step = 1 - EXPERTS_STAGES; step < steps; step++) {
    int64_t next = step + EXPERTS_STAGES - 1;
    if (step >= 0) {
      cp_async_wait<EXPERTS_STAGES - 2>();
      __syncthreads(); /* the tiles of this step are there for all, and nobody reads those of the last one */
    }
    if (next < steps) {
      int64_t k = next * EXPERTS_DEPTH;
      bf16 *to_a = tiles + next % EXPERTS_STAGES * elements_a, *to_b = tiles + EXPERTS_STAGES * elements_a + next % EXPERTS_STAGES * elements_b;
      experts_load<A_BY_K, ALIGNED, ROWS>(to_a, A_BY_K ? a + k * ld_a : a + k, ld_a, t.M, t.K - k);
      experts_load<B_BY_K, ALIGNED, EXPERTS_TILE>(to_b, B_BY_K ? b + k * ld_b : b + k, ld_b, t.N, t.K - k);
    }
    cp_async_commit(); /* an empty group too, so that the wait counts steps */
    if (step < 0) continue;
    const bf16 *left = tiles + step % EXPERTS_STAGES * elements_a, *right = tiles + EXPERTS_STAGES * elements_a + step % EXPERTS_STAGES * elements_b;
#pragma unroll
    for (int k = 0; k < EXPERTS_DEPTH; k += 16) {
      uint32_t x[HIGH][4], w[4][4];
#pragma unroll
      for (int i = 0; i < HIGH; i++) { /* 16 rows of a: matrices of rows 0-7 and 8-15, then the same 8 further on in k */
        if (A_BY_K) ldmatrix_x4_trans(x[i], left + experts_at<A_BY_K>(k + lane / 16 * 8 + lane % 8, (m + i * 16) / 8 + lane / 8 % 2));
        else ldmatrix_x4(x[i], left + experts_at<A_BY_K>(m + i * 16 + lane % 16, k / 8 + lane / 16));
      }
#pragma unroll
      for (int j = 0; j < 4; j++) { /* 16 columns of b: both halves of k for columns 0-7, then for 8-15 */
        if (B_BY_K) ldmatrix_x4_trans(w[j], right + experts_at<B_BY_K>(k + lane / 8 % 2 * 8 + lane % 8, (n + j * 16) / 8 + lane / 16));
        else ldmatrix_x4(w[j], right + experts_at<B_BY_K>(n + j * 16 + lane / 16 * 8 + lane % 8, k / 8 + lane / 8 % 2));
      }
#pragma unroll
      for (int i = 0; i < HIGH; i++)
#pragma unroll
        for (int j = 0; j < 8; j++) mma_bf16(sum[i][j], x[i], w[j / 2] + j % 2 * 2);
    }
  }

#pragma unroll
  for (int i = 0; i < HIGH; i++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int row = m + i * 16 + half * 8 + lane / 4;
      if (row >= t.M) continue;
#pragma unroll
      for (int j = 0; j < 8; j++) {
        int column = n + j * 8 + lane % 4 * 2;
        int64_t at = t.c + row * ld_c + column;
        float low = sum[i][j][half * 2], high = sum[i][j][half * 2 + 1];
        if (KIND == EXPERTS_WEIGHT) {
          float *to = (float *)p.c + at;
          if (ALIGNED && column < t.N) {
            pack<float, 2> c = load_pack<float, 2>(to);
            c.at[0] += low, c.at[1] += high;
            store_pack<float, 2>(to, c);
          } else {
            if (column < t.N) to[0] += low;
            if (column + 1 < t.N) to[1] += high;
          }
        } else {
          bf16 *to = (bf16 *)p.c + at;
          if (ALIGNED && column < t.N) {
            *reinterpret_cast<uint32_t *>(to) = pack_bf16(low, high);
          } else {
            if (column < t.N) to[0] = from_float<bf16>(low);
            if (column + 1 < t.N) to[1] = from_float<bf16>(high);
          }
        }
      }
    }
}

/* ---- float */

/* This thread's share of a tile, TILE x EXPERTS_FLOAT_DEPTH: neighbours read neighbours. */
template <bool BY_K, int TILE> static __device__ __forceinline__ void experts_place(int i, int *row, int *k) {
  int index = (int)threadIdx.x + i * EXPERTS_FLOAT_THREADS;
  if (BY_K) *k = index / TILE, *row = index % TILE;
  else *k = index % EXPERTS_FLOAT_DEPTH, *row = index / EXPERTS_FLOAT_DEPTH;
}
template <bool BY_K, int TILE, int SHARE> static __device__ __forceinline__ void experts_fetch(float x[SHARE], const float *from, int64_t ld, int64_t size, int64_t depth) {
#pragma unroll
  for (int i = 0; i < SHARE; i++) {
    int row, k;
    experts_place<BY_K, TILE>(i, &row, &k);
    x[i] = row < size && k < depth ? from[BY_K ? k * ld + row : row * ld + k] : 0;
  }
}

template <experts_arithmetic HOW> static __device__ __forceinline__ uint32_t experts_operand(float x) { return to_tf32(HOW == EXPERTS_BF16 ? to_float(from_float<bf16>(x)) : x); }

template <experts_kind KIND, experts_arithmetic HOW, int MICRO> __global__ void __launch_bounds__(EXPERTS_FLOAT_THREADS) experts_float_kernel(experts_product p) {
  const bool A_BY_K = KIND == EXPERTS_WEIGHT, B_BY_K = KIND != EXPERTS_FORWARD;
  const int TILE = 16 * MICRO, SHARE = TILE * EXPERTS_FLOAT_DEPTH / EXPERTS_FLOAT_THREADS, depth = EXPERTS_FLOAT_DEPTH;
  __shared__ __align__(16) float left[2][EXPERTS_FLOAT_DEPTH][TILE + 8], right[2][EXPERTS_FLOAT_DEPTH][TILE + 8]; /* + 8: the 4 rows of a fragment in different banks */
  experts_tile t;
  if (!experts_find<KIND, TILE, TILE>(&t, p)) return; /* the whole block */
  const float *a = (const float *)p.a + t.a, *b = (const float *)p.b + t.b;
  float *c = (float *)p.c + t.c;
  int64_t ld_a = KIND == EXPERTS_WEIGHT ? p.out : p.ld_a, ld_b = KIND == EXPERTS_WEIGHT ? p.in : p.ld_b, ld_c = KIND == EXPERTS_WEIGHT ? p.in : p.ld_c;
  int64_t steps = (t.K + depth - 1) / depth;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;

  float sum[MICRO][MICRO], x[SHARE], w[SHARE];
#pragma unroll
  for (int i = 0; i < MICRO; i++)
#pragma unroll
    for (int j = 0; j < MICRO; j++) sum[i][j] = 0;
  experts_fetch<A_BY_K, TILE, SHARE>(x, a, ld_a, t.M, t.K);
  experts_fetch<B_BY_K, TILE, SHARE>(w, b, ld_b, t.N, t.K);
  for (int64_t step = 0; step < steps; step++) {
    int now = (int)(step & 1);
#pragma unroll
    for (int i = 0; i < SHARE; i++) {
      int row, k;
      experts_place<A_BY_K, TILE>(i, &row, &k), left[now][k][row] = x[i];
      experts_place<B_BY_K, TILE>(i, &row, &k), right[now][k][row] = w[i];
    }
    __syncthreads(); /* the tiles are there; those of the last step but one, which come next, are no longer read */
    int64_t k0 = (step + 1) * depth;
    if (step + 1 < steps) {
      experts_fetch<A_BY_K, TILE, SHARE>(x, A_BY_K ? a + k0 * ld_a : a + k0, ld_a, t.M, t.K - k0);
      experts_fetch<B_BY_K, TILE, SHARE>(w, B_BY_K ? b + k0 * ld_b : b + k0, ld_b, t.N, t.K - k0);
    }
    if constexpr (HOW == EXPERTS_FP32) {
#pragma unroll
      for (int k = 0; k < depth; k++) {
        float u[MICRO], v[MICRO];
#pragma unroll
        for (int h = 0; h < MICRO; h += 4) {
          pack<float, 4> one = load_pack<float, 4>(&left[now][k][h * 16 + threadIdx.x / 16 * 4]), other = load_pack<float, 4>(&right[now][k][h * 16 + threadIdx.x % 16 * 4]);
#pragma unroll
          for (int i = 0; i < 4; i++) u[h + i] = one.at[i], v[h + i] = other.at[i];
        }
#pragma unroll
        for (int i = 0; i < MICRO; i++)
#pragma unroll
          for (int j = 0; j < MICRO; j++) sum[i][j] += u[i] * v[j];
      }
    } else { /* 2 x 4 warps of 64 x 32; sum[i * 2 + j / 2][j % 2 * 4 + ...] is the fragment of 16 rows i and 8 columns j */
      int m = warp / 4 * 64 + lane / 4, n = warp % 4 * 32 + lane / 4, q = lane % 4;
#pragma unroll
      for (int k = 0; k < depth; k += 8) {
        uint32_t u[4][4], v[4][2];
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
          for (int j = 0; j < 4; j++) u[i][j] = experts_operand<HOW>(left[now][k + q + j / 2 * 4][m + i * 16 + j % 2 * 8]);
#pragma unroll
        for (int j = 0; j < 4; j++)
#pragma unroll
          for (int i = 0; i < 2; i++) v[j][i] = experts_operand<HOW>(right[now][k + q + i * 4][n + j * 8]);
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
          for (int j = 0; j < 4; j++) mma_tf32(&sum[i * 2 + j / 2][j % 2 * 4], u[i], v[j]);
      }
    }
  }

#pragma unroll
  for (int i = 0; i < MICRO; i++)
#pragma unroll
    for (int j = 0; j < MICRO; j++) {
      int row, column;
      if (HOW == EXPERTS_FP32) row = i / 4 * 64 + threadIdx.x / 16 * 4 + i % 4, column = j / 4 * 64 + threadIdx.x % 16 * 4 + j % 4;
      else row = warp / 4 * 64 + i / 2 * 16 + j % 4 / 2 * 8 + lane / 4, column = warp % 4 * 32 + (i % 2 * 2 + j / 4) * 8 + lane % 4 * 2 + j % 2;
      if (row >= t.M || column >= t.N) continue;
      float *to = c + row * ld_c + column;
      *to = KIND == EXPERTS_WEIGHT && p.add ? *to + sum[i][j] : sum[i][j];
    }
}

#endif
