/* SPDX-License-Identifier: MIT
 *
 * Attention of new positions against a cache in pages (Kwon et al. 2023, arXiv:2309.06180), for decoding and for prefill.
 *
 * The query heads of a key head and the T new positions together are the rows of a matrix, row t * group + h, so that keys and values
 * are read once for all of them (grouped queries and MLA's one head become products with many rows).  A block takes a tile of rows
 * and a range of keys; where tiles alone do not fill the GPU the keys are split over blocks, whose results (sum, maximum, values) a
 * second kernel combines in order (flash-decoding, Dao et al. 2023).  The number of splits comes from shapes and the bound `longest`
 * alone, never from device data, so the launch can be recorded; a split behind a sequence's end costs an empty block.
 *
 * attention_cached_mma_kernel, bfloat16.  Keys come in tiles of 16..64, two stages by cp.async: page table -> row -> 16 bytes.
 *   scores    warp w has 16 keys of the tile and all rows (few keys: fewer rows): mma over D; to shared memory in float
 *   softmax   threads / rows threads a row: running maximum and sum in registers, probabilities to shared memory as bfloat16
 *   values    warp w has NV * 8 columns of D_v and all rows, summed in registers, shrunk where the maximum grew
 * The way over shared memory costs 4 barriers a tile, nothing beside the time its bytes need (64 keys of 128: 32 KB, 2260 cycles of
 * a multiprocessor's share of 3.35 TB/s), and makes any D and D_v fit: MLA's 576 and 512 are 8 warps of 64 columns.  Where values are
 * the first columns of the keys' rows they are read from the keys' tile.
 * Expected on an H100: decode 80-90% of the bandwidth with 3 blocks of 76 KB a multiprocessor (96 KB on their way) for D = 128;
 * MLA with 128 heads is bound by mma.sync, 60-70%; prefill 35-45% of the mma.sync rate (a flash forward with queries in registers
 * reaches twice that, but knows no pages).
 *
 * attention_cached_kernel, float and what does not fit above.  A warp a row, a lane 1/32 of the columns, everything in float.
 */
#ifndef KERNELS_ATTENTION_CACHED_CUH
#define KERNELS_ATTENTION_CACHED_CUH

#include "kernels/cuda.h"

enum { CACHED_WARPS = 4 }; /* of attention_cached_kernel */

template <class T> struct cached_arguments {
  T *out;
  const T *q, *k, *v;
  const int32_t *table;
  const int64_t *past;
  float *values, *statistics; /* of splits: [B][T][H][splits][D_v], and maximum and sum [..][splits][2] */
  int64_t pages, T_new, ld_q, ld_k, ld_v, ld_out, head_v, window;
  int page, H, group, D, D_v, splits, span, keys; /* span: keys of a split, a multiple of `keys`, those of a tile */
  int tiles, slices;                              /* of rows; of D_v */
  float scale;                                    /* times log2(e) */
  bool aligned, same;                             /* 16 bytes may be copied at once; values are the keys' first columns */
};

/* The row of the cache that holds position u. */
template <class T> static __device__ __forceinline__ int64_t cached_row(const cached_arguments<T> &a, int b, uint32_t u) {
  uint32_t page = u / (uint32_t)a.page;
  return (int64_t)a.table[b * a.pages + page] * a.page + (u - page * (uint32_t)a.page);
}

/* The keys begin..end-1 that rows first..last of a sequence see in a split; begin is a multiple of `keys`. */
struct cached_range {
  int begin, end;
};
template <class T> static __device__ __forceinline__ cached_range cached_keys(const cached_arguments<T> &a, int64_t past, int64_t first, int64_t last, int split) {
  int64_t from = a.window > 0 ? max((int64_t)0, past + first / a.group - a.window + 1) : (int64_t)0, to = past + last / a.group + 1;
  from = from / a.keys * a.keys + (int64_t)split * a.span;
  return {(int)from, (int)min(to, from + a.span)};
}

/* Where a row's values of a split go, and its maximum and sum. */
template <class T> static __device__ __forceinline__ int64_t cached_unit(const cached_arguments<T> &a, int b, int g, int64_t row) {
  return (b * a.T_new + row / a.group) * a.H + g * a.group + row % a.group;
}
template <class T> static __device__ __forceinline__ T *cached_out(const cached_arguments<T> &a, int b, int g, int64_t row) {
  return a.out + (b * a.T_new + row / a.group) * a.ld_out + (g * a.group + row % a.group) * a.D_v;
}

/* rows x columns elements, columns a multiple of 8, into shared memory rows of ld; beyond `inside` columns and where `from` gives NULL, zeros. */
template <class F> static __device__ __forceinline__ void cached_fill(bf16 *to, int ld, int rows, int columns, int inside, bool aligned, F from) {
  int lanes = 32;
  while (lanes * 8 > columns && lanes > 1) lanes /= 2;
  for (int r = (int)threadIdx.x / lanes; r < rows; r += (int)blockDim.x / lanes) {
    const bf16 *p = from(r);
    for (int c = (int)threadIdx.x % lanes * 8; c < columns; c += lanes * 8) {
      if (aligned) {
        cp_async_16(to + r * ld + c, p + c, p != NULL && c < inside);
      } else {
        for (int i = 0; i < 8; i++) to[r * ld + c + i] = p != NULL && c + i < inside ? p[c + i] : from_float<bf16>(0);
      }
    }
  }
}

struct cached_layout { /* of dynamic shared memory, in bytes */
  int ld_q, ld_v, ld_s, ld_p; /* elements between rows; of keys as of queries */
  int k, v, s, p, shrink, bytes; /* q comes first */
};
static __host__ __device__ __forceinline__ cached_layout cached_shared(int rows, int keys, int D, int columns, bool same) {
  cached_layout l;
  l.ld_q = (D + 15) / 16 * 16 + 8, l.ld_v = same ? l.ld_q : columns + 8; /* an odd multiple of 16 bytes: ldmatrix meets no bank twice */
  l.ld_s = keys + 4, l.ld_p = keys + 8;
  l.k = rows * l.ld_q * 2;
  l.v = l.k + 2 * keys * l.ld_q * 2;
  l.s = same ? l.v : l.v + 2 * keys * l.ld_v * 2;
  l.p = l.s + rows * l.ld_s * 4;
  l.shrink = l.p + rows * l.ld_p * 2;
  l.bytes = l.shrink + rows * 4;
  return l;
}

/* MT * 16 rows; blockDim.x / 32 warps (4 or 8) with NV * 8 columns of the values each.  Grid: tiles x slices x splits, H_kv, B. */
template <int MT, int NV> static __global__ void __launch_bounds__(256, 1) attention_cached_mma_kernel(cached_arguments<bf16> a) {
  CUDA_DYNAMIC_SHARED(unsigned char, shared);
  const int ROWS = MT * 16;
  int warps = blockDim.x / 32, warp = threadIdx.x / 32, lane = threadIdx.x % 32, keys = a.keys, columns = NV * 8 * warps;
  cached_layout at = cached_shared(ROWS, keys, a.D, columns, a.same);
  bf16 *q = reinterpret_cast<bf16 *>(shared), *p = reinterpret_cast<bf16 *>(shared + at.p);
  float *s = reinterpret_cast<float *>(shared + at.s), *shrink = reinterpret_cast<float *>(shared + at.shrink);
  int tile = blockIdx.x % a.tiles, slice = blockIdx.x / a.tiles % a.slices, split = blockIdx.x / (a.tiles * a.slices), g = blockIdx.y, b = blockIdx.z;
  int first_column = slice * columns, inside_v = min(columns, a.D_v - first_column), all_columns = at.ld_q - 8;
  int64_t past = a.past[b], first = (int64_t)tile * ROWS, rows = min((int64_t)ROWS, a.T_new * a.group - first);
  cached_range range = cached_keys(a, past, first, first + rows - 1, split);
  int steps = range.end > range.begin ? (range.end - range.begin + keys - 1) / keys : 0;

  auto fill = [&](int step) {
    int begin = range.begin + step * keys;
    const bf16 *k_head = a.k + (int64_t)g * a.D, *v_head = a.v + (int64_t)g * a.head_v + first_column;
    cached_fill(reinterpret_cast<bf16 *>(shared + at.k) + step % 2 * keys * at.ld_q, at.ld_q, keys, all_columns, a.D, a.aligned,
                [&](int r) { return begin + r < range.end ? k_head + cached_row(a, b, begin + r) * a.ld_k : (const bf16 *)NULL; });
    if (!a.same)
      cached_fill(reinterpret_cast<bf16 *>(shared + at.v) + step % 2 * keys * at.ld_v, at.ld_v, keys, columns, inside_v, a.aligned,
                  [&](int r) { return begin + r < range.end ? v_head + cached_row(a, b, begin + r) * a.ld_v : (const bf16 *)NULL; });
  };
  cached_fill(q, at.ld_q, ROWS, all_columns, a.D, a.aligned, [&](int r) {
    return r < rows ? a.q + (b * a.T_new + (first + r) / a.group) * a.ld_q + (g * a.group + (first + r) % a.group) * a.D : (const bf16 *)NULL;
  });
  if (steps > 0) fill(0);
  cp_async_commit();

  /* The thread's row in the softmax, and what it sees. */
  int threads = blockDim.x / ROWS, row = threadIdx.x / threads, part = threadIdx.x % threads;
  int64_t position = past + (first + row) / a.group;
  int seen_to = row < rows ? (int)position : -1, seen_from = a.window > 0 && position >= a.window ? (int)(position - a.window + 1) : 0;
  float most = -INFINITY, sum = 0;
  float value[MT][NV][4] = {};
  int score_warps = keys / 16, score_groups = warps / score_warps;

  for (int step = 0; step < steps; step++) {
    if (step + 1 < steps) fill(step + 1);
    cp_async_commit();
    cp_async_wait<1>();
    __syncthreads(); /* the tile is there; scores and probabilities of the last one are read */

    const bf16 *k = reinterpret_cast<const bf16 *>(shared + at.k) + step % 2 * keys * at.ld_q;
    float score[MT][2][4] = {};
    int n = warp % score_warps * 16;
    for (int c = 0; c < all_columns; c += 16) {
      uint32_t kb[4];
      ldmatrix_x4(kb, k + (n + lane / 16 * 8 + lane % 8) * at.ld_q + c + lane / 8 % 2 * 8);
#pragma unroll
      for (int i = 0; i < MT; i++) {
        int m = warp / score_warps + i * score_groups;
        if (m < MT) {
          uint32_t qa[4];
          ldmatrix_x4(qa, q + (m * 16 + lane % 16) * at.ld_q + c + lane / 16 * 8);
          mma_bf16(score[i][0], qa, kb);
          mma_bf16(score[i][1], qa, kb + 2);
        }
      }
    }
#pragma unroll
    for (int i = 0; i < MT; i++) {
      int m = warp / score_warps + i * score_groups;
      if (m < MT)
#pragma unroll
        for (int j = 0; j < 2; j++) {
          float *to = s + (m * 16 + lane / 4) * at.ld_s + n + j * 8 + lane % 4 * 2;
          to[0] = score[i][j][0], to[1] = score[i][j][1];
          to[8 * at.ld_s] = score[i][j][2], to[8 * at.ld_s + 1] = score[i][j][3];
        }
    }
    __syncthreads();

    int begin = range.begin + step * keys;
    float top = -INFINITY;
    for (int j = part; j < keys; j += threads)
      if (begin + j >= seen_from && begin + j <= seen_to) top = fmaxf(top, s[row * at.ld_s + j]);
    for (int distance = threads / 2; distance > 0; distance /= 2) top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, distance));
    top = fmaxf(most, top * a.scale);
    float shrinks = most == -INFINITY ? 0 : exp2_approx(most - top), more = 0; /* nothing was seen yet: nothing is kept */
    for (int j = part; j < keys; j += threads) {
      bool seen = begin + j >= seen_from && begin + j <= seen_to;
      float e = seen ? exp2_approx(s[row * at.ld_s + j] * a.scale - top) : 0;
      more += e;
      p[row * at.ld_p + j] = from_float<bf16>(e);
    }
    for (int distance = threads / 2; distance > 0; distance /= 2) more += __shfl_xor_sync(0xffffffffu, more, distance);
    sum = sum * shrinks + more, most = top;
    if (part == 0) shrink[row] = shrinks;
    __syncthreads();

    const bf16 *v = a.same ? k + first_column : reinterpret_cast<const bf16 *>(shared + at.v) + step % 2 * keys * at.ld_v;
#pragma unroll
    for (int m = 0; m < MT; m++) {
      float upper = shrink[m * 16 + lane / 4], lower = shrink[m * 16 + lane / 4 + 8];
#pragma unroll
      for (int j = 0; j < NV; j++) value[m][j][0] *= upper, value[m][j][1] *= upper, value[m][j][2] *= lower, value[m][j][3] *= lower;
    }
    for (int u = 0; u < keys; u += 16) {
      uint32_t vb[NV / 2][4];
#pragma unroll
      for (int j = 0; j < NV / 2; j++) ldmatrix_x4_trans(vb[j], v + (u + lane % 16) * at.ld_v + (warp * NV + 2 * j) * 8 + lane / 16 * 8);
#pragma unroll
      for (int m = 0; m < MT; m++) {
        uint32_t pa[4];
        ldmatrix_x4(pa, p + (m * 16 + lane % 16) * at.ld_p + u + lane / 16 * 8);
#pragma unroll
        for (int j = 0; j < NV; j++) mma_bf16(value[m][j], pa, vb[j / 2] + j % 2 * 2);
      }
    }
    __syncthreads(); /* before the next but one tile is copied over this one */
  }

  cp_async_wait<0>();
  if (part == 0) shrink[row] = a.splits == 1 ? 1 / sum : 1;
  if (part == 0 && row < rows && a.splits > 1) {
    float *to = a.statistics + (cached_unit(a, b, g, first + row) * a.splits + split) * 2;
    to[0] = most, to[1] = sum;
  }
  __syncthreads();
#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int r = m * 16 + half * 8 + lane / 4;
      if (r >= rows) continue;
      float factor = shrink[r];
      bf16 *to = cached_out(a, b, g, first + r);
      float *to_split = a.values + (cached_unit(a, b, g, first + r) * a.splits + split) * a.D_v;
#pragma unroll
      for (int j = 0; j < NV; j++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          int c = first_column + (warp * NV + j) * 8 + lane % 4 * 2 + i;
          if (c >= a.D_v) continue;
          if (a.splits == 1) to[c] = from_float<bf16>(value[m][j][half * 2 + i] * factor);
          else to_split[c] = value[m][j][half * 2 + i];
        }
    }
}

/* A warp a row.  Dynamic shared memory: D + D_v floats a warp.  Grid as above, tiles of CACHED_WARPS rows, one slice. */
template <class T> static __global__ void __launch_bounds__(CACHED_WARPS * 32) attention_cached_kernel(cached_arguments<T> a) {
  CUDA_DYNAMIC_SHARED(float, shared);
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, tile = blockIdx.x % a.tiles, split = blockIdx.x / a.tiles, g = blockIdx.y, b = blockIdx.z;
  int64_t past = a.past[b], row = (int64_t)tile * CACHED_WARPS + warp;
  if (row >= a.T_new * a.group) return; /* the whole warp; there is no barrier */
  float *q = shared + warp * (a.D + a.D_v), *value = q + a.D; /* a lane's own columns only */
  cached_range range = cached_keys(a, past, row, row, split);
  int64_t position = past + row / a.group;
  int seen_from = a.window > 0 && position >= a.window ? (int)(position - a.window + 1) : 0;
  const T *from = a.q + (b * a.T_new + row / a.group) * a.ld_q + (g * a.group + row % a.group) * a.D;
  for (int d = lane; d < a.D; d += 32) q[d] = to_float(from[d]) * a.scale;
  for (int d = lane; d < a.D_v; d += 32) value[d] = 0;
  float most = -INFINITY, sum = 0;
  for (int u = max(range.begin, seen_from); u < range.end; u += 4) {
    int count = min(4, range.end - u);
    int64_t at[4];
    float score[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      at[i] = cached_row(a, b, i < count ? u + i : u);
      const T *k = a.k + at[i] * a.ld_k + (int64_t)g * a.D;
      score[i] = 0;
      for (int d = lane; d < a.D; d += 32) score[i] += q[d] * to_float(k[d]);
    }
    float top = most;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      score[i] = i < count ? warp_sum(score[i]) : -INFINITY;
      top = fmaxf(top, score[i]);
    }
    float shrinks = most == -INFINITY ? 0 : exp2f(most - top);
    sum *= shrinks;
#pragma unroll
    for (int i = 0; i < 4; i++) sum += score[i] = exp2f(score[i] - top);
    for (int d = lane; d < a.D_v; d += 32) {
      float all = value[d] * shrinks;
#pragma unroll
      for (int i = 0; i < 4; i++) all += score[i] * to_float(a.v[at[i] * a.ld_v + (int64_t)g * a.head_v + d]);
      value[d] = all;
    }
    most = top;
  }
  int64_t unit = cached_unit(a, b, g, row) * a.splits + split;
  T *to = cached_out(a, b, g, row);
  for (int d = lane; d < a.D_v; d += 32) {
    if (a.splits == 1) to[d] = from_float<T>(value[d] / sum);
    else a.values[unit * a.D_v + d] = value[d];
  }
  if (lane == 0 && a.splits > 1) a.statistics[unit * 2] = most, a.statistics[unit * 2 + 1] = sum;
}

/* A block a row of B x T x H; splits in order. */
template <class T> static __global__ void __launch_bounds__(128) attention_cached_combine_kernel(cached_arguments<T> a) {
  int64_t unit = blockIdx.x;
  const float *statistics = a.statistics + unit * a.splits * 2, *values = a.values + unit * a.splits * a.D_v;
  float most = -INFINITY, sum = 0;
  for (int i = 0; i < a.splits; i++) most = fmaxf(most, statistics[2 * i]);
  for (int i = 0; i < a.splits; i++) sum += exp2f(statistics[2 * i] - most) * statistics[2 * i + 1];
  T *to = a.out + unit / a.H * a.ld_out + unit % a.H * a.D_v;
  for (int d = threadIdx.x; d < a.D_v; d += 128) {
    float all = 0;
    for (int i = 0; i < a.splits; i++) all += exp2f(statistics[2 * i] - most) * values[(int64_t)i * a.D_v + d];
    to[d] = from_float<T>(all / sum);
  }
}

#endif
