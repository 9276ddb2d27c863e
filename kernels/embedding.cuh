/* SPDX-License-Identifier: MIT
 *
 * Token embedding on the GPU.  Shapes: embedding.h; T: float or bf16 of table, y and dy; N: elements of one load.
 *
 * Forward: threads along a row times rows, up to 4 packs of a row a thread, so that its loads are under way together behind
 * the one of the id.  Bound by memory: expected 85 to 90% of the copy bandwidth counted as one read and one write a row (rows
 * of frequent ids are read from L2, which makes it faster than that).
 *
 * Backward: rows sorted by id (sort.h), each id's in their order, then two kernels without atomics:
 *   embedding_sum_kernel   a team of threads takes a window, EMBEDDING_WINDOW places of the sorted order, and of each row one
 *                          pack of columns a thread.  An id whose rows all lie in the window is added to d_table at once, row
 *                          by row, as the CPU does: the same bits.  Rows of an id that goes on in a window before or behind
 *                          are summed, from 0 in their order, into one of the window's two partial sums.
 *   embedding_join_kernel  the window where such an id begins adds its partial sums up: EMBEDDING_PARTS interleaved parts of
 *                          the windows, then the parts, in order, then to d_table.
 * What is added in which order is a function of the ids alone.  A token that is a tenth of 65,536 rows is 100 windows, which
 * 100 teams sum and one block joins; the longest chain is the window or windows / EMBEDDING_PARTS.
 * Speed: reads dy once, and reads and writes each row of d_table in use once; a thread has 4 rows, and the rows of d_table
 * that start among them, under way: 64 to 192 bytes.  Expected 85% of the copy bandwidth, behind 20 to 30 us of sorting.
 */
#ifndef KERNELS_EMBEDDING_CUH
#define KERNELS_EMBEDDING_CUH

#include "kernels/cuda_cpu.h"

enum { EMBEDDING_THREADS = 128, EMBEDDING_EACH = 4, EMBEDDING_WINDOW = 64, EMBEDDING_AT_ONCE = 4 /* one pack of ids */, EMBEDDING_PARTS = 8, EMBEDDING_COLUMNS = 32,
  EMBEDDING_SLICES = 8 };

/* W: what is copied at once, 16 bytes or one element; C counts these. */
template <class W>
static __global__ void __launch_bounds__(EMBEDDING_THREADS) embedding_forward_kernel(W *y, const W *table, const int32_t *ids, int64_t rows, int64_t C) {
  int64_t r = (int64_t)blockIdx.x * blockDim.y + threadIdx.y, first = (int64_t)blockIdx.y * EMBEDDING_EACH * blockDim.x + threadIdx.x;
  if (r >= rows || first >= C) return;
  const W *from = table + ids[r] * C + first;
  W *to = y + r * C + first, w[EMBEDDING_EACH];
  int step = (int)blockDim.x, left = C - first < EMBEDDING_EACH * step ? (int)(C - first) : EMBEDDING_EACH * step;
  for (int j = 0; j < EMBEDDING_EACH; j++)
    if (j * step < left) w[j] = from[j * step];
  for (int j = 0; j < EMBEDDING_EACH; j++)
    if (j * step < left) to[j * step] = w[j];
}

/* N floats, in packs of 16 bytes */
template <int N> struct embedding_sums {
  static const int M = N < 4 ? N : 4;
  pack<float, M> at[N / M];
};
template <int N> static __device__ __forceinline__ void embedding_read(embedding_sums<N> *s, const float *from) {
  const int M = embedding_sums<N>::M;
  for (int i = 0; i < N / M; i++) s->at[i] = load_pack<float, M>(from + i * M);
}
template <int N> static __device__ __forceinline__ void embedding_write(float *to, const embedding_sums<N> &s) {
  const int M = embedding_sums<N>::M;
  for (int i = 0; i < N / M; i++) store_pack<float, M>(to + i * M, s.at[i]);
}

/* keys, order: [rows], sorted, in memory to a multiple of 4.  partial: [windows][2][C]: of the id that comes from the window before, and of the one that only
 * goes on behind; what is not needed is not written. */
template <class T, int N>
static __global__ void __launch_bounds__(EMBEDDING_THREADS)
    embedding_sum_kernel(float *d_table, float *partial, const T *dy, const int32_t *keys, const int32_t *order, int64_t rows, int64_t C) {
  int64_t window = (int64_t)blockIdx.x * blockDim.y + threadIdx.y, c = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) * N;
  int64_t begin = window * EMBEDDING_WINDOW, end = begin + EMBEDDING_WINDOW < rows ? begin + EMBEDDING_WINDOW : rows;
  if (begin >= rows || c >= C) return;
  int32_t before = begin > 0 ? keys[begin - 1] : -1, behind = end < rows ? keys[end] : -1, id = before, loaded = before;
  embedding_sums<N> sum = {};
  float *to = partial + 2 * window * C + c; /* where sum goes when the id ends */
  pack<int32_t, 4> next_key = load_pack<int32_t, 4>(keys + begin), next_row = load_pack<int32_t, 4>(order + begin);
  for (int64_t first = begin; first < end; first += EMBEDDING_AT_ONCE) {
    pack<int32_t, 4> key = next_key, row = next_row;
    pack<T, N> d[EMBEDDING_AT_ONCE];
    embedding_sums<N> old[EMBEDDING_AT_ONCE];
    for (int j = 0; j < EMBEDDING_AT_ONCE; j++)
      if (first + j < end) d[j] = load_pack<T, N>(dy + row.at[j] * C + c);
    for (int j = 0; j < EMBEDDING_AT_ONCE; j++)
      if (first + j < end) {
        if (key.at[j] != loaded && key.at[j] != behind) embedding_read<N>(&old[j], d_table + key.at[j] * C + c);
        loaded = key.at[j];
      }
    if (first + EMBEDDING_AT_ONCE < end) next_key = load_pack<int32_t, 4>(keys + first + EMBEDDING_AT_ONCE), next_row = load_pack<int32_t, 4>(order + first + EMBEDDING_AT_ONCE);
    for (int j = 0; j < EMBEDDING_AT_ONCE; j++) {
      if (first + j >= end) continue;
      if (key.at[j] != id) {
        if (first + j > begin) embedding_write<N>(to, sum);
        id = key.at[j];
        if (id == behind) sum = {}, to = partial + (2 * window + 1) * C + c;
        else sum = old[j], to = d_table + id * C + c;
      }
      for (int i = 0; i < N; i++) sum.at[i / sum.M].at[i % sum.M] += to_float(d[j].at[i]);
    }
  }
  embedding_write<N>(to, sum);
}

/* Blocks of EMBEDDING_COLUMNS x EMBEDDING_PARTS threads; blockIdx.x: windows, of which most have nothing to join; blockIdx.y: columns,
 * few blocks for that reason, which go on gridDim.y blocks further. */
static __global__ void __launch_bounds__(EMBEDDING_COLUMNS *EMBEDDING_PARTS)
    embedding_join_kernel(float *d_table, const float *partial, const int32_t *keys, int64_t rows, int64_t C) {
  __shared__ float sums[EMBEDDING_PARTS][EMBEDDING_COLUMNS];
  int64_t window = blockIdx.x, begin = window * EMBEDDING_WINDOW, last = begin + EMBEDDING_WINDOW - 1;
  if (last + 1 >= rows) return; /* the whole block, as in the next line */
  int32_t id = keys[last];
  if (keys[last + 1] != id || (begin > 0 && keys[begin - 1] == id)) return;
  int64_t low = last + 1, high = rows - 1; /* the id's last place */
  while (low < high) {
    int64_t middle = (low + high + 1) / 2;
    if (keys[middle] == id) low = middle;
    else high = middle - 1;
  }
  int windows = (int)(low / EMBEDDING_WINDOW - window); /* behind this one */
  for (int64_t c0 = (int64_t)blockIdx.y * EMBEDDING_COLUMNS; c0 < C; c0 += (int64_t)gridDim.y * EMBEDDING_COLUMNS) {
    int64_t c = c0 + threadIdx.x;
    float sum = 0;
    if (c < C) {
      const float *from = partial + 2 * (window + 1 + threadIdx.y) * C + c;
      for (int w = (int)threadIdx.y; w < windows; w += 8 * EMBEDDING_PARTS) {
        float x[8]; /* loads that do not wait for each other */
        for (int j = 0; j < 8; j++, from += 2 * EMBEDDING_PARTS * C) x[j] = w + j * EMBEDDING_PARTS < windows ? *from : 0;
        for (int j = 0; j < 8; j++) sum += x[j];
      }
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && c < C) {
      sum = partial[(2 * window + 1) * C + c];
      for (int i = 0; i < EMBEDDING_PARTS; i++) sum += sums[i][threadIdx.x];
      d_table[id * C + c] += sum;
    }
    __syncthreads(); /* before the next columns' sums are written */
  }
}

#endif
