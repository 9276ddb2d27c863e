/* SPDX-License-Identifier: MIT
 *
 * Coordinates: u = rho log N_c - rho * centre, v = log D_c - centre, alpha_N and alpha_D, with rho = alpha_N / alpha_D, and
 * log L = alpha_D log(e^(u - rho n) + e^(v - d)) for centred logarithms n, d.  L^(1/alpha_D) is linear in e^u and e^v once the
 * exponents are given: starts by variable projection.
 */
#include "tools/fit-scaling/forms/kaplan.h"

#include <math.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/projection.h"
#include "tools/fit-scaling/forms/loss_points.h"

enum { P = KAPLAN_PARAMETERS, STARTS = 16, GRID = 24, GRID_D = 40 };
enum { at_u, at_v, at_n, at_d };

static const double exponent_least = 1e-3, exponent_most = 5, factor_most = 2000; /* of alpha; of |u|, |v| */

double kaplan_loss(const double law[P], double params, double tokens) {
  double rho = law[KAPLAN_ALPHA_N] / law[KAPLAN_ALPHA_D];
  double u = rho * (log(law[KAPLAN_NC]) - log(params)), v = log(law[KAPLAN_DC]) - log(tokens);
  return exp(law[KAPLAN_ALPHA_D] * (fmax(u, v) + log1p(exp(-fabs(u - v)))));
}

struct optimum kaplan_optimum(const double law[P], double flops) {
  double rho = law[KAPLAN_ALPHA_N] / law[KAPLAN_ALPHA_D], log_nd = log(flops / 6);
  double log_n = (log(rho) + rho * log(law[KAPLAN_NC]) + log_nd - log(law[KAPLAN_DC])) / (rho + 1);
  struct optimum o = {.N = exp(log_n), .D = exp(log_nd - log_n)};
  o.loss = kaplan_loss(law, o.N, o.D);
  return o;
}

/* With S = log(e^x + e^y), q = e^x / (e^x + e^y) and rho: S_u = q, S_v = 1 - q, S_rho = -n q, and second derivatives q (1 - q) times
 * the products of (1, -1, -n). */
static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct loss_curve *p = context;
  double alpha_d = theta[at_d], rho = theta[at_n] / alpha_d, n = p->runs.log_params[i];
  double x = theta[at_u] - rho * n, y = theta[at_v] - p->runs.log_tokens[i], small = exp(-fabs(x - y)), sum = fmax(x, y) + log1p(small);
  if (gradient) {
    double q = (x > y ? 1 : small) / (1 + small), bend = small / ((1 + small) * (1 + small)), *h = hessian;
    gradient[at_u] = alpha_d * q, gradient[at_v] = alpha_d * (1 - q), gradient[at_n] = -n * q, gradient[at_d] = sum + rho * n * q;
    h[0] = alpha_d * bend;
    h[1] = -alpha_d * bend, h[2] = alpha_d * bend;
    h[3] = -n * bend, h[4] = n * bend, h[5] = n * n * bend / alpha_d;
    h[6] = q + rho * n * bend, h[7] = 1 - q - rho * n * bend, h[8] = -rho * n * n * bend / alpha_d, h[9] = rho * rho * n * n * bend / alpha_d;
  }
  return alpha_d * sum;
}

/* ---- bound to runs */

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  static const char *const names[P] = {"N_c", "D_c", "alpha_N", "alpha_D"};
  struct loss_curve *p = NEW(struct loss_curve);
  double nc = form_fixed(&d->options, "N_c"), dc = form_fixed(&d->options, "D_c");
  double alpha_n = form_fixed(&d->options, "alpha_N"), alpha_d = form_fixed(&d->options, "alpha_D");
  d->own = p;
  d->curve = &p->curve;
  d->parameters = P;
  d->names = names;
  loss_points_init(&p->runs, runs);
  if (nc <= 0 || dc <= 0 || alpha_n <= 0 || alpha_d <= 0) return err_usage(e, "--fix: parameters of the law %s are above 0", d->form->name);
  if (!isnan(nc)) loss_points_centre_params(&p->runs, log(nc)); /* then u = 0 whatever rho is */
  p->curve = (struct curve){.parameters = P, .count = p->runs.count, .target = p->runs.log_loss, .value = value, .context = p,
                            .low = {-factor_most, -factor_most, exponent_least, exponent_least}, .high = {factor_most, factor_most, exponent_most, exponent_most},
                            .longest = {4, 4, .2, .2}};
  curve_fix(&p->curve, at_u, isnan(nc) ? NAN : 0);
  curve_fix(&p->curve, at_v, log(dc) - p->runs.centre_tokens);
  curve_fix(&p->curve, at_n, alpha_n);
  curve_fix(&p->curve, at_d, alpha_d);
  return 0;
}

static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct loss_curve *p = d->own;
  return loss_points_missing(&p->runs, weight, curve_free_count(&p->curve), 1 + curve_is_free(&p->curve, at_n), 1 + curve_is_free(&p->curve, at_d));
}

/* ---- starts: exponents (rho, alpha_D), factors e^u and e^v of L^(1/alpha_D) / max */

static double rho_of(const struct loss_curve *p, const double exponent[]) {
  return curve_is_free(&p->curve, at_n) ? exponent[0] : p->curve.low[at_n] / exponent[1];
}

static double terms(const void *context, size_t i, const double exponent[], double term[]) {
  const struct loss_curve *p = context;
  double scale = p->runs.highest / exponent[1];
  term[0] = exp(-rho_of(p, exponent) * p->runs.log_params[i] - scale);
  term[1] = exp(-p->runs.log_tokens[i] - scale);
  return exp(p->runs.log_loss[i] / exponent[1] - scale);
}

static void theta_of(const void *context, const double exponent[], const double factor[], double theta[]) {
  theta[at_u] = log(factor[0]);
  theta[at_v] = log(factor[1]);
  theta[at_n] = rho_of(context, exponent) * exponent[1];
  theta[at_d] = exponent[1];
}

static int starts(double (*from)[PARAMETERS_MAX], const struct form_data *d, const double *weight) {
  const struct loss_curve *p = d->own;
  const struct curve *c = &p->curve;
  struct projection projection = {.curve = c, .axes = 2, .factors = 2, .terms = terms, .theta = theta_of, .context = p};
  projection_axis(&projection, 0, .05, 20, GRID, curve_is_free(c, at_n) ? NAN : 1); /* rho_of() */
  /* a loss that ends at a floor calls for alpha_D of thousandths: down there optima lie close together */
  projection_axis(&projection, 1, .002, 2, GRID_D, curve_is_free(c, at_d) ? NAN : c->low[at_d]);
  projection.held[0] = curve_is_free(c, at_u) ? NAN : 1;
  projection.held[1] = curve_is_free(c, at_v) ? NAN : exp(c->low[at_v]);
  return projection_starts(&projection, weight, &d->options.fit, from, STARTS);
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  const struct loss_curve *p = d->own;
  const double *t = fit->theta;
  fit->parameter[KAPLAN_NC] = exp(p->runs.centre_params + t[at_u] * t[at_d] / t[at_n]);
  fit->parameter[KAPLAN_DC] = exp(p->runs.centre_tokens + t[at_v]);
  fit->parameter[KAPLAN_ALPHA_N] = t[at_n];
  fit->parameter[KAPLAN_ALPHA_D] = t[at_d];
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct loss_curve *p = d->own;
  loss_points_estimate(fit, d, weight, start, &p->runs, NO_LOG_E, starts);
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  return kaplan_loss(parameter, at->value[RUN_PARAMS], at->value[RUN_TOKENS]);
}

static struct optimum optimum(const struct form_data *d, const double parameter[], double flops) {
  (void)d;
  return kaplan_optimum(parameter, flops);
}

const struct form form_kaplan = {
    .name = "kaplan",
    .formula = "L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D",
    .parameters = "N_c D_c alpha_N alpha_D",
    .source = "Kaplan et al. 2020, equation 1.5",
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
