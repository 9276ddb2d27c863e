/* SPDX-License-Identifier: MIT
 *
 * Flash attention on the GPU, forward and backward (Dao 2023, arXiv:2307.08691): scores exist as tiles in registers only.
 *
 * bfloat16, heads padded with zeros to (64, 64), (128, 128) or (192, 128), on mma.sync with cp.async (tensor cores):
 *   forward   a block takes 128 queries of a head, a warp 32 or 16 of them whole rows, so that maximum and sum need two shuffles and
 *             the probabilities are, as they stand in registers, the left factor of the product with the values.  Keys of the next tile
 *             are on their way while values multiply, values while scores are made: two barriers a tile
 *   rows      log_sum_exp in powers of 2, sum of d_out * out, first key seen, words of the mask, for rows padded to a multiple of 128
 *   keys      a block takes 64 or 128 keys of a key head, makes the transposed scores of all queries of the group's heads in order, and
 *             keeps dk and dv in registers; queries and d_out in two stages, one barrier a tile
 *   queries   a block takes queries and keeps dq; keys and values in two stages, one barrier a tile
 * So dq costs two products more than with atomic additions (7 for 5), and every sum has one order.
 * Shared memory is swizzled: 16 bytes c of row r lie at c ^ r % 8, so that ldmatrix and cp.async meet no bank twice.
 * Expected on an H100, not measured: bound by mma.sync, which reaches 60-65% of the warp-group rate, and beside it by ldmatrix (4 cycles
 * for 512 bytes); forward at 85-95% of FlashAttention-2, backward at 65-75% of it for the two products more.
 * Tiles that no query of the block sees (causal, window, starts) are not gone through; masks are applied at the edges only.
 *
 * attention_*_kernel, float, and other sizes or alignments: tiles of 64 x 64, 4 x 4 a thread, through shared memory in float; heads in
 * slices of 128 columns, each of which makes the scores again.
 */
#ifndef KERNELS_ATTENTION_CUH
#define KERNELS_ATTENTION_CUH

#include "kernels/cuda.h"

enum { ATTENTION_PAD = 128 }; /* of rows in struct attention_rows: what every tile of queries divides */

/* [B][H][padded] each; rows behind the last position have +infinity and zeros */
struct attention_rows {
  int64_t size;               /* elements of each; they follow each other */
  float *log_sum_exp, *delta; /* times log2(e); sum of d_out * out */
  int32_t *from;              /* the first key seen */
  uint32_t *first, *second;   /* words of the mask */
};

template <class T> struct attention_arguments {
  const T *q, *k, *v, *d_out, *out;
  T *to, *dq, *dk, *dv; /* to: out of forward */
  float *log_sum_exp;
  const int32_t *starts;
  struct attention_rows rows;
  int ld_q, ld_k, ld_v, ld_out, head_v;
  uint64_t key;
  uint32_t below; /* hashes below are dropped; 0: none */
  int positions, padded, window, H, group, D, D_v, slices;
  float scale, scale_2, kept; /* scale_2: times log2(e) */
};

/* ---- what queries see, and the mask (kernels/attention.c) */

template <class T> static __device__ __forceinline__ int attention_from(const attention_arguments<T> &a, int b, int t) {
  int from = max(0, t - a.window + 1);
  return a.starts ? max(from, a.starts[(int64_t)b * a.positions + t]) : from;
}

static __device__ __forceinline__ uint64_t attention_splitmix(uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}
/* Both words of a row of log_sum_exp, the first below. */
static __device__ __forceinline__ uint64_t attention_words(uint64_t key, int64_t row) { return attention_splitmix(attention_splitmix(key) + (uint64_t)row); }
static __device__ __forceinline__ bool attention_keeps(uint32_t first, uint32_t second, uint32_t below, int u) {
  uint32_t x = (uint32_t)u ^ first;
  x = (x ^ x >> 16) * 0x7feb352du + second;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return (x ^ x >> 16) >= below;
}

/* ---- pieces of tiles on tensor cores */

/* 16 bytes c + low of row `row` of a tile of rows of LD elements; c is even and low 0 or 1, so that addresses for different c are an xor
 * with one of 4 numbers and an offset from each other. */
template <int LD> static __device__ __forceinline__ bf16 *attention_at(bf16 *tile, int row, int c, int low) {
  return tile + row * LD + c / 8 * 64 + (((row & 7) ^ low) ^ c % 8) * 8;
}
/* The address that a lane gives to ldmatrix for 16 rows of 16 columns, the same for every use: r[0] and r[1] are columns 0-7 and 8-15
 * of rows 0-7, r[2] and r[3] of rows 8-15. */
template <int LD> static __device__ __forceinline__ bf16 *attention_square(bf16 *tile, int row, int c) {
  int lane = threadIdx.x % 32;
  return attention_at<LD>(tile, row + lane / 16 * 8 + lane % 8, c, lane / 8 % 2);
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

/* s [MT*16][NT*8] += a b^T, of the columns both tiles have; a: the warp's first row. */
template <int LD, int MT, int NT> static __device__ __forceinline__ void attention_dots(float s[MT][NT][4], bf16 *a, bf16 *b) {
#pragma unroll 2 /* the whole of it takes more registers than there are */
  for (int c = 0; c < LD / 8; c += 2) {
    uint32_t left[MT][4];
#pragma unroll
    for (int m = 0; m < MT; m++) {
      uint32_t r[4];
      ldmatrix_x4(r, attention_square<LD>(a, m * 16, c));
      left[m][0] = r[0], left[m][1] = r[2], left[m][2] = r[1], left[m][3] = r[3];
    }
#pragma unroll
    for (int n = 0; n < NT; n += 2) {
      uint32_t right[4];
      ldmatrix_x4(right, attention_square<LD>(b, n * 8, c));
#pragma unroll
      for (int m = 0; m < MT; m++) mma_bf16(s[m][n], left[m], right), mma_bf16(s[m][n + 1], left[m], right + 2);
    }
  }
}

/* sum [MT*16][LD] += p x, p [MT*16][KT*16] as rounded fragments, x a tile of KT*16 rows. */
template <int LD, int MT, int KT> static __device__ __forceinline__ void attention_add(float sum[MT][LD / 8][4], const uint32_t p[MT][KT][4], bf16 *x) {
#pragma unroll
  for (int k = 0; k < KT; k++)
#pragma unroll
    for (int c = 0; c < LD / 8; c += 2) {
      uint32_t r[4];
      ldmatrix_x4_trans(r, attention_square<LD>(x, k * 16, c));
      uint32_t low[2] = {r[0], r[2]}, high[2] = {r[1], r[3]};
#pragma unroll
      for (int m = 0; m < MT; m++) mma_bf16(sum[m][c], p[m][k], low), mma_bf16(sum[m][c + 1], p[m][k], high);
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
    if (a.below) words[i] = attention_words(a.key, row + first + i);
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
    float s[MT][NT][4] = {};
    attention_dots<DQ, MT, NT>(s, q + warp * MT * 16 * DQ, k);
    cp_async_wait<0>();
    __syncthreads(); /* the values are there, and the keys read */

    if (u + KEYS - 1 > first || u < seen_from[end - 1 - first])
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
    attention_add<DV, MT, NT / 2>(out, p, v);
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
    uint64_t words = attention_words(a.key, row * a.positions + t);
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

template <int DQ, int DV, int MT, int WARPS, int ROWS> static constexpr size_t attention_keys_shared() {
  return sizeof(bf16) * (MT * 16 * WARPS + 2 * ROWS) * (DQ + DV) + 2 * 5 * ROWS * sizeof(float);
}

/* dk, dv of MT*16*WARPS keys.  Grid: tiles of keys, H_kv, B. */
template <int DQ, int DV, int MT, int WARPS, int ROWS> static __global__ void __launch_bounds__(WARPS * 32, 8 / WARPS) attention_keys_mma_kernel(attention_arguments<bf16> a) {
  const int KEYS = MT * 16 * WARPS, THREADS = WARPS * 32, NT = ROWS / 8;
  CUDA_DYNAMIC_SHARED(bf16, k);
  bf16 *v = k + KEYS * DQ, *q_stages = v + KEYS * DV, *d_stages = q_stages + 2 * ROWS * DQ;
  float *row_stages = reinterpret_cast<float *>(d_stages + 2 * ROWS * DV); /* [2][5][ROWS], as struct attention_rows */
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = blockIdx.y, b = blockIdx.z;
  int begin = (int)blockIdx.x * KEYS, end = min(begin + KEYS, a.positions), behind = begin + ROWS * attention_tiles(a, b, begin, end, ROWS);
  int64_t sequence = (int64_t)b * a.positions;
  bool edges = a.starts || a.window < a.positions;

  auto fill = [&](int h, int t, int stage) {
    int64_t row = ((int64_t)b * a.H + h) * a.padded + t;
    attention_fill<ROWS, DQ, THREADS>(q_stages + stage * ROWS * DQ, a.q + (sequence + t) * a.ld_q + (int64_t)h * a.D, a.ld_q, a.positions - t, a.D);
    attention_fill<ROWS, DV, THREADS>(d_stages + stage * ROWS * DV, a.d_out + (sequence + t) * a.ld_out + (int64_t)h * a.D_v, a.ld_out, a.positions - t, a.D_v);
    if (threadIdx.x < 5 * ROWS / 4) {
      int which = threadIdx.x / (ROWS / 4), at = threadIdx.x % (ROWS / 4) * 4;
      if (which < 2 || (which == 2 && edges) || (which > 2 && a.below)) cp_async_16(row_stages + (stage * 5 + which) * ROWS + at, a.rows.log_sum_exp + which * a.rows.size + row + at, true);
    }
  };
  attention_fill<KEYS, DQ, THREADS>(k, a.k + (sequence + begin) * a.ld_k + (int64_t)g * a.D, a.ld_k, end - begin, a.D);
  attention_fill<KEYS, DV, THREADS>(v, a.v + (sequence + begin) * a.ld_v + (int64_t)g * a.head_v, a.ld_v, end - begin, a.D_v);
  fill(g * a.group, begin, 0);
  cp_async_commit();

  float dk[MT][DQ / 8][4] = {}, dv[MT][DV / 8][4] = {};
  int mine = begin + warp * MT * 16 + lane / 4;
  for (int h = g * a.group, t0 = begin, stage = 0; h < (g + 1) * a.group; stage ^= 1) {
    cp_async_wait<0>();
    __syncthreads(); /* the tile is there, and the last one read */
    int next_h = h, next = t0 + ROWS;
    if (next == behind) next = begin, next_h++;
    if (next_h < (g + 1) * a.group) fill(next_h, next, stage ^ 1);
    cp_async_commit();
    bf16 *q = q_stages + stage * ROWS * DQ, *d = d_stages + stage * ROWS * DV;
    const float *rows = row_stages + stage * 5 * ROWS;

    float s[MT][NT][4] = {}, ds[MT][NT][4] = {};
    attention_dots<DQ, MT, NT>(s, k + warp * MT * 16 * DQ, q);
    attention_dots<DV, MT, NT>(ds, v + warp * MT * 16 * DV, d);
    bool masked = t0 < end - 1 || edges;
#pragma unroll
    for (int n = 0; n < NT; n++)
#pragma unroll
      for (int i = 0; i < 2; i++) {
        int r = n * 8 + lane % 4 * 2 + i;
        float log_sum_exp = rows[r], delta = rows[ROWS + r];
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
          for (int half = 0; half < 2; half++) {
            float &score = s[m][n][2 * half + i], &slope = ds[m][n][2 * half + i], p = exp2_approx(score * a.scale_2 - log_sum_exp);
            int u = mine + m * 16 + half * 8;
            if (masked && (u > t0 + r || (edges && u < reinterpret_cast<const int32_t *>(rows)[2 * ROWS + r]))) p = 0;
            if (a.below) {
              const uint32_t *words = reinterpret_cast<const uint32_t *>(rows) + 3 * ROWS + r;
              float keep = attention_keeps(words[0], words[ROWS], a.below, u) ? a.kept : 0;
              slope = p * (keep * slope - delta);
              score = p * keep;
            } else {
              slope = p * (slope - delta);
              score = p;
            }
          }
      }
    uint32_t p[MT][NT / 2][4];
    attention_round<MT, NT>(p, s);
    attention_add<DV, MT, NT / 2>(dv, p, d);
    attention_round<MT, NT>(p, ds);
    attention_add<DQ, MT, NT / 2>(dk, p, q);
    h = next_h, t0 = next;
  }

  float one[MT][2], scale[MT][2];
#pragma unroll
  for (int m = 0; m < MT; m++) one[m][0] = one[m][1] = 1, scale[m][0] = scale[m][1] = a.scale;
  int from = begin + warp * MT * 16;
  attention_store<DQ, DQ, MT>(a.dk + (sequence + from) * a.ld_k + (int64_t)g * a.D, a.ld_k, end - from, a.D, dk, scale, k + warp * MT * 16 * DQ);
  attention_store<DV, DV, MT>(a.dv + (sequence + from) * a.ld_v + (int64_t)g * a.head_v, a.ld_v, end - from, a.D_v, dv, one, v + warp * MT * 16 * DV);
}

template <int DQ, int DV, int MT, int WARPS, int KEYS> static constexpr size_t attention_queries_shared() { return sizeof(bf16) * (MT * 16 * WARPS + 2 * KEYS) * (DQ + DV); }

/* dq of MT*16*WARPS queries.  Grid: tiles of queries, H, B; the longest first. */
template <int DQ, int DV, int MT, int WARPS, int KEYS> static __global__ void __launch_bounds__(WARPS * 32, 8 / WARPS) attention_queries_mma_kernel(attention_arguments<bf16> a) {
  const int ROWS = MT * 16 * WARPS, THREADS = WARPS * 32, NT = KEYS / 8;
  CUDA_DYNAMIC_SHARED(bf16, q);
  __shared__ uint64_t words[ROWS];
  __shared__ float log_sum_exp[ROWS], delta[ROWS];
  bf16 *d = q + ROWS * DQ, *k_stages = d + ROWS * DV, *v_stages = k_stages + 2 * KEYS * DQ;
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, h = blockIdx.y, b = blockIdx.z, g = h / a.group;
  int first = (int)(gridDim.x - 1 - blockIdx.x) * ROWS, end = min(first + ROWS, a.positions);
  int begin = attention_from(a, b, first) / KEYS * KEYS, edge = attention_from(a, b, end - 1);
  int64_t sequence = (int64_t)b * a.positions, row = ((int64_t)b * a.H + h) * a.padded + first;
  const bf16 *k_head = a.k + sequence * a.ld_k + (int64_t)g * a.D, *v_head = a.v + sequence * a.ld_v + (int64_t)g * a.head_v;

  auto fill = [&](int u, int stage) {
    attention_fill<KEYS, DQ, THREADS>(k_stages + stage * KEYS * DQ, k_head + (int64_t)u * a.ld_k, a.ld_k, end - u, a.D);
    attention_fill<KEYS, DV, THREADS>(v_stages + stage * KEYS * DV, v_head + (int64_t)u * a.ld_v, a.ld_v, end - u, a.D_v);
  };
  attention_fill<ROWS, DQ, THREADS>(q, a.q + (sequence + first) * a.ld_q + (int64_t)h * a.D, a.ld_q, end - first, a.D);
  attention_fill<ROWS, DV, THREADS>(d, a.d_out + (sequence + first) * a.ld_out + (int64_t)h * a.D_v, a.ld_out, end - first, a.D_v);
  fill(begin, 0);
  cp_async_commit();
  for (int i = threadIdx.x; i < ROWS; i += THREADS) {
    log_sum_exp[i] = a.rows.log_sum_exp[row + i], delta[i] = a.rows.delta[row + i];
    if (a.below) words[i] = a.rows.first[row + i] | (uint64_t)a.rows.second[row + i] << 32;
  }

  int mine = warp * MT * 16 + lane / 4;
  float dq[MT][DQ / 8][4] = {};
  for (int u = begin, stage = 0; u < end; u += KEYS, stage ^= 1) {
    cp_async_wait<0>();
    __syncthreads(); /* the tile is there, and the last one read */
    if (u + KEYS < end) fill(u + KEYS, stage ^ 1);
    cp_async_commit();
    bf16 *k = k_stages + stage * KEYS * DQ, *v = v_stages + stage * KEYS * DV;
    float s[MT][NT][4] = {}, ds[MT][NT][4] = {};
    attention_dots<DQ, MT, NT>(s, q + warp * MT * 16 * DQ, k);
    attention_dots<DV, MT, NT>(ds, d + warp * MT * 16 * DV, v);
    bool masked = u + KEYS - 1 > first || u < edge;
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        int r = mine + m * 16 + half * 8, from = masked ? a.rows.from[row + r] : 0;
        float log_sum = log_sum_exp[r], less = delta[r];
#pragma unroll
        for (int n = 0; n < NT; n++)
#pragma unroll
          for (int i = 0; i < 2; i++) {
            float &slope = ds[m][n][2 * half + i], p = exp2_approx(s[m][n][2 * half + i] * a.scale_2 - log_sum);
            int at = u + n * 8 + lane % 4 * 2 + i;
            if (masked && (at < from || at > first + r)) p = 0;
            if (a.below) slope = attention_keeps((uint32_t)words[r], (uint32_t)(words[r] >> 32), a.below, at) ? slope * a.kept : 0;
            slope = p * (slope - less);
          }
      }
    uint32_t p[MT][NT / 2][4];
    attention_round<MT, NT>(p, ds);
    attention_add<DQ, MT, NT / 2>(dq, p, k);
  }

  float scale[MT][2];
#pragma unroll
  for (int m = 0; m < MT; m++) scale[m][0] = scale[m][1] = a.scale;
  int from = first + warp * MT * 16;
  attention_store<DQ, DQ, MT>(a.dq + (sequence + from) * a.ld_q + (int64_t)h * a.D, a.ld_q, end - from, a.D, dq, scale, q + warp * MT * 16 * DQ);
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
    uint64_t words = a.below ? attention_words(a.key, row + t) : 0;
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
template <class T> static __global__ void __launch_bounds__(PLAIN_THREADS) attention_queries_kernel(attention_arguments<T> a) {
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
