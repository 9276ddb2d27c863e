/* SPDX-License-Identifier: MIT
 *
 * Sums of squares on the GPU, in double and in a fixed order: what the norm of gradients, Muon and SOAP need.
 *
 * Two stages.  Every block adds the chunks blockIdx.x, blockIdx.x + gridDim.x, ... of SQUARES_CHUNK elements, a thread always
 * the same places of each, and writes one partial sum; then one block adds the partial sums.  The number of blocks depends on n
 * and the GPU alone, so the bits do.
 * A thread asks for 4 x 16 bytes before it uses any: at 4 blocks of 256 threads a multiprocessor has 64 KB on the way, twice what
 * 3.35 TB/s x 700 ns / 132 needs.  Squares of floats are exact in double; 1 conversion and 1 fma in double for each of 0.84 T
 * elements/s are a quarter of what 132 multiprocessors do even at 16 conversions a clock: memory is the limit, 90% of a copy's bandwidth
 * or more.
 */
#ifndef KERNELS_SQUARES_CUH
#define KERNELS_SQUARES_CUH

#include "kernels/cuda.h"

enum { SQUARES_THREADS = 256, SQUARES_CHUNK = 16 * SQUARES_THREADS, SQUARES_BLOCKS_EACH = 4 /* a multiprocessor */, SQUARES_MOST_BLOCKS = 2048 };

/* The sum over the block's SQUARES_THREADS threads, in every thread; once a kernel.  The order is that of lanes and warps. */
static __device__ __forceinline__ double squares_block_sum(double x) {
  __shared__ double sums[SQUARES_THREADS / 32];
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffffu, x, distance);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = x;
  __syncthreads();
  x = 0;
  for (int i = 0; i < SQUARES_THREADS / 32; i++) x += sums[i];
  return x;
}

/* The sum of the partial sums, in every thread of the only block. */
static __device__ __forceinline__ double squares_total(const double *partial, int pieces) {
  double sum = 0;
  for (int i = (int)threadIdx.x; i < pieces; i += SQUARES_THREADS) sum += partial[i];
  return squares_block_sum(sum);
}

/* partial[blockIdx.x] = the sum of this block's squares; N: elements of 16 bytes, or 1 where x is not aligned to that. */
template <int N> __global__ void __launch_bounds__(SQUARES_THREADS) squares_kernel(double *partial, const float *x, int64_t n) {
  enum { PACKS = SQUARES_CHUNK / SQUARES_THREADS / N };
  double sums[N] = {};
  for (int64_t chunk = blockIdx.x; chunk * SQUARES_CHUNK < n; chunk += gridDim.x) {
    const float *from = x + chunk * SQUARES_CHUNK;
    int64_t left = n - chunk * SQUARES_CHUNK;
    if (left >= SQUARES_CHUNK) {
      pack<float, N> p[PACKS];
#pragma unroll
      for (int k = 0; k < PACKS; k++) p[k] = load_pack<float, N>(from + (k * SQUARES_THREADS + (int)threadIdx.x) * N);
#pragma unroll
      for (int k = 0; k < PACKS; k++)
#pragma unroll
        for (int i = 0; i < N; i++) sums[i] = fma((double)p[k].at[i], (double)p[k].at[i], sums[i]);
    } else {
      for (int i = (int)threadIdx.x; i < (int)left; i += SQUARES_THREADS) sums[0] = fma((double)from[i], (double)from[i], sums[0]);
    }
  }
  double sum = sums[0];
  for (int i = 1; i < N; i++) sum += sums[i];
  sum = squares_block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

template <int THREADS> __global__ void __launch_bounds__(THREADS) squares_total_kernel(double *sum, const double *partial, int pieces) {
  static_assert(THREADS == SQUARES_THREADS, "the sum over a block");
  double total = squares_total(partial, pieces);
  if (threadIdx.x == 0) *sum = total;
}

/* ---- host */

static inline size_t workspace_part(size_t bytes) { return (bytes + 255) / 256 * 256; } /* what lies behind it is aligned */

/* Blocks, and so partial sums, for n elements in chunks; each: blocks that a multiprocessor has at once. */
static inline int squares_pieces(int64_t n, int each = SQUARES_BLOCKS_EACH) {
  int64_t most = (int64_t)cuda_device()->processors * each, chunks = divide_up(n, SQUARES_CHUNK);
  if (most > SQUARES_MOST_BLOCKS) most = SQUARES_MOST_BLOCKS;
  return (int)(chunks < most ? chunks : most);
}

/* Queues the first stage: squares_pieces(n) partial sums, n > 0. */
static inline int squares_partial(double *partial, const float *x, int64_t n, const char *op, struct kernel_error *e) {
  unsigned blocks = (unsigned)squares_pieces(n);
  if (aligned_16({x})) CUDA_LAUNCH(squares_kernel<4>, blocks, SQUARES_THREADS, 0, cuda_stream(), partial, x, n);
  else CUDA_LAUNCH(squares_kernel<1>, blocks, SQUARES_THREADS, 0, cuda_stream(), partial, x, n);
  return launched(op, e);
}

#endif
