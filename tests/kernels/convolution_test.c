/* SPDX-License-Identifier: MIT */
#include "kernels/convolution.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

/* ---- references */

static void short_reference(double *y, double *dx, double *d_weight, double *d_bias, const real *x, const real *weight, const real *bias,
                            const real *dy, int64_t B, int64_t T, int64_t C, int64_t K) {
  for (int64_t b = 0; b < B; b++)
    for (int64_t t = 0; t < T; t++)
      for (int64_t c = 0; c < C; c++) {
        int64_t at = (b * T + t) * C + c;
        y[at] = bias ? bias[c] : 0;
        if (bias) d_bias[c] += dy[at];
        for (int64_t k = 0; k < K; k++) {
          int64_t from = t - (K - 1) + k;
          if (from < 0) continue;
          y[at] += (double)weight[c * K + k] * x[(b * T + from) * C + c];
          dx[(b * T + from) * C + c] += (double)weight[c * K + k] * dy[at];
          d_weight[c * K + k] += (double)x[(b * T + from) * C + c] * dy[at];
        }
      }
}

static void long_reference(double *y, double *dx, double *dh, double *d_skip, const real *x, const real *h, const real *skip, const real *dy,
                           int64_t B, int64_t T, int64_t C) {
  for (int64_t b = 0; b < B; b++)
    for (int64_t t = 0; t < T; t++)
      for (int64_t c = 0; c < C; c++) {
        int64_t at = (b * T + t) * C + c;
        y[at] = (double)skip[c] * x[at];
        dx[at] += (double)skip[c] * dy[at];
        d_skip[c] += (double)x[at] * dy[at];
        for (int64_t s = 0; s <= t; s++) {
          int64_t from = (b * T + s) * C + c;
          y[at] += (double)h[(t - s) * C + c] * x[from];
          dx[from] += (double)h[(t - s) * C + c] * dy[at];
          dh[(t - s) * C + c] += (double)x[from] * dy[at];
        }
      }
}

static bool same(const real *a, const real *b, int64_t n) { return memcmp(a, b, (size_t)n * sizeof *a) == 0; }

/* ---- short */

static void compare_short(int64_t B, int64_t T, int64_t C, int64_t K, bool with_bias, const char *variant) {
  int64_t n = B * T * C;
  real *x = array(n, 1, 1), *weight = array(C * K, 2, 1), *bias = array(C, 3, 1), *dy = array(n, 4, 1), *y = array(n, 5, 1);
  real *dx = array(n, 6, 1), *d_weight = array(C * K, 7, 1), *d_bias = array(C, 8, 1);
  real *first_dx = array_copy(dx, n), *first_dw = array_copy(d_weight, C * K), *first_db = array_copy(d_bias, C);
  real *results[2][3] = {{0}};
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    double *want_y = zeros(n), *want_dx = zeros(n), *want_dw = zeros(C * K), *want_db = zeros(C);
    memcpy(dx, first_dx, (size_t)n * sizeof *dx);
    memcpy(d_weight, first_dw, (size_t)(C * K) * sizeof *dx), memcpy(d_bias, first_db, (size_t)C * sizeof *dx);
    for (int64_t i = 0; accumulate && i < n; i++) want_dx[i] = dx[i];
    for (int64_t i = 0; i < C * K; i++) want_dw[i] = d_weight[i];
    for (int64_t i = 0; i < C; i++) want_db[i] = d_bias[i];
    short_reference(want_y, want_dx, want_dw, want_db, x, weight, with_bias ? bias : NULL, dy, B, T, C, K);
    bool good = short_convolution_forward(y, x, weight, with_bias ? bias : NULL, B, T, C, K, &e) == 0 &&
                short_convolution_backward(dx, d_weight, with_bias ? d_bias : NULL, dy, x, weight, B, T, C, K, accumulate, &e) == 0;
    good = close_to(y, want_y, n, 1e-12, "y") && good;
    good = close_to(dx, want_dx, n, 1e-12, "dx") && good;
    good = close_to(d_weight, want_dw, C * K, 1e-11, "d_weight") && good;
    good = close_to(d_bias, want_db, C, 1e-11, "d_bias") && good;
    good = guards_intact(y, n) && guards_intact(dx, n) && guards_intact(d_weight, C * K) && guards_intact(d_bias, C) && good;
    ok(good, "%s: short convolution, %lld taps, %lldx%lldx%lld%s%s matches the double reference", variant, (long long)K, (long long)B,
       (long long)T, (long long)C, with_bias ? ", bias" : "", accumulate ? ", accumulating" : "");
    free(want_y), free(want_dx), free(want_dw), free(want_db);
  }
  for (int threads = 1; threads <= 2; threads++) {
    backend_cpu()->set_threads(threads);
    real **r = results[threads - 1];
    r[0] = array(n, 6, 1), r[1] = array_copy(first_dw, C * K), r[2] = array_copy(first_db, C);
    short_convolution_backward(r[0], r[1], r[2], dy, x, weight, B, T, C, K, false, &e);
  }
  ok(same(results[0][0], results[1][0], n) && same(results[0][1], results[1][1], C * K) && same(results[0][2], results[1][2], C),
     "%s: short convolution, %lld taps, gives the same bits on one thread", variant, (long long)K);
  for (int i = 0; i < 6; i++) array_free(results[i / 3][i % 3]);
  array_free(x), array_free(weight), array_free(bias), array_free(dy), array_free(y), array_free(dx), array_free(d_weight), array_free(d_bias);
  array_free(first_dx), array_free(first_dw), array_free(first_db);
}

/* ---- long */

static void compare_long(int64_t B, int64_t T, int64_t C, const char *variant) {
  int64_t n = B * T * C;
  real *x = array(n, 1, 1), *h = array(T * C, 2, 1), *skip = array(C, 3, 1), *dy = array(n, 4, 1), *y = array(n, 5, 1);
  real *dx = array(n, 6, 1), *dh = array(T * C, 7, 1), *d_skip = array(C, 8, 1), *first_skip = array_copy(d_skip, C);
  double *want_y = zeros(n), *want_dx = zeros(n), *want_dh = zeros(T * C), *want_skip = zeros(C);
  for (int64_t i = 0; i < C; i++) want_skip[i] = d_skip[i];
  long_reference(want_y, want_dx, want_dh, want_skip, x, h, skip, dy, B, T, C);
  bool good = long_convolution_forward(y, x, h, skip, B, T, C, &e) == 0 &&
              long_convolution_backward(dx, dh, d_skip, dy, x, h, skip, B, T, C, &e) == 0;
  /* 1e-5 of the size of the result is 1e-10 here; 1e-12 is 1e-6. */
  good = close_to(y, want_y, n, 1e-12, "y") && good;
  good = close_to(dx, want_dx, n, 1e-12, "dx") && good;
  good = close_to(dh, want_dh, T * C, 1e-12, "dh") && good;
  good = close_to(d_skip, want_skip, C, 1e-11, "d_skip") && good;
  good = guards_intact(y, n) && guards_intact(dx, n) && guards_intact(dh, T * C) && guards_intact(d_skip, C) && good;
  ok(good, "%s: long convolution, %lldx%lldx%lld, matches the double reference", variant, (long long)B, (long long)T, (long long)C);
  real *y1 = array(n, 9, 1), *dx1 = array(n, 9, 1), *dh1 = array(T * C, 9, 1);
  backend_cpu()->set_threads(1);
  long_convolution_forward(y1, x, h, skip, B, T, C, &e);
  long_convolution_backward(dx1, dh1, first_skip, dy, x, h, skip, B, T, C, &e);
  backend_cpu()->set_threads(2);
  ok(same(y, y1, n) && same(dx, dx1, n) && same(dh, dh1, T * C) && same(d_skip, first_skip, C),
     "%s: long convolution, %lldx%lldx%lld, gives the same bits on one thread", variant, (long long)B, (long long)T, (long long)C);
  array_free(x), array_free(h), array_free(skip), array_free(dy), array_free(y), array_free(dx), array_free(dh), array_free(d_skip);
  array_free(y1), array_free(dx1), array_free(dh1), array_free(first_skip);
  free(want_y), free(want_dx), free(want_dh), free(want_skip);
}

/* Sequences of different pasts, in a cache with room to spare, against the whole product. */
static void compare_cached(int64_t T, int64_t C, const char *variant) {
  enum { B = 3, CAPACITY = 420 };
  static const int64_t past[B] = {0, 7, 270};
  int64_t stride = CAPACITY * C;
  static const int32_t table[B] = {1, 2, 3};
  const struct cache_pages pages = {table, 1, CAPACITY};
  real *cache = array((B + 1) * stride, 1, 1), *h = array(CAPACITY * C, 2, 1), *skip = array(C, 3, 1), *y = array(B * T * C, 4, 1);
  double *want = zeros(B * T * C), *whole = zeros(CAPACITY * C), *unused = zeros(CAPACITY * C);
  for (int64_t b = 0; b < B; b++) {
    int64_t rows = past[b] + T;
    long_reference(whole, unused, unused, unused, cache + table[b] * stride, h, skip, cache, 1, rows, C);
    memcpy(want + b * T * C, whole + past[b] * C, (size_t)(T * C) * sizeof *want);
    for (int64_t i = rows * C; i < stride; i++) cache[table[b] * stride + i] = NAN; /* what is not there yet does not count */
  }
  bool good = long_convolution_cached(y, cache, &pages, past, 270 + T, h, skip, B, T, C, &e) == 0 && guards_intact(y, B * T * C);
  ok(close_to(y, want, B * T * C, 1e-12, "y") && good, "%s: %lld new positions of %lld channels behind a cache match the double reference",
     variant, (long long)T, (long long)C);
  array_free(cache), array_free(h), array_free(skip), array_free(y);
  free(want), free(whole), free(unused);
}

/* The last rows of three sequences in a cache get what they get in the whole, with as few as no rows before them. */
static void compare_short_cached(int64_t T, int64_t C, int64_t K, const char *variant) {
  enum { B = 3, CAPACITY = 12 };
  static const int64_t past[B] = {0, 1, 7};
  static const int32_t table[B] = {1, 2, 3};
  real *cache = array((B + 1) * CAPACITY * C, 1, 1), *weight = array(C * K, 2, 1), *bias = array(C, 3, 1), *y = array(B * T * C, 4, 1), *whole = array(CAPACITY * C, 5, 1);
  bool good = short_convolution_cached(y, cache, &(struct cache_pages){table, 1, CAPACITY}, past, weight, bias, B, T, C, K, &e) == 0 && guards_intact(y, B * T * C);
  for (int64_t b = 0; b < B; b++) {
    good = short_convolution_forward(whole, cache + table[b] * CAPACITY * C, weight, bias, 1, past[b] + T, C, K, &e) == 0 && good;
    good = memcmp(y + b * T * C, whole + past[b] * C, (size_t)(T * C) * sizeof *y) == 0 && good;
  }
  ok(good, "%s: short convolution, %lld new positions of %lld channels behind a cache are those of the whole", variant, (long long)T, (long long)C);
  static const int32_t apart[B] = {0, 2, 1};
  ok(short_convolution_cached(y, cache, &(struct cache_pages){apart, 1, CAPACITY}, past, weight, bias, B, T, C, K, &e) == -1 &&
         short_convolution_cached(y, cache, &(struct cache_pages){NULL, 2, CAPACITY / 2}, past, weight, bias, B, T, C, K, &e) == -1,
     "%s: pages that do not follow each other are refused", variant);
  array_free(cache), array_free(weight), array_free(bias), array_free(y), array_free(whole);
}

static void edges(const char *variant) {
  enum { T = 20, C = 5 };
  real x[T * C], h[T * C], skip[C] = {0}, y[T * C], dh[T * C], d_skip[C] = {1};
  for (int i = 0; i < T * C; i++) x[i] = 1, h[i] = i < C, dh[i] = 3, y[i] = 7;
  ok(long_convolution_forward(y, x, h, skip, 0, T, C, &e) == 0 && short_convolution_forward(y, x, h, skip, 0, T, C, 3, &e) == 0 &&
         long_convolution_cached(y, x, NULL, NULL, 0, h, skip, 0, 1, C, &e) == 0 && y[0] == 7,
     "%s: no sequences are no work", variant);
  ok(long_convolution_backward(y, dh, d_skip, y, x, h, skip, 0, T, C, &e) == 0 && dh[0] == 0 && dh[T * C - 1] == 0 && d_skip[0] == 1,
     "%s: no sequences have no gradient", variant);
  long_convolution_forward(y, x, h, skip, 1, T, C, &e);
  double worst = 0;
  for (int i = 0; i < T * C; i++) worst = fmax(worst, fabs((double)y[i] - 1));
  ok(worst < 1e-5, "%s: the filter that is 1 now and 0 before gives the sequence back", variant);
}

static void speed(const char *variant) {
  enum { TOKENS = 16384, C = 384 };
  int64_t n = (int64_t)TOKENS * C;
  real *x = array(n, 1, 1), *h = array(n, 2, 1), *skip = array(C, 3, 1), *dy = array(n, 4, 1), *y = array(n, 5, 1);
  real *dx = array(n, 6, 1), *dh = array(n, 7, 1), *d_skip = array(C, 8, 1), *weight = array(C * 3, 9, 1);
  double t;
  TIME(t, short_convolution_forward(y, x, weight, skip, 16, 1024, C, 3, &e));
  printf("short convolution forward  %s %5.1f GB/s\n", variant, 8e-9 * (double)n / t);
  TIME(t, short_convolution_backward(dx, weight, d_skip, dy, x, weight, 16, 1024, C, 3, false, &e));
  printf("short convolution backward %s %5.1f GB/s\n", variant, 12e-9 * (double)n / t);
  for (int64_t T = 256; T <= TOKENS; T *= 4) {
    TIME(t, long_convolution_forward(y, x, h, skip, TOKENS / T, T, C, &e));
    printf("long convolution forward   %s T %5lld %6.3f ns an element, %5.1f GB/s\n", variant, (long long)T, 1e9 * t / (double)n,
           8e-9 * (double)n / t);
    TIME(t, long_convolution_backward(dx, dh, d_skip, dy, x, h, skip, TOKENS / T, T, C, &e));
    printf("long convolution backward  %s T %5lld %6.3f ns an element, %5.1f GB/s\n", variant, (long long)T, 1e9 * t / (double)n,
           12e-9 * (double)n / t);
  }
  for (int64_t T = 1; T <= 128; T += T < 16 ? 15 : 112) {
    int64_t past = 1024;
    TIME(t, long_convolution_cached(y, x, &(struct cache_pages){NULL, 1, n / C}, &past, past + T, h, skip, 1, T, C, &e));
    printf("long convolution cached    %s %3lld behind 1024: %7.1f us a position\n", variant, (long long)T, 1e6 * t / (double)T);
  }
  array_free(x), array_free(h), array_free(skip), array_free(dy), array_free(y), array_free(dx), array_free(dh), array_free(d_skip);
  array_free(weight);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(variant);
      continue;
    }
    static const int64_t shorts[][4] = {{1, 1, 1, 3}, {2, 2, 5, 4}, {3, 70, 37, 3}, {1, 200, 64, 4}, {2, 131, 16, 1}, {40, 65, 19, 2}, {2, 90, 33, 7}};
    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
      compare_short(shorts[i][0], shorts[i][1], shorts[i][2], shorts[i][3], i % 2 == 0, variant);
    static const int64_t longs[][3] = {{1, 1, 1},  {2, 3, 5},    {3, 12, 16},  {2, 13, 37}, {5, 17, 33},  {1, 32, 4},  {2, 33, 7},
                                       {1, 64, 48}, {40, 65, 19}, {2, 200, 40}, {1, 257, 8}, {1, 1024, 3}, {2, 1500, 3}};
    for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) compare_long(longs[i][0], longs[i][1], longs[i][2], variant);
    static const int64_t news[][2] = {{1, 16}, {1, 37}, {3, 130}, {4, 129}, {9, 21}, {127, 33}, {128, 33}, {150, 5}};
    for (size_t i = 0; i < sizeof news / sizeof *news; i++) compare_cached(news[i][0], news[i][1], variant);
    compare_short_cached(1, 7, 3, variant);
    compare_short_cached(5, 40, 4, variant);
    edges(variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
