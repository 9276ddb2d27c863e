/* SPDX-License-Identifier: MIT
 *
 * SOAP on the GPU; soap.h has the formula.  Projections and covariances are cuBLASLt's products in fp32, eigenvectors and QR are
 * cuSOLVER's; here is what lies between them:
 *   adam        m, v and the update in the bases in one pass: 24 bytes an element, bound by memory
 *   rate        the learning rate over the update's root mean square, which stays on the device
 *   apply       12 bytes an element, bound by memory
 * and for changes of the bases, every few steps and small beside the QR:
 *   values      estimated eigenvalues, a warp for each: the dot product of rows of two matrices
 *   order       their order by counting: a value's place is the number of values before it.  n^2 comparisons, 256 to a load from
 *               global memory; any n, no scratch memory, and equal values keep the order they stand in
 *   gather      rows and columns of a matrix in a new order
 */
#ifndef KERNELS_SOAP_CUH
#define KERNELS_SOAP_CUH

#include "kernels/squares.cuh"

enum { SOAP_THREADS = 256 };

struct soap_coefficients { /* as of soap.c */
  float scale, rest1, rest2, eps, keep, rate;
};

/* m and v take g * scale in; u, which may be g, becomes the update in the bases. */
template <int N> __global__ void __launch_bounds__(SOAP_THREADS) soap_adam_kernel(float *u, const float *g, float *m, float *v, int64_t n, soap_coefficients k) {
  int64_t i = ((int64_t)blockIdx.x * SOAP_THREADS + threadIdx.x) * N;
  if (i >= n) return;
  pack<float, N> x = load_pack<float, N>(g + i), first = load_pack<float, N>(m + i), second = load_pack<float, N>(v + i);
#pragma unroll
  for (int j = 0; j < N; j++) {
    float d = x.at[j] * k.scale;
    first.at[j] = fmaf(k.rest1, d - first.at[j], first.at[j]);
    second.at[j] = fmaf(k.rest2, d * d - second.at[j], second.at[j]);
    x.at[j] = first.at[j] / (sqrtf(second.at[j]) + k.eps);
  }
  store_pack<float, N>(m + i, first);
  store_pack<float, N>(v + i, second);
  store_pack<float, N>(u + i, x);
}

/* *rate = k.rate / (rms + k.eps), partial: of the squares of count elements */
template <int THREADS> __global__ void __launch_bounds__(THREADS) soap_rate_kernel(float *rate, const double *partial, int pieces, double count, double numerator, double eps) {
  static_assert(THREADS == SQUARES_THREADS, "the sum over a block");
  double mean = squares_total(partial, pieces) / count;
  if (threadIdx.x == 0) *rate = (float)(numerator / (sqrt(mean) + eps));
}

/* rate: on the device, or NULL for k.rate */
template <int N> __global__ void __launch_bounds__(SOAP_THREADS) soap_apply_kernel(float *p, const float *u, const float *rate, int64_t n, soap_coefficients k) {
  int64_t i = ((int64_t)blockIdx.x * SOAP_THREADS + threadIdx.x) * N;
  if (i >= n) return;
  float by = rate ? *rate : k.rate;
  pack<float, N> value = load_pack<float, N>(p + i), step = load_pack<float, N>(u + i);
#pragma unroll
  for (int j = 0; j < N; j++) value.at[j] = fmaf(-by, step.at[j], value.at[j] * k.keep);
  store_pack<float, N>(p + i, value);
}

/* values[i] = q[i] . product[i], rows of n elements */
template <int THREADS> __global__ void __launch_bounds__(THREADS) soap_values_kernel(float *values, const float *q, const float *product, int n) {
  int64_t row = (int64_t)blockIdx.x * (THREADS / 32) + threadIdx.x / 32;
  if (row >= n) return; /* the whole warp */
  q += row * n, product += row * n;
  float sum = 0;
  for (int i = (int)threadIdx.x % 32; i < n; i += 32) sum = fmaf(q[i], product[i], sum);
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) values[row] = sum;
}

/* Rises with x; any two floats have an order, NaNs included, so that what is made of it is a permutation. */
static __device__ __forceinline__ uint32_t soap_key(float x) {
  uint32_t bits = __float_as_uint(x + 0.0f); /* -0 is 0 */
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* order[place] = i, the largest value first, equals as they stand */
template <int THREADS> __global__ void __launch_bounds__(THREADS) soap_order_kernel(int32_t *order, const float *values, int n) {
  __shared__ uint32_t keys[THREADS];
  int i = (int)(blockIdx.x * THREADS + threadIdx.x), place = 0;
  uint32_t mine = i < n ? soap_key(values[i]) : 0;
  for (int from = 0; from < n; from += THREADS) {
    int j = from + (int)threadIdx.x;
    keys[threadIdx.x] = j < n ? soap_key(values[j]) : 0;
    __syncthreads();
    int count = n - from < THREADS ? n - from : THREADS;
    for (int k = 0; k < count; k++) place += keys[k] > mine || (keys[k] == mine && from + k < i);
    __syncthreads(); /* before the next keys are written */
  }
  if (i < n) order[place] = i;
}

/* to[i][j] = from[row_order[i]][column_order[j]], an order that is NULL changing nothing.  A block for a row. */
template <int THREADS>
__global__ void __launch_bounds__(THREADS) soap_gather_kernel(float *to, const float *from, int64_t ld_from, int64_t columns, const int32_t *row_order, const int32_t *column_order) {
  int64_t row = blockIdx.x;
  from += (row_order ? row_order[row] : row) * ld_from;
  to += row * columns;
  for (int64_t j = threadIdx.x; j < columns; j += THREADS) to[j] = from[column_order ? column_order[j] : j];
}

#endif
