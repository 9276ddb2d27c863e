/* SPDX-License-Identifier: MIT */
#include "kernels/rmsnorm.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void reference(double *y, double *dx, double *d_weight, const real *x, const real *weight, const real *dy,
                      int64_t rows, int64_t C, double eps) {
  for (int64_t r = 0; r < rows; r++) {
    double squares = 0, mean = 0;
    for (int64_t c = 0; c < C; c++) squares += (double)x[r * C + c] * x[r * C + c];
    double s = 1 / sqrt(squares / (double)C + eps);
    for (int64_t c = 0; c < C; c++) mean += (double)dy[r * C + c] * weight[c] * x[r * C + c] * s / (double)C;
    for (int64_t c = 0; c < C; c++) {
      double xn = x[r * C + c] * s;
      y[r * C + c] = xn * weight[c];
      dx[r * C + c] += s * ((double)dy[r * C + c] * weight[c] - xn * mean);
      d_weight[c] += dy[r * C + c] * xn;
    }
  }
}

static void compare(int64_t rows, int64_t C, const char *variant) {
  const real eps = 1e-5f;
  real *x = array(rows * C, 1, 2), *weight = array(C, 2, 1), *dy = array(rows * C, 3, 1), *y = array(rows * C, 4, 1);
  real *rstd = array(rows, 5, 1), *dx = array(rows * C, 6, 1), *d_weight = array(C, 7, 1);
  real *first_dx = array_copy(dx, rows * C), *first_dw = array_copy(d_weight, C);
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    double *want_y = zeros(rows * C), *want_dx = zeros(rows * C), *want_dw = zeros(C);
    memcpy(dx, first_dx, (size_t)(rows * C) * sizeof *dx);
    memcpy(d_weight, first_dw, (size_t)C * sizeof *dx);
    for (int64_t i = 0; accumulate && i < rows * C; i++) want_dx[i] = dx[i];
    for (int64_t i = 0; i < C; i++) want_dw[i] = d_weight[i];
    reference(want_y, want_dx, want_dw, x, weight, dy, rows, C, eps);
    bool good = rmsnorm_forward(y, rstd, x, weight, rows, C, eps, &e) == 0 &&
                rmsnorm_backward(dx, d_weight, dy, x, weight, rstd, rows, C, accumulate, &e) == 0;
    good = close_to(y, want_y, rows * C, 1e-12, "y") && good;
    good = close_to(dx, want_dx, rows * C, 1e-12, "dx") && good;
    good = close_to(d_weight, want_dw, C, 1e-11, "d_weight") && good;
    good = guards_intact(y, rows * C) && guards_intact(rstd, rows) && guards_intact(dx, rows * C) &&
           guards_intact(d_weight, C) && good;
    ok(good, "%s: %lld rows of %lld match the double reference%s", variant, (long long)rows, (long long)C,
       accumulate ? ", accumulating" : "");
    free(want_y), free(want_dx), free(want_dw);
  }
  real *again_dx = array_copy(first_dx, rows * C), *again_dw = array_copy(first_dw, C);
  rmsnorm_backward(again_dx, again_dw, dy, x, weight, rstd, rows, C, true, &e);
  ok(memcmp(again_dx, dx, (size_t)(rows * C) * sizeof *dx) == 0 && memcmp(again_dw, d_weight, (size_t)C * sizeof *dx) == 0,
     "%s: %lld rows of %lld give the same bits twice", variant, (long long)rows, (long long)C);
  backend_cpu()->set_threads(1);
  memcpy(again_dx, first_dx, (size_t)(rows * C) * sizeof *dx), memcpy(again_dw, first_dw, (size_t)C * sizeof *dx);
  rmsnorm_backward(again_dx, again_dw, dy, x, weight, rstd, rows, C, true, &e);
  backend_cpu()->set_threads(2);
  ok(memcmp(again_dx, dx, (size_t)(rows * C) * sizeof *dx) == 0 && memcmp(again_dw, d_weight, (size_t)C * sizeof *dx) == 0,
     "%s: %lld rows of %lld give the same bits on one thread", variant, (long long)rows, (long long)C);
  array_free(again_dx), array_free(again_dw), array_free(first_dx), array_free(first_dw);
  array_free(x), array_free(weight), array_free(dy), array_free(y), array_free(rstd), array_free(dx), array_free(d_weight);
}

static void edges(const char *variant) {
  enum { C = 37 };
  real x[3 * C], weight[C], y[3 * C], rstd[3];
  for (int i = 0; i < 3 * C; i++) x[i] = i < C ? 0 : 1;
  for (int i = 0; i < C; i++) weight[i] = 2;
  x[C + 5] = NAN;
  rmsnorm_forward(y, rstd, x, weight, 3, C, 1e-6f, &e);
  ok(y[0] == 0 && fabs((double)rstd[0] - 1000) < 0.01, "%s: a row of zeros stays zero", variant);
  ok(isnan(y[C]) && isnan(y[2 * C - 1]), "%s: NaN spreads over its row", variant);
  ok(fabs((double)y[2 * C] - 2) < 1e-4, "%s: NaN stays in its row", variant);
  ok(rmsnorm_forward(y, rstd, x, weight, 0, C, 1e-6f, &e) == 0 &&
         rmsnorm_backward(y, y, x, x, weight, rstd, 0, C, false, &e) == 0,
     "%s: no rows are no work", variant);
}

static void speed(const char *variant) {
  int64_t rows = 8192, C = 384;
  real *x = array(rows * C, 1, 2), *weight = array(C, 2, 1), *dy = array(rows * C, 3, 1), *y = array(rows * C, 4, 1);
  real *rstd = array(rows, 5, 1), *d_weight = array(C, 7, 1);
  double t;
  TIME(t, rmsnorm_forward(y, rstd, x, weight, rows, C, 1e-5f, &e));
  printf("rmsnorm forward  %s %5.1f GB/s\n", variant, 8e-9 * (double)(rows * C) / t);
  TIME(t, rmsnorm_backward(y, d_weight, dy, x, weight, rstd, rows, C, true, &e));
  printf("rmsnorm backward %s %5.1f GB/s\n", variant, 16e-9 * (double)(rows * C) / t);
  array_free(x), array_free(weight), array_free(dy), array_free(y), array_free(rstd), array_free(d_weight);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(variant);
      continue;
    }
    static const int64_t sizes[][2] = {{1, 3}, {3, 7}, {5, 16}, {33, 37}, {100, 384}, {257, 1001}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) compare(sizes[i][0], sizes[i][1], variant);
    edges(variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
