/* SPDX-License-Identifier: MIT */
#include "kernels/elementwise.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void flat(int64_t n, const char *variant) {
  real *a = array(n, 1, 1), *b = array(n, 2, 1), *y = array(n, 3, 1);
  bool good = elementwise_add(y, a, b, n, &e) == 0;
  for (int64_t j = 0; j < n; j++) good = y[j] == a[j] + b[j] && good;
  good = elementwise_add(b, a, b, n, &e) == 0 && memcmp(b, y, (size_t)n * sizeof *y) == 0 && good;
  good = elementwise_scale(y, (real)1.5, n, &e) == 0 && good;
  for (int64_t j = 0; j < n; j++) good = y[j] == b[j] * (real)1.5 && good;
  ok(good && guards_intact(y, n) && guards_intact(b, n), "%s: %lld sums and products are exact, in place too", variant, (long long)n);
  array_free(a), array_free(b), array_free(y);
}

static void biases(int64_t rows, int64_t C, int64_t pad, const char *variant) {
  int64_t ld = C + pad, n = rows * ld;
  real *y = array(n, 1, 1), *start = array_copy(y, n), *bias = array(C, 2, 1), *d_bias = array(C, 3, 1), *again = array_copy(d_bias, C);
  double *want = zeros(C);
  for (int64_t c = 0; c < C; c++) want[c] = d_bias[c];
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < C; c++) want[c] += start[r * ld + c];
  bool good = bias_forward(y, ld, bias, rows, C, &e) == 0;
  for (int64_t i = 0; i < n; i++) good = y[i] == (i % ld < C ? start[i] + bias[i % ld] : start[i]) && good;
  good = bias_backward(d_bias, start, ld, rows, C, &e) == 0 && close_to(d_bias, want, C, 1e-12, "d_bias") && good;
  backend_cpu()->set_threads(1);
  bias_backward(again, start, ld, rows, C, &e);
  backend_cpu()->set_threads(2);
  good = memcmp(again, d_bias, (size_t)C * sizeof *again) == 0 && good;
  ok(good && guards_intact(y, n) && guards_intact(d_bias, C), "%s: the bias of %lld rows of %lld, %lld apart, and its gradient match; the same bits on one thread", variant,
     (long long)rows, (long long)C, (long long)ld);
  array_free(y), array_free(start), array_free(bias), array_free(d_bias), array_free(again), free(want);
}

static void products(int64_t rows, int64_t C, int64_t pad, const char *variant) {
  int64_t ld_a = C + pad, ld_b = C + 2 * pad, ld_y = C + 3 * pad;
  real *a = array(rows * ld_a, 1, 1), *b = array(rows * ld_b, 2, 1), *y = array(rows * ld_y, 3, 1), *dy = array(rows * ld_y, 4, 1);
  real *da = array(rows * ld_a, 5, 1), *db = array(rows * ld_b, 6, 1), *in_a = array_copy(a, rows * ld_a), *in_b = array_copy(b, rows * ld_b);
  real *first_y = array_copy(y, rows * ld_y), *first_da = array_copy(da, rows * ld_a), *first_db = array_copy(db, rows * ld_b);
  bool good = multiply(y, ld_y, a, ld_a, b, ld_b, rows, C, &e) == 0 && multiply_backward(da, ld_a, db, ld_b, dy, ld_y, a, b, rows, C, &e) == 0;
  good = multiply_backward(in_a, ld_a, in_b, ld_b, dy, ld_y, in_a, in_b, rows, C, &e) == 0 && good;
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < ld_y; c++) good = y[r * ld_y + c] == (c < C ? a[r * ld_a + c] * b[r * ld_b + c] : first_y[r * ld_y + c]) && good;
    for (int64_t c = 0; c < ld_a; c++) good = da[r * ld_a + c] == (c < C ? dy[r * ld_y + c] * b[r * ld_b + c] : first_da[r * ld_a + c]) && good;
    for (int64_t c = 0; c < ld_b; c++) good = db[r * ld_b + c] == (c < C ? dy[r * ld_y + c] * a[r * ld_a + c] : first_db[r * ld_b + c]) && good;
    good = memcmp(in_a + r * ld_a, da + r * ld_a, (size_t)C * sizeof *a) == 0 && memcmp(in_b + r * ld_b, db + r * ld_b, (size_t)C * sizeof *a) == 0 && good;
  }
  good = multiply(a, ld_a, a, ld_a, b, ld_b, rows, C, &e) == 0 && good;
  for (int64_t r = 0; r < rows; r++) good = memcmp(a + r * ld_a, y + r * ld_y, (size_t)C * sizeof *a) == 0 && good;
  good = guards_intact(y, rows * ld_y) && guards_intact(a, rows * ld_a) && guards_intact(da, rows * ld_a) && guards_intact(db, rows * ld_b) && good;
  ok(good, "%s: products of %lld rows of %lld and their gradients are exact, in place too", variant, (long long)rows, (long long)C);
  array_free(a), array_free(b), array_free(y), array_free(dy), array_free(da), array_free(db), array_free(in_a), array_free(in_b);
  array_free(first_y), array_free(first_da), array_free(first_db);
}

/* ---- dropout */

static void philox(uint32_t c[4], uint32_t k0, uint32_t k1) { /* as the paper writes it */
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = 0xD2511F53ull * c[0], p1 = 0xCD9E8D57ull * c[2];
    uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k1, (uint32_t)p0};
    memcpy(c, next, sizeof next);
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

static uint32_t word_of(int64_t i, uint64_t key) {
  uint64_t counter = (uint64_t)(i / 64 * 16 + i % 16);
  uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
  philox(c, (uint32_t)key, (uint32_t)(key >> 32));
  return c[i % 64 / 16];
}

/* Of the authors' known answers (Random123, kat_vectors): counter, key, result. */
static void known_answers(void) {
  static const uint32_t rows[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
  };
  for (int i = 0; i < 3; i++) {
    uint32_t c[4];
    memcpy(c, rows[i], sizeof c);
    philox(c, rows[i][4], rows[i][5]);
    ok(memcmp(c, rows[i] + 6, sizeof c) == 0, "the test's Philox gives known answer %d", i + 1);
  }
}

static void drops(int64_t n, double p, uint64_t key, const char *variant) {
  real *x = array(n, 1, 1), *start = array_copy(x, n), *again = array_copy(x, n);
  const real scale = (real)(1 / (1 - p));
  bool good = dropout(x, n, p, key, &e) == 0;
  for (int64_t i = 0; i < n; i++) good = x[i] == ((double)word_of(i, key) / 4294967296.0 >= p ? start[i] * scale : 0) && good;
  backend_cpu()->set_threads(1);
  dropout(again, n, p, key, &e);
  backend_cpu()->set_threads(2);
  good = memcmp(again, x, (size_t)n * sizeof *x) == 0 && good;
  ok(good && guards_intact(x, n), "%s: dropout of %g keeps what Philox says of %lld elements, on one thread too", variant, p, (long long)n);
  array_free(x), array_free(start), array_free(again);
}

static void shares(const char *variant) {
  enum { N = 1 << 20 };
  static const double ps[] = {0.1, 0.5, 0.9};
  real *x = array(N, 1, 0), *y = array(N, 1, 0);
  for (int i = 0; i < 3; i++) {
    for (int64_t j = 0; j < N; j++) x[j] = y[j] = 1;
    dropout(x, N, ps[i], 7, &e), dropout(y, N, ps[i], 8, &e);
    double kept = 0, both = 0, pairs = 0, p = 1 - ps[i];
    for (int64_t j = 0; j < N; j++) kept += x[j] != 0, both += x[j] != 0 && y[j] != 0, pairs += j > 0 && x[j] != 0 && x[j - 1] != 0;
    double sigma = sqrt(p * ps[i] / N), sigma2 = sqrt(p * p * (1 - p * p) / N);
    ok(fabs(kept / N - p) < 5 * sigma && fabs(both / N - p * p) < 5 * sigma2 && fabs(pairs / N - p * p) < 10 * sigma2,
       "%s: dropout of %g keeps its share, whatever its neighbour or another key does", variant, ps[i]);
  }
  array_free(x), array_free(y);
}

/* ---- */

static void speed(int64_t rows, int64_t C, const char *variant) {
  int64_t n = rows * C;
  real *a = array(n, 1, 1), *b = array(n, 2, 1), *c = array(n, 3, 1), *d = array(n, 4, 1), *bias = array(C, 5, 1e-3);
  double t, size = 4e-9 * (double)n;
  TIME(t, elementwise_add(a, a, b, n, &e));
  printf("%lldx%lld %s: add %5.1f", (long long)rows, (long long)C, variant, 3 * size / t);
  TIME(t, elementwise_scale(a, 0.999f, n, &e));
  printf(", scale %5.1f", 2 * size / t);
  TIME(t, bias_forward(a, C, bias, rows, C, &e));
  printf(", bias %5.1f", 2 * size / t);
  TIME(t, bias_backward(bias, b, C, rows, C, &e));
  printf(", backward %5.1f", size / t);
  TIME(t, multiply(c, C, a, C, b, C, rows, C, &e));
  printf(", multiply %5.1f", 3 * size / t);
  TIME(t, multiply_backward(c, C, d, C, d, C, a, b, rows, C, &e));
  printf(", backward %5.1f", 5 * size / t);
  TIME(t, dropout(b, n, 0.1, 1, &e));
  printf(", dropout %5.1f GB/s\n", 2 * size / t);
  array_free(a), array_free(b), array_free(c), array_free(d), array_free(bias);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(8192, 1024, variant);
      speed(256, 768, variant);
      speed(256, 3072, variant);
      continue;
    }
    static const int64_t sizes[] = {1, 7, 16, 8191, 8192, 100003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) flat(sizes[i], variant);
    static const int64_t shapes[][3] = {{1, 1, 0}, {3, 5, 2}, {7, 16, 1}, {63, 37, 3}, {64, 8, 0}, {300, 130, 4}, {2500, 33, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) biases(shapes[i][0], shapes[i][1], shapes[i][2], variant);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) products(shapes[i][0], shapes[i][1], shapes[i][2], variant);
    drops(1, 0.5, 3, variant), drops(63, 0.1, 0, variant), drops(64, 0.25, ~(uint64_t)0, variant);
    drops(8200, 0.9, 0x0123456789abcdef, variant), drops(100003, 0.1, (uint64_t)1 << 40, variant), drops(100, 0, 1, variant);
    shares(variant);
    real x[3] = {1, 2, 3};
    ok(dropout(x, 3, 1, 0, &e) == -1 && dropout(x, 3, -0.1, 0, &e) == -1 && dropout(x, 3, NAN, 0, &e) == -1 && strstr(e.message, "dropout") && x[2] == 3,
       "%s: probabilities of 1, below 0 and none are errors", variant);
    ok(elementwise_add(NULL, NULL, NULL, 0, &e) == 0 && elementwise_scale(NULL, 1, 0, &e) == 0 && dropout(NULL, 0, 0.5, 1, &e) == 0 &&
           bias_forward(NULL, 5, NULL, 0, 5, &e) == 0 && multiply(NULL, 5, NULL, 5, NULL, 5, 0, 5, &e) == 0 &&
           multiply_backward(NULL, 5, NULL, 5, NULL, 5, NULL, NULL, 0, 5, &e) == 0,
       "%s: nothing is no work", variant);
    real before[2] = {1, 2};
    ok(bias_backward(before, NULL, 2, 0, 2, &e) == 0 && before[0] == 1 && before[1] == 2, "%s: no rows leave the gradient of a bias", variant);
  }
  if (wants_times(argc, argv)) return 0;
  known_answers();
  return tap_done();
}
