/* SPDX-License-Identifier: MIT */
#include "kernels/rmsnorm.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

/* dx and d_weight are added to; what lies between the runs of y and dx stays. */
static void reference(double *y, double *dx, double *d_weight, const real *x, const real *weight, const real *dy, const struct norm_shape *s) {
  for (int64_t r = 0; r < s->rows; r++)
    for (int64_t g = 0; g < s->groups; g++) {
      const real *in = x + r * s->ld_x + g * s->C, *d = dy + r * s->ld_y + g * s->C;
      double squares = 0, mean = 0;
      for (int64_t c = 0; c < s->C; c++) squares += (double)in[c] * in[c];
      double scale = 1 / sqrt(squares / (double)s->C + (double)s->eps);
      for (int64_t c = 0; c < s->C; c++) mean += (double)d[c] * weight[c] * in[c] * scale / (double)s->C;
      for (int64_t c = 0; c < s->C; c++) {
        double xn = in[c] * scale;
        y[r * s->ld_y + g * s->C + c] = xn * weight[c];
        dx[r * s->ld_x + g * s->C + c] += scale * ((double)d[c] * weight[c] - xn * mean);
        d_weight[c] += d[c] * xn;
      }
    }
}

static void compare(int64_t rows, int64_t groups, int64_t C, int64_t pad_x, int64_t pad_y, const char *variant) {
  const struct norm_shape s = {.rows = rows, .groups = groups, .C = C, .ld_x = groups * C + pad_x, .ld_y = groups * C + pad_y, .eps = 1e-5f};
  int64_t n_x = rows * s.ld_x, n_y = rows * s.ld_y;
  real *x = array(n_x, 1, 2), *weight = array(C, 2, 1), *dy = array(n_y, 3, 1), *y = array(n_y, 4, 1);
  real *rstd = array(rows * groups, 5, 1), *dx = array(n_x, 6, 1), *d_weight = array(C, 7, 1);
  real *first_y = array_copy(y, n_y), *first_dx = array_copy(dx, n_x), *first_dw = array_copy(d_weight, C);
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    double *want_y = zeros(n_y), *want_dx = zeros(n_x), *want_dw = zeros(C);
    memcpy(dx, first_dx, (size_t)n_x * sizeof *dx);
    memcpy(d_weight, first_dw, (size_t)C * sizeof *dx);
    for (int64_t i = 0; i < n_x; i++) want_dx[i] = accumulate || i % s.ld_x >= groups * C ? dx[i] : 0;
    for (int64_t i = 0; i < n_y; i++) want_y[i] = first_y[i];
    for (int64_t i = 0; i < C; i++) want_dw[i] = d_weight[i];
    reference(want_y, want_dx, want_dw, x, weight, dy, &s);
    bool good = rmsnorm_forward(y, rstd, x, weight, &s, &e) == 0 && rmsnorm_backward(dx, d_weight, dy, x, weight, rstd, &s, accumulate, &e) == 0;
    good = close_to(y, want_y, n_y, 1e-12, "y") && good;
    good = close_to(dx, want_dx, n_x, 1e-12, "dx") && good;
    good = close_to(d_weight, want_dw, C, 1e-11, "d_weight") && good;
    for (int64_t r = 0; r < rows; r++) {
      good = memcmp(y + r * s.ld_y + groups * C, first_y + r * s.ld_y + groups * C, (size_t)pad_y * sizeof *y) == 0 && good;
      good = memcmp(dx + r * s.ld_x + groups * C, first_dx + r * s.ld_x + groups * C, (size_t)pad_x * sizeof *dx) == 0 && good;
    }
    good = guards_intact(y, n_y) && guards_intact(rstd, rows * groups) && guards_intact(dx, n_x) && guards_intact(d_weight, C) && good;
    ok(good, "%s: %lld rows of %lld groups of %lld match the double reference, what lies between stays%s", variant, (long long)rows, (long long)groups, (long long)C,
       accumulate ? "; accumulating" : "");
    free(want_y), free(want_dx), free(want_dw);
  }
  for (int threads = 2; threads > 0; threads--) {
    real *again_dx = array_copy(first_dx, n_x), *again_dw = array_copy(first_dw, C), *again_y = array_copy(first_y, n_y);
    backend_cpu()->set_threads(threads);
    rmsnorm_forward(again_y, rstd, x, weight, &s, &e);
    rmsnorm_backward(again_dx, again_dw, dy, x, weight, rstd, &s, true, &e);
    backend_cpu()->set_threads(2);
    ok(memcmp(again_y, y, (size_t)n_y * sizeof *y) == 0 && memcmp(again_dx, dx, (size_t)n_x * sizeof *dx) == 0 && memcmp(again_dw, d_weight, (size_t)C * sizeof *dx) == 0,
       "%s: %lld rows of %lld groups of %lld give the same bits again on %d threads", variant, (long long)rows, (long long)groups, (long long)C, threads);
    array_free(again_dx), array_free(again_dw), array_free(again_y);
  }
  if (s.ld_x == s.ld_y) {
    real *in_place = array_copy(x, n_x);
    rmsnorm_backward(dx, d_weight, dy, x, weight, rstd, &s, false, &e);
    bool good = rmsnorm_forward(in_place, rstd, in_place, weight, &s, &e) == 0 && rmsnorm_backward(dy, d_weight, dy, x, weight, rstd, &s, false, &e) == 0;
    for (int64_t r = 0; r < rows; r++)
      good = memcmp(in_place + r * s.ld_x, y + r * s.ld_y, (size_t)(groups * C) * sizeof *y) == 0 && memcmp(dy + r * s.ld_y, dx + r * s.ld_x, (size_t)(groups * C) * sizeof *y) == 0 && good;
    ok(good, "%s: and in place", variant);
    array_free(in_place);
  }
  array_free(first_y), array_free(first_dx), array_free(first_dw);
  array_free(x), array_free(weight), array_free(dy), array_free(y), array_free(rstd), array_free(dx), array_free(d_weight);
}

/* The fused pass gives what an addition and a norm give. */
static void fused(int64_t rows, int64_t C, const char *variant) {
  const struct norm_shape s = {.rows = rows, .groups = 1, .C = C, .ld_x = C, .ld_y = C, .eps = 1e-5f};
  int64_t n = rows * C;
  real *a = array(n, 1, 2), *b = array(n, 2, 1), *weight = array(C, 3, 1), *sum = array(n, 4, 1), *y = array(n, 5, 1), *rstd = array(rows, 6, 1);
  real *want_sum = array(n, 7, 1), *want_y = array(n, 8, 1), *want_rstd = array(rows, 9, 1);
  for (int64_t i = 0; i < n; i++) want_sum[i] = a[i] + b[i];
  rmsnorm_forward(want_y, want_rstd, want_sum, weight, &s, &e);
  for (int place = 0; place < 3; place++) {
    real *in_a = array_copy(a, n), *in_b = array_copy(b, n), *to = place == 0 ? sum : place == 1 ? in_a : in_b;
    bool good = add_rmsnorm(to, y, rstd, in_a, in_b, weight, rows, C, s.eps, &e) == 0;
    good = memcmp(to, want_sum, (size_t)n * sizeof *y) == 0 && memcmp(y, want_y, (size_t)n * sizeof *y) == 0 && memcmp(rstd, want_rstd, (size_t)rows * sizeof *y) == 0 && good;
    ok(good && guards_intact(to, n) && guards_intact(y, n) && guards_intact(rstd, rows), "%s: %lld rows of %lld: sum and norm in one pass are the same bits as in two, %s", variant,
       (long long)rows, (long long)C, place == 0 ? "apart" : place == 1 ? "in a" : "in b");
    array_free(in_a), array_free(in_b);
  }
  array_free(a), array_free(b), array_free(weight), array_free(sum), array_free(y), array_free(rstd), array_free(want_sum), array_free(want_y), array_free(want_rstd);
}

static void edges(const char *variant) {
  enum { C = 37 };
  const struct norm_shape s = {.rows = 3, .groups = 1, .C = C, .ld_x = C, .ld_y = C, .eps = 1e-6f};
  real x[3 * C], weight[C], y[3 * C], rstd[3];
  for (int i = 0; i < 3 * C; i++) x[i] = i < C ? 0 : 1;
  for (int i = 0; i < C; i++) weight[i] = 2;
  x[C + 5] = NAN;
  rmsnorm_forward(y, rstd, x, weight, &s, &e);
  ok(y[0] == 0 && fabs((double)rstd[0] - 1000) < 0.01, "%s: a row of zeros stays zero", variant);
  ok(isnan(y[C]) && isnan(y[2 * C - 1]), "%s: NaN spreads over its row", variant);
  ok(fabs((double)y[2 * C] - 2) < 1e-4, "%s: NaN stays in its row", variant);
  const struct norm_shape empty[3] = {{0, 1, C, C, C, 1e-6f}, {3, 0, C, C, C, 1e-6f}, {3, 1, 0, C, C, 1e-6f}};
  bool good = true;
  for (int i = 0; i < 3; i++)
    good = rmsnorm_forward(NULL, NULL, NULL, NULL, &empty[i], &e) == 0 && rmsnorm_backward(NULL, NULL, NULL, NULL, NULL, NULL, &empty[i], false, &e) == 0 && good;
  ok(good && add_rmsnorm(NULL, NULL, NULL, NULL, NULL, NULL, 0, C, 1e-6f, &e) == 0 && add_rmsnorm(NULL, NULL, NULL, NULL, NULL, NULL, 3, 0, 1e-6f, &e) == 0,
     "%s: no rows, groups or columns are no work", variant);
}

static void speed(int64_t rows, int64_t groups, int64_t C, const char *variant) {
  const struct norm_shape s = {.rows = rows, .groups = groups, .C = C, .ld_x = groups * C, .ld_y = groups * C, .eps = 1e-5f};
  int64_t n = rows * groups * C;
  real *x = array(n, 1, 2), *weight = array(groups * C, 2, 1), *dy = array(n, 3, 1), *y = array(n, 4, 1), *rstd = array(rows * groups, 5, 1), *d_weight = array(C, 7, 1);
  double t;
  TIME(t, rmsnorm_forward(y, rstd, x, weight, &s, &e));
  printf("rmsnorm %lldx%lldx%lld %s forward %5.1f", (long long)rows, (long long)groups, (long long)C, variant, 8e-9 * (double)n / t);
  TIME(t, rmsnorm_backward(y, d_weight, dy, x, weight, rstd, &s, false, &e));
  printf(", backward %5.1f", 12e-9 * (double)n / t);
  TIME(t, rmsnorm_backward(y, d_weight, dy, x, weight, rstd, &s, true, &e));
  printf(", accumulating %5.1f", 16e-9 * (double)n / t);
  TIME(t, add_rmsnorm(x, y, rstd, x, dy, weight, rows, groups * C, 1e-5f, &e));
  printf(", with sum %5.1f GB/s\n", 16e-9 * (double)n / t);
  array_free(x), array_free(weight), array_free(dy), array_free(y), array_free(rstd), array_free(d_weight);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(8192, 1, 384, variant);
      speed(8192, 1, 1024, variant);
      speed(256, 1, 768, variant);
      speed(8192, 6, 64, variant);
      continue;
    }
    static const int64_t sizes[][5] = {{1, 1, 3, 0, 0},   {3, 1, 7, 2, 0},    {5, 1, 16, 0, 5},    {33, 1, 37, 1, 1},  {100, 1, 384, 0, 0},
                                       {257, 1, 1001, 0, 0}, {9, 3, 5, 4, 2}, {200, 6, 64, 128, 0}, {70, 12, 33, 0, 0}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) compare(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3], sizes[i][4], variant);
    fused(1, 3, variant), fused(40, 37, variant), fused(129, 384, variant);
    edges(variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
