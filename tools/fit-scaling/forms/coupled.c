/* SPDX-License-Identifier: MIT
 *
 * Coordinates in the order of the parameters: log E, a = log of the term of params at its centre, alpha, b = log B, beta, gamma,
 * delta.  With n = log(N / N_0), d = log(D / D_0), x = a - alpha (n - centre), s = e^(delta n) and
 * y = b + gamma n - beta s d, log L = log(e^e + e^x + e^y); weights (p_e, p_x, p_y) of the terms give the gradient
 * g = sum_k p_k u_k and the Hessian sum_k p_k (u_k u_k' + U_k) - g g', where u_y = (1, -s d, n, -beta n s d) over (b, beta,
 * gamma, delta), and U_y has only d2/dbeta ddelta = -n s d and d2/ddelta2 = -beta n^2 s d.
 */
#include "tools/fit-scaling/forms/coupled.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/projection.h"
#include "tools/fit-scaling/forms/loss_points.h"

enum { P = COUPLED_ESTIMATED, STARTS = 24 };
enum { at_e, at_a, at_alpha, at_b, at_beta, at_gamma, at_delta };

static const double exponent_least = 1e-3, exponent_most = 5, gamma_most = 3, delta_most = 2;

struct points {
  struct loss_points runs; /* centred at N_0 and D_0 */
  double centre;           /* of the term of params, from N_0: 0, or -log N_0 where A is fixed and alpha is not */
  struct curve curve;
};

double coupled_loss(const double law[COUPLED_PARAMETERS], double params, double tokens) {
  double n = log(params / law[COUPLED_N0]), d = log(tokens / law[COUPLED_D0]);
  return law[COUPLED_E] + exp(log(law[COUPLED_A]) - law[COUPLED_ALPHA] * log(params)) +
         exp(log(law[COUPLED_B]) + law[COUPLED_GAMMA] * n - law[COUPLED_BETA] * exp(law[COUPLED_DELTA] * n) * d);
}

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  enum { TERM_E, TERM_X, TERM_Y };
  static const int term_of[P] = {TERM_E, TERM_X, TERM_X, TERM_Y, TERM_Y, TERM_Y, TERM_Y};
  const struct points *p = context;
  double n = p->runs.log_params[i], d = p->runs.log_tokens[i], nx = n - p->centre, sd = exp(theta[at_delta] * n) * d;
  double e = exp(theta[at_e]), x = exp(theta[at_a] - theta[at_alpha] * nx), y = exp(theta[at_b] + theta[at_gamma] * n - theta[at_beta] * sd), sum = e + x + y;
  if (gradient) {
    double share[] = {e / sum, x / sum, y / sum}, u[P] = {1, 1, -nx, 1, -sd, n, -theta[at_beta] * n * sd};
    for (int j = 0, k = 0; j < P; j++) {
      double both = gradient[j] = share[term_of[j]] * u[j];
      for (int m = 0; m <= j; m++, k++) hessian[k] = (term_of[m] == term_of[j] ? both * u[m] : 0) - both * gradient[m];
    }
    hessian[at_delta * (at_delta + 1) / 2 + at_beta] -= share[TERM_Y] * n * sd;
    hessian[at_delta * (at_delta + 1) / 2 + at_delta] -= share[TERM_Y] * theta[at_beta] * n * n * sd;
  }
  return log(sum);
}

/* ---- bound to runs */

static void release(struct form_data *d) {
  struct points *p = d->own;
  loss_points_release(&p->runs);
  free(p);
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  static const char *const names[COUPLED_PARAMETERS] = {"E", "A", "alpha", "B", "beta", "gamma", "delta", "N_0", "D_0"};
  struct points *p = NEW(struct points);
  double fixed[COUPLED_PARAMETERS];
  d->own = p;
  d->curve = &p->curve;
  d->parameters = COUPLED_PARAMETERS;
  d->names = names;
  d->held = UINT64_C(1) << COUPLED_N0 | UINT64_C(1) << COUPLED_D0;
  loss_points_init(&p->runs, runs);
  for (int i = 0; i < COUPLED_PARAMETERS; i++) {
    fixed[i] = form_fixed(&d->options, names[i]);
    bool any = i == COUPLED_GAMMA || i == COUPLED_DELTA || (i == COUPLED_E && fixed[i] == 0);
    if (fixed[i] <= 0 && !any) return err_usage(e, "--fix: %s of the law %s is above 0", names[i], d->form->name);
  }
  if (!isnan(fixed[COUPLED_N0])) loss_points_centre_params(&p->runs, log(fixed[COUPLED_N0]));
  if (!isnan(fixed[COUPLED_D0])) loss_points_centre_tokens(&p->runs, log(fixed[COUPLED_D0]));
  double lowest = p->runs.lowest, highest = p->runs.highest, log_n0 = p->runs.centre_params, alpha = fixed[COUPLED_ALPHA];
  p->curve = (struct curve){.parameters = P, .count = p->runs.count, .target = p->runs.log_loss, .value = value, .context = p,
                            .low = {lowest - LOG_E_BELOW, lowest - 60, exponent_least, lowest - 60, exponent_least, -gamma_most, -delta_most},
                            .high = {highest, highest + 60, exponent_most, highest + 60, exponent_most, gamma_most, delta_most},
                            .longest = {2, 2, .5, 2, .5, .3, .2}};
  if (!isnan(fixed[COUPLED_A]) && isnan(alpha)) p->centre = -log_n0;
  for (int i = 0; i < P; i++) {
    double theta = fixed[i];
    if (i == at_e) theta = theta == 0 ? lowest - LOG_E_BELOW : log(theta);
    if (i == at_b) theta = log(theta);
    if (i == at_a) theta = isnan(alpha) ? log(theta) : log(theta) - alpha * log_n0;
    curve_fix(&p->curve, i, theta);
  }
  return 0;
}

static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct points *p = d->own;
  int wanted = curve_free_count(&p->curve);
  const char *missing = loss_points_missing(&p->runs, weight, wanted, 3, 3);
  if (!missing && curve_is_free(&p->curve, at_gamma) && loss_points_on_a_line(&p->runs, weight))
    missing = "log tokens is a straight function of log params, which cannot tell how they are coupled; --form chinchilla";
  return missing;
}

/* ---- starts: exponents (alpha, beta, gamma, delta), factors E, e^a, e^b */

static double terms(const void *context, size_t i, const double exponent[], double term[]) {
  const struct points *p = context;
  double n = p->runs.log_params[i], d = p->runs.log_tokens[i];
  term[0] = 1;
  term[1] = exp(-exponent[0] * (n - p->centre));
  term[2] = exp(exponent[2] * n - exponent[1] * exp(exponent[3] * n) * d);
  return exp(p->runs.log_loss[i]);
}

static void theta_of(const void *context, const double exponent[], const double factor[], double theta[]) {
  (void)context;
  theta[at_e] = log(factor[0]);
  theta[at_a] = log(factor[1]);
  theta[at_b] = log(factor[2]);
  theta[at_alpha] = exponent[0];
  theta[at_beta] = exponent[1];
  theta[at_gamma] = exponent[2];
  theta[at_delta] = exponent[3];
}

static int starts(double (*from)[PARAMETERS_MAX], const struct form_data *d, const double *weight) {
  const struct points *p = d->own;
  static const int coordinate[] = {at_alpha, at_beta, at_gamma, at_delta}, factor[] = {at_e, at_a, at_b};
  const struct curve *c = &p->curve;
  struct projection projection = {.curve = c, .axes = 4, .factors = 3, .terms = terms, .theta = theta_of, .context = p};
  double fixed[4];
  for (int i = 0; i < 4; i++) fixed[i] = curve_is_free(c, coordinate[i]) ? NAN : c->low[coordinate[i]];
  projection_axis(&projection, 0, .05, 1.2, 8, fixed[0]);
  projection_axis(&projection, 1, .15, 1.2, 6, fixed[1]);
  projection_even_axis(&projection, 2, -.2, .4, 4, fixed[2]);
  projection_even_axis(&projection, 3, -.25, .25, 5, fixed[3]);
  for (int i = 0; i < 3; i++) projection.held[i] = curve_is_free(c, factor[i]) ? NAN : exp(c->low[factor[i]]);
  return projection_starts(&projection, weight, &d->options.fit, from, STARTS);
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  const struct points *p = d->own;
  for (int i = 0; i < P; i++) fit->parameter[i] = fit->theta[i];
  fit->parameter[COUPLED_E] = loss_points_irreducible(&p->runs, &p->curve, fit, at_e);
  fit->parameter[COUPLED_A] = exp(fit->theta[at_a] + fit->theta[at_alpha] * (p->runs.centre_params + p->centre));
  fit->parameter[COUPLED_B] = exp(fit->theta[at_b]);
  fit->parameter[COUPLED_N0] = exp(p->runs.centre_params);
  fit->parameter[COUPLED_D0] = exp(p->runs.centre_tokens);
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct points *p = d->own;
  loss_points_estimate(fit, d, weight, start, &p->runs, at_e, starts);
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  return coupled_loss(parameter, at->value[RUN_PARAMS], at->value[RUN_TOKENS]);
}

const struct form form_coupled = {
    .name = "coupled",
    .formula = "L = E + A/N^alpha + B (N/N_0)^gamma (D_0/D)^(beta (N/N_0)^delta)",
    .parameters = "E A alpha B beta gamma delta N_0 D_0",
    .source = "after Farseer (Li et al. 2025), with power laws of N",
    .needs = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LOSS,
    .explains = RUN_LOSS,
    .bind = bind,
    .release = release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .set_parameters = set_parameters,
    .optimum = form_search_optimum,
    .fixable = true,
};
