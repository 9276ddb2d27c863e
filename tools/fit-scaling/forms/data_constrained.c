/* SPDX-License-Identifier: MIT
 *
 * Coordinates: log E, a = log A - alpha * centre, b = log B - beta * centre, alpha, beta, log R_D, log R_N; log L is
 * log(e^e + e^x + e^y) with x = a - alpha n', y = b - beta d' and the centred logarithms n', d' of N' and D'.  On the centred scale
 * log U_N = (beta log U + log(alpha / beta) + a - b) / alpha.  With weights (p_e, p_x, p_y) of the terms, the gradient is
 * g = sum_k p_k u_k and the Hessian sum_k p_k (u_k u_k' + U_k) - g g'.  N' has a kink in its second derivative where N = U_N, which
 * Newton's method steps over.
 *
 * Starts: one exponent for both terms, R_D, R_N and the ratio U_N / U on a grid, the factors by non-negative least squares.
 */
#include "tools/fit-scaling/forms/data_constrained.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/projection.h"
#include "tools/fit-scaling/forms/loss_points.h"

enum { P = DATA_CONSTRAINED_PARAMETERS, STARTS = 12 };
enum { at_e, at_a, at_b, at_alpha, at_beta, at_rd, at_rn };

static const double exponent_least = 1e-2, exponent_most = 5;
static const double r_least = 1e-2, r_most = 1e4; /* R*: from repeats worth nothing to repeats as good as new */
static const double repeated = 1e-6;              /* D/U - 1 of a run that repeats data */

struct points {
  struct loss_points runs;
  double *log_unique; /* log U, at most log D; not centred */
  struct curve curve;
};

/* ---- the law */

/* log(1 + r (1 - e^(-repeats / r))): how much more the effective amount is than the unique one. */
static double log_gain(double repeats, double r) { return log1p(-r * expm1(-repeats / r)); }

static double log_ratio(const double law[P]) { /* log G */
  return (log(law[at_alpha]) + log(law[at_a]) - log(law[at_beta]) - log(law[at_b])) / (law[at_alpha] + law[at_beta]);
}

double data_constrained_loss(const double law[P], double params, double tokens, double unique_tokens) {
  double log_n = log(params), log_u = log(fmin(unique_tokens, tokens)), log_g = log_ratio(law);
  double log_un = fmin(log_n, law[at_beta] / law[at_alpha] * (log_u + log_g) + log_g);
  double n = log_un + log_gain(expm1(log_n - log_un), law[at_rn]), d = log_u + log_gain(expm1(log(tokens) - log_u), law[at_rd]);
  return law[at_e] + exp(log(law[at_a]) - law[at_alpha] * n) + exp(log(law[at_b]) - law[at_beta] * d);
}

/* log_gain and its derivatives with respect to s = log(1 + repeats) and rho = log r. */
struct gain {
  double value, s, rho, s_s, s_rho, rho_rho;
};

static struct gain gain(double s, double rho) {
  double r = exp(rho), one_more = exp(s), z = expm1(s) / r, decay = exp(-z), fresh = one_more * decay;
  double whole = 1 - r * expm1(-z), by_rho = -r * (expm1(-z) + z * decay);
  struct gain g = {.value = log(whole), .s = fresh / whole, .rho = by_rho / whole};
  g.s_s = fresh * (1 - one_more / r) / whole - g.s * g.s;
  g.s_rho = fresh * z / whole - g.s * g.rho;
  g.rho_rho = (by_rho - r * z * z * decay) / whole - g.rho * g.rho;
  return g;
}

static int at(int i, int j) { return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i; }

/* The term x = a - alpha (n' - centre) with its derivatives, x[1..P] and xx; nothing else depends on U_N. */
static double params_term(const struct points *p, size_t i, const double theta[], double x[P], double xx[P * (P + 1) / 2]) {
  static const int base[] = {at_a, at_b, at_alpha, at_beta};
  double alpha = theta[at_alpha], beta = theta[at_beta], n = p->runs.log_params[i], w = p->log_unique[i] - p->runs.centre_tokens;
  double q = beta * w + log(alpha / beta) + theta[at_a] - theta[at_b], un = q / alpha; /* log U_N less the centre */
  for (int k = 0; x && k < P; k++) x[k] = 0;
  for (int k = 0; x && k < P * (P + 1) / 2; k++) xx[k] = 0;
  if (un >= n) {
    if (x) x[at_a] = 1, x[at_alpha] = -n;
    return theta[at_a] - alpha * n;
  }
  if (!x) return theta[at_a] - alpha * (un + log_gain(expm1(n - un), exp(theta[at_rn])));
  struct gain g = gain(n - un, theta[at_rn]); /* n' = un + g(n - un, rho) */
  double by_un = 1 - g.s, first[P] = {0}, second[P * (P + 1) / 2] = {0};
  first[at_a] = 1 / alpha, first[at_b] = -1 / alpha, first[at_alpha] = (1 - q) / (alpha * alpha), first[at_beta] = (w - 1 / beta) / alpha;
  second[at(at_alpha, at_a)] = -1 / (alpha * alpha), second[at(at_alpha, at_b)] = 1 / (alpha * alpha);
  second[at(at_alpha, at_alpha)] = (2 * q - 3) / (alpha * alpha * alpha);
  second[at(at_beta, at_alpha)] = -first[at_beta] / alpha, second[at(at_beta, at_beta)] = 1 / (alpha * beta * beta);
  for (int j = 0; j < 4; j++) {
    int k = base[j];
    x[k] = -alpha * by_un * first[k];
    xx[at(k, at_rn)] = alpha * g.s_rho * first[k];
    xx[at(k, at_alpha)] -= by_un * first[k];
    if (k == at_alpha) xx[at(k, k)] -= by_un * first[k];
    for (int m = 0; m <= j; m++) xx[at(k, base[m])] -= alpha * (g.s_s * first[k] * first[base[m]] + by_un * second[at(k, base[m])]);
  }
  x[at_a] += 1;
  x[at_alpha] -= un + g.value;
  x[at_rn] = -alpha * g.rho;
  xx[at(at_rn, at_alpha)] -= g.rho;
  xx[at(at_rn, at_rn)] = -alpha * g.rho_rho;
  return theta[at_a] - alpha * (un + g.value);
}

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct points *p = context;
  double log_u = p->log_unique[i], u = log_u - p->runs.centre_tokens, s = p->runs.log_tokens[i] - u, beta = theta[at_beta];
  double x[P], xx[P * (P + 1) / 2], e = exp(theta[at_e]);
  if (!gradient) {
    double d = u + (s > 0 ? log_gain(expm1(s), exp(theta[at_rd])) : 0);
    return log(e + exp(params_term(p, i, theta, NULL, NULL)) + exp(theta[at_b] - beta * d));
  }
  struct gain g = s > 0 ? gain(s, theta[at_rd]) : (struct gain){0};
  double d = u + g.value, tx = exp(params_term(p, i, theta, x, xx)), ty = exp(theta[at_b] - beta * d), sum = e + tx + ty;
  double pe = e / sum, px = tx / sum, py = ty / sum, y[P] = {0};
  y[at_b] = 1, y[at_beta] = -d, y[at_rd] = -beta * g.rho;
  for (int j = 0; j < P; j++) gradient[j] = px * x[j] + py * y[j] + (j == at_e ? pe : 0);
  for (int j = 0, k = 0; j < P; j++)
    for (int m = 0; m <= j; m++, k++) hessian[k] = px * (x[j] * x[m] + xx[k]) + py * y[j] * y[m] - gradient[j] * gradient[m];
  hessian[at(at_e, at_e)] += pe;
  hessian[at(at_rd, at_beta)] -= py * g.rho;
  hessian[at(at_rd, at_rd)] -= py * beta * g.rho_rho;
  return log(sum);
}

/* ---- bound to runs */

static void release(struct form_data *d) {
  struct points *p = d->own;
  loss_points_release(&p->runs);
  free(p->log_unique);
  free(p);
}

static void set_unique(struct points *p, const struct runs *runs) {
  p->log_unique = NEW_ARRAY(double, runs->count + 1);
  for (size_t i = 0; i < runs->count; i++) {
    double tokens = runs->column[RUN_TOKENS][i], unique = runs->column[RUN_UNIQUE_TOKENS] ? runs->column[RUN_UNIQUE_TOKENS][i] : NAN;
    p->log_unique[i] = log(isnan(unique) ? tokens : fmin(unique, tokens));
  }
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  static const char *const names[P] = {"E", "A", "B", "alpha", "beta", "R_D", "R_N"};
  struct points *p = NEW(struct points);
  double fixed[P];
  d->own = p;
  d->curve = &p->curve;
  d->parameters = P;
  d->names = names;
  loss_points_init(&p->runs, runs);
  set_unique(p, runs);
  for (int i = 0; i < P; i++) {
    fixed[i] = form_fixed(&d->options, names[i]);
    if (fixed[i] < 0 || (fixed[i] == 0 && i != at_e)) return err_usage(e, "--fix: parameters of the law %s are above 0 (E may be 0)", d->form->name);
  }
  double lowest = p->runs.lowest, highest = p->runs.highest, alpha = fixed[at_alpha], beta = fixed[at_beta];
  if (!isnan(fixed[at_a]) && isnan(alpha)) loss_points_centre_params(&p->runs, 0);
  if (!isnan(fixed[at_b]) && isnan(beta)) loss_points_centre_tokens(&p->runs, 0);
  p->curve = (struct curve){.parameters = P, .count = p->runs.count, .target = p->runs.log_loss, .value = value, .context = p,
                            .low = {lowest - LOG_E_BELOW, lowest - 60, lowest - 60, exponent_least, exponent_least, log(r_least), log(r_least)},
                            .high = {highest, highest + 60, highest + 60, exponent_most, exponent_most, log(r_most), log(r_most)},
                            .longest = {2, 2, 2, .3, .3, 1, 1}};
  curve_fix(&p->curve, at_e, fixed[at_e] == 0 ? lowest - LOG_E_BELOW : log(fixed[at_e]));
  curve_fix(&p->curve, at_a, log(fixed[at_a]) - (isnan(alpha) ? 0 : alpha * p->runs.centre_params));
  curve_fix(&p->curve, at_b, log(fixed[at_b]) - (isnan(beta) ? 0 : beta * p->runs.centre_tokens));
  curve_fix(&p->curve, at_alpha, alpha);
  curve_fix(&p->curve, at_beta, beta);
  curve_fix(&p->curve, at_rd, log(fixed[at_rd]));
  curve_fix(&p->curve, at_rn, log(fixed[at_rn]));
  return 0;
}

static const char *undetermined(const struct form_data *data, const double *weight) {
  const struct points *p = data->own;
  const struct curve *c = &p->curve;
  size_t repeating = 0;
  int wanted = 0;
  for (int i = 0; i < at_rd; i++) wanted += curve_is_free(c, i);
  for (size_t i = 0; i < p->runs.count; i++)
    repeating += (!weight || weight[i] > 0) && p->runs.log_tokens[i] + p->runs.centre_tokens - p->log_unique[i] > repeated;
  if (repeating == 0 && curve_is_free(c, at_rd))
    return "no run repeats data (unique_tokens below tokens), so R_D cannot be determined; hold it by --fix R_D=15.4, or take --form chinchilla";
  if (wanted == 0) return NULL;
  int params = 1 + curve_is_free(c, at_a) + curve_is_free(c, at_alpha), tokens = 1 + curve_is_free(c, at_b) + curve_is_free(c, at_beta);
  return loss_points_missing(&p->runs, weight, wanted, params, tokens);
}

/* ---- starts: (exponent, R_D, R_N, U_N / U), factors E, A, B */

static double exponent_of(const struct points *p, int coordinate, const double exponent[]) {
  return curve_is_free(&p->curve, coordinate) ? exponent[0] : p->curve.low[coordinate];
}

static double terms(const void *context, size_t i, const double exponent[], double term[]) {
  const struct points *p = context;
  double log_u = p->log_unique[i], log_n = p->runs.log_params[i] + p->runs.centre_params, log_d = p->runs.log_tokens[i] + p->runs.centre_tokens;
  double log_un = fmin(log_n, log_u + log(exponent[3]));
  double n = log_un + log_gain(expm1(log_n - log_un), exponent[2]), d = log_u + log_gain(expm1(log_d - log_u), exponent[1]);
  term[0] = 1;
  term[1] = exp(-exponent_of(p, at_alpha, exponent) * (n - p->runs.centre_params));
  term[2] = exp(-exponent_of(p, at_beta, exponent) * (d - p->runs.centre_tokens));
  return exp(p->runs.log_loss[i]);
}

static void theta_of(const void *context, const double exponent[], const double factor[], double theta[]) {
  for (int i = 0; i < 3; i++) theta[i] = log(factor[i]);
  theta[at_alpha] = exponent_of(context, at_alpha, exponent);
  theta[at_beta] = exponent_of(context, at_beta, exponent);
  theta[at_rd] = log(exponent[1]);
  theta[at_rn] = log(exponent[2]);
}

static int starts(double (*from)[PARAMETERS_MAX], const struct form_data *d, const double *weight) {
  const struct points *p = d->own;
  const struct curve *c = &p->curve;
  struct projection projection = {.curve = c, .axes = 4, .factors = 3, .terms = terms, .theta = theta_of, .context = p};
  bool exponents = curve_is_free(c, at_alpha) || curve_is_free(c, at_beta);
  projection_axis(&projection, 0, .06, 1, 9, exponents ? NAN : 1);
  projection_axis(&projection, 1, 1, 80, 5, curve_is_free(c, at_rd) ? NAN : exp(c->low[at_rd]));
  projection_axis(&projection, 2, .5, 50, 4, curve_is_free(c, at_rn) ? NAN : exp(c->low[at_rn]));
  projection_axis(&projection, 3, 2e-3, 2, 5, NAN);
  for (int i = 0; i < 3; i++) projection.held[i] = curve_is_free(c, i) ? NAN : exp(c->low[i]);
  return projection_starts(&projection, weight, &d->options.fit, from, STARTS);
}

/* R_N means nothing to a fit by which no run has params in excess. */
static void mark_undetermined(struct fit *fit, const struct points *p, const double *weight) {
  const double *law = fit->parameter;
  double log_g = log_ratio(law);
  if (!curve_is_free(&p->curve, at_rn)) return;
  for (size_t i = 0; i < p->runs.count; i++) {
    double log_un = law[at_beta] / law[at_alpha] * (p->log_unique[i] + log_g) + log_g;
    if ((!weight || weight[i] > 0) && log_un < p->runs.log_params[i] + p->runs.centre_params) return;
  }
  fit->at_bound |= UINT64_C(1) << at_rn;
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  const struct points *p = d->own;
  const double *t = fit->theta;
  fit->parameter[at_e] = loss_points_irreducible(&p->runs, &p->curve, fit, at_e);
  fit->parameter[at_a] = exp(t[at_a] + t[at_alpha] * p->runs.centre_params);
  fit->parameter[at_b] = exp(t[at_b] + t[at_beta] * p->runs.centre_tokens);
  fit->parameter[at_alpha] = t[at_alpha];
  fit->parameter[at_beta] = t[at_beta];
  fit->parameter[at_rd] = exp(t[at_rd]);
  fit->parameter[at_rn] = exp(t[at_rn]);
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct points *p = d->own;
  loss_points_estimate(fit, d, weight, start, &p->runs, at_e, starts);
  mark_undetermined(fit, p, weight);
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  double tokens = at->value[RUN_TOKENS], unique = at->value[RUN_UNIQUE_TOKENS];
  return data_constrained_loss(parameter, at->value[RUN_PARAMS], tokens, isnan(unique) ? tokens : unique);
}

const struct form form_data_constrained = {
    .name = "data-constrained",
    .formula = "L = E + A/N'^alpha + B/D'^beta, D' = U + U R_D (1 - e^(-(D/U - 1)/R_D)), N' likewise of N, U_N and R_N",
    .parameters = "E A B alpha beta R_D R_N",
    .source = "Muennighoff et al. 2023, equations 5 and 6",
    .needs = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LOSS,
    .explains = RUN_LOSS,
    .uses = 1 << RUN_UNIQUE_TOKENS,
    .bind = bind,
    .release = release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .set_parameters = set_parameters,
    .optimum = form_search_optimum,
    .fixable = true,
};
