/* SPDX-License-Identifier: MIT
 *
 * Launches the kernels of absolute positions.
 */
#include "kernels/position.cuh"

#include "kernels/cuda.h"
#include "kernels/cuda_rows.h"

template <class T>
static int position_forward(stored *y, const stored *table, int64_t rows, int64_t length, const int64_t *past, int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (length < 1) return kernel_fail(e, "position: sequences of %lld rows", (long long)length);
  if (rows == 0 || C == 0) return 0;
  bool wide = aligned_16({y, table}) && whole_packs<T>({C});
  struct row_grid g = row_grid(length, C / (wide ? N : 1), POSITION_THREADS);
  int64_t sequences = divide_up(rows, length);
  g.grid.z = (unsigned)(sequences < 65535 ? sequences : 65535);
  if (wide) CUDA_LAUNCH((position_forward_kernel<T, N>), g.grid, g.block, 0, cuda_stream(), elements<T>(y), elements<T>(table), rows, length, past, C);
  else CUDA_LAUNCH((position_forward_kernel<T, 1>), g.grid, g.block, 0, cuda_stream(), elements<T>(y), elements<T>(table), rows, length, past, C);
  return launched("position_forward", e);
}

template <class T> static int position_backward(real *d_table, const stored *dy, int64_t rows, int64_t length, int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (length < 1) return kernel_fail(e, "position: sequences of %lld rows", (long long)length);
  if (rows == 0 || C == 0) return 0;
  bool wide = aligned_16({d_table, dy}) && whole_packs<T>({C});
  struct row_grid g = row_grid(length, C / (wide ? N : 1), POSITION_THREADS);
  if (wide) CUDA_LAUNCH((position_backward_kernel<T, N>), g.grid, g.block, 0, cuda_stream(), d_table, elements<T>(dy), rows, length, C);
  else CUDA_LAUNCH((position_backward_kernel<T, 1>), g.grid, g.block, 0, cuda_stream(), d_table, elements<T>(dy), rows, length, C);
  return launched("position_backward", e);
}

template <class T> static void fill(struct backend *b) { b->position_forward = position_forward<T>, b->position_backward = position_backward<T>; }
extern "C" void position_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
