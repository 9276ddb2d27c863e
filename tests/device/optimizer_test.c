/* SPDX-License-Identifier: MIT */
#include "kernels/optimizer.h"

#include "tests/device/device_test.h"

static void steps(int64_t n, int64_t offset, double bound) {
  struct device_array p = device_array(n + offset, false, 1, 1), g = device_array(n + offset, false, 2, 1), m = device_array(n + offset, false, 3, 0), v = device_array(n + offset, false, 4, 0);
  bool good = true;
  for (int64_t step = 1; step <= 3; step++) {
    struct adamw_settings s = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = step, .gradient_scale = 0.5 * (double)step};
    good = device->adamw((real *)p.device + offset, (real *)g.device + offset, (real *)m.device + offset, (real *)v.device + offset, n, &s, &device_error) == 0 &&
           adamw(p.host + offset, g.host + offset, m.host + offset, v.host + offset, n, &s, &device_error) == 0 && good;
  }
  good = device_close(&p, bound, "parameters") && device_close(&m, bound, "m") && device_close(&v, bound, "v") && device_close(&g, 0, "gradients") && good;
  double sum = 1, want = 1, again = 1;
  good = device->sum_squares(&sum, (real *)g.device + offset, n, &device_error) == 0 && sum_squares(&want, g.host + offset, n, &device_error) == 0 && good;
  good = device->sum_squares(&again, (real *)g.device + offset, n, &device_error) == 0 && again == sum && good;
  ok(good && fabs(sum - want) <= 1e-12 * want, "three steps of AdamW on %lld elements from %lld, and their sum of squares, the same twice", (long long)n, (long long)offset);
  device_array_free(&p), device_array_free(&g), device_array_free(&m), device_array_free(&v);
}

/* A least-squares problem: both devices walk the same curve. */
static void descends(void) {
  enum { N = 37, STEPS = 200 };
  struct device_array p = device_array(N, false, 5, 2), g = device_array(N, false, 6, 0), m = device_array(N, false, 7, 0), v = device_array(N, false, 8, 0);
  real here[N];
  double worst = 0, last = 0;
  for (int64_t step = 1; step <= STEPS; step++) {
    struct adamw_settings s = {.lr = 0.05, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .step = step, .gradient_scale = 1};
    double loss[2] = {0, 0};
    device_must(device->to_host(here, p.device, sizeof here, &device_error));
    for (int i = 0; i < N; i++) loss[0] += (double)(here[i] * here[i]), loss[1] += (double)(p.host[i] * p.host[i]), g.host[i] = 2 * p.host[i], here[i] *= 2;
    device_must(device->to_device(g.device, here, sizeof here, &device_error));
    device_must(device->adamw((real *)p.device, (real *)g.device, (real *)m.device, (real *)v.device, N, &s, &device_error));
    device_must(adamw(p.host, g.host, m.host, v.host, N, &s, &device_error));
    worst = fmax(worst, fabs(loss[0] - loss[1])), last = loss[0];
  }
  ok(worst < 1e-3 && last < 0.1, "%d steps walk the CPU's curve: at most %.2g apart, %.2g in the end", STEPS, worst, last);
  device_array_free(&p), device_array_free(&g), device_array_free(&m), device_array_free(&v);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  static const int64_t sizes[] = {1, 3, 4, 255, 4096, 100001};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) steps(sizes[i], 0, 1e-12);
  steps(1001, 1, 1e-12);
  descends();
  struct adamw_settings s = {.step = 0};
  ok(device->adamw(NULL, NULL, NULL, NULL, 4, &s, &device_error) == -1, "step 0 is an error");
  s.step = 1;
  double sum = 3;
  ok(device->adamw(NULL, NULL, NULL, NULL, 0, &s, &device_error) == 0 && device->sum_squares(&sum, NULL, 0, &device_error) == 0 && sum == 3, "nothing is no work");
}

int main(void) { return device_test_run(test); }
