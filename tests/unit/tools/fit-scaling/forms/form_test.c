/* SPDX-License-Identifier: MIT
 *
 * The table of forms, fixed parameters, that every curve's derivatives are those of its values, and chinchilla with parameters fixed.
 */
#include "tools/fit-scaling/forms/form.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/tap.h"
#include "tests/unit/tools/fit-scaling/forms/expected.h"

static void list(void) {
  struct buffer text = {0};
  form_list(&text);
  int lines = 0, forms_count = 0, tabs = 0;
  for (size_t i = 0; i < text.len; i++) lines += text.data[i] == '\n', tabs += text.data[i] == '\t';
  while (forms[forms_count]) forms_count++;
  ok_int(lines, forms_count + 1, "the list has a header and a line a form");
  ok_int(tabs, 4 * lines, "of five columns");
  for (int i = 0; forms[i]; i++) {
    ok(form_find(forms[i]->name) == forms[i], "%s is found by its name", forms[i]->name);
    bool whole = forms[i]->bind && forms[i]->release && forms[i]->undetermined && forms[i]->estimate && forms[i]->predict;
    ok(whole, "%s has what every form needs", forms[i]->name);
  }
  ok(!form_find("newton"), "a form that is not there is not found");
  buffer_release(&text);
}

static void fixes(const struct runs *runs) {
  struct err e = {0};
  struct named_value given = {0};
  ok(form_parse_named(&given, "--fix", "E=1.69", &e) == 0 && strcmp(given.name, "E") == 0 && given.value == 1.69, "E=1.69 fixes E at 1.69");
  free(given.name);
  static const char *const wrong[] = {"E", "=1", "E=", "E=x", "E=nan", "E=inf", ""};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) ok(form_parse_named(&given, "--fix", wrong[i], &e) != 0 && e.kind == ERR_USAGE, "'%s' is wrong usage", wrong[i]);
  struct named_value unknown = {(char *)"gamma", 1};
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}, .fixed = &unknown, .fixed_count = 1};
  struct form_data d;
  ok(form_bind(&d, form_find("chinchilla"), &options, runs, &e) != 0 && strstr(e.message, "E A B alpha beta"), "an unknown parameter is an error that lists the form's: %s", e.message);
  form_release(&d);
  struct named_value twice[] = {{(char *)"E", 1}, {(char *)"E", 2}};
  options.fixed = twice, options.fixed_count = 2;
  ok(form_bind(&d, form_find("chinchilla"), &options, runs, &e) != 0 && strstr(e.message, "twice"), "a parameter fixed twice is an error: %s", e.message);
  form_release(&d);
  static const struct { const char *form, *names; } positive[] = {{"chinchilla", "A B alpha beta"}, {"power", "K"}, {"kaplan", "N_c D_c alpha_N alpha_D"}, {"over-training", "a b eta"},
                                                                  {"coupled", "A B alpha beta N_0 D_0"}, {"data-constrained", "A B alpha beta R_D R_N"}};
  for (size_t i = 0; i < sizeof positive / sizeof *positive; i++) {
    char names[64];
    snprintf(names, sizeof names, "%s", positive[i].names);
    for (char *one = strtok(names, " "); one; one = strtok(NULL, " ")) {
      struct named_value zero = {one, 0};
      options.fixed = &zero, options.fixed_count = 1;
      ok(form_bind(&d, form_find(positive[i].form), &options, runs, &e) != 0 && e.kind == ERR_USAGE, "%s: %s = 0 is refused", positive[i].form, one);
      form_release(&d);
    }
  }
}

/* Central differences of values and gradients around a fit. */
static void derivatives(const struct form *form, const struct runs *runs) {
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}};
  struct form_data d;
  struct err e = {0};
  struct rng rng;
  struct fit fit;
  rng_init(&rng, 11);
  if (form_bind(&d, form, &options, runs, &e) != 0 || !d.curve || form->undetermined(&d, NULL)) {
    form_release(&d);
    return;
  }
  form->estimate(&fit, &d, NULL, NULL);
  const struct curve *c = d.curve;
  int p = c->parameters;
  double worst_gradient = 0, worst_hessian = 0, worst_value = 0;
  for (int trial = 0; trial < 20; trial++) {
    double theta[PARAMETERS_MAX], g[PARAMETERS_MAX], h[HESSIAN_MAX], up[PARAMETERS_MAX], down[PARAMETERS_MAX], ignored[HESSIAN_MAX];
    for (int i = 0; i < p; i++) {
      double aside = isfinite(c->longest[i]) ? .01 * c->longest[i] * rng_normal(&rng) : 0;
      theta[i] = fmin(fmax(fit.theta[i], c->low[i] + 1e-2), c->high[i] - 1e-2) + aside;
    }
    for (size_t i = 0; i < c->count; i++) {
      double value = c->value(c->context, i, theta, g, h);
      worst_value = fmax(worst_value, fabs(value - c->value(c->context, i, theta, NULL, NULL)));
      for (int k = 0; k < p; k++) {
        double step = 1e-5, was = theta[k];
        theta[k] = was + step;
        double high = c->value(c->context, i, theta, up, ignored);
        theta[k] = was - step;
        double low = c->value(c->context, i, theta, down, ignored);
        theta[k] = was;
        worst_gradient = fmax(worst_gradient, fabs((high - low) / (2 * step) - g[k]) / fmax(1, fabs(g[k])));
        for (int j = 0; j < p; j++) {
          double exact = h[j <= k ? k * (k + 1) / 2 + j : j * (j + 1) / 2 + k];
          worst_hessian = fmax(worst_hessian, fabs((up[j] - down[j]) / (2 * step) - exact) / fmax(1, fabs(exact)));
        }
      }
    }
  }
  ok(worst_value < 1e-12, "%s: the value is the same with and without derivatives", form->name);
  ok(worst_gradient < 1e-7, "%s: the gradient is that of the value: %.1e", form->name, worst_gradient);
  ok(worst_hessian < 1e-5, "%s: the Hessian is that of the gradient: %.1e", form->name, worst_hessian);
  form_release(&d);
}

/* The search along a budget finds the optimum that the chinchilla form has in closed form. */
static void search(const struct runs *runs) {
  static const double law[] = {2.69, 1606.4, 3210.7, .34, .36}, budget[] = {1e12, 1e18, 1e23, 1e30};
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}};
  struct form_data d;
  struct err e = {0};
  form_bind(&d, form_find("chinchilla"), &options, runs, &e);
  for (size_t i = 0; i < sizeof budget / sizeof *budget; i++) {
    struct optimum closed = d.form->optimum(&d, law, budget[i]), found = form_search_optimum(&d, law, budget[i]);
    bool same = fabs(found.N / closed.N - 1) < 1e-6 && fabs(found.D / closed.D - 1) < 1e-6 && fabs(found.loss / closed.loss - 1) < 1e-14;
    ok(same, "the optimum for %g FLOPs by search: %.9g, %.9g", budget[i], found.N, closed.N);
  }
  static const double falling[] = {2, 0, 400, .3, .3}; /* more tokens are always better */
  ok(isnan(form_search_optimum(&d, falling, 1e20).N), "where one parameter is best there is no optimum");
  form_release(&d);
}

int main(void) {
  struct runs runs;
  ok(expected_runs(&runs, "tests/data/fit-scaling/loss_runs.tsv"), "the runs are there");
  list();
  fixes(&runs);
  for (int i = 0; forms[i]; i++) derivatives(forms[i], &runs);
  search(&runs);
  expected_laws(form_find("chinchilla"));
  runs_release(&runs);
  return tap_done();
}
