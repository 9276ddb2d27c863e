/* SPDX-License-Identifier: MIT
 *
 * Gadre et al.'s law: the same numbers as theirs, an optimum at equal tokens per parameter, and fits against scipy's.
 */
#include "tools/fit-scaling/forms/over_training.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"
#include "tests/unit/tools/fit-scaling/forms/expected.h"
#include "tools/fit-scaling/forms/chinchilla.h"

static const double law[] = {1.51, 141, 190, .121}; /* Gadre et al. 2024, table 2: C4, evaluated on C4 */

int main(void) {
  struct runs runs;
  expected_laws(&form_over_training);
  expected_runs(&runs, "tests/data/fit-scaling/loss_runs.tsv");
  expected_recovery(&form_over_training, law, OVER_TRAINING_PARAMETERS, &runs, 1e-5);
  double m = 37, n = 4e8, d = m * n, c = 6 * n * d, published = law[0] + (law[1] * pow(m, law[3]) + law[2] * pow(m, -law[3])) * pow(c, -law[3]);
  ok(fabs(over_training_loss(law, n, d) / published - 1) < 1e-14, "the loss is that of their equation 4");
  double same[] = {law[0], law[1] * pow(6, -law[3]), law[2] * pow(6, -law[3]), 2 * law[3], 2 * law[3]};
  ok(fabs(chinchilla_loss(same, n, d) / published - 1) < 1e-14, "which is the chinchilla form with one exponent");
  for (double flops = 1e15; flops < 1e27; flops *= 1e4) {
    struct form_data data = {.form = &form_over_training};
    struct optimum o = over_training_optimum(law, flops), found = form_search_optimum(&data, law, flops);
    ok(fabs(6 * o.N * o.D / flops - 1) < 1e-12 && fabs(o.N / found.N - 1) < 1e-6, "the optimum for %g FLOPs is the lowest point along it", flops);
    ok(fabs(o.D / o.N / pow(law[2] / law[1], .5 / law[3]) - 1) < 1e-10, "at the same tokens per parameter");
  }
  double none[] = {1.5, 0, 10, .1};
  ok(isnan(over_training_optimum(none, 1e20).N), "a law without an optimum says so");
  struct runs line = {0};
  for (double size = 1e6; size < 1e9; size *= 5) {
    struct run run = run_of(size, 20 * size);
    run.value[RUN_LOSS] = over_training_loss(law, size, 20 * size);
    runs_append(&line, &run, 0);
  }
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}};
  struct form_data data;
  struct err e = {0};
  form_bind(&data, &form_over_training, &options, &line, &e);
  const char *why = form_over_training.undetermined(&data, NULL);
  ok(why && strstr(why, "tokens per parameter"), "runs of equal tokens per parameter do not determine it");
  form_release(&data);
  runs_release(&line);
  runs_release(&runs);
  return tap_done();
}
