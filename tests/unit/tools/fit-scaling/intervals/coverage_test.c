/* SPDX-License-Identifier: MIT
 *
 * What the default's 95% intervals promise, on 60 simulated tables a case.  An interval that holds the truth in 90% of tables
 * does so in fewer than 50 of 60 once in 30 times, one that does in 95% once in 2,000; the tables here are always the same.
 * tests/oracle/fit_scaling_coverage.py runs 200 tables of many kinds.
 */
#include <math.h>

#include "common/base/rng.h"
#include "tests/tap.h"
#include "tools/fit-scaling/forms/chinchilla.h"
#include "tools/fit-scaling/intervals/bootstrap.h"

enum { TABLES = 60, LEAST = 50, NUMBERS = 7 };

static const double truth[] = {1.8172, 477.83, 2143.4, .34731, .36717};
static const char *const number_name[NUMBERS] = {"E", "A", "B", "alpha", "beta", "N* at 10 times the compute", "the loss there"};

struct asked {
  int number;
  double flops;
};

static double number(const void *context, const double *law) {
  const struct asked *a = context;
  if (a->number < 5) return law[a->number];
  struct optimum o = chinchilla_optimum(law, a->flops);
  return a->number == 5 ? o.N : o.loss;
}

static double predicted(const void *context, const double *law) {
  const struct run *at = context;
  return chinchilla_loss(law, at->value[RUN_PARAMS], at->value[RUN_TOKENS]);
}

/* Budgets by sizes around the best; smaller budgets are noisier by (largest / C)^uneven. */
static void make(struct runs *runs, int budgets, int sizes, double noise, double uneven, struct rng *rng) {
  for (int b = 0; b < budgets; b++) {
    double flops = 6e18 * pow(10, .5 * b), best = chinchilla_optimum(truth, flops).N;
    for (int k = 0; k < sizes; k++) {
      double params = best * pow(4, -1 + 2. * k / (sizes - 1)), tokens = flops / 6 / params, scale = noise * pow(10, .5 * (budgets - 1 - b) * uneven);
      struct run run = run_of(params, tokens);
      run.value[RUN_LOSS] = chinchilla_loss(truth, params, tokens) * exp(scale * rng_normal(rng));
      runs_append(runs, &run, 0);
    }
  }
}

static void cover(const char *name, int budgets, int sizes, double noise, double uneven, enum objective objective) {
  int hits[NUMBERS] = {0}, runs_inside = 0, failed = 0;
  for (uint64_t table = 0; table < TABLES; table++) {
    struct rng rng;
    struct runs runs = {0};
    struct form_data d;
    struct fit best;
    struct bootstrap b;
    struct err e;
    rng_init(&rng, table);
    make(&runs, budgets, sizes, noise, uneven, &rng);
    struct form_options options = {.fit = {objective, 1e-3, 1}};
    if (form_bind(&d, &form_chinchilla, &options, &runs, &e) != 0) failed++;
    form_chinchilla.estimate(&best, &d, NULL, NULL);
    bootstrap_run(&b, &d, &best, &(struct bootstrap_options){150, table, 2, INTERVALS_AUTO, .95, &runs}, NULL, NULL);
    struct asked asked = {0, 6e19 * pow(10, .5 * (budgets - 1))};
    for (asked.number = 0; asked.number < NUMBERS; asked.number++) {
      struct interval interval = bootstrap_interval(&b, number, &asked);
      double true_value = number(&asked, truth);
      hits[asked.number] += interval.low <= true_value && interval.high >= true_value;
    }
    struct optimum o = chinchilla_optimum(best.parameter, asked.flops);
    struct run at = run_of(o.N, o.D);
    struct interval interval = bootstrap_run_interval(&b, predicted, &at, best.parameter, &at);
    double measured = chinchilla_loss(truth, o.N, o.D) * exp(noise * rng_normal(&rng));
    runs_inside += interval.low <= measured && interval.high >= measured;
    bootstrap_release(&b);
    form_release(&d);
    runs_release(&runs);
  }
  ok(failed == 0, "%s: every table is fitted", name);
  for (int i = 0; i < NUMBERS; i++) ok(hits[i] >= LEAST, "%s: %d of %d intervals hold %s", name, hits[i], TABLES, number_name[i]);
  ok(runs_inside >= LEAST, "%s: %d of %d further runs fall inside their interval", name, runs_inside, TABLES);
}

int main(void) {
  cover("20 runs, huber", 5, 4, .005, 0, OBJECTIVE_HUBER);
  cover("36 runs, squares", 6, 6, .01, 0, OBJECTIVE_SQUARES);
  cover("36 runs, small ones noisier, huber", 6, 6, .005, .2, OBJECTIVE_HUBER);
  cover("105 runs, huber", 7, 15, .01, 0, OBJECTIVE_HUBER);
  return tap_done();
}
