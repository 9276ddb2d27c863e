/* SPDX-License-Identifier: MIT
 *
 * Critical batch sizes: one sweep against scipy (tests/oracle/fit_scaling_minima.py), growth over targets, what does not
 * determine them.
 */
#include "tools/fit-scaling/forms/critical_batch.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"

static const struct form_options squares = {.fit = {OBJECTIVE_SQUARES, 1e-3}};

static void add(struct runs *runs, double params, double loss, double batch, double tokens, bool as_steps) {
  struct run run = run_of(params, as_steps ? NAN : tokens);
  run.value[RUN_FLOPS] = NAN;
  run.value[RUN_BATCH] = batch;
  run.value[RUN_LOSS] = loss;
  if (as_steps) run.value[RUN_STEPS] = tokens / batch;
  runs_append(runs, &run, 0);
}

static const char *fit_runs(struct fit *fit, struct form_data *d, const struct runs *runs) {
  struct err e = {0};
  if (form_bind(d, &form_critical_batch, &squares, runs, &e) != 0) return "bind";
  const char *why = d->form->undetermined(d, NULL);
  if (!why) d->form->estimate(fit, d, NULL, NULL);
  return why;
}

static void one_target(void) {
  static const double tokens[8] = {3221364361, 3190318311, 3338460639, 3976515196, 5112969776, 6860631093, 1.12066745e+10, 1.932100301e+10};
  for (int as_steps = 0; as_steps < 2; as_steps++) {
    struct runs runs = {0};
    struct form_data d;
    struct fit fit;
    for (int i = 0; i < 8; i++) add(&runs, NAN, NAN, 16384 * pow(2, i), tokens[i], as_steps);
    ok(fit_runs(&fit, &d, &runs) == NULL && d.parameters == 3 && fit.converged && !fit.at_bound, "one sweep, given in %s", as_steps ? "steps" : "tokens");
    ok(fabs(fit.parameter[0] / 2967089941 - 1) < 1e-6, "tokens_min is scipy's: %.9g", fit.parameter[0]);
    ok(fabs(fit.parameter[2] / 382527.4555 - 1) < 1e-6, "batch_critical is scipy's: %.9g", fit.parameter[2]);
    ok(fabs(fit.objective / .004563553939 - 1) < 1e-6, "so is the objective: %.9g", fit.objective);
    ok_near(fit.parameter[1] * fit.parameter[2] / fit.parameter[0], 1, 1e-12, "steps_min = tokens_min / batch_critical");
    struct run at = run_of(NAN, NAN);
    at.value[RUN_BATCH] = fit.parameter[2];
    ok_near(d.form->predict(&d, fit.parameter, &at) / fit.parameter[0], 2, 1e-12, "at the critical batch size it takes twice the tokens");
    form_release(&d);
    runs_release(&runs);
  }
}

static void several_targets(void) {
  struct runs runs = {0};
  struct form_data d;
  struct fit fit;
  for (int t = 0; t < 4; t++) {
    double loss = 3.6 - .2 * t, batch = 2e8 / pow(loss, 1 / .21), tokens = pow(batch / 20, 1 / .47);
    for (int i = 0; i < 5; i++) add(&runs, 1e8, loss, 8192 * pow(4, i), tokens * (1 + 8192 * pow(4, i) / batch), false);
  }
  ok(fit_runs(&fit, &d, &runs) == NULL && d.parameters == 4 * 3 + 4, "four target losses");
  ok_string(d.names[3], "tokens_min[3.4]", "parameters are named with their target");
  ok_string(d.names[15], "alpha_B", "then come the laws of growth");
  const double *law = fit.parameter + 12;
  ok_near(law[0], 20, 1e-6, "batch_c");
  ok_near(law[1], .47, 1e-8, "batch_D");
  ok(fabs(law[2] / 2e8 - 1) < 1e-6, "B_star");
  ok_near(law[3], .21, 1e-8, "alpha_B");
  struct run at = runs_row(&runs, 7), longer = run_of(1e9, 1e11);
  ok_near(d.form->predict(&d, fit.parameter, &at) / at.value[RUN_TOKENS], 1, 1e-8, "a run of a target is predicted by it");
  ok_near(d.form->predict_too(&d, fit.parameter, &longer) / (20 * pow(1e11, .47)), 1, 1e-7, "the critical batch size of a longer run");
  ok(isnan(d.form->predict(&d, fit.parameter, &longer)), "a run to another loss is not predicted");
  double weight[20];
  for (int i = 0; i < 20; i++) weight[i] = i < 16;
  ok(d.form->undetermined(&d, weight) != NULL, "a resample in which a target has one batch size is degenerate");
  form_release(&d);
  runs_release(&runs);

  runs = (struct runs){0};
  for (int t = 0; t < 2; t++)
    for (int i = 0; i < 3; i++) add(&runs, t ? 2e8 : 1e8, 3, 8192 * pow(4, i), 1e9 * (t + 1) * (1 + 8192 * pow(4, i) / 2e5), false);
  ok(fit_runs(&fit, &d, &runs) == NULL && d.parameters == 2 * 3 + 2, "two sizes to one loss: no law of the loss");
  ok_string(d.names[0], "tokens_min[100000000]", "parameters are named with the size");
  form_release(&d);
  runs_release(&runs);
}

static void refused(void) {
  struct runs runs = {0};
  struct form_data d;
  struct fit fit;
  struct err e = {0};
  for (int i = 0; i < 4; i++) add(&runs, NAN, NAN, 65536, 1e9 + i, false);
  const char *why = fit_runs(&fit, &d, &runs);
  ok(why && strstr(why, "two batch sizes"), "one batch size: %s", why);
  form_release(&d);
  for (int i = 0; i < 4; i++) add(&runs, NAN, NAN, 65536 * (i + 2), 1e9, false);
  ok(fit_runs(&fit, &d, &runs) == NULL && fit.at_bound == 1 << 2, "tokens that do not depend on the batch: its critical size runs to the bound");
  form_release(&d);
  add(&runs, NAN, NAN, 65536, NAN, false);
  ok(form_bind(&d, &form_critical_batch, &squares, &runs, &e) != 0 && strstr(e.message, "run 9 has neither"), "%s", e.message);
  form_release(&d);
  runs_release(&runs);
  runs = (struct runs){0};
  for (int i = 0; i < 40; i++) add(&runs, 1e8, 3 + .01 * i, 65536, 1e9, false);
  ok(form_bind(&d, &form_critical_batch, &squares, &runs, &e) != 0 && strstr(e.message, "targets"), "%s", e.message);
  form_release(&d);
  runs_release(&runs);
}

int main(void) {
  one_target();
  several_targets();
  refused();
  return tap_done();
}
