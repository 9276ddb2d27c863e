/* SPDX-License-Identifier: MIT */
#include "kernels/route.h"

#include "tests/device/device_test.h"

struct arrays {
  struct device_array logits, bias, weights, scores, d_weights, d_logits;
  struct route host, device;
};

static int32_t *integers(int64_t n, bool on_device) {
  int32_t *zero = (int32_t *)calloc((size_t)n, sizeof *zero), *p = zero;
  if (on_device) p = device_integers(zero, n), free(zero);
  return p;
}

static struct route route_new(const struct route_shape *s, bool on_device) {
  int64_t n = s->rows * s->top + 1;
  return (struct route){integers(n, on_device), integers(n, on_device), integers(n, on_device), integers(s->experts + 1, on_device)};
}

static bool same(const int32_t *there, const int32_t *here, int64_t n, const char *what) {
  int32_t *got = (int32_t *)malloc((size_t)(n + 1) * sizeof *got);
  device_must(device->to_host(got, there, (size_t)n * sizeof *got, &device_error));
  int64_t i = 0;
  while (i < n && got[i] == here[i]) i++;
  if (i < n) note("%s[%lld]: %d, want %d", what, (long long)i, got[i], here[i]);
  free(got);
  return i == n;
}

/* steps > 0: logits are whole multiples of 1/steps, so that many are equal.  strange: rows with NaN and infinities. */
static void compare(struct route_shape s, bool with_bias, int steps, bool strange, double stored_bound, double real_bound) {
  const struct backend *cpu = backend_cpu();
  int64_t n = s.rows * s.experts, choices = s.rows * s.top;
  struct device_array logits = device_array(n, true, 1, 3), bias = device_array(s.experts, false, 2, 0.3), weights = device_array(choices, true, 3, 1);
  struct device_array scores = device_array(n, false, 4, 1), d_weights = device_array(choices, true, 5, 1), d_logits = device_array(n, true, 6, 1), again = device_array(n, true, 6, 1);
  for (int64_t i = 0; steps && i < n; i++) logits.host[i] = (real)(floor((double)logits.host[i] * steps) / steps);
  if (strange)
    for (int64_t i = 0; i < n; i++) {
      int64_t r = i / s.experts;
      if (r % 5 == 1 && i % 3 == 0) logits.host[i] = NAN;
      if (r % 5 == 2 && i % 4 == 0) logits.host[i] = -INFINITY;
      if (r % 5 == 3) logits.host[i] = NAN;
      if (r % 5 == 4) logits.host[i] = -INFINITY;
    }
  device_must(device_put(&logits, logits.device, logits.host, n));
  device_must(device_get(&logits, logits.host, logits.device, n)); /* rounded */
  struct route host = route_new(&s, false), there = route_new(&s, true);
  const real *no_bias = NULL;
  device_must(device->route_forward(weights.device, (real *)scores.device, &there, logits.device, with_bias ? (real *)bias.device : no_bias, &s, &device_error));
  device_must(cpu->route_forward(weights.host, scores.host, &host, logits.host, with_bias ? bias.host : no_bias, &s, &device_error));
  bool good = same(there.chosen, host.chosen, choices, "chosen") && same(there.starts, host.starts, s.experts + 1, "starts");
  good = same(there.slots, host.slots, choices, "slots") && same(there.sources, host.sources, choices, "sources") && good;
  good = device_close(&scores, real_bound, "scores") && device_close(&weights, stored_bound, "weights") && good;

  /* The device's weights and scores, so that the gradients differ by their own error alone. */
  device_must(device_get(&weights, weights.host, weights.device, choices));
  device_must(device_get(&scores, scores.host, scores.device, n));
  for (int with_balance = 0; !strange && with_balance < 2; with_balance++) {
    real balance = with_balance ? (real)0.01 : 0;
    device_must(device->route_backward(d_logits.device, d_weights.device, weights.device, (real *)scores.device, &there, balance, &s, &device_error));
    device_must(device->route_backward(again.device, d_weights.device, weights.device, (real *)scores.device, &there, balance, &s, &device_error));
    device_must(cpu->route_backward(d_logits.host, d_weights.host, weights.host, scores.host, &host, balance, &s, &device_error));
    good = device_close(&d_logits, stored_bound, with_balance ? "gradient with balance" : "gradient") && device_same(&d_logits, &again, "gradient again") && good;
  }
  if (device->stored_size == sizeof(real) && !strange) { /* d_logits in scores */
    device_must(device->route_backward(scores.device, d_weights.device, weights.device, (real *)scores.device, &there, (real)0.01, &s, &device_error));
    good = device_same(&scores, &d_logits, "gradient in place") && good;
  }
  device_must(device->route_count((real *)bias.device, there.starts, s.experts, &device_error));
  device_must(cpu->route_count(bias.host, host.starts, s.experts, &device_error));
  good = device_close(&bias, 1e-14, "counts") && good;

  ok(good, "%lld rows to %lld of %lld experts, %s%s%s, %lld of %lld groups%s%s", (long long)s.rows, (long long)s.top, (long long)s.experts, s.sigmoid ? "sigmoid" : "softmax",
     s.normalize ? ", normalized" : "", with_bias ? ", bias" : "", (long long)s.top_groups, (long long)s.groups, steps ? ", equal logits" : "", strange ? ", NaN and infinities" : "");
  struct device_array *all[] = {&logits, &bias, &weights, &scores, &d_weights, &d_logits, &again};
  for (int i = 0; i < 7; i++) device_array_free(all[i]);
  int32_t *lists[] = {there.chosen, there.slots, there.sources, there.starts}, *ours[] = {host.chosen, host.slots, host.sources, host.starts};
  for (int i = 0; i < 4; i++) device->release(lists[i]), free(ours[i]);
}

static void test(double stored_bound, double real_bound) {
  double b = stored_bound, r = 1e-10;
  (void)real_bound;
  compare((struct route_shape){.rows = 0, .experts = 5, .top = 2, .scale = 1}, false, 0, false, b, r);
  compare((struct route_shape){.rows = 1, .experts = 1, .top = 1, .scale = 1}, false, 0, false, b, r);
  compare((struct route_shape){.rows = 203, .experts = 8, .top = 2, .scale = 1, .normalize = true}, false, 0, false, b, r);
  compare((struct route_shape){.rows = 64, .experts = 33, .top = 33, .scale = (real)1.5, .normalize = true}, true, 0, false, b, r);
  compare((struct route_shape){.rows = 150, .experts = 64, .top = 6, .scale = 16, .groups = 8, .top_groups = 3}, false, 2, false, b, r);
  compare((struct route_shape){.rows = 70, .experts = 256, .top = 8, .scale = (real)2.5, .groups = 8, .top_groups = 4, .group_score = GROUP_BEST_TWO, .sigmoid = true, .normalize = true}, true, 0, false, b, r);
  compare((struct route_shape){.rows = 40, .experts = 80, .top = 4, .scale = 1, .groups = 40, .top_groups = 37, .group_score = GROUP_BEST_TWO, .sigmoid = true}, true, 1, false, b, r);
  compare((struct route_shape){.rows = 10, .experts = 12, .top = 5, .scale = 1, .sigmoid = true}, true, 0, true, b, r);
  compare((struct route_shape){.rows = 10, .experts = 12, .top = 5, .scale = 1, .groups = 4, .top_groups = 2}, false, 0, true, b, r);
  compare((struct route_shape){.rows = 3, .experts = 9001, .top = 3, .scale = 1, .sigmoid = true, .normalize = true}, false, 4, false, b, r); /* too many for shared memory */
}

int main(void) { return device_test_run(test); }
