/* SPDX-License-Identifier: MIT
 *
 * Outliers are found among noise, none in a noise-free table.
 */
#include "tools/fit-scaling/study/residuals.h"

#include <math.h>

#include "common/base/rng.h"
#include "tests/tap.h"

static void study(struct study *s, double noise, double wild) {
  struct rng rng;
  struct runs runs = {0};
  struct err e = {0};
  rng_init(&rng, 11);
  for (int i = 0; i < 40; i++) {
    struct run run = run_of(1e7 * pow(10, 2 * rng_double(&rng)), 1e9 * pow(10, 2 * rng_double(&rng)));
    run.value[RUN_LOSS] = (1.7 + 400 / pow(run.value[RUN_PARAMS], .34) + 410 / pow(run.value[RUN_TOKENS], .28)) * exp(noise * rng_normal(&rng));
    if (i == 17) run.value[RUN_LOSS] *= wild;
    runs_append(&runs, &run, 0);
  }
  struct study_options options = {.form = form_find("chinchilla"), .fit.fit = {OBJECTIVE_HUBER, 1e-3}};
  ok(study_run(s, &options, &runs, INFINITY, &e) == 0, "forty runs, noise %g", noise);
  runs_release(&runs);
}

int main(void) {
  struct study s;
  struct residuals r;
  study(&s, .004, 1.05);
  residuals_init(&r, &s);
  ok(r.outliers == 1 && r.z[17] > OUTLIER_Z && fabs(r.value[17] - log(1.05)) < .01, "a run 5%% above the law is an outlier: z %.3g", r.z[17]);
  ok(r.scale > .002 && r.scale < .007, "the scale is the noise's: %.3g", r.scale);
  residuals_release(&r);
  study_release(&s);
  study(&s, 0, 1);
  residuals_init(&r, &s);
  ok_int(r.outliers, 0, "rounding errors are no outliers");
  residuals_release(&r);
  study_release(&s);
  return tap_done();
}
