/* SPDX-License-Identifier: MIT */
#include "kernels/symmetric.h"

#include "kernels/cpu.h"
#include "kernels/matmul.h"

enum { PANEL = 96, TILE = 32 }; /* fewest rows of a panel; the square that is transposed at a time */

/* c[j][i] = c[i][j] for i from `from` to `to`, j < from */
static void mirror(real *c, int64_t n, int64_t from, int64_t to) {
#pragma omp parallel for schedule(static) if (from * (to - from) >= CPU_PARALLEL_FROM)
  for (int64_t j0 = 0; j0 < from; j0 += TILE) {
    int64_t j1 = j0 + TILE < from ? j0 + TILE : from;
    for (int64_t i0 = from; i0 < to; i0 += TILE) {
      int64_t i1 = i0 + TILE < to ? i0 + TILE : to;
      for (int64_t j = j0; j < j1; j++)
        for (int64_t i = i0; i < i1; i++) c[j * n + i] = c[i * n + j];
    }
  }
}

int matmul_symmetric(enum matmul_type type, bool transpose, int64_t n, int64_t k, real alpha, const real *a, int64_t ld, real beta, real *c,
                     struct kernel_error *e) {
  int64_t panel = (n / 4 + 15) / 16 * 16;
  if (panel < PANEL) panel = PANEL;
  for (int64_t from = 0; from < n; from += panel) {
    int64_t to = n - from < panel + PANEL / 2 ? n : from + panel; /* no sliver at the end */
    const real *rows = a + (transpose ? from : from * ld);
    if (matmul(type, transpose, !transpose, to - from, to, k, alpha, rows, ld, a, ld, beta, c + from * n, n, e) < 0) return -1;
    mirror(c, n, from, to);
    if (to == n) break;
  }
  return 0;
}
