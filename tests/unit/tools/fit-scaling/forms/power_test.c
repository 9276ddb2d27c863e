/* SPDX-License-Identifier: MIT
 *
 * The straight power law: the optimum of a convex objective, and tables that do not determine it.
 */
#include "tools/fit-scaling/forms/power.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"
#include "tests/unit/tools/fit-scaling/forms/expected.h"

static const double law[] = {28, .055, .052};

static const char *why_not(double (*pairs)[2], int count, const char *fix, double at) {
  struct named_value fixed = {(char *)fix, at};
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}, .fixed = &fixed, .fixed_count = fix != NULL};
  struct runs runs = {0};
  struct form_data d;
  struct err e = {0};
  for (int i = 0; i < count; i++) {
    struct run run = run_of(pairs[i][0], pairs[i][1]);
    run.value[RUN_LOSS] = 3;
    runs_append(&runs, &run, 0);
  }
  form_bind(&d, &form_power, &options, &runs, &e);
  const char *why = form_power.undetermined(&d, NULL);
  form_release(&d);
  runs_release(&runs);
  return why;
}

int main(void) {
  struct runs runs;
  double three[][2] = {{1e6, 1e8}, {1e7, 1e8}, {1e6, 1e9}}, line[][2] = {{1e6, 2e7}, {1e7, 2e8}, {1e8, 2e9}, {1e9, 2e10}}, same[][2] = {{1e6, 1e8}, {1e6, 1e9}, {1e6, 1e10}};
  expected_laws(&form_power);
  expected_runs(&runs, "tests/data/fit-scaling/loss_runs.tsv");
  expected_recovery(&form_power, law, POWER_PARAMETERS, &runs, 1e-7);
  ok(!why_not(three, 3, NULL, 0), "three runs that span both directions determine it");
  ok(why_not(three, 2, NULL, 0) && strstr(why_not(three, 2, NULL, 0), "free parameters"), "two do not");
  ok(why_not(line, 4, NULL, 0) && strstr(why_not(line, 4, NULL, 0), "beta=0"), "with equal tokens per parameter it says what would help");
  ok(!why_not(line, 4, "beta", 0), "and --fix beta=0 does");
  ok(why_not(same, 3, NULL, 0) != NULL, "one size does not");
  ok(!form_power.optimum, "it says nothing about budgets");
  runs_release(&runs);
  return tap_done();
}
