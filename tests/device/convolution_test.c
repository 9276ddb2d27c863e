/* SPDX-License-Identifier: MIT */
#include "kernels/convolution.h"

#include "tests/device/device_test.h"

#define AT(array) stored_at(device, array.device, shift)
#define HOST(array) (array.host + shift)

static bool half; /* the device stores bfloat16 */

static void compare_short(int64_t B, int64_t T, int64_t C, int64_t K, int64_t shift, bool with_bias, bool accumulate, double bound, double real_bound) {
  const struct backend *cpu = backend_cpu();
  int64_t n = B * T * C + shift;
  struct device_array x = device_array(n, true, 1, 1), y = device_array(n, true, 2, 1), dy = device_array(n, true, 3, 1), dx = device_array(n, true, 4, 1);
  struct device_array weight = device_array(C * K, false, 5, 1), bias = device_array(C, false, 6, 1), d_weight = device_array(C * K, false, 7, 1), d_bias = device_array(C, false, 8, 1);
  struct device_array again = device_array(C * K, false, 7, 1);
  real *b = with_bias ? (real *)bias.device : NULL, *db = with_bias ? (real *)d_bias.device : NULL;
  device_must(device->short_convolution_forward(AT(y), AT(x), (real *)weight.device, b, B, T, C, K, &device_error));
  device_must(cpu->short_convolution_forward(HOST(y), HOST(x), weight.host, with_bias ? bias.host : NULL, B, T, C, K, &device_error));
  bool good = device_close(&y, bound, "y");
  device_must(device->short_convolution_backward(AT(dx), (real *)d_weight.device, db, AT(dy), AT(x), (real *)weight.device, B, T, C, K, accumulate, &device_error));
  device_must(cpu->short_convolution_backward(HOST(dx), d_weight.host, with_bias ? d_bias.host : NULL, HOST(dy), HOST(x), weight.host, B, T, C, K, accumulate, &device_error));
  good = device_close(&dx, bound, "dx") && device_close(&d_weight, real_bound, "d_weight") && device_close(&d_bias, real_bound, "d_bias") && good;
  device_must(device->short_convolution_backward(AT(dx), (real *)again.device, db, AT(dy), AT(x), (real *)weight.device, B, T, C, K, accumulate, &device_error));
  good = device_same(&d_weight, &again, "d_weight again") && good;
  ok(good, "short: %lld x %lld x %lld, %lld taps, shift %lld%s%s", (long long)B, (long long)T, (long long)C, (long long)K, (long long)shift, with_bias ? ", bias" : "", accumulate ? ", accumulated" : "");
  struct device_array *all[] = {&x, &y, &dy, &dx, &weight, &bias, &d_weight, &d_bias, &again};
  for (int i = 0; i < 9; i++) device_array_free(all[i]);
}

static void compare_long(int64_t B, int64_t T, int64_t C, int64_t shift, double bound, double real_bound) {
  const struct backend *cpu = backend_cpu();
  int64_t n = B * T * C + shift;
  struct device_array x = device_array(n, true, 1, 1), y = device_array(n, true, 2, 1), dy = device_array(n, true, 3, 1), dx = device_array(n, true, 4, 1), y_again = device_array(n, true, 2, 1);
  struct device_array h = device_array(T * C, true, 5, 1), dh = device_array(T * C, true, 6, 1), dh_again = device_array(T * C, true, 6, 1);
  struct device_array skip = device_array(C, false, 7, 1), d_skip = device_array(C, false, 8, 1), d_skip_again = device_array(C, false, 8, 1);
  device_must(device->long_convolution_forward(AT(y), AT(x), h.device, (real *)skip.device, B, T, C, &device_error));
  bool twice = T < 100000; /* time */
  if (twice) device_must(device->long_convolution_forward(AT(y_again), AT(x), h.device, (real *)skip.device, B, T, C, &device_error));
  device_must(cpu->long_convolution_forward(HOST(y), HOST(x), h.host, skip.host, B, T, C, &device_error));
  bool good = device_close(&y, bound, "y") && (!twice || device_same(&y, &y_again, "y again"));
  device_must(device->long_convolution_backward(AT(dx), dh.device, (real *)d_skip.device, AT(dy), AT(x), h.device, (real *)skip.device, B, T, C, &device_error));
  if (twice) device_must(device->long_convolution_backward(AT(dx), dh_again.device, (real *)d_skip_again.device, AT(dy), AT(x), h.device, (real *)skip.device, B, T, C, &device_error));
  device_must(cpu->long_convolution_backward(HOST(dx), dh.host, d_skip.host, HOST(dy), HOST(x), h.host, skip.host, B, T, C, &device_error));
  good = device_close(&dx, bound, "dx") && device_close(&dh, bound, "dh") && device_close(&d_skip, half ? 1e-9 : real_bound, "d_skip") && good;
  good = (!twice || (device_same(&dh, &dh_again, "dh again") && device_same(&d_skip, &d_skip_again, "d_skip again"))) && good;
  ok(good, "long: %lld x %lld x %lld, shift %lld", (long long)B, (long long)T, (long long)C, (long long)shift);
  struct device_array *all[] = {&x, &y, &dy, &dx, &y_again, &h, &dh, &dh_again, &skip, &d_skip, &d_skip_again};
  for (int i = 0; i < 11; i++) device_array_free(all[i]);
}

/* T new positions behind past[b] old ones, in pages of `page` rows that lie backwards on the device; one page a sequence on the CPU. */
static void compare_cached(int64_t B, const int64_t *past, int64_t T, int64_t C, int64_t K, int64_t page, double bound) {
  const struct backend *cpu = backend_cpu();
  int64_t longest = 0;
  for (int64_t b = 0; b < B; b++) longest = past[b] + T > longest ? past[b] + T : longest;
  int64_t pages = (longest + page - 1) / page, rows = B * pages * page;
  int32_t table[64], whole[8];
  for (int64_t i = 0; i < B * pages; i++) table[i] = (int32_t)(B * pages - 1 - i);
  for (int32_t b = 0; b < B; b++) whole[b] = b;
  struct device_array cache = device_array(rows * C, true, 1, 1), y = device_array(B * T * C, true, 2, 1), h = device_array(longest * C, true, 3, 1), skip = device_array(C, false, 4, 1);
  struct device_array weight = device_array(C * K, false, 5, 1), bias = device_array(C, false, 6, 1), again = device_array(B * T * C, true, 2, 1);
  real *straight = (real *)malloc((size_t)(rows * C) * sizeof *straight);
  for (int64_t b = 0; b < B; b++)
    for (int64_t t = 0; t < pages * page; t++) memcpy(straight + (b * pages * page + t) * C, cache.host + (table[b * pages + t / page] * page + t % page) * C, (size_t)C * sizeof *straight);
  int32_t *table_there = device_integers(table, B * pages);
  int64_t *past_there = (int64_t *)device->alloc((size_t)B * sizeof *past, &device_error);
  device_must(past_there ? device->to_device(past_there, past, (size_t)B * sizeof *past, &device_error) : -1);
  struct cache_pages there = {table_there, pages, page}, here = {whole, 1, pages * page};
  device_must(device->short_convolution_cached(y.device, cache.device, &there, past_there, (real *)weight.device, (real *)bias.device, B, T, C, K, &device_error));
  device_must(cpu->short_convolution_cached(y.host, straight, &here, past, weight.host, bias.host, B, T, C, K, &device_error));
  bool good = device_close(&y, bound, "short");
  device_must(device->long_convolution_cached(y.device, cache.device, &there, past_there, longest, h.device, (real *)skip.device, B, T, C, &device_error));
  device_must(device->long_convolution_cached(again.device, cache.device, &there, past_there, longest, h.device, (real *)skip.device, B, T, C, &device_error));
  device_must(cpu->long_convolution_cached(y.host, straight, &here, past, longest, h.host, skip.host, B, T, C, &device_error));
  good = device_close(&y, bound, "long") && device_same(&y, &again, "long again") && good;
  ok(good, "cached: %lld x %lld x %lld behind %lld ..., pages of %lld", (long long)B, (long long)T, (long long)C, (long long)past[0], (long long)page);
  free(straight);
  device->release(table_there), device->release(past_there);
  struct device_array *all[] = {&cache, &y, &h, &skip, &weight, &bias, &again};
  for (int i = 0; i < 7; i++) device_array_free(all[i]);
}

static void test(double bound, double real_bound) {
  half = device->stored_size == 2;
  real_bound = 1e-10;
  compare_short(0, 5, 8, 3, 0, true, false, bound, real_bound);
  compare_short(2, 1, 8, 3, 0, true, false, bound, real_bound);
  compare_short(2, 75, 48, 3, 0, true, true, bound, real_bound);
  compare_short(1, 33, 19, 4, 1, false, false, bound, real_bound);
  compare_short(2, 40, 16, 7, 0, true, true, bound, real_bound);
  compare_short(1, 9, 3, 1, 0, true, false, bound, real_bound);

  static const int64_t lengths[] = {1, 12, 13, 17, 24, 31, 50, 100, 200, 300}; /* every mix of radixes */
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i += device_small() ? 2 : 1) compare_long(1 + (int64_t)i % 3, lengths[i], 1 + (int64_t)(i + 8) * 5 % 19, (int64_t)i % 2, bound, real_bound);
  compare_long(5, 64, 40, 0, bound, real_bound);
  compare_long(2, 2100, 3, 0, bound, real_bound); /* M 3072: 4 channels in more than half of shared memory */
  compare_long(2, 24000, 3, 0, bound, real_bound); /* M 24576: one pass over memory */

  if (!half && !device_small()) compare_long(1, 197000, 17, 0, bound, real_bound); /* M 262144: four groups of channels at a time */

  static const int64_t past[3] = {300, 7, 0}, none[1] = {0};
  compare_cached(3, past, 1, 40, 3, 64, bound);
  compare_cached(3, past, 5, 19, 4, 307, bound);
  compare_cached(3, past, 33, 8, 3, 64, bound);
  compare_cached(1, none, 20, 16, 3, 16, bound);
}

int main(void) { return device_test_run(test); }
