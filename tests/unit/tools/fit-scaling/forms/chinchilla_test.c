/* SPDX-License-Identifier: MIT
 *
 * The optimum of all three objectives against published and independent values.  The 240 points are Besiroglu et al.'s
 * extraction from the Chinchilla paper; the L1 optimum is confirmed by tests/oracle/fit_scaling_l1.py.
 */
#include "tools/fit-scaling/forms/chinchilla.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

enum { E = CHINCHILLA_E, A = CHINCHILLA_A, B = CHINCHILLA_B, ALPHA = CHINCHILLA_ALPHA, BETA = CHINCHILLA_BETA };

static void append(struct runs *runs, double params, double tokens, double loss) {
  struct run run = run_of(params, tokens);
  run.value[RUN_LOSS] = loss;
  runs_append(runs, &run, 0);
}

/* Fits them; *d stays bound for questions about weights and curves and is the caller's to release. */
static struct fit fit_of(struct form_data *d, const struct runs *runs, enum objective objective, double delta) {
  struct form_options options = {.fit = {objective, delta}};
  struct err e;
  struct fit fit = {0};
  if (form_bind(d, &form_chinchilla, &options, runs, &e) == 0) form_chinchilla.estimate(&fit, d, NULL, NULL);
  else ok(false, "the form takes the runs: %s", e.message);
  return fit;
}

static bool read_besiroglu(struct runs *runs) {
  const char *path = tap_shared("oracle/scaling/besiroglu240.tsv");
  double params, tokens, loss;
  if (!path) return false;
  FILE *f = fopen(path, "r");
  while (f && fscanf(f, "%lf %lf %lf", &params, &tokens, &loss) == 3) append(runs, params, tokens, loss);
  if (f) fclose(f);
  return runs->count == 240;
}

static void besiroglu(void) {
  struct runs runs = {0};
  if (!read_besiroglu(&runs)) {
    skip("no shared data", "the optima on Besiroglu's 240 points");
    return;
  }
  struct form_data d;
  struct fit f = fit_of(&d, &runs, OBJECTIVE_HUBER, 1e-3);
  ok(fabs(f.objective / .0010182740178 - 1) < 1e-9, "huber reaches the global optimum 0.0010182740178: %.13g", f.objective);
  ok_near(f.parameter[A], 477.826, 1e-5, "huber: A");
  ok_near(f.parameter[B], 2143.417, 1e-6, "huber: B");
  ok_near(f.parameter[E], 1.817218, 1e-6, "huber: E");
  ok_near(f.parameter[ALPHA], .347310, 1e-6, "huber: alpha");
  ok_near(f.parameter[BETA], .367172, 1e-6, "huber: beta");
  ok(f.converged && f.reached == f.starts && f.at_bound == 0, "every start reaches it");
  form_release(&d);
  f = fit_of(&d, &runs, OBJECTIVE_L1, 1e-3);
  ok(fabs(f.objective / 1.129494653622 - 1) < 1e-10, "l1 reaches the optimum that sequential linear programming finds: %.13g", f.objective);
  ok_near(f.parameter[A], 482.0060547, 1e-6, "l1: A");
  ok_near(f.parameter[B], 2085.4362455, 1e-6, "l1: B");
  ok_near(f.parameter[E], 1.81686413, 1e-6, "l1: E");
  ok_near(f.parameter[ALPHA], .34781307, 1e-7, "l1: alpha");
  ok_near(f.parameter[BETA], .36585416, 1e-7, "l1: beta");
  form_release(&d);
  f = fit_of(&d, &runs, OBJECTIVE_HUBER, 1e-8);
  ok(fabs(f.objective / 1e-8 / 1.129494653622 - 1) < 1e-5, "a narrow huber reaches l1's optimum: %.13g", f.objective / 1e-8);
  form_release(&d);
  f = fit_of(&d, &runs, OBJECTIVE_SQUARES, 1e-3);
  struct fit again;
  form_chinchilla.estimate(&again, &d, NULL, f.theta);
  ok(again.objective <= f.objective * (1 + 1e-12) && again.objective >= f.objective * (1 - 1e-9), "squares: descending from the optimum stays there");
  form_release(&d);
  runs_release(&runs);
}

static const double sizes[] = {1e7, 3e7, 1e8, 3e8, 1e9}, lengths[] = {1e8, 3e8, 1e9, 1e10};

static void make(struct runs *runs, const double law[], double noise) {
  struct rng rng;
  rng_init(&rng, 7);
  for (int i = 0; i < 5; i++)
    for (int j = 0; j < 4; j++) append(runs, sizes[i], lengths[j], chinchilla_loss(law, sizes[i], lengths[j]) * exp(noise * rng_normal(&rng)));
}

static void noise_free(void) {
  const double truth[] = {1.7, 400, 400, .34, .28}, within[] = {1e-6, 1e-5, 1e-5, 1e-6, 1e-6};
  for (int objective = 0; objective < 3; objective++) {
    struct runs runs = {0};
    struct form_data d;
    make(&runs, truth, 0);
    struct fit f = fit_of(&d, &runs, (enum objective)objective, 1e-3);
    bool near = true;
    for (int i = 0; i < CHINCHILLA_PARAMETERS; i++) near &= fabs(f.parameter[i] / truth[i] - 1) < within[i];
    ok(near, "objective %d recovers a noise-free law: E %.9g A %.9g B %.9g alpha %.9g beta %.9g", objective, f.parameter[E], f.parameter[A], f.parameter[B],
       f.parameter[ALPHA], f.parameter[BETA]);
    form_release(&d);
    runs_release(&runs);
  }
}

static void weights_are_multiplicities(void) {
  const double truth[] = {1.7, 400, 400, .34, .28};
  struct runs few = {0}, many = {0};
  struct form_data df, dm;
  double weight[20];
  make(&few, truth, .02);
  make(&many, truth, .02);
  for (size_t i = 0; i < 20; i++) {
    weight[i] = 1 + (i % 3 == 0);
    struct run run = runs_row(&few, i);
    if (i % 3 == 0) runs_append(&many, &run, 0);
  }
  struct fit a = fit_of(&df, &few, OBJECTIVE_HUBER, 1e-3), b = fit_of(&dm, &many, OBJECTIVE_HUBER, 1e-3);
  form_chinchilla.estimate(&a, &df, weight, NULL);
  ok(fabs(a.objective / b.objective - 1) < 1e-9 && fabs(a.parameter[ALPHA] / b.parameter[ALPHA] - 1) < 1e-6, "a weight of 2 is the row twice");
  ok(fabs(curve_objective(df.curve, a.theta, weight, &df.options.fit) / a.objective - 1) < 1e-9, "the objective of a given law agrees");
  form_release(&df);
  form_release(&dm);
  runs_release(&few);
  runs_release(&many);
}

static bool determined(const double *params, const double *tokens, const double *weight) {
  static const double loss[] = {5, 4, 3.5, 3, 2.9};
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}};
  struct runs runs = {0};
  struct form_data d;
  struct err e;
  for (int i = 0; i < 5; i++) append(&runs, params[i], tokens[i], loss[i]);
  bool yes = form_bind(&d, &form_chinchilla, &options, &runs, &e) == 0 && !form_chinchilla.undetermined(&d, weight);
  form_release(&d);
  runs_release(&runs);
  return yes;
}

static void degenerate(void) {
  const double n5[] = {1e6, 2e6, 3e6, 4e6, 5e6}, d5[] = {1e8, 3e8, 2e8, 9e8, 5e8}, same[] = {1e6, 1e6, 1e6, 1e6, 1e6}, two[] = {1e6, 2e6, 1e6, 2e6, 1e6};
  const double weight[5] = {1, 0, 2, 1, 1};
  ok(determined(n5, d5, NULL), "five scattered runs determine the law");
  ok(!determined(n5, d5, weight), "four do not");
  ok(!determined(same, d5, NULL), "one model size does not");
  ok(!determined(n5, two, NULL), "two data sizes do not");
  struct runs flat = {0};
  struct form_data d;
  for (int i = 0; i < 5; i++) append(&flat, n5[i], d5[i], 3);
  struct fit f = fit_of(&d, &flat, OBJECTIVE_HUBER, 1e-3);
  ok(isfinite(f.objective) && f.objective < 1e-9, "five equal losses give a finite fit");
  form_release(&d);
  runs_release(&flat);
}

static void optimum(void) {
  double law[] = {2.69, 1606.4, 3210.7, .34, .36}; /* CS336's noise-free law */
  struct optimum o = chinchilla_optimum(law, 1e23), larger = chinchilla_optimum(law, 1e24);
  ok(fabs(o.N / 9.189e10 - 1) < 1e-3, "the optimum of CS336's law at 1e23 FLOPs: %.4g", o.N);
  ok(fabs(larger.N / 3.003e11 - 1) < 1e-3, "and at 1e24: %.4g", larger.N);
  ok(fabs(6 * o.N * o.D / 1e23 - 1) < 1e-12, "N and D spend the budget");
  bool best = true;
  for (double shift = -.5; shift < .6; shift += .1) best &= chinchilla_loss(law, o.N * exp(shift), o.D * exp(-shift)) >= o.loss - 1e-12;
  ok(best, "no other split of the budget has a lower loss");
  law[ALPHA] = 0;
  ok(isnan(chinchilla_optimum(law, 1e23).N), "a law without an optimum says so");
}

int main(void) {
  besiroglu();
  noise_free();
  weights_are_multiplicities();
  degenerate();
  optimum();
  return tap_done();
}
