/* SPDX-License-Identifier: MIT */
#include "kernels/embedding.h"

#include "tests/device/device_test.h"

enum spread { EVEN, FREQUENT, ONE };
static const char *const spreads[] = {"all ids alike", "one id in every third row", "one id alone"};

static void compare(int64_t rows, int64_t C, int64_t V, enum spread spread, bool same_bits, double stored_bound, double real_bound) {
  const struct backend *cpu = backend_cpu();
  struct device_array table = device_array(V * C, true, 1, 1), y = device_array(rows * C, true, 2, 1), dy = device_array(rows * C, true, 3, 1);
  struct device_array d_table = device_array(V * C, false, 4, 1);
  real *start = (real *)malloc((size_t)(V * C + 1) * sizeof *start), *got = (real *)malloc((size_t)(V * C + 1) * sizeof *got), *second = (real *)malloc((size_t)(V * C + 1) * sizeof *second);
  memcpy(start, d_table.host, (size_t)(V * C) * sizeof *start);
  int32_t *ids = (int32_t *)malloc((size_t)(rows + 1) * sizeof *ids);
  uint64_t state = 5;
  ids[rows] = 0;
  for (int64_t r = 0; r < rows; r++) ids[r] = spread == ONE || (spread == FREQUENT && r % 3 == 1) ? (int32_t)(V / 2) : (int32_t)((device_number(&state) + 1) / 2 * (double)V);
  int32_t *device_ids = device_integers(ids, rows + 1);
  device_must(device->embedding_forward(y.device, table.device, device_ids, rows, C, &device_error));
  device_must(cpu->embedding_forward(y.host, table.host, ids, rows, C, &device_error));
  bool good = device_close(&y, 0, "y");
  device_must(device->embedding_backward((real *)d_table.device, dy.device, device_ids, rows, V, C, &device_error));
  device_must(cpu->embedding_backward(d_table.host, dy.host, ids, rows, V, C, &device_error));
  good = device_close(&d_table, real_bound, "d_table") && good;
  device_must(device_get(&d_table, got, d_table.device, V * C));
  if (same_bits && memcmp(got, d_table.host, (size_t)(V * C) * sizeof *got) != 0) note("not the CPU's bits"), good = false;
  device_must(device_put(&d_table, d_table.device, start, V * C));
  device_must(device->embedding_backward((real *)d_table.device, dy.device, device_ids, rows, V, C, &device_error));
  device_must(device_get(&d_table, second, d_table.device, V * C));
  if (memcmp(got, second, (size_t)(V * C) * sizeof *got) != 0) note("other bits in a second run"), good = false;
  ok(good, "%lld rows of %lld from a table of %lld, %s%s", (long long)rows, (long long)C, (long long)V, spreads[spread], same_bits ? ", the CPU's bits" : "");
  (void)stored_bound;
  device_array_free(&table), device_array_free(&y), device_array_free(&dy), device_array_free(&d_table), device->release(device_ids);
  free(start), free(got), free(second), free(ids);
}

static void test(double stored_bound, double real_bound) {
  real_bound = 1e-10; /* sums are floats whatever is stored */
  compare(0, 8, 3, EVEN, true, stored_bound, real_bound);
  compare(1, 1, 1, EVEN, true, stored_bound, real_bound);
  compare(64, 40, 7, EVEN, true, stored_bound, real_bound);      /* a window: the CPU's order, so its bits */
  compare(64, 8, 5, ONE, true, stored_bound, real_bound);
  compare(65, 13, 300, FREQUENT, false, stored_bound, real_bound); /* one id over the edge of a window */
  compare(700, 264, 70000, FREQUENT, false, stored_bound, real_bound);
  compare(3000, 8, 50, EVEN, false, stored_bound, real_bound);
  compare(2600, 34, 3, ONE, false, stored_bound, real_bound);    /* more windows than parts that join them take at once */
  compare(6, 4104, 9, EVEN, true, stored_bound, real_bound);     /* more columns than a block takes */
}

int main(void) { return device_test_run(test); }
