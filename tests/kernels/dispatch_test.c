/* SPDX-License-Identifier: MIT */
#include "kernels/dispatch.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void permutation(int32_t *slots, int32_t *sources, int64_t rows, int64_t top) {
  uint64_t state = 77;
  int64_t n = rows * top;
  for (int64_t i = 0; i < n; i++) slots[i] = (int32_t)i;
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t k = (int64_t)((number(&state) + 1) / 2 * (double)(i + 1));
    int32_t t = slots[i];
    slots[i] = slots[k], slots[k] = t;
  }
  for (int64_t i = 0; i < n; i++) sources[slots[i]] = (int32_t)(i / top);
}

static void compare(int64_t rows, int64_t top, int64_t C, const char *variant) {
  int64_t n = rows * top;
  int32_t *slots = malloc((size_t)(n + 1) * sizeof *slots), *sources = malloc((size_t)(n + 1) * sizeof *sources);
  if (!slots || !sources) abort();
  permutation(slots, sources, rows, top);
  real *x = array(rows * C, 1, 1), *z = array(n * C, 2, 1), *weights = array(n, 3, 1), *dy = array(rows * C, 4, 1);
  real *gathered = array(n * C, 5, 1), *dx = array(rows * C, 6, 1), *first = array_copy(dx, rows * C), *y = array(rows * C, 7, 1);
  real *dz = array(n * C, 8, 1), *dw = array(n, 9, 1);
  double *want_dx = zeros(rows * C), *want_y = zeros(rows * C), *want_dz = zeros(n * C), *want_dw = zeros(n);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < top; j++)
      for (int64_t c = 0; c < C; c++) {
        double v = (double)z[slots[r * top + j] * C + c], w = (double)weights[r * top + j], g = (double)dy[r * C + c];
        want_dx[r * C + c] += v;
        want_y[r * C + c] += w * v;
        want_dz[slots[r * top + j] * C + c] = w * g;
        want_dw[r * top + j] += g * v;
      }
  bool good = gather_rows(gathered, x, sources, n, C, &e) == 0 && guards_intact(gathered, n * C);
  for (int64_t i = 0; i < n; i++) good &= memcmp(gathered + i * C, x + sources[i] * C, (size_t)C * sizeof *x) == 0;
  good &= gather_rows_backward(dx, z, slots, rows, top, C, false, &e) == 0 && close_to(dx, want_dx, rows * C, 1e-13, "dx") && guards_intact(dx, rows * C);
  for (int64_t i = 0; i < rows * C; i++) want_dx[i] += (double)first[i];
  memcpy(dx, first, (size_t)(rows * C) * sizeof *dx);
  good &= gather_rows_backward(dx, z, slots, rows, top, C, true, &e) == 0 && close_to(dx, want_dx, rows * C, 1e-13, "accumulated dx");
  ok(good, "%s: %lld rows of %lld, %lld times each, are gathered and their gradients added", variant, (long long)rows, (long long)C, (long long)top);
  good = combine_forward(y, z, weights, slots, rows, top, C, &e) == 0 && combine_backward(dz, dw, dy, z, weights, slots, rows, top, C, &e) == 0;
  good = close_to(y, want_y, rows * C, 1e-13, "y") && good;
  good = close_to(dz, want_dz, n * C, 1e-13, "dx of slots") && good;
  good = close_to(dw, want_dw, n, 1e-12, "d_weights") && good;
  good = good && guards_intact(y, rows * C) && guards_intact(dz, n * C) && guards_intact(dw, n);
  ok(good, "%s: %lld rows of %lld, %lld each, combined match the double reference", variant, (long long)rows, (long long)C, (long long)top);

  real *y1 = array(rows * C, 1, 1), *z1 = array_copy(z, n * C), *dw1 = array(n, 1, 1), *dx1 = array_copy(first, rows * C);
  backend_cpu()->set_threads(1);
  good = combine_forward(y1, z, weights, slots, rows, top, C, &e) == 0 && combine_backward(z1, dw1, dy, z1, weights, slots, rows, top, C, &e) == 0 &&
         gather_rows_backward(dx1, z, slots, rows, top, C, true, &e) == 0;
  backend_cpu()->set_threads(2);
  ok(good && memcmp(y1, y, (size_t)(rows * C) * sizeof *y) == 0 && memcmp(z1, dz, (size_t)(n * C) * sizeof *y) == 0 && memcmp(dw1, dw, (size_t)n * sizeof *y) == 0 &&
         memcmp(dx1, dx, (size_t)(rows * C) * sizeof *y) == 0,
     "%s: one thread gives the same bits, dx in the place of x too", variant);
  array_free(y1), array_free(z1), array_free(dw1), array_free(dx1), array_free(first);
  array_free(x), array_free(z), array_free(weights), array_free(dy), array_free(gathered), array_free(dx), array_free(y), array_free(dz), array_free(dw);
  free(want_dx), free(want_y), free(want_dz), free(want_dw), free(slots), free(sources);
}

static void speed(const char *variant) {
  int64_t rows = 8192, top = 2, C = 384, n = rows * top;
  int32_t *slots = malloc((size_t)n * sizeof *slots), *sources = malloc((size_t)n * sizeof *sources);
  if (!slots || !sources) abort();
  permutation(slots, sources, rows, top);
  real *x = array(rows * C, 1, 1), *z = array(n * C, 2, 1), *weights = array(n, 3, 1), *d = array(n, 4, 1);
  double t, bytes = 4e-9 * (double)(rows * C);
  TIME(t, gather_rows(z, x, sources, n, C, &e));
  printf("gather           %s %5.1f GB/s\n", variant, bytes * (double)(1 + top) / t);
  TIME(t, gather_rows_backward(x, z, slots, rows, top, C, false, &e));
  printf("gather backward  %s %5.1f GB/s\n", variant, bytes * (double)(1 + top) / t);
  TIME(t, combine_forward(x, z, weights, slots, rows, top, C, &e));
  printf("combine          %s %5.1f GB/s\n", variant, bytes * (double)(1 + top) / t);
  TIME(t, combine_backward(z, d, x, z, weights, slots, rows, top, C, &e));
  printf("combine backward %s %5.1f GB/s\n", variant, bytes * (double)(1 + 2 * top) / t);
  array_free(x), array_free(z), array_free(weights), array_free(d), free(slots), free(sources);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(variant);
      continue;
    }
    static const int64_t sizes[][3] = {{0, 2, 8}, {1, 1, 1}, {3, 2, 7}, {17, 8, 16}, {33, 3, 37}, {200, 2, 384}, {65, 6, 129}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) compare(sizes[i][0], sizes[i][1], sizes[i][2], variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
