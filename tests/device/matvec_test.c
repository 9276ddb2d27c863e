/* SPDX-License-Identifier: MIT
 *
 * Products of few rows (matvec.cuh), which linear_forward and matmul take for decoding.
 */
#include "tests/device/device_test.h"

static void matches(int64_t rows, int64_t out, int64_t in, int64_t pad, bool with_bias, double bound) {
  int64_t ld_x = in + pad, ld_y = out + pad;
  struct device_array x = device_array(rows * ld_x, true, 1, 1), w = device_array(out * in, true, 2, 1), y = device_array(rows * ld_y, true, 3, 1), bias = device_array(out, true, 4, 2);
  const enum matmul_type type = device->stored_size == 2 ? MATMUL_BF16 : MATMUL_FP32;
  const real *b = with_bias ? bias.host : NULL;
  device_must(backend_cpu()->linear_forward(MATMUL_FP32, y.host, ld_y, x.host, ld_x, w.host, b, rows, out, in, &device_error));
  size_t size = (size_t)device_bytes(&y, y.n);
  char *first = (char *)malloc(size), *second = (char *)malloc(size);
  bool good = true;
  for (int run = 0; run < 2; run++) {
    device_must(device->linear_forward(type, y.device, ld_y, x.device, ld_x, w.device, with_bias ? bias.device : NULL, rows, out, in, &device_error));
    good = device_close(&y, bound, "y") && good;
    device_must(device->to_host(run ? second : first, y.device, size, &device_error));
  }
  good = memcmp(first, second, size) == 0 && good;
  ok(good, "%lld rows times %lld x %lld%s match, twice the same bits", (long long)rows, (long long)out, (long long)in, with_bias ? " and a bias" : "");
  free(first), free(second);
  device_array_free(&x), device_array_free(&w), device_array_free(&y), device_array_free(&bias);
}

/* c = alpha a b^T + beta c, where rows of all three are apart */
static void scaled(int64_t rows, int64_t out, int64_t in, int64_t pad, real alpha, real beta, double bound) {
  int64_t ld_x = in + pad, ld_w = in + 2 * pad, ld_y = out + pad;
  struct device_array x = device_array(rows * ld_x, true, 1, 1), w = device_array(out * ld_w, true, 2, 1), y = device_array(rows * ld_y, true, 3, 1);
  if (beta == 0) { /* must not be read */
    for (int64_t i = 0; i < y.n; i++) y.host[i] = i % ld_y < out ? (real)NAN : y.host[i];
    device_must(device_put(&y, y.device, y.host, y.n));
  }
  const enum matmul_type type = device->stored_size == 2 ? MATMUL_BF16 : MATMUL_FP32;
  device_must(backend_cpu()->matmul(MATMUL_FP32, false, true, rows, out, in, alpha, x.host, ld_x, w.host, ld_w, beta, y.host, ld_y, &device_error));
  device_must(device->matmul(type, false, true, rows, out, in, alpha, x.device, ld_x, w.device, ld_w, beta, y.device, ld_y, &device_error));
  ok(device_close(&y, bound, "y"), "%g times %lld rows times %lld x %lld, plus %g of what was there", (double)alpha, (long long)rows, (long long)out, (long long)in, (double)beta);
  device_array_free(&x), device_array_free(&w), device_array_free(&y);
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  static const int64_t shapes[][4] = {{1, 64, 256, 0}, {1, 33, 1032, 0}, {1, 200, 24, 8}, {3, 17, 100, 1}, {8, 50, 1280, 8}, {9, 40, 264, 0}, {16, 47, 776, 16}, {16, 5, 7, 3}, {2, 300, 64, 0}, {5, 1, 2056, 0}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) matches(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3], i % 2 == 0, stored_bound);
  scaled(4, 30, 136, 8, (real)0.5, (real)-2, stored_bound);
  scaled(1, 70, 520, 0, 2, 0, stored_bound);
  scaled(12, 9, 37, 1, -1, 1, stored_bound);
}

int main(void) { return device_test_run(test); }
