/* SPDX-License-Identifier: MIT
 *
 * Which runs share a budget, from exact FLOPs to points read off a figure.
 */
#include "tools/fit-scaling/forms/budgets.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

/* Three budgets of five runs, a factor 3 apart, scattered by up to `scatter`; two runs alone. */
static size_t find(uint32_t budget[17], double scatter) {
  double log_flops[17];
  struct rng rng;
  rng_init(&rng, 3);
  for (int i = 0; i < 15; i++) log_flops[i] = log(1e18) + (i % 3) * log(3) + scatter * (rng_double(&rng) - .5);
  log_flops[15] = log(1e18) + .5;
  log_flops[16] = log(1e20);
  return budgets_find(budget, log_flops, 17);
}

int main(void) {
  uint32_t budget[17];
  ok_int((int64_t)find(budget, 0), 3, "three exact budgets");
  bool right = true;
  for (int i = 0; i < 15; i++) right &= budget[i] == (uint32_t)(i % 3);
  ok(right, "each run is in its own, numbered by ascending compute");
  ok(budget[15] == BUDGET_NONE && budget[16] == BUDGET_NONE, "runs alone are in none");
  ok_int((int64_t)find(budget, .015), 3, "budgets that agree within 1.5%%");
  ok(budget[15] == BUDGET_NONE && budget[0] == 0 && budget[14] == 2, "are found with a wider tolerance");

  enum { MANY = 3000 };
  double *log_flops = NEW_ARRAY(double, MANY);
  uint32_t *of = NEW_ARRAY(uint32_t, MANY);
  struct rng rng;
  rng_init(&rng, 4);
  for (int i = 0; i < MANY; i++) log_flops[i] = 40 + 10 * rng_double(&rng);
  size_t n = budgets_find(of, log_flops, MANY);
  ok(n >= 60 && n < BUDGETS_MAX, "compute that is spread evenly gives windows of 16%%: %zu", n);
  double low[BUDGETS_MAX], high[BUDGETS_MAX];
  for (size_t b = 0; b < n; b++) low[b] = INFINITY, high[b] = -INFINITY;
  for (int i = 0; i < MANY; i++)
    if (of[i] != BUDGET_NONE) low[of[i]] = fmin(low[of[i]], log_flops[i]), high[of[i]] = fmax(high[of[i]], log_flops[i]);
  right = true;
  for (size_t b = 0; b < n; b++) right &= high[b] - low[b] <= .16 && (b == 0 || low[b] > high[b - 1]);
  ok(right, "none wider, none overlapping");
  ok_int((int64_t)budgets_find(of, log_flops, 0), 0, "no runs, no budgets");
  for (int i = 0; i < MANY; i++) log_flops[i] = 42;
  ok_int((int64_t)budgets_find(of, log_flops, MANY), 1, "one budget");
  free(log_flops);
  free(of);
  return tap_done();
}
