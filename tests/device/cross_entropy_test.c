/* SPDX-License-Identifier: MIT */
#include "kernels/cross_entropy.h"

#include "tests/device/device_test.h"

static const struct backend *cpu;

/* Rows of V logits, V + pad apart, begun `shift` elements behind an aligned address; every fifth row is left out. */
static void compare(int64_t rows, int64_t V, int64_t pad, int64_t shift, double size, double z, double stored_bound, double real_bound) {
  int64_t ld = V + pad, n = rows * ld + shift;
  const real scale = (real)0.125;
  struct device_array logits = device_array(n, true, 1, size), losses = device_array(rows, false, 2, 1);
  real *start = (real *)malloc((size_t)(n + 1) * sizeof *start), *got = (real *)malloc((size_t)(n + 1) * sizeof *got), *second = (real *)malloc((size_t)(n + 1) * sizeof *second);
  memcpy(start, logits.host, (size_t)n * sizeof *start);
  int32_t *targets = (int32_t *)malloc((size_t)(rows + 1) * sizeof *targets);
  for (int64_t r = 0; r < rows; r++) targets[r] = r % 5 == 4 ? -1 : r == 0 ? 0 : r == 1 ? (int32_t)(V - 1) : (int32_t)(r * 7919 % V);
  targets[rows] = 0;
  int32_t *device_targets = device_integers(targets, rows + 1);
  stored *at = stored_at(device, logits.device, shift);
  device_must(device->cross_entropy((real *)losses.device, at, ld, device_targets, rows, V, scale, (real)z, false, &device_error));
  device_must(cpu->cross_entropy(losses.host, logits.host + shift, ld, targets, rows, V, scale, (real)z, false, &device_error));
  bool good = device_close(&losses, real_bound, "losses");
  good = device_close(&logits, 0, "logits, only read") && good;
  device_must(device_put(&losses, losses.device, start, rows < n ? rows : n));
  device_must(device->cross_entropy((real *)losses.device, at, ld, device_targets, rows, V, scale, (real)z, true, &device_error));
  device_must(cpu->cross_entropy(losses.host, logits.host + shift, ld, targets, rows, V, scale, (real)z, true, &device_error));
  good = device_close(&losses, real_bound, "losses with gradient") && good;
  device_must(device_get(&logits, got, logits.device, n));
  for (int64_t i = 0; i < n; i++) /* the rest of each row must stay; then all elements count alike */
    if ((i < shift || (i - shift) % ld >= V) && got[i] != start[i]) note("element %lld beside the rows is written", (long long)i), good = false, i = n;
  for (int64_t i = 0; i < n; i++)
    if (i < shift || (i - shift) % ld >= V) got[i] = logits.host[i] = 0;
  device_must(device_put(&logits, logits.device, got, n));
  good = device_close(&logits, stored_bound, "gradients") && good;
  device_must(device_put(&logits, logits.device, start, n));
  device_must(device->cross_entropy((real *)losses.device, at, ld, device_targets, rows, V, scale, (real)z, true, &device_error));
  device_must(device_get(&logits, second, logits.device, n));
  for (int64_t i = 0; i < n; i++)
    if ((i < shift || (i - shift) % ld >= V)) second[i] = 0;
  if (memcmp(got, second, (size_t)n * sizeof *got) != 0) note("other bits in a second run"), good = false;
  ok(good, "%lld rows of %lld up to %g, %lld apart, %lld behind an aligned address, z %g", (long long)rows, (long long)V, size, (long long)ld, (long long)shift, z);
  device_array_free(&logits), device_array_free(&losses), device->release(device_targets);
  free(start), free(got), free(second), free(targets);
}

static bool all_nan(const real *x, int n) {
  for (int i = 0; i < n; i++)
    if (!isnan(x[i])) return false;
  return true;
}

static void odd_values(void) {
  enum { V = 43, ROWS = 8 };
  int32_t targets[ROWS] = {3, 3, 3, 3, 3, 5, 3, 3};
  real logits[ROWS * V], got[ROWS * V], losses[ROWS];
  for (int i = 0; i < ROWS * V; i++) logits[i] = i < V ? (real)3e38 : i < 2 * V ? 1 : i < 3 * V ? -INFINITY : 0;
  logits[V + 7] = NAN;
  for (int i = 0; i < V; i++) logits[6 * V + i] = -INFINITY, logits[7 * V + i] = (real)-3e38;
  logits[3 * V + 5] = -INFINITY, logits[4 * V + 5] = INFINITY, logits[5 * V + 5] = -INFINITY, logits[6 * V + 11] = NAN;
  stored *x = (stored *)device->alloc(sizeof logits, &device_error);
  real *y = (real *)device->alloc(sizeof losses, &device_error);
  int32_t *t = device_integers(targets, ROWS);
  device_must(x && y ? device->upload(x, logits, ROWS * V, &device_error) : -1);
  device_must(device->cross_entropy(y, x, V, t, ROWS, V, 1, 0, true, &device_error));
  device_must(device->download(got, x, ROWS * V, &device_error));
  device_must(device->to_host(losses, y, sizeof losses, &device_error));
  ok(fabs((double)losses[0] - log(V)) < 1e-5 && fabs((double)losses[7] - log(V)) < 1e-5, "huge equal logits of either sign do not overflow");
  ok(isnan(losses[1]) && all_nan(got + V, V), "a NaN makes its row NaN");
  ok(isnan(losses[2]) && all_nan(got + 2 * V, V), "nothing but -inf makes the row NaN");
  ok(fabs((double)losses[3] - log(V - 1)) < 1e-5 && got[3 * V + 5] == 0, "a logit of -inf has the probability 0");
  ok(isnan(losses[4]) && all_nan(got + 4 * V, V), "+inf makes its row NaN");
  ok(isinf(losses[5]) && losses[5] > 0 && got[5 * V + 5] == -1, "a target of -inf has an infinite loss");
  ok(isnan(losses[6]) && all_nan(got + 6 * V, V), "a NaN among -inf makes its row NaN");
  device->release(x), device->release(y), device->release(t);
}

static void test(double stored_bound, double real_bound) {
  cpu = backend_cpu();
  real_bound = 1e-10; /* losses are floats whatever is stored */
  compare(0, 8, 0, 0, 1, 0, stored_bound, real_bound);
  compare(1, 1, 0, 0, 1, 0, stored_bound, real_bound);
  compare(7, 5, 3, 0, 4, 0, stored_bound, real_bound);
  compare(5, 6, 0, 3, 4, 0.25, stored_bound, real_bound);
  compare(9, 1003, 0, 0, 10, 1e-4, stored_bound, real_bound); /* each row begins elsewhere in 16 bytes */
  compare(6, 4096, 8, 0, 50, 1e-2, stored_bound, real_bound);
  compare(3, 50257, 47, 0, 10, 0, stored_bound, real_bound);
  compare(2, 128256, 0, 1, 20, 1e-4, stored_bound, real_bound); /* more than shared memory keeps */
  odd_values();
}

int main(void) { return device_test_run(test); }
