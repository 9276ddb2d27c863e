/* SPDX-License-Identifier: MIT
 *
 * One curve a domain, log L = log(e^e + e^(t . r)) with e = log c.  With softmax weights (p_e, p_u) of (e, t . r) its gradient is
 * (p_e, p_u r) and its Hessian p_e p_u v v' with v = (1, -r).  The law is nearly linear once c is known: starts take c from a grid
 * and solve log(L - c) = t . r by least squares, weighted by ((L - c) / L)^2 for relative residuals.
 */
#include "tools/fit-scaling/forms/mixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/cholesky.h"
#include "tools/fit-scaling/fitting/grid.h"
#include "tools/fit-scaling/forms/shares.h"

enum { GRID = 24, STARTS = 6, SOURCES_MAX = PARAMETERS_MAX - 1 };

static const double log_c_below = 25; /* c is zero for all purposes at e^-25 of the smallest loss */
static const double t_most = 100;
static const double dependent = 1e-9; /* of shares */
static const double sum_tolerance = 2e-3; /* of shares that were rounded to three digits */

struct law { /* of one domain */
  struct curve curve;
  double *log_loss; /* [n] */
  double lowest;    /* of them */
  const struct mixture *of;
};

struct mixture {
  size_t n;
  int sources, laws;
  double *share; /* [n][sources] */
  double *limit; /* [sources] */
  double *weight; /* [laws], sum 1 */
  struct law *law; /* [laws] */
  char **name;     /* of parameters */
  char **source;
};

static double dot(const double *t, const double *r, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += t[i] * r[i];
  return sum;
}

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  const struct law *l = context;
  int s = l->of->sources;
  const double *r = l->of->share + i * (size_t)s;
  double e = theta[0], u = dot(theta + 1, r, s), high = fmax(e, u), odds = exp(fmin(e, u) - high);
  if (gradient) {
    double smaller = odds / (1 + odds), pu = u < e ? smaller : 1 - smaller, pe = u < e ? 1 - smaller : smaller, both = pe * pu, *h = hessian;
    gradient[0] = pe;
    *h++ = both;
    for (int j = 0; j < s; j++) {
      gradient[j + 1] = pu * r[j];
      *h++ = -both * r[j];
      for (int k = 0; k <= j; k++) *h++ = both * r[j] * r[k];
    }
  }
  return high + log1p(odds);
}

/* ---- bound to runs */

static void release(struct form_data *d) {
  struct mixture *m = d->own;
  for (int k = 0; m->law && k < m->laws; k++) free(m->law[k].log_loss);
  for (int i = 0; m->name && i < d->parameters; i++) free(m->name[i]);
  for (int j = 0; m->source && j < m->sources; j++) free(m->source[j]);
  free(m->law);
  free(m->name);
  free(m->source);
  free(m->share);
  free(m->limit);
  free(m->weight);
  free(m);
}

static int copy_shares(struct mixture *m, const struct runs *runs, struct err *e) {
  m->share = NEW_ARRAY(double, m->n * (size_t)m->sources + 1);
  for (size_t i = 0; i < m->n; i++) {
    const double *from = runs->share + i * runs->source_count;
    double *r = m->share + i * (size_t)m->sources, sum = 0;
    for (int j = 0; j < m->sources; j++) {
      if (!(from[j] >= 0 && from[j] <= 1 + sum_tolerance))
        return err_set(e, "run %zu has no share of %s from 0 to 1 (a percentage: --column 'share:%s=NAME*0.01')", i + 1, m->source[j], m->source[j]);
      sum += r[j] = from[j];
    }
    if (!(fabs(sum - 1) <= sum_tolerance)) return err_set(e, "the shares of run %zu sum to %.6g, not to 1: every source needs its column share:NAME", i + 1, sum);
    for (int j = 0; j < m->sources; j++) r[j] /= sum;
  }
  return 0;
}

/* values[i] of the names that --weight or --limit gives; the others stay as they are. */
static int take_named(const char *option, const char *what, const struct named_value *given, int count, char *const *names, int n,
                      double *values, struct err *e) {
  for (int g = 0; g < count; g++) {
    int i = 0;
    while (i < n && strcmp(names[i], given[g].name) != 0) i++;
    if (i == n) return err_usage(e, "%s: there is no %s '%s'", option, what, given[g].name);
    if (!(given[g].value >= 0)) return err_usage(e, "%s %s: cannot be below 0", option, given[g].name);
    values[i] = given[g].value;
  }
  return 0;
}

/* weight[laws], which sum to 1; one law where there are no domains. */
static int take_weights(double *weight, int laws, const struct form_options *o, const struct runs *runs, struct err *e) {
  double sum = 0;
  for (int k = 0; k < laws; k++) weight[k] = 1;
  if (o->weight_count > 0 && runs->domain_count == 0) return err_usage(e, "--weight is of domains: columns loss:DOMAIN");
  if (take_named("--weight", "column loss:DOMAIN of", o->weights, o->weight_count, runs->domain, laws, weight, e) != 0) return -1;
  for (int k = 0; k < laws; k++) sum += weight[k];
  if (!(sum > 0) || !isfinite(sum)) return err_usage(e, "--weight: one weight at least must be above 0");
  for (int k = 0; k < laws; k++) weight[k] /= sum;
  return 0;
}

static int take_limits(struct mixture *m, const struct form_options *o, struct err *e) {
  double sum = 0;
  for (int j = 0; j < m->sources; j++) m->limit[j] = 1;
  if (take_named("--limit", "source", o->limits, o->limit_count, m->source, m->sources, m->limit, e) != 0) return -1;
  for (int j = 0; j < m->sources; j++) sum += fmin(m->limit[j], 1);
  return sum < 1 ? err_usage(e, "--limit: the limits leave room for only %.6g of the mixture", sum) : 0;
}

int mixture_set_losses(struct runs *runs, const struct form_options *options, struct err *e) {
  size_t n = runs->domain_count;
  if (n == 0) return 0;
  double *weight = NEW_ARRAY(double, n);
  int result = take_weights(weight, (int)n, options, runs, e);
  for (size_t i = 0; result == 0 && i < runs->count; i++) {
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += weight[k] > 0 ? weight[k] * runs->domain_loss[i * n + k] : 0;
    runs->column[RUN_LOSS][i] = sum;
  }
  free(weight);
  return result;
}

static int fix(struct curve *c, int coordinate, const struct form_options *o, const char *name, double zero, struct err *e) {
  double given = form_fixed(o, name);
  if (isnan(given)) return 0;
  if (coordinate == 0 && given < 0) return err_usage(e, "--fix %s: the loss that no mixture removes cannot be below 0", name);
  curve_fix(c, coordinate, coordinate > 0 ? given : given > 0 ? log(given) : zero);
  return 0;
}

static char *parameter_name(char letter, const char *domain, const char *source) {
  size_t size = (domain ? strlen(domain) : 0) + (source ? strlen(source) : 0) + 4;
  char *name = NEW_ARRAY(char, size);
  snprintf(name, size, "%c%s%s%s%s", letter, domain ? ":" : "", domain ? domain : "", source ? ":" : "", source ? source : "");
  return name;
}

static int bind_law(struct form_data *d, int k, const struct runs *runs, struct err *e) {
  struct mixture *m = d->own;
  struct law *l = &m->law[k];
  double highest = -INFINITY;
  int result = 0;
  l->of = m;
  l->lowest = INFINITY;
  l->log_loss = NEW_ARRAY(double, m->n + 1);
  for (size_t i = 0; i < m->n; i++) {
    double loss = runs->domain_count ? runs->domain_loss[i * runs->domain_count + (size_t)k] : runs->column[RUN_LOSS][i];
    if (!(loss > 0)) return err_set(e, "run %zu has no loss%s%s", i + 1, runs->domain_count ? ":" : "", runs->domain_count ? runs->domain[k] : "");
    l->log_loss[i] = log(loss);
    l->lowest = fmin(l->lowest, l->log_loss[i]);
    highest = fmax(highest, l->log_loss[i]);
  }
  l->curve = (struct curve){.parameters = m->sources + 1, .count = m->n, .target = l->log_loss, .value = value, .context = l};
  for (int j = 0; j <= m->sources; j++) {
    const char *source = j > 0 ? m->source[j - 1] : NULL;
    char *name = m->name[d->parameters++] = parameter_name(j > 0 ? 't' : 'c', runs->domain_count ? runs->domain[k] : NULL, source);
    l->curve.low[j] = j > 0 ? -t_most : l->lowest - log_c_below;
    l->curve.high[j] = j > 0 ? t_most : highest;
    l->curve.longest[j] = 2;
    if (result == 0) result = fix(&l->curve, j, &d->options, name, l->curve.low[j], e);
  }
  return result;
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  size_t laws = runs->domain_count ? runs->domain_count : 1;
  if (runs->source_count == 0 || !runs->share) return err_set(e, "no shares of sources: a mixture has a column share:NAME for each");
  if ((runs->source_count + 1) * laws > PARAMETERS_MAX)
    return err_set(e, "%zu sources and %zu losses have more than %d parameters: join sources, or take fewer columns loss:DOMAIN",
                   runs->source_count, laws, (int)PARAMETERS_MAX);
  struct mixture *m = d->own = NEW(struct mixture);
  m->n = runs->count;
  m->sources = (int)runs->source_count;
  m->source = NEW_ARRAY(char *, m->sources);
  for (int j = 0; j < m->sources; j++) m->source[j] = STRDUP(runs->source[j]);
  m->laws = (int)laws;
  m->weight = NEW_ARRAY(double, laws);
  m->limit = NEW_ARRAY(double, m->sources);
  m->law = NEW_ARRAY(struct law, laws);
  m->name = NEW_ARRAY(char *, (size_t)(m->sources + 1) * laws);
  d->sources = (const char *const *)m->source;
  d->source_count = m->sources;
  d->names = (const char *const *)m->name;
  d->explained = m->laws;
  if (copy_shares(m, runs, e) != 0 || take_weights(m->weight, m->laws, &d->options, runs, e) != 0 || take_limits(m, &d->options, e) != 0) return -1;
  for (int k = 0; k < m->laws; k++)
    if (bind_law(d, k, runs, e) != 0) return -1;
  if (m->laws == 1) d->curve = &m->law[0].curve;
  return 0;
}

/* ---- what can be told */

static const char *law_undetermined(const struct law *l, const double *weight) {
  const struct mixture *m = l->of;
  int s = m->sources, wanted = curve_free_count(&l->curve), mixtures = 0, k;
  matrix_row gram[SOURCES_MAX] = {{0}};
  const double *seen[PARAMETERS_MAX];
  bool all_free = true;
  for (int j = 1; j <= s; j++) all_free &= curve_is_free(&l->curve, j);
  for (size_t i = 0; i < m->n; i++) {
    const double *r = m->share + i * (size_t)s;
    if (weight && !(weight[i] > 0)) continue;
    for (k = 0; k < mixtures && memcmp(seen[k], r, sizeof *r * (size_t)s) != 0; k++) continue;
    if (k == mixtures && mixtures < wanted) seen[mixtures++] = r;
    for (int a = 0; a < s; a++)
      for (int b = 0; b <= a; b++) gram[a][b] += r[a] * r[b];
  }
  if (mixtures < wanted) return "needed are as many different mixtures as there are sources, and one more";
  for (int j = 0; j < s; j++)
    if (all_free && gram[j][j] == 0) return "a source has a share of 0 in every run: leave its column out";
  if (all_free && !cholesky_factor(s, gram, dependent)) return "the shares are tied: one is constant, or follows from the others in another way than by the sum of 1";
  return NULL;
}

static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct mixture *m = d->own;
  const char *why = NULL;
  for (int k = 0; !why && k < m->laws; k++) why = law_undetermined(&m->law[k], weight);
  return why;
}

/* ---- the fit */

/* For theta[0] = log c sets the t_j by least squares; held ones stay. */
static bool solve_linear(double theta[], const struct law *l, const double *weight) {
  const struct mixture *m = l->of;
  int s = m->sources, open[SOURCES_MAX], n = 0;
  matrix_row a[SOURCES_MAX] = {{0}};
  double x[SOURCES_MAX] = {0}, c = exp(theta[0]);
  for (int j = 0; j < s; j++) {
    theta[j + 1] = curve_is_free(&l->curve, j + 1) ? 0 : l->curve.low[j + 1];
    if (curve_is_free(&l->curve, j + 1)) open[n++] = j;
  }
  for (size_t i = 0; i < m->n; i++) {
    double loss = exp(l->log_loss[i]), rest = loss - c;
    if ((weight && weight[i] == 0) || !(rest > 0)) continue;
    const double *r = m->share + i * (size_t)s;
    double w = (weight ? weight[i] : 1) * rest * rest / (loss * loss), y = log(rest) - dot(theta + 1, r, s);
    for (int j = 0; j < n; j++) {
      x[j] += w * y * r[open[j]];
      for (int k = 0; k <= j; k++) a[j][k] += w * r[open[j]] * r[open[k]];
    }
  }
  if (!cholesky_factor(n, a, dependent)) return false;
  cholesky_forward(n, a, x);
  cholesky_backward(n, a, x);
  for (int i = 0; i < n; i++) theta[open[i] + 1] = fmin(fmax(x[i], -t_most), t_most);
  return true;
}

/* c from .1% below the smallest loss to a thousandth of it, the distance growing evenly on a log scale. */
static int starts(double (*from)[PARAMETERS_MAX], const struct law *l, const double *weight, const struct fit_options *options) {
  const struct curve *c = &l->curve;
  double lowest = INFINITY;
  for (size_t i = 0; i < c->count; i++)
    if (!weight || weight[i] > 0) lowest = fmin(lowest, l->log_loss[i]);
  struct grid grid;
  grid_init(&grid, 1, (int[]){curve_is_free(c, 0) ? GRID : 1});
  for (int g = 0; g < grid.cells; g++) {
    double *theta = grid.theta[g];
    theta[0] = fmin(fmax(lowest + log1p(-.999 * pow(1e-3, (double)g / (GRID - 1))), c->low[0]), c->high[0]);
    if (solve_linear(theta, l, weight)) grid.value[g] = curve_objective(c, theta, weight, options);
  }
  int count = grid_starts(&grid, from, STARTS);
  grid_release(&grid);
  return count;
}

static void estimate_law(struct fit *fit, const struct law *l, const double *weight, const double *start, const struct fit_options *options) {
  if (start) {
    double from[PARAMETERS_MAX];
    for (int j = 0; j <= l->of->sources; j++) from[j] = start[j];
    /* where c is 0 its slope is 0 too: begin where it can rise */
    if (from[0] < l->lowest - log_c_below / 2 && curve_is_free(&l->curve, 0)) from[0] = l->lowest - 3;
    curve_polish(fit, &l->curve, weight, options, from);
  } else {
    double from[STARTS][PARAMETERS_MAX];
    int count = starts(from, l, weight, options);
    curve_fit(fit, &l->curve, weight, options, (const double(*)[PARAMETERS_MAX])from, count);
  }
  if (fit->theta[0] < l->lowest - log_c_below / 2 && curve_is_free(&l->curve, 0)) fit->at_bound |= 1; /* its slope is 0 long before the bound */
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  const struct mixture *m = d->own;
  for (int k = 0; k < m->laws; k++) {
    const double *theta = fit->theta + k * (m->sources + 1);
    double *parameter = fit->parameter + k * (m->sources + 1);
    parameter[0] = theta[0] < m->law[k].lowest - log_c_below / 2 ? 0 : exp(theta[0]);
    memcpy(parameter + 1, theta + 1, (size_t)m->sources * sizeof *theta);
  }
}

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct mixture *m = d->own;
  *fit = (struct fit){.converged = true, .condition = 1, .starts = 1, .reached = 1};
  for (int k = 0; k < m->laws; k++) {
    struct fit one;
    const struct law *l = &m->law[k];
    int at = k * (m->sources + 1);
    estimate_law(&one, l, weight, start ? start + at : NULL, &d->options.fit);
    memcpy(fit->theta + at, one.theta, (size_t)(m->sources + 1) * sizeof *one.theta);
    fit->objective += one.objective;
    fit->converged &= one.converged;
    fit->at_bound |= one.at_bound << at;
    fit->condition = fmax(fit->condition, one.condition);
    if (k == 0 || one.reached * fit->starts < fit->reached * one.starts) fit->starts = one.starts, fit->reached = one.reached;
  }
  set_parameters(fit, d);
}

/* ---- answers */

static double mean_loss(const struct mixture *m, const double parameter[], const double shares[]) {
  double sum = 0;
  for (int k = 0; k < m->laws; k++) {
    const double *law = parameter + k * (m->sources + 1);
    sum += m->weight[k] * (law[0] + exp(dot(law + 1, shares, m->sources)));
  }
  return sum;
}

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  return at->shares ? mean_loss(d->own, parameter, at->shares) : NAN;
}

static void best_shares(const struct form_data *d, const double parameter[], double shares[]) {
  const struct mixture *m = d->own;
  double u[PARAMETERS_MAX], t[PARAMETERS_MAX];
  int laws = 0;
  for (int k = 0; k < m->laws; k++) {
    if (m->weight[k] == 0) continue;
    u[laws] = log(m->weight[k]);
    memcpy(t + laws++ * m->sources, parameter + k * (m->sources + 1) + 1, (size_t)m->sources * sizeof *t);
  }
  shares_minimise(laws, m->sources, u, t, m->limit, shares);
}

const struct form form_mixture = {
    .name = "mixture",
    .formula = "L = c + exp(sum_j t:j share:j)",
    .parameters = "c t:SOURCE",
    .source = "Ye et al. 2024, data mixing laws",
    .needs = 1 << RUN_LOSS | RUN_NEEDS_SHARES,
    .explains = RUN_LOSS,
    .bind = bind,
    .release = release,
    .undetermined = undetermined,
    .estimate = estimate,
    .predict = predict,
    .best_shares = best_shares,
    .set_parameters = set_parameters,
    .fixable = true,
};
