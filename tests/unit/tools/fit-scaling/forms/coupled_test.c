/* SPDX-License-Identifier: MIT
 *
 * The coupled law: with no coupling it is the chinchilla form; fits against scipy's; what its reference sizes are.
 */
#include "tools/fit-scaling/forms/coupled.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"
#include "tests/unit/tools/fit-scaling/forms/expected.h"
#include "tools/fit-scaling/forms/chinchilla.h"

static const double plain[] = {1.7, 400, .34, 410 / 562.34132519034913 /* (1e10)^.275 */, .275, 0, 0, 1e9, 1e10};

static void no_coupling(const struct runs *runs) {
  double base[] = {1.7, 400, 410, .34, .275};
  ok(fabs(coupled_loss(plain, 3e8, 7e10) / chinchilla_loss(base, 3e8, 7e10) - 1) < 1e-13, "without coupling it is the chinchilla form");
  struct named_value fixed[] = {{(char *)"gamma", 0}, {(char *)"delta", 0}};
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}, .fixed = fixed, .fixed_count = 2}, free_options = {.fit = {OBJECTIVE_HUBER, 1e-3}};
  struct form_data d, base_data;
  struct err e = {0};
  struct fit fit, base_fit;
  form_bind(&d, &form_coupled, &options, runs, &e);
  form_bind(&base_data, &form_chinchilla, &free_options, runs, &e);
  form_coupled.estimate(&fit, &d, NULL, NULL);
  form_chinchilla.estimate(&base_fit, &base_data, NULL, NULL);
  ok(fabs(fit.objective / base_fit.objective - 1) < 1e-9, "gamma and delta fixed at 0 fit like it: %.10g, %.10g", fit.objective, base_fit.objective);
  ok(fabs(fit.parameter[COUPLED_E] / base_fit.parameter[CHINCHILLA_E] - 1) < 1e-5, "with its E");
  ok(d.held == (UINT64_C(3) << COUPLED_N0 | UINT64_C(3) << COUPLED_GAMMA), "the references and what is fixed are not estimated");
  form_release(&d);
  form_release(&base_data);
}

static void references(const struct runs *runs) {
  struct named_value fixed[] = {{(char *)"N_0", 1e8}, {(char *)"D_0", 5e9}};
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}};
  double mean = 0;
  for (size_t i = 0; i < runs->count; i++) mean += log(runs->column[RUN_TOKENS][i]) / (double)runs->count;
  for (int given = 0; given < 2; given++) {
    struct form_data d;
    struct err e = {0};
    struct fit fit;
    options.fixed = fixed, options.fixed_count = 2 * given;
    form_bind(&d, &form_coupled, &options, runs, &e);
    form_coupled.estimate(&fit, &d, NULL, NULL);
    ok(fabs(fit.parameter[COUPLED_D0] / (given ? 5e9 : exp(mean)) - 1) < 1e-12, "D_0 is %s", given ? "what is given" : "the geometric mean of the tokens");
    double worst = 0;
    for (size_t i = 0; i < runs->count; i++) {
      struct run run = runs_row(runs, i);
      worst = fmax(worst, fabs(log(form_coupled.predict(&d, fit.parameter, &run)) - d.curve->value(d.curve->context, i, fit.theta, NULL, NULL)));
    }
    ok(worst < 1e-12, "the parameters say what the fitted curve says: %.1e", worst);
    form_release(&d);
  }
}

int main(void) {
  static const double law[] = {1.6, 350, .33, .35, .4, .15, -.08};
  struct runs runs;
  expected_laws(&form_coupled);
  expected_runs(&runs, "tests/data/fit-scaling/loss_runs.tsv");
  no_coupling(&runs);
  references(&runs);
  struct form_data d;
  struct err e = {0};
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}};
  struct fit fit;
  form_bind(&d, &form_coupled, &options, &runs, &e);
  form_coupled.estimate(&fit, &d, NULL, NULL);
  double full[COUPLED_PARAMETERS];
  for (int i = 0; i < COUPLED_ESTIMATED; i++) full[i] = law[i];
  for (int i = COUPLED_ESTIMATED; i < COUPLED_PARAMETERS; i++) full[i] = fit.parameter[i];
  form_release(&d);
  expected_recovery(&form_coupled, full, COUPLED_PARAMETERS, &runs, 1e-4);
  runs_release(&runs);
  return tap_done();
}
