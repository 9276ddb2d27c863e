/* SPDX-License-Identifier: MIT */
#include "kernels/sampling.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

struct choice {
  real value;
  int32_t id;
};
static int best_first(const void *a, const void *b) {
  const struct choice *x = a, *y = b;
  return x->value != y->value ? (x->value < y->value) - (x->value > y->value) : (x->id > y->id) - (x->id < y->id);
}

/* steps > 0: logits are rounded to so many values, so that many are equal */
static void compare(int64_t rows, int64_t V, int64_t pad, int64_t k, double temperature, int steps, const char *variant) {
  int64_t ld = V + pad;
  real *logits = array(rows * ld, 1, 8), *values = array(rows * k, 2, 1), *sums = array(rows, 3, 1);
  int32_t *ids = calloc((size_t)(rows * k + 1), sizeof *ids);
  double *want = zeros(rows);
  struct choice *all = calloc((size_t)V, sizeof *all);
  for (int64_t i = 0; i < rows * ld && steps; i++) logits[i] = (real)(floor((double)logits[i] / 8 * steps) / steps);
  for (int64_t r = 0; r < rows; r++) logits[r * ld + V / 2] = -INFINITY;
  ids[rows * k] = -9;
  bool good = top_logits(values, ids, sums, logits, ld, rows, V, k, (real)temperature, &e) == 0;
  for (int64_t r = 0; r < rows; r++) {
    const real *x = logits + r * ld;
    for (int64_t v = 0; v < V; v++) all[v] = (struct choice){x[v], (int32_t)v};
    qsort(all, (size_t)V, sizeof *all, best_first);
    for (int64_t j = 0; j < k; j++) good = values[r * k + j] == all[j].value && ids[r * k + j] == all[j].id && good;
    for (int64_t v = 0; v < V; v++) want[r] += exp(((double)x[v] - (double)all[0].value) / (double)(real)temperature);
    want[r] = log(want[r]) + (double)all[0].value / (double)(real)temperature;
  }
  good = close_to(sums, want, rows, 1e-12, "log_sum_exp") && guards_intact(values, rows * k) && guards_intact(sums, rows) && ids[rows * k] == -9 && good;
  ok(good, "%s: the %lld largest of %lld, %lld rows, temperature %g%s", variant, (long long)k, (long long)V, (long long)rows, temperature, steps ? ", many equal" : "");
  array_free(logits), array_free(values), array_free(sums), free(ids), free(want), free(all);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      int64_t V = 131072, k = 50;
      real *logits = array(V, 1, 8), values[50], sum[1];
      int32_t ids[50];
      double s;
      TIME(s, top_logits(values, ids, sum, logits, V, 1, V, k, 1, &e));
      printf("top-logits, %lld of %lld, %s %7.1f us\n", (long long)k, (long long)V, variant, 1e6 * s);
      array_free(logits);
      continue;
    }
    compare(1, 2, 0, 1, 1, 0, variant);
    compare(3, 7, 2, 7, 0.5, 0, variant);
    compare(5, 1003, 5, 40, 1.5, 0, variant);
    compare(5, 1003, 0, 40, 1, 3, variant);
    compare(2, 1003, 0, 1003, 0.7, 40, variant);
    compare(2, 50257, 47, 1024, 0.01, 0, variant);
    compare(4, 300, 0, 0, 1, 0, variant);
    real x[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY}, value[4], sum;
    int32_t id[4];
    ok(top_logits(value, id, &sum, x, 4, 1, 4, 2, 1, &e) == 0 && id[0] == 0 && id[1] == 1 && sum == -INFINITY, "%s: nothing but -inf", variant);
    x[2] = -0.0f, x[3] = 0;
    ok(top_logits(value, id, &sum, x, 4, 1, 4, 2, 1, &e) == 0 && id[0] == 2 && id[1] == 3, "%s: 0 and -0 are equal", variant);
    for (int i = 0; i < 4; i++) x[i] = (real)3e38;
    ok(top_logits(value, id, &sum, x, 4, 1, 4, 4, 1, &e) == 0 && id[3] == 3 && isfinite(sum), "%s: huge logits do not overflow", variant);
    real *row = array(203, 5, 4);
    bool noticed = true;
    for (int at = 0; at < 203; at += at < 20 || at > 180 ? 1 : 7)
      for (int kind = 0; kind < 2; kind++) {
        real kept = row[at];
        row[at] = kind ? (real)INFINITY : (real)NAN;
        noticed = top_logits(value, id, &sum, row, 203, 1, 203, 3, 1, &e) == 0 && isnan(sum) && noticed;
        row[at] = kept;
      }
    ok(noticed && top_logits(value, id, &sum, row, 203, 1, 203, 3, 1, &e) == 0 && isfinite(sum), "%s: NaN and +inf anywhere make the sum NaN", variant);
    array_free(row);
    real *flat = array(200000, 6, 0);
    flat[777] = 1;
    ok(top_logits(value, id, &sum, flat, 200000, 1, 200000, 1, 1, &e) == 0 && id[0] == 777 && fabs((double)sum - log(199999 + M_E)) < 2e-6, "%s: the error does not grow with many terms", variant);
    array_free(flat);
  }
  real x[4] = {0}, value[8], sum;
  int32_t id[8];
  if (!wants_times(argc, argv)) {
    ok(top_logits(value, id, &sum, x, 4, 1, 4, 5, 1, &e) == -1 && top_logits(value, id, &sum, x, 4, 1, 4, -1, 1, &e) == -1, "more than there are, or less than none, is an error");
    ok(top_logits(value, id, &sum, x, 4, 1, 4, 1, 0, &e) == -1 && top_logits(value, id, &sum, x, 4, 1, 4, 1, NAN, &e) == -1, "a temperature of 0 or NaN is an error");
    ok(top_logits(value, id, &sum, x, 4, 0, 4, 1, 1, &e) == 0, "no rows are no error");
  }
  return tap_done();
}
