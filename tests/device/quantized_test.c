/* SPDX-License-Identifier: MIT
 *
 * Products with quantised weights: few rows, many, x and y of any alignment, rows of weights that start anywhere in 16 bytes.
 */
#include "kernels/quantized.h"

#include "tests/device/device_test.h"

static void matches(enum quantization kind, int64_t rows, int64_t out, int64_t in, int64_t pad, int64_t skip, bool with_bias, double bound) {
  int64_t ld_x = in + pad, ld_y = out + pad;
  struct device_array x = device_array(rows * ld_x, true, 1, 1), y = device_array(rows * ld_y, true, 2, 1), bias = device_array(out, true, 3, 2);
  real *w = (real *)malloc((size_t)((out + skip) * in + 1) * sizeof *w);
  uint64_t state = 4;
  for (int64_t i = 0; i < (out + skip) * in; i++) w[i] = (real)(device_number(&state) * (i % 7 == 0 ? 8 : 1));
  size_t bytes = quantized_bytes(kind, out + skip, in);
  char *q = (char *)calloc(1, bytes + 1), *there = (char *)device->alloc(bytes, &device_error);
  device_must(there ? 0 : -1);
  device_must(quantize_rows(kind, q, w, out + skip, in, &device_error));
  device_must(device->to_device(there, q, bytes, &device_error));
  int64_t start = skip * quantized_row_bytes(kind, in); /* of the matrix in use, behind other rows */

  device_must(backend_cpu()->linear_quantized(kind, y.host, ld_y, x.host, ld_x, q + start, with_bias ? bias.host : NULL, rows, out, in, &device_error));
  device_must(device->linear_quantized(kind, y.device, ld_y, x.device, ld_x, there + start, with_bias ? bias.device : NULL, rows, out, in, &device_error));
  bool good = device_close(&y, bound, "y");
  size_t size = (size_t)device_bytes(&y, y.n);
  char *first = (char *)malloc(size), *second = (char *)malloc(size);
  device_must(device->to_host(first, y.device, size, &device_error));
  device_must(device->linear_quantized(kind, y.device, ld_y, x.device, ld_x, there + start, with_bias ? bias.device : NULL, rows, out, in, &device_error));
  device_must(device->to_host(second, y.device, size, &device_error));
  good = memcmp(first, second, size) == 0 && good;
  ok(good, "%s: %lld rows times %lld x %lld%s match, twice the same bits", kind == QUANTIZED_Q8_0 ? "q8_0" : "q4_0", (long long)rows, (long long)out, (long long)in, with_bias ? " and a bias" : "");
  free(first), free(second), free(w), free(q);
  device->release(there);
  device_array_free(&x), device_array_free(&y), device_array_free(&bias);
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  for (int k = 0; k < 2; k++) {
    enum quantization kind = k == 0 ? QUANTIZED_Q8_0 : QUANTIZED_Q4_0;
    static const int64_t shapes[][5] = {{1, 40, 256, 0, 0}, {1, 17, 32, 0, 1}, {3, 33, 96, 8, 1}, {8, 16, 1056, 0, 0}, {9, 50, 160, 3, 3}, {16, 20, 2080, 0, 1},
                                        {5, 130, 64, 1, 0}, {70, 140, 416, 8, 1}, {66, 290, 32, 8, 0}, {17, 390, 96, 5, 0}, {20, 30, 544, 0, 0},
                                        {9, 40, 4128, 0, 0} /* few outputs: 16 warps share them, where shared memory allows */, {4300, 3, 32, 0, 0} /* tiles enough for a large GPU */};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i += device_small() && i >= 4 ? 2 : 1) matches(kind, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3], shapes[i][4], i % 2 == 0, stored_bound);
    ok(device->linear_quantized(kind, NULL, 4, NULL, 32, NULL, NULL, 0, 4, 32, &device_error) == 0 && device->linear_quantized(kind, NULL, 4, NULL, 33, NULL, NULL, 1, 4, 33, &device_error) == -1 &&
           strstr(device_error.message, "33"),
       "no rows are no work, rows that are no whole blocks are refused");
  }
}

int main(void) { return device_test_run(test); }
