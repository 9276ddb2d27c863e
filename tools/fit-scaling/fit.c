/* SPDX-License-Identifier: MIT
 *
 * Starts by variable projection: for given (alpha, beta) the law is linear in (E, A, B), which are solved by weighted
 * non-negative least squares on relative residuals (Golub & Pereyra 1973).  The 24 x 24 grid of exponents is ranked by
 * the true objective and the best local minima of the grid are polished.
 *
 * Polish by Newton's method with the exact 5 x 5 Hessian, damped like Levenberg-Marquardt, inside bounds.  With
 * x = a - alpha n, y = b - beta d and softmax weights (p_x, p_y, p_e) of (x, y, e), the log law is
 * f = log(e^x + e^y + e^e), its gradient g = (p_x, p_y, p_e, -n p_x, -d p_y), and its Hessian
 * sum_k p_k u_k u_k' - g g' with u_x = (1,0,0,-n,0), u_y = (0,1,0,0,-d), u_e = (0,0,1,0,0).  n and d are centred
 * logarithms, which takes most of the correlation out of (a, alpha) and (b, beta).
 *
 * L1 has kinks where the optimum usually sits (five residuals are 0).  |d| is smoothed to sqrt(d^2 + delta^2), with delta
 * going from 1e-2 to 1e-12 of log loss, each stage starting where the last one ended: like an interior-point method it
 * keeps curvature in every residual on the way, and the last stage's objective is within 1e-12 a point of the kinked one.
 */
#include "tools/fit-scaling/fit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

enum { P = LAW_PARAMETERS, GRID = 24, ITERATIONS = 1000 };
enum { at_a, at_b, at_e, at_alpha, at_beta };

static const double exponent_min = 1e-3, exponent_max = 5;
static const double log_e_below = 25; /* E is zero for all purposes at e^-25 of the smallest loss */

struct shape {
  enum objective objective;
  double delta; /* of huber; width of the smoothing of l1 */
};

struct bounds {
  double low[P], high[P];
};

struct evaluation {
  double f, gradient[P], hessian[P][P];
};

/* ---- points */

void points_init(struct points *p, const double *params, const double *tokens, const double *loss, size_t n) {
  *p = (struct points){.count = n, .log_params = NEW_ARRAY(double, n), .log_tokens = NEW_ARRAY(double, n), .log_loss = NEW_ARRAY(double, n)};
  for (size_t i = 0; i < n; i++) {
    p->mean_log_params += (p->log_params[i] = log(params[i]));
    p->mean_log_tokens += (p->log_tokens[i] = log(tokens[i]));
    p->log_loss[i] = log(loss[i]);
  }
  p->mean_log_params /= (double)n;
  p->mean_log_tokens /= (double)n;
  for (size_t i = 0; i < n; i++) {
    p->log_params[i] -= p->mean_log_params;
    p->log_tokens[i] -= p->mean_log_tokens;
  }
}

void points_release(struct points *p) {
  free(p->log_params);
  free(p->log_tokens);
  free(p->log_loss);
  *p = (struct points){0};
}

bool points_determine_law(const struct points *p, const double *weight) {
  double pair[P][2], n[3], d[3];
  int pairs = 0, ns = 0, ds = 0, k;
  for (size_t i = 0; i < p->count && (pairs < P || ns < 3 || ds < 3); i++) {
    if (weight && !(weight[i] > 0)) continue;
    double ln = p->log_params[i], ld = p->log_tokens[i];
    for (k = 0; k < ns && n[k] != ln; k++) continue;
    if (k == ns && ns < 3) n[ns++] = ln;
    for (k = 0; k < ds && d[k] != ld; k++) continue;
    if (k == ds && ds < 3) d[ds++] = ld;
    for (k = 0; k < pairs && (pair[k][0] != ln || pair[k][1] != ld); k++) continue;
    if (k == pairs && pairs < P) pair[pairs][0] = ln, pair[pairs++][1] = ld;
  }
  return pairs == P && ns == 3 && ds == 3;
}

static struct bounds bounds_of(const struct points *p) {
  double lowest = INFINITY, highest = -INFINITY;
  for (size_t i = 0; i < p->count; i++) {
    lowest = fmin(lowest, p->log_loss[i]);
    highest = fmax(highest, p->log_loss[i]);
  }
  return (struct bounds){{lowest - 60, lowest - 60, lowest - log_e_below, exponent_min, exponent_min},
                         {highest + 60, highest + 60, highest, exponent_max, exponent_max}};
}

/* ---- the objective and its derivatives */

static void evaluate(struct evaluation *v, const double theta[P], const struct points *p, const double *weight, struct shape s) {
  double a = theta[at_a], b = theta[at_b], alpha = theta[at_alpha], beta = theta[at_beta], ee = exp(theta[at_e]);
  double f = 0, ga = 0, gb = 0, ge = 0, gn = 0, gd = 0;
  /* upper triangle of sum (rho'' + rho') g g' in the order a b e alpha beta, and the sums of rho' p u u' */
  double h[15] = {0}, xa = 0, xn = 0, xnn = 0, yb = 0, yd = 0, ydd = 0, ze = 0;
  for (size_t i = 0; i < p->count; i++) {
    double w = weight ? weight[i] : 1;
    if (w == 0) continue;
    double n = p->log_params[i], d = p->log_tokens[i];
    double x = exp(a - alpha * n), y = exp(b - beta * d), sum = x + y + ee, inverse = 1 / sum;
    double r = p->log_loss[i] - log(sum), size = fabs(r), first, second;
    if (s.objective == OBJECTIVE_L1) {
      double smooth = sqrt(r * r + s.delta * s.delta), ratio = s.delta / smooth;
      f += w * smooth;
      first = w * r / smooth;
      second = w * ratio * ratio / smooth;
    } else if (s.objective == OBJECTIVE_SQUARES) {
      f += w * r * r;
      first = 2 * w * r;
      second = 2 * w;
    } else if (size <= s.delta) {
      f += .5 * w * r * r;
      first = w * r;
      second = w;
    } else {
      f += w * s.delta * (size - .5 * s.delta);
      first = copysign(w * s.delta, r);
      second = 0;
    }
    double g0 = x * inverse, g1 = y * inverse, g2 = ee * inverse, g3 = -n * g0, g4 = -d * g1;
    ga -= first * g0, gb -= first * g1, ge -= first * g2, gn -= first * g3, gd -= first * g4;
    double q = second + first, q0 = q * g0, q1 = q * g1, q2 = q * g2, q3 = q * g3;
    h[0] += q0 * g0, h[1] += q0 * g1, h[2] += q0 * g2, h[3] += q0 * g3, h[4] += q0 * g4;
    h[5] += q1 * g1, h[6] += q1 * g2, h[7] += q1 * g3, h[8] += q1 * g4;
    h[9] += q2 * g2, h[10] += q2 * g3, h[11] += q2 * g4;
    h[12] += q3 * g3, h[13] += q3 * g4;
    h[14] += q * g4 * g4;
    double fx = first * g0, fy = first * g1;
    xa += fx, xn += fx * n, xnn += fx * n * n;
    yb += fy, yd += fy * d, ydd += fy * d * d;
    ze += first * g2;
  }
  v->f = f;
  v->gradient[at_a] = ga, v->gradient[at_b] = gb, v->gradient[at_e] = ge, v->gradient[at_alpha] = gn, v->gradient[at_beta] = gd;
  for (int i = 0, k = 0; i < P; i++)
    for (int j = i; j < P; j++) v->hessian[i][j] = v->hessian[j][i] = h[k++];
  v->hessian[at_a][at_a] -= xa;
  v->hessian[at_a][at_alpha] = v->hessian[at_alpha][at_a] = v->hessian[at_a][at_alpha] + xn;
  v->hessian[at_alpha][at_alpha] -= xnn;
  v->hessian[at_b][at_b] -= yb;
  v->hessian[at_b][at_beta] = v->hessian[at_beta][at_b] = v->hessian[at_b][at_beta] + yd;
  v->hessian[at_beta][at_beta] -= ydd;
  v->hessian[at_e][at_e] -= ze;
}

static double objective_value(const double theta[P], const struct points *p, const double *weight, enum objective objective, double delta) {
  double a = theta[at_a], b = theta[at_b], alpha = theta[at_alpha], beta = theta[at_beta], ee = exp(theta[at_e]), f = 0;
  for (size_t i = 0; i < p->count; i++) {
    double w = weight ? weight[i] : 1;
    if (w == 0) continue;
    double r = fabs(p->log_loss[i] - log(exp(a - alpha * p->log_params[i]) + exp(b - beta * p->log_tokens[i]) + ee));
    if (objective == OBJECTIVE_L1) f += w * r;
    else if (objective == OBJECTIVE_SQUARES) f += w * r * r;
    else f += w * (r <= delta ? .5 * r * r : delta * (r - .5 * delta));
  }
  return f;
}

/* ---- Newton */

/* Solves (h + mu diag(scale)) step = -gradient over the parameters with free[i]; false when it is not positive definite. */
static bool damped_step(double step[P], const struct evaluation *v, const double scale[P], double mu, const bool free_[P]) {
  double l[P][P];
  for (int i = 0; i < P; i++) {
    for (int j = 0; j <= i; j++) {
      double sum = free_[i] && free_[j] ? v->hessian[i][j] : 0;
      if (i == j) sum = free_[i] ? sum + mu * scale[i] : 1;
      double whole = sum;
      for (int k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
      if (i == j) {
        if (!(sum > 1e-14 * fabs(whole)) || !isfinite(sum)) return false;
        l[i][i] = sqrt(sum);
      } else {
        l[i][j] = sum / l[j][j];
      }
    }
  }
  for (int i = 0; i < P; i++) {
    double sum = free_[i] ? -v->gradient[i] : 0;
    for (int k = 0; k < i; k++) sum -= l[i][k] * step[k];
    step[i] = sum / l[i][i];
  }
  for (int i = P - 1; i >= 0; i--) {
    double sum = step[i];
    for (int k = i + 1; k < P; k++) sum -= l[k][i] * step[k];
    step[i] = sum / l[i][i];
  }
  return true;
}

/* Minimises over theta from where it stands; returns whether no step improves any more within `ITERATIONS`. */
static bool descend(double theta[P], const struct points *p, const double *weight, struct shape s, const struct bounds *bounds) {
  struct evaluation now, next;
  evaluate(&now, theta, p, weight, s);
  double mu = 0;
  for (int iteration = 0; iteration < ITERATIONS; iteration++) {
    if (now.f <= 1e-28 * (double)p->count) return true; /* residuals are rounding errors */
    bool free_[P];
    double scale[P];
    for (int i = 0; i < P; i++) {
      free_[i] = !(theta[i] <= bounds->low[i] && now.gradient[i] > 0) && !(theta[i] >= bounds->high[i] && now.gradient[i] < 0);
      scale[i] = fmax(fabs(now.hessian[i][i]), fabs(now.gradient[i]));
    }
    for (;;) {
      if (mu > 1e12) return true; /* the gradient is rounding noise, or a kink that no step leaves */
      double step[P], trial[P], predicted = 0, moved = 0;
      if (!damped_step(step, &now, scale, mu, free_)) {
        mu = fmax(10 * mu, 1e-4);
        continue;
      }
      /* a step longer than 2 in a logarithm or 1/2 in an exponent leaves the region where the quadratic says anything */
      double longest = 1;
      for (int i = 0; i < P; i++) longest = fmax(longest, fabs(step[i]) / (i < at_alpha ? 2 : .5));
      for (int i = 0; i < P; i++) {
        trial[i] = fmin(fmax(theta[i] + step[i] / longest, bounds->low[i]), bounds->high[i]);
        step[i] = trial[i] - theta[i];
        moved = fmax(moved, fabs(step[i]));
      }
      for (int i = 0; i < P; i++) {
        predicted -= step[i] * now.gradient[i];
        for (int j = 0; j < P; j++) predicted -= .5 * step[i] * step[j] * now.hessian[i][j];
      }
      if (moved < 1e-14) return true;
      evaluate(&next, trial, p, weight, s);
      double gained = now.f - next.f;
      if (!(gained > 0)) {
        if (fabs(gained) <= 4 * DBL_EPSILON * now.f && moved < 1e-9) return true;
        mu = fmax(10 * mu, 1e-6);
        continue;
      }
      memcpy(theta, trial, sizeof trial);
      now = next;
      if (predicted > 0 && gained > .75 * predicted) mu = mu < 1e-9 ? 0 : .1 * mu;
      else if (!(predicted > 0) || gained < .25 * predicted) mu = fmax(4 * mu, 1e-7);
      break;
    }
  }
  return false;
}

static void polish(struct fit *fit, const double start[P], const struct points *p, const double *weight,
                   const struct fit_options *options, const struct bounds *bounds) {
  *fit = (struct fit){0};
  double *theta = fit->parameter;
  for (int i = 0; i < P; i++) theta[i] = fmin(fmax(start[i], bounds->low[i]), bounds->high[i]);
  if (options->objective == OBJECTIVE_L1)
    for (double delta = 1e-2; delta > .5e-12; delta /= 10)
      fit->converged = descend(theta, p, weight, (struct shape){OBJECTIVE_L1, delta}, bounds);
  else { /* a narrow huber is nearly l1, and its kinks are approached in the same way */
    for (double delta = 1e-3; options->objective == OBJECTIVE_HUBER && delta > options->delta && delta > .5e-12; delta /= 10)
      descend(theta, p, weight, (struct shape){OBJECTIVE_HUBER, delta}, bounds);
    fit->converged = descend(theta, p, weight, (struct shape){options->objective, options->delta}, bounds);
  }
  fit->objective = objective_value(theta, p, weight, options->objective, options->delta);
  fit->law = (struct law){.E = exp(theta[at_e]),
                          .A = exp(theta[at_a] + theta[at_alpha] * p->mean_log_params),
                          .B = exp(theta[at_b] + theta[at_beta] * p->mean_log_tokens),
                          .alpha = theta[at_alpha],
                          .beta = theta[at_beta]};
  if (theta[at_e] <= bounds->low[at_e] + log_e_below / 2) fit->at_bound |= FIT_NO_E;
  if (theta[at_alpha] <= exponent_min || theta[at_alpha] >= exponent_max) fit->at_bound |= FIT_ALPHA;
  if (theta[at_beta] <= exponent_min || theta[at_beta] >= exponent_max) fit->at_bound |= FIT_BETA;
}

void fit_from(struct fit *fit, const struct points *p, const double *weight, const struct fit_options *options, const double start[P]) {
  struct bounds bounds = bounds_of(p);
  double from[P];
  memcpy(from, start, sizeof from);
  /* where E is 0 its slope is 0 too: begin at a twentieth of the smallest loss, from where it can rise */
  if (from[at_e] <= bounds.low[at_e] + log_e_below / 2) from[at_e] = bounds.low[at_e] + log_e_below - 3;
  polish(fit, from, p, weight, options, &bounds);
}

/* ---- starts */

/* Least squares for the 3 x 3 normal matrix m and right side r with all unknowns >= 0: the best of the seven subsets
 * that are not empty.  Returns false when none has a solution. */
static bool nonnegative_least_squares(double x[3], const double m[3][3], const double r[3]) {
  double best = INFINITY;
  for (int subset = 7; subset > 0; subset--) {
    double t[3][4], y[3] = {0};
    int index[3], k = 0;
    for (int i = 0; i < 3; i++)
      if (subset >> i & 1) index[k++] = i;
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) t[i][j] = m[index[i]][index[j]];
      t[i][k] = r[index[i]];
    }
    bool sound = true;
    for (int i = 0; i < k && sound; i++) { /* positive definite: no pivoting needed */
      if (!(t[i][i] > 1e-12 * m[index[i]][index[i]])) sound = false;
      for (int j = i + 1; j < k && sound; j++) {
        double factor = t[j][i] / t[i][i];
        for (int c = i; c <= k; c++) t[j][c] -= factor * t[i][c];
      }
    }
    for (int i = k - 1; i >= 0 && sound; i--) {
      double sum = t[i][k];
      for (int c = i + 1; c < k; c++) sum -= t[i][c] * y[index[c]];
      y[index[i]] = sum / t[i][i];
      if (!(y[index[i]] >= 0)) sound = false;
    }
    if (!sound) continue;
    double value = 0; /* the sum of squares less a constant */
    for (int i = 0; i < 3; i++) {
      value -= 2 * y[i] * r[i];
      for (int j = 0; j < 3; j++) value += y[i] * y[j] * m[i][j];
    }
    if (value < best) best = value, memcpy(x, y, sizeof y);
  }
  return best < INFINITY;
}

struct candidate {
  double value, theta[P];
  bool local; /* not worse than its neighbours in the grid */
  int order;
};

static int by_promise(const void *x, const void *y) {
  const struct candidate *a = x, *b = y;
  if (a->local != b->local) return b->local - a->local;
  if (a->value != b->value) return a->value < b->value ? -1 : 1;
  return a->order - b->order;
}

static double grid_exponent(int i) { return .04 * pow(2.0 / .04, (double)i / (GRID - 1)); }

/* Fills candidates[GRID * GRID], the most promising first. */
static void rank_starts(struct candidate *candidates, const struct points *p, const double *weight, const struct fit_options *options, const struct bounds *bounds) {
  size_t n = p->count;
  double *x = NEW_ARRAY(double, GRID * n), *y = NEW_ARRAY(double, GRID * n), *w = NEW_ARRAY(double, n);
  double sums[3] = {0}; /* of w, and of w times loss */
  for (size_t i = 0; i < n; i++) { /* relative residuals: weight 1 / loss^2 */
    w[i] = (weight ? weight[i] : 1) * exp(-2 * p->log_loss[i]);
    sums[0] += w[i];
    sums[1] += w[i] * exp(p->log_loss[i]);
  }
  for (int g = 0; g < GRID; g++) {
    double exponent = grid_exponent(g);
    for (size_t i = 0; i < n; i++) {
      x[(size_t)g * n + i] = exp(-exponent * p->log_params[i]);
      y[(size_t)g * n + i] = exp(-exponent * p->log_tokens[i]);
    }
  }
  double one_side[2][GRID][3] = {0}; /* of x, of y: sums of w x, w x^2, w x loss */
  for (int side = 0; side < 2; side++)
    for (int g = 0; g < GRID; g++)
      for (size_t i = 0; i < n; i++) {
        double u = (side ? y : x)[(size_t)g * n + i];
        one_side[side][g][0] += w[i] * u;
        one_side[side][g][1] += w[i] * u * u;
        one_side[side][g][2] += w[i] * u * exp(p->log_loss[i]);
      }
  for (int i = 0; i < GRID; i++)
    for (int j = 0; j < GRID; j++) {
      struct candidate *c = &candidates[i * GRID + j];
      const double *xi = x + (size_t)i * n, *yj = y + (size_t)j * n, *sx = one_side[0][i], *sy = one_side[1][j];
      double xy = 0, s[3] = {0};
      for (size_t k = 0; k < n; k++) xy += w[k] * xi[k] * yj[k];
      double m[3][3] = {{sums[0], sx[0], sy[0]}, {sx[0], sx[1], xy}, {sy[0], xy, sy[1]}}, r[3] = {sums[1], sx[2], sy[2]};
      *c = (struct candidate){.value = INFINITY, .order = i * GRID + j};
      if (!nonnegative_least_squares(s, m, r)) continue;
      double value[3] = {log(s[1]), log(s[2]), log(s[0])}; /* of 0: minus infinity, brought to the bound */
      for (int k = 0; k < 3; k++) c->theta[k] = fmin(fmax(value[k], bounds->low[k]), bounds->high[k]);
      c->theta[at_alpha] = grid_exponent(i);
      c->theta[at_beta] = grid_exponent(j);
      c->value = objective_value(c->theta, p, weight, options->objective, options->delta);
    }
  for (int i = 0; i < GRID; i++)
    for (int j = 0; j < GRID; j++) {
      struct candidate *c = &candidates[i * GRID + j];
      c->local = c->value < INFINITY;
      for (int di = -1; di <= 1; di++)
        for (int dj = -1; dj <= 1; dj++) {
          int k = i + di, l = j + dj;
          if (k >= 0 && k < GRID && l >= 0 && l < GRID && candidates[k * GRID + l].value < c->value) c->local = false;
        }
    }
  qsort(candidates, GRID * GRID, sizeof *candidates, by_promise);
  free(x);
  free(y);
  free(w);
}

/* Ratio of the largest to the smallest singular value of the log law's Jacobian, columns scaled to length 1, from the
 * eigenvalues of its 5 x 5 Gram matrix (Jacobi rotations). */
static double condition_number(const double theta[P], const struct points *p) {
  double m[P][P] = {0};
  for (size_t i = 0; i < p->count; i++) {
    double n = p->log_params[i], d = p->log_tokens[i];
    double x = exp(theta[at_a] - theta[at_alpha] * n), y = exp(theta[at_b] - theta[at_beta] * d), ee = exp(theta[at_e]), sum = x + y + ee;
    double g[P] = {x / sum, y / sum, ee / sum, -n * x / sum, -d * y / sum};
    for (int j = 0; j < P; j++)
      for (int k = 0; k < P; k++) m[j][k] += g[j] * g[k];
  }
  double length[P];
  for (int j = 0; j < P; j++) {
    if (!(m[j][j] > 0)) return INFINITY;
    length[j] = sqrt(m[j][j]);
  }
  for (int j = 0; j < P; j++)
    for (int k = 0; k < P; k++) m[j][k] /= length[j] * length[k];
  for (int sweep = 0; sweep < 30; sweep++)
    for (int j = 0; j < P; j++)
      for (int k = j + 1; k < P; k++) {
        if (m[j][k] == 0) continue;
        double angle = .5 * atan2(2 * m[j][k], m[j][j] - m[k][k]), c = cos(angle), s = sin(angle);
        for (int i = 0; i < P; i++) {
          double u = m[i][j], v = m[i][k];
          m[i][j] = c * u + s * v;
          m[i][k] = c * v - s * u;
        }
        for (int i = 0; i < P; i++) {
          double u = m[j][i], v = m[k][i];
          m[j][i] = c * u + s * v;
          m[k][i] = c * v - s * u;
        }
      }
  double low = INFINITY, high = 0;
  for (int j = 0; j < P; j++) {
    low = fmin(low, m[j][j]);
    high = fmax(high, m[j][j]);
  }
  return low > 0 ? sqrt(high / low) : INFINITY;
}

void fit_global(struct fit *fit, const struct points *p, const double *weight, const struct fit_options *options) {
  struct bounds bounds = bounds_of(p);
  struct candidate *candidates = NEW_ARRAY(struct candidate, GRID * GRID);
  rank_starts(candidates, p, weight, options, &bounds);
  double value[FIT_STARTS];
  int starts = 0;
  *fit = (struct fit){.objective = INFINITY};
  for (; starts < FIT_STARTS && candidates[starts].value < INFINITY; starts++) {
    struct fit one;
    polish(&one, candidates[starts].theta, p, weight, options, &bounds);
    value[starts] = one.objective;
    if (one.objective < fit->objective) *fit = one;
  }
  fit->starts = starts;
  /* a noise-free table ends at rounding errors: what is below 1e-12 a point is one and the same optimum; a narrow huber is small throughout */
  double same = options->objective == OBJECTIVE_HUBER ? fmin(1e-12, 1e-6 * options->delta) : 1e-12;
  for (int i = 0; i < starts; i++) fit->reached += value[i] <= fit->objective * (1 + 1e-6) + same * (double)p->count;
  fit->condition = condition_number(fit->parameter, p);
  free(candidates);
}

double fit_objective(const struct law *law, const struct points *p, const double *weight, const struct fit_options *options) {
  double theta[P];
  theta[at_a] = log(law->A) - law->alpha * p->mean_log_params;
  theta[at_b] = log(law->B) - law->beta * p->mean_log_tokens;
  theta[at_e] = log(law->E);
  theta[at_alpha] = law->alpha;
  theta[at_beta] = law->beta;
  return objective_value(theta, p, weight, options->objective, options->delta);
}
