/* SPDX-License-Identifier: MIT
 *
 * AdamW on the GPU; optimizer.h has the formula.  One pass: a thread takes 4 neighbouring elements, reads 4 x 16 bytes, writes
 * 3 x 16.  Nothing is used twice, so m, v and the gradient are marked to leave the caches first; the parameters stay, for the
 * narrow() that follows.  At 6 blocks of 256 threads (36 registers) a multiprocessor has 96 KB on the way, five times what an H100's
 * latency asks for, and 28 bytes an element leave 240 instructions for each at 3.35 TB/s (132 x 128 lanes x 1.7 GHz), of which a division
 * and a square root, both exact, take about 40: >= 90% of a copy's bandwidth, as many blocks as there is work.
 */
#ifndef KERNELS_OPTIMIZER_CUH
#define KERNELS_OPTIMIZER_CUH

#include "kernels/squares.cuh"

enum { ADAMW_THREADS = 256 };

struct adamw_coefficients { /* as of optimizer.c */
  float beta1, rest1, beta2, rest2, keep, rate, correction2, eps, gradient_scale;
};

static __device__ __forceinline__ void adamw_element(float &p, float g, float &m, float &v, const adamw_coefficients &c) {
  g *= c.gradient_scale;
  m = fmaf(c.beta1, m, c.rest1 * g);
  v = fmaf(c.beta2, v, c.rest2 * g * g);
  p = fmaf(p, c.keep, -(c.rate * m / fmaf(sqrtf(v), c.correction2, c.eps)));
}

/* Aligned arrays: a thread for every 4 elements and then one for each of the n % 4 left over.  Else: one for each. */
template <bool ALIGNED> __global__ void __launch_bounds__(ADAMW_THREADS) adamw_kernel(float *p, const float *gradient, float *m, float *v, int64_t n, adamw_coefficients c) {
  int64_t i = (int64_t)blockIdx.x * ADAMW_THREADS + threadIdx.x, packs = ALIGNED ? n / 4 : 0;
  if (i < packs) {
    float4 g4 = __ldcs(reinterpret_cast<const float4 *>(gradient) + i), m4 = __ldcs(reinterpret_cast<const float4 *>(m) + i), v4 = __ldcs(reinterpret_cast<const float4 *>(v) + i);
    float4 p4 = reinterpret_cast<const float4 *>(p)[i];
    adamw_element(p4.x, g4.x, m4.x, v4.x, c);
    adamw_element(p4.y, g4.y, m4.y, v4.y, c);
    adamw_element(p4.z, g4.z, m4.z, v4.z, c);
    adamw_element(p4.w, g4.w, m4.w, v4.w, c);
    __stcs(reinterpret_cast<float4 *>(m) + i, m4);
    __stcs(reinterpret_cast<float4 *>(v) + i, v4);
    reinterpret_cast<float4 *>(p)[i] = p4;
  } else if ((i += 3 * packs) < n) {
    float first = m[i], second = v[i], value = p[i];
    adamw_element(value, gradient[i], first, second, c);
    m[i] = first, v[i] = second, p[i] = value;
  }
}

#endif
