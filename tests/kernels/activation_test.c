/* SPDX-License-Identifier: MIT */
#include "kernels/activation.h"

#include <float.h>

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static double twice_u(double g) { return 2 * sqrt(2 / 3.14159265358979323846) * (g + 0.044715 * g * g * g); }

static double value(enum activation f, double g) {
  switch (f) {
    case ACTIVATION_SILU: return g / (1 + exp(-g));
    case ACTIVATION_RELU: return g > 0 ? g : 0;
    case ACTIVATION_GELU: return g * 0.5 * erfc(-g / sqrt(2));
    case ACTIVATION_GELU_TANH: return g > -3 ? 0.5 * g * (1 + tanh(twice_u(g) / 2)) : g / (1 + exp(-twice_u(g))); /* no cancelling below */
    case ACTIVATION_RELU2: return g > 0 ? g * g : 0;
  }
  return NAN;
}

static double slope(enum activation f, double g) {
  double h = 1e-5 * (1 + fabs(g)); /* fourth order: error about 1e-11 */
  if ((f == ACTIVATION_RELU || f == ACTIVATION_RELU2) && fabs(g) < 3 * h) return f == ACTIVATION_RELU ? g > 0 : g > 0 ? 2 * g : 0;
  return (8 * (value(f, g + h) - value(f, g - h)) - (value(f, g + 2 * h) - value(f, g - 2 * h))) / (12 * h);
}

static const char *const labels[] = {"silu", "relu", "gelu", "gelu_tanh", "relu2"};
enum { COUNT = sizeof labels / sizeof *labels };

static void compare(enum activation f, bool gated, int64_t rows, int64_t F, int64_t pad, double size, const char *variant) {
  int64_t ld = (gated ? 2 : 1) * F + pad, n = rows * ld;
  real *both = array(n, 1, size), *y = array(rows * F, 2, 1), *dy = array(rows * F, 3, 1), *d_both = array(n, 4, 0), *one = array(n, 4, 0);
  double *want = zeros(rows * F), *want_d = zeros(n);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < F; i++) {
      double g = both[r * ld + i], u = gated ? both[r * ld + F + i] : 1, d = dy[r * F + i];
      want[r * F + i] = value(f, g) * u;
      want_d[r * ld + i] = d * u * slope(f, g);
      if (gated) want_d[r * ld + F + i] = d * value(f, g);
    }
  real *up = gated ? both + F : NULL, *d_up = gated ? d_both + F : NULL;
  bool good = activation_forward(f, y, both, up, ld, rows, F, &e) == 0 && activation_backward(f, d_both, d_up, dy, both, up, ld, rows, F, &e) == 0;
  good = close_to(y, want, rows * F, 1e-13, "y") && close_to(d_both, want_d, n, 1e-13, "gradients") && good;
  good = guards_intact(y, rows * F) && guards_intact(d_both, n) && good;
  backend_cpu()->set_threads(1);
  activation_backward(f, one, gated ? one + F : NULL, dy, both, up, ld, rows, F, &e);
  backend_cpu()->set_threads(2);
  good = memcmp(one, d_both, (size_t)n * sizeof *one) == 0 && good;
  activation_backward(f, both, up, dy, both, up, ld, rows, F, &e); /* in place */
  for (int64_t r = 0; r < rows; r++) good = memcmp(both + r * ld, d_both + r * ld, (size_t)(ld - pad) * sizeof *both) == 0 && good;
  ok(good, "%s: %s%s: %lld rows of %lld up to %g match; the same bits on one thread and in place", variant, labels[f], gated ? ", gated" : "",
     (long long)rows, (long long)F, size);
  array_free(both), array_free(y), array_free(dy), array_free(d_both), array_free(one), free(want), free(want_d);
}

/* The largest error in units in the last place, over floats of all sizes and both signs whose value is no denormal. */
static void ulps(enum activation f, const char *variant) {
  enum { N = 200000 };
  real *g = array(N, 1, 0), *y = array(N, 1, 0), *ones = array(N, 1, 0), *d = array(N, 1, 0);
  for (int i = 0; i < N; i++) {
    double x = i % 2 ? 14.0 * i / N : pow(10, 1.3 - 9.0 * i / N);
    g[i] = (real)(i % 4 < 2 ? x : -x), ones[i] = 1;
  }
  activation_forward(f, y, g, NULL, N, 1, N, &e);
  activation_backward(f, d, NULL, ones, g, NULL, N, 1, N, &e);
  double worst = 0, worst_slope = 0;
  for (int i = 0; i < N; i++) {
    double want = value(f, g[i]), want_slope = slope(f, g[i]);
    double unit = fabs(want) * FLT_EPSILON * (f == ACTIVATION_GELU_TANH ? 1 + fabs(twice_u(g[i])) : 1);
    if (fabs(want) > 2 * FLT_MIN) worst = fmax(worst, fabs(y[i] - want) / unit);
    worst_slope = fmax(worst_slope, fabs(d[i] - want_slope) / (fmax(fabs(want_slope), 0.1) * FLT_EPSILON));
  }
  note("%s: %s: %.2f ulp, slope %.2f ulp of at least 0.1", variant, labels[f], worst, worst_slope);
  ok(worst < (f == ACTIVATION_GELU_TANH ? 2 : 6) && worst_slope < 10, "%s: %s keeps its digits in its tails too, its slope within 10 ulp", variant, labels[f]);
  array_free(g), array_free(y), array_free(ones), array_free(d);
}

static void speed(const char *variant, int64_t rows, int64_t F) {
  real *both = array(rows * 2 * F, 1, 3), *y = array(rows * F, 2, 1), *d = array(rows * 2 * F, 3, 1);
  double t, n = 1e-9 * (double)(rows * F);
  for (int f = 0; f < COUNT; f++) {
    TIME(t, activation_forward(f, y, both, both + F, 2 * F, rows, F, &e));
    printf("%-9s %lldx%lld %s gated: forward %5.1f", labels[f], (long long)rows, (long long)F, variant, 12 * n / t);
    TIME(t, activation_backward(f, d, d + F, y, both, both + F, 2 * F, rows, F, &e));
    printf(", backward %5.1f; ", 20 * n / t);
    TIME(t, activation_forward(f, y, both, NULL, F, rows, F, &e));
    printf("plain: forward %5.1f", 8 * n / t);
    TIME(t, activation_backward(f, d, NULL, y, both, NULL, F, rows, F, &e));
    printf(", backward %5.1f GB/s\n", 12 * n / t);
  }
  array_free(both), array_free(y), array_free(d);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(variant, 8192, 1024);
      speed(variant, 256, 3072);
      continue;
    }
    for (int f = 0; f < COUNT; f++) {
      for (int gated = 0; gated < 2; gated++) {
        compare(f, gated, 1, 1, 0, 1, variant);
        compare(f, gated, 3, 17, 2, 5, variant);
        compare(f, gated, 70, 1000, 0, 3, variant);
        compare(f, gated, 2, 64, 1, 80, variant);
      }
      ulps(f, variant);
      enum { N = 19 };
      real gate[N], up[N], y[N], d[N], dy[N];
      for (int i = 0; i < N; i++) gate[i] = i % 3 == 0 ? -200 : i % 3 == 1 ? 200 : NAN, up[i] = 3, dy[i] = 1;
      activation_forward(f, y, gate, up, N, 1, N, &e);
      activation_backward(f, d, up, dy, gate, up, N, 1, N, &e);
      bool good = true;
      for (int i = 0; i < N; i++) {
        double most = f == ACTIVATION_RELU2 ? 120000 : 600;
        good = (i % 3 == 0 ? fabs((double)y[i]) < 1e-30 : i % 3 == 1 ? (double)y[i] == most : isnan(y[i])) && good;
        good = (i % 3 == 0 ? fabs((double)d[i]) < 1e-30 : i % 3 == 1 ? (double)d[i] == (f == ACTIVATION_RELU2 ? 1200 : 3) : true) && good;
      }
      ok(good, "%s: %s: saturated gates give 0 and gate * up, with slopes 0 and 1; NaN stays", variant, labels[f]);
      const real huge[4] = {3e38f, -3e38f, INFINITY, 1}, ones[4] = {1, 1, 1, 1};
      real slopes[4];
      activation_backward(f, slopes, NULL, ones, huge, NULL, 4, 1, 4, &e);
      ok((f == ACTIVATION_RELU2 || slopes[0] == 1) && slopes[1] == 0 && !isnan(slopes[3]), "%s: %s: the slope of the largest floats is no NaN", variant, labels[f]);
      ok(activation_forward(f, NULL, NULL, NULL, 4, 0, 4, &e) == 0 && activation_backward(f, NULL, NULL, NULL, NULL, NULL, 4, 0, 4, &e) == 0,
         "%s: %s: no rows are no work", variant, labels[f]);
    }
  }
  if (wants_times(argc, argv)) return 0;
  for (int f = 0; f < COUNT; f++) ok(activation_find(labels[f]) == f, "%s is found by its name", labels[f]);
  ok(activation_find("swish") == ACTIVATION_SILU && activation_find("gelu_new") == ACTIVATION_GELU_TANH && activation_find("gelu_pytorch_tanh") == ACTIVATION_GELU_TANH,
     "names of Hugging Face are found");
  ok(activation_find("") == -1 && activation_find("gel") == -1 && activation_find("lu") == -1 && activation_find("silu swish") == -1 && activation_find("mish") == -1,
     "other names are not");
  real x[1] = {0};
  ok(activation_forward((enum activation)COUNT, x, x, NULL, 1, 1, 1, &e) == -1 && strstr(e.message, "activation"), "an activation that is none is an error");
  return tap_done();
}
