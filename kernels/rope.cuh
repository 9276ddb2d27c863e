/* SPDX-License-Identifier: MIT
 *
 * Rotary position embedding on the GPU; the contract is that of rope.h, in place, with cosines and sines in float.
 *
 * A thread has N neighbouring pairs (i, i + D/2) of up to ROPE_HEADS heads of one row, the heads `chunks` apart, so it reads its
 * cosines and sines once for them; neighbouring threads have neighbouring pairs, then neighbouring heads.  N: 16 bytes of x, or
 * 1 where D/2, step, ld or a pointer is not aligned to that.
 *
 * Bound by memory: 2 elements of T moved for each of x; the tables, of T * D floats, stay in the second cache.  128 bytes a
 * thread are under way before it computes, and 37% of a multiprocessor's threads fit: 98 KB, of which 20 KB would do on an H100.
 * Expected: >= 90% of a copy's bandwidth.
 */
#ifndef KERNELS_ROPE_CUH
#define KERNELS_ROPE_CUH

#include "kernels/cuda.h"

enum { ROPE_THREADS = 256, ROPE_HEADS = 4 };

template <class T, int N>
__global__ void __launch_bounds__(ROPE_THREADS)
    rope_kernel(T *x, int64_t ld, int64_t step, const float *cosine, const float *sine, int64_t rows, int64_t positions, const int64_t *past,
                int heads, int chunks, int half, float sign) {
  int vectors = half / N, units = vectors * chunks; /* of a row */
  int64_t at = (int64_t)blockIdx.x * ROPE_THREADS + threadIdx.x, row = at / units;
  if (row >= rows) return;
  int unit = (int)(at - row * units), head = unit / vectors, i = (unit - head * vectors) * N;
  int64_t sequence = row / positions, position = (past ? past[sequence] : 0) + row - sequence * positions;
  pack<float, N> c = load_pack<float, N>(cosine + position * half + i), s = load_pack<float, N>(sine + position * half + i);
  x += row * ld + i;
  pack<T, N> a[ROPE_HEADS], b[ROPE_HEADS];
  for (int h = 0; h < ROPE_HEADS; h++)
    if (head + h * chunks < heads) {
      const T *from = x + (head + h * chunks) * step;
      a[h] = load_pack<T, N>(from), b[h] = load_pack<T, N>(from + half);
    }
  for (int h = 0; h < ROPE_HEADS; h++)
    if (head + h * chunks < heads) {
      T *to = x + (head + h * chunks) * step;
      for (int j = 0; j < N; j++) {
        float p = to_float(a[h].at[j]), q = to_float(b[h].at[j]);
        a[h].at[j] = from_float<T>(p * c.at[j] - q * sign * s.at[j]);
        b[h].at[j] = from_float<T>(q * c.at[j] + p * sign * s.at[j]);
      }
      store_pack<T, N>(to, a[h]), store_pack<T, N>(to + half, b[h]);
    }
}

#endif
