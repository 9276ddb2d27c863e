/* SPDX-License-Identifier: MIT */
#include "kernels/rope.h"

#include "tests/device/device_test.h"

/* B sequences of T rows, heads of D every `step` columns, `pad` columns more, x begun `shift` elements behind an aligned address;
 * with_past: sequences stand at positions of their own. */
static void compare(int64_t B, int64_t T, bool with_past, int64_t heads, int64_t D, int64_t step, int64_t pad, int64_t shift, double bound) {
  const struct backend *cpu = backend_cpu();
  int64_t rows = B * T, ld = heads * step + pad, n = rows * ld + shift, half = D / 2, positions = T + 50;
  struct device_array x = device_array(n, true, 1, 1), again = device_array(n, true, 1, 1);
  struct device_array cosine = device_array(positions * half, false, 2, 1), sine = device_array(positions * half, false, 3, 1);
  int64_t past[64];
  for (int64_t b = 0; b < 64; b++) past[b] = b * 37 % 51;
  int64_t *device_past = with_past ? (int64_t *)device->alloc(sizeof past, &device_error) : NULL;
  if (with_past) device_must(device_past ? device->to_device(device_past, past, sizeof past, &device_error) : -1);
  const real *c = (real *)cosine.device, *s = (real *)sine.device;
  bool good = true;
  for (int inverse = 0; inverse < 2; inverse++) {
    device_must(device->rope(stored_at(device, x.device, shift), ld, step, c, s, rows, T, device_past, heads, D, inverse, &device_error));
    device_must(device->rope(stored_at(device, again.device, shift), ld, step, c, s, rows, T, device_past, heads, D, inverse, &device_error));
    device_must(cpu->rope(x.host + shift, ld, step, cosine.host, sine.host, rows, T, with_past ? past : NULL, heads, D, inverse, &device_error));
    good = device_close(&x, inverse ? 2 * bound : bound, inverse ? "inverse" : "forward") && device_same(&x, &again, "again") && good;
  }
  ok(good, "rope: %lld x %lld rows%s, %lld heads of %lld every %lld, %lld columns more, shift %lld; and back", (long long)B, (long long)T, with_past ? " behind others" : "",
     (long long)heads, (long long)D, (long long)step, (long long)pad, (long long)shift);
  if (device_past) device->release(device_past);
  device_array_free(&x), device_array_free(&again), device_array_free(&cosine), device_array_free(&sine);
}

static void test(double bound, double real_bound) {
  (void)real_bound;
  compare(0, 5, false, 3, 64, 64, 0, 0, bound);
  compare(2, 5, false, 0, 64, 64, 8, 0, bound);
  compare(1, 1, false, 1, 2, 2, 0, 0, bound);
  compare(3, 50, false, 12, 64, 64, 64, 0, bound);
  compare(5, 7, true, 5, 128, 128, 0, 0, bound);
  compare(64, 1, true, 9, 32, 32, 0, 0, bound);   /* decode */
  compare(3, 33, true, 4, 64, 192, 0, 0, bound);  /* MLA: heads with a part that has no position */
  compare(4, 20, false, 1, 64, 64, 512, 0, bound);
  compare(2, 9, true, 3, 66, 66, 0, 0, bound);    /* not aligned: head, distance of heads, of rows, address */
  compare(2, 9, false, 3, 66, 72, 0, 0, bound);
  compare(2, 9, false, 8, 64, 65, 0, 0, bound);
  compare(2, 9, true, 2, 16, 16, 3, 0, bound);
  compare(3, 5, false, 4, 32, 32, 0, 1, bound);
  real x[3] = {0};
  ok(device->rope(x, 3, 3, x, x, 1, 1, NULL, 1, 3, false, &device_error) != 0 && device->rope(x, 4, 2, x, x, 1, 1, NULL, 2, 4, false, &device_error) != 0,
     "an odd head and heads that overlap are refused");
}

int main(void) { return device_test_run(test); }
