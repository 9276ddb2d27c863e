/* SPDX-License-Identifier: MIT
 *
 * Allocations against scipy's (tests/oracle/fit_scaling_plan.py) and against Sardana et al. 2023: a 13B model with 2e12 tokens of
 * inference had better be a 7B one, which saves 17% (figure 1); a 30B one with 1e13 a 13.6B one on 2.84 times the data, which
 * saves 28% (section 3).
 */
#include "tools/fit-scaling/plan/allocation.h"

#include <math.h>

#include "tests/tap.h"
#include "tools/fit-scaling/forms/chinchilla.h"

static const struct form_data data = {.form = &form_chinchilla, .parameters = CHINCHILLA_PARAMETERS};
static const double besiroglu[] = {1.8172, 482.01, 2085.43, .3478, .3658}, sardana[] = {1.69, 406.4, 410.7, .336, .283};
static const struct law law = {&data, besiroglu};

static bool near(double got, double want) { return fabs(got / want - 1) < 1e-5; }

static struct allocation_request request(double flops) { return (struct allocation_request){.flops = flops, .unique = INFINITY, .repeats = 4}; }

static void compute(void) {
  struct allocation_request r = request(5.76e23);
  struct allocation a = allocate(&law, &r);
  ok(near(a.N, 7.22487025e10) && near(a.D, 1.32874359e12), "5.76e23 FLOPs, Chinchilla's: 72G parameters, 1.33T tokens (%.9g, %.9g)", a.N, a.D);
  ok(near(a.flops, 5.76e23) && !a.data_binds && !a.repeats_bind && a.serving_flops == 0, "6 N D is the budget");
  const double flat[] = {1.8, 400, 400, 0, .3};
  a = allocate(&(struct law){&data, flat}, &r);
  ok(isnan(a.N) && isnan(a.D), "a law without an optimum has no plan");
}

static void data_limit(void) {
  struct allocation_request r = request(1e22);
  r.unique = 1e11;
  struct allocation a = allocate(&law, &r);
  ok(near(a.N, 8.33005785e9) && near(a.D, 2.00078643e11) && near(a.loss, 2.14390898), "1e22 FLOPs and 100G tokens: twice over them, fewer parameters (%.9g, %.9g, %.9g)", a.N, a.D, a.loss);
  ok(a.data_binds && !a.repeats_bind && a.free_loss < a.loss, "the data binds, the repeats do not");
  r.unique = 1e12;
  struct allocation free = allocate(&law, &r), unlimited = allocate(&law, &(struct allocation_request){1e22, INFINITY, 1, 0, SERVING_SAME_LOSS});
  ok(free.D == unlimited.D && !free.data_binds, "a limit above the optimum changes nothing");
  r.unique = 1e10;
  a = allocate(&law, &r);
  ok(a.repeats_bind && fabs(a.D / 4e10 - 1) < 1e-9 && a.flops < .5e22, "10G tokens are used up after four passes, the budget is not (%.4g)", a.flops);
  struct run all = allocation_run(&law, 1e22 / 6 / 4e10, 4e10, 1e10);
  double whole = chinchilla_loss(besiroglu, all.value[RUN_PARAMS], all.value[RUN_TOKENS]);
  ok(a.loss > whole && a.loss <= 1.00101 * whole, "for less than a thousandth of the loss (%.6g, %.6g)", a.loss, whole);
  r.repeats = 1;
  a = allocate(&law, &r);
  ok(a.repeats_bind && a.D == 1e10 && a.N > 1e9, "one pass: D is the data");
  struct allocation_request only = {.flops = NAN, .unique = 3e11, .repeats = 1};
  a = allocate(&law, &only);
  ok(a.D == 3e11 && near(allocate(&law, &(struct allocation_request){a.flops, INFINITY, 1, 0, SERVING_SAME_LOSS}).D, 3e11), "without a budget the plan is the one for which the data is the best D (N %.4g)", a.N);
  only.repeats = 4;
  struct allocation four = allocate(&law, &only);
  ok(four.D == 1.2e12 && four.N > a.N && four.loss < a.loss, "more passes are worth a larger model");
}

static void discount(void) {
  struct run once = allocation_run(&law, 1e9, 9e9, 1e10), four = allocation_run(&law, 1e8, 4e10, 1e10);
  ok(once.value[RUN_PARAMS] == 1e9 && once.value[RUN_TOKENS] == 9e9, "up to U tokens the law is asked about N and D");
  double want = 1e10 + 1e10 * 15.387756 * (1 - exp(-3 / 15.387756));
  ok(near(four.value[RUN_TOKENS], want) && four.value[RUN_PARAMS] == 1e8, "four passes are worth %.4g of four", four.value[RUN_TOKENS] / 1e10);
  ok(allocation_loss(&law, 1e8, 4e10, 1e10) > allocation_loss(&law, 1e8, 4e10, INFINITY), "and reach less than new tokens do");
  double D = allocation_tokens_for(&law, 1e9, 2.5, INFINITY, INFINITY);
  ok(near(chinchilla_loss(besiroglu, 1e9, D), 2.5), "tokens that reach a loss");
  ok(isnan(allocation_tokens_for(&law, 1e9, 1.82, INFINITY, INFINITY)), "a loss below what N parameters can reach");
}

static void inference_of_little_data(void) {
  struct allocation_request r = request(1e22);
  r.unique = 1e10, r.served = 1e12;
  struct allocation a = allocate(&law, &r);
  ok(a.repeats_bind && isfinite(a.N) && fabs(a.D / 4e10 - 1) < 1e-6, "where the data is used up serving changes nothing: fewer parameters do not reach the loss (%.4g)", a.N);
  r.serving = SERVING_IN_BUDGET, r.served = 1e11;
  a = allocate(&law, &r);
  ok(a.repeats_bind && a.flops + a.serving_flops < .6e22 && a.serving_flops > .5 * a.flops, "and what the law cannot use is not spent: %.4g", a.flops + a.serving_flops);
}

static void inference(void) {
  const struct law paper = {&data, sardana};
  struct allocation_request r = request(4.55e22);
  r.served = 2e12;
  struct allocation a = allocate(&paper, &r);
  double total = a.flops + a.serving_flops, instead = 4.55e22 + 2 * a.free_N * 2e12;
  ok(near(a.N, 7.01831387e9) && near(a.D, 1.2525743e12) && near(total, 8.08190128e22), "13B for 2e12 tokens: 7.0B (%.9g, %.9g, %.9g)", a.N, a.D, total);
  ok(fabs((instead - total) / instead - .17) < .005 && fabs((instead - total) / 1.7e22 - 1) < .01, "saves 1.7e22 FLOPs, 17%%: %.4g", instead - total);
  ok(near(a.loss, a.free_loss), "at the same loss");
  r = request(2.8e23);
  r.served = 1e13;
  a = allocate(&paper, &r);
  total = a.flops + a.serving_flops, instead = 2.8e23 + 2 * a.free_N * 1e13;
  ok(fabs(a.N / 13.6e9 - 1) < .01 && fabs(a.D / a.free_D / 2.84 - 1) < .01 && fabs((instead - total) / instead - .28) < .005, "30B for 1e13: 13.6B on 2.84 times the data, 28%% less (%.4g, %.3f, %.3f)", a.N,
     a.D / a.free_D, (instead - total) / instead);
  r = request(1e23);
  r.served = 1e12, r.serving = SERVING_IN_BUDGET;
  a = allocate(&law, &r);
  ok(near(a.N, 1.49329079e10) && near(a.D, 7.82769892e11) && near(a.loss, 2.04967708) && near(a.flops + a.serving_flops, 1e23), "all from the budget (%.9g, %.9g, %.9g)", a.N, a.D, a.loss);
  r.unique = 1e11;
  a = allocate(&law, &r);
  ok(a.data_binds && a.D <= 4e11 * (1 + 1e-9) && a.flops + a.serving_flops <= 1e23 * (1 + 1e-9), "with limited data too");
}

int main(void) {
  compute();
  data_limit();
  discount();
  inference();
  inference_of_little_data();
  return tap_done();
}
