/* SPDX-License-Identifier: MIT
 *
 * Keys of multi-head latent attention on the GPU; the contract is that of join_keys.h.  The sum over heads is in float, rounded
 * once.
 *
 * A block takes one row at a time.  Forward: thread t writes vectors t, t + 128, ... of the row of k, four of them read before
 * the first is written.  Backward: the same copies the other way; then the block sums d_k_rope, its threads being parts of the
 * heads x vectors of d_k_rope, and the parts are added in their order: the same bits every time.
 * N: 16 bytes, or 1 where a size, a distance or a pointer is not aligned to that.
 *
 * Bound by memory: 2 elements of T moved for each of k; the part that heads share comes from the first cache after the first
 * head.  64 bytes a thread under way, 16 blocks of a multiprocessor: 128 KB, of which 20 KB would do on an H100.
 * Expected: >= 90% of a copy's bandwidth.
 */
#ifndef KERNELS_JOIN_KEYS_CUH
#define KERNELS_JOIN_KEYS_CUH

#include "kernels/cuda.h"

enum { JOIN_THREADS = 128, JOIN_AHEAD = 4, JOIN_MOST_COLUMNS = 1 << 30 };

struct join_shape {
  int64_t rows, ld_kv, ld_rope;
  int H, Dn, Dv, Dr; /* all heads together below JOIN_MOST_COLUMNS: indices within a row have 32 bits */
};

template <class T, int N>
__global__ void __launch_bounds__(JOIN_THREADS) join_keys_kernel(T *k, const T *kv, const T *k_rope, struct join_shape s) {
  int own = s.Dn / N, per_head = (s.Dn + s.Dr) / N, vectors = s.H * per_head;
  for (int64_t row = blockIdx.x; row < s.rows; row += gridDim.x)
    for (int first = threadIdx.x; first < vectors; first += JOIN_THREADS * JOIN_AHEAD) {
      pack<T, N> held[JOIN_AHEAD];
      for (int j = 0; j < JOIN_AHEAD; j++) {
        int v = first + j * JOIN_THREADS;
        if (v >= vectors) continue;
        int h = v / per_head, i = v - h * per_head;
        held[j] = load_pack<T, N>(i < own ? kv + row * s.ld_kv + h * (s.Dn + s.Dv) + i * N : k_rope + row * s.ld_rope + (i - own) * N);
      }
      for (int j = 0; j < JOIN_AHEAD; j++) {
        int v = first + j * JOIN_THREADS;
        if (v < vectors) store_pack<T, N>(k + (row * vectors + v) * N, held[j]);
      }
    }
}

template <class T, int N>
__global__ void __launch_bounds__(JOIN_THREADS) join_keys_backward_kernel(T *d_kv, T *d_k_rope, const T *dk, struct join_shape s) {
  __shared__ float sums[N][JOIN_THREADS];
  int own = s.Dn / N, shared = s.Dr / N, per_head = s.Dn + s.Dr, vectors = s.H * own, t = (int)threadIdx.x;
  int columns = shared < JOIN_THREADS ? shared : (int)JOIN_THREADS, parts = columns > 0 ? JOIN_THREADS / columns : 0; /* threads of the sum: parts x columns */
  for (int64_t row = blockIdx.x; row < s.rows; row += gridDim.x) {
    const T *from = dk + row * s.H * per_head;
    for (int first = t; first < vectors; first += JOIN_THREADS * JOIN_AHEAD) {
      pack<T, N> held[JOIN_AHEAD];
      for (int j = 0; j < JOIN_AHEAD; j++) {
        int v = first + j * JOIN_THREADS;
        if (v >= vectors) continue;
        int h = v / own, i = v - h * own;
        held[j] = load_pack<T, N>(from + h * per_head + i * N);
      }
      for (int j = 0; j < JOIN_AHEAD; j++) {
        int v = first + j * JOIN_THREADS;
        if (v >= vectors) continue;
        int h = v / own, i = v - h * own;
        store_pack<T, N>(d_kv + row * s.ld_kv + h * (s.Dn + s.Dv) + i * N, held[j]);
      }
    }
    for (int first = 0; first < shared; first += columns) { /* more than once where d_k_rope has more vectors than the block threads */
      int part = t / columns, v = first + t % columns;
      float sum[N];
      for (int i = 0; i < N; i++) sum[i] = 0;
      if (part < parts && v < shared)
        for (int h = part; h < s.H; h += parts) {
          pack<T, N> p = load_pack<T, N>(from + h * per_head + s.Dn + v * N);
          for (int i = 0; i < N; i++) sum[i] += to_float(p.at[i]);
        }
      for (int i = 0; i < N; i++) sums[i][t] = sum[i];
      __syncthreads();
      if (part == 0 && v < shared) {
        pack<T, N> out;
        for (int i = 0; i < N; i++) {
          for (int p = 1; p < parts; p++) sum[i] += sums[i][p * columns + t];
          out.at[i] = from_float<T>(sum[i]);
        }
        store_pack<T, N>(d_k_rope + row * s.ld_rope + v * N, out);
      }
      __syncthreads(); /* before the next sums are written */
    }
  }
}

#endif
