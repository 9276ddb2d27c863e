/* SPDX-License-Identifier: MIT */
#include "kernels/matmul.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static bool compare(bool ta, bool tb, int64_t M, int64_t N, int64_t K, int64_t pad, real alpha, real beta) {
  int64_t ld_a = (ta ? M : K) + pad, ld_b = (tb ? K : N) + pad, ld_c = N + pad;
  int64_t size_a = (ta ? K : M) * ld_a, size_b = (tb ? N : K) * ld_b, size_c = M * ld_c;
  real *a = array(size_a, 1, 1), *b = array(size_b, 2, 1), *c = array(size_c, 3, 1), *again = array_copy(c, size_c);
  double *want = zeros(size_c);
  for (int64_t m = 0; m < M; m++)
    for (int64_t n = 0; n < ld_c; n++) {
      double sum = 0;
      for (int64_t k = 0; n < N && k < K; k++)
        sum += (double)a[ta ? k * ld_a + m : m * ld_a + k] * b[tb ? n * ld_b + k : k * ld_b + n];
      want[m * ld_c + n] = n < N ? alpha * sum + (beta == 0 ? 0 : beta * (double)c[m * ld_c + n]) : (double)c[m * ld_c + n];
    }
  for (int64_t i = 0; beta == 0 && i < size_c; i++)
    if (i % ld_c < N) c[i] = NAN; /* must not be read */
  bool good = matmul(ta, tb, M, N, K, alpha, a, ld_a, b, ld_b, beta, c, ld_c, &e) == 0;
  good = close_to(c, want, size_c, 1e-12, "c") && guards_intact(c, size_c) && good;
  good = matmul(ta, tb, M, N, K, alpha, a, ld_a, b, ld_b, beta, again, ld_c, &e) == 0 && good;
  good = memcmp(again, c, (size_t)size_c * sizeof *c) == 0 && good;
  array_free(a), array_free(b), array_free(c), array_free(again), free(want);
  return good;
}

static bool repeats(bool ta, bool tb, int64_t M, int64_t N, int64_t K) {
  real *a = array(M * K, 1, 1), *b = array(N * K, 2, 1), *c = array(M * N, 3, 1), *again = array(M * N, 3, 1);
  int64_t ld_a = ta ? M : K, ld_b = tb ? K : N;
  bool good = matmul(ta, tb, M, N, K, 1, a, ld_a, b, ld_b, 0, c, N, &e) == 0;
  for (int i = 0; i < 5; i++) {
    good = matmul(ta, tb, M, N, K, 1, a, ld_a, b, ld_b, 0, again, N, &e) == 0 && good;
    good = memcmp(again, c, (size_t)(M * N) * sizeof *c) == 0 && good;
  }
  array_free(a), array_free(b), array_free(c), array_free(again);
  return good;
}

static void speed(const char *variant) {
  static const int64_t shapes[][2] = {{384, 384}, {1152, 384}, {2048, 384}, {384, 1024}, {16384, 384}};
  static const int64_t rows[] = {1, 4, 8, 16, 24, 32, 8192};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
      int64_t M = rows[j], N = shapes[i][0], K = shapes[i][1];
      real *x = array(M * K, 1, 1), *w = array(N * K, 2, 1), *y = array(M * N, 3, 1);
      double forward, back, weights = 0, work = 2e-9 * (double)M * (double)N * (double)K;
      TIME(forward, matmul(false, true, M, N, K, 1, x, K, w, K, 0, y, N, &e));
      TIME(back, matmul(false, false, M, K, N, 1, y, N, w, K, 0, x, K, &e));
      TIME(weights, matmul(true, false, N, K, M, 1, y, N, x, K, 1, w, K, &e));
      printf("matmul %s rows %5lld K %5lld N %5lld: x w^T %4.0f GFLOP/s (w %5.1f GB/s), dy w %4.0f, dw += dy^T x %4.0f\n", variant,
             (long long)M, (long long)K, (long long)N, work / forward, 4e-9 * (double)(N * K) / forward, work / back, work / weights);
      array_free(x), array_free(w), array_free(y);
    }
}

int main(int argc, char **argv) {
  int best = cpu_variant_force(CPU_AVX512);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      backend_cpu()->set_threads(time_source == CLOCK_MONOTONIC ? 2 : 1);
      if (v == best) speed(variant);
      continue;
    }
    /* Two threads once: each of thousands of small products waits for both, which is slow where others use the machine. */
    backend_cpu()->set_threads(v == best ? 2 : 1);
    static const int64_t sizes[][3] = {{1, 1, 1}, {1, 5, 3}, {7, 3, 1}, {2, 50, 16}, {17, 33, 65}, {64, 128, 96}, {130, 67, 259}, {96, 64, 3000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      for (int t = 0; t < 4; t++) {
        int64_t M = sizes[i][0], N = sizes[i][1], K = sizes[i][2];
        bool good = true;
        for (int64_t pad = 0; pad < 14; pad += 13)
          good = compare(t & 1, t & 2, M, N, K, pad, 1, 0) && compare(t & 1, t & 2, M, N, K, pad, 1, 1) &&
                 compare(t & 1, t & 2, M, N, K, pad, 0.5f, 0) && compare(t & 1, t & 2, M, N, K, pad, -2, 0.25f) && good;
        ok(good, "%s: %lld x %lld x %lld%s%s matches the double reference, any distance of rows, alpha and beta, twice the same bits",
           variant, (long long)M, (long long)N, (long long)K, t & 1 ? ", a transposed" : "", t & 2 ? ", b transposed" : "");
      }
    for (int64_t M = 1; M <= MATMUL_FEW_ROWS + 1; M++)
      ok(compare(false, true, M, 211, 97, 3, 1, 0) && compare(false, true, M, 211, 97, 3, 0.5f, 2) &&
             compare(false, true, M, 1000, 1024, 0, 1, 1),
         "%s: %lld rows against a transposed matrix match", variant, (long long)M);
  }
  if (wants_times(argc, argv)) return 0;
  backend_cpu()->set_threads(2);
  for (int t = 0; t < 4; t++)
    ok(repeats(t & 1, t & 2, 384, 1152, 4096), "a gradient's size%s%s gives the same bits five times on two threads",
       t & 1 ? ", a transposed" : "", t & 2 ? ", b transposed" : "");
  real c[2] = {3, NAN};
  ok(matmul(false, false, 1, 2, 0, 1, c, 1, c, 2, 0, c, 2, &e) == 0 && c[0] == 0 && c[1] == 0, "an inner size of 0 gives zeros");
  ok(matmul(false, false, 0, 2, 4, 1, c, 4, c, 2, 0, c, 2, &e) == 0, "no rows are no work");
  ok(matmul(false, false, 2, 2, 2, 1, c, 1, c, 2, 0, c, 2, &e) == -1 && strstr(e.message, "2 x 2 x 2"), "rows that overlap are refused");
  backend_cpu()->set_threads(1);
  for (int64_t n = 1; n < 100; n++)
    if (!compare(true, false, 3, n, 5, 0, 1, 1)) return ok(false, "a hundred shapes, more than are kept, all match"), tap_done();
  ok(compare(true, false, 3, 1, 5, 0, 1, 1), "a hundred shapes, more than are kept, all match");
  const char *warning;
  note("%s", backend_cpu_describe(&warning));
  ok(strstr(backend_cpu_describe(&warning), "threads") != NULL, "the backend describes itself");
  return tap_done();
}
