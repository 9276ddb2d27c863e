/* SPDX-License-Identifier: MIT
 *
 * Loss to accuracy, and both steps from params and tokens.  Expected optima: tests/oracle/fit_scaling_downstream.py (scipy, 50 starts).
 */
#include "tools/fit-scaling/forms/downstream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"
#include "tools/fit-scaling/forms/accuracy_curve.h"
#include "tools/fit-scaling/forms/chinchilla.h"

static const struct form_options plain = {.fit = {OBJECTIVE_HUBER, 1e-3}};

static double scatter(int i, double amplitude) { return amplitude * sin(12.9898 * (i + 1)); }

static void add(struct runs *runs, double params, double tokens, double loss, double accuracy) {
  struct run run = run_of(params, tokens);
  run.value[RUN_LOSS] = loss;
  run.value[RUN_ACCURACY] = accuracy;
  runs_append(runs, &run, 0);
}

/* 30 checkpoints without shapes: the generator of the oracle script. */
static struct runs noisy_sigmoid(void) {
  struct runs runs = {0};
  for (int i = 0; i < 30; i++) {
    double loss = .6 + .9 * i / 29;
    add(&runs, NAN, NAN, loss, .93 - .66 / (1 + exp(-6 * (loss - 1))) + scatter(i, .01));
  }
  return runs;
}

static struct fit fit_of(struct form_data *d, const struct form *form, const struct form_options *options, const struct runs *runs) {
  struct err e = {0};
  struct fit fit = {.objective = NAN};
  if (form_bind(d, form, options, runs, &e) != 0) ok(false, "binds: %s", e.message);
  else if (form->undetermined(d, NULL)) ok(false, "is determined: %s", form->undetermined(d, NULL));
  else form->estimate(&fit, d, NULL, NULL);
  return fit;
}

static void near_all(const struct form_data *d, const struct fit *fit, int first, const double want[], double tolerance, const char *what) {
  for (int i = first; i < d->parameters; i++) {
    bool near = fabs(fit->parameter[i] / want[i - first] - 1) < tolerance;
    ok(near, "%s: %s = %.9g, not %.9g", what, d->names[i], fit->parameter[i], want[i - first]);
  }
}

static void one_step(void) {
  struct runs runs = noisy_sigmoid();
  struct form_data d;
  struct fit fit = fit_of(&d, &form_sigmoid, &plain, &runs);
  near_all(&d, &fit, 0, (const double[]){-.722484776, .990824673, 5.27906852, .96855379}, 1e-6, "sigmoid as scipy's");
  ok(fabs(fit.objective / .00081428595895 - 1) < 1e-10, "its sum of squares: %.12g", fit.objective);
  ok(fit.converged && fit.starts == 8 && fit.reached == 8 && fit.at_bound == 0, "%d of %d starts reach it", fit.reached, fit.starts);
  double weight[30], *start = fit.theta;
  for (int i = 0; i < 30; i++) weight[i] = 1 + i % 3;
  struct fit from_start, from_all;
  form_sigmoid.estimate(&from_start, &d, weight, start);
  form_sigmoid.estimate(&from_all, &d, weight, NULL);
  ok(fabs(from_start.objective / from_all.objective - 1) < 1e-10, "one descent finds the optimum of a resample");
  form_release(&d);
  fit = fit_of(&d, &form_log_sigmoid, &plain, &runs);
  near_all(&d, &fit, 0, (const double[]){-.0461802782, .47112885, 16.1143267}, 1e-6, "log-sigmoid as scipy's");
  form_release(&d);
  runs_release(&runs);
  for (int i = 0; i < 30; i++) {
    double loss = 2.2 + 1.6 * i / 29;
    add(&runs, NAN, NAN, loss, 1 - (.85 - 8 * exp(-1.3 * loss) + scatter(i, .004)));
  }
  fit = fit_of(&d, &form_task_error, &plain, &runs);
  near_all(&d, &fit, 0, (const double[]){.84973823, 7.74753313, 1.28874867}, 1e-6, "task-error as scipy's");
  ok(fabs(fit.objective / .000199196292929 - 1) < 1e-10 && fit.reached == fit.starts, "its sum of squares, from all starts");
  form_release(&d);
  runs_release(&runs);
}

static const double law[] = {.5, 80, 200, .3, .3};

/* Twelve shapes with exact losses and a sigmoid of accuracy, b at the top. */
static struct runs shapes(double b) {
  struct runs runs = {0};
  for (double n = 1e8; n < 5e9; n *= 3)
    for (double t = 2e9; t < 1e11; t *= 5) {
      double loss = chinchilla_loss(law, n, t);
      add(&runs, n, t, loss, b - .7 / (1 + exp(-4 * (loss - 1.1))));
    }
  return runs;
}

static void two_steps(void) {
  struct runs runs = shapes(.95);
  struct form_data d;
  struct named_value b = {"b", .95};
  struct form_options fixed = plain;
  fixed.fixed = &b;
  fixed.fixed_count = 1;
  struct fit fit = fit_of(&d, &form_ladder, &fixed, &runs);
  near_all(&d, &fit, 0, (const double[]){.5, 80, 200, .3, .3, -.7, 1.1, 4, .95}, 1e-7, "ladder with b fixed");
  struct run at = run_of(7e9, 4e12), loss_only = run_of(NAN, NAN);
  loss_only.value[RUN_LOSS] = 1.1;
  double loss = chinchilla_loss(law, 7e9, 4e12), accuracy = .95 - .7 / (1 + exp(-4 * (loss - 1.1)));
  ok_near(form_ladder.predict(&d, fit.parameter, &at), accuracy, 1e-9, "it predicts accuracy from params and tokens");
  ok_near(form_ladder.predict(&d, fit.parameter, &loss_only), .6, 1e-9, "and from a loss where there is no shape");
  struct optimum o = form_ladder.optimum(&d, fit.parameter, 1e22), want = chinchilla_optimum(law, 1e22);
  ok(fabs(o.N / want.N - 1) < 1e-7 && fabs(o.D / want.D - 1) < 1e-7, "its optimum is that of the law of loss");
  ok_near(o.loss, .95 - .7 / (1 + exp(-4 * (want.loss - 1.1))), 1e-9, "and comes with its accuracy");
  form_release(&d);
  fit = fit_of(&d, &form_ladder_log, &plain, &runs);
  ok(d.parameters == 8 && strcmp(d.names[7], "k") == 0 && fit.converged, "ladder-log has the log-sigmoid's three parameters");
  form_release(&d);
  fit = fit_of(&d, &form_ladder_error, &plain, &runs);
  ok(d.parameters == 7 && strcmp(d.names[4], "eps") == 0 && fit.converged, "ladder-error has task-error's, after those of over-training");
  ok(fabs(fit.parameter[3] - .15) < 1e-7, "whose exponent is half of chinchilla's where both of those agree");
  form_release(&d);
  runs_release(&runs);
}

/* Checkpoints on the way have a loss and an accuracy only. */
static void checkpoints(void) {
  struct runs runs = noisy_sigmoid(), finished = shapes(1);
  for (size_t i = 0; i < finished.count; i++) { /* accuracies of these are missing in the oracle's data: give them the fit's */
    struct run run = runs_row(&finished, i);
    run.value[RUN_ACCURACY] = .999530432 - .767969408 / (1 + exp(-4.8457828 * (run.value[RUN_LOSS] - .980078023)));
    runs_append(&runs, &run, 0);
  }
  struct form_data d;
  struct fit fit = fit_of(&d, &form_ladder, &plain, &runs);
  near_all(&d, &fit, 5, (const double[]){-.767969408, .980078023, 4.8457828, .999530432}, 2e-6, "ladder with the ideal point, as scipy's");
  ok(fabs(fit.parameter[0] - .5) < 1e-6 && fabs(fit.parameter[3] - .3) < 1e-6, "rows without a shape do not touch the law of loss");
  ok(fabs(fit.objective / .00108375765579 - 1) < 1e-8, "the ideal point counts once: %.12g", fit.objective);
  double *weight = calloc(runs.count, sizeof *weight);
  for (size_t i = 0; i < runs.count; i++) weight[i] = 2;
  struct fit twice;
  form_ladder.estimate(&twice, &d, weight, NULL);
  ok(twice.objective < 2 * fit.objective, "and once in every resample");
  for (size_t i = 30; i < runs.count; i++) weight[i] = 0;
  ok(form_ladder.undetermined(&d, weight) != NULL, "a resample without shapes is degenerate");
  free(weight);
  form_release(&d);
  runs_release(&runs);
  runs_release(&finished);
}

static void derivatives(void) {
  struct runs runs = noisy_sigmoid();
  static const enum accuracy_link links[] = {ACCURACY_SIGMOID, ACCURACY_LOG_SIGMOID, ACCURACY_EXPONENTIAL};
  double worst = 0;
  for (int k = 0; k < 3; k++) {
    struct accuracy_curve a;
    struct err e = {0};
    if (accuracy_curve_bind(&a, links[k], true, &runs, &plain, &e) != 0) ok(false, "binds: %s", e.message);
    const struct curve *c = &a.curve;
    double theta[] = {-.4, 1.1, .8, .9}, g[4], h[10], up[4], down[4], unused[10];
    for (size_t i = 0; i < c->count; i++) {
      c->value(c->context, i, theta, g, h);
      for (int x = 0; x < 4; x++) {
        double step = 1e-5, keep = theta[x];
        theta[x] = keep + step;
        double above = c->value(c->context, i, theta, up, unused);
        theta[x] = keep - step;
        double below = c->value(c->context, i, theta, down, unused);
        theta[x] = keep;
        worst = fmax(worst, fabs((above - below) / (2 * step) - g[x]));
        for (int y = 0; y <= x; y++) worst = fmax(worst, fabs((up[y] - down[y]) / (2 * step) - h[x * (x + 1) / 2 + y]));
      }
    }
    accuracy_curve_release(&a);
  }
  ok(worst < 1e-7, "gradients and Hessians agree with differences: %.2g", worst);
  runs_release(&runs);
}

static const char *why_not(const struct form *form, const struct runs *runs) {
  static struct err e;
  struct form_data d;
  e = (struct err){0};
  const char *why = form_bind(&d, form, &plain, runs, &e) == 0 ? form->undetermined(&d, NULL) : e.message;
  form_release(&d);
  return why ? why : "";
}

static void refuses(void) {
  struct runs runs = {0};
  for (int i = 0; i < 12; i++) add(&runs, NAN, NAN, 2 + .1 * i, .25);
  ok(strstr(why_not(&form_sigmoid, &runs), "same accuracy") != NULL, "a task at chance determines nothing");
  runs_release(&runs);
  for (int i = 0; i < 12; i++) add(&runs, NAN, NAN, 2 + .1 * i, .25 + .01 * i);
  ok(strstr(why_not(&form_task_error, &runs), "does not rise") != NULL, "nor one whose accuracy rises with the loss");
  ok(strstr(why_not(&form_ladder, &runs), "params and tokens") != NULL, "a ladder without shapes names the forms that do without");
  runs_release(&runs);
  for (int i = 0; i < 12; i++) add(&runs, NAN, NAN, 2 + .1 * (i % 3), .5 - .1 * (i % 3));
  ok(strstr(why_not(&form_sigmoid, &runs), "different losses") != NULL, "three losses do not determine four parameters");
  ok(why_not(&form_log_sigmoid, &runs)[0] == 0, "but three");
  runs_release(&runs);
  add(&runs, NAN, NAN, 2, 45);
  ok(strstr(why_not(&form_sigmoid, &runs), "accuracy of 45") != NULL, "percentages are refused");
  runs_release(&runs);
}

int main(void) {
  one_step();
  two_steps();
  checkpoints();
  derivatives();
  refuses();
  return tap_done();
}
