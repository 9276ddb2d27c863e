/* SPDX-License-Identifier: MIT */
#include "kernels/cross_entropy.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void compare(int64_t rows, int64_t V, int64_t pad, double size, double z, const char *variant) {
  int64_t ld = V + pad;
  const real scale = 0.125f;
  real *logits = array(rows * ld, 1, size), *start = array_copy(logits, rows * ld), *losses = array(rows, 2, 1);
  int32_t *targets = calloc((size_t)rows, sizeof *targets);
  double *want = zeros(rows * ld), *want_losses = zeros(rows);
  for (int64_t r = 0; r < rows; r++) {
    targets[r] = r % 5 == 4 ? -1 : (int32_t)(r * 7919 % V);
    double most = -INFINITY, sum = 0;
    const real *row = logits + r * ld;
    for (int64_t v = 0; v < V; v++) most = row[v] > most ? row[v] : most;
    for (int64_t v = 0; v < V; v++) sum += exp(row[v] - most);
    if (targets[r] >= 0) want_losses[r] = log(sum) + most - row[targets[r]];
    for (int64_t v = 0; v < ld; v++)
      want[r * ld + v] = v >= V ? (double)row[v] : targets[r] < 0 ? 0 : scale * (exp(row[v] - most) / sum * (1 + 2 * (double)(real)z * (log(sum) + most)) - (v == targets[r]));
  }
  bool good = cross_entropy(losses, logits, ld, targets, rows, V, scale, (real)z, false, &e) == 0;
  good = close_to(losses, want_losses, rows, 1e-12, "losses") && memcmp(logits, start, (size_t)(rows * ld) * sizeof *logits) == 0 && good;
  good = cross_entropy(losses, logits, ld, targets, rows, V, scale, (real)z, true, &e) == 0 && good;
  good = close_to(losses, want_losses, rows, 1e-12, "losses") && close_to(logits, want, rows * ld, 1e-12, "gradient") && good;
  good = guards_intact(logits, rows * ld) && guards_intact(losses, rows) && good;
  ok(good, "%s: %lld rows of %lld up to %g, z %g match; left-out targets give 0; padding stays", variant, (long long)rows, (long long)V, size, z);
  array_free(logits), array_free(start), array_free(losses), free(targets), free(want), free(want_losses);
}

/* The gradient with z is that of loss + z log(Z)^2, by differences of what double arithmetic gives. */
static double objective(const real *logits, int V, int target, double z, int moved, double step) {
  double sum = 0;
  for (int v = 0; v < V; v++) sum += exp(logits[v] + (v == moved ? step : 0));
  return log(sum) - logits[target] - (target == moved ? step : 0) + z * log(sum) * log(sum);
}

static void slopes(const char *variant) {
  enum { V = 21, TARGET = 5 };
  const double h = 1e-5, z = 0.125;
  real *logits = array(V, 1, 2), *start = array_copy(logits, V), losses[1];
  double want[V];
  for (int v = 0; v < V; v++) want[v] = (objective(start, V, TARGET, z, v, h) - objective(start, V, TARGET, z, v, -h)) / (2 * h);
  bool good = cross_entropy(losses, logits, V, (int32_t[]){TARGET}, 1, V, 1, (real)z, true, &e) == 0;
  ok(good && close_to(logits, want, V, 1e-12, "gradient"), "%s: the gradient with z is the slope of the loss + z log(Z)^2", variant);
  array_free(logits), array_free(start);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      int64_t rows = 2048, V = 16384;
      real *logits = array(rows * V, 1, 3), *losses = array(rows, 2, 1);
      int32_t *targets = calloc((size_t)rows, sizeof *targets);
      double t;
      TIME(t, cross_entropy(losses, logits, V, targets, rows, V, 1, 0, true, &e));
      printf("cross-entropy with gradient %s %5.1f GB/s, %.2f G logits/s\n", variant, 8e-9 * (double)(rows * V) / t, 1e-9 * (double)(rows * V) / t);
      array_free(logits), array_free(losses), free(targets);
      continue;
    }
    compare(1, 1, 0, 1, 0, variant);
    compare(7, 5, 3, 4, 0, variant);
    compare(20, 1003, 0, 10, 0, variant);
    compare(6, 16384, 5, 50, 0, variant);
    compare(7, 5, 3, 4, 0.25, variant);
    compare(20, 1003, 0, 10, 1e-4, variant);
    compare(6, 16384, 5, 50, 1e-2, variant);
    slopes(variant);
    enum { V = 40 };
    real logits[5 * V], losses[5];
    int32_t targets[5] = {3, 3, 3, 3, 3};
    for (int i = 0; i < 5 * V; i++) logits[i] = i < V ? 3e38f : i < 2 * V ? 1 : i < 3 * V ? -INFINITY : 0;
    logits[V + 7] = NAN;
    logits[3 * V + 5] = -INFINITY;
    ok(cross_entropy(losses, logits, V, targets, 5, V, 1, 0, true, &e) == 0, "%s: odd values are no error", variant);
    ok(fabs((double)losses[0] - log(V)) < 1e-5, "%s: huge equal logits do not overflow", variant);
    ok(isnan(losses[1]) && isnan(logits[V]) && isnan(logits[2 * V - 1]), "%s: NaN fills its row", variant);
    ok(isnan(losses[2]), "%s: nothing but -inf has no loss", variant);
    ok(fabs((double)losses[3] - log(V - 1)) < 1e-5 && logits[3 * V + 5] == 0, "%s: one -inf has no weight and no gradient", variant);
    ok(fabs((double)losses[4] - log(V)) < 1e-5, "%s: rows beside NaN are untouched by it", variant);
    targets[1] = V;
    ok(cross_entropy(losses, logits, V, targets, 5, V, 1, 0, true, &e) == -1 && strstr(e.message, "row 1"), "%s: a target outside is an error", variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
