/* SPDX-License-Identifier: MIT */
#include "kernels/layernorm.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

/* dx, d_weight and d_bias are added to; what lies between the runs of y and dx stays. */
static void reference(double *y, double *dx, double *d_weight, double *d_bias, const real *x, const real *weight, const real *bias,
                      const real *dy, const struct norm_shape *s) {
  double C = (double)s->C;
  for (int64_t r = 0; r < s->rows; r++)
    for (int64_t g = 0; g < s->groups; g++) {
      const real *in = x + r * s->ld_x + g * s->C, *d = dy + r * s->ld_y + g * s->C;
      double mean = 0, variance = 0, mean_g = 0, mean_dot = 0;
      for (int64_t c = 0; c < s->C; c++) mean += in[c] / C;
      for (int64_t c = 0; c < s->C; c++) variance += (in[c] - mean) * (in[c] - mean) / C;
      double scale = 1 / sqrt(variance + (double)s->eps);
      for (int64_t c = 0; c < s->C; c++) {
        mean_g += (double)d[c] * weight[c] / C;
        mean_dot += (double)d[c] * weight[c] * (in[c] - mean) * scale / C;
      }
      for (int64_t c = 0; c < s->C; c++) {
        double xn = (in[c] - mean) * scale;
        y[r * s->ld_y + g * s->C + c] = xn * weight[c] + (bias ? bias[c] : 0);
        dx[r * s->ld_x + g * s->C + c] += scale * ((double)d[c] * weight[c] - mean_g - xn * mean_dot);
        d_weight[c] += d[c] * xn;
        d_bias[c] += d[c];
      }
    }
}

static void compare(int64_t rows, int64_t groups, int64_t C, int64_t pad_x, int64_t pad_y, bool biased, double shift, const char *variant) {
  const struct norm_shape s = {.rows = rows, .groups = groups, .C = C, .ld_x = groups * C + pad_x, .ld_y = groups * C + pad_y, .eps = 1e-5f};
  int64_t n_x = rows * s.ld_x, n_y = rows * s.ld_y, n_g = rows * groups;
  real *x = array(n_x, 1, 2), *weight = array(C, 2, 1), *bias = array(C, 8, 1), *dy = array(n_y, 3, 1), *y = array(n_y, 4, 1);
  real *mean = array(n_g, 9, 1), *rstd = array(n_g, 5, 1), *dx = array(n_x, 6, 1), *d_weight = array(C, 7, 1), *d_bias = array(C, 10, 1);
  for (int64_t i = 0; i < n_x; i++) x[i] += (real)shift;
  real *first_y = array_copy(y, n_y), *first_dx = array_copy(dx, n_x), *first_dw = array_copy(d_weight, C), *first_db = array_copy(d_bias, C);
  const real *b = biased ? bias : NULL;
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    double *want_y = zeros(n_y), *want_dx = zeros(n_x), *want_dw = zeros(C), *want_db = zeros(C);
    memcpy(dx, first_dx, (size_t)n_x * sizeof *dx);
    memcpy(d_weight, first_dw, (size_t)C * sizeof *dx), memcpy(d_bias, first_db, (size_t)C * sizeof *dx);
    for (int64_t i = 0; i < n_x; i++) want_dx[i] = accumulate || i % s.ld_x >= groups * C ? dx[i] : 0;
    for (int64_t i = 0; i < n_y; i++) want_y[i] = first_y[i];
    for (int64_t i = 0; i < C; i++) want_dw[i] = d_weight[i], want_db[i] = d_bias[i];
    reference(want_y, want_dx, want_dw, want_db, x, weight, b, dy, &s);
    bool good = layernorm_forward(y, mean, rstd, x, weight, b, &s, &e) == 0 &&
                layernorm_backward(dx, d_weight, biased ? d_bias : NULL, dy, x, weight, mean, rstd, &s, accumulate, &e) == 0;
    double bound = shift > 0 ? 1e-9 : 1e-12; /* the mean itself is rounded to a float: relative to x - mean that is shift * 2^-24 */
    good = close_to(y, want_y, n_y, bound, "y") && good;
    good = close_to(dx, want_dx, n_x, bound, "dx") && good;
    good = close_to(d_weight, want_dw, C, 10 * bound, "d_weight") && good;
    good = (biased ? close_to(d_bias, want_db, C, 1e-12, "d_bias") : memcmp(d_bias, first_db, (size_t)C * sizeof *d_bias) == 0) && good;
    for (int64_t r = 0; r < rows; r++) {
      good = memcmp(y + r * s.ld_y + groups * C, first_y + r * s.ld_y + groups * C, (size_t)pad_y * sizeof *y) == 0 && good;
      good = memcmp(dx + r * s.ld_x + groups * C, first_dx + r * s.ld_x + groups * C, (size_t)pad_x * sizeof *dx) == 0 && good;
    }
    good = guards_intact(y, n_y) && guards_intact(mean, n_g) && guards_intact(rstd, n_g) && guards_intact(dx, n_x) && guards_intact(d_weight, C) && guards_intact(d_bias, C) && good;
    ok(good, "%s: %lld rows of %lld groups of %lld%s around %g match the double reference, what lies between stays%s", variant, (long long)rows, (long long)groups,
       (long long)C, biased ? " with bias" : "", shift, accumulate ? "; accumulating" : "");
    free(want_y), free(want_dx), free(want_dw), free(want_db);
  }
  for (int threads = 2; threads > 0; threads--) {
    real *again_dx = array_copy(first_dx, n_x), *again_dw = array_copy(first_dw, C), *again_db = array_copy(first_db, C), *again_y = array_copy(first_y, n_y);
    backend_cpu()->set_threads(threads);
    layernorm_forward(again_y, mean, rstd, x, weight, b, &s, &e);
    layernorm_backward(again_dx, again_dw, biased ? again_db : NULL, dy, x, weight, mean, rstd, &s, true, &e);
    backend_cpu()->set_threads(2);
    ok(memcmp(again_y, y, (size_t)n_y * sizeof *y) == 0 && memcmp(again_dx, dx, (size_t)n_x * sizeof *dx) == 0 && memcmp(again_dw, d_weight, (size_t)C * sizeof *dx) == 0 &&
           memcmp(again_db, d_bias, (size_t)C * sizeof *dx) == 0,
       "%s: %lld rows of %lld groups of %lld give the same bits again on %d threads", variant, (long long)rows, (long long)groups, (long long)C, threads);
    array_free(again_dx), array_free(again_dw), array_free(again_db), array_free(again_y);
  }
  if (s.ld_x == s.ld_y) {
    real *in_place = array_copy(x, n_x);
    layernorm_backward(dx, d_weight, d_bias, dy, x, weight, mean, rstd, &s, false, &e);
    bool good = layernorm_forward(in_place, mean, rstd, in_place, weight, b, &s, &e) == 0 &&
                layernorm_backward(dy, d_weight, d_bias, dy, x, weight, mean, rstd, &s, false, &e) == 0;
    for (int64_t r = 0; r < rows; r++)
      good = memcmp(in_place + r * s.ld_x, y + r * s.ld_y, (size_t)(groups * C) * sizeof *y) == 0 && memcmp(dy + r * s.ld_y, dx + r * s.ld_x, (size_t)(groups * C) * sizeof *y) == 0 && good;
    ok(good, "%s: and in place", variant);
    array_free(in_place);
  }
  array_free(first_y), array_free(first_dx), array_free(first_dw), array_free(first_db), array_free(mean), array_free(bias), array_free(d_bias);
  array_free(x), array_free(weight), array_free(dy), array_free(y), array_free(rstd), array_free(dx), array_free(d_weight);
}

static void edges(const char *variant) {
  enum { C = 37 };
  const struct norm_shape s = {.rows = 3, .groups = 1, .C = C, .ld_x = C, .ld_y = C, .eps = 1e-6f};
  real x[3 * C], weight[C], bias[C], y[3 * C], mean[3], rstd[3];
  for (int i = 0; i < 3 * C; i++) x[i] = i < C ? 7 : i % 2;
  for (int i = 0; i < C; i++) weight[i] = 2, bias[i] = 0.5;
  x[C + 5] = NAN;
  layernorm_forward(y, mean, rstd, x, weight, bias, &s, &e);
  ok(y[0] == 0.5 && y[C - 1] == 0.5 && mean[0] == 7 && fabs((double)rstd[0] - 1000) < 0.01, "%s: a row of one value becomes the bias", variant);
  ok(isnan(y[C]) && isnan(y[2 * C - 1]), "%s: NaN spreads over its row", variant);
  ok(fabs(fabs((double)y[2 * C] - 0.5) - 2) < 0.1, "%s: NaN stays in its row", variant);
  const struct norm_shape empty[3] = {{0, 1, C, C, C, 1e-6f}, {3, 0, C, C, C, 1e-6f}, {3, 1, 0, C, C, 1e-6f}};
  bool good = true;
  for (int i = 0; i < 3; i++)
    good = layernorm_forward(NULL, NULL, NULL, NULL, NULL, NULL, &empty[i], &e) == 0 &&
           layernorm_backward(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &empty[i], false, &e) == 0 && good;
  ok(good, "%s: no rows, groups or columns are no work", variant);
}

static void speed(int64_t rows, int64_t C, const char *variant) {
  const struct norm_shape s = {.rows = rows, .groups = 1, .C = C, .ld_x = C, .ld_y = C, .eps = 1e-5f};
  int64_t n = rows * C;
  real *x = array(n, 1, 2), *weight = array(C, 2, 1), *dy = array(n, 3, 1), *y = array(n, 4, 1), *mean = array(rows, 5, 1), *rstd = array(rows, 5, 1), *d_weight = array(C, 7, 1), *d_bias = array(C, 8, 1);
  double t;
  TIME(t, layernorm_forward(y, mean, rstd, x, weight, weight, &s, &e));
  printf("layernorm %lldx%lld %s forward %5.1f", (long long)rows, (long long)C, variant, 8e-9 * (double)n / t);
  TIME(t, layernorm_backward(y, d_weight, d_bias, dy, x, weight, mean, rstd, &s, false, &e));
  printf(", backward %5.1f", 12e-9 * (double)n / t);
  TIME(t, layernorm_backward(y, d_weight, d_bias, dy, x, weight, mean, rstd, &s, true, &e));
  printf(", accumulating %5.1f GB/s\n", 16e-9 * (double)n / t);
  array_free(x), array_free(weight), array_free(dy), array_free(y), array_free(mean), array_free(rstd), array_free(d_weight), array_free(d_bias);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(8192, 384, variant);
      speed(8192, 1024, variant);
      speed(256, 768, variant);
      continue;
    }
    static const int64_t sizes[][5] = {{1, 1, 3, 0, 0},   {3, 1, 7, 2, 0},    {5, 1, 16, 0, 5},    {33, 1, 37, 1, 1},  {100, 1, 384, 0, 0},
                                       {257, 1, 1001, 0, 0}, {9, 3, 5, 4, 2}, {200, 6, 64, 128, 0}, {70, 12, 33, 0, 0}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) compare(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3], sizes[i][4], i % 3 != 1, 0, variant);
    compare(40, 1, 100, 0, 0, true, 300, variant); /* a variance by E[x^2] - E[x]^2 would lose here */
    edges(variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
