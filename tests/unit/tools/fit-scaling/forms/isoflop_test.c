/* SPDX-License-Identifier: MIT
 *
 * isoFLOP laws: an exact generator, published data sets, and tables that show no minimum.
 */
#include "tools/fit-scaling/forms/isoflop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/tap.h"

static const struct form_options usual = {.fit = {OBJECTIVE_HUBER, 1e-3}};

/* Runs of E + A/N^alpha + B/D^beta: `budgets` budgets from 1e18 a factor 4 apart, nine sizes a factor 1.8 apart around `center` of the best. */
static void make(struct runs *runs, int budgets, double center, double scatter, double noise) {
  struct rng rng;
  rng_init(&rng, 11);
  *runs = (struct runs){0};
  for (int b = 0; b < budgets; b++)
    for (int i = 0; i < 9; i++) {
      double flops = 1e18 * pow(4, b) * exp(scatter * (rng_double(&rng) - .5)), best = pow(.34 * 480 / (.36 * 2000), 1 / .7) * pow(flops / 6, .36 / .7);
      struct run run = run_of(best * center * pow(1.8, i - 4), NAN);
      run.value[RUN_TOKENS] = flops / 6 / run.value[RUN_PARAMS];
      run.value[RUN_FLOPS] = flops;
      run.value[RUN_LOSS] = (1.8 + 480 / pow(run.value[RUN_PARAMS], .34) + 2000 / pow(run.value[RUN_TOKENS], .36)) * exp(noise * rng_normal(&rng));
      runs_append(runs, &run, 0);
    }
}

static const char *fit_runs(struct fit *fit, struct form_data *d, const struct runs *runs, const struct form_options *options) {
  struct err e = {0};
  if (form_bind(d, &form_isoflop, options, runs, &e) != 0) return "bind";
  const char *why = d->form->undetermined(d, NULL);
  if (!why) d->form->estimate(fit, d, NULL, NULL);
  return why;
}

static void generator(void) {
  for (int how = MINIMA_PARABOLA; how <= MINIMA_SPLINE; how++)
    for (int scattered = 0; scattered < 2; scattered++) {
      struct runs runs;
      struct form_data d;
      struct fit fit;
      struct form_options options = usual;
      const char *name = how ? "spline" : "parabola", *kind = scattered ? "budgets that scatter by 14%" : "exact budgets";
      options.minima = how;
      make(&runs, 6, 1.2, scattered ? .14 : 0, 0);
      const char *why = fit_runs(&fit, &d, &runs, &options);
      const double *p = fit.parameter;
      ok(why == NULL && fit.converged && d.parameters == 8, "%s, %s: six budgets determine the law", name, kind);
      double tolerance = scattered ? .004 : .0015;
      ok(fabs(p[0] - .36 / .7) < tolerance, "a = %.5f of .51429", p[0]);
      ok(fabs(p[1] - .34 / .7) < tolerance, "b = %.5f of .48571", p[1]);
      ok(fabs(p[4] - 1.8) < (scattered ? .03 : .01), "E = %.4f of 1.8", p[4]);
      ok(fabs(p[6] - .34 * .36 / .7) < (scattered ? .01 : .003), "c = %.5f of .17486", p[6]);
      ok(fabs(p[7] - .35) < .02, "gamma = %.4f of .35, between alpha and beta", p[7]);
      struct optimum o = d.form->optimum(&d, p, 1e22);
      double truth = pow(.34 * 480 / (.36 * 2000), 1 / .7) * pow(1e22 / 6, .36 / .7);
      ok(fabs(o.N / truth - 1) < (scattered ? .03 : .01), "the best model for 1e22, ten times the largest budget: %+.2f%%", 100 * (o.N / truth - 1));
      ok_near(6 * o.N * o.D / 1e22, 1, 1e-9, "its tokens use the budget up");
      double worst = 0;
      for (size_t i = 0; i < runs.count; i++) {
        struct run run = runs_row(&runs, i);
        worst = fmax(worst, fabs(d.form->predict(&d, p, &run) / run.value[RUN_LOSS] - 1));
      }
      ok(worst < .01, "every run is predicted within 1%%: %.3g%%", 100 * worst);
      form_release(&d);
      runs_release(&runs);
    }
}

static void resamples(void) {
  struct runs runs, twice;
  struct form_data d, of_twice;
  struct fit fit, again;
  make(&runs, 5, 1, 0, .003);
  make(&twice, 5, 1, 0, .003);
  for (size_t i = 0; i < runs.count; i++) {
    struct run run = runs_row(&runs, i);
    if (i % 9 % 2 == 0) runs_append(&twice, &run, 0);
  }
  double weight[64];
  for (size_t i = 0; i < runs.count; i++) weight[i] = i % 9 % 2 ? 1 : 2;
  form_bind(&d, &form_isoflop, &usual, &runs, &(struct err){0});
  d.form->estimate(&fit, &d, weight, NULL);
  fit_runs(&again, &of_twice, &twice, &usual);
  double worst = 0;
  for (int i = 0; i < 8; i++) worst = fmax(worst, fabs(fit.parameter[i] / again.parameter[i] - 1));
  ok(worst < 1e-5, "a run of weight 2 counts as two runs: %.2g", worst);
  for (size_t i = 0; i < runs.count; i++) weight[i] = i < 9 ? 2 : 1;
  d.form->estimate(&again, &d, weight, NULL);
  d.form->estimate(&fit, &d, NULL, NULL);
  ok(again.parameter[0] != fit.parameter[0] && fabs(again.parameter[0] / fit.parameter[0] - 1) < .02, "a budget of weight 2 counts twice in the law");
  struct fit warm;
  d.form->estimate(&warm, &d, weight, again.theta);
  ok(fabs(warm.parameter[4] / again.parameter[4] - 1) < 1e-6, "from its own optimum it ends there");
  for (size_t i = 0; i < runs.count; i++) weight[i] = i < 9;
  ok(d.form->undetermined(&d, weight) != NULL, "a resample of one budget is degenerate");
  form_release(&d);
  form_release(&of_twice);
  runs_release(&runs);
  runs_release(&twice);
}

static void fixed(void) {
  struct runs runs;
  struct form_data d;
  struct fit fit;
  struct err e = {0};
  struct named_value held[2] = {{(char *)"a", .5}, {(char *)"E", 1.7}};
  struct form_options options = usual;
  options.fixed = held;
  options.fixed_count = 2;
  make(&runs, 6, 1, 0, 0);
  ok(fit_runs(&fit, &d, &runs, &options) == NULL && fit.parameter[0] == .5 && fabs(fit.parameter[4] - 1.7) < 1e-12, "a and E can be held");
  form_release(&d);
  held[0].name = (char *)"kN";
  ok(form_bind(&d, &form_isoflop, &options, &runs, &e) != 0 && strstr(e.message, "kN"), "kN cannot: %s", e.message);
  form_release(&d);
  runs_release(&runs);
}

/* Training FLOPs that are not 6 N D: attention's share falls with the size. */
static void own_count(void) {
  struct runs runs;
  struct form_data d;
  struct isoflop_budget budget[8];
  make(&runs, 6, 1, 0, 0);
  for (size_t i = 0; i < runs.count; i++) runs.column[RUN_TOKENS][i] /= 1 + 30 / pow(runs.column[RUN_PARAMS][i], .25);
  ok(form_bind(&d, &form_isoflop, &usual, &runs, &(struct err){0}) == 0 && isoflop_budgets(&d, budget, 8) == 6, "budgets whose FLOPs count attention");
  double worst = 0;
  for (int b = 0; b < 6; b++) worst = fmax(worst, fabs(budget[b].D * 6 * budget[b].N * (1 + 30 / pow(budget[b].N, .25)) / budget[b].flops - 1));
  ok(worst < .01, "the tokens at the minimum follow the table's own count: %.2g", worst);
  form_release(&d);
  runs_release(&runs);
}

static void edges(void) {
  struct runs runs;
  struct form_data d;
  struct fit fit;
  struct isoflop_budget budget[8];
  struct buffer text = {0};
  make(&runs, 6, 1, 0, 0);
  for (size_t i = 0; i < 9; i++) runs.column[RUN_LOSS][i] = 5 - .1 * (double)i; /* falls to the largest size */
  ok(fit_runs(&fit, &d, &runs, &usual) == NULL && fabs(fit.parameter[0] - .36 / .7) < .002, "a budget without a minimum does not spoil the law");
  size_t found = isoflop_budgets(&d, budget, 8);
  ok(found == 6 && budget[0].left_out && budget[0].runs == 9 && isnan(budget[0].N), "it is left out: %s", budget[0].left_out);
  ok(!budget[1].left_out && fabs(budget[1].flops / 4e18 - 1) < 1e-12, "the next is not");
  ok_near(6 * budget[1].N * budget[1].D / 4e18, 1, 1e-9, "its minimum has the budget's tokens");
  ok(budget[1].curvature > 0 && budget[1].loss > budget[5].loss, "curvature and loss");
  d.form->remarks(&d, &text);
  ok(strstr(buffer_string(&text), "1 of 6 budgets left out") && strstr(buffer_string(&text), "lowest at the largest size"), "and said: %.70s", buffer_string(&text));
  buffer_release(&text);
  form_release(&d);
  runs_release(&runs);

  make(&runs, 6, 40, 0, 0);
  const char *why = fit_runs(&fit, &d, &runs, &usual);
  ok(why && strstr(why, "minimum"), "sizes that are all too large: %s", why);
  form_release(&d);
  runs_release(&runs);
  make(&runs, 1, 1, 0, 0);
  why = fit_runs(&fit, &d, &runs, &usual);
  ok(why && strstr(why, "two budgets"), "one budget: %s", why);
  form_release(&d);
  runs_release(&runs);
  make(&runs, 3, 1, 0, 0);
  ok(fit_runs(&fit, &d, &runs, &usual) == NULL && fit.parameter[4] == 0 && !(fit.at_bound >> 4 & 1), "three budgets: a straight power law of the loss");
  form_release(&d);
  runs_release(&runs);
}

/* ---- published sets */

static void add(struct runs *runs, double params, double tokens, double flops, double loss) {
  struct run run = run_of(params, tokens);
  run.value[RUN_FLOPS] = flops;
  run.value[RUN_LOSS] = loss;
  runs_append(runs, &run, 0);
}

static bool read_set(struct runs *runs, const char *name, int kind) {
  const char *path = tap_shared(name);
  *runs = (struct runs){0};
  FILE *f = path ? fopen(path, "r") : NULL;
  char line[1024];
  double flops = 0, params = 0, tokens, loss;
  while (f && fgets(line, sizeof line, f)) {
    if (kind == 0 && sscanf(line, "%lf,%lf,%lf,", &flops, &tokens, &loss) == 3) add(runs, flops / 6 / tokens, tokens, flops, loss);
    if (kind == 1 && sscanf(line, "%*f,%*f,%*[^,],%lf,%lf,%*[^,],%lf", &params, &flops, &loss) == 3) add(runs, params, flops / 6 / params, flops, loss);
    if (kind != 2) continue;
    sscanf(line, " \"parameters\": %lf", &params);
    sscanf(line, " \"compute_budget\": %lf", &flops);
    if (sscanf(line, " \"final_loss\": %lf", &loss) == 1) add(runs, params, flops / 6 / params, flops, loss);
  }
  if (f) fclose(f);
  return runs->count > 0;
}

static void published(void) {
  static const struct {
    const char *file, *title;
    int kind;
    size_t budgets;
    double a_low, a_high;
  } sets[] = {{"scaling/llama3_isoflops_points.csv", "Llama 3 (D exponent .53 with (alpha, A) = (.53, .29))", 0, 10, .45, .49},
              {"scaling/chinchilla_epoch_svg.csv", "Chinchilla (.49, .462 to .534)", 1, 8, .462, .534},
              {"scaling/cs336_a3_isoflops.json", "CS336 assignment 3 (.514286)", 2, 9, .513, .516}};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    for (int how = MINIMA_PARABOLA; how <= MINIMA_SPLINE; how++) {
      struct runs runs;
      struct form_data d;
      struct fit fit;
      struct form_options options = usual;
      struct isoflop_budget budget[ISOFLOP_BUDGETS_MAX];
      options.minima = how;
      if (!read_set(&runs, sets[i].file, sets[i].kind)) {
        skip("no shared data", sets[i].title);
        continue;
      }
      const char *why = fit_runs(&fit, &d, &runs, &options);
      size_t found = isoflop_budgets(&d, budget, ISOFLOP_BUDGETS_MAX);
      ok(why == NULL && found >= sets[i].budgets, "%s: %zu budgets", sets[i].title, found);
      ok(fit.parameter[0] > sets[i].a_low && fit.parameter[0] < sets[i].a_high, "%s: N grows as C^%.4f", how ? "spline" : "parabola", fit.parameter[0]);
      struct optimum o = d.form->optimum(&d, fit.parameter, sets[i].kind == 0 ? 3.8e25 : 1e24);
      if (sets[i].kind == 0) ok(fabs(o.N / 402e9 - 1) < .1 && fabs(o.D / 16.55e12 - 1) < .1, "3.8e25 FLOPs: %.3gB params, %.4gT tokens (published: 402, 16.55)", o.N / 1e9, o.D / 1e12);
      if (sets[i].kind == 2) ok(fabs(o.N / 3.003e11 - 1) < .006, "1e24 FLOPs: %+.2f%% of the true size", 100 * (o.N / 3.003e11 - 1));
      form_release(&d);
      runs_release(&runs);
    }
}

int main(void) {
  generator();
  resamples();
  fixed();
  own_count();
  edges();
  published();
  return tap_done();
}
