/* SPDX-License-Identifier: MIT
 *
 * fit-scaling: finished training runs -> the scaling law that explains them, with intervals, and what it predicts.
 *
 * runs (runs.c) -> the optimum over many starts (fit.c) -> pairs bootstrap (bootstrap.c) -> rows and a summary
 * (report.c) -> a plot (plot.c).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/output.h"
#include "common/io/program.h"
#include "tools/fit-scaling/report.h"

struct settings {
  int form, objective;
  double delta;
  int64_t bootstrap;
  const char *holdout, *plot;
  struct option_list predict, at;
};

/* "above=1e21" */
static int parse_holdout(const char *text, double *above, struct err *e) {
  if (strncmp(text, "above=", 6) != 0 || number_double(text + 6, above) != 0 || !(*above > 0))
    return err_usage(e, "--holdout takes above=FLOPS, not '%s'", text);
  return 0;
}

static int parse_targets(struct report *r, const struct settings *s, struct err *e) {
  r->targets = NEW_ARRAY(struct target, s->predict.count + s->at.count + 1);
  for (int i = 0; i < s->predict.count; i++) {
    struct target *t = &r->targets[r->target_count++];
    t->typed = s->predict.items[i];
    if (number_double(t->typed, &t->flops) != 0 || !(t->flops > 0)) return err_usage(e, "--predict takes a number of FLOPs, not '%s'", t->typed);
  }
  for (int i = 0; i < s->at.count; i++) {
    struct target *t = &r->targets[r->target_count++];
    t->typed = s->at.items[i];
    char *params = STRDUP(t->typed), *comma = strchr(params, ',');
    if (comma) *comma = 0;
    bool sound = comma && number_double(params, &t->params) == 0 && number_double(comma + 1, &t->tokens) == 0 && t->params > 0 && t->tokens > 0;
    free(params);
    if (!sound) return err_usage(e, "--at takes PARAMS,TOKENS, not '%s'", t->typed);
  }
  return 0;
}

static int read_runs(struct program *p, struct report *r, struct err *e) {
  static const char *const standard_input[] = {"-"};
  const char *const *names = p->operand_count ? (const char *const *)p->operand : standard_input;
  for (int i = 0; i < (p->operand_count ? p->operand_count : 1); i++)
    if (runs_read(&r->runs, names[i], e) != 0) return -1;
  if (r->runs.bad > 0) program_warn(p, "%llu of %llu rows left out; the first: %s", (unsigned long long)r->runs.bad, (unsigned long long)r->runs.rows, r->runs.first_bad.message);
  return 0;
}

static int run(struct program *p, struct settings *s, struct report *r, struct err *e) {
  double above = INFINITY;
  if (s->holdout && parse_holdout(s->holdout, &above, e) != 0) return -1;
  if (s->delta <= 0) return err_usage(e, "--delta must be above 0");
  if (parse_targets(r, s, e) != 0) return -1;
  r->options = (struct fit_options){(enum objective)s->objective, s->delta};
  r->resamples = (size_t)s->bootstrap;
  r->seed = (uint64_t)p->seed;
  r->jobs = (int)p->jobs;
  if (read_runs(p, r, e) != 0) return -1;
  report_hold_out(r, above);
  stats_flow(p->stats, r->runs.rows, r->fitted, r->runs.count - r->fitted, r->runs.bad);
  if (p->strict && r->runs.bad > 0) return err_set(e, "%s", r->runs.first_bad.message);
  if (report_fit(r, e) != 0) return -1;

  struct output *out;
  struct buffer text = {0};
  if (output_open(&out, p->output, 0, e) != 0) return -1;
  report_rows(r, &text);
  int result = output_write(out, text.data, text.len, e);
  if (result == 0 && s->plot) {
    struct buffer svg = {0};
    report_plot(r, &svg);
    result = output_file(s->plot, svg.data, svg.len, e);
    buffer_release(&svg);
  }
  buffer_clear(&text);
  if (result == 0) result = output_commit(out, e);
  else output_abort(out);
  if (result == 0) {
    report_summary(r, &text);
    program_message(p, "%s", buffer_string(&text));
    for (int i = 0; i < REPORT_WARNINGS; i++) {
      buffer_clear(&text);
      if (report_warning(r, i, &text)) program_warn(p, "%s", buffer_string(&text));
    }
  }
  buffer_release(&text);
  return result;
}

int main(int argc, char **argv) {
  struct settings s = {.delta = 1e-3, .bootstrap = 1000};
  const struct option options[] = {
      {OPTION_CHOICE, 0, "form", &s.form, "FORM", "the law: chinchilla is E + A/N^alpha + B/D^beta (default)", "chinchilla"},
      {OPTION_CHOICE, 0, "objective", &s.objective, "NAME", "what of the log residuals is summed: huber (default), l1, squares", "huber|l1|squares"},
      {OPTION_DOUBLE, 0, "delta", &s.delta, "D", "where huber turns from square to linear (default 1e-3)"},
      {OPTION_COUNT, 0, "bootstrap", &s.bootstrap, "N", "resamples for the 95% intervals, 0: none (default 1000)", .min = 0, .max = 1e7},
      {OPTION_STRING, 0, "holdout", &s.holdout, "above=FLOPS", "fit the runs up to FLOPS, score the others"},
      {OPTION_LIST, 0, "predict", &s.predict, "FLOPS", "the best params, tokens and loss for this compute; may repeat"},
      {OPTION_LIST, 0, "at", &s.at, "PARAMS,TOKENS", "the loss of such a run; may repeat"},
      {OPTION_STRING, 0, "plot", &s.plot, "FILE.svg", "draw runs, law, frontier and predictions"},
      {OPTION_END}};
  static const char *const examples[] = {"fit-scaling --predict 1e21 --predict 1e23 runs/*/run.tsv", "fit-scaling --holdout above=1e20 --plot law.svg < runs.tsv", NULL};
  struct program p = {.name = "fit-scaling", .summary = "fits a scaling law to training runs and predicts larger ones", .operands = "[RUNS.tsv...]",
                      .options = options, .examples = examples, .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_SEED | SHARED_STRICT | SHARED_STDIN};
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e = {0};
  struct report r = {0};
  int result = run(&p, &s, &r, &e);
  report_release(&r);
  option_list_release(&s.predict);
  option_list_release(&s.at);
  return program_end(&p, result, &e);
}
