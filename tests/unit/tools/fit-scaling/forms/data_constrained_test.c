/* SPDX-License-Identifier: MIT
 *
 * Muennighoff et al.'s law: the numbers of their README, its limits, budgets under a limit of data, fits against scipy's, and
 * tables that cannot tell what repeats are worth.
 */
#include "tools/fit-scaling/forms/data_constrained.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"
#include "tests/unit/tools/fit-scaling/forms/expected.h"
#include "tools/fit-scaling/forms/chinchilla.h"

static double c4[DATA_CONSTRAINED_PARAMETERS]; /* their fit to runs on C4 */

static void published(void) {
  static const double logs[] = {.6254804, 6.255414, 7.3049974};
  for (int i = 0; i < 3; i++) c4[i] = exp(logs[i]);
  c4[DATA_CONSTRAINED_ALPHA] = c4[DATA_CONSTRAINED_BETA] = .3526596;
  c4[DATA_CONSTRAINED_RD] = 15.387756, c4[DATA_CONSTRAINED_RN] = 5.309743;
  ok_near(data_constrained_loss(c4, 6.34e9, 242e9, 25e9), 2.2256440889984477, 1e-14, "6.34G params, 242G tokens, 25G of them different: the loss of their README");
  ok_near(data_constrained_loss(c4, 8.67e9, 178e9, 25e9), 2.2269634075087867, 1e-14, "and 8.67G params, 178G tokens");
  struct form_data d = {.form = &form_data_constrained, .options.unique_tokens = 25e9};
  struct optimum o = form_search_optimum(&d, c4, 6 * 8.67e9 * 178e9);
  ok(fabs(o.D / 227e9 - 1) < .003 && fabs(o.N / 6.8e9 - 1) < .003, "their optimum for that budget: 227G tokens, 6.8G params; here %.4g, %.4g", o.D, o.N);
  d.options.unique_tokens = 0;
  struct optimum plenty = form_search_optimum(&d, c4, 6 * 8.67e9 * 178e9), base = chinchilla_optimum(c4, 6 * 8.67e9 * 178e9);
  ok(plenty.loss < o.loss, "with plenty of data the loss is lower");
  ok(fabs(plenty.N / base.N - 1) < 1e-4 && fabs(plenty.loss / base.loss - 1) < 1e-9, "and the optimum that of the law without repeats: %.9g, %.9g", plenty.N, base.N);
}

static void limits(void) {
  double base = chinchilla_loss(c4, 1e8, 1e10);
  ok(fabs(data_constrained_loss(c4, 1e8, 1e10, 1e10) / base - 1) < 1e-13, "one pass with params below the optimum is the chinchilla form");
  ok(fabs(data_constrained_loss(c4, 1e8, 1e10, 1e12) / base - 1) < 1e-13, "more data than are read do not matter");
  double once = data_constrained_loss(c4, 1e8, 1e10, 1e10), often = data_constrained_loss(c4, 1e8, 1e10, 1e9);
  ok(once < often, "repeats are worth less than new data");
  double forever = data_constrained_loss(c4, 1e7, 1e16, 1e9), bound = chinchilla_loss(c4, 1e7, 1e9 * (1 + c4[DATA_CONSTRAINED_RD]));
  ok(fabs(forever / bound - 1) < 1e-13, "any number of repeats is worth 1 + R_D passes");
  double many = data_constrained_loss(c4, 1e16, 1e9, 1e9), un = pow(c4[DATA_CONSTRAINED_A] / c4[DATA_CONSTRAINED_B], 1 / c4[DATA_CONSTRAINED_ALPHA]) * 1e9;
  ok(fabs(many / chinchilla_loss(c4, un * (1 + c4[DATA_CONSTRAINED_RN]), 1e9) - 1) < 1e-13, "any number of params 1 + R_N times the best for the data");
  double worse = 0, previous = INFINITY;
  for (double d = 1e9; d < 1e14; d *= 1.3) {
    double loss = data_constrained_loss(c4, 1e8, d, 1e9);
    worse = fmax(worse, loss - previous);
    previous = loss;
  }
  ok(worse < 1e-14, "more repeats never raise the loss");
}

static const char *why_not(const struct runs *runs, bool repeats, const char *fix) {
  struct named_value fixed = {(char *)fix, 15.4};
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}, .fixed = &fixed, .fixed_count = fix != NULL};
  struct runs some = {0};
  struct form_data d;
  struct err e = {0};
  for (size_t i = 0; i < runs->count; i++) {
    struct run run = runs_row(runs, i);
    if (!repeats) run.value[RUN_UNIQUE_TOKENS] = NAN;
    runs_append(&some, &run, 0);
  }
  form_bind(&d, &form_data_constrained, &options, &some, &e);
  const char *why = form_data_constrained.undetermined(&d, NULL);
  form_release(&d);
  runs_release(&some);
  return why;
}

int main(void) {
  static const double law[] = {1.9, 480, 1100, .33, .31, 9, 4};
  struct runs runs;
  published();
  limits();
  expected_laws(&form_data_constrained);
  expected_runs(&runs, "tests/data/fit-scaling/loss_runs.tsv");
  expected_recovery(&form_data_constrained, law, DATA_CONSTRAINED_PARAMETERS, &runs, 1e-5);
  ok(!why_not(&runs, true, NULL), "runs that repeat data determine it");
  const char *why = why_not(&runs, false, NULL);
  ok(why && strstr(why, "--fix R_D"), "without repeats it says that R_D cannot be determined, and what to do");
  ok(!why_not(&runs, false, "R_D"), "and with R_D fixed they do");
  runs_release(&runs);
  return tap_done();
}
