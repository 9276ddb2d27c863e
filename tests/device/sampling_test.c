/* SPDX-License-Identifier: MIT */
#include "kernels/sampling.h"

#include "tests/device/device_test.h"

/* steps > 0: logits are rounded to so many values, so that many are equal */
static void compare(int64_t rows, int64_t V, int64_t pad, int64_t shift, int64_t k, double temperature, int steps) {
  const struct backend *cpu = backend_cpu();
  int64_t ld = V + pad, n = rows * ld + shift;
  struct device_array logits = device_array(n, true, 1, 8), values = device_array(rows * k, false, 2, 1), sums = device_array(rows, false, 3, 1);
  for (int64_t i = 0; i < n && steps; i++) logits.host[i] = (real)(floor((double)logits.host[i] / 8 * steps) / steps);
  for (int64_t r = 0; r < rows; r++) logits.host[shift + r * ld + V / 2] = -INFINITY;
  device_must(device_put(&logits, logits.device, logits.host, n));
  device_must(device_get(&logits, logits.host, logits.device, n));
  int32_t *ids = (int32_t *)calloc((size_t)(rows * k + 1), sizeof *ids), *got = (int32_t *)calloc((size_t)(rows * k + 1), sizeof *got);
  int32_t *device_ids = device_integers(ids, rows * k + 1);
  device_must(device->top_logits((real *)values.device, device_ids, (real *)sums.device, stored_at(device, logits.device, shift), ld, rows, V, k, (real)temperature, &device_error));
  device_must(cpu->top_logits(values.host, ids, sums.host, logits.host + shift, ld, rows, V, k, (real)temperature, &device_error));
  device_must(device->to_host(got, device_ids, (size_t)(rows * k + 1) * sizeof *got, &device_error));
  bool good = device_close(&values, 0, "values");
  good = device_close(&sums, 1e-10, "log_sum_exp") && good;
  if (memcmp(got, ids, (size_t)(rows * k + 1) * sizeof *ids) != 0) note("other ids"), good = false;
  real first[64], second[64];
  device_must(device_get(&sums, first, sums.device, rows < 64 ? rows : 64));
  device_must(device->top_logits((real *)values.device, device_ids, (real *)sums.device, stored_at(device, logits.device, shift), ld, rows, V, k, (real)temperature, &device_error));
  device_must(device_get(&sums, second, sums.device, rows < 64 ? rows : 64));
  good = device_close(&values, 0, "values, a second time") && device_close(&logits, 0, "logits") && memcmp(first, second, (size_t)(rows < 64 ? rows : 64) * sizeof *first) == 0 && good;
  ok(good, "the %lld largest of %lld, %lld rows, %lld apart, %lld behind an aligned address, temperature %g%s", (long long)k, (long long)V, (long long)rows, (long long)ld,
     (long long)shift, temperature, steps ? ", many equal" : "");
  device_array_free(&logits), device_array_free(&values), device_array_free(&sums), device->release(device_ids);
  free(ids), free(got);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  compare(0, 5, 0, 0, 2, 1, 0);
  compare(1, 2, 0, 0, 1, 1, 0);
  compare(3, 7, 2, 0, 7, 0.5, 0);
  compare(5, 1003, 5, 0, 40, 1.5, 0);
  compare(2, 1003, 0, 3, 1003, 0.7, 40);
  compare(2, 5000, 0, 0, 600, 1, 3);    /* a value is shared by more than are wanted, in more than one piece */
  compare(1, 50257, 47, 1, 1024, 0.3, 0);
  compare(3, 4096, 0, 0, 0, 1, 0);
  compare(40, 96, 0, 0, 1, 1, 2);
  real x[8] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -0.0f, 0, 3, -2}, value[4], sum[2];
  int32_t id[4];
  stored *logits = (stored *)device->alloc(sizeof x, &device_error);
  real *values = (real *)device->alloc(sizeof value, &device_error), *sums = (real *)device->alloc(sizeof sum, &device_error);
  int32_t *ids = (int32_t *)device->alloc(sizeof id, &device_error);
  device_must(logits && values && sums && ids ? device->upload(logits, x, 8, &device_error) : -1);
  device_must(device->top_logits(values, ids, sums, logits, 4, 2, 4, 2, 1, &device_error));
  device_must(device->to_host(id, ids, sizeof id, &device_error));
  device_must(device->to_host(sum, sums, sizeof sum, &device_error));
  ok(id[0] == 0 && id[1] == 1 && sum[0] == -INFINITY, "nothing but -inf");
  ok(id[2] == 2 && id[3] == 0, "0 and -0 are equal");
  x[0] = (real)3e38, x[1] = (real)3e38;
  device_must(device->upload(logits, x, 2, &device_error));
  device_must(device->top_logits(values, ids, sums, logits, 2, 1, 2, 2, 1, &device_error));
  device_must(device->to_host(sum, sums, sizeof *sum, &device_error));
  ok(isfinite(sum[0]), "huge logits do not overflow");
  bool noticed = true;
  for (int at = 0; at < 8; at++)
    for (int i = 0; i < 2; i++) {
      for (int v = 0; v < 8; v++) x[v] = v == at ? (i ? (real)INFINITY : (real)NAN) : (real)(v - 3);
      device_must(device->upload(logits, x, 8, &device_error));
      device_must(device->top_logits(values, ids, sums, logits, 4, 2, 4, 2, 1, &device_error));
      device_must(device->to_host(sum, sums, sizeof sum, &device_error));
      noticed = isnan(sum[at / 4]) && isfinite(sum[1 - at / 4]) && noticed;
    }
  ok(noticed, "NaN and +inf make the sum of their row NaN");
  ok(device->top_logits(values, ids, sums, logits, 4, 1, 4, 5, 1, &device_error) == -1 && device->top_logits(values, ids, sums, logits, 4, 1, 4, 1, 0, &device_error) == -1,
     "more than there are, or a temperature of 0, is an error");
  ok(device->top_logits(values, ids, sums, logits, 4096, 1, 4096, 1025, 1, &device_error) == -1, "more than 1024 is an error");
  device->release(logits), device->release(values), device->release(sums), device->release(ids);
}

int main(void) { return device_test_run(test); }
