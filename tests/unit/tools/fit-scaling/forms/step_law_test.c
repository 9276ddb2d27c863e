/* SPDX-License-Identifier: MIT
 *
 * Laws of learning rate and batch size: a surface against numpy (tests/oracle/fit_scaling_minima.py), exact searches, the
 * published runs and constants.
 */
#include "tools/fit-scaling/forms/step_law.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/tap.h"

static const struct form_options usual = {.fit = {OBJECTIVE_SQUARES, 1e-3}};

static void add(struct runs *runs, double params, double tokens, double lr, double batch, double loss) {
  struct run run = run_of(params, tokens);
  run.value[RUN_LR] = lr;
  run.value[RUN_BATCH] = batch;
  run.value[RUN_LOSS] = loss;
  runs_append(runs, &run, 0);
}

static const char *fit_runs(struct fit *fit, struct form_data *d, const struct runs *runs, const struct form_options *options) {
  struct err e = {0};
  if (form_bind(d, &form_step_law, options, runs, &e) != 0) return "bind";
  const char *why = d->form->undetermined(d, NULL);
  if (!why) d->form->estimate(fit, d, NULL, NULL);
  return why;
}

/* A search of every (N, D) of a 4 x 4 grid: 2 N^-.6 D^.3 and .5 D^.55 are best; `axes`: 1 lr varied, 2 batch varied. */
static void make(struct runs *runs, int axes, double off, double noise) {
  struct rng rng;
  rng_init(&rng, 2);
  *runs = (struct runs){0};
  for (int n = 0; n < 4; n++)
    for (int d = 0; d < 4; d++) {
      double params = 1e8 * pow(2, n), tokens = 2e9 * pow(3, d), lr = 2 * pow(params, -.6) * pow(tokens, .3), batch = .5 * pow(tokens, .55);
      for (int i = -4; i <= 4; i++)
        for (int k = -3; k <= 3; k++) {
          if ((!(axes & 1) && i) || (!(axes & 2) && k)) continue;
          double u = .35 * i + off, v = .5 * k - off, rise = .012 * u * u + .006 * u * v + .01 * v * v;
          if (u > 1.2) rise = 1; /* diverged */
          add(runs, params, tokens, lr * exp(u), batch * exp(v), 3 * pow(params * tokens, -.02) * exp(rise + noise * rng_normal(&rng)));
        }
    }
}

static void surface(void) {
  static const double log_loss[20] = {1.032651993, 1.03118687,  1.030662603, 1.031465002, 1.033193973, 1.031951084, 1.030513707, 1.029672936, 1.030239308, 1.031033759,
                                      1.033229755, 1.031322366, 1.030241354, 1.029781676, 1.031081431, 1.035974627, 1.03356021,  1.032166933, 1.031811622, 1.031954382};
  struct runs runs = {0};
  struct form_data d;
  struct fit fit;
  for (int cell = 0; cell < 3; cell++) /* the same optimum at three (N, D) */
    for (int i = 0; i < 20; i++)
      add(&runs, cell == 1 ? 2e8 : 1e8, cell == 2 ? 2e10 : 1e10, exp(log(1e-3) + .35 * (i % 5)), exp(log(131072) + .5 * (i / 5)), exp(log_loss[i]));
  ok(fit_runs(&fit, &d, &runs, &usual) == NULL, "three (N, D) determine the laws");
  ok(fabs(fit.parameter[1]) < 1e-12 && fabs(fit.parameter[2]) < 1e-12 && fabs(fit.parameter[4]) < 1e-12, "equal optima have exponents 0");
  ok(fabs(fit.parameter[0] / .002281985678 - 1) < 1e-6, "the surface's best learning rate is numpy's: %.9g", fit.parameter[0]);
  ok(fabs(fit.parameter[3] / 252749.4611 - 1) < 1e-6, "its best batch too: %.9g", fit.parameter[3]);
  form_release(&d);
  runs_release(&runs);
}

static void searches(void) {
  for (int axes = 1; axes <= 3; axes++)
    for (int noisy = 0; noisy < 2; noisy++) {
      struct runs runs;
      struct form_data d;
      struct fit fit;
      make(&runs, axes, axes == 3 ? .1 : 0, noisy ? .0005 : 0);
      const char *name = axes == 1 ? "learning rates alone" : axes == 2 ? "batch sizes alone" : "both";
      double tolerance = noisy ? .03 : 1e-9;
      ok(fit_runs(&fit, &d, &runs, &usual) == NULL, "%s, %s", name, noisy ? "with noise" : "without noise");
      const double *p = fit.parameter;
      if (axes & 1) ok(fabs(p[1] + .6) < tolerance && fabs(p[2] - .3) < tolerance && fabs(log(p[0] / 2)) < 30 * tolerance, "lr = %.4g N^%.4f D^%.4f", p[0], p[1], p[2]);
      else ok(isnan(p[0]) && isnan(p[1]) && isnan(p[2]), "no law for the learning rate");
      if (axes & 2) ok(fabs(p[4] - .55) < tolerance && fabs(log(p[3] / .5)) < 30 * tolerance, "batch = %.4g D^%.4f", p[3], p[4]);
      else ok(isnan(p[3]) && isnan(p[4]), "no law for the batch size");
      struct run at = run_of(1e9, 1e11);
      if (!noisy && axes == 3) ok_near(d.form->predict(&d, p, &at), 2 * pow(1e9, -.6) * pow(1e11, .3), 1e-9, "the learning rate elsewhere");
      if (!noisy && axes == 3) ok_near(d.form->predict_too(&d, p, &at) / (.5 * pow(1e11, .55)), 1, 1e-9, "the batch size elsewhere");
      form_release(&d);
      runs_release(&runs);
    }
}

static void weights(void) {
  struct runs runs;
  struct form_data d;
  struct fit fit, again;
  double weight[16 * 63];
  make(&runs, 3, .1, .001);
  form_bind(&d, &form_step_law, &usual, &runs, &(struct err){0});
  d.form->estimate(&fit, &d, NULL, NULL);
  for (size_t i = 0; i < runs.count; i++) weight[i] = 2;
  d.form->estimate(&again, &d, weight, NULL);
  ok(fabs(fit.parameter[1] - again.parameter[1]) < 1e-12, "all runs twice are the same");
  for (size_t i = 0; i < runs.count; i++) weight[i] = i < 63 ? 2 : 1;
  d.form->estimate(&again, &d, weight, NULL);
  ok(again.parameter[1] != fit.parameter[1], "a search of weight 2 counts twice in the law");
  for (size_t i = 0; i < runs.count; i++) weight[i] = i < 2 * 63;
  ok(d.form->undetermined(&d, weight) != NULL, "a resample of two (N, D) is degenerate");
  form_release(&d);
  runs_release(&runs);
}

static void refused(void) {
  struct runs runs = {0};
  struct form_data d;
  struct fit fit;
  struct buffer text = {0};
  for (int n = 0; n < 4; n++)
    for (int i = -3; i <= 3; i++) add(&runs, 1e8 * pow(2, n), 2e9 * pow(2, n), 1e-3 * exp(.3 * i), 5e5, 3 + .01 * i * i);
  const char *why = fit_runs(&fit, &d, &runs, &usual);
  ok(why && strstr(why, "proportion"), "N and D in proportion: %s", why);
  form_release(&d);
  struct named_value held = {(char *)"lr_D", .307};
  struct form_options options = usual;
  options.fixed = &held;
  options.fixed_count = 1;
  ok(fit_runs(&fit, &d, &runs, &options) == NULL && fit.parameter[2] == .307 && fabs(fit.parameter[1] + .307) < 1e-9, "with lr_D held they determine the rest");
  form_release(&d);
  held.name = (char *)"lr_c";
  struct err e = {0};
  ok(form_bind(&d, &form_step_law, &options, &runs, &e) != 0, "lr_c cannot be held: %s", e.message);
  form_release(&d);
  runs_release(&runs);

  runs = (struct runs){0};
  for (int i = 0; i < 5; i++) add(&runs, 1e8, 1e10, 1e-3, 5e5, 3 + .1 * i);
  why = fit_runs(&fit, &d, &runs, &usual);
  ok(why && strstr(why, "different learning rates"), "nothing varied: %s", why);
  form_release(&d);
  runs_release(&runs);

  make(&runs, 3, 1.5, 0); /* every grid ends before the best learning rate is reached */
  ok(fit_runs(&fit, &d, &runs, &usual) == NULL, "an optimum at the edge of the search is still reported");
  d.form->remarks(&d, &text);
  ok(strstr(buffer_string(&text), "the best learning rate is the smallest or the largest"), "but said");
  buffer_release(&text);
  form_release(&d);
  runs_release(&runs);

  runs = (struct runs){0}; /* one row each: optima that somebody found */
  for (int n = 0; n < 3; n++)
    for (int t = 0; t < 3; t++) add(&runs, 1e8 * pow(2, n), 2e9 * pow(3, t), step_law_lr(1e8 * pow(2, n), 2e9 * pow(3, t)), step_law_batch(2e9 * pow(3, t)), 3);
  ok(fit_runs(&fit, &d, &runs, &usual) == NULL && fabs(fit.parameter[1] + .713) < 1e-9 && fabs(fit.parameter[4] - .571) < 1e-9, "a table of optima gives the laws through them");
  form_release(&d);
  runs_release(&runs);
}

/* The published search: the law of its dense models; the paper's constants come from more runs than these. */
static void published(void) {
  const char *path = tap_shared("scaling/steplaw_dense_lr_bs_loss.csv");
  ok_near(step_law_lr(1e9, 1e11), 1.797 * pow(1e9, -.713) * pow(1e11, .307), 1e-12, "the published learning rate for 1G params and 100G tokens: 1.64e-3");
  ok(fabs(step_law_batch(1e11) - 1.11e6) < 1e4, "and batch: 1.11M tokens");
  FILE *f = path ? fopen(path, "r") : NULL;
  struct runs runs = {0};
  struct form_data d;
  struct fit fit;
  char line[1024];
  double lr, batch, loss, tokens, params;
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "%*f,%*f,%*f,%*f,%lf,%lf,%*f,%*f,%lf,%*[^,],%lf,%lf", &lr, &batch, &loss, &tokens, &params) == 5) add(&runs, params, tokens, lr, 2048 * batch, loss);
  if (f) fclose(f);
  if (runs.count == 0) {
    skip("no shared data", "the published search");
    return;
  }
  ok_int((int64_t)runs.count, 1911, "the published search has 1911 runs");
  ok(fit_runs(&fit, &d, &runs, &usual) == NULL, "of 17 (N, D)");
  const double *p = fit.parameter;
  ok(fabs(p[1] + .713) < .05, "lr falls as N^%.3f (published -.713)", p[1]);
  ok(p[2] > .15 && p[2] < .31, "lr grows as D^%.3f (published .307 from more runs)", p[2]);
  ok(fabs(p[4] - .571) < .02 && fabs(p[3] / .581 - 1) < .3, "batch = %.3f D^%.3f (published .581 D^.571)", p[3], p[4]);
  struct run at = run_of(1e9, 1e11);
  ok(fabs(log(d.form->predict(&d, p, &at) / step_law_lr(1e9, 1e11))) < log(1.5), "lr of 1G params, 100G tokens: %.3g (published %.3g)", d.form->predict(&d, p, &at),
     step_law_lr(1e9, 1e11));
  form_release(&d);
  runs_release(&runs);
}

int main(void) {
  surface();
  searches();
  weights();
  refused();
  published();
  return tap_done();
}
