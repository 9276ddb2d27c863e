/* SPDX-License-Identifier: MIT
 *
 * The bootstrap on the very resamples of an independent one (scipy's BFGS, 4,000 resamples of Besiroglu's 240 points), and the
 * kinds of it on small tables.
 */
#include "tools/fit-scaling/intervals/bootstrap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"
#include "tools/fit-scaling/forms/chinchilla.h"

enum { POINTS = 240, RESAMPLES = 4000 };

struct fitted { /* runs, bound and fitted */
  struct runs runs;
  struct form_data data;
  struct fit best;
};

static void append(struct fitted *f, double params, double tokens, double loss) {
  struct run run = run_of(params, tokens);
  run.value[RUN_LOSS] = loss;
  runs_append(&f->runs, &run, 0);
}

static void fit(struct fitted *f) {
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3, 1}};
  struct err e;
  if (form_bind(&f->data, &form_chinchilla, &options, &f->runs, &e) != 0) ok(false, "the form takes the runs: %s", e.message);
  form_chinchilla.estimate(&f->best, &f->data, NULL, NULL);
}

static void release(struct fitted *f) {
  form_release(&f->data);
  runs_release(&f->runs);
}

static void run(struct bootstrap *b, const struct fitted *f, size_t resamples, uint64_t seed, int jobs, enum interval_kind kind) {
  bootstrap_run(b, &f->data, &f->best, &(struct bootstrap_options){resamples, seed, jobs, kind, .95, &f->runs}, NULL, NULL);
}

static double parameter(const void *context, const double *law) { return law[*(const int *)context]; }

static struct interval interval_of(const struct bootstrap *b, int index) { return bootstrap_interval(b, parameter, &index); }

static void draw_given(void *context, size_t resample, double *weight, size_t n) {
  const int32_t *index = (const int32_t *)context + resample * n;
  for (size_t i = 0; i < n; i++) weight[index[i]]++;
}

static bool read_table(struct fitted *f) {
  double params, tokens, loss;
  FILE *in = fopen(tap_shared("oracle/scaling/besiroglu240.tsv"), "r");
  while (in && fscanf(in, "%lf %lf %lf", &params, &tokens, &loss) == 3) append(f, params, tokens, loss);
  if (in) fclose(in);
  return f->runs.count == POINTS;
}

/* Sets deviation[5] of scipy's E, A, B, alpha, beta, and *worst, how much an objective of ours lies above scipy's. */
static bool compare(const struct bootstrap *b, const struct fitted *f, int32_t *index, double deviation[], double *worst) {
  static const int order[] = {CHINCHILLA_A, CHINCHILLA_B, CHINCHILLA_E, CHINCHILLA_ALPHA, CHINCHILLA_BETA}; /* of the file's columns */
  char header[128];
  FILE *in = fopen(tap_shared("oracle/scaling/boot4000_params.tsv"), "r");
  bool sound = in && fgets(header, sizeof header, in);
  double sum[5] = {0}, squares[5] = {0}, *weight = NEW_ARRAY(double, POINTS);
  for (size_t i = 0; i < b->count && sound; i++) {
    double v[5], objective, mine = 0;
    sound = fscanf(in, "%lf %lf %lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3], &v[4], &objective) == 6;
    for (int k = 0; k < 5; k++) sum[order[k]] += v[k], squares[order[k]] += v[k] * v[k];
    memset(weight, 0, POINTS * sizeof *weight);
    draw_given(index, i, weight, POINTS);
    for (size_t k = 0; k < POINTS; k++) {
      struct run run = runs_row(&f->runs, k);
      double r = fabs(log(run.value[RUN_LOSS] / chinchilla_loss(b->law + i * 5, run.value[RUN_PARAMS], run.value[RUN_TOKENS])));
      mine += weight[k] * (r <= 1e-3 ? .5 * r * r : 1e-3 * (r - .5e-3));
    }
    *worst = fmax(*worst, mine / objective - 1);
  }
  if (in) fclose(in);
  for (int k = 0; k < 5; k++) deviation[k] = sqrt((squares[k] - sum[k] * sum[k] / RESAMPLES) / (RESAMPLES - 1));
  free(weight);
  return sound;
}

static void against_scipy(void) {
  if (!tap_shared("oracle/scaling/besiroglu240.tsv")) {
    skip("no shared data", "4,000 resamples agree with scipy");
    return;
  }
  struct fitted f = {0};
  int32_t *index = NEW_ARRAY(int32_t, POINTS * RESAMPLES);
  FILE *in = fopen(tap_shared("oracle/scaling/boot4000_idx_i32.bin"), "rb");
  bool sound = read_table(&f) && in && fread(index, sizeof *index, POINTS * RESAMPLES, in) == POINTS * RESAMPLES;
  if (in) fclose(in);
  ok(sound, "the oracle files are whole");
  fit(&f);
  struct bootstrap b;
  bootstrap_run(&b, &f.data, &f.best, &(struct bootstrap_options){.resamples = RESAMPLES, .jobs = 2}, draw_given, index);
  ok(b.count == RESAMPLES, "every resample is fitted: %zu, %zu unconverged", b.count, b.unconverged);
  double worst = 0, deviation[5];
  sound = compare(&b, &f, index, deviation, &worst);
  ok(sound && worst < 1e-7, "no objective is above scipy's: worst %.3g relative", worst);
  for (int i = 0; i < 5; i++) {
    double mine = interval_of(&b, i).stderr_;
    ok(fabs(mine / deviation[i] - 1) < .01, "the standard error of %s is scipy's: %.5g, %.5g", f.data.names[i], mine, deviation[i]);
  }
  struct interval beta = interval_of(&b, CHINCHILLA_BETA), e = interval_of(&b, CHINCHILLA_E);
  ok_near(beta.low, .331, .0006, "beta's interval begins where scipy's does");
  ok_near(beta.high, .415, .0006, "and ends there");
  ok_near(e.low, 1.769, .0006, "E's interval begins where scipy's does");
  ok_near(e.high, 1.871, .0006, "and ends there");
  bootstrap_release(&b);
  run(&b, &f, 1000, 0, 2, INTERVALS_AUTO);
  ok(b.kind == INTERVALS_PAIRS, "240 runs: auto draws pairs");
  bootstrap_release(&b);
  release(&f);
  free(index);
}

/* Sizes by lengths, of one law with lognormal noise. */
static void make_grid(struct fitted *f, int sizes, int lengths, double noise, uint64_t seed) {
  const double truth[] = {1.8, 300, 700, .33, .35};
  struct rng rng;
  rng_init(&rng, seed);
  for (int i = 0; i < sizes; i++)
    for (int j = 0; j < lengths; j++) {
      double params = 3e7 * pow(3, i), tokens = 1e9 * pow(4, j);
      append(f, params, tokens, chinchilla_loss(truth, params, tokens) * exp(noise * rng_normal(&rng)));
    }
  fit(f);
}

static void does_not_depend_on_threads(void) {
  struct fitted f = {0};
  make_grid(&f, 5, 4, .01, 3);
  for (enum interval_kind kind = INTERVALS_AUTO; kind <= INTERVALS_NORMAL; kind++) {
    struct bootstrap one, four, other;
    run(&one, &f, 101, 5, 1, kind);
    run(&four, &f, 101, 5, 4, kind);
    run(&other, &f, 101, 6, 1, kind);
    ok(one.count > 60 && one.count == four.count && memcmp(one.law, four.law, one.count * 5 * sizeof *one.law) == 0, "%s: one thread and four give the same bits",
       interval_kind_name(kind));
    ok(other.count > 60 && memcmp(one.law, other.law, 5 * sizeof *one.law) != 0, "%s: another seed draws other laws", interval_kind_name(kind));
    bootstrap_release(&one);
    bootstrap_release(&four);
    bootstrap_release(&other);
  }
  release(&f);
}

static void kinds(void) {
  struct fitted f = {0};
  struct bootstrap pairs, residual, chosen, ninety;
  make_grid(&f, 5, 4, .01, 11);
  run(&pairs, &f, 1000, 0, 2, INTERVALS_PAIRS);
  run(&residual, &f, 1000, 0, 2, INTERVALS_RESIDUAL);
  run(&chosen, &f, 1000, 0, 2, INTERVALS_AUTO);
  ok(chosen.kind == INTERVALS_RESIDUAL && memcmp(chosen.law, residual.law, 5 * sizeof *chosen.law) == 0, "20 runs: auto redraws residuals");
  ok(fabs(pairs.tail - .025) < 1e-12, "pairs: the percentiles are 2.5 and 97.5");
  ok_near(residual.tail, .0069, .0002, "residuals of 20 runs: percentiles are widened for 15 degrees of freedom");
  struct interval a = interval_of(&residual, CHINCHILLA_BETA), b = interval_of(&pairs, CHINCHILLA_BETA);
  ok(a.low < f.best.parameter[CHINCHILLA_BETA] && a.high > f.best.parameter[CHINCHILLA_BETA] && fabs(log(a.stderr_ / b.stderr_)) < .7,
     "their standard errors are of one size: %.3g, %.3g", a.stderr_, b.stderr_);
  bootstrap_run(&ninety, &f.data, &f.best, &(struct bootstrap_options){1000, 0, 2, INTERVALS_RESIDUAL, .5, &f.runs}, NULL, NULL);
  struct interval half = interval_of(&ninety, CHINCHILLA_BETA);
  ok(half.low > a.low && half.high < a.high && half.stderr_ == a.stderr_, "a lower level: a narrower interval, the same standard error");
  bootstrap_release(&pairs);
  bootstrap_release(&residual);
  bootstrap_release(&chosen);
  bootstrap_release(&ninety);
  release(&f);
}

/* Runs of one budget share an error: budgets say so, pairs do not notice. */
static void budgets_are_drawn_whole(void) {
  const double truth[] = {1.8, 300, 700, .33, .35};
  struct fitted f = {0};
  struct rng rng;
  rng_init(&rng, 1);
  for (int b = 0; b < 9; b++) {
    double flops = 1e18 * pow(3, b), shared = .02 * rng_normal(&rng);
    for (int k = 0; k < 7; k++) {
      struct optimum o = chinchilla_optimum(truth, flops);
      double params = o.N * pow(2, k - 3);
      append(&f, params, flops / 6 / params, chinchilla_loss(truth, params, flops / 6 / params) * exp(shared + .001 * rng_normal(&rng)));
    }
  }
  fit(&f);
  struct bootstrap pairs, budget;
  run(&pairs, &f, 400, 0, 2, INTERVALS_PAIRS);
  run(&budget, &f, 400, 0, 2, INTERVALS_BUDGET);
  double ratio = interval_of(&budget, CHINCHILLA_E).stderr_ / interval_of(&pairs, CHINCHILLA_E).stderr_;
  ok(budget.kind == INTERVALS_BUDGET && ratio > 1.3, "budgets with an error in common: E's standard error is %.3g times that of pairs", ratio);
  ok_near(budget.tail, .0071, .0003, "nine budgets: percentiles are widened for 8 degrees of freedom");
  bootstrap_release(&pairs);
  bootstrap_release(&budget);
  release(&f);
  make_grid(&f, 5, 4, .01, 1);
  f.runs.column[RUN_FLOPS][0] = 1;
  for (size_t i = 1; i < f.runs.count; i++) f.runs.column[RUN_FLOPS][i] = 1e20;
  run(&budget, &f, 100, 0, 1, INTERVALS_BUDGET);
  ok(budget.kind == INTERVALS_PAIRS && budget.note, "two budgets: pairs, and why");
  bootstrap_release(&budget);
  release(&f);
}

static double predicted(const void *context, const double *law) {
  const struct run *at = context;
  return chinchilla_loss(law, at->value[RUN_PARAMS], at->value[RUN_TOKENS]);
}

static void further_runs(void) {
  struct fitted f = {0};
  struct bootstrap b;
  make_grid(&f, 10, 10, .01, 2);
  run(&b, &f, 1000, 0, 2, INTERVALS_PAIRS);
  struct run at = run_of(1e9, 1e11);
  struct interval law = bootstrap_interval(&b, predicted, &at), next = bootstrap_run_interval(&b, predicted, &at, f.best.parameter, &at);
  double expected = sqrt(law.stderr_ * law.stderr_ + .0001 * predicted(&at, f.best.parameter) * predicted(&at, f.best.parameter));
  ok(fabs(next.stderr_ / expected - 1) < .15, "one further run deviates by the law's error and the scatter of 1%%: %.4g, %.4g", next.stderr_, expected);
  bootstrap_release(&b);
  release(&f);
}

static void small_tables_are_honest(void) {
  const double truth[] = {1.6, 40, 60, .28, .25};
  double params[] = {5e4, 1.2e5, 3e5, 1e5, 2.4e5, 5e5, 2e5, 6e5}, flops[] = {1e12, 1e12, 1e12, 4e12, 4e12, 4e12, 1.6e13, 1.6e13};
  struct fitted f = {0};
  struct bootstrap b;
  for (int i = 0; i < 8; i++) append(&f, params[i], flops[i] / 6 / params[i], chinchilla_loss(truth, params[i], flops[i] / 6 / params[i]));
  fit(&f);
  run(&b, &f, 200, 0, 2, INTERVALS_PAIRS);
  ok(b.degenerate > 10 && b.degenerate + b.unconverged + b.count == 200, "eight runs: resamples of fewer than five are counted, not fitted (%zu)", b.degenerate);
  struct interval beta = interval_of(&b, CHINCHILLA_BETA);
  ok(beta.low <= .2505 && beta.high >= .2495, "noise-free, the rest still find the law: %.6g to %.6g", beta.low, beta.high);
  b.count = BOOTSTRAP_LEAST - 1;
  ok(isnan(interval_of(&b, CHINCHILLA_BETA).low), "too few resamples give no interval");
  bootstrap_release(&b);
  run(&b, &f, 200, 0, 2, INTERVALS_AUTO);
  ok(b.count == 200 && b.kind == INTERVALS_RESIDUAL, "residuals of eight runs lose no resample");
  bootstrap_release(&b);
  release(&f);
}

int main(void) {
  against_scipy();
  does_not_depend_on_threads();
  kinds();
  budgets_are_drawn_whole();
  further_runs();
  small_tables_are_honest();
  return tap_done();
}
