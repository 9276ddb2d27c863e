/* SPDX-License-Identifier: MIT
 *
 * Kaplan et al.'s law: published numbers, its limits, its optimum, and fits against scipy's.
 */
#include "tools/fit-scaling/forms/kaplan.h"

#include <math.h>

#include "tests/tap.h"
#include "tests/unit/tools/fit-scaling/forms/expected.h"

static const double published[] = {6.4e13, 1.8e13, .076, .103}; /* Kaplan et al. 2020, table 2 */

/* Runs with a floor, as irreducible loss makes them: a small alpha_D and a D_c beyond all runs. */
static const double floored[] = {2.3e12, 2.9e49, .0479, .00558};

int main(void) {
  struct runs runs;
  expected_laws(&form_kaplan);
  expected_runs(&runs, "tests/data/fit-scaling/loss_runs.tsv");
  expected_recovery(&form_kaplan, published, KAPLAN_PARAMETERS, &runs, 1e-5);
  expected_recovery(&form_kaplan, floored, KAPLAN_PARAMETERS, &runs, 1e-3);
  ok_near(kaplan_loss(published, 1e9, 1e30), pow(6.4e13 / 1e9, .076), 1e-9, "with unlimited tokens it is the power law of params");
  ok_near(kaplan_loss(published, 1e30, 1e9), pow(1.8e13 / 1e9, .103), 1e-9, "with unlimited params it is the power law of tokens");
  for (double flops = 1e15; flops < 1e27; flops *= 1e4) {
    struct form_data d = {.form = &form_kaplan};
    struct optimum o = kaplan_optimum(published, flops), found = form_search_optimum(&d, published, flops);
    bool lowest = fabs(6 * o.N * o.D / flops - 1) < 1e-12 && fabs(o.N / found.N - 1) < 1e-6 && o.loss <= found.loss * (1 + 1e-14);
    ok(lowest, "the optimum for %g FLOPs is the lowest point along it: N %.9g, %.9g", flops, o.N, found.N);
  }
  runs_release(&runs);
  return tap_done();
}
