/* SPDX-License-Identifier: MIT
 *
 * Activations on the GPU; the contract and the formulas are those of activation.h.
 *
 * A block has one row at a time, of it ACTIVATION_THREADS * ACTIVATION_AHEAD vectors of N elements, 16 bytes each: all are read
 * before the first is computed.  N is 1 where a size or a pointer is not aligned to 16 bytes; those kernels choose f when they
 * run (FIXED < 0).  A row may be a whole matrix without gaps: activation.cu sees to that.
 *
 * Bound by memory: forward moves 2 elements of T for each of y, gated 3; backward 3, gated 5.  An H100 moves about 15 bytes a clock
 * and multiprocessor, which gives 410 slots for instructions to a gated forward vector of bfloat16, 270 to one that is not.  So
 * bfloat16 takes the fast exponential and quotient of the hardware, both within 2^-16 of the value (bfloat16 itself: 2^-9), and gelu
 * a shorter polynomial: silu, gelu_tanh and gelu take about 110, 140 and 200 slots (PTX instructions).  Floats take expf, within 2
 * ulp, and IEEE's quotient, and have twice as many slots for an element.
 * 32 bytes (not gated) to 96 (gated backward) a thread are under way in two thirds of a multiprocessor's threads: 40 KB and
 * more, of which 20 would do.  Expected: >= 90% of a copy's bandwidth for F >= 2048 (bfloat16).
 */
#ifndef KERNELS_ACTIVATION_CUH
#define KERNELS_ACTIVATION_CUH

#include "kernels/cuda.h"

enum { ACTIVATION_THREADS = 128, ACTIVATION_AHEAD = 2 };

template <class T> struct activation_math { /* results of float */
  static __device__ __forceinline__ float exponential(float x) { return expf(x); }
  static __device__ __forceinline__ float inverse(float x) { return 1 / x; }
  static __device__ __forceinline__ float gelu_terms(float t) {
#define FIRST(c) float p = c;
#define NEXT(c) p = fmaf(p, t, c);
    GELU_TERMS(FIRST, NEXT)
#undef NEXT
#undef FIRST
    return p;
  }
  static __device__ __forceinline__ float bell(float h) { /* exp(-h^2 / 2), with what h^2 loses */
    float square = h * h, low = fmaf(h, h, -square), b = expf(-0.5f * square);
    return fmaf(b, -0.5f * low, b);
  }
};
template <> struct activation_math<bf16> {
  static __device__ __forceinline__ float exponential(float x) { return fast_exp(x); }
  static __device__ __forceinline__ float inverse(float x) { return __fdividef(1, x); }
  static __device__ __forceinline__ float gelu_terms(float t) { /* the same function within 6.3e-5 of its value (Remez) */
    float p = fmaf(5.98754873e-2f, t, -0.190093703f);
    p = fmaf(p, t, 0.387101371f);
    p = fmaf(p, t, -0.607525492f);
    return fmaf(p, t, 0.755279543f);
  }
  static __device__ __forceinline__ float bell(float h) { return fast_exp(-0.5f * h * h); }
};

/* f(g), and its derivative in *slope where SLOPE. */
template <class T, bool SLOPE> static __device__ __forceinline__ float activation_value(enum activation f, float g, float *slope) {
  typedef activation_math<T> math;
  switch (f) {
    case ACTIVATION_SILU: {
      float a = math::exponential(-fabsf(g)), r = math::inverse(1 + a), s = g < 0 ? a * r : r; /* s(g) s(-g) = a r^2 */
      if (SLOPE) *slope = fmaf(g, a * r * r, s);
      return g * s;
    }
    case ACTIVATION_RELU:
      if (SLOPE) *slope = g > 0 ? 1 : 0;
      return g < 0 ? 0 : g;
    case ACTIVATION_GELU: {
      float h = fminf(fabsf(g), 20), r = math::inverse(h + 4); /* NaN comes back with g */
      float bell = math::bell(h), q = math::gelu_terms(fmaf(-8, r, 1)) * r * bell, p = g < 0 ? q : 1 - q;
      if (SLOPE) *slope = fmaf(g * 0.398942280f, bell, p);
      return g * p;
    }
    case ACTIVATION_GELU_TANH: {
      const float k = 1.59576912f, cubic = 0.044715f;                      /* k = 2 sqrt(2 / pi) */
      float c = SLOPE ? fminf(fmaxf(g, -40), 40) : g, square = c * c;      /* where s has long been 0 or 1: no 0 * infinity */
      float a = math::exponential(-fabsf(k * g * fmaf(cubic, square, 1))), r = math::inverse(1 + a), s = g < 0 ? a * r : r;
      if (SLOPE) *slope = fmaf(c * (a * r * r), k * fmaf(3 * cubic, square, 1), s);
      return g * s;
    }
    case ACTIVATION_RELU2:
      if (SLOPE) *slope = g > 0 ? 2 * g : 0;
      return g < 0 ? 0 : g * g;
  }
  return 0;
}

/* chunks: blocks a row takes; at_once: rows the grid takes at a time. */
struct activation_shape {
  int64_t ld, rows, F, chunks, at_once;
  enum activation f;
};

template <class T, int N, int FIXED>
__global__ void __launch_bounds__(ACTIVATION_THREADS) activation_forward_kernel(T *y, const T *gate, const T *up, struct activation_shape s) {
  const enum activation f = FIXED < 0 ? s.f : (enum activation)FIXED;
  int64_t first_row = blockIdx.x / s.chunks;
  int64_t first = ((blockIdx.x - first_row * s.chunks) * (ACTIVATION_THREADS * ACTIVATION_AHEAD) + threadIdx.x) * N;
  for (int64_t row = first_row; row < s.rows; row += s.at_once) {
    pack<T, N> g[ACTIVATION_AHEAD], u[ACTIVATION_AHEAD];
#pragma unroll
    for (int j = 0; j < ACTIVATION_AHEAD; j++) {
      int64_t i = first + j * (ACTIVATION_THREADS * N);
      if (i >= s.F) continue;
      g[j] = load_pack<T, N>(gate + row * s.ld + i);
      if (up) u[j] = load_pack<T, N>(up + row * s.ld + i);
    }
#pragma unroll
    for (int j = 0; j < ACTIVATION_AHEAD; j++) {
      int64_t i = first + j * (ACTIVATION_THREADS * N);
      if (i >= s.F) continue;
#pragma unroll
      for (int k = 0; k < N; k++) {
        float value = activation_value<T, false>(f, to_float(g[j].at[k]), nullptr);
        g[j].at[k] = from_float<T>(up ? value * to_float(u[j].at[k]) : value);
      }
      store_pack<T, N>(y + row * s.F + i, g[j]);
    }
  }
}

template <class T, int N, int FIXED>
__global__ void __launch_bounds__(ACTIVATION_THREADS)
    activation_backward_kernel(T *d_gate, T *d_up, const T *dy, const T *gate, const T *up, struct activation_shape s) {
  const enum activation f = FIXED < 0 ? s.f : (enum activation)FIXED;
  int64_t first_row = blockIdx.x / s.chunks;
  int64_t first = ((blockIdx.x - first_row * s.chunks) * (ACTIVATION_THREADS * ACTIVATION_AHEAD) + threadIdx.x) * N;
  for (int64_t row = first_row; row < s.rows; row += s.at_once) {
    pack<T, N> g[ACTIVATION_AHEAD], u[ACTIVATION_AHEAD], d[ACTIVATION_AHEAD];
#pragma unroll
    for (int j = 0; j < ACTIVATION_AHEAD; j++) {
      int64_t i = first + j * (ACTIVATION_THREADS * N);
      if (i >= s.F) continue;
      g[j] = load_pack<T, N>(gate + row * s.ld + i);
      d[j] = load_pack<T, N>(dy + row * s.F + i);
      if (up) u[j] = load_pack<T, N>(up + row * s.ld + i);
    }
#pragma unroll
    for (int j = 0; j < ACTIVATION_AHEAD; j++) {
      int64_t i = first + j * (ACTIVATION_THREADS * N);
      if (i >= s.F) continue;
#pragma unroll
      for (int k = 0; k < N; k++) {
        float slope = 0, value = activation_value<T, true>(f, to_float(g[j].at[k]), &slope), dy_k = to_float(d[j].at[k]);
        if (up) {
          slope *= to_float(u[j].at[k]);
          u[j].at[k] = from_float<T>(dy_k * value);
        }
        g[j].at[k] = from_float<T>(dy_k * slope);
      }
      store_pack<T, N>(d_gate + row * s.ld + i, g[j]);
      if (up) store_pack<T, N>(d_up + row * s.ld + i, u[j]);
    }
  }
}

#endif
