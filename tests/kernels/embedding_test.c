/* SPDX-License-Identifier: MIT */
#include "kernels/embedding.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void compare(int64_t rows, int64_t C, int64_t vocabulary) {
  real *table = array(vocabulary * C, 1, 1), *y = array(rows * C, 2, 1), *d_table = array(vocabulary * C, 3, 1);
  real *dy = array(rows * C, 4, 1), *again = array_copy(d_table, vocabulary * C);
  int32_t *ids = calloc((size_t)rows, sizeof *ids);
  double *want = zeros(vocabulary * C);
  uint64_t state = 5;
  for (int64_t r = 0; r < rows; r++) ids[r] = (int32_t)((number(&state) + 1) / 2 * (double)vocabulary);
  for (int64_t i = 0; i < vocabulary * C; i++) want[i] = d_table[i];
  bool good = embedding_forward(y, table, ids, rows, C, &e) == 0 && embedding_backward(d_table, dy, ids, rows, vocabulary, C, &e) == 0;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < C; c++) {
      good = y[r * C + c] == table[ids[r] * C + c] && good;
      want[ids[r] * C + c] += dy[r * C + c];
    }
  good = close_to(d_table, want, vocabulary * C, 1e-12, "d_table") && guards_intact(y, rows * C) && guards_intact(d_table, vocabulary * C) && good;
  ok(good, "%lld rows of %lld from a table of %lld, ids repeated", (long long)rows, (long long)C, (long long)vocabulary);
  backend_cpu()->set_threads(1);
  embedding_backward(again, dy, ids, rows, vocabulary, C, &e);
  backend_cpu()->set_threads(2);
  ok(memcmp(again, d_table, (size_t)(vocabulary * C) * sizeof *again) == 0, "the same bits on one thread");
  array_free(table), array_free(y), array_free(d_table), array_free(dy), array_free(again), free(ids), free(want);
}

int main(void) {
  backend_cpu()->set_threads(2);
  compare(1, 1, 1);
  compare(33, 7, 5);
  compare(1000, 130, 11);
  int32_t bad[1] = {-1};
  real x[4] = {0};
  ok(embedding_forward(x, x + 2, bad, 1, 2, &e) == -1 && embedding_backward(x, x + 2, bad, 1, 2, 1, &e) == -1, "a negative id is an error");
  return tap_done();
}
