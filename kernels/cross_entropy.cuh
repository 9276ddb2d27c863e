/* SPDX-License-Identifier: MIT
 *
 * Softmax cross-entropy on the GPU.  Shapes and rules: cross_entropy.h; T: float or bf16; sums are floats.  A target outside
 * the vocabulary, which the CPU refuses, gives the loss NaN and no 1 to take off.
 *
 * A block takes a row.  One pass reads it, 4 packs of 16 bytes a thread under way, into the largest logit and the sum of
 * exponentials (log_sum.cuh), and keeps packs in shared memory, as many as there is room for; a second pass makes gradients of
 * what was kept, or reads it again, and writes them in place.  A thread gets back the packs it put there itself, so that
 * nothing waits but the sum.  Rows may begin anywhere: elements before the first whole pack and behind the last go one by one.
 *
 * Traffic: one read and one write where a row fits, which is 227 KB on an H100: 116,000 logits of bf16.  Of a longer row the
 * rest is read twice, the second time from L2: 132 rows of 128,256 logits leave 4 MB of such rests, and L2 has 50 MB.
 * Blocks are 128 to 1024 threads, by the row's size, so that shared memory and threads of a multiprocessor run out together:
 * 2 blocks at 50,257 logits, 3 at 32,000, where one reads while another writes.  An element takes 2 exponentials, 0.45 of what
 * the special function units do while its 4 bytes move, and 13 instructions, a third of the issue slots.  Expected: 90% of the
 * copy bandwidth counted as one read and one write; 80% where a row fills a multiprocessor alone.
 */
#ifndef KERNELS_CROSS_ENTROPY_CUH
#define KERNELS_CROSS_ENTROPY_CUH

#include "kernels/log_sum.cuh"

enum { CROSS_ENTROPY_THREADS = 1024, CROSS_ENTROPY_AT_ONCE = 4 };

/* kept: packs of a row that shared memory holds */
template <class T>
static __global__ void __launch_bounds__(CROSS_ENTROPY_THREADS)
    cross_entropy_kernel(float *losses, T *logits, int64_t ld, const int32_t *targets, int64_t V, float gradient_scale, float z, bool with_gradient, int kept) {
  const int N = 16 / sizeof(T), S = CROSS_ENTROPY_AT_ONCE;
  const float log2_e = 1.4426950408889634f;
  typedef pack<T, N> packed;
  CUDA_DYNAMIC_SHARED(packed, keep);
  __shared__ log_sum sums[32];
  int64_t target = targets[blockIdx.x];
  T *row = logits + blockIdx.x * ld;
  int thread = (int)threadIdx.x, threads = (int)blockDim.x;
  int head = (int)((16 - (uintptr_t)row % 16) % 16 / sizeof(T));
  if (head > V) head = (int)V;
  int packs = (int)((V - head) / N), tail = (int)(V - head - (int64_t)packs * N); /* tail < N: what a thread each does behind the packs */
  T *body = row + head, *end = body + (int64_t)packs * N;

  if (target < 0) {
    if (thread == 0) losses[blockIdx.x] = 0;
    if (!with_gradient) return;
    packed zero;
    for (int i = 0; i < N; i++) zero.at[i] = from_float<T>(0);
    for (int v = thread; v < packs; v += threads) store_pack<T, N>(body + (int64_t)v * N, zero);
    if (thread < head) row[thread] = from_float<T>(0);
    if (thread < tail) end[thread] = from_float<T>(0);
    return;
  }
  float wanted = target < V ? to_float(row[target]) : log_sum_nan();

  log_sum s = log_sum_none();
  if (thread < head) {
    float x = to_float(row[thread]);
    log_sum_add<1>(&s, &x, log2_e);
  }
  if (thread < tail) {
    float x = to_float(end[thread]);
    log_sum_add<1>(&s, &x, log2_e);
  }
  for (int first = thread; first < packs; first += S * threads) {
    packed p[S];
    for (int j = 0; j < S; j++)
      if (first + j * threads < packs) p[j] = load_pack<T, N>(body + (int64_t)(first + j * threads) * N);
    for (int j = 0; j < S; j++) {
      int v = first + j * threads;
      if (v >= packs) continue;
      if (v < kept) keep[v] = p[j];
      float x[N];
      for (int i = 0; i < N; i++) x[i] = to_float(p[j].at[i]);
      log_sum_add<N>(&s, x, log2_e);
    }
  }
  s = log_sum_of_block(s, log2_e, sums); /* its barrier also stands between reading row[target] and writing it */
  float log_of_sum = logf(s.sum); /* -inf of nothing but -inf, from which NaN follows */
  if (thread == 0) losses[blockIdx.x] = log_of_sum + (s.most - wanted);
  if (!with_gradient) return;

  float factor = gradient_scale * (1 + 2 * z * (log_of_sum + s.most)) / s.sum;
  if (thread < head) row[thread] = from_float<T>(log_sum_exp(to_float(row[thread]) - s.most, log2_e) * factor - (thread == target ? gradient_scale : 0));
  if (thread < tail) {
    int64_t v = head + (int64_t)packs * N + thread;
    row[v] = from_float<T>(log_sum_exp(to_float(row[v]) - s.most, log2_e) * factor - (v == target ? gradient_scale : 0));
  }
  int64_t of_body = target - head;
  int target_pack = of_body >= 0 && of_body < (int64_t)packs * N ? (int)(of_body / N) : -1, target_at = (int)(of_body - (int64_t)target_pack * N);
  for (int first = thread; first < packs; first += S * threads) {
    packed p[S];
    for (int j = 0; j < S; j++) {
      int v = first + j * threads;
      if (v < packs) p[j] = v < kept ? keep[v] : load_pack<T, N>(body + (int64_t)v * N);
    }
    for (int j = 0; j < S; j++) {
      int v = first + j * threads;
      if (v >= packs) continue;
      float x[N];
      for (int i = 0; i < N; i++) x[i] = log_sum_exp(to_float(p[j].at[i]) - s.most, log2_e) * factor;
      if (v == target_pack)
        for (int i = 0; i < N; i++) x[i] -= i == target_at ? gradient_scale : 0;
      for (int i = 0; i < N; i++) p[j].at[i] = from_float<T>(x[i]);
      store_pack<T, N>(body + (int64_t)v * N, p[j]);
    }
  }
}

#endif
