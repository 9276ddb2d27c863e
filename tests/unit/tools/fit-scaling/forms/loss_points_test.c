/* SPDX-License-Identifier: MIT
 *
 * Centres, what runs must hold to determine a law, and coordinates that are fixed.
 */
#include "tools/fit-scaling/forms/loss_points.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"

static void add(struct runs *runs, double params, double tokens, double loss) {
  struct run run = run_of(params, tokens);
  run.value[RUN_LOSS] = loss;
  runs_append(runs, &run, 0);
}

/* ---- an estimate whose curve fits wherever it is: descents end where they begin */

static double fits(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct loss_points *p = context;
  (void)theta;
  if (gradient) gradient[0] = gradient[1] = hessian[0] = hessian[1] = hessian[2] = 0;
  return p->log_loss[i];
}

static int starts(double (*from)[PARAMETERS_MAX], const struct form_data *d, const double *weight) {
  (void)d, (void)weight;
  from[0][0] = .7, from[0][1] = .5;
  return 1;
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  (void)d;
  fit->parameter[0] = 2 * fit->theta[0];
}

static void estimate(const struct loss_points *p) {
  struct form form = {.set_parameters = set_parameters};
  struct curve c = {.parameters = 2, .count = p->count, .target = p->log_loss, .low = {p->lowest - LOG_E_BELOW, 0}, .high = {2, 1}, .longest = {1, 1}, .value = fits, .context = p};
  struct form_data d = {.form = &form, .curve = &c, .options.fit = {OBJECTIVE_SQUARES, 1}};
  struct fit fit;
  loss_points_estimate(&fit, &d, NULL, NULL, p, 0, starts);
  ok(fit.starts == 1 && fit.theta[0] == .7 && fit.parameter[0] == 1.4, "without a start it takes the form's, and sets the parameters");
  loss_points_estimate(&fit, &d, NULL, (double[]){.3, .4}, p, 0, starts);
  ok(fit.theta[0] == .3 && fit.theta[1] == .4, "a given start stays");
  loss_points_estimate(&fit, &d, NULL, (double[]){p->lowest - 20, .4}, p, 0, starts);
  ok(fit.theta[0] == p->lowest - 3 && fit.theta[1] == .4, "but for a log E that could not rise");
  loss_points_estimate(&fit, &d, NULL, (double[]){p->lowest - 20, .4}, p, NO_LOG_E, starts);
  ok(fit.theta[0] == p->lowest - 20, "a law without one has no such coordinate");
}

int main(void) {
  struct runs runs = {0};
  struct loss_points p;
  add(&runs, 1e6, 1e8, 4);
  add(&runs, 1e8, 1e8, 3);
  add(&runs, 1e6, 1e10, 2);
  add(&runs, 1e6, 1e10, 2.1);
  loss_points_init(&p, &runs);
  ok_near(p.centre_params, log(1e6) * .75 + log(1e8) * .25, 1e-12, "the centre is the mean logarithm");
  ok_near(p.log_params[1] + p.centre_params, log(1e8), 1e-12, "logarithms are less their centre");
  ok(p.lowest == log(2) && p.highest == log(4), "the range of log loss");
  loss_points_centre_params(&p, 0);
  loss_points_centre_tokens(&p, 1);
  ok_near(p.log_params[1], log(1e8), 1e-12, "a centre moves to 0");
  ok_near(p.log_tokens[2], log(1e10) - 1, 1e-12, "or elsewhere");

  ok(!loss_points_missing(&p, NULL, 3, 2, 2), "three different pairs, two params, two tokens are there");
  ok(strstr(loss_points_missing(&p, NULL, 4, 2, 2), "free parameters") != NULL, "a duplicate is not a fourth pair");
  ok(strstr(loss_points_missing(&p, NULL, 3, 3, 2), "params") != NULL, "three params are not there");
  ok(strstr(loss_points_missing(&p, NULL, 3, 2, 3), "tokens") != NULL, "nor are three tokens");
  double without[] = {1, 0, 1, 1};
  ok(loss_points_missing(&p, without, 3, 2, 2) != NULL && !loss_points_missing(&p, without, 2, 1, 2), "points of weight 0 do not count");

  ok(!loss_points_on_a_line(&p, NULL), "three corners are not on a line");
  ok(loss_points_on_a_line(&p, without), "two points are");
  ok(!loss_points_equal_ratio(&p, NULL), "tokens per parameter differ");
  double one[] = {0, 0, 1, 1};
  ok(loss_points_equal_ratio(&p, one), "and do not where only one pair is left");

  struct curve c = {.parameters = 2, .low = {-50, 0}, .high = {2, 1}};
  struct fit fit = {.theta = {p.lowest - 20}};
  ok(curve_is_free(&c, 0) && loss_points_irreducible(&p, &c, &fit, 0) < 1e-8 && fit.at_bound == 1, "an irreducible loss near 0 is at its bound");
  curve_fix(&c, 0, p.lowest - LOG_E_BELOW);
  fit.at_bound = 0;
  ok(!curve_is_free(&c, 0) && loss_points_irreducible(&p, &c, &fit, 0) == 0 && fit.at_bound == 0, "unless it was fixed at 0");
  curve_fix(&c, 1, NAN);
  ok(curve_is_free(&c, 1), "what is not a number fixes nothing");
  estimate(&p);
  loss_points_release(&p);
  runs_release(&runs);
  return tap_done();
}
