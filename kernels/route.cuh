/* SPDX-License-Identifier: MIT
 *
 * Routing of a mixture of experts on the GPU; route.h has the formulas.
 *
 * Rows: a warp scores one row, lanes side by side over its experts, and keeps what it chooses by in shared memory (in `scores`
 * where experts are too many for that).  It then takes the best that stands behind the last one it took, `top` times: by choice,
 * of equal ones the lower number, so that no list is kept and the order is that of the CPU exactly.
 *
 * Slots: chosen is sorted by expert, equal ones in the order of rows (sort.cuh).
 *
 * Backward: a warp takes a row; an expert's share of the choices' gradients is found by looking through the row's choices, so
 * that d_logits may be scores.
 *
 * Expected on an H100: bound by memory for up to a few hundred experts (16,384 rows to 8 of 256 experts: 27 MB, some 10 us; the
 * sort is bound by the latency of its launches).  Both are below 1% of the experts' products.
 */
#ifndef KERNELS_ROUTE_CUH
#define KERNELS_ROUTE_CUH

#include "kernels/cuda_cpu.h"

extern "C" {
#include "kernels/backend.h"
}

enum { ROUTE_THREADS = 128, ROUTE_WARPS = ROUTE_THREADS / 32, ROUTE_SHARED_KEYS = 3072 /* a warp: 48 KB a block */ };

/* (a, i) is taken before (b, k). */
static __device__ __forceinline__ bool route_before(float a, int i, float b, int k) { return a > b || (a == b && i < k); }

static __device__ __forceinline__ float route_key(const float *scores, const float *bias, int i) {
  float key = bias ? scores[i] + bias[i] : scores[i];
  return key == key ? key : -INFINITY;
}

static __device__ __forceinline__ float route_score_sum(float sum) { return sum + 1e-20f; } /* DeepSeek's guard of the sum that divides */

/* Bit g: experts of group g may be chosen.  All lanes return the same.  keys NULL: they are made of scores and bias. */
static __device__ __forceinline__ uint64_t route_groups(const float *keys, const float *scores, const float *bias, const struct route_shape &s) {
  int lane = threadIdx.x % 32, groups = (int)s.groups, size = (int)s.experts / (int)s.groups;
  float quality_low = 0, quality_high = 0; /* of groups lane and lane + 32 */
  for (int g = 0; g < groups; g++) {
    float first = -INFINITY, second = -INFINITY;
    for (int i = g * size + lane; i < (g + 1) * size; i += 32) {
      float key = keys ? keys[i] : route_key(scores, bias, i), lower = key > first ? first : key;
      first = key > first ? key : first;
      second = lower > second ? lower : second;
    }
    for (int distance = 16; distance > 0; distance /= 2) {
      float a = __shfl_xor_sync(0xffffffffu, first, distance), b = __shfl_xor_sync(0xffffffffu, second, distance);
      float lower = a > first ? first : a;
      first = a > first ? a : first;
      second = b > second ? b : second;
      second = lower > second ? lower : second;
    }
    float quality = s.group_score == GROUP_BEST_TWO ? first + second : first;
    if (lane == g) quality_low = quality;
    if (lane + 32 == g) quality_high = quality;
  }
  uint64_t taken = 0;
  for (int k = 0; k < (int)s.top_groups; k++) {
    int best = -1;
    float most = 0;
    for (int g = 0; g < groups; g++) {
      float q = __shfl_sync(0xffffffffu, g < 32 ? quality_low : quality_high, g % 32);
      if (!(taken >> g & 1) && (best < 0 || q > most)) best = g, most = q;
    }
    taken |= (uint64_t)1 << best;
  }
  return taken;
}

/* Dynamic shared memory: [ROUTE_WARPS][experts] floats, where `shared`. */
template <class T>
__global__ void __launch_bounds__(ROUTE_THREADS)
    route_rows_kernel(T *weights, float *scores, int32_t *chosen, const T *logits, const float *bias, struct route_shape s, bool shared) {
  CUDA_DYNAMIC_SHARED(float, all_keys);
  int lane = threadIdx.x % 32, experts = (int)s.experts, top = (int)s.top;
  int64_t row = (int64_t)blockIdx.x * ROUTE_WARPS + threadIdx.x / 32;
  if (row >= s.rows) return; /* the whole warp */
  float *keys = shared ? all_keys + threadIdx.x / 32 * experts : nullptr;
  weights += row * top, chosen += row * top, scores += row * experts, logits += row * experts;

  if (s.sigmoid) {
#pragma unroll 1
    for (int i = lane; i < experts; i += 32) scores[i] = 1 / (1 + expf(-to_float(logits[i])));
  } else {
    float most = -INFINITY, sum = 0;
    for (int i = lane; i < experts; i += 32) most = to_float(logits[i]) > most ? to_float(logits[i]) : most;
    most = warp_max(most);
    if (most == -INFINITY) most = 0; /* all NaN or -inf */
    for (int i = lane; i < experts; i += 32) {
      float x = expf(to_float(logits[i]) - most);
      scores[i] = x, sum += x;
    }
    sum = warp_sum(sum);
#pragma unroll 1
    for (int i = lane; i < experts; i += 32) scores[i] /= sum;
  }
  for (int i = lane; shared && i < experts; i += 32) keys[i] = route_key(scores, bias, i);
  __syncwarp();

  uint64_t allowed = s.groups > 0 ? route_groups(keys, scores, bias, s) : 1;
  int groups = s.groups > 0 ? (int)s.groups : 1, size = experts / groups;
  float last = INFINITY, sum = 0;
  int last_at = -1;
  for (int j = 0; j < top; j++) {
    float best = -INFINITY;
    int at = INT32_MAX;
    for (int g = 0; g < groups; g++)
      for (int i = g * size + lane; (allowed >> g & 1) && i < (g + 1) * size; i += 32) {
        float key = keys ? keys[i] : route_key(scores, bias, i);
        if (route_before(last, last_at, key, i) && route_before(key, i, best, at)) best = key, at = i;
      }
    for (int distance = 16; distance > 0; distance /= 2) {
      float key = __shfl_xor_sync(0xffffffffu, best, distance);
      int i = __shfl_xor_sync(0xffffffffu, at, distance);
      if (route_before(key, i, best, at)) best = key, at = i;
    }
    last = best, last_at = at;
    sum += scores[at];
    if (lane == j % 32) chosen[j] = at;
  }
  float factor = s.normalize ? s.scale / route_score_sum(sum) : s.scale;
  for (int j = lane; j < top; j += 32) weights[j] = from_float<T>(scores[chosen[j]] * factor); /* the lane's own chosen */
}

/* ---- backward */

/* of_one * slots of e = balance * experts * f_e */
static __device__ __forceinline__ float route_load(const int32_t *starts, int e, float of_one) { return of_one * (float)(starts[e + 1] - starts[e]); }

template <class T>
__global__ void __launch_bounds__(ROUTE_THREADS)
    route_backward_kernel(T *d_logits, const T *d_weights, const T *weights, const float *scores, const int32_t *chosen, const int32_t *starts, float balance, struct route_shape s) {
  int lane = threadIdx.x % 32, experts = (int)s.experts, top = (int)s.top;
  int64_t row = (int64_t)blockIdx.x * ROUTE_WARPS + threadIdx.x / 32;
  if (row >= s.rows) return; /* the whole warp */
  d_weights += row * top, weights += row * top, chosen += row * top, scores += row * experts, d_logits += row * experts;

  /* d of the j-th choice's score = scale g_j, or (scale g_j - sum of g w) / S where weights are scale s_j / S */
  float of_chosen = 0, product = 0, factor = 1, of_one = balance * (float)s.experts / (float)(s.rows * s.top);
  if (s.normalize) {
    for (int j = lane; j < top; j += 32) of_chosen += scores[chosen[j]], product += to_float(d_weights[j]) * to_float(weights[j]);
    product = warp_sum(product), factor = 1 / route_score_sum(warp_sum(of_chosen));
  }
  float all = 0, loaded = 0, share = 0; /* for sigmoid the scores divided by their sum stand in the loss */
  if (balance != 0 && s.sigmoid) {
    for (int i = lane; i < experts; i += 32) all += scores[i], loaded += scores[i] * route_load(starts, i, of_one);
    share = 1 / route_score_sum(warp_sum(all)), loaded = warp_sum(loaded) * share;
  }
  float inner = 0; /* softmax: sum of d and scores */
  for (int pass = s.sigmoid ? 1 : 0; pass < 2; pass++) {
    for (int i = lane; i < experts; i += 32) {
      float score = scores[i], d = balance == 0 ? 0 : route_load(starts, i, of_one);
      if (balance != 0 && s.sigmoid) d = (d - loaded) * share;
      for (int j = 0; j < top; j++)
        if (chosen[j] == i) d += (s.scale * to_float(d_weights[j]) - product) * factor;
      if (pass == 0) inner += d * score;
      else d_logits[i] = from_float<T>(s.sigmoid ? d * (1 - score) * score : score * (d - inner));
    }
    if (pass == 0) inner = warp_sum(inner);
  }
}

static __global__ void __launch_bounds__(ROUTE_THREADS) route_count_kernel(float *counts, const int32_t *starts, int64_t experts) {
  int64_t e = (int64_t)blockIdx.x * ROUTE_THREADS + threadIdx.x;
  if (e < experts) counts[e] += (float)(starts[e + 1] - starts[e]);
}

#endif
