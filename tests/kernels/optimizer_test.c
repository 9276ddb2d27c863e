/* SPDX-License-Identifier: MIT */
#include "kernels/optimizer.h"

#include "tests/kernels/expected.h"

static struct kernel_error e;

static void compare(int64_t n, const char *variant) {
  real *p = array(n, 1, 1), *g = array(n, 2, 1), *m = array(n, 3, 0), *v = array(n, 4, 0);
  double *want = zeros(n), *want_m = zeros(n), *want_v = zeros(n), sum = 1.5, want_sum = 1.5;
  for (int64_t i = 0; i < n; i++) want[i] = p[i];
  bool good = true;
  for (int step = 1; step <= 5; step++) {
    struct adamw_settings s = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = step, .gradient_scale = 0.5};
    for (int64_t i = 0; i < n; i++) {
      double d = (double)g[i] * s.gradient_scale;
      want[i] -= s.lr * s.weight_decay * want[i];
      want_m[i] = s.beta1 * want_m[i] + (1 - s.beta1) * d;
      want_v[i] = s.beta2 * want_v[i] + (1 - s.beta2) * d * d;
      want[i] -= s.lr / (1 - pow(s.beta1, step)) * want_m[i] / (sqrt(want_v[i] / (1 - pow(s.beta2, step))) + s.eps);
    }
    good = adamw(p, g, m, v, n, &s, &e) == 0 && good;
    uint64_t state = (uint64_t)step;
    for (int64_t i = 0; i < n; i++) g[i] = (real)number(&state);
  }
  good = close_to(p, want, n, 1e-12, "parameters") && close_to(m, want_m, n, 1e-12, "m") && close_to(v, want_v, n, 1e-12, "v") && good;
  ok(good && guards_intact(p, n) && guards_intact(m, n) && guards_intact(v, n), "%s: five steps of AdamW on %lld parameters match", variant, (long long)n);
  for (int64_t i = 0; i < n; i++) want_sum += (double)g[i] * g[i];
  good = sum_squares(&sum, g, n, &e) == 0;
  ok(good && fabs(sum - want_sum) <= 1e-13 * want_sum, "%s: the sum of %lld squares is added to, in double", variant, (long long)n);
  double one_thread = 1.5;
  backend_cpu()->set_threads(1);
  sum_squares(&one_thread, g, n, &e);
  backend_cpu()->set_threads(2);
  ok(one_thread == sum, "%s: the same bits on one thread", variant);
  array_free(p), array_free(g), array_free(m), array_free(v), free(want), free(want_m), free(want_v);
}

/* What torch.optim.AdamW computed, in float64 for the committed file and float32 for the development data. */
static void check_expected(const struct safetensors *file, const char *prefix, int64_t n, const char *title) {
  real *p = array(n, 1, 0), *m = array(n, 1, 0), *v = array(n, 1, 0), *g = array(n, 1, 0);
  float *start = expected(file, prefix, "W0", n), *gradients = expected(file, prefix, "G", EXPECTED_STEPS * n), *all = prefix ? expected(file, prefix, "adamw", EXPECTED_STEPS * n) : NULL;
  double most = 0;
  for (int64_t i = 0; i < n; i++) p[i] = start[i];
  for (int k = 0; k < EXPECTED_STEPS; k++) {
    struct adamw_settings s = {.lr = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = k + 1, .gradient_scale = 1};
    char name[32];
    snprintf(name, sizeof name, "adamw.W%d", k + 1);
    float *one = prefix ? NULL : expected(file, NULL, name, n);
    for (int64_t i = 0; i < n; i++) g[i] = gradients[k * n + i];
    most = adamw(p, g, m, v, n, &s, &e) == 0 ? fmax(most, largest_error(p, prefix ? all + k * n : one, n)) : HUGE_VAL;
    free(one);
  }
  ok(most <= 1e-6, "%s: torch's AdamW within 1e-6 at each of %d steps", title, EXPECTED_STEPS);
  note("largest difference %.2g", most);
  array_free(p), array_free(m), array_free(v), array_free(g), free(start), free(gradients), free(all);
}

static void check_files(void) {
  struct safetensors *file;
  struct err error;
  if (!ok(safetensors_open(&file, EXPECTED_FILE, &error) == 0, "the expected values open")) return;
  for (int i = 0; i < 3; i++) check_expected(file, expected_shapes[i].name, expected_shapes[i].rows * expected_shapes[i].columns, expected_shapes[i].name);
  safetensors_close(file);
  const char *path = tap_shared("oracle/lm/optimizers.safetensors");
  if (!path || safetensors_open(&file, path, &error) < 0) {
    skip("no ../shared/data", "the shared oracle");
    return;
  }
  check_expected(file, NULL, 48 * 32, "the shared oracle");
  safetensors_close(file);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(variant_number) {
    const char *variant = cpu_variant_name(variant_number);
    if (wants_times(argc, argv)) {
      int64_t n = 16900000;
      real *p = array(n, 1, 1), *g = array(n, 2, 1), *m = array(n, 3, 0), *v = array(n, 4, 0);
      struct adamw_settings s = {.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = 3, .gradient_scale = 1};
      double t, sum = 0;
      TIME(t, adamw(p, g, m, v, n, &s, &e));
      printf("adamw        %s %5.1f GB/s, %.2f G parameters/s\n", variant, 28e-9 * (double)n / t, 1e-9 * (double)n / t);
      TIME(t, sum_squares(&sum, g, n, &e));
      printf("sum_squares  %s %5.1f GB/s\n", variant, 4e-9 * (double)n / t);
      array_free(p), array_free(g), array_free(m), array_free(v);
      continue;
    }
    compare(1, variant);
    compare(37, variant);
    compare(100003, variant);
  }
  if (wants_times(argc, argv)) return 0;
  check_files();
  struct adamw_settings s = {.step = 0};
  ok(adamw(NULL, NULL, NULL, NULL, 0, &s, &e) == -1, "step 0 is an error");
  double sum = 0;
  real odd[3] = {1, NAN, 2};
  ok(sum_squares(&sum, odd, 3, &e) == 0 && isnan(sum), "NaN shows in the sum of squares");
  return tap_done();
}
