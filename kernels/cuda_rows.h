/* SPDX-License-Identifier: MIT
 *
 * Launches over the elements of rows: blocks of threads along a row (x) times rows (y), so that no thread divides to find its
 * row; blockIdx.x counts rows, which may be many, blockIdx.y what of a row is beyond one block.
 */
#ifndef KERNELS_CUDA_ROWS_H
#define KERNELS_CUDA_ROWS_H

#include "kernels/cuda.h"

struct row_grid {
  dim3 grid, block;
};

/* For `rows` rows of `packs` packs, one a thread, at most `threads` in a block and 65535 blocks along a row.  Blocks are as wide as
 * a row, or as its equal parts, so that few threads have nothing to do; their warps may reach over two rows. */
static inline struct row_grid row_grid(int64_t rows, int64_t packs, int threads) {
  int64_t parts = divide_up(packs, threads), x = divide_up(packs, parts), y = threads / x;
  struct row_grid g;
  g.block = dim3((unsigned)x, (unsigned)y);
  g.grid = dim3((unsigned)divide_up(rows, y), (unsigned)parts);
  return g;
}

/* Every number of elements makes whole packs of 16 bytes. */
template <class T> static inline bool whole_packs(std::initializer_list<int64_t> numbers) {
  for (int64_t n : numbers)
    if (n * (int64_t)sizeof(T) % 16 != 0) return false;
  return true;
}

#endif
