/* SPDX-License-Identifier: MIT */
#include "kernels/position.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void compare(int64_t rows, int64_t T, int64_t first, int64_t C, const char *variant) {
  int64_t n = rows * C, positions = (first + T) * C;
  real *y = array(n, 1, 1), *table = array(positions, 2, 1), *d_table = array(positions, 3, 1), *dy = array(n, 4, 1);
  real *want = array_copy(y, n), *want_table = array_copy(d_table, positions), *start = array_copy(d_table, positions);
  int64_t past[64]; /* of every other sequence one less */
  for (int64_t b = 0; b < 64; b++) past[b] = first - (first > 0 && b % 2);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < C; c++) {
      want[r * C + c] += table[(past[r / T] + r % T) * C + c];
      want_table[r % T * C + c] += dy[r * C + c];
    }
  bool good = position_forward(y, table, rows, T, first ? past : NULL, C, &e) == 0 && memcmp(y, want, (size_t)n * sizeof *y) == 0;
  good = position_backward(d_table, dy, rows, T, C, &e) == 0 && memcmp(d_table, want_table, (size_t)positions * sizeof *y) == 0 && good;
  backend_cpu()->set_threads(1);
  position_backward(start, dy, rows, T, C, &e);
  backend_cpu()->set_threads(2);
  good = memcmp(start, want_table, (size_t)positions * sizeof *y) == 0 && guards_intact(y, n) && guards_intact(d_table, positions) && good;
  ok(good, "%s: %lld rows in sequences of %lld from %lld: sums are exact, on one thread too", variant, (long long)rows, (long long)T, (long long)first);
  array_free(y), array_free(table), array_free(d_table), array_free(dy), array_free(want), array_free(want_table), array_free(start);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      int64_t T = 256, rows = 32 * T, C = 768;
      real *y = array(rows * C, 1, 1), *table = array(T * C, 2, 1);
      double t;
      TIME(t, position_forward(y, table, rows, T, NULL, C, &e));
      printf("position %s forward %5.1f", variant, 8e-9 * (double)(rows * C) / t);
      TIME(t, position_backward(table, y, rows, T, C, &e));
      printf(", backward %5.1f GB/s\n", 4e-9 * (double)(rows * C) / t);
      array_free(y), array_free(table);
      continue;
    }
    compare(1, 1, 0, 1, variant);
    compare(1, 1, 9, 37, variant);  /* generation: one new position */
    compare(15, 5, 2, 7, variant);
    compare(17, 5, 0, 16, variant); /* the last sequence is shorter */
    compare(256, 128, 0, 384, variant);
    ok(position_forward(NULL, NULL, 0, 4, NULL, 8, &e) == 0 && position_backward(NULL, NULL, 0, 4, 8, &e) == 0, "%s: no rows are no work", variant);
  }
  if (wants_times(argc, argv)) return 0;
  real x[1] = {0};
  ok(position_forward(x, x, 1, 0, NULL, 1, &e) == -1 && position_backward(x, x, 1, 0, 1, &e) == -1, "sequences of nothing are errors");
  return tap_done();
}
