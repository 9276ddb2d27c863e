/* SPDX-License-Identifier: MIT */
#include "kernels/elementwise.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      int64_t n = 1 << 25;
      real *a = array(n, 1, 1), *b = array(n, 2, 1);
      double t;
      TIME(t, elementwise_add(a, a, b, n, &e));
      printf("add   %s %5.1f GB/s\n", variant, 12e-9 * (double)n / t);
      TIME(t, elementwise_scale(a, 0.999f, n, &e));
      printf("scale %s %5.1f GB/s\n", variant, 8e-9 * (double)n / t);
      array_free(a), array_free(b);
      continue;
    }
    static const int64_t sizes[] = {1, 7, 16, 8191, 8192, 100003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      int64_t n = sizes[i];
      real *a = array(n, 1, 1), *b = array(n, 2, 1), *y = array(n, 3, 1);
      bool good = elementwise_add(y, a, b, n, &e) == 0;
      for (int64_t j = 0; j < n; j++) good = y[j] == a[j] + b[j] && good;
      good = elementwise_add(b, a, b, n, &e) == 0 && memcmp(b, y, (size_t)n * sizeof *y) == 0 && good;
      good = elementwise_scale(y, (real)1.5, n, &e) == 0 && good;
      for (int64_t j = 0; j < n; j++) good = y[j] == b[j] * (real)1.5 && good;
      ok(good && guards_intact(y, n) && guards_intact(b, n), "%s: %lld sums and products are exact, in place too", variant, (long long)n);
      array_free(a), array_free(b), array_free(y);
    }
    ok(elementwise_add(NULL, NULL, NULL, 0, &e) == 0 && elementwise_scale(NULL, 1, 0, &e) == 0, "%s: nothing is no work", variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
