/* SPDX-License-Identifier: MIT
 *
 * Passes over elements on the GPU, bound by memory.  T: float or bf16; N: elements of one load, 16 bytes, or 1 where a
 * pointer or a distance between rows is not a multiple of that.
 *
 * Flat ops: a thread takes two packs, THREADS packs apart, and loads all of them before it stores, so that y may be an input.
 * Ops on rows: a block is threads along a row (x) times rows (y), as ROWS of elementwise.cu lays out, a pack a thread; no
 * thread divides to find its row.
 * Nothing is read twice and a multiprocessor holds 2048 threads with 16 to 64 bytes each under way: 32 KB and more, where
 * 3.35 TB/s over 132 multiprocessors at 0.8 us need 20 KB.  Expected: 90% of the copy bandwidth or better where the data is
 * larger than a few MB; what is smaller stays in L2 and is bound by the launch.
 *
 * Dropout: a block of 64 elements has 16 counters, each with a word for 4 elements that are 16 apart (elementwise.h).  A
 * thread takes N neighbouring counters, so N elements at 4 places.  That is 10 rounds of 2 wide products and 2 xors for 4
 * elements: 14 instructions an element with what surrounds them, a third of what can be issued while its 4 bytes move.
 */
#ifndef KERNELS_ELEMENTWISE_CUH
#define KERNELS_ELEMENTWISE_CUH

#include "kernels/cuda_cpu.h"
#include "kernels/mask.h"

extern "C" {
#include "kernels/backend.h"
}

enum { ELEMENTWISE_THREADS = 256, ELEMENTWISE_EACH = 2 };

/* Where pack j of this thread begins. */
template <int N> static __device__ __forceinline__ int64_t flat_at(int j) {
  return (((int64_t)blockIdx.x * ELEMENTWISE_EACH + j) * ELEMENTWISE_THREADS + threadIdx.x) * N;
}

/* y[i] = f(a[i], b[i]) */
template <class T, int N, class F> static __device__ __forceinline__ void flat(T *y, const T *a, const T *b, int64_t n, F f) {
  pack<T, N> p[ELEMENTWISE_EACH], q[ELEMENTWISE_EACH];
  for (int j = 0; j < ELEMENTWISE_EACH; j++) {
    int64_t at = flat_at<N>(j);
    if (at + N <= n) p[j] = load_pack<T, N>(a + at), q[j] = load_pack<T, N>(b + at);
  }
  for (int j = 0; j < ELEMENTWISE_EACH; j++) {
    int64_t at = flat_at<N>(j);
    if (at + N <= n) {
      for (int i = 0; i < N; i++) p[j].at[i] = from_float<T>(f(to_float(p[j].at[i]), to_float(q[j].at[i])));
      store_pack<T, N>(y + at, p[j]);
    } else {
      for (int i = 0; i < N; i++)
        if (at + i < n) y[at + i] = from_float<T>(f(to_float(a[at + i]), to_float(b[at + i])));
    }
  }
}

template <class T, int N> static __global__ void __launch_bounds__(ELEMENTWISE_THREADS) add_kernel(T *y, const T *a, const T *b, int64_t n) {
  flat<T, N>(y, a, b, n, [](float p, float q) { return p + q; });
}

/* The second load of the same address is not made. */
template <class T, int N> static __global__ void __launch_bounds__(ELEMENTWISE_THREADS) scale_kernel(T *x, float factor, int64_t n) {
  flat<T, N>(x, x, x, n, [factor](float p, float) { return p * factor; });
}

/* N: elements of `to` in 16 bytes, at most 8; two loads of floats for 8 */
template <class T, int N> static __global__ void __launch_bounds__(ELEMENTWISE_THREADS) narrow_kernel(T *to, const float *from, int64_t n) {
  const int M = N < 4 ? N : 4;
  pack<float, M> p[ELEMENTWISE_EACH][N / M];
  for (int j = 0; j < ELEMENTWISE_EACH; j++) {
    int64_t at = flat_at<N>(j);
    if (at + N <= n)
      for (int part = 0; part < N / M; part++) p[j][part] = load_pack<float, M>(from + at + part * M);
  }
  for (int j = 0; j < ELEMENTWISE_EACH; j++) {
    int64_t at = flat_at<N>(j);
    if (at + N <= n) {
      pack<T, N> q;
      for (int i = 0; i < N; i++) q.at[i] = from_float<T>(p[j][i / M].at[i % M]);
      store_pack<T, N>(to + at, q);
    } else {
      for (int i = 0; i < N; i++)
        if (at + i < n) to[at + i] = from_float<T>(from[at + i]);
    }
  }
}

/* ---- rows: C is a multiple of N */

template <class T, int N>
static __global__ void __launch_bounds__(ELEMENTWISE_THREADS)
    multiply_kernel(T *y, int64_t ld_y, const T *a, int64_t ld_a, const T *b, int64_t ld_b, int64_t rows, int64_t C) {
  int64_t r = (int64_t)blockIdx.x * blockDim.y + threadIdx.y, c = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (r >= rows || c >= C) return;
  pack<T, N> p = load_pack<T, N>(a + r * ld_a + c), q = load_pack<T, N>(b + r * ld_b + c);
  for (int i = 0; i < N; i++) p.at[i] = from_float<T>(to_float(p.at[i]) * to_float(q.at[i]));
  store_pack<T, N>(y + r * ld_y + c, p);
}

template <class T, int N>
static __global__ void __launch_bounds__(ELEMENTWISE_THREADS)
    multiply_backward_kernel(T *da, int64_t ld_a, T *db, int64_t ld_b, const T *dy, int64_t ld_y, const T *a, const T *b, int64_t rows, int64_t C) {
  int64_t r = (int64_t)blockIdx.x * blockDim.y + threadIdx.y, c = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (r >= rows || c >= C) return;
  pack<T, N> p = load_pack<T, N>(a + r * ld_a + c), q = load_pack<T, N>(b + r * ld_b + c), d = load_pack<T, N>(dy + r * ld_y + c);
  for (int i = 0; i < N; i++) {
    float g = to_float(d.at[i]), of_a = g * to_float(q.at[i]);
    q.at[i] = from_float<T>(g * to_float(p.at[i])), p.at[i] = from_float<T>(of_a);
  }
  store_pack<T, N>(da + r * ld_a + c, p), store_pack<T, N>(db + r * ld_b + c, q);
}

template <class T, int N>
static __global__ void __launch_bounds__(ELEMENTWISE_THREADS) copy_rows_kernel(T *to, int64_t ld_to, const T *from, int64_t ld_from, int64_t rows, int64_t C) {
  int64_t r = (int64_t)blockIdx.x * blockDim.y + threadIdx.y, c = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (r < rows && c < C) store_pack<T, N>(to + r * ld_to + c, load_pack<T, N>(from + r * ld_from + c));
}

/* blockIdx.z: sequences, gridDim.z apart; a page has at most 2^31 - 1 rows, and so has a sequence */
template <class T, int N>
static __global__ void __launch_bounds__(ELEMENTWISE_THREADS)
    cache_append_kernel(T *cache, int64_t ld_cache, struct cache_pages pages, const int64_t *past, const T *x, int64_t ld_x, int64_t B, int64_t T_new, int64_t C) {
  int64_t t = (int64_t)blockIdx.x * blockDim.y + threadIdx.y, c = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (t >= T_new || c >= C) return;
  for (int64_t b = blockIdx.z; b < B; b += gridDim.z) {
    pack<T, N> p = load_pack<T, N>(x + (b * T_new + t) * ld_x + c);
    unsigned at = (unsigned)(past[b] + t), page = at / (unsigned)pages.page;
    int64_t row = (int64_t)pages.table[b * pages.pages + page] * pages.page + (at - page * (unsigned)pages.page);
    store_pack<T, N>(cache + row * ld_cache + c, p);
  }
}

/* ---- dropout */

/* Words below threshold drop.  16 / N threads for 64 elements. */
template <class T, int N>
static __global__ void __launch_bounds__(ELEMENTWISE_THREADS) dropout_kernel(T *x, int64_t n, uint64_t key, uint32_t threshold, float scale) {
  int64_t counter = ((int64_t)blockIdx.x * ELEMENTWISE_THREADS + threadIdx.x) * N, at = counter / 16 * 64 + counter % 16;
  if (at >= n) return;
  pack<T, N> p[4];
  for (int w = 0; w < 4; w++) {
    if (at + w * 16 + N <= n) p[w] = load_pack<T, N>(x + at + w * 16);
    else
      for (int i = 0; i < N; i++) p[w].at[i] = at + w * 16 + i < n ? x[at + w * 16 + i] : from_float<T>(0);
  }
  for (int i = 0; i < N; i++) {
    uint32_t word[4];
    philox(word, (uint64_t)(counter + i), key);
    for (int w = 0; w < 4; w++) p[w].at[i] = from_float<T>(word[w] >= threshold ? to_float(p[w].at[i]) * scale : 0);
  }
  for (int w = 0; w < 4; w++) {
    if (at + w * 16 + N <= n) store_pack<T, N>(x + at + w * 16, p[w]);
    else
      for (int i = 0; i < N; i++)
        if (at + w * 16 + i < n) x[at + w * 16 + i] = p[w].at[i];
  }
}

#endif
