/* SPDX-License-Identifier: MIT
 *
 * log L is linear in its coordinates (log K, alpha, beta), and the objectives are convex: one start suffices.
 */
#include "tools/fit-scaling/forms/power.h"

#include <math.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/forms/loss_points.h"

enum { P = POWER_PARAMETERS };

static const double exponent_most = 5;

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct loss_curve *p = context;
  double n = p->runs.log_params[i], d = p->runs.log_tokens[i];
  if (gradient) {
    gradient[POWER_K] = 1, gradient[POWER_ALPHA] = -n, gradient[POWER_BETA] = -d;
    for (int k = 0; k < P * (P + 1) / 2; k++) hessian[k] = 0;
  }
  return theta[POWER_K] - theta[POWER_ALPHA] * n - theta[POWER_BETA] * d;
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  static const char *const names[P] = {"K", "alpha", "beta"};
  struct loss_curve *p = NEW(struct loss_curve);
  double K = form_fixed(&d->options, "K"), alpha = form_fixed(&d->options, "alpha"), beta = form_fixed(&d->options, "beta");
  d->own = p;
  d->curve = &p->curve;
  d->parameters = P;
  d->names = names;
  loss_points_init(&p->runs, runs);
  if (K <= 0) return err_usage(e, "--fix: K of the law %s is above 0", d->form->name);
  if (!isnan(K)) { /* the factor is a coordinate only of uncentred logarithms */
    loss_points_centre_params(&p->runs, 0);
    loss_points_centre_tokens(&p->runs, 0);
  }
  double lowest = p->runs.lowest, highest = p->runs.highest;
  p->curve = (struct curve){.parameters = P, .count = p->runs.count, .target = p->runs.log_loss, .value = value, .context = p,
                            .low = {lowest - 100, -exponent_most, -exponent_most}, .high = {highest + 100, exponent_most, exponent_most},
                            .longest = {INFINITY, INFINITY, INFINITY}};
  curve_fix(&p->curve, POWER_K, log(K));
  curve_fix(&p->curve, POWER_ALPHA, alpha);
  curve_fix(&p->curve, POWER_BETA, beta);
  return 0;
}

static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct loss_curve *p = d->own;
  int wanted = curve_free_count(&p->curve);
  bool alpha = curve_is_free(&p->curve, POWER_ALPHA), beta = curve_is_free(&p->curve, POWER_BETA);
  const char *missing = loss_points_missing(&p->runs, weight, wanted, 1 + alpha, 1 + beta);
  if (missing) return missing;
  if (wanted == P && loss_points_on_a_line(&p->runs, weight)) return "log tokens is a straight function of log params; --fix beta=0 gives a law of params alone";
  return NULL;
}

static int starts(double (*from)[PARAMETERS_MAX], const struct form_data *d, const double *weight) {
  const struct loss_curve *p = d->own;
  const double any[P] = {(p->runs.lowest + p->runs.highest) / 2}; /* every objective is convex */
  (void)weight;
  memcpy(from[0], any, sizeof any);
  return 1;
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  const struct loss_curve *p = d->own;
  double alpha = fit->theta[POWER_ALPHA], beta = fit->theta[POWER_BETA];
  fit->parameter[POWER_K] = exp(fit->theta[POWER_K] + alpha * p->runs.centre_params + beta * p->runs.centre_tokens);
  fit->parameter[POWER_ALPHA] = alpha;
  fit->parameter[POWER_BETA] = beta;
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct loss_curve *p = d->own;
  loss_points_estimate(fit, d, weight, start, &p->runs, NO_LOG_E, starts);
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  return exp(log(parameter[POWER_K]) - parameter[POWER_ALPHA] * log(at->value[RUN_PARAMS]) - parameter[POWER_BETA] * log(at->value[RUN_TOKENS]));
}

const struct form form_power = {
    .name = "power",
    .formula = "L = K / (N^alpha D^beta)",
    .parameters = "K alpha beta",
    .source = "Kaplan et al. 2020, without the limits; the baseline of --compare",
    .needs = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LOSS,
    .explains = RUN_LOSS,
    .bind = bind,
    .release = loss_curve_release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .set_parameters = set_parameters,
    .fixable = true,
};
