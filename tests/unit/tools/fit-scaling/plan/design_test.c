/* SPDX-License-Identifier: MIT
 *
 * The next runs: as good as the best of all candidates by numpy (tests/oracle/fit_scaling_plan.py), affordable, different, and
 * truly helpful when they are simulated.
 */
#include "tools/fit-scaling/plan/design.h"

#include <math.h>

#include "common/base/rng.h"
#include "tests/tap.h"

static double truth(double N, double D) { return 1.7 + 400 / pow(N, .34) + 400 / pow(D, .28); }

static void add(struct runs *runs, double N, double D, double noise, struct rng *rng) {
  struct run run = run_of(N, D);
  run.value[RUN_LOSS] = truth(N, D) * exp(noise * rng_normal(rng));
  runs_append(runs, &run, 0);
}

static void make(struct runs *runs, double noise, struct rng *rng) {
  static const double sizes[] = {1e7, 3e7, 1e8, 3e8, 1e9}, lengths[] = {1e8, 3e8, 1e9, 1e10};
  *runs = (struct runs){0};
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 4; k++) add(runs, sizes[i], lengths[k], noise, rng);
}

static int study(struct study *s, const struct runs *runs, const struct named_value *fixed, int count) {
  struct study_options o = {.form = form_find("chinchilla"), .fit = {.fit = {OBJECTIVE_SQUARES, 1e-3}, .fixed = fixed, .fixed_count = count}, .bootstrap = {0, 0, 1}};
  struct err e;
  return study_run(s, &o, runs, INFINITY, &e);
}

static void against_numpy(void) {
  struct runs runs;
  struct study s;
  struct rng rng;
  struct design d;
  const struct run target = run_of(1e10, 2e11);
  rng_init(&rng, 1);
  make(&runs, 0, &rng);
  if (!ok(study(&s, &runs, NULL, 0) == 0, "a noise-free law")) return;
  design_next(&d, &s, &target, &(struct design_options){1, 1e19, INFINITY});
  ok(d.count == 1 && d.shrink < .951322 * 1.001 && d.shrink >= .951322 * .9999, "one run shrinks the deviation to %.6f, the best of all candidates to 0.951322", d.shrink);
  ok(6 * d.N[0] * d.D[0] <= 1e19, "and is affordable");
  double one = d.shrink;
  design_next(&d, &s, &target, &(struct design_options){4, 1e19, INFINITY});
  bool apart = true;
  for (int i = 0; i < d.count; i++)
    for (int k = 0; k < i; k++) apart &= fabs(log(d.N[i] / d.N[k])) > .3 || fabs(log(d.D[i] / d.D[k])) > .3;
  ok(d.count == 4 && apart && d.shrink < one, "four of them are different and shrink it more: %.6f", d.shrink);
  design_next(&d, &s, &target, &(struct design_options){2, 1e19, 2e9});
  ok(d.count == 2 && d.D[0] <= 2e9 && d.D[1] <= 2e9, "none takes more tokens than there are");
  design_next(&d, &s, &target, &(struct design_options){3, 1e12, INFINITY});
  ok(d.count == 0 && d.shrink == 1, "nothing is affordable, nothing shrinks");
  study_release(&s);
  const struct named_value fixed[] = {{.name = "E", .value = 1.7}};
  if (!ok(study(&s, &runs, fixed, 1) == 0, "a law with E fixed")) return;
  design_next(&d, &s, &target, &(struct design_options){1, 1e19, INFINITY});
  ok(d.count == 1 && d.shrink < 1, "fixed parameters are certain: %.6f", d.shrink);
  study_release(&s);
  runs_release(&runs);
}

/* Root mean square error of the predicted log loss at the target, over simulated tables. */
static void simulated(void) {
  enum { TABLES = 60 };
  double error[2] = {0};
  struct design d = {0};
  const struct run target = run_of(1e10, 2e11);
  for (int t = 0; t < TABLES; t++)
    for (int more = 0; more < 2; more++) {
      struct runs runs;
      struct study s;
      struct rng rng;
      rng_init(&rng, 100 + (uint64_t)t);
      make(&runs, .002, &rng);
      for (int i = 0; more && i < d.count; i++) add(&runs, d.N[i], d.D[i], .002, &rng);
      if (study(&s, &runs, NULL, 0) == 0) {
        double off = log(s.data.form->predict(&s.data, s.fit.parameter, &target) / truth(1e10, 2e11));
        error[more] += off * off / TABLES;
        if (t == 0 && !more) design_next(&d, &s, &target, &(struct design_options){4, 1e20, INFINITY});
      }
      study_release(&s);
      runs_release(&runs);
    }
  double ratio = sqrt(error[1] / error[0]);
  ok(d.count == 4 && fabs(ratio - d.shrink) < .25 * d.shrink, "simulated, four runs shrink the error to %.3f; %.3f was promised", ratio, d.shrink);
}

int main(void) {
  against_numpy();
  simulated();
  return tap_done();
}
