/* SPDX-License-Identifier: MIT */
#include "kernels/matmul.h"

#include "kernels/matmul_blocked.h"
#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static double taken(enum matmul_type type, real x) { /* the number a product is made of */
  if (type == MATMUL_FP32 || sizeof x == 8 || x != x) return (double)x;
  float f = (float)x;
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  u = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000;
  memcpy(&f, &u, sizeof u);
  return (double)f;
}

static const char *const names[] = {[MATMUL_FP32] = "fp32", [MATMUL_BF16] = "bf16"};

static bool compare(enum matmul_type type, bool ta, bool tb, int64_t M, int64_t N, int64_t K, int64_t pad, real alpha, real beta) {
  int64_t ld_a = (ta ? M : K) + pad, ld_b = (tb ? K : N) + pad, ld_c = N + pad;
  int64_t size_a = (ta ? K : M) * ld_a, size_b = (tb ? N : K) * ld_b, size_c = M * ld_c;
  real *a = array(size_a, 1, 1), *b = array(size_b, 2, 1), *c = array(size_c, 3, 1), *again = array_copy(c, size_c);
  double *want = zeros(size_c);
  for (int64_t m = 0; m < M; m++)
    for (int64_t n = 0; n < ld_c; n++) {
      double sum = 0;
      for (int64_t k = 0; n < N && k < K; k++)
        sum += taken(type, a[ta ? k * ld_a + m : m * ld_a + k]) * taken(type, b[tb ? n * ld_b + k : k * ld_b + n]);
      want[m * ld_c + n] = n < N ? alpha * sum + (beta == 0 ? 0 : beta * (double)c[m * ld_c + n]) : (double)c[m * ld_c + n];
    }
  for (int64_t i = 0; beta == 0 && i < size_c; i++)
    if (i % ld_c < N) c[i] = NAN; /* must not be read */
  bool good = matmul(type, ta, tb, M, N, K, alpha, a, ld_a, b, ld_b, beta, c, ld_c, &e) == 0;
  good = close_to(c, want, size_c, 1e-12, "c") && guards_intact(c, size_c) && good;
  good = matmul(type, ta, tb, M, N, K, alpha, a, ld_a, b, ld_b, beta, again, ld_c, &e) == 0 && good;
  good = memcmp(again, c, (size_t)size_c * sizeof *c) == 0 && good;
  array_free(a), array_free(b), array_free(c), array_free(again), free(want);
  return good;
}

static bool repeats(enum matmul_type type, bool ta, bool tb, int64_t M, int64_t N, int64_t K) {
  real *a = array(M * K, 1, 1), *b = array(N * K, 2, 1), *c = array(M * N, 3, 1), *again = array(M * N, 3, 1);
  int64_t ld_a = ta ? M : K, ld_b = tb ? K : N;
  bool good = matmul(type, ta, tb, M, N, K, 1, a, ld_a, b, ld_b, 0, c, N, &e) == 0;
  for (int i = 0; i < 5; i++) {
    good = matmul(type, ta, tb, M, N, K, 1, a, ld_a, b, ld_b, 0, again, N, &e) == 0 && good;
    good = memcmp(again, c, (size_t)(M * N) * sizeof *c) == 0 && good;
  }
  array_free(a), array_free(b), array_free(c), array_free(again);
  return good;
}

/* A bfloat16 product of 1 and 2 threads, the larger operand first or second, K in one piece or several. */
static bool same_on_any_threads(int64_t M, int64_t N, int64_t K) {
  real *a = array(M * K, 1, 1), *b = array(N * K, 2, 1), *c = array(M * N, 3, 1), *again = array_copy(c, M * N);
  bool good = true;
  for (int t = 0; t < 4; t++) {
    backend_cpu()->set_threads(1);
    good = matmul(MATMUL_BF16, t & 1, t & 2, M, N, K, 1, a, t & 1 ? M : K, b, t & 2 ? K : N, 1, c, N, &e) == 0 && good;
    backend_cpu()->set_threads(2);
    good = matmul(MATMUL_BF16, t & 1, t & 2, M, N, K, 1, a, t & 1 ? M : K, b, t & 2 ? K : N, 1, again, N, &e) == 0 && good;
    good = memcmp(again, c, (size_t)(M * N) * sizeof *c) == 0 && good;
  }
  array_free(a), array_free(b), array_free(c), array_free(again);
  return good;
}

/* NaN and infinity in row 1 of a and in column 2 of b reach row 1 and column 2 of c alone; halfway numbers go to the even one. */
static bool special_numbers(void) {
  enum { N = 60, K = 37 };
  real *a = array(3 * K, 1, 1), *b = array(N * K, 2, 1), *c = array(3 * N, 3, 1);
  a[K + 5] = NAN, b[2 * K + 36] = INFINITY;
  bool good = matmul(MATMUL_BF16, false, true, 3, N, K, 1, a, K, b, K, 0, c, N, &e) == 0;
  for (int i = 0; i < 3 * N; i++) good = good && (i / N == 1 ? isnan(c[i]) : i % N == 2 ? isinf(c[i]) : isfinite(c[i]));
  a[K + 5] = 0x1p-126f;
  uint32_t odd_nan = 0x7f800001; /* whose upper half alone would be infinity */
  float nan;
  memcpy(&nan, &odd_nan, sizeof nan);
  a[K + 6] = (real)nan;
  good = matmul(MATMUL_BF16, false, true, 3, N, K, 1, a, K, b, K, 0, c, N, &e) == 0 && good;
  for (int i = 0; i < N; i++) good = good && isnan(c[N + i]);
  const real x[4] = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-8f + 0x1p-20f, -1 - 0x1p-8f}, one = 1;
  real y[4];
  good = matmul(MATMUL_BF16, false, false, 4, 1, 1, 1, x, 1, &one, 1, 0, y, 1, &e) == 0 && good;
  good = good && y[0] == 1 && y[1] == 1 + 4 * 0x1p-8f && y[2] == 1 + 2 * 0x1p-8f && y[3] == -1;
  array_free(a), array_free(b), array_free(c);
  return good;
}

static real *numbers(int64_t n, uint64_t seed) {
  real *p = backend_cpu()->alloc((size_t)n * sizeof *p, &e);
  if (!p) abort();
  for (int64_t i = 0; i < n; i++) p[i] = (real)number(&seed);
  return p;
}

/* The products of models' matrices, forward and backward: [rows][K] times [N][K] transposed. */
static void speed(const char *variant, enum matmul_type type, int64_t M, int64_t N, int64_t K) {
  /* in the memory a model's matrices have */
  real *x = numbers(M * K, 1), *w = numbers(N * K, 2), *y = numbers(M * N, 3), *dw = numbers(N * K, 4), *dx = numbers(M * K, 5);
  double forward, back, weights, work = 2e-9 * (double)M * (double)N * (double)K;
  TIME(forward, matmul(type, false, true, M, N, K, 1, x, K, w, K, 0, y, N, &e));
  TIME(back, matmul(type, false, false, M, K, N, 1, y, N, w, K, 0, dx, K, &e));
  TIME(weights, matmul(type, true, false, N, K, M, 1, y, N, x, K, 1, dw, K, &e));
  printf("matmul %s %s rows %5lld K %5lld N %5lld: x w^T %4.0f GFLOP/s (w %5.1f GB/s), dy w %4.0f, dw += dy^T x %4.0f\n", variant, names[type],
         (long long)M, (long long)K, (long long)N, work / forward, 4e-9 * (double)(N * K) / forward, work / back, work / weights);
  fflush(stdout);
  real *all[] = {x, w, y, dw, dx};
  for (int i = 0; i < 5; i++) backend_cpu()->release(all[i]);
}

/* --time [fp32|bf16 [few|llama|gpt2]] */
static void speeds(const char *variant, const char *type, const char *set) {
  static const struct {
    const char *set;
    int64_t N, K, rows[6];
  } shapes[] = {
      {"few", 1152, 384, {1, 4, 8, 16, 24, 32}},  {"few", 16384, 384, {1, 4, 8, 16, 24, 32}}, /* steps of generation */
      {"llama", 1152, 384, {2048, 8192}},         {"llama", 384, 384, {2048, 8192}},          {"llama", 2048, 384, {2048, 8192}},
      {"llama", 384, 1024, {2048, 8192}},         {"llama", 16384, 384, {256}}, /* 17M parameters */
      {"gpt2", 2304, 768, {256}},                 {"gpt2", 768, 768, {256}},                  {"gpt2", 3072, 768, {256}},
      {"gpt2", 768, 3072, {256}},                 {"gpt2", 50257, 768, {256}}, /* 124M */
  };
  for (enum matmul_type t = MATMUL_FP32; t <= MATMUL_BF16; t++)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
      for (int j = 0; j < 6 && shapes[i].rows[j]; j++)
        if ((!type || strcmp(type, names[t]) == 0) && (!set || strcmp(set, shapes[i].set) == 0))
          speed(variant, t, shapes[i].rows[j], shapes[i].N, shapes[i].K);
}

int main(int argc, char **argv) {
  int best = cpu_variant_force(CPU_AVX512);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      backend_cpu()->set_threads(time_source == CLOCK_MONOTONIC ? 2 : 1);
      if (v == best) speeds(variant, argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL);
      continue;
    }
    /* Two threads once: each of thousands of small products waits for both, which is slow where others use the machine. */
    backend_cpu()->set_threads(v == best ? 2 : 1);
    static const int64_t sizes[][3] = {{1, 1, 1}, {1, 5, 3}, {7, 3, 1}, {2, 50, 16}, {17, 33, 65}, {64, 128, 96}, {130, 67, 259}, {96, 64, 3000},
                                       {270, 611, 20}, {1024, 30, 40}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      for (int t = 0; t < 4; t++) {
        int64_t M = sizes[i][0], N = sizes[i][1], K = sizes[i][2];
        for (enum matmul_type type = MATMUL_FP32; type <= MATMUL_BF16; type++) {
          bool good = true;
          for (int64_t pad = 0; pad < 14; pad += 13)
            good = compare(type, t & 1, t & 2, M, N, K, pad, 1, 0) && compare(type, t & 1, t & 2, M, N, K, pad, 1, 1) &&
                   compare(type, t & 1, t & 2, M, N, K, pad, 0.5f, 0) && compare(type, t & 1, t & 2, M, N, K, pad, -2, 0.25f) && good;
          ok(good, "%s %s: %lld x %lld x %lld%s%s matches the double reference, any distance of rows, alpha and beta, twice the same bits",
             variant, names[type], (long long)M, (long long)N, (long long)K, t & 1 ? ", a transposed" : "", t & 2 ? ", b transposed" : "");
        }
      }
    ok(special_numbers(), "%s bf16: NaN and infinity go through, halfway numbers to the even one", variant);
    for (int64_t M = 1; M <= MATMUL_FEW_ROWS + 1; M++)
      ok(compare(MATMUL_FP32, false, true, M, 211, 97, 3, 1, 0) && compare(MATMUL_FP32, false, true, M, 211, 97, 3, 0.5f, 2) &&
             compare(MATMUL_FP32, false, true, M, 1000, 1024, 0, 1, 1),
         "%s: %lld rows against a transposed matrix match", variant, (long long)M);
  }
  if (wants_times(argc, argv)) return 0;
  backend_cpu()->set_threads(2);
  for (int t = 0; t < 4; t++)
    ok(repeats(MATMUL_FP32, t & 1, t & 2, 384, 1152, 4096) && repeats(MATMUL_BF16, t & 1, t & 2, 384, 1152, 4096),
       "a gradient's size%s%s gives the same bits five times on two threads", t & 1 ? ", a transposed" : "", t & 2 ? ", b transposed" : "");
#if CPU_VECTORS
  bool own = matmul_blocked_runs(MATMUL_BF16);
#else
  bool own = false;
#endif
  if (own)
    ok(same_on_any_threads(500, 170, 300) && same_on_any_threads(100, 1000, 250) && same_on_any_threads(96, 300, 5000),
       "bf16 gives the same bits on one and two threads");
  else skip("no AVX-512 BF16 here", "bf16 gives the same bits on one and two threads");
  real c[2] = {3, NAN};
  ok(matmul(MATMUL_FP32, false, false, 1, 2, 0, 1, c, 1, c, 2, 0, c, 2, &e) == 0 && c[0] == 0 && c[1] == 0, "an inner size of 0 gives zeros");
  ok(matmul(MATMUL_FP32, false, false, 0, 2, 4, 1, c, 4, c, 2, 0, c, 2, &e) == 0, "no rows are no work");
  ok(matmul(MATMUL_FP32, false, false, 2, 2, 2, 1, c, 1, c, 2, 0, c, 2, &e) == -1 && strstr(e.message, "2 x 2 x 2"), "rows that overlap are refused");
  backend_cpu()->set_threads(1);
  for (int64_t n = 1; n < 100; n++)
    if (!compare(MATMUL_FP32, true, false, 3, n, 5, 0, 1, 1)) return ok(false, "a hundred shapes, more than are kept, all match"), tap_done();
  ok(compare(MATMUL_FP32, true, false, 3, 1, 5, 0, 1, 1), "a hundred shapes, more than are kept, all match");
  const char *warning;
  note("%s", backend_cpu()->describe(&warning));
  ok(strstr(backend_cpu()->describe(&warning), "threads") != NULL, "the backend describes itself");
  return tap_done();
}
