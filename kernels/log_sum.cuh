/* SPDX-License-Identifier: MIT
 *
 * log(sum(exp(x))) in one pass (Milakov and Gimelshein 2018, arXiv:1805.02867): a thread keeps the largest x it has met, and
 * the sum of exp(x - largest), which it scales when the largest grows; in the end threads bring their sums to one largest.
 * In logits times `scale` (1 / temperature): sum of exp(scale (x - largest)), scale > 0.
 * Differences come first, so no finite x overflows; -inf adds 0; NaN and +inf make the sum NaN.  Of nothing but -inf the sum
 * is 0, which no finite x gives, as the largest adds 1.
 */
#ifndef KERNELS_LOG_SUM_CUH
#define KERNELS_LOG_SUM_CUH

#include "kernels/cuda_cpu.h"

struct log_sum {
  float most, sum;
};

static __device__ __forceinline__ log_sum log_sum_none() { return log_sum{-3.402823466e38f, 0}; }

static __device__ __forceinline__ float log_sum_nan() { return nanf(""); }

/* exp(scale * difference), with scale times log2(e) already */
static __device__ __forceinline__ float log_sum_exp(float difference, float scale2) { return exp2_approx(difference * scale2); }

/* Adds x[0] .. x[N-1]; scale2: scale * log2(e) */
template <int N> static __device__ __forceinline__ void log_sum_add(log_sum *s, const float *x, float scale2) {
  float most = x[0];
  for (int i = 1; i < N; i++) most = fmaxf(most, x[i]);
  if (most > s->most) {
    s->sum *= log_sum_exp(s->most - most, scale2);
    s->most = most;
  }
  float sums[N]; /* added as a tree, so that few additions wait for others */
  for (int i = 0; i < N; i++) sums[i] = log_sum_exp(x[i] - s->most, scale2);
  for (int half = N / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) sums[i] += sums[i + half];
  s->sum += sums[0];
}

static __device__ __forceinline__ void log_sum_join(log_sum *s, log_sum other, float scale2) {
  float most = fmaxf(s->most, other.most);
  s->sum = s->sum * log_sum_exp(s->most - most, scale2) + other.sum * log_sum_exp(other.most - most, scale2);
  s->most = most;
}

/* That of all threads, in each of them, in a fixed order; all must call.  shared: 32, which may be reused after the next barrier. */
static __device__ __forceinline__ log_sum log_sum_of_block(log_sum s, float scale2, log_sum *shared) {
  int warps = (int)(blockDim.x + 31) / 32;
  float most = warp_max(s.most);
  float sum = warp_sum(s.sum * log_sum_exp(s.most - most, scale2));
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = log_sum{most, sum};
  __syncthreads();
  s = log_sum_none();
  for (int w = 0; w < warps; w++) s.most = fmaxf(s.most, shared[w].most);
  for (int w = 0; w < warps; w++) s.sum += shared[w].sum * log_sum_exp(shared[w].most - s.most, scale2);
  return s;
}

#endif
