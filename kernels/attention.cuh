/* SPDX-License-Identifier: MIT
 *
 * Flash attention on the GPU, forward and backward (Dao 2023, arXiv:2307.08691): scores exist as tiles in registers only.
 *
 * bfloat16, heads padded with zeros to (64, 64), (128, 128), (192, 128) or (256, 256), on mma.sync with cp.async (tensor cores):
 *   forward   a block takes 128 queries of a head, a warp 32 or 16 of them whole rows, so that maximum and sum need two shuffles and
 *             the probabilities are, as they stand in registers, the left factor of the product with the values.  Keys of the next tile
 *             are on their way while values multiply, values while scores are made: two barriers a tile
 *   rows      log_sum_exp in powers of 2, sum of d_out * out, first key seen, words of the mask, for rows padded to a multiple of 128
 *   backward  a block takes 128 keys of a key head (64 of large heads) and goes through the tiles of 64 queries that see them, of the
 *             group's heads in order: transposed scores, a warp 32 keys, then dk and dv, which stay in registers, then the tile's dq, summed
 *             over all keys of the block.  Weights and slopes go over shared memory where a warp needs those of other queries or keys;
 *             queries and d_out come in two stages (one where shared memory is short): two barriers a tile
 * dq without atomic additions: a block adds to a tile's dq in float what the blocks before have left in the workspace, in one order, the
 * block of the tile's own positions first, then down to the first that any of its queries sees, which writes the result.  Who is next
 * waits at the tile's link (load_acquire, store_release).  Blocks take a number when they start and work in its order, those with the
 * last keys of a head first, so a block waits only for blocks that run or have ended: no deadlock, whatever order blocks start in; and
 * when they start together each finds the tile it comes to just left by the one before.  The workspace is a ring of heads that stays in
 * the L2 cache, not of the size of dq.  The emulator runs blocks one after another: it shows wrong links, not a missing acquire.
 * Shared memory is swizzled: 16 bytes c of row r lie at c ^ r % 8, so that ldmatrix and cp.async meet no bank twice.
 * Tiles that no query of the block sees (causal, window, starts) are not gone through, and a warp passes over those at the diagonal
 * that none of its own rows sees (the forward kernel of 128 has no registers for the test); masks are applied at the edges only.
 *
 * What a full tile costs a multiprocessor, counted in sm_90a's code: cycles of mma.sync (1.6 each, taking 62% of the rate of warp groups), of
 * shared memory (128 bytes each), of issuing (4 instructions each), bytes from L2.
 *   forward   64    128 queries x 64 keys     512 mma    820    770    770    16 KB
 *             128                            1024       1640   1540   1070    32 KB
 *   backward  64     64 x 128                1280       2050   2370   1500    48 KB (16 of them dq, and 16 more to L2)
 *             128                            2560       4100   5250   2500    64 KB (32, and 32 more)
 * So forward is bound by mma.sync, backward by shared memory: 5 * 2 * 64 * 128 * D operations in 2370 or 5250 cycles are at most 510 and
 * 460 TFLOP/s at 1.75 GHz.  FlashAttention-2's tiles and warps for heads of 128 (64 x 128, weights and slopes over shared memory) give
 * 5100 by the same count.  Expected, not measured: both passes within 10-15% of it.  Registers allow 8 warps a multiprocessor everywhere.
 *
 * attention_*_kernel, float, and other sizes or alignments: tiles of 64 x 64, 4 x 4 a thread, through shared memory in float; heads in
 * slices of 128 columns, each of which makes the scores again.
 */
#ifndef KERNELS_ATTENTION_CUH
#define KERNELS_ATTENTION_CUH

#include "kernels/cuda.h"
#include "kernels/mask.h"

enum {
  ATTENTION_PAD = 128,   /* of rows in struct attention_rows: what every tile of queries divides */
  ATTENTION_QUERIES = 64 /* in a tile of the backward kernel */
};

/* [B][H][padded] each; rows behind the last position have +infinity and zeros */
struct attention_rows {
  int64_t size;               /* elements of each; they follow each other */
  float *log_sum_exp, *delta; /* times log2(e); sum of d_out * out */
  int32_t *from;              /* the first key seen */
  uint32_t *first, *second;   /* words of the mask */
};

/* Which block of the backward kernel adds to dq when: see there.  Integers start as 0 and follow each other. */
struct attention_order {
  int64_t size;      /* integers */
  int32_t *ticket;   /* blocks that have started */
  int32_t *done;     /* [B][H_kv]: blocks that have ended */
  int32_t *links;    /* [B][H][padded / 64]: blocks that have added to the tile, or had nothing to add */
  float *dq;         /* [ring][group][padded / 64][fragments of a tile]; part i is of sequence x key head i, i + ring, ... */
  int ring;
};

template <class T> struct attention_arguments {
  const T *q, *k, *v, *d_out, *out;
  T *to, *dq, *dk, *dv; /* to: out of forward */
  float *log_sum_exp;
  const int32_t *starts;
  struct attention_rows rows;
  struct attention_order order;
  int ld_q, ld_k, ld_v, ld_out, head_v;
  uint64_t key;
  uint32_t below; /* hashes below are dropped; 0: none */
  int positions, padded, window, H, group, D, D_v, slices, stages;
  float scale, scale_2, kept; /* scale_2: times log2(e) */
};

/* ---- what queries see, and the mask (mask.h) */

template <class T> static __device__ __forceinline__ int attention_from(const attention_arguments<T> &a, int b, int t) {
  int from = max(0, t - a.window + 1);
  return a.starts ? max(from, a.starts[(int64_t)b * a.positions + t]) : from;
}

static __device__ __forceinline__ bool attention_keeps(uint32_t first, uint32_t second, uint32_t below, int u) { return mask_hash(first, second, (uint32_t)u) >= below; }

/* ---- pieces of tiles on tensor cores */

/* 16 bytes c + low of row `row` of a tile of rows of LD elements; c is even and low 0 or 1, so that addresses for different c are an xor
 * with one of 4 numbers and an offset from each other. */
template <int LD> static __device__ __forceinline__ bf16 *attention_at(bf16 *tile, int row, int c, int low) {
  return tile + row * LD + c / 8 * 64 + (((row & 7) ^ low) ^ c % 8) * 8;
}
/* Where a lane's address for ldmatrix is in 16 rows of 16 columns, in elements, so that what comes is an operand of mma as it stands,
 * without a move.  Tall: matrices 0 and 1 are columns 0-7 of rows 0-7 and 8-15, 2 and 3 columns 8-15: a left factor, or, transposed,
 * two right ones.  Wide: 0 and 1 are columns 0-7 and 8-15 of rows 0-7, 2 and 3 of rows 8-15: two right factors, or, transposed, a left
 * one.  The columns c*8.. are at place ^ c % 8 * 8 and c / 8 * 64 further. */
template <int LD> static __device__ __forceinline__ int attention_tall() {
  int lane = threadIdx.x % 32;
  return lane % 16 * LD + (lane % 8 ^ lane / 16) * 8;
}
template <int LD> static __device__ __forceinline__ int attention_wide() {
  int lane = threadIdx.x % 32;
  return (lane / 16 * 8 + lane % 8) * LD + (lane % 8 ^ lane / 8 % 2) * 8;
}

/* ROWS x LD elements on their way into a tile: `rows` rows and `columns` columns, zeros beyond.  8 threads copy 128 bytes. */
template <int ROWS, int LD, int THREADS> static __device__ __forceinline__ void attention_fill(bf16 *tile, const bf16 *from, int ld, int rows, int columns) {
  const int STEP = THREADS / 8;
  static_assert(ROWS % STEP == 0 && STEP % 8 == 0 && LD % 64 == 0, "all threads copy as much, each to one place of its rows");
  int r = threadIdx.x / 8, c = threadIdx.x % 8;
  from += c * 8, tile += r * LD + (c ^ (r & 7)) * 8;
#pragma unroll
  for (int i = 0; i < ROWS; i += STEP)
#pragma unroll
    for (int j = 0; j < LD; j += 64) cp_async_16(tile + i * LD + j, from + (int64_t)(r + i) * ld + j, r + i < rows && c * 8 + j < columns);
}

/* s [MT*16][NT*8] += a b^T, of the columns both tiles have; a: the warp's first row.  UNROLL: as much as there are registers for. */
template <int LD, int MT, int NT, int UNROLL = 4> static __device__ __forceinline__ void attention_dots(float s[MT][NT][4], const bf16 *a, const bf16 *b) {
  int tall = attention_tall<LD>(), wide = attention_wide<LD>();
#pragma unroll 1
  for (int far = 0; far < LD; far += 64)
#pragma unroll(UNROLL)
    for (int c = 0; c < 64; c += 16) {
      uint32_t left[MT][4];
#pragma unroll
      for (int m = 0; m < MT; m++) ldmatrix_x4(left[m], a + far + m * 16 * LD + (tall ^ c));
#pragma unroll
      for (int n = 0; n < NT; n += 2) {
        uint32_t right[4];
        ldmatrix_x4(right, b + far + n * 8 * LD + (wide ^ c));
#pragma unroll
        for (int m = 0; m < MT; m++) mma_bf16(s[m][n], left[m], right), mma_bf16(s[m][n + 1], left[m], right + 2);
      }
    }
}

/* sum [MT*16][LD] += p x, p [MT*16][KT*16] as rounded fragments, x a tile of KT*16 rows. */
template <int LD, int MT, int KT> static __device__ __forceinline__ void attention_add(float sum[MT][LD / 8][4], const uint32_t p[MT][KT][4], const bf16 *x) {
  int tall = attention_tall<LD>();
#pragma unroll
  for (int k = 0; k < KT; k++)
#pragma unroll
    for (int c = 0; c < LD / 8; c += 2) {
      uint32_t r[4];
      ldmatrix_x4_trans(r, x + k * 16 * LD + c / 8 * 64 + (tall ^ c % 8 * 8));
#pragma unroll
      for (int m = 0; m < MT; m++) mma_bf16(sum[m][c], p[m][k], r), mma_bf16(sum[m][c + 1], p[m][k], r + 2);
    }
}

/* The fragments of a left factor that a product left in registers. */
template <int MT, int NT> static __device__ __forceinline__ void attention_round(uint32_t p[MT][NT / 2][4], const float s[MT][NT][4]) {
#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int n = 0; n < NT; n++)
#pragma unroll
      for (int half = 0; half < 2; half++) p[m][n / 2][n % 2 * 2 + half] = pack_bf16(s[m][n][2 * half], s[m][n][2 * half + 1]);
}

/* A warp's MT*16 rows, times a factor each, through rows of a tile that only this warp uses, to global memory. */
template <int LD, int TILE, int MT> static __device__ __forceinline__ void attention_store(bf16 *to, int64_t ld, int rows, int columns, float x[MT][LD / 8][4], const float factor[MT][2], bf16 *tile) {
  int lane = threadIdx.x % 32; /* the warp's last ldmatrix of these rows, a meeting of its lanes, lies behind */
#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int c = 0; c < LD / 8; c++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        uint32_t pair = pack_bf16(x[m][c][2 * half] * factor[m][half], x[m][c][2 * half + 1] * factor[m][half]);
        *reinterpret_cast<uint32_t *>(attention_at<TILE>(tile, m * 16 + half * 8 + lane / 4, c & ~1, c & 1) + lane % 4 * 2) = pair;
      }
  __syncwarp();
#pragma unroll
  for (int i = 0; i < MT * LD / 16; i++) {
    int at = i * 32 + lane, r = at / (LD / 8), c = at % (LD / 8);
    if (r < rows && c * 8 < columns) store_pack<bf16, 8>(to + r * ld + c * 8, load_pack<bf16, 8>(attention_at<TILE>(tile, r, c & ~1, c & 1)));
  }
}

/* ---- forward.  Grid: tiles of queries, H, B; the longest first. */

template <int DQ, int DV, int MT, int WARPS, int KEYS> static constexpr size_t attention_forward_shared() { return sizeof(bf16) * (MT * 16 * WARPS * DQ + KEYS * (DQ + DV)); }

template <int DQ, int DV, int MT, int WARPS, int KEYS> static __global__ void __launch_bounds__(WARPS * 32, 8 / WARPS) attention_forward_mma_kernel(attention_arguments<bf16> a) {
  const int ROWS = MT * 16 * WARPS, THREADS = WARPS * 32, NT = KEYS / 8;
  static_assert(DQ >= DV, "the outputs leave through the queries' tile");
  CUDA_DYNAMIC_SHARED(bf16, q);
  __shared__ uint64_t words[ROWS];
  __shared__ int seen_from[ROWS];
  bf16 *k = q + ROWS * DQ, *v = k + KEYS * DQ;
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, h = blockIdx.y, b = blockIdx.z, g = h / a.group;
  int first = (int)(gridDim.x - 1 - blockIdx.x) * ROWS, end = min(first + ROWS, a.positions);
  int begin = attention_from(a, b, first) / KEYS * KEYS;
  int64_t sequence = (int64_t)b * a.positions, row = ((int64_t)b * a.H + h) * a.positions;

  attention_fill<ROWS, DQ, THREADS>(q, a.q + (sequence + first) * a.ld_q + (int64_t)h * a.D, a.ld_q, end - first, a.D);
  attention_fill<KEYS, DQ, THREADS>(k, a.k + (sequence + begin) * a.ld_k + (int64_t)g * a.D, a.ld_k, end - begin, a.D);
  cp_async_commit();
  for (int i = threadIdx.x; i < ROWS; i += THREADS) {
    seen_from[i] = first + i < end ? attention_from(a, b, first + i) : 0;
    if (a.below) words[i] = mask_words(a.key, row + first + i);
  }

  int mine = warp * MT * 16 + lane / 4; /* the thread's first row; the others are 8, 16, 24 below */
  float out[MT][DV / 8][4] = {}, most[MT][2], sum[MT][2];
#pragma unroll
  for (int m = 0; m < MT; m++) most[m][0] = most[m][1] = -INFINITY, sum[m][0] = sum[m][1] = 0;

  for (int u = begin; u < end; u += KEYS) {
    cp_async_wait<0>();
    __syncthreads(); /* the keys are there, and the last values read */
    attention_fill<KEYS, DV, THREADS>(v, a.v + (sequence + u) * a.ld_v + (int64_t)g * a.head_v, a.ld_v, end - u, a.D_v);
    cp_async_commit();
    bool sees = DQ == 128 || u < first + (warp + 1) * MT * 16;
    float s[MT][NT][4] = {};
    if (sees) attention_dots<DQ, MT, NT>(s, q + warp * MT * 16 * DQ, k);
    cp_async_wait<0>();
    __syncthreads(); /* the values are there, and the keys read */

    if (u + KEYS - 1 > first + (DQ == 128 ? 0 : warp * MT * 16) || u < seen_from[end - 1 - first])
#pragma unroll
      for (int m = 0; m < MT; m++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
          int r = mine + m * 16 + half * 8, column = u + lane % 4 * 2, from = seen_from[r] - column, to = first + r - column;
#pragma unroll
          for (int n = 0; n < NT; n++)
#pragma unroll
            for (int i = 0; i < 2; i++)
              if (n * 8 + i < from || n * 8 + i > to) s[m][n][2 * half + i] = -INFINITY;
        }
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float top = -INFINITY;
#pragma unroll
        for (int n = 0; n < NT; n++) top = fmaxf(top, fmaxf(s[m][n][2 * half], s[m][n][2 * half + 1]));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
        top = fmaxf(most[m][half], top * a.scale_2);
        float shrink = most[m][half] == -INFINITY ? 0 : exp2_approx(most[m][half] - top), zero = top == -INFINITY ? 0 : top; /* of a row that has seen nothing yet */
        most[m][half] = top;
        sum[m][half] *= shrink;
#pragma unroll
        for (int c = 0; c < DV / 8; c++) out[m][c][2 * half] *= shrink, out[m][c][2 * half + 1] *= shrink;
#pragma unroll
        for (int n = 0; n < NT; n++)
#pragma unroll
          for (int i = 0; i < 2; i++) {
            float p = exp2_approx(s[m][n][2 * half + i] * a.scale_2 - zero);
            sum[m][half] += p;
            s[m][n][2 * half + i] = p;
          }
      }
    if (a.below)
#pragma unroll
      for (int m = 0; m < MT; m++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
          uint64_t word = words[mine + m * 16 + half * 8];
#pragma unroll
          for (int n = 0; n < NT; n++)
#pragma unroll
            for (int i = 0; i < 2; i++)
              s[m][n][2 * half + i] = attention_keeps((uint32_t)word, (uint32_t)(word >> 32), a.below, u + n * 8 + lane % 4 * 2 + i) ? s[m][n][2 * half + i] * a.kept : 0;
        }
    uint32_t p[MT][NT / 2][4];
    attention_round<MT, NT>(p, s);
    if (u + KEYS < end) attention_fill<KEYS, DQ, THREADS>(k, a.k + (sequence + u + KEYS) * a.ld_k + (int64_t)g * a.D, a.ld_k, end - u - KEYS, a.D);
    cp_async_commit();
    if (sees) attention_add<DV, MT, NT / 2>(out, p, v);
  }

#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int t = first + mine + m * 16 + half * 8;
      float all = sum[m][half];
      all += __shfl_xor_sync(0xffffffffu, all, 1);
      all += __shfl_xor_sync(0xffffffffu, all, 2);
      if (a.log_sum_exp && lane % 4 == 0 && t < end) a.log_sum_exp[row + t] = (most[m][half] + log2f(all)) * 0.69314718055994531f;
      sum[m][half] = 1 / all;
    }
  int from = first + warp * MT * 16;
  attention_store<DV, DQ, MT>(a.to + (sequence + from) * a.ld_out + (int64_t)h * a.D_v, a.ld_out, end - from, a.D_v, out, sum, q + warp * MT * 16 * DQ);
}

/* ---- backward */

/* `lanes` lanes (a power of 2) a row.  Grid: padded rows, H, B. */
template <class T> static __global__ void __launch_bounds__(256) attention_rows_kernel(attention_arguments<T> a, int lanes, bool aligned) {
  int t = (int)((blockIdx.x * 256 + threadIdx.x) / lanes), lane = threadIdx.x % lanes, h = blockIdx.y, b = blockIdx.z;
  int64_t row = (int64_t)b * a.H + h, at = ((int64_t)b * a.positions + t) * a.ld_out + (int64_t)h * a.D_v, to = row * a.padded + t;
  const int N = 16 / sizeof(T);
  int64_t number = (((int64_t)b * a.H + h) * gridDim.x + blockIdx.x) * 256 + threadIdx.x;
  if (number < a.order.size) a.order.ticket[number] = 0;
  float sum = 0;
  if (t < a.positions) {
    if (aligned)
      for (int d = lane * N; d < a.D_v; d += lanes * N) {
        pack<T, N> x = load_pack<T, N>(a.d_out + at + d), y = load_pack<T, N>(a.out + at + d);
#pragma unroll
        for (int i = 0; i < N; i++) sum += to_float(x.at[i]) * to_float(y.at[i]);
      }
    else
      for (int d = lane; d < a.D_v; d += lanes) sum += to_float(a.d_out[at + d]) * to_float(a.out[at + d]);
  }
  for (int distance = lanes / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
  if (lane != 0 || t >= a.padded) return;
  bool inside = t < a.positions;
  a.rows.log_sum_exp[to] = inside ? a.log_sum_exp[row * a.positions + t] * 1.4426950408889634f : INFINITY;
  a.rows.delta[to] = sum;
  a.rows.from[to] = inside ? attention_from(a, b, t) : 0;
  if (a.below) {
    uint64_t words = mask_words(a.key, row * a.positions + t);
    a.rows.first[to] = (uint32_t)words, a.rows.second[to] = (uint32_t)(words >> 32);
  }
}

/* The positions behind the last query that sees a key of begin..end-1, in whole tiles of `tile` from `begin`.  For all threads. */
template <class T> static __device__ __forceinline__ int attention_tiles(const attention_arguments<T> &a, int b, int begin, int end, int tile) {
  int tiles = ((int)min((int64_t)a.positions, (int64_t)end - 1 + a.window) - begin + tile - 1) / tile, seen = 0;
  if (!a.starts) return tiles;
  for (int i = 0; i < tiles; i += blockDim.x) {
    int at = i + (int)threadIdx.x;
    seen += __syncthreads_count(at < tiles && a.starts[(int64_t)b * a.positions + begin + at * tile] < end);
  }
  return seen;
}

/* The warp's 32 columns of queries of a factor, rounded, to its rows of keys. */
template <int NT> static __device__ __forceinline__ void attention_keep(bf16 *tile, int row, int column, const uint32_t p[2][NT / 2][4]) {
  int lane = threadIdx.x % 32, c = lane / 4 ^ column / 8;
  tile += (row + lane / 4) * ATTENTION_QUERIES + lane % 4 * 2;
#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int n = 0; n < NT; n++)
#pragma unroll
      for (int half = 0; half < 2; half++) *reinterpret_cast<uint32_t *>(tile + (m * 16 + half * 8) * ATTENTION_QUERIES + (c ^ n) * 8) = p[m][n / 2][n % 2 * 2 + half];
}

/* sum [32][COUNT*16] += left x, `steps` times 16 rows of x.  Of each APART*16 columns of x the warp has 16, those from mine*16.
 * left is a tile of keys: its rows from `row`, or, TURNED, its columns from `row`. */
template <int LD, int COUNT, int APART, bool TURNED, int UNROLL> static __device__ __forceinline__ void attention_multiply(float sum[2][2 * COUNT][4], const bf16 *left, int row, const bf16 *x, int mine, int steps) {
  int tall = attention_tall<LD>() ^ mine * 16, of_left = TURNED ? attention_wide<ATTENTION_QUERIES>() ^ row : attention_tall<ATTENTION_QUERIES>() + row * ATTENTION_QUERIES;
#pragma unroll(UNROLL)
  for (int k = 0; k < steps; k++) {
    uint32_t p[2][4];
#pragma unroll
    for (int m = 0; m < 2; m++) {
      if (TURNED) ldmatrix_x4_trans(p[m], left + k * 16 * ATTENTION_QUERIES + (of_left ^ m * 16));
      else ldmatrix_x4(p[m], left + m * 16 * ATTENTION_QUERIES + (of_left ^ k * 16));
    }
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      uint32_t r[4];
      ldmatrix_x4_trans(r, x + k * 16 * LD + i * APART / 4 * 64 + (tall ^ i * APART % 4 * 16));
#pragma unroll
      for (int m = 0; m < 2; m++) mma_bf16(sum[m][2 * i], p[m], r), mma_bf16(sum[m][2 * i + 1], p[m], r + 2);
    }
  }
}

/* What a warp has of a product, times a factor, to a tile of rows of LD; columns as above. */
template <int LD, int COUNT, int APART> static __device__ __forceinline__ void attention_put(bf16 *tile, int row, int mine, const float sum[2][2 * COUNT][4], float factor) {
  int lane = threadIdx.x % 32;
#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int n = 0; n < 2 * COUNT; n++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        uint32_t pair = pack_bf16(sum[m][n][2 * half] * factor, sum[m][n][2 * half + 1] * factor);
        *reinterpret_cast<uint32_t *>(attention_at<LD>(tile, row + m * 16 + half * 8 + lane / 4, (n / 2 * APART + mine) * 2, n % 2) + lane % 4 * 2) = pair;
      }
}
/* A tile to global memory, by all threads. */
template <int ROWS, int LD, int THREADS> static __device__ __forceinline__ void attention_copy(bf16 *to, int64_t ld, int rows, int columns, bf16 *tile) {
#pragma unroll 4
  for (int i = threadIdx.x; i < ROWS * LD / 8; i += THREADS) {
    int r = i / (LD / 8), c = i % (LD / 8);
    if (r < rows && c * 8 < columns) store_pack<bf16, 8>(to + r * ld + c * 8, load_pack<bf16, 8>(attention_at<LD>(tile, r, c & ~1, c & 1)));
  }
}

/* What a warp has of dq from and to the workspace, as it stands in registers, and to its place; columns as above. */
template <int COUNT, int THREADS> static __device__ __forceinline__ void attention_load(float sum[2][2 * COUNT][4], const float *from, bool nothing) {
#pragma unroll
  for (int i = 0; i < 4 * COUNT; i++) {
    pack<float, 4> x = {};
    if (!nothing) x = load_pack<float, 4>(from + i * THREADS * 4);
#pragma unroll
    for (int j = 0; j < 4; j++) sum[i / (2 * COUNT)][i % (2 * COUNT)][j] = x.at[j];
  }
}
template <int COUNT, int THREADS> static __device__ __forceinline__ void attention_save(float *to, const float sum[2][2 * COUNT][4]) {
#pragma unroll
  for (int i = 0; i < 4 * COUNT; i++) {
    const float *x = sum[i / (2 * COUNT)][i % (2 * COUNT)];
    store_pack<float, 4>(to + i * THREADS * 4, pack<float, 4>{{x[0], x[1], x[2], x[3]}});
  }
}
template <int COUNT, int APART> static __device__ __forceinline__ void attention_write(bf16 *to, int64_t ld, int rows, int columns, int column, const float sum[2][2 * COUNT][4], float factor) {
  int lane = threadIdx.x % 32;
  to += column + lane % 4 * 2;
#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int r = m * 16 + half * 8 + lane / 4;
      if (r < rows)
#pragma unroll
        for (int n = 0; n < 2 * COUNT; n++) {
          int c = n / 2 * APART * 16 + n % 2 * 8;
          if (c < columns) *reinterpret_cast<uint32_t *>(to + r * ld + c) = pack_bf16(sum[m][n][2 * half] * factor, sum[m][n][2 * half + 1] * factor);
        }
    }
}

/* What a block has to do. */
struct attention_place {
  int b, g, block, part, behind; /* the block of keys; of the ring; the last tile of queries */
  int before;                    /* blocks of the same key head that have started before */
  int32_t *written;              /* the link of the tile to whose dq the block has just added, NULL: nobody waits for it */
};

template <int DQ, int DV, int KEYS, int WARPS> static constexpr size_t attention_backward_shared(int stages) {
  return sizeof(bf16) * ((KEYS + stages * ATTENTION_QUERIES) * (DQ + DV) + (KEYS == WARPS * 32 ? 1 : 2) * KEYS * ATTENTION_QUERIES) + stages * 5 * ATTENTION_QUERIES * sizeof(float);
}

/* Grid: tiles of keys x H_kv x B, whichever come.  NT * 8 queries of a tile have scores in registers at a time. */
template <int DQ, int DV, int KEYS, int WARPS, int NT> static __global__ void __launch_bounds__(WARPS * 32, 8 / WARPS) attention_backward_mma_kernel(attention_arguments<bf16> a) {
  const int ROWS = ATTENTION_QUERIES, THREADS = WARPS * 32, DOWN = KEYS / 32, ACROSS = WARPS / DOWN, ASIDE = WARPS / 2, PART = ROWS / ACROSS;
  const int QN = DQ / 16 / ACROSS, VN = DV / 16 / ACROSS, DN = DQ / 16 / ASIDE; /* 16 columns each that a warp has of dk, dv, dq */
  const int FIRST = DN < 3 ? DN : 2;                                       /* of dq at a time */
  const int UNROLL = DQ <= 128 ? 4 : 2;
  static_assert(DOWN * ACROSS == WARPS && PART % (NT * 8) == 0 && QN * ACROSS * 16 == DQ && VN * ACROSS * 16 == DV && DN * ASIDE * 16 == DQ, "all warps have as much");
  CUDA_DYNAMIC_SHARED(bf16, k);
  bf16 *v = k + KEYS * DQ, *slopes = v + KEYS * DV, *weights = slopes + KEYS * ROWS, *stages = ACROSS == 1 ? weights : weights + KEYS * ROWS;
  const int D_AT = ROWS * DQ, ROWS_AT = D_AT + ROWS * DV, STAGE = ROWS_AT + 10 * ROWS; /* of a stage: queries, d_out, rows [5][ROWS] as in struct attention_rows */
  __shared__ attention_place place; /* read again behind barriers: registers are short */
  if (threadIdx.x == 0) {
    int ticket = atomicAdd(a.order.ticket, 1), blocks = (a.positions + KEYS - 1) / KEYS, unit = ticket / blocks, H_kv = a.H / a.group;
    place.b = unit / H_kv, place.g = unit % H_kv, place.block = blocks - 1 - ticket % blocks, place.before = ticket % blocks, place.part = unit % a.order.ring;
    place.written = NULL;
    if (unit >= a.order.ring) /* those that had this part of the ring */
      while (load_acquire(a.order.done + unit - a.order.ring) < blocks) {}
  }
  __syncthreads();
  int begin = place.block * KEYS, tiles = attention_tiles(a, place.b, begin, min(begin + KEYS, a.positions), ROWS);
  bool edges = a.starts || a.window < a.positions;
  if (threadIdx.x == 0) place.behind = begin + ROWS * tiles;

  auto fill = [&](int h, int t, int stage) {
    int64_t at = (int64_t)place.b * a.positions + t, row = ((int64_t)place.b * a.H + h) * a.padded + t;
    attention_fill<ROWS, DQ, THREADS>(stages + stage * STAGE, a.q + at * a.ld_q + (int64_t)h * a.D, a.ld_q, a.positions - t, a.D);
    attention_fill<ROWS, DV, THREADS>(stages + stage * STAGE + D_AT, a.d_out + at * a.ld_out + (int64_t)h * a.D_v, a.ld_out, a.positions - t, a.D_v);
    if (threadIdx.x < 5 * ROWS / 4) {
      int which = threadIdx.x / (ROWS / 4), at = threadIdx.x % (ROWS / 4) * 4;
      if (which < 2 || (which == 2 && edges) || (which > 2 && a.below)) cp_async_16(reinterpret_cast<float *>(stages + stage * STAGE + ROWS_AT) + which * ROWS + at, a.rows.log_sum_exp + which * a.rows.size + row + at, true);
    }
  };
  auto advance = [&](int &h, int &t) { /* h: in the group */
    if ((t += ROWS) == place.behind) t = begin, h++;
  };
  auto fill_next = [&](int h, int t, int stage) {
    advance(h, t);
    if (h < a.group) fill(place.g * a.group + h, t, stage);
    cp_async_commit();
  };
  attention_fill<KEYS, DQ, THREADS>(k, a.k + ((int64_t)place.b * a.positions + begin) * a.ld_k + (int64_t)place.g * a.D, a.ld_k, a.positions - begin, a.D);
  attention_fill<KEYS, DV, THREADS>(v, a.v + ((int64_t)place.b * a.positions + begin) * a.ld_v + (int64_t)place.g * a.head_v, a.ld_v, a.positions - begin, a.D_v);
  fill(place.g * a.group, begin, 0);
  cp_async_commit();

  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, across = ACROSS == 1 ? 0 : warp / DOWN, warp_row = (warp - across * DOWN) * 32, warp_first = begin + warp_row, mine = warp_first + lane / 4;
  float dk[2][2 * QN][4] = {}, dv[2][2 * VN][4] = {};
  for (int h = 0, t0 = begin, stage = 0; h < a.group; stage ^= a.stages - 1) {
    cp_async_wait<0>();
    __syncthreads(); /* the tile is there, the last one read, its part of dq written */
    if (a.stages == 2) fill_next(h, t0, stage ^ 1);
    bf16 *q = stages + stage * STAGE, *d = q + D_AT;
    const float *rows = reinterpret_cast<const float *>(q + ROWS_AT);
    const int32_t *from = reinterpret_cast<const int32_t *>(rows) + 2 * ROWS;
    bool alone = t0 < begin + KEYS; /* no block before this one adds to the tile */

#pragma unroll 1
    for (int part = across * PART; part < (across + 1) * PART; part += NT * 8) {
      bool sees = t0 + part + NT * 8 > warp_first;
      float s[2][NT][4] = {}, ds[2][NT][4] = {};
      if (sees) {
        attention_dots<DQ, 2, NT, UNROLL>(s, k + warp_row * DQ, q + part * DQ);
        attention_dots<DV, 2, NT, UNROLL>(ds, v + warp_row * DV, d + part * DV);
      }
      if (threadIdx.x == 0 && place.written) store_release(place.written, place.before + 1), place.written = NULL; /* of the last tile: not waited for here any more */
      if (t0 + part < warp_first + 31 || edges)
#pragma unroll
        for (int n = 0; n < NT; n++)
#pragma unroll
          for (int i = 0; i < 2; i++) {
            int r = part + n * 8 + lane % 4 * 2 + i, seen_from = edges ? from[r] : 0;
#pragma unroll
            for (int m = 0; m < 2; m++)
#pragma unroll
              for (int half = 0; half < 2; half++) {
                int u = mine + m * 16 + half * 8;
                if (u > t0 + r || u < seen_from) s[m][n][2 * half + i] = -INFINITY;
              }
          }
      uint32_t kept = 0; /* a bit a score */
      if (a.below)
#pragma unroll
        for (int n = 0; n < NT; n++)
#pragma unroll
          for (int i = 0; i < 2; i++) {
            const uint32_t *words = reinterpret_cast<const uint32_t *>(rows) + 3 * ROWS + part + n * 8 + lane % 4 * 2 + i;
#pragma unroll
            for (int m = 0; m < 2; m++)
#pragma unroll
              for (int half = 0; half < 2; half++) {
                float &slope = ds[m][n][2 * half + i];
                bool keeps = attention_keeps(words[0], words[ROWS], a.below, mine + m * 16 + half * 8);
                kept |= (uint32_t)keeps << ((m * NT + n) * 4 + 2 * half + i);
                slope = keeps ? slope * a.kept : 0;
              }
          }
#pragma unroll
      for (int n = 0; n < NT; n++) {
        int r = part + n * 8 + lane % 4 * 2;
        pack<float, 2> log_sum_exp = load_pack<float, 2>(rows + r), delta = load_pack<float, 2>(rows + ROWS + r);
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
          for (int m = 0; m < 2; m++)
#pragma unroll
            for (int half = 0; half < 2; half++) {
              float &score = s[m][n][2 * half + i], &slope = ds[m][n][2 * half + i];
              score = exp2_approx(score * a.scale_2 - log_sum_exp.at[i]);
              slope = score * (slope - delta.at[i]);
            }
      }
      if (a.below)
#pragma unroll
        for (int j = 0; j < 8 * NT; j++) {
          float &weight = s[j / (4 * NT)][j / 4 % NT][j % 4];
          weight = kept >> j & 1 ? weight * a.kept : 0;
        }
      uint32_t p[2][NT / 2][4], dp[2][NT / 2][4];
      attention_round<2, NT>(p, s);
      attention_round<2, NT>(dp, ds);
      attention_keep<NT>(slopes, warp_row, part, dp);
      if constexpr (ACROSS > 1) {
        attention_keep<NT>(weights, warp_row, part, p);
      } else if (sees) {
        attention_add<DV, 2, NT / 2>(dv, p, d + part * DV);
        attention_add<DQ, 2, NT / 2>(dk, dp, q + part * DQ);
      }
    }

    auto sums = [&] { return a.order.dq + (((int64_t)place.part * a.group + h) * (a.padded / ROWS) + t0 / ROWS) * (ROWS * DQ) + threadIdx.x * 4; };
    int rows_of = warp % 2 * 32, columns_of = warp / 2, steps = min(KEYS, t0 + ROWS - begin) / 16;
    auto link = [&] { return a.order.links + ((int64_t)place.b * a.H + place.g * a.group + h) * (a.padded / ROWS) + t0 / ROWS; };
    if (threadIdx.x == 0) place.written = (edges ? from[0] : 0) < begin ? link() : NULL; /* not the last */
    float dq[2][2 * FIRST][4];
    auto await = [&] { /* each warp by itself, for the block before */
      if (!alone && lane == 0)
        while (load_acquire(link()) < place.before) {}
      __syncwarp();
    };
    __syncthreads(); /* slopes and weights are there */
    bool some = warp_first < t0 + ROWS;
    if (ACROSS > 1 && some) attention_multiply<DV, VN, ACROSS, false, UNROLL>(dv, weights, warp_row, d, across, ROWS / 16);
    await();
    if (FIRST == DN) attention_load<FIRST, THREADS>(dq, sums(), alone); /* is under way during a product; larger heads have no registers for it */
    if (ACROSS > 1 && some) attention_multiply<DQ, QN, ACROSS, false, UNROLL>(dk, slopes, warp_row, q, across, ROWS / 16);
    if (FIRST < DN) attention_load<FIRST, THREADS>(dq, sums(), alone);
    attention_multiply<DQ, FIRST, ASIDE, true, 2>(dq, slopes, rows_of, k, columns_of, steps);
    bf16 *to = place.written ? NULL : a.dq + ((int64_t)place.b * a.positions + t0 + rows_of) * a.ld_q + (int64_t)(place.g * a.group + h) * a.D;
    if (to) attention_write<FIRST, ASIDE>(to, a.ld_q, a.positions - t0 - rows_of, a.D - columns_of * 16, columns_of * 16, dq, a.scale);
    else attention_save<FIRST, THREADS>(sums(), dq);
    if constexpr (FIRST < DN) {
      const int REST = DN - FIRST, AT = FIRST * ASIDE * 16;
      float dq[2][2 * REST][4];
      attention_load<REST, THREADS>(dq, sums() + FIRST * 16 * THREADS, alone);
      attention_multiply<DQ, REST, ASIDE, true, 2>(dq, slopes, rows_of, k + AT, columns_of, steps);
      if (to) attention_write<REST, ASIDE>(to + AT, a.ld_q, a.positions - t0 - rows_of, a.D - AT - columns_of * 16, columns_of * 16, dq, a.scale);
      else attention_save<REST, THREADS>(sums() + FIRST * 16 * THREADS, dq);
    }
    if (a.stages == 1) {
      __syncthreads(); /* the tile is read */
      fill_next(h, t0, 0);
    }
    advance(h, t0);
  }

  __syncthreads(); /* the keys are read, and all parts of dq written */
  if (threadIdx.x == 0) {
    if (place.written) store_release(place.written, place.before + 1);
    __threadfence();
    atomicAdd(a.order.done + place.b * (a.H / a.group) + place.g, 1);
  }
  attention_put<DQ, QN, ACROSS>(k, warp_row, across, dk, a.scale);
  attention_put<DV, VN, ACROSS>(v, warp_row, across, dv, 1);
  __syncthreads();
  attention_copy<KEYS, DQ, THREADS>(a.dk + ((int64_t)place.b * a.positions + begin) * a.ld_k + (int64_t)place.g * a.D, a.ld_k, a.positions - begin, a.D, k);
  attention_copy<KEYS, DV, THREADS>(a.dv + ((int64_t)place.b * a.positions + begin) * a.ld_v + (int64_t)place.g * a.head_v, a.ld_v, a.positions - begin, a.D_v, v);
}

/* ---- float, and what does not fit above.  256 threads; thread (y, x) of 16 x 16 has rows 4y.. and columns 4x.. of a tile. */

enum { PLAIN_SIDE = 64, PLAIN_CHUNK = 32, PLAIN_SLICE = 128, PLAIN_STEP = 16, PLAIN_THREADS = 256, PLAIN_LD = PLAIN_SIDE + 4 };

struct plain_shared {
  float a[PLAIN_CHUNK][PLAIN_LD], b[PLAIN_CHUNK][PLAIN_LD]; /* columns of two tiles; rows of one: [PLAIN_STEP][PLAIN_SLICE + 4] */
  float p[PLAIN_SIDE][PLAIN_LD];                           /* the transposed left factor of a product */
  float most[4][PLAIN_SIDE], shrink[PLAIN_SIDE];
};

/* s[i][j] += row 4y+i of a . row 4x+j of b, over n columns; rows beyond those inside count as zeros.  Ends before the others have read. */
template <class T>
static __device__ __forceinline__ void plain_dots(float s[4][4], plain_shared &m, const T *a, int64_t ld_a, int rows_a, const T *b, int64_t ld_b, int rows_b, int n) {
  int x = threadIdx.x % 16 * 4, y = threadIdx.x / 16 * 4;
  for (int first = 0; first < n; first += PLAIN_CHUNK) {
    __syncthreads();
#pragma unroll 4
    for (int i = threadIdx.x; i < PLAIN_SIDE * PLAIN_CHUNK; i += PLAIN_THREADS) { /* a warp: 4 rows of 8 columns, which fall into 32 banks */
      int c = (i & 7) | (i >> 5 & 3) << 3, r = (i >> 3 & 3) | i >> 7 << 2;
      m.a[c][r] = r < rows_a && first + c < n ? to_float(a[r * ld_a + first + c]) : 0;
      m.b[c][r] = r < rows_b && first + c < n ? to_float(b[r * ld_b + first + c]) : 0;
    }
    __syncthreads();
#pragma unroll 4
    for (int c = 0; c < PLAIN_CHUNK; c++) {
      pack<float, 4> left = load_pack<float, 4>(&m.a[c][y]), right = load_pack<float, 4>(&m.b[c][x]);
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) s[i][j] += left.at[i] * right.at[j];
    }
  }
}

/* sum[i][j] += p[u][4y+i] rows[u][4x+j], j < 4, and of columns 64 further, j >= 4; `columns` of them are inside.  p is written and not
 * yet waited for. */
template <class T> static __device__ __forceinline__ void plain_add(float sum[4][8], plain_shared &m, const T *rows, int64_t ld, int inside, int columns) {
  float(*part)[PLAIN_SLICE + 4] = reinterpret_cast<float(*)[PLAIN_SLICE + 4]>(m.a);
  static_assert(PLAIN_STEP * (PLAIN_SLICE + 4) <= PLAIN_CHUNK * PLAIN_LD, "fits");
  int x = threadIdx.x % 16 * 4, y = threadIdx.x / 16 * 4;
  for (int first = 0; first < PLAIN_SIDE && first < inside; first += PLAIN_STEP) {
    __syncthreads();
#pragma unroll 4
    for (int i = threadIdx.x; i < PLAIN_STEP * PLAIN_SLICE; i += PLAIN_THREADS) {
      int r = i / PLAIN_SLICE, c = i % PLAIN_SLICE;
      part[r][c] = first + r < inside && c < columns ? to_float(rows[(first + r) * ld + c]) : 0;
    }
    __syncthreads();
#pragma unroll 4
    for (int u = 0; u < PLAIN_STEP; u++) {
      pack<float, 4> left = load_pack<float, 4>(&m.p[first + u][y]), low = load_pack<float, 4>(&part[u][x]), high = load_pack<float, 4>(&part[u][64 + x]);
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) sum[i][j] += left.at[i] * low.at[j], sum[i][4 + j] += left.at[i] * high.at[j];
    }
  }
}

template <class T> static __device__ __forceinline__ void plain_store(T *to, int64_t ld, int rows, int columns, const float sum[4][8], float factor) {
  int x = threadIdx.x % 16 * 4, y = threadIdx.x / 16 * 4;
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 8; j++) {
      int c = x + j % 4 + j / 4 * 64;
      if (y + i < rows && c < columns) to[(y + i) * ld + c] = from_float<T>(sum[i][j] * factor);
    }
}

/* Row of p for the thread's row i of a product. */
static __device__ __forceinline__ void plain_keep(plain_shared &m, const float s[4][4]) {
  int x = threadIdx.x % 16 * 4, y = threadIdx.x / 16 * 4;
#pragma unroll
  for (int i = 0; i < 4; i++) store_pack<float, 4>(&m.p[y + i][x], pack<float, 4>{{s[i][0], s[i][1], s[i][2], s[i][3]}});
}

/* Grid: slices x tiles of queries, H, B. */
template <class T> static __global__ void __launch_bounds__(PLAIN_THREADS, 1) attention_forward_kernel(attention_arguments<T> a) {
  __shared__ __align__(16) plain_shared m;
  int tiles = gridDim.x / a.slices, h = blockIdx.y, b = blockIdx.z, g = h / a.group, column = (int)(blockIdx.x / tiles) * PLAIN_SLICE;
  int first = (tiles - 1 - (int)blockIdx.x % tiles) * PLAIN_SIDE, end = min(first + PLAIN_SIDE, a.positions), begin = attention_from(a, b, first) / PLAIN_SIDE * PLAIN_SIDE;
  int64_t sequence = (int64_t)b * a.positions, row = ((int64_t)b * a.H + h) * a.positions;
  const T *q = a.q + (sequence + first) * a.ld_q + (int64_t)h * a.D, *k = a.k + sequence * a.ld_k + (int64_t)g * a.D, *v = a.v + sequence * a.ld_v + (int64_t)g * a.head_v + column;
  int part = threadIdx.x / PLAIN_SIDE, mine = threadIdx.x % PLAIN_SIDE, t = first + mine, y = threadIdx.x / 16 * 4; /* a quarter of the keys of query t */
  int from = t < end ? attention_from(a, b, t) : 0;
  float sum[4][8] = {}, most = -INFINITY, total = 0;
  for (int u = begin; u < end; u += PLAIN_SIDE) {
    float s[4][4] = {};
    plain_dots(s, m, k + (int64_t)u * a.ld_k, a.ld_k, end - u, q, a.ld_q, end - first, a.D);
    plain_keep(m, s);
    __syncthreads();
    float top = -INFINITY;
#pragma unroll 2
    for (int i = part * 16; i < part * 16 + 16; i++)
      if (u + i >= from && u + i <= t) top = fmaxf(top, m.p[i][mine] * a.scale_2);
    m.most[part][mine] = top;
    __syncthreads();
    for (int i = 0; i < 4; i++) top = fmaxf(top, m.most[i][mine]);
    top = fmaxf(top, most);
    float shrink = most == -INFINITY ? 0 : exp2f(most - top);
    uint64_t words = a.below ? mask_words(a.key, row + t) : 0;
    total *= shrink;
#pragma unroll 2
    for (int i = part * 16; i < part * 16 + 16; i++) {
      float p = u + i >= from && u + i <= t ? exp2f(m.p[i][mine] * a.scale_2 - top) : 0;
      total += p;
      if (a.below) p = attention_keeps((uint32_t)words, (uint32_t)(words >> 32), a.below, u + i) ? p * a.kept : 0;
      m.p[i][mine] = p;
    }
    most = top;
    if (part == 0) m.shrink[mine] = shrink;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int j = 0; j < 8; j++) sum[i][j] *= m.shrink[y + i];
    plain_add(sum, m, v + (int64_t)u * a.ld_v, a.ld_v, end - u, a.D_v - column);
  }
  m.most[part][mine] = total;
  __syncthreads();
  total = m.most[0][mine] + m.most[1][mine] + m.most[2][mine] + m.most[3][mine];
  if (part == 0) m.shrink[mine] = 1 / total;
  if (part == 0 && column == 0 && t < end && a.log_sum_exp) a.log_sum_exp[row + t] = (most + log2f(total)) * 0.69314718055994531f;
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 8; j++) sum[i][j] *= m.shrink[y + i];
  plain_store(a.to + (sequence + first) * a.ld_out + (int64_t)h * a.D_v + column, a.ld_out, end - first, a.D_v - column, sum, 1);
}

/* Of one score: p times its mask, and its gradient without the scale; row: of struct attention_rows. */
template <class T> static __device__ __forceinline__ void plain_slope(const attention_arguments<T> &a, float *score, float *slope, int64_t row, int t, int u) {
  float p = u <= t && u >= a.rows.from[row] ? exp2f(*score * a.scale_2 - a.rows.log_sum_exp[row]) : 0, keep = 1;
  if (a.below) keep = attention_keeps(a.rows.first[row], a.rows.second[row], a.below, u) ? a.kept : 0;
  *slope = p * (keep * *slope - a.rows.delta[row]);
  *score = p * keep;
}

/* Grid: slices x tiles of keys, H_kv, B. */
template <class T> static __global__ void __launch_bounds__(PLAIN_THREADS) attention_keys_kernel(attention_arguments<T> a) {
  __shared__ __align__(16) plain_shared m;
  int all = gridDim.x / a.slices, g = blockIdx.y, b = blockIdx.z, column = (int)(blockIdx.x / all) * PLAIN_SLICE, x = threadIdx.x % 16 * 4, y = threadIdx.x / 16 * 4;
  int begin = (int)(blockIdx.x % all) * PLAIN_SIDE, end = min(begin + PLAIN_SIDE, a.positions), tiles = attention_tiles(a, b, begin, end, PLAIN_SIDE);
  int64_t sequence = (int64_t)b * a.positions;
  const T *k = a.k + (sequence + begin) * a.ld_k + (int64_t)g * a.D, *v = a.v + (sequence + begin) * a.ld_v + (int64_t)g * a.head_v;
  float dk[4][8] = {}, dv[4][8] = {};
  for (int h = g * a.group; h < (g + 1) * a.group; h++)
    for (int tile = 0, t = begin; tile < tiles; tile++, t += PLAIN_SIDE) {
      const T *q = a.q + (sequence + t) * a.ld_q + (int64_t)h * a.D, *d = a.d_out + (sequence + t) * a.ld_out + (int64_t)h * a.D_v;
      int inside = a.positions - t;
      float s[4][4] = {}, ds[4][4] = {};
      plain_dots(s, m, q, a.ld_q, inside, k, a.ld_k, end - begin, a.D);
      plain_dots(ds, m, d, a.ld_out, inside, v, a.ld_v, end - begin, a.D_v);
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) plain_slope(a, &s[i][j], &ds[i][j], ((int64_t)b * a.H + h) * a.padded + t + y + i, t + y + i, begin + x + j);
      plain_keep(m, s);
      plain_add(dv, m, d + column, a.ld_out, inside, a.D_v - column);
      __syncthreads();
      plain_keep(m, ds);
      plain_add(dk, m, q + column, a.ld_q, inside, a.D - column);
    }
  plain_store(a.dk + (sequence + begin) * a.ld_k + (int64_t)g * a.D + column, a.ld_k, end - begin, a.D - column, dk, a.scale);
  plain_store(a.dv + (sequence + begin) * a.ld_v + (int64_t)g * a.head_v + column, a.ld_v, end - begin, a.D_v - column, dv, 1);
}

/* Grid: slices x tiles of queries, H, B. */
template <class T> static __global__ void __launch_bounds__(PLAIN_THREADS, 1) attention_queries_kernel(attention_arguments<T> a) {
  __shared__ __align__(16) plain_shared m;
  int tiles = gridDim.x / a.slices, h = blockIdx.y, b = blockIdx.z, g = h / a.group, column = (int)(blockIdx.x / tiles) * PLAIN_SLICE, x = threadIdx.x % 16 * 4, y = threadIdx.x / 16 * 4;
  int first = (tiles - 1 - (int)blockIdx.x % tiles) * PLAIN_SIDE, end = min(first + PLAIN_SIDE, a.positions), begin = attention_from(a, b, first) / PLAIN_SIDE * PLAIN_SIDE;
  int64_t sequence = (int64_t)b * a.positions, row = ((int64_t)b * a.H + h) * a.padded + first;
  const T *q = a.q + (sequence + first) * a.ld_q + (int64_t)h * a.D, *d = a.d_out + (sequence + first) * a.ld_out + (int64_t)h * a.D_v;
  float dq[4][8] = {};
  for (int u = begin; u < end; u += PLAIN_SIDE) {
    const T *k = a.k + (sequence + u) * a.ld_k + (int64_t)g * a.D, *v = a.v + (sequence + u) * a.ld_v + (int64_t)g * a.head_v;
    float s[4][4] = {}, ds[4][4] = {};
    plain_dots(s, m, k, a.ld_k, end - u, q, a.ld_q, end - first, a.D);
    plain_dots(ds, m, v, a.ld_v, end - u, d, a.ld_out, end - first, a.D_v);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int j = 0; j < 4; j++) plain_slope(a, &s[i][j], &ds[i][j], row + x + j, first + x + j, u + y + i);
    plain_keep(m, ds);
    plain_add(dq, m, k + column, a.ld_k, end - u, a.D - column);
  }
  plain_store(a.dq + (sequence + first) * a.ld_q + (int64_t)h * a.D + column, a.ld_q, end - first, a.D - column, dq, a.scale);
}

#endif
