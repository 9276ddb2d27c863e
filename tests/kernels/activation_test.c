/* SPDX-License-Identifier: MIT */
#include "kernels/activation.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void compare(int64_t rows, int64_t F, int64_t pad, double size, const char *variant) {
  int64_t ld = 2 * F + pad;
  real *both = array(rows * ld, 1, size), *y = array(rows * F, 2, 1), *dy = array(rows * F, 3, 1), *d_both = array(rows * ld, 4, 0);
  double *want = zeros(rows * F), *want_d = zeros(rows * ld);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < F; i++) {
      double g = both[r * ld + i], u = both[r * ld + F + i], s = 1 / (1 + exp(-g)), d = dy[r * F + i];
      want[r * F + i] = g * s * u;
      want_d[r * ld + i] = d * u * s * (1 + g * (1 - s));
      want_d[r * ld + F + i] = d * g * s;
    }
  bool good = swiglu_forward(y, both, both + F, ld, rows, F, &e) == 0 &&
              swiglu_backward(d_both, d_both + F, dy, both, both + F, ld, rows, F, &e) == 0;
  good = close_to(y, want, rows * F, 1e-12, "y") && close_to(d_both, want_d, rows * ld, 1e-12, "gradients") && good;
  good = guards_intact(y, rows * F) && guards_intact(d_both, rows * ld) && good;
  swiglu_backward(both, both + F, dy, both, both + F, ld, rows, F, &e);
  for (int64_t r = 0; r < rows; r++)
    good = memcmp(both + r * ld, d_both + r * ld, (size_t)(2 * F) * sizeof *both) == 0 && good;
  ok(good, "%s: %lld rows of %lld up to %g match, in place too", variant, (long long)rows, (long long)F, size);
  array_free(both), array_free(y), array_free(dy), array_free(d_both), free(want), free(want_d);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      int64_t rows = 8192, F = 1024;
      real *both = array(rows * 2 * F, 1, 3), *y = array(rows * F, 2, 1), *d = array(rows * 2 * F, 3, 1);
      double t;
      TIME(t, swiglu_forward(y, both, both + F, 2 * F, rows, F, &e));
      printf("swiglu forward  %s %5.1f GB/s\n", variant, 12e-9 * (double)(rows * F) / t);
      TIME(t, swiglu_backward(d, d + F, y, both, both + F, 2 * F, rows, F, &e));
      printf("swiglu backward %s %5.1f GB/s\n", variant, 20e-9 * (double)(rows * F) / t);
      array_free(both), array_free(y), array_free(d);
      continue;
    }
    compare(1, 1, 0, 1, variant);
    compare(3, 17, 2, 5, variant);
    compare(70, 1000, 0, 3, variant);
    compare(2, 64, 1, 80, variant); /* exp(80) is finite, exp(-80) no denormal */
    real gate[3] = {-200, 200, NAN}, up[3] = {3, 3, 3}, y[3];
    swiglu_forward(y, gate, up, 3, 1, 3, &e);
    ok(fabs((double)y[0]) < 1e-30 && y[1] == 600 && isnan(y[2]), "%s: saturated gates give 0 and gate * up, NaN stays", variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
