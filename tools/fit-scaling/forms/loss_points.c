/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/forms/loss_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

void loss_points_init(struct loss_points *p, const struct runs *runs) {
  size_t n = runs->count;
  *p = (struct loss_points){.count = n, .lowest = INFINITY, .highest = -INFINITY};
  p->log_params = NEW_ARRAY(double, n + 1);
  p->log_tokens = NEW_ARRAY(double, n + 1);
  p->log_loss = NEW_ARRAY(double, n + 1);
  double sum_params = 0, sum_tokens = 0;
  for (size_t i = 0; i < n; i++) {
    sum_params += (p->log_params[i] = log(runs->column[RUN_PARAMS][i]));
    sum_tokens += (p->log_tokens[i] = log(runs->column[RUN_TOKENS][i]));
    p->log_loss[i] = log(runs->column[RUN_LOSS][i]);
    p->lowest = fmin(p->lowest, p->log_loss[i]);
    p->highest = fmax(p->highest, p->log_loss[i]);
  }
  loss_points_centre_params(p, sum_params / (double)n);
  loss_points_centre_tokens(p, sum_tokens / (double)n);
}

void loss_points_release(struct loss_points *p) {
  free(p->log_params);
  free(p->log_tokens);
  free(p->log_loss);
  *p = (struct loss_points){0};
}

void loss_curve_release(struct form_data *d) {
  struct loss_curve *l = d->own;
  loss_points_release(&l->runs);
  free(l);
}

void loss_points_centre_params(struct loss_points *p, double centre) {
  double by = centre - p->centre_params;
  for (size_t i = 0; i < p->count; i++) p->log_params[i] -= by;
  p->centre_params = centre;
}

void loss_points_centre_tokens(struct loss_points *p, double centre) {
  double by = centre - p->centre_tokens;
  for (size_t i = 0; i < p->count; i++) p->log_tokens[i] -= by;
  p->centre_tokens = centre;
}

const char *loss_points_missing(const struct loss_points *p, const double *weight, int pairs, int params, int tokens) {
  enum { MOST = 16 };
  double pair[MOST][2], n[MOST], d[MOST];
  int pair_count = 0, ns = 0, ds = 0, k;
  for (size_t i = 0; i < p->count && (pair_count < pairs || ns < params || ds < tokens); i++) {
    if (weight && !(weight[i] > 0)) continue;
    double ln = p->log_params[i], ld = p->log_tokens[i];
    for (k = 0; k < ns && n[k] != ln; k++) continue;
    if (k == ns && ns < params) n[ns++] = ln;
    for (k = 0; k < ds && d[k] != ld; k++) continue;
    if (k == ds && ds < tokens) d[ds++] = ld;
    for (k = 0; k < pair_count && (pair[k][0] != ln || pair[k][1] != ld); k++) continue;
    if (k == pair_count && pair_count < pairs) pair[pair_count][0] = ln, pair[pair_count++][1] = ld;
  }
  if (pair_count < pairs) return "needed are as many different (params, tokens) as the law has free parameters; add runs, or hold parameters by --fix";
  if (ns < params) return "needed are more different params: all runs have nearly the same size";
  if (ds < tokens) return "needed are more different tokens: all runs have nearly the same length";
  return NULL;
}

bool loss_points_on_a_line(const struct loss_points *p, const double *weight) {
  double w = 0, n = 0, d = 0, nn = 0, nd = 0, dd = 0;
  for (size_t i = 0; i < p->count; i++) {
    double wi = weight ? weight[i] : 1;
    w += wi, n += wi * p->log_params[i], d += wi * p->log_tokens[i];
  }
  for (size_t i = 0; i < p->count; i++) {
    double wi = weight ? weight[i] : 1, x = p->log_params[i] - n / w, y = p->log_tokens[i] - d / w;
    nn += wi * x * x, nd += wi * x * y, dd += wi * y * y;
  }
  return !(nn * dd - nd * nd > 1e-9 * (nn + dd) * (nn + dd));
}

bool loss_points_equal_ratio(const struct loss_points *p, const double *weight) {
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < p->count; i++) {
    if (weight && !(weight[i] > 0)) continue;
    low = fmin(low, p->log_tokens[i] - p->log_params[i]);
    high = fmax(high, p->log_tokens[i] - p->log_params[i]);
  }
  return !(high - low > 1e-6);
}

double loss_points_irreducible(const struct loss_points *p, const struct curve *c, struct fit *fit, int coordinate) {
  double log_e = fit->theta[coordinate];
  if (log_e > p->lowest - LOG_E_BELOW / 2.) return exp(log_e);
  if (!curve_is_free(c, coordinate)) return 0;
  fit->at_bound |= UINT64_C(1) << coordinate;
  return exp(log_e);
}

void loss_points_estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start, const struct loss_points *p, int log_e,
                          loss_points_starts *starts) {
  double from[LOSS_STARTS_MAX][PARAMETERS_MAX];
  if (start) {
    memcpy(from[0], start, (size_t)d->curve->parameters * sizeof *start);
    if (log_e >= 0 && !(from[0][log_e] > p->lowest - LOG_E_BELOW / 2.)) from[0][log_e] = p->lowest - 3; /* where E is 0 its slope is 0 too: it could not rise */
    curve_polish(fit, d->curve, weight, &d->options.fit, from[0]);
  } else {
    int count = starts(from, d, weight);
    curve_fit(fit, d->curve, weight, &d->options.fit, (const double(*)[PARAMETERS_MAX])from, count);
  }
  d->form->set_parameters(fit, d);
}
