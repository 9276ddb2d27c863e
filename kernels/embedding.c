/* SPDX-License-Identifier: MIT
 *
 * Token embedding on the CPU; bound by memory bandwidth.
 */
#include "kernels/embedding.h"

#include <string.h>

#include "kernels/cpu.h"

static int check_ids(const int32_t *ids, int64_t rows, struct kernel_error *e) {
  for (int64_t r = 0; r < rows; r++)
    if (ids[r] < 0) return kernel_fail(e, "embedding: negative id %d at row %lld", ids[r], (long long)r);
  return 0;
}

int embedding_forward(real *y, const real *table, const int32_t *ids, int64_t rows, int64_t C, struct kernel_error *e) {
  if (check_ids(ids, rows, e) != 0) return -1;
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) memcpy(y + r * C, table + ids[r] * C, (size_t)C * sizeof *y);
  return 0;
}

int embedding_backward(real *d_table, const real *dy, const int32_t *ids, int64_t rows, int64_t V, int64_t C, struct kernel_error *e) {
  (void)V;
  if (check_ids(ids, rows, e) != 0) return -1;
  enum { SLICE = 64 }; /* whole cache lines */
#pragma omp parallel for schedule(static) if (rows * C >= CPU_PARALLEL_FROM)
  for (int64_t begin = 0; begin < C; begin += SLICE) {
    int64_t end = begin + SLICE < C ? begin + SLICE : C;
    for (int64_t r = 0; r < rows; r++) {
      real *to = d_table + ids[r] * C;
      for (int64_t c = begin; c < end; c++) to[c] += dy[r * C + c];
    }
  }
  return 0;
}
