/* SPDX-License-Identifier: MIT
 *
 * Launches the token embedding's kernels.
 */
#include "kernels/embedding.cuh"

#include "kernels/cuda.h"
#include "kernels/cuda_rows.h"
#include "kernels/sort.h"

template <class W> static void forward(void *y, const void *table, const int32_t *ids, int64_t rows, int64_t C) {
  struct row_grid g = row_grid(rows, divide_up(C, EMBEDDING_EACH), EMBEDDING_THREADS);
  CUDA_LAUNCH(embedding_forward_kernel<W>, g.grid, g.block, 0, cuda_stream(), (W *)y, (const W *)table, ids, rows, C);
}

template <class T>
static int embedding_forward(stored *y, const stored *table, const int32_t *ids, int64_t rows, int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows == 0 || C == 0) return 0;
  if (aligned_16({y, table}) && C % N == 0) forward<uint4>(y, table, ids, rows, C / N);
  else forward<T>(y, table, ids, rows, C);
  return launched("embedding_forward", e);
}

template <class T>
static int embedding_backward(real *d_table, const stored *dy, const int32_t *ids, int64_t rows, int64_t V, int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows == 0 || C == 0) return 0;
  int64_t windows = divide_up(rows, EMBEDDING_WINDOW), array = divide_up(rows * 4, 256) * 256, partials = divide_up(2 * windows * C * 4, 256) * 256;
  char *work = (char *)cuda_workspace((size_t)(partials + 2 * array) + sort_workspace(rows, V), e);
  if (!work) return -1;
  float *partial = (float *)work;
  int32_t *keys = (int32_t *)(work + partials), *order = (int32_t *)(work + partials + array);
  struct sorted_keys to = {};
  to.keys = keys, to.order = order, to.group = 1;
  if (sort_keys(&to, ids, rows, V, work + partials + 2 * array, e) != 0) return -1;
  bool wide = aligned_16({d_table, dy}) && whole_packs<T>({C});
  struct row_grid g = row_grid(windows, C / (wide ? N : 1), EMBEDDING_THREADS);
  if (wide) CUDA_LAUNCH((embedding_sum_kernel<T, N>), g.grid, g.block, 0, cuda_stream(), d_table, partial, elements<T>(dy), keys, order, rows, C);
  else CUDA_LAUNCH((embedding_sum_kernel<T, 1>), g.grid, g.block, 0, cuda_stream(), d_table, partial, elements<T>(dy), keys, order, rows, C);
  int64_t slices = divide_up(C, EMBEDDING_COLUMNS) < EMBEDDING_SLICES ? divide_up(C, EMBEDDING_COLUMNS) : (int64_t)EMBEDDING_SLICES;
  if (windows > 1)
    CUDA_LAUNCH(embedding_join_kernel, dim3((unsigned)(windows - 1), (unsigned)slices), dim3(EMBEDDING_COLUMNS, EMBEDDING_PARTS), 0, cuda_stream(), d_table,
                partial, keys, rows, C);
  return launched("embedding_backward", e);
}

template <class T> static void fill(struct backend *b) { b->embedding_forward = embedding_forward<T>, b->embedding_backward = embedding_backward<T>; }
extern "C" void embedding_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
