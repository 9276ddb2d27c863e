/* SPDX-License-Identifier: MIT
 *
 * Profile limits against their definition: with the number held at a limit by --fix, the best fit of the rest is worse by just
 * what the F test allows; and what decisions get.
 */
#include "tools/fit-scaling/intervals/profile.h"

#include <math.h>

#include "common/base/rng.h"
#include "tests/tap.h"
#include "tools/fit-scaling/forms/chinchilla.h"
#include "tools/fit-scaling/intervals/bootstrap.h"
#include "tools/fit-scaling/intervals/distribution.h"

static const double truth[] = {1.8, 300, 700, .33, .35};

static void make(struct runs *runs, double noise) {
  struct rng rng;
  rng_init(&rng, 4);
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) {
      struct run run = run_of(3e7 * pow(3, i), 1e9 * pow(4, j));
      run.value[RUN_LOSS] = chinchilla_loss(truth, run.value[RUN_PARAMS], run.value[RUN_TOKENS]) * exp(noise * rng_normal(&rng));
      runs_append(runs, &run, 0);
    }
}

static double parameter(const void *context, const double *law) { return law[*(const int *)context]; }
static double best_params(const void *context, const double *law) { return chinchilla_optimum(law, *(const double *)context).N; }
static double best_tokens(const void *context, const double *law) { return chinchilla_optimum(law, *(const double *)context).D; }

static double objective_with(const struct runs *runs, enum objective objective, char *name, double value) {
  struct named_value fixed = {name, value};
  struct form_options options = {.fit = {objective, 1e-3, 1}, .fixed = &fixed, .fixed_count = name != NULL};
  struct form_data d;
  struct fit fit = {.objective = NAN};
  struct err e;
  if (form_bind(&d, &form_chinchilla, &options, runs, &e) == 0) form_chinchilla.estimate(&fit, &d, NULL, NULL);
  form_release(&d);
  return fit.objective;
}

static void by_definition(void) {
  struct runs runs = {0};
  make(&runs, .01);
  for (enum objective objective = OBJECTIVE_HUBER; objective <= OBJECTIVE_SQUARES; objective++) {
    struct form_options options = {.fit = {objective, 1e-3, 1}};
    struct form_data d;
    struct fit best;
    struct err e;
    if (form_bind(&d, &form_chinchilla, &options, &runs, &e) != 0) return;
    form_chinchilla.estimate(&best, &d, NULL, NULL);
    char name[][6] = {"E", "alpha", "beta"};
    const int index[] = {CHINCHILLA_E, CHINCHILLA_ALPHA, CHINCHILLA_BETA};
    double rise[6], t = student_quantile(.975, 31);
    for (int i = 0; i < 3; i++) {
      struct profile_limits limits = profile_limits(&d, &best, .95, parameter, &index[i]);
      rise[2 * i] = objective_with(&runs, objective, name[i], limits.low) - best.objective;
      rise[2 * i + 1] = objective_with(&runs, objective, name[i], limits.high) - best.objective;
      ok(limits.low < truth[index[i]] && limits.high > truth[index[i]], "objective %d: the interval of %s, %.4g to %.4g, holds the truth", objective, name[i], limits.low, limits.high);
    }
    double expected = objective == OBJECTIVE_SQUARES ? t * t * best.objective / 31 : rise[0];
    bool same = true;
    for (int i = 0; i < 6; i++) same &= fabs(rise[i] / expected - 1) < .01;
    ok(same, "objective %d: at each limit the best fit of the rest is worse by the same, %.6g", objective, expected);
    double flops = 1e24;
    struct profile_limits n = profile_limits(&d, &best, .95, best_params, &flops), tokens = profile_limits(&d, &best, .95, best_tokens, &flops);
    ok(fabs(6 * n.low * tokens.high / flops - 1) < .003 && fabs(6 * n.high * tokens.low / flops - 1) < .003, "the limits of N* and D* spend the budget");
    struct profile_limits half = profile_limits(&d, &best, .5, best_params, &flops);
    ok(half.low > n.low && half.high < n.high, "a lower level is narrower");
    form_release(&d);
  }
  runs_release(&runs);
}

static void without_scatter(void) {
  struct runs runs = {0};
  struct form_options options = {.fit = {OBJECTIVE_SQUARES, 1e-3, 1}};
  struct form_data d;
  struct fit best;
  struct err e;
  make(&runs, 0);
  if (form_bind(&d, &form_chinchilla, &options, &runs, &e) != 0) return;
  form_chinchilla.estimate(&best, &d, NULL, NULL);
  const int index = CHINCHILLA_ALPHA;
  struct profile_limits limits = profile_limits(&d, &best, .95, parameter, &index);
  ok(fabs(limits.low / .33 - 1) < 1e-4 && fabs(limits.high / .33 - 1) < 1e-4, "runs without scatter leave no doubt");
  form_release(&d);
  runs_release(&runs);
}

int main(void) {
  by_definition();
  without_scatter();
  return tap_done();
}
