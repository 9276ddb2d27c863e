/* SPDX-License-Identifier: MIT
 *
 * Starts by variable projection: for given (alpha, beta) the law is linear in (E, A, B), which are solved by weighted
 * non-negative least squares on relative residuals (Golub & Pereyra 1973).  The 24 x 24 grid of exponents is ranked by
 * the true objective and the best local minima of the grid are polished.
 *
 * The curve is log L.  With x = a - alpha n, y = b - beta d and softmax weights (p_x, p_y, p_e) of (x, y, e) it is
 * log(e^x + e^y + e^e), its gradient g = (p_e, p_x, p_y, -n p_x, -d p_y), and its Hessian sum_k p_k u_k u_k' - g g' with
 * u_x = (0,1,0,-n,0), u_y = (0,0,1,0,-d), u_e = (1,0,0,0,0).  n and d are centred logarithms, which takes most of the
 * correlation out of (a, alpha) and (b, beta).
 */
#include "tools/fit-scaling/forms/chinchilla.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/grid.h"
#include "tools/fit-scaling/fitting/least_squares.h"
#include "tools/fit-scaling/forms/loss_points.h"

enum { P = CHINCHILLA_PARAMETERS, GRID = 24, STARTS = 8 };
enum { at_e, at_a, at_b, at_alpha, at_beta }; /* in the order of the parameters */

static const double exponent_min = 1e-3, exponent_max = 5;

struct points {
  struct loss_points runs;
  struct curve curve;
  double held[3]; /* E, A, B where they are fixed, on the centred scale; else not a number */
};

double chinchilla_loss(const double law[P], double params, double tokens) {
  return law[at_e] + exp(log(law[at_a]) - law[at_alpha] * log(params)) + exp(log(law[at_b]) - law[at_beta] * log(tokens));
}

struct optimum chinchilla_optimum(const double law[P], double flops) {
  double alpha = law[at_alpha], beta = law[at_beta], A = law[at_a], B = law[at_b];
  if (!(alpha > 0 && beta > 0 && A > 0 && B > 0)) return (struct optimum){NAN, NAN, NAN};
  double log_g = (log(alpha) + log(A) - log(beta) - log(B)) / (alpha + beta), log_nd = log(flops / 6);
  double log_n = log_g + beta / (alpha + beta) * log_nd;
  struct optimum o = {.N = exp(log_n), .D = exp(log_nd - log_n)};
  o.loss = chinchilla_loss(law, o.N, o.D);
  return o;
}

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct points *p = context;
  double n = p->runs.log_params[i], d = p->runs.log_tokens[i];
  double x = exp(theta[at_a] - theta[at_alpha] * n), y = exp(theta[at_b] - theta[at_beta] * d), e = exp(theta[at_e]), sum = x + y + e;
  if (gradient) {
    double pe = e / sum, px = x / sum, py = y / sum, *h = hessian;
    double g3 = -n * px, g4 = -d * py;
    gradient[at_e] = pe, gradient[at_a] = px, gradient[at_b] = py, gradient[at_alpha] = g3, gradient[at_beta] = g4;
    h[0] = pe - pe * pe;
    h[1] = -px * pe, h[2] = px - px * px;
    h[3] = -py * pe, h[4] = -py * px, h[5] = py - py * py;
    h[6] = -g3 * pe, h[7] = g3 - g3 * px, h[8] = -g3 * py, h[9] = -n * g3 - g3 * g3;
    h[10] = -g4 * pe, h[11] = -g4 * px, h[12] = g4 - g4 * py, h[13] = -g4 * g3, h[14] = -d * g4 - g4 * g4;
  }
  return log(sum);
}

/* ---- bound to runs */

/* alpha, beta and E stand in theta; A as a = log A - alpha * centre: where A is fixed and alpha is not, the centre moves to 0. */
static int fix_parameters(struct points *p, const struct form_options *o, struct err *e) {
  double E = form_fixed(o, "E"), A = form_fixed(o, "A"), B = form_fixed(o, "B"), alpha = form_fixed(o, "alpha"), beta = form_fixed(o, "beta");
  if (E < 0 || A <= 0 || B <= 0 || alpha <= 0 || beta <= 0) return err_usage(e, "--fix: parameters of the law are above 0 (E may be 0)");
  if (!isnan(A) && isnan(alpha)) loss_points_centre_params(&p->runs, 0);
  if (!isnan(B) && isnan(beta)) loss_points_centre_tokens(&p->runs, 0);
  double a = isnan(alpha) ? log(A) : log(A) - alpha * p->runs.centre_params, b = isnan(beta) ? log(B) : log(B) - beta * p->runs.centre_tokens;
  curve_fix(&p->curve, at_e, E == 0 ? p->runs.lowest - LOG_E_BELOW : log(E));
  curve_fix(&p->curve, at_alpha, alpha);
  curve_fix(&p->curve, at_beta, beta);
  curve_fix(&p->curve, at_a, a);
  curve_fix(&p->curve, at_b, b);
  p->held[0] = E, p->held[1] = exp(a), p->held[2] = exp(b);
  return 0;
}

static void release(struct form_data *d) {
  struct points *p = d->own;
  loss_points_release(&p->runs);
  free(p);
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  static const char *const names[P] = {"E", "A", "B", "alpha", "beta"};
  struct points *p = NEW(struct points);
  loss_points_init(&p->runs, runs);
  double lowest = p->runs.lowest, highest = p->runs.highest;
  p->curve = (struct curve){.parameters = P, .count = p->runs.count, .target = p->runs.log_loss, .value = value, .context = p,
                            .low = {lowest - LOG_E_BELOW, lowest - 60, lowest - 60, exponent_min, exponent_min},
                            .high = {highest, highest + 60, highest + 60, exponent_max, exponent_max},
                            .longest = {2, 2, 2, .5, .5}};
  d->own = p;
  d->curve = &p->curve;
  d->parameters = P;
  d->names = names;
  return fix_parameters(p, &d->options, e);
}

static bool is_free(const struct points *p, int coordinate) { return curve_is_free(&p->curve, coordinate); }

static const char *undetermined(const struct form_data *data, const double *weight) {
  const struct points *p = data->own;
  return loss_points_missing(&p->runs, weight, curve_free_count(&p->curve), 1 + is_free(p, at_a) + is_free(p, at_alpha), 1 + is_free(p, at_b) + is_free(p, at_beta));
}

/* ---- starts */

static double grid_exponent(int i) { return .04 * pow(2.0 / .04, (double)i / (GRID - 1)); }

/* A fixed exponent is the only one of its axis.  The sums of one exponent are shared by all pairs that have it. */
static int starts(double (*from)[PARAMETERS_MAX], const struct form_data *d, const double *weight) {
  const struct points *p = d->own;
  const struct curve *curve = &p->curve;
  size_t n = curve->count;
  int size[2] = {is_free(p, at_alpha) ? GRID : 1, is_free(p, at_beta) ? GRID : 1}, fixed[2] = {at_alpha, at_beta};
  double *term[2], *w = NEW_ARRAY(double, n);
  double sums[3] = {0}; /* of w, and of w times loss */
  double one_side[2][GRID][3] = {0}; /* of each term: sums of w term, w term^2, w term loss */
  double exponent[2][GRID];
  struct grid grid;
  grid_init(&grid, 2, size);
  for (size_t i = 0; i < n; i++) { /* relative residuals: weight 1 / loss^2 */
    w[i] = (weight ? weight[i] : 1) * exp(-2 * curve->target[i]);
    sums[0] += w[i];
    sums[1] += w[i] * exp(curve->target[i]);
  }
  for (int side = 0; side < 2; side++) {
    const double *x = side ? p->runs.log_tokens : p->runs.log_params;
    term[side] = NEW_ARRAY(double, (size_t)size[side] * n);
    for (int g = 0; g < size[side]; g++) {
      exponent[side][g] = size[side] == 1 ? curve->low[fixed[side]] : grid_exponent(g);
      for (size_t i = 0; i < n; i++) {
        double u = term[side][(size_t)g * n + i] = exp(-exponent[side][g] * x[i]);
        one_side[side][g][0] += w[i] * u;
        one_side[side][g][1] += w[i] * u * u;
        one_side[side][g][2] += w[i] * u * exp(curve->target[i]);
      }
    }
  }
  for (int i = 0; i < size[0]; i++)
    for (int j = 0; j < size[1]; j++) {
      int cell = i * size[1] + j;
      const double *xi = term[0] + (size_t)i * n, *yj = term[1] + (size_t)j * n, *sx = one_side[0][i], *sy = one_side[1][j];
      double xy = 0, s[3] = {0};
      for (size_t k = 0; k < n; k++) xy += w[k] * xi[k] * yj[k];
      double m[UNKNOWNS_MAX][UNKNOWNS_MAX] = {{sums[0], sx[0], sy[0]}, {sx[0], sx[1], xy}, {sy[0], xy, sy[1]}}, r[3] = {sums[1], sx[2], sy[2]};
      if (!held_least_squares(3, s, m, r, p->held)) continue;
      double theta[P] = {log(s[0]), log(s[1]), log(s[2]), exponent[0][i], exponent[1][j]}; /* log 0 is brought to the bound */
      for (int k = 0; k < P; k++) grid.theta[cell][k] = fmin(fmax(theta[k], curve->low[k]), curve->high[k]);
      grid.value[cell] = curve_objective(curve, grid.theta[cell], weight, &d->options.fit);
    }
  int count = grid_starts(&grid, from, STARTS);
  grid_release(&grid);
  free(term[0]);
  free(term[1]);
  free(w);
  return count;
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  const struct points *p = d->own;
  const double *t = fit->theta;
  fit->parameter[at_e] = loss_points_irreducible(&p->runs, &p->curve, fit, at_e);
  fit->parameter[at_a] = exp(t[at_a] + t[at_alpha] * p->runs.centre_params);
  fit->parameter[at_b] = exp(t[at_b] + t[at_beta] * p->runs.centre_tokens);
  fit->parameter[at_alpha] = t[at_alpha];
  fit->parameter[at_beta] = t[at_beta];
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct points *p = d->own;
  loss_points_estimate(fit, d, weight, start, &p->runs, at_e, starts);
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  (void)d;
  return chinchilla_loss(parameter, at->value[RUN_PARAMS], at->value[RUN_TOKENS]);
}

static struct optimum optimum(const struct form_data *d, const double parameter[], double flops) {
  (void)d;
  return chinchilla_optimum(parameter, flops);
}

const struct form form_chinchilla = {
    .name = "chinchilla",
    .formula = "L = E + A/N^alpha + B/D^beta",
    .parameters = "E A B alpha beta",
    .source = "Hoffmann et al. 2022, approach 3",
    .needs = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LOSS,
    .explains = RUN_LOSS,
    .bind = bind,
    .release = release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .optimum = optimum,
    .set_parameters = set_parameters,
    .fixable = true,
};
