/* SPDX-License-Identifier: MIT
 *
 * Absolute positions on the CPU: the rows of a sequence and those of the table lie in the same order, so each sequence is one
 * long sum, shared among threads; the part of the table in use stays in cache from one sequence to the next.
 */
#include "kernels/position.h"

#include "kernels/elementwise.h"

int position_forward(real *y, const real *table, int64_t rows, int64_t T, const int64_t *past, int64_t C, struct kernel_error *e) {
  if (T < 1) return kernel_fail(e, "position: sequences of %lld rows", (long long)T);
  for (int64_t r = 0; r < rows; r += T)
    if (elementwise_add(y + r * C, y + r * C, table + (past ? past[r / T] : 0) * C, (rows - r < T ? rows - r : T) * C, e) < 0) return -1;
  return 0;
}

int position_backward(real *d_table, const real *dy, int64_t rows, int64_t T, int64_t C, struct kernel_error *e) {
  if (T < 1) return kernel_fail(e, "position: sequences of %lld rows", (long long)T);
  for (int64_t r = 0; r < rows; r += T)
    if (elementwise_add(d_table, d_table, dy + r * C, (rows - r < T ? rows - r : T) * C, e) < 0) return -1;
  return 0;
}
