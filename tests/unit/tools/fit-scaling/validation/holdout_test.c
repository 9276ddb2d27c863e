/* SPDX-License-Identifier: MIT
 *
 * Which runs are held out, and that a law which is true scores them at its noise.
 */
#include "tools/fit-scaling/validation/holdout.h"

#include <math.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/tap.h"

/* Budgets 1e17, 1e18, 1e19, 1e20, five sizes each. */
static void make(struct runs *runs, double noise, uint64_t seed) {
  struct rng rng;
  rng_init(&rng, seed);
  *runs = (struct runs){0};
  for (int b = 0; b < 4; b++)
    for (int i = 0; i < 5; i++) {
      double flops = 1e17 * pow(10, b), params = sqrt(flops / 120) * pow(2, i - 2);
      struct run run = run_of(params, flops / 6 / params);
      run.value[RUN_LOSS] = (1.7 + 400 / pow(params, .34) + 410 / pow(run.value[RUN_TOKENS], .28)) * exp(noise * rng_normal(&rng));
      runs_append(runs, &run, 0);
    }
}

static void choosing(void) {
  struct holdout h;
  struct err e = {0};
  struct runs runs;
  make(&runs, 0, 1);
  ok(holdout_parse(&h, "above=1e19", &e) == 0 && holdout_above(&h, &runs) == 1e19, "above=FLOPS is taken as it is");
  ok(holdout_parse(&h, "above=3Q", &e) == -1 && holdout_parse(&h, "top=1.5", &e) == -1 && holdout_parse(&h, "above=-1", &e) == -1 && holdout_parse(&h, "below=2", &e) == -1,
     "what is neither a number of FLOPs nor a fraction is refused");
  ok(strstr(e.message, "above=FLOPS or top=FRACTION") != NULL, "with what is right");
  ok(holdout_parse(&h, "top=.2", &e) == 0, "top=FRACTION");
  double above = holdout_above(&h, &runs);
  ok(above > .9e19 && above < 1.1e19, "a fifth of four budgets is the largest one: %g", above);
  holdout_parse(&h, "top=.3", &e);
  above = holdout_above(&h, &runs);
  ok(above > .9e18 && above < 1.1e18, "three tenths are two: budgets stay whole (%g)", above);
  holdout_parse(&h, "top=.99", &e);
  ok(isinf(holdout_above(&h, &runs)), "all runs cannot be held out");
  runs_release(&runs);
  struct run one = run_of(1e6, 1e8);
  one.value[RUN_LOSS] = 3;
  struct runs same = {0};
  runs_append(&same, &one, 0);
  runs_append(&same, &one, 0);
  holdout_parse(&h, "top=.2", &e);
  ok(isinf(holdout_above(&h, &same)), "nor can one of a single budget");
  runs_release(&same);
}

static void scoring(void) {
  struct runs runs;
  struct study s;
  struct err e = {0};
  struct study_options options = {.form = form_find("chinchilla"), .fit.fit = {OBJECTIVE_HUBER, 1e-3}};
  make(&runs, 0, 1);
  ok(study_run(&s, &options, &runs, 2e19, &e) == 0 && s.held_out.count == 5, "the largest budget is held out");
  struct holdout_score score = holdout_score(&s);
  ok(score.count == 5 && score.mape < 1e-4 && fabs(score.bias) < 1e-4, "a noise-free law predicts it: %.3g%%", score.mape);
  ok(isnan(score.coverage), "without a bootstrap there is no interval to be in");
  for (size_t i = 0; i < s.held_out.count; i++) s.held_out.column[RUN_LOSS][i] *= i % 2 ? 1 / 1.02 : 1 / .98;
  score = holdout_score(&s);
  ok_near(score.mape, 2, .01, "errors of 2% either way are 2% in the mean");
  ok_near(score.bias, (2 * 2 - 2 * 3) / 5., .01, "and nearly cancel in the bias");
  study_release(&s);
  runs_release(&runs);

  make(&runs, .005, 3);
  options.bootstrap.resamples = 200;
  options.bootstrap.jobs = 2;
  ok(study_run(&s, &options, &runs, 2e19, &e) == 0, "with a little noise");
  score = holdout_score(&s);
  ok(score.mape < 3 && score.coverage >= 0 && score.coverage <= 1, "the error is of its size: %.3g%%, coverage %.2g", score.mape, score.coverage);
  study_release(&s);
  ok(study_run(&s, &options, &runs, 1, &e) == -1 && strstr(e.message, "all are held out"), "nothing left to fit is said");
  study_release(&s);
  runs_release(&runs);
}

int main(void) {
  choosing();
  scoring();
  return tap_done();
}
