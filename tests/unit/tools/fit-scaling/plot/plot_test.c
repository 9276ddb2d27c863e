/* SPDX-License-Identifier: MIT
 *
 * The plot is well-formed (read back with libxml2) whatever the texts and numbers are, and holds what it should.
 */
#include "tools/fit-scaling/plot/plot.h"

#include <libxml/parser.h>
#include <math.h>
#include <string.h>

#include "tests/tap.h"

static int count_of(const struct buffer *b, const char *needle) {
  int n = 0;
  struct slice rest = buffer_slice(b);
  for (const char *at; (at = slice_find(rest, slice_of(needle))) != NULL; n++) {
    rest.len -= (size_t)(at + 1 - rest.data);
    rest.data = at + 1;
  }
  return n;
}

static bool well_formed(const struct buffer *b) {
  xmlDoc *d = xmlReadMemory(b->data, (int)b->len, "plot.svg", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  xmlFreeDoc(d);
  return d != NULL;
}

/* Neither as a coordinate nor as a text. */
static bool all_numbers(const struct buffer *b) {
  return !slice_find_nocase(buffer_slice(b), SLICE("nan ")) && !slice_find_nocase(buffer_slice(b), SLICE("nan\"")) && !slice_find_nocase(buffer_slice(b), SLICE("nan<")) &&
         !slice_find_nocase(buffer_slice(b), SLICE("inf ")) && !slice_find_nocase(buffer_slice(b), SLICE("inf\"")) && !slice_find_nocase(buffer_slice(b), SLICE("inf<"));
}

static const double law[] = {1.7, 400, 400, .34, .28};

static double loss_of(double params, double tokens) { return law[0] + law[1] / pow(params, law[3]) + law[2] / pow(tokens, law[4]); }

/* `sizes` runs at each of `budgets` budgets, a factor of ten between them, with a little scatter. */
static void add_runs(struct runs *runs, int budgets, int sizes, double scatter) {
  uint64_t n = 0;
  for (int i = 0; i < budgets; i++)
    for (int k = 0; k < sizes; k++) {
      double budget = 1e18 * pow(10, i), params = 5e7 * pow(10, .5 * i) * pow(16, sizes > 1 ? (double)k / (sizes - 1) : 0);
      struct run run = run_of(params, budget / 6 / params);
      run.value[RUN_LOSS] = loss_of(params, budget / 6 / params) * (1 + scatter * sin((double)++n * 12.9898));
      runs_append(runs, &run, 0);
    }
}

static bool fit(struct study *s, const struct runs *runs, const char *form, double above, size_t resamples) {
  struct study_options options = {.form = form_find(form), .fit.fit = {OBJECTIVE_HUBER, 1e-3}, .bootstrap = {resamples, 0, 1}};
  struct err e = {0};
  if (study_run(s, &options, runs, above, &e) == 0) return true;
  note("%s", e.message);
  return false;
}

static void four_budgets(void) {
  struct runs runs = {0};
  struct study study;
  struct buffer b = {0};
  struct err e = {0};
  add_runs(&runs, 4, 5, .004);
  ok(fit(&study, &runs, "chinchilla", 5e20, 60), "a law is fitted to three budgets of four");
  struct plot_prediction predictions[] = {{.label = "<script>&", .at = run_of(1e10, 1e12), .value = {2.3, {2.2, 2.5, .1}}},
                                          {.label = "nothing \x01 \xff", .at = run_of(NAN, NAN), .value = {NAN, {NAN, NAN, NAN}}},
                                          {.label = "1e21", .at = run_of(3e9, 1e21 / 6 / 3e9), .optimum = true, .value = {2.31, {2.3, 2.32, .01}}, .params = {2e9, 4e9, 5e8}}};
  struct plot plot = {"<title> & \"more\" \xff\x02", &study, predictions, 3, NULL};
  ok_int(plot_svg(&b, &plot, &e), 0, "it is drawn");
  ok(well_formed(&b), "the plot is well-formed XML");
  ok(all_numbers(&b), "nothing that is not a number gets in");
  ok(!slice_find(buffer_slice(&b), SLICE("<script")), "labels cannot become markup");
  ok(slice_find(buffer_slice(&b), SLICE("&lt;script&gt;&amp;")) != NULL, "but stand there as they are");
  ok_int(count_of(&b, "<clipPath"), 8, "all panels but two: isoflop, and accuracy");
  ok_int(count_of(&b, "<title>held-out run "), 5 * 6, "each held-out run is marked in the panels of runs");
  ok_int(count_of(&b, "class=\"h3\""), 5 * 6, "as hollow marks of the fourth budget");
  ok(slice_find(buffer_slice(&b), SLICE("class=\"frontier beyond\"")) != NULL, "the frontier goes on beyond the runs");
  ok(slice_find(buffer_slice(&b), SLICE("10<tspan dy=\"-5\" font-size=\"11\">18</tspan>")) != NULL, "exponents are raised");
  ok(slice_find(buffer_slice(&b), SLICE("<desc id=\"desc\">chinchilla, L = E")) != NULL, "a description says what is seen");
  buffer_clear(&b);

  plot.panels = "residuals,loss-C";
  ok_int(plot_svg(&b, &plot, &e), 0, "panels can be chosen");
  ok(count_of(&b, "<clipPath") == 2 && slice_find(buffer_slice(&b), SLICE("(a) Residuals")) && slice_find(buffer_slice(&b), SLICE("(b) Loss against compute")), "and stand in that order");
  buffer_clear(&b);
  plot.panels = "accuracy-loss";
  ok(plot_svg(&b, &plot, &e) != 0 && b.len == 0 && strstr(e.message, "accuracy"), "a panel that cannot be drawn is an error that says why");
  e = (struct err){0};
  ok(plot_check_panels("loss-N,loss", &e) != 0 && e.kind == ERR_USAGE && strstr(e.message, "'loss'") && strstr(e.message, "cloud"), "so is a name that there is not");
  ok(plot_check_panels("", &e) != 0 && plot_check_panels("loss-N,", &e) == 0, "an empty list is an error; a comma at the end is none");
  buffer_release(&b);
  study_release(&study);
  runs_release(&runs);
}

/* The law is what it is: the plot must draw it. */
static void odd_tables(void) {
  struct err e = {0};
  struct buffer b = {0};
  struct plot_prediction far = {.label = "1e300", .at = run_of(NAN, NAN), .optimum = true, .value = {1.8, {-5, INFINITY, NAN}}, .params = {0, INFINITY, NAN}};
  far.at.value[RUN_FLOPS] = 1e300;
  far.at.value[RUN_PARAMS] = 1e140;
  far.at.value[RUN_TOKENS] = 1e159;
  for (int k = 0; k < 4; k++) {
    struct runs runs = {0};
    struct study study;
    if (k == 0) add_runs(&runs, 1, 6, .01);
    else if (k == 1) add_runs(&runs, 14, 3, .01);
    else if (k == 2) add_runs(&runs, 2, 4000, .01);
    else add_runs(&runs, 3, 3, 0);
    if (k == 0) /* a budget alone: one more size with one more length */
      for (int i = 1; i < 4; i++) {
        struct run run = run_of(1e8 * i, 2e9 / i);
        run.value[RUN_LOSS] = loss_of(1e8 * i, 2e9 / i);
        runs_append(&runs, &run, 0);
      }
    if (k == 3) /* the same loss everywhere, to the last digit */
      for (size_t i = 0; i < runs.count; i++) runs.column[RUN_LOSS][i] = 3;
    if (fit(&study, &runs, "chinchilla", INFINITY, k == 2 ? 0 : 30)) {
      struct plot plot = {"", &study, &far, 1, NULL};
      static const char *const what[] = {"one budget", "fourteen budgets over 13 decades", "eight thousand runs", "a law without a slope"};
      ok(plot_svg(&b, &plot, &e) == 0 && well_formed(&b) && all_numbers(&b), "%s: the plot is sound", what[k]);
      if (k == 2) ok(b.len < 2000000 && slice_find(buffer_slice(&b), SLICE("2,000 of 8,000 runs are drawn")), "a large table makes a bounded file that says what it leaves out");
    }
    buffer_clear(&b);
    study_release(&study);
    runs_release(&runs);
  }
  buffer_release(&b);
}

int main(void) {
  four_budgets();
  odd_tables();
  xmlCleanupParser();
  return tap_done();
}
