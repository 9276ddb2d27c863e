/* SPDX-License-Identifier: MIT */
#include "kernels/activation.h"

#include <float.h>

#include "tests/device/device_test.h"

#define COUNT_ONE(NAME, name, names) +1
enum { COUNT = 0 ACTIVATIONS(COUNT_ONE) };

#define AT(array) stored_at(device, array.device, shift)

/* Rows of F, gate and up the halves of one matrix with `pad` columns more, or, apart, two matrices without gaps. */
static void compare(enum activation f, bool gated, bool apart, int64_t rows, int64_t F, int64_t pad, int64_t shift, double bound) {
  const struct backend *cpu = backend_cpu();
  int64_t ld = apart ? F : (gated ? 2 : 1) * F + pad, second = apart ? rows * F : F, n = (apart ? 2 * rows * F : rows * ld) + shift;
  struct device_array both = device_array(n, true, 1, 4), y = device_array(rows * F + shift, true, 2, 1), dy = device_array(rows * F + shift, true, 3, 1);
  struct device_array d_both = device_array(n, true, 4, 1), again = device_array(n, true, 4, 1);
#define UP(array) (gated ? stored_at(device, array.device, shift + second) : NULL)
#define UP_HOST(array) (gated ? array.host + shift + second : NULL)
  device_must(device->activation_forward(f, AT(y), AT(both), UP(both), ld, rows, F, &device_error));
  device_must(cpu->activation_forward(f, y.host + shift, both.host + shift, UP_HOST(both), ld, rows, F, &device_error));
  bool good = device_close(&y, bound, "y");
  device_must(device->activation_backward(f, AT(d_both), UP(d_both), AT(dy), AT(both), UP(both), ld, rows, F, &device_error));
  device_must(device->activation_backward(f, AT(again), UP(again), AT(dy), AT(both), UP(both), ld, rows, F, &device_error));
  device_must(cpu->activation_backward(f, d_both.host + shift, UP_HOST(d_both), dy.host + shift, both.host + shift, UP_HOST(both), ld, rows, F, &device_error));
  good = device_close(&d_both, bound, "gradients") && device_same(&d_both, &again, "again") && good;
  if (ld == F) { /* y in gate */
    device_must(device->activation_forward(f, AT(again), AT(both), UP(both), ld, rows, F, &device_error));
    memcpy(again.host, d_both.host, (size_t)n * sizeof *again.host);
    device_must(cpu->activation_forward(f, again.host + shift, both.host + shift, UP_HOST(both), ld, rows, F, &device_error));
    good = device_close(&again, bound, "y in another array") && good;
    device_must(device_put(&again, again.device, both.host, n));
    memcpy(again.host, both.host, (size_t)n * sizeof *again.host);
    device_must(device->activation_forward(f, AT(again), AT(again), UP(again), ld, rows, F, &device_error));
    device_must(cpu->activation_forward(f, again.host + shift, again.host + shift, UP_HOST(again), ld, rows, F, &device_error));
    good = device_close(&again, bound, "y in gate") && good;
  }
  device_must(device->activation_backward(f, AT(both), UP(both), AT(dy), AT(both), UP(both), ld, rows, F, &device_error));
  device_must(cpu->activation_backward(f, both.host + shift, UP_HOST(both), dy.host + shift, both.host + shift, UP_HOST(both), ld, rows, F, &device_error));
  good = device_close(&both, bound, "gradients in place") && good;
  ok(good, "%s%s: %lld rows of %lld, %lld apart, shift %lld", activation_name(f), !gated ? "" : apart ? ", gated by another matrix" : ", gated", (long long)rows, (long long)F, (long long)ld,
     (long long)shift);
  device_array_free(&both), device_array_free(&y), device_array_free(&dy), device_array_free(&d_both), device_array_free(&again);
}

/* Each value against the CPU's, of numbers of all sizes and both signs, the tails too. */
static void digits(enum activation f) {
  enum { N = 4000 };
  const struct backend *cpu = backend_cpu();
  bool half = device->stored_size == 2;
  struct device_array g = device_array(N, true, 1, 0), y = device_array(N, true, 2, 0), d = device_array(N, true, 3, 0), ones = device_array(N, true, 4, 0);
  for (int i = 0; i < N; i++) {
    double x = i % 2 ? 14.0 * i / N : pow(10, 1.3 - 9.0 * i / N);
    g.host[i] = (real)(i % 4 < 2 ? x : -x), ones.host[i] = 1;
  }
  device_must(device_put(&g, g.device, g.host, N)), device_must(device_get(&g, g.host, g.device, N));
  device_must(device_put(&ones, ones.device, ones.host, N));
  device_must(device->activation_forward(f, y.device, g.device, NULL, N, 1, N, &device_error));
  device_must(device->activation_backward(f, d.device, NULL, ones.device, g.device, NULL, N, 1, N, &device_error));
  device_must(cpu->activation_forward(f, y.host, g.host, NULL, N, 1, N, &device_error));
  device_must(cpu->activation_backward(f, d.host, NULL, ones.host, g.host, NULL, N, 1, N, &device_error));
  real *got = (real *)malloc(2 * N * sizeof *got);
  device_must(device_get(&y, got, y.device, N)), device_must(device_get(&d, got + N, d.device, N));
  double worst = 0, worst_slope = 0, unit = half ? 1.0 / 256 : FLT_EPSILON; /* bfloat16: half of its last place, at most */
  for (int i = 0; i < N; i++) {
    double size = fabs((double)g.host[i]), argument = f == ACTIVATION_GELU_TANH && !half ? 1 + 1.6 * (size + 0.045 * size * size * size) : 1;
    if (fabs((double)y.host[i]) > 4 * FLT_MIN) worst = fmax(worst, fabs((double)got[i] - y.host[i]) / (fabs((double)y.host[i]) * unit * argument));
    worst_slope = fmax(worst_slope, fabs((double)got[N + i] - d.host[i]) / (fmax(fabs((double)d.host[i]), 0.1) * unit));
  }
  double bound = half ? 1.05 : f == ACTIVATION_GELU_TANH ? 4 : 10;
  if (!ok(worst < bound && worst_slope < (half ? 1.05 : 12), "%s keeps its digits in its tails", activation_name(f))) note("%.3g units, slope %.3g units of at least 0.1", worst, worst_slope);
  static const real strange[8] = {NAN, 0, 3e38f, -3e38f, 100, -100, 0x1p-120f, -0x1p-120f};
  memcpy(g.host, strange, sizeof strange);
  device_must(device_put(&g, g.device, g.host, N)), device_must(device_get(&g, g.host, g.device, N));
  device_must(device->activation_forward(f, y.device, g.device, NULL, N, 1, N, &device_error));
  device_must(device->activation_backward(f, d.device, NULL, ones.device, g.device, NULL, N, 1, N, &device_error));
  device_must(cpu->activation_forward(f, y.host, g.host, NULL, N, 1, N, &device_error));
  device_must(cpu->activation_backward(f, d.host, NULL, ones.host, g.host, NULL, N, 1, N, &device_error));
  device_must(device_get(&y, got, y.device, N)), device_must(device_get(&d, got + N, d.device, N));
  bool good = isnan(got[0]);
  for (int i = 0; i < 8; i++)
    for (int slope = 0; slope < 2; slope++) {
      double have = (double)got[slope * N + i], want = (double)(slope ? d : y).host[i];
      bool fits = isnan(want) ? isnan(have) : isinf(want) ? have == want || (half && fabs(have) > 3e38) : fabs(have - want) <= 0.005 * fabs(want) + 1e-36;
      if (!fits) note("%s%s(%g): %g, want %g", activation_name(f), slope ? "'" : "", (double)g.host[i], have, want), good = false;
    }
  ok(good, "%s of NaN, of huge and of tiny numbers", activation_name(f));
  free(got);
  device_array_free(&g), device_array_free(&y), device_array_free(&d), device_array_free(&ones);
}

static void test(double bound, double real_bound) {
  (void)real_bound;
  for (int i = 0; i < COUNT; i++) {
    enum activation f = (enum activation)i;
    compare(f, true, false, 7, 2112, 0, 0, bound);
    compare(f, false, false, 5, 333, 0, 0, bound);   /* one row of all, and what is left behind its last vector */
    compare(f, true, false, 6, 61, 3, 0, bound);     /* not aligned */
    digits(f);
  }
  compare(ACTIVATION_SILU, true, false, 0, 64, 0, 0, bound);
  compare(ACTIVATION_SILU, true, false, 1, 1, 0, 0, bound);
  compare(ACTIVATION_SILU, true, true, 9, 77, 0, 0, bound);
  compare(ACTIVATION_SILU, true, true, 8, 80, 0, 0, bound);
  compare(ACTIVATION_SILU, true, false, 9000, 8, 0, 0, bound); /* more rows than blocks */
  compare(ACTIVATION_GELU, false, false, 40, 96, 32, 0, bound);
  compare(ACTIVATION_RELU2, false, false, 3, 4104, 0, 1, bound);
  real x[1] = {0};
  ok(device->activation_forward((enum activation)COUNT, x, x, NULL, 1, 1, 1, &device_error) != 0 &&
         device->activation_backward((enum activation)-1, x, NULL, x, x, NULL, 1, 1, 1, &device_error) != 0,
     "an activation of another number is refused");
}

int main(void) { return device_test_run(test); }
