/* SPDX-License-Identifier: MIT
 *
 * What is said about a study whose law is known, and about studies that deserve warnings.
 */
#include "tools/fit-scaling/report/report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "tests/tap.h"

static double loss_of(double params, double tokens) { return 1.7 + 400 / pow(params, .34) + 400 / pow(tokens, .28); }

/* sizes x lengths, a factor between neighbours, with a little scatter. */
static void add_grid(struct runs *runs, int sizes, int lengths, double factor, double scatter) {
  int n = 0;
  for (int i = 0; i < sizes; i++)
    for (int k = 0; k < lengths; k++) {
      struct run run = run_of(1e7 * pow(factor, i), 1e9 * pow(factor, k));
      run.value[RUN_LOSS] = loss_of(run.value[RUN_PARAMS], run.value[RUN_TOKENS]) * (1 + scatter * sin(++n * 12.9898));
      runs_append(runs, &run, 0);
    }
}

static bool fit(struct study *s, const struct runs *runs, double above, size_t resamples) {
  struct study_options options = {.form = form_find("chinchilla"), .fit.fit = {OBJECTIVE_HUBER, 1e-3}, .bootstrap = {resamples, 0, 1}};
  struct err e = {0};
  if (study_run(s, &options, runs, above, &e) == 0) return true;
  note("%s", e.message);
  return false;
}

static bool has(const struct buffer *b, const char *text) { return slice_find(buffer_slice(b), slice_of(text)) != NULL; }

static bool warns(const struct report *r, const char *name) {
  struct warnings w;
  bool warned = false;
  report_warnings(&w, r);
  for (int i = 0; i < w.count; i++) warned |= strcmp(w.items[i].name, name) == 0 && strlen(w.items[i].text) > 20;
  warnings_release(&w);
  return warned;
}

static struct target budget(const char *typed, double flops) {
  struct target t = {.typed = typed, .at = run_of(NAN, NAN), .optimum = true};
  t.at.value[RUN_FLOPS] = flops;
  return t;
}

/* Longest line in code points, and whether a control byte but the newline is in it. */
static size_t widest_line(const struct buffer *b, bool *control) {
  size_t widest = 0, width = 0;
  *control = false;
  for (size_t i = 0; i < b->len; i++) {
    unsigned char c = (unsigned char)b->data[i];
    *control |= (c < 0x20 && c != '\n') || c == 0x7f;
    width = c == '\n' ? 0 : width + ((c & 0xc0) != 0x80);
    widest = width > widest ? width : widest;
  }
  return widest;
}

static void rows_of_a_law(void) {
  struct runs runs = {0};
  struct study study;
  struct buffer b = {0};
  add_grid(&runs, 5, 5, 3, 0);
  ok(fit(&study, &runs, INFINITY, 0), "a law without scatter is fitted");
  struct target targets[] = {budget("1e21\tx", 1e21), {.typed = "1G,20G", .at = run_of(1e9, 20e9)}};
  struct report r = {.study = &study, .targets = targets, .target_count = 2};
  report_header(&r, &b);
  ok_string(buffer_string(&b), "form\tname\tvalue\tlow\thigh\tstderr\n", "the header");
  buffer_clear(&b);
  report_rows(&r, &b);
  static const char *const names[] = {"E", "A", "B", "alpha", "beta", "objective", "N_exponent", "D_exponent", "N_opt@1e21 x", "D_opt@1e21 x", "loss@1e21 x", "tokens_per_param@1e21 x", "loss@1G,20G"};
  const char *at = buffer_string(&b);
  bool in_order = true;
  int lines = 0;
  for (; *at; at += strcspn(at, "\n") + 1, lines++) {
    size_t n = strlen(names[lines % 13]);
    in_order &= strncmp(at, "chinchilla\t", 11) == 0 && strncmp(at + 11, names[lines % 13], n) == 0 && at[11 + n] == '\t';
  }
  ok(in_order && lines == 13, "a row for each parameter, the objective, exponents, and each target; a tab in what was typed becomes a space");
  ok(has(&b, "chinchilla\talpha\t0.34") && has(&b, "\tN_exponent\t0.4516"), "with the numbers of the law: N grows as C^(.28/.62)");
  ok(has(&b, "\t\t\t\n"), "without a bootstrap the intervals are empty");
  r.group = "a\tb";
  buffer_clear(&b);
  report_header(&r, &b);
  report_rows(&r, &b);
  ok(has(&b, "\tstderr\tgroup\n") && has(&b, "\ta b\n"), "groups have a seventh column");
  buffer_release(&b);
  study_release(&study);
  runs_release(&runs);
}

static double number_at(const json_t *object, const char *first, const char *second) {
  return json_number_value(json_object_get(json_object_get(object, first), second));
}

static void json_of_a_law(void) {
  struct runs runs = {0};
  struct study study;
  struct buffer b = {0};
  add_grid(&runs, 5, 6, 3, .003);
  ok(fit(&study, &runs, 2e19, 40), "a law with scatter is fitted to the runs of less compute");
  struct target targets[] = {budget("\"1e25\" \x01\xff", 1e25), {.typed = "1G,20G", .at = run_of(1e9, 20e9)}};
  struct report r = {.study = &study, .targets = targets, .target_count = 2, .group = "a\"b\\c\n\xfe"};
  report_json(&r, &b);
  json_error_t error;
  json_t *root = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, &error);
  if (!root) note("%s", error.text);
  ok(root != NULL, "the JSON is sound whatever names hold");
  ok_near(number_at(json_object_get(root, "parameters"), "alpha", "value"), study.fit.parameter[3], 1e-8, "it has the parameters");
  ok(number_at(json_object_get(root, "parameters"), "alpha", "low") < study.fit.parameter[3], "with intervals");
  ok_int((int64_t)json_array_size(json_object_get(root, "predictions")), 2, "the predictions");
  const json_t *first = json_array_get(json_object_get(root, "predictions"), 0);
  ok_near(number_at(first, "N_opt", "value") * number_at(first, "D_opt", "value") / 1e25 * 6, 1, 1e-6, "whose best N and D use the budget");
  ok(json_is_null(json_object_get(first, "params")), "what is not known is null");
  ok(number_at(json_object_get(root, "holdout"), "holdout_mape", "value") > 0, "the error of the held-out runs");
  const char *name = json_string_value(json_object_get(json_array_get(json_object_get(root, "warnings"), 0), "name"));
  bool extrapolates = false;
  size_t i;
  json_t *warning;
  json_array_foreach(json_object_get(root, "warnings"), i, warning) extrapolates |= strcmp(json_string_value(json_object_get(warning, "name")), "extrapolation") == 0;
  ok(name && extrapolates, "and the warnings");
  json_decref(root);
  buffer_clear(&b);
  report_json_table(SLICE("a\tb\n1.5\tx\"\n\t-2e-07\n01\t1e\n"), &b);
  ok_string(buffer_string(&b), "[{\"a\": 1.5, \"b\": \"x\\\"\"}, {\"a\": null, \"b\": -2e-07}, {\"a\": \"01\", \"b\": \"1e\"}]", "a table becomes an array of objects");
  buffer_clear(&b);

  bool control;
  report_summary(&r, &b);
  size_t widest = widest_line(&b, &control);
  ok(!control, "the summary holds no control bytes");
  ok(widest <= 80, "and no line of more than 80 columns (%zu)", widest);
  ok(has(&b, "  alpha ") && has(&b, "tokens/param") && has(&b, " runs held out: "), "it tells parameters, predictions, held-out runs");
  ok(b.data[b.len - 1] != '\n', "and ends without a newline");
  buffer_release(&b);
  study_release(&study);
  runs_release(&runs);
}

static void warnings_where_they_are_due(void) {
  struct runs good = {0}, poor = {0}, slanted = {0};
  struct study study;
  struct report r = {.study = &study};
  add_grid(&good, 5, 5, 4, .002);
  if (fit(&study, &good, INFINITY, 100)) {
    struct warnings w;
    report_warnings(&w, &r);
    for (int i = 0; i < w.count; i++) note("%s: %s", w.items[i].name, w.items[i].text);
    ok_int(w.count, 0, "good runs need no warning");
    warnings_release(&w);
    struct target far = budget("1e30", 1e30);
    r.targets = &far, r.target_count = 1;
    ok(warns(&r, "extrapolation"), "a budget far beyond the runs does");
    r.target_count = 0;
  }
  study_release(&study);
  add_grid(&poor, 3, 3, 1.25, .01);
  if (fit(&study, &poor, INFINITY, 40)) {
    ok(warns(&r, "few_runs"), "nine runs are few");
    ok(warns(&r, "narrow_compute"), "a factor of 2.4 of compute is narrow");
    ok(warns(&r, "condition") || warns(&r, "at_bound"), "and such runs do not determine the law");
  }
  study_release(&study);
  add_grid(&slanted, 4, 6, 3, 0);
  for (size_t i = 0; i < slanted.count; i++) slanted.column[RUN_LOSS][i] = 1.7 + 4e5 / pow(slanted.column[RUN_PARAMS][i], .5) + 10 / pow(slanted.column[RUN_TOKENS][i], .28);
  if (fit(&study, &slanted, INFINITY, 0)) ok(warns(&r, "optimum_outside"), "runs that are all too small are told");
  study_release(&study);
  runs_release(&good);
  runs_release(&poor);
  runs_release(&slanted);
}

int main(void) {
  rows_of_a_law();
  json_of_a_law();
  warnings_where_they_are_due();
  return tap_done();
}
