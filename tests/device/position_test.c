/* SPDX-License-Identifier: MIT */
#include "kernels/position.h"

#include "tests/device/device_test.h"

static void compare(int64_t rows, int64_t T, int64_t C, bool with_past, double stored_bound) {
  const struct backend *cpu = backend_cpu();
  int64_t sequences = (rows + T - 1) / T, positions = T + 5 * sequences;
  struct device_array table = device_array(positions * C, true, 1, 1), y = device_array(rows * C, true, 2, 1), dy = device_array(rows * C, true, 3, 1);
  struct device_array d_table = device_array(positions * C, false, 4, 1);
  int64_t *past = (int64_t *)malloc((size_t)(sequences + 1) * sizeof *past);
  for (int64_t b = 0; b < sequences; b++) past[b] = 5 * b + 1;
  int64_t *device_past = (int64_t *)device->alloc((size_t)(sequences + 1) * sizeof *past, &device_error);
  device_must(device->to_device(device_past, past, (size_t)sequences * sizeof *past, &device_error));
  device_must(device->position_forward(y.device, table.device, rows, T, with_past ? device_past : NULL, C, &device_error));
  device_must(cpu->position_forward(y.host, table.host, rows, T, with_past ? past : NULL, C, &device_error));
  device_must(device->position_backward((real *)d_table.device, dy.device, rows, T, C, &device_error));
  device_must(cpu->position_backward(d_table.host, dy.host, rows, T, C, &device_error));
  bool good = device_close(&y, stored_bound, "y");
  good = device_close(&d_table, 0, "d_table") && good;
  ok(good, "%lld rows of %lld in sequences of %lld%s; backward the CPU's bits", (long long)rows, (long long)C, (long long)T, with_past ? " behind earlier ones" : "");
  device_array_free(&table), device_array_free(&y), device_array_free(&dy), device_array_free(&d_table), device->release(device_past), free(past);
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  compare(0, 4, 8, false, stored_bound);
  compare(1, 1, 1, true, stored_bound);
  compare(12, 12, 40, false, stored_bound);
  compare(29, 7, 24, true, stored_bound); /* the last sequence is short */
  compare(5, 9, 16, false, stored_bound); /* shorter than T */
  compare(26, 2, 13, true, stored_bound);
  compare(6, 3, 2056, true, stored_bound);
  compare(300, 150, 3, false, stored_bound);
  struct device_array x = device_array(8, true, 1, 1);
  ok(device->position_forward(x.device, x.device, 2, 0, NULL, 4, &device_error) == -1, "sequences of no rows are an error");
  device_array_free(&x);
}

int main(void) { return device_test_run(test); }
