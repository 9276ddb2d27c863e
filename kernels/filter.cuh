/* SPDX-License-Identifier: MIT
 *
 * Hyena's implicit filter on the GPU; filter.h has the formulas.
 *
 * Its products are those of one expert (experts.cuh, float, tiles of 64 x 64), gradients of weights those of FILTER_PIECES_MOST
 * pieces of the positions at most, each piece with a block of partial gradients of its own; what stands between the products is
 * here, and the sum of the pieces in order.  Everything is float, features are made in double as on the CPU.
 * The network is the same for all sequences and small (T = 1024, C = 768, width 64: 0.13 GFLOP forward): some 10 and 20 launches of a few
 * microseconds, bound by their latency.
 */
#ifndef KERNELS_FILTER_CUH
#define KERNELS_FILTER_CUH

#include "kernels/experts.cuh"

enum { FILTER_THREADS = 256, FILTER_PIECES_MOST = 32, FILTER_PIECE_ROWS = 64 /* at least */, FILTER_COLUMNS = 32, FILTER_PARTS = 8 };

/* p [T][1 + 2*bands] */
static __global__ void __launch_bounds__(FILTER_THREADS) filter_features_kernel(float *p, int64_t T, int64_t L, int64_t bands) {
  int64_t index = (int64_t)blockIdx.x * FILTER_THREADS + threadIdx.x, E = 1 + 2 * bands, t = index / E, j = index % E;
  if (t >= T) return;
  double u = (double)t / (double)L;
  if (j == 0) {
    p[index] = (float)u;
    return;
  }
  int64_t band = (j - 1) % bands;
  double f = bands > 1 ? 1e-4 + ((double)(bands - 1) - 1e-4) * (double)band / (double)(bands - 1) : 1e-4, angle = 2 * 3.14159265358979323846 * f * u;
  p[index] = (float)(j - 1 < bands ? cos(angle) : -sin(angle));
}

/* before [T][W] += bias; sine = sin(frequency * before) */
static __global__ void __launch_bounds__(FILTER_THREADS) filter_sine_kernel(float *sine, float *before, const float *bias, const float *frequency, int64_t T, int64_t W) {
  int64_t index = (int64_t)blockIdx.x * FILTER_THREADS + threadIdx.x, c = index % W;
  if (index >= T * W) return;
  float a = before[index] + bias[c];
  before[index] = a;
  sine[index] = sinf(frequency[c] * a);
}

/* y = x * (exp(-rate u) + 0.05), [T][C] */
template <class To, class From> __global__ void __launch_bounds__(FILTER_THREADS) filter_decay_kernel(To *y, const From *x, int64_t T, int64_t C, int64_t L) {
  int64_t index = (int64_t)blockIdx.x * FILTER_THREADS + threadIdx.x, t = index / C, c = index % C;
  if (t >= T) return;
  const double slow = 4.60517018598809136804 / 1.5, fast = 4.60517018598809136804 / 0.3; /* ln 100 */
  float rate = (float)(C > 1 ? slow + (fast - slow) * (double)c / (double)(C - 1) : slow), u = (float)((double)t / (double)L);
  y[index] = from_float<To>(to_float(x[index]) * (expf(-u * rate) + 0.05f));
}

/* d [T][W]: the gradient of the sine becomes that of what is before it.  Piece blockIdx.y of the rows adds its sums to its frequencies, or
 * overwrites them at first, and overwrites its biases, in partial [pieces][stride]. */
static __global__ void __launch_bounds__(FILTER_COLUMNS *FILTER_PARTS)
    filter_sine_backward_kernel(float *d, float *partial, int64_t stride, int64_t frequency_at, int64_t bias_at, const float *before, const float *frequency, int64_t T, int64_t W, bool first) {
  __shared__ float of_frequency[FILTER_PARTS][FILTER_COLUMNS], of_bias[FILTER_PARTS][FILTER_COLUMNS];
  int64_t c = (int64_t)blockIdx.x * FILTER_COLUMNS + threadIdx.x, end = T * (blockIdx.y + 1) / gridDim.y;
  float f = c < W ? frequency[c] : 0, df = 0, db = 0;
  for (int64_t t = T * blockIdx.y / gridDim.y + threadIdx.y; c < W && t < end; t += FILTER_PARTS) {
    float a = before[t * W + c], g = d[t * W + c] * cosf(f * a);
    df += g * a;
    g *= f, db += g;
    d[t * W + c] = g;
  }
  of_frequency[threadIdx.y][threadIdx.x] = df, of_bias[threadIdx.y][threadIdx.x] = db;
  __syncthreads();
  if (threadIdx.y > 0 || c >= W) return;
  for (int i = 1; i < FILTER_PARTS; i++) df += of_frequency[i][threadIdx.x], db += of_bias[i][threadIdx.x];
  partial += blockIdx.y * stride + c;
  partial[frequency_at] = first ? df : partial[frequency_at] + df;
  partial[bias_at] = db;
}

/* d [size] += the pieces, in order */
static __global__ void __launch_bounds__(FILTER_THREADS) filter_sum_kernel(float *d, const float *partial, int64_t size, int pieces) {
  int64_t i = (int64_t)blockIdx.x * FILTER_THREADS + threadIdx.x;
  if (i >= size) return;
  float sum = partial[i];
#pragma unroll 8
  for (int p = 1; p < pieces; p++) sum += partial[p * size + i];
  d[i] += sum;
}

#endif
