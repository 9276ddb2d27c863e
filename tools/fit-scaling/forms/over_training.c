/* SPDX-License-Identifier: MIT
 *
 * Coordinates: log E, the logarithms of the other two terms at the centres of the points, eta.  With x and y twice the centred
 * logarithms of N and D and weights (p_e, p_x, p_y) of the terms, the gradient of log L is
 * g = (p_e, p_x, p_y, -x p_x - y p_y) and its Hessian sum_k p_k u_k u_k' - g g' with u_e = (1,0,0,0), u_x = (0,1,0,-x),
 * u_y = (0,0,1,-y).  Starts: a grid of eta, the factors by non-negative least squares.
 */
#include "tools/fit-scaling/forms/over_training.h"

#include <math.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/projection.h"
#include "tools/fit-scaling/forms/loss_points.h"

enum { P = OVER_TRAINING_PARAMETERS, STARTS = 4, GRID = 48 };
enum { at_e, at_a, at_b, at_eta };

static const double eta_least = 5e-4, eta_most = 2.5;

double over_training_loss(const double law[P], double params, double tokens) {
  double eta = law[at_eta];
  return law[at_e] + exp(log(law[at_a]) - eta * (log(6) + 2 * log(params))) + exp(log(law[at_b]) - eta * (log(6) + 2 * log(tokens)));
}

struct optimum over_training_optimum(const double law[P], double flops) {
  if (!(law[at_a] > 0 && law[at_b] > 0 && law[at_eta] > 0)) return (struct optimum){NAN, NAN, NAN};
  double log_m = (log(law[at_b]) - log(law[at_a])) / (2 * law[at_eta]), log_n = .5 * (log(flops / 6) - log_m);
  struct optimum o = {.N = exp(log_n), .D = exp(log_n + log_m)};
  o.loss = over_training_loss(law, o.N, o.D);
  return o;
}

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct loss_curve *p = context;
  double n = 2 * p->runs.log_params[i], d = 2 * p->runs.log_tokens[i];
  double x = exp(theta[at_a] - theta[at_eta] * n), y = exp(theta[at_b] - theta[at_eta] * d), e = exp(theta[at_e]), sum = x + y + e;
  if (gradient) {
    double pe = e / sum, px = x / sum, py = y / sum, *h = hessian, slope = -n * px - d * py;
    gradient[at_e] = pe, gradient[at_a] = px, gradient[at_b] = py, gradient[at_eta] = slope;
    h[0] = pe - pe * pe;
    h[1] = -px * pe, h[2] = px - px * px;
    h[3] = -py * pe, h[4] = -py * px, h[5] = py - py * py;
    h[6] = -slope * pe, h[7] = -n * px - slope * px, h[8] = -d * py - slope * py, h[9] = n * n * px + d * d * py - slope * slope;
  }
  return log(sum);
}

/* ---- bound to runs */

/* The logarithm of a factor at the centre of log params or log tokens. */
static double at_centre(double factor, double eta, double centre) { return log(factor) - eta * (log(6) + 2 * centre); }

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  static const char *const names[P] = {"E", "a", "b", "eta"};
  struct loss_curve *p = NEW(struct loss_curve);
  double E = form_fixed(&d->options, "E"), a = form_fixed(&d->options, "a"), b = form_fixed(&d->options, "b"), eta = form_fixed(&d->options, "eta");
  d->own = p;
  d->curve = &p->curve;
  d->parameters = P;
  d->names = names;
  loss_points_init(&p->runs, runs);
  if (E < 0 || a <= 0 || b <= 0 || eta <= 0) return err_usage(e, "--fix: parameters of the law %s are above 0 (E may be 0)", d->form->name);
  /* a factor is a coordinate of its own where 6 N^2 or 6 D^2 is 1 */
  if (!isnan(a) && isnan(eta)) loss_points_centre_params(&p->runs, -.5 * log(6));
  if (!isnan(b) && isnan(eta)) loss_points_centre_tokens(&p->runs, -.5 * log(6));
  double lowest = p->runs.lowest, highest = p->runs.highest;
  p->curve = (struct curve){.parameters = P, .count = p->runs.count, .target = p->runs.log_loss, .value = value, .context = p,
                            .low = {lowest - LOG_E_BELOW, lowest - 60, lowest - 60, eta_least},
                            .high = {highest, highest + 60, highest + 60, eta_most},
                            .longest = {2, 2, 2, .25}};
  double any = isnan(eta) ? 0 : eta;
  curve_fix(&p->curve, at_e, E == 0 ? lowest - LOG_E_BELOW : log(E));
  curve_fix(&p->curve, at_a, isnan(a) ? NAN : isnan(eta) ? log(a) : at_centre(a, any, p->runs.centre_params));
  curve_fix(&p->curve, at_b, isnan(b) ? NAN : isnan(eta) ? log(b) : at_centre(b, any, p->runs.centre_tokens));
  curve_fix(&p->curve, at_eta, eta);
  return 0;
}

static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct loss_curve *p = d->own;
  int wanted = curve_free_count(&p->curve);
  const char *missing = loss_points_missing(&p->runs, weight, wanted, 2, 2);
  if (missing) return missing;
  if (curve_is_free(&p->curve, at_a) && curve_is_free(&p->curve, at_b) && loss_points_equal_ratio(&p->runs, weight))
    return "all runs have the same tokens per parameter, which cannot tell a from b";
  return NULL;
}

/* ---- starts */

static double terms(const void *context, size_t i, const double exponent[], double term[]) {
  const struct loss_curve *p = context;
  term[0] = 1;
  term[1] = exp(-2 * exponent[0] * p->runs.log_params[i]);
  term[2] = exp(-2 * exponent[0] * p->runs.log_tokens[i]);
  return exp(p->runs.log_loss[i]);
}

static void theta_of(const void *context, const double exponent[], const double factor[], double theta[]) {
  (void)context;
  for (int i = 0; i < 3; i++) theta[i] = log(factor[i]);
  theta[at_eta] = exponent[0];
}

static int starts(double (*from)[PARAMETERS_MAX], const struct form_data *d, const double *weight) {
  const struct loss_curve *p = d->own;
  const struct curve *c = &p->curve;
  struct projection projection = {.curve = c, .axes = 1, .factors = 3, .terms = terms, .theta = theta_of, .context = p};
  projection_axis(&projection, 0, .01, 1.25, GRID, curve_is_free(c, at_eta) ? NAN : c->low[at_eta]);
  for (int i = 0; i < 3; i++) projection.held[i] = curve_is_free(c, i) ? NAN : exp(c->low[i]);
  return projection_starts(&projection, weight, &d->options.fit, from, STARTS);
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  const struct loss_curve *p = d->own;
  const double *t = fit->theta;
  fit->parameter[at_e] = loss_points_irreducible(&p->runs, &p->curve, fit, at_e);
  fit->parameter[at_a] = exp(t[at_a] + t[at_eta] * (log(6) + 2 * p->runs.centre_params));
  fit->parameter[at_b] = exp(t[at_b] + t[at_eta] * (log(6) + 2 * p->runs.centre_tokens));
  fit->parameter[at_eta] = t[at_eta];
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct loss_curve *p = d->own;
  loss_points_estimate(fit, d, weight, start, &p->runs, at_e, starts);
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  return over_training_loss(parameter, at->value[RUN_PARAMS], at->value[RUN_TOKENS]);
}

static struct optimum optimum(const struct form_data *d, const double parameter[], double flops) {
  (void)d;
  return over_training_optimum(parameter, flops);
}

const struct form form_over_training = {
    .name = "over-training",
    .formula = "L = E + (a M^eta + b M^-eta) C^-eta, M = D/N, C = 6 N D",
    .parameters = "E a b eta",
    .source = "Gadre et al. 2024, equation 4",
    .needs = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LOSS,
    .explains = RUN_LOSS,
    .bind = bind,
    .release = loss_curve_release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .set_parameters = set_parameters,
    .optimum = optimum,
    .fixable = true,
};
