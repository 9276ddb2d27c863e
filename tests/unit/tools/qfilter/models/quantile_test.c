/* SPDX-License-Identifier: MIT
 *
 * Ranks: exact for few numbers, within the stated error for a million in any order, the same for the same order.
 */
#include "tools/qfilter/models/quantile.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

enum { N = 1000000 };

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void check_few(void) {
  struct quantile q = {0};
  static const double values[] = {3, 1, 2, 2, NAN, 5};
  for (int i = 0; i < 6; i++) quantile_add(&q, values[i]);
  quantile_finish(&q);
  ok(q.total == 5 && quantile_below(&q, 2) == 0.2 && quantile_above(&q, 2) == 0.4 && quantile_below(&q, 0) == 0 && quantile_above(&q, 0) == 1 && quantile_below(&q, 9) == 1 && quantile_above(&q, 4) == 0.2, "ranks of a few numbers are exact; NAN is left out");
  ok(isnan(quantile_below(&q, NAN)) && isnan(quantile_above(&q, NAN)), "NAN has no rank");
  ok(quantile_top(&q, 0.2) == 5 && quantile_top(&q, 0.3) == 3 && quantile_top(&q, 0.5) == 2 && quantile_top(&q, 1) == 1, "the least number of a top fraction; equal numbers stay together");
  quantile_release(&q);
  quantile_finish(&q);
  ok(isnan(quantile_below(&q, 1)) && isnan(quantile_top(&q, 0.5)), "no numbers, no ranks");
  quantile_release(&q);
  ok(quantile_error(1000) == 0 && quantile_error(65535) == 0 && quantile_error(65536) == 1.0 / 65536 && quantile_error(1000000000) < 0.00022, "the error is 0 for few, 0.0002 for a thousand million");
}

/* The largest error of a share over all values. */
static double worst(const double *values, const double *sorted, struct quantile *q) {
  for (int i = 0; i < N; i++) quantile_add(q, values[i]);
  quantile_finish(q);
  double most = 0;
  for (int i = 0; i < N; i += 37) {
    int below = i, above = i + 1;
    while (below > 0 && sorted[below - 1] == sorted[i]) below--;
    while (above < N && sorted[above] == sorted[i]) above++;
    double d = fabs(quantile_below(q, sorted[i]) - (double)below / N), u = fabs(quantile_above(q, sorted[i]) - (double)(N - above) / N);
    if (d > most) most = d;
    if (u > most) most = u;
  }
  return most;
}

int main(void) {
  check_few();
  double *values = NEW_ARRAY(double, N), *sorted = NEW_ARRAY(double, N);
  struct rng rng;
  rng_init(&rng, 1);
  static const char *const orders[] = {"random", "rising", "falling", "in waves", "few different", "skewed"};
  for (int order = 0; order < 6; order++) {
    for (int i = 0; i < N; i++) {
      double r = rng_double(&rng);
      values[i] = order == 0 ? r : order == 1 ? i : order == 2 ? -i : order == 3 ? (i % 65536) * 1e-6 + i : order == 4 ? (double)(i % 7) : pow(r, 20);
    }
    for (int i = 0; i < N; i++) sorted[i] = values[i];
    qsort(sorted, N, sizeof *sorted, by_value);
    struct quantile q = {0}, again = {0};
    double error = worst(values, sorted, &q);
    ok(error <= quantile_error(N) && q.weight == N, "%s numbers: shares are wrong by %.3g at most, as stated: %.3g", orders[order], error, quantile_error(N));
    worst(values, sorted, &again);
    bool same = again.step_count == q.step_count;
    for (size_t i = 0; same && i < q.step_count; i++) same = q.steps[i].value == again.steps[i].value && q.steps[i].weight == again.steps[i].weight;
    ok(same, "and the same again");
    quantile_release(&q);
    quantile_release(&again);
  }
  free(values);
  free(sorted);
  return tap_done();
}
