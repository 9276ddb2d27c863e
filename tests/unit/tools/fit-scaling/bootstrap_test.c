/* SPDX-License-Identifier: MIT
 *
 * The bootstrap on the very resamples of an independent one (scipy's BFGS, 4,000 resamples of Besiroglu's 240 points).
 */
#include "tools/fit-scaling/bootstrap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

enum { POINTS = 240, RESAMPLES = 4000 };

static void draw_given(void *context, size_t resample, double *weight, size_t n) {
  const int32_t *index = (const int32_t *)context + resample * n;
  for (size_t i = 0; i < n; i++) weight[index[i]]++;
}

static double beta_of(const void *context, const struct law *law) {
  (void)context;
  return law->beta;
}

static double e_of(const void *context, const struct law *law) {
  (void)context;
  return law->E;
}

static void against_scipy(void) {
  const char *path = tap_shared("oracle/scaling/besiroglu240.tsv");
  if (!path) {
    skip("no shared data", "4,000 resamples agree with scipy");
    return;
  }
  double *column = NEW_ARRAY(double, 3 * POINTS);
  FILE *f = fopen(path, "r");
  bool sound = f != NULL;
  for (int i = 0; i < POINTS && sound; i++) sound = fscanf(f, "%lf %lf %lf", &column[i], &column[POINTS + i], &column[2 * POINTS + i]) == 3;
  if (f) fclose(f);
  int32_t *index = NEW_ARRAY(int32_t, POINTS * RESAMPLES);
  f = fopen(tap_shared("oracle/scaling/boot4000_idx_i32.bin"), "rb");
  sound = sound && f && fread(index, sizeof *index, POINTS * RESAMPLES, f) == POINTS * RESAMPLES;
  if (f) fclose(f);
  ok(sound, "the oracle files are whole");
  struct points p;
  struct fit best;
  struct fit_options options = {OBJECTIVE_HUBER, 1e-3};
  points_init(&p, column, column + POINTS, column + 2 * POINTS, POINTS);
  fit_global(&best, &p, NULL, &options);
  struct bootstrap b;
  bootstrap_run(&b, &p, &best, &options, RESAMPLES, 0, 2, draw_given, index);
  ok(b.count == RESAMPLES, "every resample is fitted: %zu, %zu unconverged", b.count, b.unconverged);
  f = fopen(tap_shared("oracle/scaling/boot4000_params.tsv"), "r");
  double worst = 0, *weight = NEW_ARRAY(double, POINTS);
  char header[128];
  sound = f && fgets(header, sizeof header, f);
  for (size_t i = 0; i < b.count && sound; i++) {
    double a, bb, e, alpha, beta, objective;
    sound = fscanf(f, "%lf %lf %lf %lf %lf %lf", &a, &bb, &e, &alpha, &beta, &objective) == 6;
    memset(weight, 0, POINTS * sizeof *weight);
    draw_given(index, i, weight, POINTS);
    worst = fmax(worst, fit_objective(&b.laws[i], &p, weight, &options) / objective - 1);
  }
  if (f) fclose(f);
  ok(sound && worst < 1e-7, "no objective is above scipy's: worst %.3g relative", worst);
  struct interval beta = bootstrap_interval(&b, beta_of, NULL), e = bootstrap_interval(&b, e_of, NULL);
  ok_near(beta.low, .331, .0006, "beta's interval begins where scipy's does");
  ok_near(beta.high, .415, .0006, "and ends there");
  ok_near(beta.stderr_, .0206, .0001, "with its standard error");
  ok_near(e.low, 1.769, .0006, "E's interval begins where scipy's does");
  ok_near(e.high, 1.871, .0006, "and ends there");
  bootstrap_release(&b);
  points_release(&p);
  free(column);
  free(index);
  free(weight);
}

static void does_not_depend_on_threads(void) {
  enum { N = 60 };
  double params[N], tokens[N], loss[N];
  struct rng rng;
  rng_init(&rng, 3);
  struct law truth = {1.8, 300, 700, .33, .35};
  for (int i = 0; i < N; i++) {
    params[i] = exp(14 + 6 * rng_double(&rng));
    tokens[i] = exp(18 + 6 * rng_double(&rng));
    loss[i] = law_loss(&truth, params[i], tokens[i]) * exp(.01 * rng_normal(&rng));
  }
  struct points p;
  struct fit best;
  struct fit_options options = {OBJECTIVE_HUBER, 1e-3};
  points_init(&p, params, tokens, loss, N);
  fit_global(&best, &p, NULL, &options);
  struct bootstrap one, four, other;
  bootstrap_run(&one, &p, &best, &options, 101, 5, 1, NULL, NULL);
  bootstrap_run(&four, &p, &best, &options, 101, 5, 4, NULL, NULL);
  bootstrap_run(&other, &p, &best, &options, 101, 6, 1, NULL, NULL);
  ok(one.count > 90 && one.count == four.count && memcmp(one.laws, four.laws, one.count * sizeof *one.laws) == 0, "one thread and four give the same bits");
  ok(other.count > 90 && memcmp(one.laws, other.laws, sizeof *one.laws) != 0, "another seed draws other resamples");
  bootstrap_release(&one);
  bootstrap_release(&four);
  bootstrap_release(&other);
  points_release(&p);
}

static void small_tables_are_honest(void) {
  double params[] = {5e4, 1.2e5, 3e5, 1e5, 2.4e5, 5e5, 2e5, 6e5}, flops[] = {1e12, 1e12, 1e12, 4e12, 4e12, 4e12, 1.6e13, 1.6e13}, tokens[8], loss[8];
  struct law truth = {1.6, 40, 60, .28, .25};
  for (int i = 0; i < 8; i++) {
    tokens[i] = flops[i] / 6 / params[i];
    loss[i] = law_loss(&truth, params[i], tokens[i]);
  }
  struct points p;
  struct fit best;
  struct fit_options options = {OBJECTIVE_HUBER, 1e-3};
  points_init(&p, params, tokens, loss, 8);
  fit_global(&best, &p, NULL, &options);
  struct bootstrap b;
  bootstrap_run(&b, &p, &best, &options, 200, 0, 2, NULL, NULL);
  ok(b.degenerate > 10 && b.degenerate + b.unconverged + b.count == 200, "eight runs: resamples of fewer than five are counted, not fitted (%zu)", b.degenerate);
  struct interval beta = bootstrap_interval(&b, beta_of, NULL);
  ok(beta.low <= .2505 && beta.high >= .2495, "noise-free, the rest still find the law: %.6g to %.6g", beta.low, beta.high);
  b.count = BOOTSTRAP_LEAST - 1;
  ok(isnan(bootstrap_interval(&b, beta_of, NULL).low), "too few resamples give no interval");
  bootstrap_release(&b);
  points_release(&p);
}

int main(void) {
  against_scipy();
  does_not_depend_on_threads();
  small_tables_are_honest();
  return tap_done();
}
