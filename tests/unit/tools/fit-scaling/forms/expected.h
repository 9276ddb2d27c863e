/* SPDX-License-Identifier: MIT
 *
 * The laws of loss against independent fits: tests/data/fit-scaling/loss_laws.tsv, made by tests/oracle/fit_scaling_forms.py.
 */
#ifndef TESTS_FIT_SCALING_EXPECTED_H
#define TESTS_FIT_SCALING_EXPECTED_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/tap.h"
#include "tools/fit-scaling/forms/form.h"

/* params tokens [unique_tokens] loss a line, with or without a header. */
static inline bool expected_runs(struct runs *runs, const char *path) {
  FILE *f = path ? fopen(path, "r") : NULL;
  char line[512];
  *runs = (struct runs){0};
  while (f && fgets(line, sizeof line, f)) {
    double v[4];
    int n = sscanf(line, "%lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3]);
    if (n < 3) continue;
    struct run run = run_of(v[0], v[1]);
    if (n == 4) run.value[RUN_UNIQUE_TOKENS] = v[2];
    run.value[RUN_LOSS] = v[n - 1];
    runs_append(runs, &run, 0);
  }
  if (f) fclose(f);
  return runs->count > 0;
}

/* "E=1.69 A=400" -> fixed parameters with names inside text; returns how many. */
static inline int expected_pairs(struct named_value *fixed, char *text) {
  int n = 0;
  if (strcmp(text, "-") == 0) return 0;
  for (char *item = text, *next; item && *item; item = next) {
    if ((next = strchr(item, ' '))) *next++ = 0;
    char *sign = strchr(item, '=');
    *sign = 0;
    fixed[n++] = (struct named_value){item, atof(sign + 1)};
  }
  return n;
}

/* One row: the objective to 1e-7 or better than expected, then the parameters to `tolerance`. */
static inline void expected_row(const struct form *form, const char *table, char *fixed_text, double objective, char *parameters) {
  struct named_value fixed[PARAMETERS_MAX], wanted[PARAMETERS_MAX];
  struct form_options options = {.fit = {OBJECTIVE_HUBER, 1e-3}, .fixed = fixed};
  struct form_data d = {0};
  struct runs runs = {0};
  struct fit fit;
  struct err e = {0};
  char path[256], what[128];
  snprintf(what, sizeof what, "%.20s on %.30s, fixed %.60s", form->name, table, fixed_text);
  bool shared = strcmp(table, "besiroglu240.tsv") == 0;
  snprintf(path, sizeof path, shared ? "oracle/scaling/%.60s" : "tests/data/fit-scaling/%.60s", table);
  if (!expected_runs(&runs, shared ? tap_shared(path) : path)) {
    skip("no shared data", what);
    return;
  }
  options.fixed_count = expected_pairs(fixed, fixed_text);
  int wanted_count = expected_pairs(wanted, parameters);
  if (!ok(form_bind(&d, form, &options, &runs, &e) == 0 && !form->undetermined(&d, NULL), "%s: the runs determine it%s", what, e.message)) return;
  form->estimate(&fit, &d, NULL, NULL);
  double worst = 0;
  for (int i = 0; i < d.parameters; i++)
    for (int k = 0; k < wanted_count; k++)
      if (strcmp(d.names[i], wanted[k].name) == 0) worst = fmax(worst, fabs(fit.parameter[i] - wanted[k].value) / fmax(fabs(wanted[k].value), .1));
  ok(fabs(fit.objective / objective - 1) < 1e-6, "%s: the objective is that of scipy's best of hundreds of starts: %.10g, %.10g", what, fit.objective, objective);
  ok(worst < 2e-3, "%s: so are the parameters, the worst to %.1e", what, worst);
  form_release(&d);
  runs_release(&runs);
}

static inline void expected_laws(const struct form *form) {
  FILE *f = fopen("tests/data/fit-scaling/loss_laws.tsv", "r");
  char line[1024];
  int rows = 0;
  while (f && fgets(line, sizeof line, f)) {
    char *field[5] = {line};
    int n = 1;
    line[strcspn(line, "\n")] = 0;
    for (char *tab; n < 5 && (tab = strchr(field[n - 1], '\t')); n++) *tab = 0, field[n] = tab + 1;
    if (n < 5 || strcmp(field[1], form->name) != 0) continue;
    rows++;
    expected_row(form, field[0], field[2], atof(field[3]), field[4]);
  }
  if (f) fclose(f);
  ok(rows > 0, "expected values of %s are there", form->name);
}

/* Runs of a known law without noise over a grid of sizes and lengths; the law is recovered to `tolerance`. */
static inline void expected_recovery(const struct form *form, const double law[], int parameters, const struct runs *shape, double tolerance) {
  for (int objective = 0; objective < 3; objective++) {
    struct form_options options = {.fit = {(enum objective)objective, 1e-3}};
    struct form_data d = {0};
    struct runs runs = {0};
    struct fit fit;
    struct err e = {0};
    if (!ok(form_bind(&d, form, &options, shape, &e) == 0, "%s binds%s", form->name, e.message)) return;
    for (size_t i = 0; i < shape->count; i++) {
      struct run run = runs_row(shape, i);
      run.value[RUN_LOSS] = form->predict(&d, law, &run);
      runs_append(&runs, &run, 0);
    }
    form_release(&d);
    form_bind(&d, form, &options, &runs, &e);
    form->estimate(&fit, &d, NULL, NULL);
    double worst = 0;
    for (int i = 0; i < parameters; i++) worst = fmax(worst, fabs(fit.parameter[i] - law[i]) / fmax(fabs(law[i]), .1));
    ok(worst < tolerance, "%s, objective %d: a noise-free law is recovered, the worst parameter to %.1e; %d of %d starts", form->name, objective, worst, fit.reached, fit.starts);
    struct fit again;
    form->estimate(&again, &d, NULL, fit.theta);
    ok(again.objective <= fit.objective * (1 + 1e-9) + 1e-15, "%s, objective %d: a descent from the optimum stays there", form->name, objective);
    form_release(&d);
    runs_release(&runs);
  }
}

#endif
