/* SPDX-License-Identifier: MIT
 *
 * Machines and hours as FLOPs, and what contradicts itself.
 */
#include "tools/fit-scaling/plan/budget.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"

static const struct machine none = {NAN, NAN, NAN, NAN, NAN};

static bool refused(double flops, struct machine m, const char *says) {
  struct budget b;
  struct err e = {0};
  return budget_resolve(&b, flops, &m, &e) == -1 && e.kind == ERR_USAGE && strstr(e.message, says);
}

int main(void) {
  struct budget b;
  struct err e;
  ok(budget_resolve(&b, 1e21, &none, &e) == 0 && b.flops == 1e21 && isnan(b.rate) && !b.time_binds, "FLOPs are the budget");
  ok(budget_resolve(&b, NAN, &(struct machine){8, 400, NAN, 24, NAN}, &e) == 0 && fabs(b.flops / 2.7648e20 - 1) < 1e-12 && b.time_binds, "8 x 400 TFLOP/s x 24 h are 2.7648e20 FLOPs");
  ok(budget_resolve(&b, NAN, &(struct machine){NAN, .1, .5, 8, NAN}, &e) == 0 && fabs(b.flops / 1.44e15 - 1) < 1e-12 && fabs(b.rate / 5e10 - 1) < 1e-12, "one machine unless more are given; the share that is reached");
  ok(budget_resolve(&b, 1e20, &(struct machine){8, 400, NAN, 24, NAN}, &e) == 0 && b.flops == 1e20 && !b.time_binds && fabs(b.rate / 3.2e15 - 1) < 1e-12, "of FLOPs and hours the smaller is the budget: FLOPs");
  ok(budget_resolve(&b, 1e21, &(struct machine){8, 400, NAN, 24, NAN}, &e) == 0 && b.flops < 1e21 && b.time_binds, "or hours");
  ok(budget_resolve(&b, NAN, &(struct machine){4, NAN, NAN, NAN, 8e10}, &e) == 0 && isnan(b.flops) && isnan(b.rate), "machines of unknown speed give no budget");
  ok(refused(0, none, "--flops must be above 0"), "no FLOPs");
  ok(refused(INFINITY, none, "--flops"), "infinitely many");
  ok(refused(NAN, (struct machine){1, 1, NAN, 0, NAN}, "--hours must be above 0"), "no hours");
  ok(refused(NAN, (struct machine){0, 1, NAN, 1, NAN}, "--gpus"), "no machines");
  ok(refused(NAN, (struct machine){1.5, 1, NAN, 1, NAN}, "--gpus"), "half a machine");
  ok(refused(NAN, (struct machine){1, 1, 1.1, 1, NAN}, "--mfu"), "more than all that a machine can do");
  ok(refused(NAN, (struct machine){1, NAN, NAN, 1, NAN}, "--hours needs --tflops"), "hours of unknown speed");
  ok(refused(1e20, (struct machine){1, NAN, .4, NAN, NAN}, "--mfu is a share of --tflops"), "a share of unknown speed");
  ok(refused(NAN, (struct machine){1e200, 1e100, NAN, 1e100, NAN}, "more than can be counted"), "numbers without end");
  ok(budget_peak_of(989.4) && strstr(budget_peak_of(989.4), "H100") && budget_peak_of(312) && !budget_peak_of(400) && !budget_peak_of(NAN), "advertised peaks are known");
  return tap_done();
}
