/* SPDX-License-Identifier: MIT
 *
 * The product of few rows with a matrix of weights, bound by the bandwidth that streams the weights once: the decode step.
 *
 *   y = alpha x w^T + bias + beta y      x: [rows][ld_x], y: [rows][ld_y], w: [out][ld_w], bias: [out] or NULL
 *
 * A block has tiles of outputs, and `parts` of its warps share a tile by taking pieces of `in`; their sums meet in shared memory and
 * are added in the order of the pieces.  Without a second pass over blocks this gives a matrix of 1024 x 4096 64 blocks of 16 warps.
 *
 * bfloat16: a warp multiplies 16 outputs with 8 or 16 rows by mma m16n8k16, so more rows cost no more arithmetic than one.  The
 * order of k inside a product is free as long as both factors agree on it: lane (g, t) = (lane / 4, lane % 4) reads the 8 elements from
 * 8t of every 32, 16 bytes, of the weights' rows g and g+8 and of x's row g, and these are its fragments of two mma, without shared
 * memory and without ldmatrix.  8 such loads of weights (4 KB a warp) are on their way at a time; at least 2 blocks of 8 warps fit
 * a multiprocessor (< 128 registers), so 64 KB of it are, where an H100 needs about 18 KB (3.35 TB/s x 0.7 us / 132).
 * Expected: 85-90% of the bandwidth from about 32 MB of weights on; small matrices are bound by latency (2-3 us).
 * Float, and bfloat16 that is not aligned to 16 bytes: a warp has 2 outputs and adds in float, 1 or 4 rows at a time; float with
 * one row streams as fast, more rows read the weights again from the second-level cache.
 */
#ifndef KERNELS_MATVEC_CUH
#define KERNELS_MATVEC_CUH

#include "kernels/cuda.h"
#include "kernels/warp_tiles.cuh"

enum {
  MATVEC_MOST_ROWS = 16, /* where it beats a tiled product */
  MATVEC_MOST_WARPS = 16,
  MATVEC_DEPTH = 4, /* steps whose loads are on their way together */
  MATVEC_OUTPUTS = 2 /* of a warp of matvec_kernel */
};

template <class T> struct matvec_arguments {
  T *y;
  const T *x, *w, *bias;
  int64_t ld_y, ld_x, ld_w, rows, out, in;
  float alpha, beta;
};

template <class T> static __device__ __forceinline__ void matvec_store(const matvec_arguments<T> &a, int64_t row, int64_t n, float sum) {
  T *to = a.y + row * a.ld_y + n;
  float value = a.alpha * sum + (a.bias ? to_float(a.bias[n]) : 0);
  *to = from_float<T>(a.beta == 0 ? value : value + a.beta * to_float(*to));
}

static __device__ __forceinline__ uint4 matvec_load(const bf16 *p) { return __ldg(reinterpret_cast<const uint4 *>(p)); }

/* 32 of k: 8 a lane, of two rows of weights and one of x. */
static __device__ __forceinline__ void matvec_step(float sum[4], uint4 upper, uint4 lower, uint4 x) {
  const uint32_t one[4] = {upper.x, lower.x, upper.y, lower.y}, two[4] = {upper.z, lower.z, upper.w, lower.w}, x_one[2] = {x.x, x.y}, x_two[2] = {x.z, x.w};
  mma_bf16(sum, one, x_one);
  mma_bf16(sum, two, x_two);
}

/* TILES x 8 rows from blockIdx.y * TILES * 8 on.  in, ld_x, ld_w: multiples of 8. */
template <int TILES>
static __global__ void __launch_bounds__(MATVEC_MOST_WARPS * 32, 1) matvec_mma_kernel(matvec_arguments<bf16> a, int parts) {
  __shared__ float partial[MATVEC_MOST_WARPS][16][8 * TILES + 1];
  int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4, part = warp % parts, tiles = blockDim.x / 32 / parts;
  int64_t first = ((int64_t)blockIdx.x * tiles + warp / parts) * 16, first_row = (int64_t)blockIdx.y * TILES * 8, steps = (a.in + 31) / 32;
  const bf16 *top = a.w + min(first + g, a.out - 1) * a.ld_w, *bottom = a.w + min(first + g + 8, a.out - 1) * a.ld_w; /* beyond: not stored */
  const bf16 *rows[TILES];
  for (int i = 0; i < TILES; i++) rows[i] = a.x + min(first_row + 8 * i + g, a.rows - 1) * a.ld_x;
  float sum[TILES][4] = {};
  int64_t k = steps * part / parts * 32, end = min(a.in, steps * (part + 1) / parts * 32);
#pragma unroll 1
  for (; k + 32 * MATVEC_DEPTH <= end; k += 32 * MATVEC_DEPTH) {
    uint4 upper[MATVEC_DEPTH], lower[MATVEC_DEPTH];
#pragma unroll
    for (int i = 0; i < MATVEC_DEPTH; i++) {
      upper[i] = matvec_load(top + k + 32 * i + 8 * t);
      lower[i] = matvec_load(bottom + k + 32 * i + 8 * t);
    }
#pragma unroll
    for (int i = 0; i < MATVEC_DEPTH; i++) {
#pragma unroll
      for (int j = 0; j < TILES; j++) matvec_step(sum[j], upper[i], lower[i], matvec_load(rows[j] + k + 32 * i + 8 * t));
    }
  }
  for (; k < end; k += 32) {
    bool inside = k + 8 * t < end;
    const uint4 nothing = {0, 0, 0, 0};
    uint4 upper = inside ? matvec_load(top + k + 8 * t) : nothing, lower = inside ? matvec_load(bottom + k + 8 * t) : nothing;
    for (int j = 0; j < TILES; j++) matvec_step(sum[j], upper, lower, inside ? matvec_load(rows[j] + k + 8 * t) : nothing);
  }
  warp_tiles_store<TILES>(partial, sum, parts, first_row, a.rows, a.out, [&](int64_t row, int64_t n, float all) { matvec_store(a, row, n, all); });
}

/* R rows from blockIdx.y * R on; N elements are read at once. */
template <class T, int N, int R> static __global__ void __launch_bounds__(MATVEC_MOST_WARPS * 32, 1) matvec_kernel(matvec_arguments<T> a, int parts) {
  __shared__ float partial[MATVEC_MOST_WARPS][MATVEC_OUTPUTS][R];
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, part = warp % parts, tiles = blockDim.x / 32 / parts;
  int64_t first = ((int64_t)blockIdx.x * tiles + warp / parts) * MATVEC_OUTPUTS, first_row = (int64_t)blockIdx.y * R, steps = (a.in + 32 * N - 1) / (32 * N);
  const T *w[MATVEC_OUTPUTS], *x[R];
  for (int o = 0; o < MATVEC_OUTPUTS; o++) w[o] = a.w + min(first + o, a.out - 1) * a.ld_w;
  for (int r = 0; r < R; r++) x[r] = a.x + min(first_row + r, a.rows - 1) * a.ld_x;
  float sum[MATVEC_OUTPUTS][R] = {};
  int64_t end = min(a.in, steps * (part + 1) / parts * 32 * N);
  for (int64_t k = (steps * part / parts * 32 + lane) * N; k < end; k += 32 * N * MATVEC_DEPTH) {
    pack<T, N> v[MATVEC_DEPTH][MATVEC_OUTPUTS];
#pragma unroll
    for (int i = 0; i < MATVEC_DEPTH; i++)
#pragma unroll
      for (int o = 0; o < MATVEC_OUTPUTS; o++)
        if (k + 32 * N * i < end) v[i][o] = load_pack<T, N>(w[o] + k + 32 * N * i);
#pragma unroll
    for (int i = 0; i < MATVEC_DEPTH; i++)
      if (k + 32 * N * i < end)
#pragma unroll
        for (int r = 0; r < R; r++) {
          pack<T, N> u = load_pack<T, N>(x[r] + k + 32 * N * i);
#pragma unroll
          for (int o = 0; o < MATVEC_OUTPUTS; o++)
#pragma unroll
            for (int j = 0; j < N; j++) sum[o][r] += to_float(v[i][o].at[j]) * to_float(u.at[j]);
        }
  }
#pragma unroll
  for (int o = 0; o < MATVEC_OUTPUTS; o++)
#pragma unroll
    for (int r = 0; r < R; r++) {
      float all = warp_sum(sum[o][r]);
      if (lane == 0) partial[warp][o][r] = all;
    }
  __syncthreads();
  for (int i = threadIdx.x; i < tiles * MATVEC_OUTPUTS * R; i += blockDim.x) {
    int output = i % MATVEC_OUTPUTS, row = i / MATVEC_OUTPUTS % R, tile = i / (MATVEC_OUTPUTS * R);
    int64_t n = ((int64_t)blockIdx.x * tiles + tile) * MATVEC_OUTPUTS + output;
    if (n >= a.out || first_row + row >= a.rows) continue;
    float all = 0;
    for (int p = 0; p < parts; p++) all += partial[tile * parts + p][output][row];
    matvec_store(a, first_row + row, n, all);
  }
}

/* Warps that share a tile: as many as have 3 steps each, 16 only where tiles are fewer than processors. */
static inline int matvec_parts(int64_t tiles, int64_t steps) {
  int parts = tiles < cuda_device()->processors ? 16 : 8;
  while (parts > 1 && steps < 3 * parts) parts /= 2;
  return parts;
}

static inline bool matvec_launch_mma(const matvec_arguments<bf16> &a) {
  if (!aligned_16({a.x, a.w}) || a.in % 8 != 0 || a.ld_x % 8 != 0 || a.ld_w % 8 != 0) return false;
  int64_t tiles = divide_up(a.out, 16);
  int parts = matvec_parts(tiles, divide_up(a.in, 32)), warps = parts > 8 ? parts : 8;
  dim3 grid((unsigned)divide_up(tiles, warps / parts), (unsigned)divide_up(a.rows, a.rows > 8 ? 16 : 8));
  if (a.rows > 8) CUDA_LAUNCH(matvec_mma_kernel<2>, grid, warps * 32, 0, cuda_stream(), a, parts);
  else CUDA_LAUNCH(matvec_mma_kernel<1>, grid, warps * 32, 0, cuda_stream(), a, parts);
  return true;
}
static inline bool matvec_launch_mma(const matvec_arguments<float> &) { return false; }

template <class T, int N> static void matvec_launch(const matvec_arguments<T> &a) {
  int64_t tiles = divide_up(a.out, MATVEC_OUTPUTS);
  int parts = matvec_parts(tiles, divide_up(a.in, 32 * N)), warps = parts > 8 ? parts : 8;
  dim3 grid((unsigned)divide_up(tiles, warps / parts), (unsigned)divide_up(a.rows, a.rows > 1 ? 4 : 1));
  if (a.rows > 1) CUDA_LAUNCH((matvec_kernel<T, N, 4>), grid, warps * 32, 0, cuda_stream(), a, parts);
  else CUDA_LAUNCH((matvec_kernel<T, N, 1>), grid, warps * 32, 0, cuda_stream(), a, parts);
}

/* Queued on cuda_stream(); any alignment; needs no workspace; beta 0 does not read y; any rows, but w is read once for every
 * MATVEC_MOST_ROWS of them. */
template <class T>
static int matvec(T *y, int64_t ld_y, const T *x, int64_t ld_x, const T *w, int64_t ld_w, const T *bias, int64_t rows, int64_t out, int64_t in,
                  float alpha, float beta, struct kernel_error *e) {
  const matvec_arguments<T> a = {y, x, w, bias, ld_y, ld_x, ld_w, rows, out, in, alpha, beta};
  const int N = sizeof(T) == 4 ? 4 : 1;
  if (rows == 0 || out == 0) return 0;
  if (rows > 4 * 65535) return kernel_fail(e, "matvec: %lld rows, at most %d", (long long)rows, 4 * 65535);
  if (!matvec_launch_mma(a)) {
    if (aligned_16({x, w}) && in % N == 0 && ld_x % N == 0 && ld_w % N == 0) matvec_launch<T, N>(a);
    else matvec_launch<T, 1>(a);
  }
  return launched("matvec", e);
}

#endif
