/* SPDX-License-Identifier: MIT */
#include "kernels/experts.h"

#include "kernels/matmul.h"
#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

/* rows[i]: of expert i */
static void compare(const int64_t *rows, int64_t experts, int64_t out, int64_t in, const char *variant) {
  int64_t gap = 5, stride = out * in + gap, size = experts * stride;
  int32_t starts[200] = {0};
  for (int64_t i = 0; i < experts; i++) starts[i + 1] = starts[i] + (int32_t)rows[i];
  int64_t n = starts[experts];
  real *x = array(n * in, 1, 1), *w = array(size, 2, 1), *dy = array(n * out, 3, 1), *y = array(n * out, 4, 1), *dx = array(n * in, 5, 1);
  real *dw = array(size, 6, 1), *first = array_copy(dw, size);
  double *want_y = zeros(n * out), *want_dx = zeros(n * in), *want_dw = zeros(size);
  for (int64_t i = 0; i < size; i++) want_dw[i] = (double)dw[i];
  for (int64_t k = 0; k < experts; k++)
    for (int64_t r = starts[k]; r < starts[k + 1]; r++)
      for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++) {
          int64_t at = k * stride + o * in + i;
          want_y[r * out + o] += (double)x[r * in + i] * (double)w[at];
          want_dx[r * in + i] += (double)dy[r * out + o] * (double)w[at];
          want_dw[at] += (double)dy[r * out + o] * (double)x[r * in + i];
        }
  for (int64_t i = 0; i < n * out; i++) y[i] = NAN; /* overwritten, never read */
  for (int64_t i = 0; i < n * in; i++) dx[i] = NAN;
  bool good = experts_forward(MATMUL_FP32, y, x, w, stride, starts, experts, n, out, in, &e) == 0 &&
              experts_backward(MATMUL_FP32, dx, dw, dy, x, w, stride, starts, experts, n, out, in, &e) == 0;
  good = close_to(y, want_y, n * out, 1e-11, "y") && good;
  good = close_to(dx, want_dx, n * in, 1e-11, "dx") && good;
  good = close_to(dw, want_dw, size, 1e-11, "dw") && good;
  for (int64_t k = 0; k < experts; k++)
    for (int64_t i = k * stride + (rows[k] == 0 ? 0 : out * in); i < (k + 1) * stride; i++) good &= dw[i] == first[i];
  good = good && guards_intact(y, n * out) && guards_intact(dx, n * in) && guards_intact(dw, size);
  ok(good, "%s: %lld rows to %lld experts of %lld x %lld match the double reference", variant, (long long)n, (long long)experts, (long long)out, (long long)in);

  real *only = array_copy(first, size);
  good = experts_backward(MATMUL_FP32, NULL, only, dy, x, w, stride, starts, experts, n, out, in, &e) == 0 && memcmp(only, dw, (size_t)size * sizeof *dw) == 0;
  real *only_dx = array(n * in, 7, 1);
  good = good && experts_backward(MATMUL_FP32, only_dx, NULL, dy, x, w, stride, starts, experts, n, out, in, &e) == 0 &&
         memcmp(only_dx, dx, (size_t)(n * in) * sizeof *dx) == 0;
  ok(good, "%s: dx and dw can be had alone", variant);
  if (variant[0] != 's') { /* scalar: the products of a library */
    real *one_y = array(n * out, 8, 1), *one_dw = array_copy(first, size);
    backend_cpu()->set_threads(1);
    good = experts_forward(MATMUL_FP32, one_y, x, w, stride, starts, experts, n, out, in, &e) == 0 &&
           experts_backward(MATMUL_FP32, only_dx, one_dw, dy, x, w, stride, starts, experts, n, out, in, &e) == 0;
    backend_cpu()->set_threads(3); /* smaller pieces */
    good = good && memcmp(one_y, y, (size_t)(n * out) * sizeof *y) == 0 && memcmp(one_dw, dw, (size_t)size * sizeof *dw) == 0 &&
           memcmp(only_dx, dx, (size_t)(n * in) * sizeof *dx) == 0 &&
           experts_forward(MATMUL_FP32, one_y, x, w, stride, starts, experts, n, out, in, &e) == 0 && memcmp(one_y, y, (size_t)(n * out) * sizeof *y) == 0;
    backend_cpu()->set_threads(2);
    ok(good, "%s: one and three threads give the same bits", variant);
    array_free(one_y), array_free(one_dw);
  }
  good = experts_forward(MATMUL_BF16, y, x, w, stride, starts, experts, n, out, in, &e) == 0 && close_to(y, want_y, n * out, 1e-5, "y");
  memcpy(dw, first, (size_t)size * sizeof *dw);
  good = experts_backward(MATMUL_BF16, dx, dw, dy, x, w, stride, starts, experts, n, out, in, &e) == 0 && close_to(dx, want_dx, n * in, 1e-5, "dx") &&
         close_to(dw, want_dw, size, 1e-5, "dw") && good;
  ok(good, "%s: operands may be rounded to bfloat16", variant);
  array_free(only), array_free(only_dx);
  array_free(x), array_free(w), array_free(dy), array_free(y), array_free(dx), array_free(dw), array_free(first);
  free(want_y), free(want_dx), free(want_dw);
}

/* Heads side by side in rows of a and c, those of b one below the other. */
static void batched(bool transpose_b, const char *variant) {
  enum { COUNT = 3, M = 5, N = 7, K = 11, GAP = 2 };
  struct batch_shape s = {.count = COUNT, .M = M, .N = N, .K = K, .stride_a = K + GAP, .stride_c = N + GAP, .ld_a = COUNT * (K + GAP), .ld_c = COUNT * (N + GAP), .transpose_b = transpose_b};
  s.ld_b = (transpose_b ? K : N) + GAP, s.stride_b = (transpose_b ? N : K) * s.ld_b + GAP;
  int64_t size = M * s.ld_c;
  real *a = array(M * s.ld_a, 1, 1), *b = array(COUNT * s.stride_b, 2, 1), *c = array(size, 3, 1);
  double *want = zeros(size);
  for (int64_t i = 0; i < size; i++) want[i] = (double)c[i]; /* what lies between stays */
  for (int64_t i = 0; i < COUNT; i++)
    for (int64_t m = 0; m < M; m++)
      for (int64_t n = 0; n < N; n++) {
        double sum = 0;
        for (int64_t k = 0; k < K; k++) sum += (double)a[i * s.stride_a + m * s.ld_a + k] * (double)b[i * s.stride_b + (transpose_b ? n * s.ld_b + k : k * s.ld_b + n)];
        want[i * s.stride_c + m * s.ld_c + n] = sum;
      }
  ok(backend_cpu()->matmul_batched(MATMUL_FP32, c, a, b, &s, &e) == 0 && close_to(c, want, size, 1e-11, "c") && guards_intact(c, size), "%s: a batch of products, b %s", variant,
     transpose_b ? "transposed" : "as it is");
  array_free(a), array_free(b), array_free(c), free(want);
}

static void edges(const char *variant) {
  real a[64] = {0};
  int32_t down[] = {0, 5, 3}, negative[] = {-1, 0, 1}, none[] = {0, 0, 0}, one[] = {0, 1, 1};
  ok(experts_forward(MATMUL_FP32, a, a, a, 4, down, 2, 2, 2, 2, &e) == -1 && experts_backward(MATMUL_FP32, a, a, a, a, a, 4, negative, 2, 2, 2, 2, &e) == -1 &&
         strncmp(e.message, "experts: ", 9) == 0,
     "%s: starts that go down are refused", variant);
  ok(experts_forward(MATMUL_FP32, a, a, a, 3, one, 2, 2, 2, 2, &e) == -1, "%s: weights that overlap are refused", variant);
  ok(experts_forward(MATMUL_FP32, a, a, a, 4, none, 2, 0, 2, 2, &e) == 0 && experts_backward(MATMUL_FP32, a, a, a, a, a, 4, none, 2, 0, 2, 2, &e) == 0 &&
         experts_forward(MATMUL_FP32, NULL, NULL, NULL, 0, none, 0, 0, 2, 2, &e) == 0,
     "%s: no rows, or no experts, are no work", variant);
}

static void speed(int64_t rows, int64_t experts, int64_t top, int64_t out, int64_t in, const char *variant) {
  int64_t n = rows * top;
  int32_t starts[300] = {0};
  uint64_t state = 3;
  double sum = 0, total = 0, share[300];
  for (int64_t i = 0; i < experts; i++) total += share[i] = 1 + 0.5 * number(&state);
  for (int64_t i = 0; i < experts; i++) sum += share[i], starts[i + 1] = i + 1 == experts ? (int32_t)n : (int32_t)((double)n * sum / total);
  real *x = array(n * in, 1, 1), *w = array(experts * out * in, 2, 1), *y = array(n * out, 4, 1), *dw = array(experts * out * in, 6, 1);
  double f, b, c, p, q, s, flops = 2e-9 * (double)(n * out * in);
  TIME(f, experts_forward(MATMUL_FP32, y, x, w, out * in, starts, experts, n, out, in, &e));
  TIME(b, experts_backward(MATMUL_FP32, x, NULL, y, x, w, out * in, starts, experts, n, out, in, &e));
  TIME(c, experts_backward(MATMUL_FP32, NULL, dw, y, x, w, out * in, starts, experts, n, out, in, &e));
  TIME(p, matmul(MATMUL_FP32, false, true, n, out, in, 1, x, in, w, in, 0, y, out, &e));
  TIME(q, matmul(MATMUL_FP32, false, false, n, in, out, 1, y, out, w, in, 0, x, in, &e));
  TIME(s, matmul(MATMUL_FP32, true, false, out, in, n, 1, y, out, x, in, 1, dw, in, &e));
  printf("experts %s %5lld rows to %lld of %lld, %lld x %lld: y %4.0f (matmul %4.0f), dx %4.0f (%4.0f), dw %4.0f (%4.0f) GFLOP/s\n", variant,
         (long long)rows, (long long)top,
         (long long)experts, (long long)out, (long long)in, flops / f, flops / p, flops / b, flops / q, flops / c, flops / s);
  array_free(x), array_free(w), array_free(y), array_free(dw);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      if (v == CPU_SCALAR) continue;
      speed(8192, 8, 2, 512, 384, variant);
      speed(8192, 8, 2, 384, 512, variant);
      speed(8192, 64, 6, 256, 384, variant);
      speed(512, 64, 2, 256, 384, variant);
      speed(1, 8, 2, 512, 384, variant);
      continue;
    }
    compare((const int64_t[]){1}, 1, 1, 1, variant);
    compare((const int64_t[]){0, 3, 0, 9, 1}, 5, 7, 5, variant);
    compare((const int64_t[]){25, 40, 0, 26}, 4, 33, 17, variant);
    compare((const int64_t[]){64, 61}, 2, 64, 48, variant);
    compare((const int64_t[]){501, 0, 13, 256, 0}, 5, 67, 131, variant);
    compare((const int64_t[]){300, 31}, 2, 300, 270, variant);
    compare((const int64_t[]){24, 500, 97}, 3, 401, 390, variant);
    compare((const int64_t[]){0, 0}, 2, 9, 9, variant);
    batched(false, variant), batched(true, variant);
    edges(variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
