/* SPDX-License-Identifier: MIT
 *
 * The optimum of all three objectives against published and independent values.  The 240 points are Besiroglu et al.'s
 * extraction from the Chinchilla paper; the L1 optimum is confirmed by tests/oracle/fit_scaling_l1.py.
 */
#include "tools/fit-scaling/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

struct table {
  double params[256], tokens[256], loss[256];
  size_t count;
};

static bool read_besiroglu(struct table *t) {
  const char *path = tap_shared("oracle/scaling/besiroglu240.tsv");
  if (!path) return false;
  FILE *f = fopen(path, "r");
  while (f && t->count < 256 && fscanf(f, "%lf %lf %lf", &t->params[t->count], &t->tokens[t->count], &t->loss[t->count]) == 3) t->count++;
  if (f) fclose(f);
  return t->count == 240;
}

static void besiroglu(void) {
  struct table *t = NEW(struct table);
  if (!read_besiroglu(t)) {
    skip("no shared data", "the optima on Besiroglu's 240 points");
    free(t);
    return;
  }
  struct points p;
  struct fit f;
  points_init(&p, t->params, t->tokens, t->loss, t->count);
  struct fit_options huber = {OBJECTIVE_HUBER, 1e-3}, l1 = {OBJECTIVE_L1, 1e-3}, squares = {OBJECTIVE_SQUARES, 1e-3};
  fit_global(&f, &p, NULL, &huber);
  ok(fabs(f.objective / .0010182740178 - 1) < 1e-9, "huber reaches the global optimum 0.0010182740178: %.13g", f.objective);
  ok_near(f.law.A, 477.826, 1e-5, "huber: A");
  ok_near(f.law.B, 2143.417, 1e-6, "huber: B");
  ok_near(f.law.E, 1.817218, 1e-6, "huber: E");
  ok_near(f.law.alpha, .347310, 1e-6, "huber: alpha");
  ok_near(f.law.beta, .367172, 1e-6, "huber: beta");
  ok(f.converged && f.reached == f.starts && f.at_bound == 0, "every start reaches it");
  fit_global(&f, &p, NULL, &l1);
  ok(fabs(f.objective / 1.129494653622 - 1) < 1e-10, "l1 reaches the optimum that sequential linear programming finds: %.13g", f.objective);
  struct fit_options narrow = {OBJECTIVE_HUBER, 1e-8};
  struct fit near_l1;
  fit_global(&near_l1, &p, NULL, &narrow);
  ok(fabs(near_l1.objective / 1e-8 / 1.129494653622 - 1) < 1e-5, "a narrow huber reaches l1's optimum: %.13g", near_l1.objective / 1e-8);
  ok_near(f.law.A, 482.0060547, 1e-6, "l1: A");
  ok_near(f.law.B, 2085.4362455, 1e-6, "l1: B");
  ok_near(f.law.E, 1.81686413, 1e-6, "l1: E");
  ok_near(f.law.alpha, .34781307, 1e-7, "l1: alpha");
  ok_near(f.law.beta, .36585416, 1e-7, "l1: beta");
  fit_global(&f, &p, NULL, &squares);
  struct fit again;
  fit_from(&again, &p, NULL, &squares, f.parameter);
  ok(again.objective <= f.objective * (1 + 1e-12) && again.objective >= f.objective * (1 - 1e-9), "squares: descending from the optimum stays there");
  points_release(&p);
  free(t);
}

static const double sizes[] = {1e7, 3e7, 1e8, 3e8, 1e9}, lengths[] = {1e8, 3e8, 1e9, 1e10};

static void make(struct table *t, const struct law *law, double noise) {
  struct rng rng;
  rng_init(&rng, 7);
  t->count = 0;
  for (int i = 0; i < 5; i++)
    for (int j = 0; j < 4; j++) {
      t->params[t->count] = sizes[i];
      t->tokens[t->count] = lengths[j];
      t->loss[t->count++] = law_loss(law, sizes[i], lengths[j]) * exp(noise * rng_normal(&rng));
    }
}

static void noise_free(void) {
  struct law truth = {1.7, 400, 400, .34, .28};
  struct table *t = NEW(struct table);
  make(t, &truth, 0);
  for (int objective = 0; objective < 3; objective++) {
    struct points p;
    struct fit f;
    points_init(&p, t->params, t->tokens, t->loss, t->count);
    fit_global(&f, &p, NULL, &(struct fit_options){(enum objective)objective, 1e-3});
    ok(fabs(f.law.E / 1.7 - 1) < 1e-6 && fabs(f.law.A / 400 - 1) < 1e-5 && fabs(f.law.B / 400 - 1) < 1e-5 && fabs(f.law.alpha / .34 - 1) < 1e-6 && fabs(f.law.beta / .28 - 1) < 1e-6,
       "objective %d recovers a noise-free law: E %.9g A %.9g B %.9g alpha %.9g beta %.9g", objective, f.law.E, f.law.A, f.law.B, f.law.alpha, f.law.beta);
    points_release(&p);
  }
  free(t);
}

static void weights_are_multiplicities(void) {
  struct law truth = {1.7, 400, 400, .34, .28};
  struct table *t = NEW(struct table);
  make(t, &truth, .02);
  double weight[20];
  size_t n = t->count, total = n;
  for (size_t i = 0; i < n; i++) {
    weight[i] = 1 + (i % 3 == 0);
    if (i % 3 != 0) continue;
    t->params[total] = t->params[i];
    t->tokens[total] = t->tokens[i];
    t->loss[total++] = t->loss[i];
  }
  struct points few, many;
  struct fit a, b;
  struct fit_options options = {OBJECTIVE_HUBER, 1e-3};
  points_init(&few, t->params, t->tokens, t->loss, n);
  points_init(&many, t->params, t->tokens, t->loss, total);
  fit_global(&a, &few, weight, &options);
  fit_global(&b, &many, NULL, &options);
  ok(fabs(a.objective / b.objective - 1) < 1e-9 && fabs(a.law.alpha / b.law.alpha - 1) < 1e-6, "a weight of 2 is the row twice");
  ok(fabs(fit_objective(&a.law, &many, NULL, &options) / a.objective - 1) < 1e-9, "the objective of a given law agrees");
  points_release(&few);
  points_release(&many);
  free(t);
}

static void degenerate(void) {
  struct points p;
  double n5[] = {1e6, 2e6, 3e6, 4e6, 5e6}, d5[] = {1e8, 3e8, 2e8, 9e8, 5e8}, same[] = {1e6, 1e6, 1e6, 1e6, 1e6}, two[] = {1e6, 2e6, 1e6, 2e6, 1e6}, l[] = {5, 4, 3.5, 3, 2.9};
  points_init(&p, n5, d5, l, 5);
  ok(points_determine_law(&p, NULL), "five scattered runs determine the law");
  double weight[5] = {1, 0, 2, 1, 1};
  ok(!points_determine_law(&p, weight), "four do not");
  points_release(&p);
  points_init(&p, same, d5, l, 5);
  ok(!points_determine_law(&p, NULL), "one model size does not");
  points_release(&p);
  points_init(&p, n5, two, l, 5);
  ok(!points_determine_law(&p, NULL), "two data sizes do not");
  points_release(&p);
  double flat[] = {3, 3, 3, 3, 3};
  struct fit f;
  points_init(&p, n5, d5, flat, 5);
  fit_global(&f, &p, NULL, &(struct fit_options){OBJECTIVE_HUBER, 1e-3});
  ok(isfinite(f.objective) && f.objective < 1e-9, "five equal losses give a finite fit");
  points_release(&p);
}

static void optimum(void) {
  struct law law = {2.69, 1606.4, 3210.7, .34, .36}; /* CS336's noise-free law */
  struct law_optimum o = law_optimum(&law, 1e23), larger = law_optimum(&law, 1e24);
  ok(fabs(o.N / 9.189e10 - 1) < 1e-3, "the optimum of CS336's law at 1e23 FLOPs: %.4g", o.N);
  ok(fabs(larger.N / 3.003e11 - 1) < 1e-3, "and at 1e24: %.4g", larger.N);
  ok(fabs(6 * o.N * o.D / 1e23 - 1) < 1e-12, "N and D spend the budget");
  bool best = true;
  for (double shift = -.5; shift < .6; shift += .1) best &= law_loss(&law, o.N * exp(shift), o.D * exp(-shift)) >= o.loss - 1e-12;
  ok(best, "no other split of the budget has a lower loss");
  law.alpha = 0;
  ok(isnan(law_optimum(&law, 1e23).N), "a law without an optimum says so");
}

int main(void) {
  besiroglu();
  noise_free();
  weights_are_multiplicities();
  degenerate();
  optimum();
  return tap_done();
}
