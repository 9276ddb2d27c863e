/* SPDX-License-Identifier: MIT
 *
 * Laws of mixtures and the best shares.  Expected optima: tests/oracle/fit_scaling_downstream.py (scipy, 50 starts).
 */
#include "tools/fit-scaling/forms/mixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/tap.h"

enum { RUNS = 24, SOURCES = 3, DOMAINS = 2 };

static const double c[DOMAINS] = {1.7, 2.2}, t[DOMAINS][SOURCES] = {{-2, .4, .1}, {.3, -.2, -3}};

/* The generator of the oracle script. */
static struct runs mixtures(double noise) {
  static const char *const source[SOURCES] = {"web", "code", "books"}, *const domain[DOMAINS] = {"web", "books"};
  struct runs runs = {.source_count = SOURCES, .domain_count = DOMAINS, .source = NEW_ARRAY(char *, SOURCES), .domain = NEW_ARRAY(char *, DOMAINS)};
  for (int j = 0; j < SOURCES; j++) runs.source[j] = STRDUP(source[j]);
  for (int k = 0; k < DOMAINS; k++) runs.domain[k] = STRDUP(domain[k]);
  for (int i = 0; i < RUNS; i++) {
    double share[SOURCES] = {1 + i % 5, 1 + i * 7 % 6, 1 + i * 3 % 4}, sum = share[0] + share[1] + share[2], loss[DOMAINS];
    for (int j = 0; j < SOURCES; j++) share[j] /= sum;
    for (int k = 0; k < DOMAINS; k++) {
      double u = 0;
      for (int j = 0; j < SOURCES; j++) u += t[k][j] * share[j];
      loss[k] = (c[k] + exp(u)) * exp((k ? -1 : 1) * noise * sin(12.9898 * (i + 1)));
    }
    struct run run = run_of(NAN, NAN);
    run.shares = share;
    run.domain_loss = loss;
    run.value[RUN_LOSS] = (loss[0] + loss[1]) / 2;
    runs_append(&runs, &run, 0);
  }
  return runs;
}

static const struct form_options squares = {.fit = {OBJECTIVE_SQUARES, 1e-3}}, huber = {.fit = {OBJECTIVE_HUBER, 1e-3}};

static struct fit fit_of(struct form_data *d, const struct form_options *options, const struct runs *runs) {
  struct err e = {0};
  struct fit fit = {.objective = NAN};
  if (form_bind(d, &form_mixture, options, runs, &e) != 0) ok(false, "binds: %s", e.message);
  else if (form_mixture.undetermined(d, NULL)) ok(false, "is determined: %s", form_mixture.undetermined(d, NULL));
  else form_mixture.estimate(&fit, d, NULL, NULL);
  return fit;
}

static void near_shares(const struct form_data *d, const struct fit *fit, const double want[SOURCES], double tolerance, const char *what) {
  double shares[SOURCES], worst = 0;
  form_mixture.best_shares(d, fit->parameter, shares);
  for (int j = 0; j < SOURCES; j++) worst = fmax(worst, fabs(shares[j] - want[j]));
  ok(worst < tolerance, "%s: %.9g %.9g %.9g", what, shares[0], shares[1], shares[2]);
}

static void recovers(void) {
  struct runs runs = mixtures(0);
  struct form_data d;
  struct fit fit = fit_of(&d, &huber, &runs);
  double worst = 0;
  for (int k = 0; k < DOMAINS; k++)
    for (int j = 0; j <= SOURCES; j++) worst = fmax(worst, fabs(fit.parameter[k * (SOURCES + 1) + j] - (j ? t[k][j - 1] : c[k])));
  ok(worst < 1e-7 && fit.reached == fit.starts, "laws without noise are recovered: %.2g", worst);
  ok(strcmp(d.names[0], "c:web") == 0 && strcmp(d.names[7], "t:books:books") == 0, "parameters are named after domains and sources");
  struct run run = runs_row(&runs, 5);
  ok_near(form_mixture.predict(&d, fit.parameter, &run), run.value[RUN_LOSS], 1e-9, "the prediction is the mean over the domains");
  form_release(&d);
  runs.domain_count = 0; /* the plain loss is a sum of two such laws, nearly one itself */
  fit = fit_of(&d, &huber, &runs);
  ok(d.parameters == SOURCES + 1 && strcmp(d.names[0], "c") == 0 && strcmp(d.names[1], "t:web") == 0, "one loss has one law");
  ok(fabs(form_mixture.predict(&d, fit.parameter, &run) / run.value[RUN_LOSS] - 1) < .02, "which predicts it");
  form_release(&d);
  runs.domain_count = DOMAINS;
  runs_release(&runs);
}

static void as_scipy(void) {
  static const double want[] = {1.68910227, -1.95299526, .401728324, .11358446, 2.18358155, .302048232, -.184212792, -2.89827425};
  struct runs runs = mixtures(.003);
  struct form_data d;
  struct fit fit = fit_of(&d, &squares, &runs);
  double worst = 0;
  for (int i = 0; i < d.parameters; i++) worst = fmax(worst, fabs(fit.parameter[i] / want[i] - 1));
  ok(worst < 1e-6, "noisy laws are fitted as by scipy: %.2g", worst);
  ok(fabs(fit.objective / (9.74192282891e-05 + 9.71569326513e-05) - 1) < 1e-9, "the objective is the sum over domains: %.12g", fit.objective);
  near_shares(&d, &fit, (const double[]){.4888076, 0, .5111924}, 1e-6, "the best shares");
  double weight[RUNS];
  for (int i = 0; i < RUNS; i++) weight[i] = i % 3;
  struct fit near, far;
  form_mixture.estimate(&near, &d, weight, fit.theta);
  form_mixture.estimate(&far, &d, weight, NULL);
  ok(fabs(near.objective / far.objective - 1) < 1e-9, "one descent finds the optimum of a resample");
  form_release(&d);
  struct named_value weights[] = {{"web", 8}, {"books", 2}}, limits[] = {{"books", .4}};
  struct form_options o = squares;
  o.weights = weights;
  o.weight_count = 2;
  fit = fit_of(&d, &o, &runs);
  near_shares(&d, &fit, (const double[]){.7520163, 0, .2479837}, 1e-6, "with weights");
  form_release(&d);
  struct err e = {0};
  double plain = runs.column[RUN_LOSS][3];
  ok(mixture_set_losses(&runs, &o, &e) == 0, "the loss of a run is weighted too");
  ok_near(runs.column[RUN_LOSS][3], .8 * runs.domain_loss[6] + .2 * runs.domain_loss[7], 1e-12, "as the law's");
  ok_near(plain, .5 * (runs.domain_loss[6] + runs.domain_loss[7]), 1e-12, "it was the mean");
  o = squares;
  o.limits = limits;
  o.limit_count = 1;
  fit = fit_of(&d, &o, &runs);
  near_shares(&d, &fit, (const double[]){.6, 0, .4}, 1e-9, "with a limit");
  form_release(&d);
  runs_release(&runs);
}

static void holds_fixed(void) {
  struct runs runs = mixtures(0);
  struct form_data d;
  struct named_value fixed[] = {{"c:web", 1.7}, {"t:books:web", .3}};
  struct form_options o = huber;
  o.fixed = fixed;
  o.fixed_count = 2;
  struct fit fit = fit_of(&d, &o, &runs);
  ok(fabs(fit.parameter[0] - 1.7) < 1e-15 && fit.parameter[5] == .3, "fixed parameters stay");
  ok(fabs(fit.parameter[4] - 2.2) < 1e-7 && fabs(fit.parameter[7] + 3) < 1e-7, "and the others are found");
  form_release(&d);
  runs_release(&runs);
}

static const char *why_not(const struct form_options *options, const struct runs *runs) {
  static struct err e;
  struct form_data d;
  e = (struct err){0};
  const char *why = form_bind(&d, &form_mixture, options, runs, &e) == 0 ? form_mixture.undetermined(&d, NULL) : e.message;
  form_release(&d);
  return why ? why : "";
}

static void refuses(void) {
  struct runs runs = mixtures(0);
  struct named_value named = {"wbe", 1}, little[] = {{"web", .2}, {"code", .2}, {"books", .2}};
  struct form_options o = huber;
  o.limits = &named;
  o.limit_count = 1;
  ok(strstr(why_not(&o, &runs), "'wbe'") != NULL, "a limit of an unknown source");
  o.limits = little;
  o.limit_count = 3;
  ok(strstr(why_not(&o, &runs), "only 0.6") != NULL, "limits that leave too little room");
  runs.share[1] += .01;
  ok(strstr(why_not(&huber, &runs), "run 1 sum to 1.01") != NULL, "shares that do not sum to 1");
  runs.share[1] -= .0099;
  ok(why_not(&huber, &runs)[0] == 0, "rounded shares are taken");
  runs.domain_loss[5] = NAN;
  ok(strstr(why_not(&huber, &runs), "run 3 has no loss:books") != NULL, "a missing loss");
  runs.share[4] = NAN;
  ok(strstr(why_not(&huber, &runs), "share of code") != NULL, "a missing share");
  runs_release(&runs);
  runs = mixtures(0);
  static const double few[4][SOURCES] = {{.6, .2, .2}, {.2, .6, .2}, {.2, .2, .6}, {.4, .4, .2}};
  memcpy(runs.share, few, sizeof few);
  runs.count = 4;
  ok(why_not(&huber, &runs)[0] == 0, "four mixtures of three sources are enough");
  runs.count = 3;
  ok(strstr(why_not(&huber, &runs), "and one more") != NULL, "three are not");
  runs_release(&runs);
  runs = mixtures(0);
  for (int i = 0; i < RUNS; i++) { /* a constant share: with the sum, one column too many */
    double *r = runs.share + i * SOURCES, rest = .8 / (r[0] + r[2]);
    r[1] = .2, r[0] *= rest, r[2] *= rest;
  }
  ok(strstr(why_not(&huber, &runs), "tied") != NULL, "a constant share cannot be told from c");
  for (int i = 0; i < RUNS; i++) {
    double *r = runs.share + i * SOURCES;
    r[0] = .1 + .03 * i, r[1] = 0, r[2] = 1 - r[0];
  }
  ok(strstr(why_not(&huber, &runs), "share of 0 in every run") != NULL, "a source that no run has");
  runs_release(&runs);
}

int main(void) {
  recovers();
  as_scipy();
  holds_fixed();
  refuses();
  return tap_done();
}
