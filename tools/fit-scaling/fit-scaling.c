/* SPDX-License-Identifier: MIT
 *
 * fit-scaling: finished training runs -> the scaling law that explains them, with intervals, and what it predicts.
 *
 * runs (table/) -> a form of law (forms/) at the optimum over many starts (fitting/) -> intervals (intervals/) -> a study that
 * answers questions (study/) -> held-out runs, other forms, groups (validation/) -> rows, summary, plots (report/, plot/).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/output.h"
#include "common/io/program.h"
#include "tools/fit-scaling/job.h"
#include "tools/fit-scaling/report/differences.h"
#include "tools/fit-scaling/report/rows.h"
#include "tools/fit-scaling/validation/compare.h"
#include "tools/fit-scaling/validation/outliers.h"

static void say(struct program *p, const struct report *r) {
  struct buffer text = {0};
  struct warnings warnings;
  if (p->quiet) return;
  report_summary(r, &text);
  program_summary(p, buffer_slice(&text));
  buffer_clear(&text);
  if (r->group) report_name(&text, r->group), buffer_append_string(&text, ": ");
  report_warnings(&warnings, r);
  for (int i = 0; i < warnings.count; i++) program_warn(p, "%s%s", buffer_string(&text), warnings.items[i].text);
  warnings_release(&warnings);
  buffer_release(&text);
}

static int write_plot(const char *path, const char *panels, const struct report *r, struct err *e) {
  struct buffer svg = {0};
  int result = report_plot(r, panels, &svg, e);
  if (result == 0) result = output_file(path, svg.data, svg.len, e);
  buffer_release(&svg);
  return result;
}

static int list_forms(const struct program *p, struct err *e) {
  struct buffer text = {0};
  form_list(&text);
  int result = output_file(p->output, text.data, text.len, e);
  buffer_release(&text);
  return result;
}

/* A table as it is, or as {"KEY": [...]}. */
static int write_table(struct program *p, const struct settings *s, const char *key, struct buffer *table, struct err *e) {
  struct buffer json = {0};
  if (s->format == FORMAT_TSV) return output_file(p->output, table->data, table->len, e);
  buffer_printf(&json, "{\"%s\": ", key);
  report_json_table(buffer_slice(table), &json);
  buffer_append_string(&json, "}\n");
  int result = output_file(p->output, json.data, json.len, e);
  buffer_release(&json);
  return result;
}

/* ---- one law */

static int fit_one(struct program *p, const struct settings *s, struct job *job, struct err *e) {
  struct study study;
  struct rows rows = {0};
  struct buffer text = {0};
  int result = study_run(&study, &job->study, &job->runs, holdout_above(&job->holdout, &job->runs), e);
  stats_flow(p->stats, job->runs.rows, study.fitted.count, study.held_out.count + job->runs.unwanted, job->runs.bad);
  struct report report = {.study = &study, .targets = job->targets, .target_count = job->target_count, .table = &job->runs};
  if (result == 0 && s->residuals) {
    outliers_table(&study, &text);
    result = output_file(s->residuals, text.data, text.len, e);
    buffer_clear(&text);
  }
  if (result == 0 && s->plot) result = write_plot(s->plot, s->panels, &report, e);
  if (result == 0) {
    rows_init(&rows, &report);
    report.rows = &rows;
    if (s->format == FORMAT_JSON) report_json(&report, &text), buffer_put(&text, '\n');
    else report_header(&report, &text), report_rows(&report, &text);
    result = output_file(p->output, text.data, text.len, e);
  }
  if (result == 0) say(p, &report);
  if (result == 0 && s->holdout && study.held_out.count == 0) program_warn(p, "--holdout %s holds out no run: all were fitted", s->holdout);
  rows_release(&rows);
  buffer_release(&text);
  study_release(&study);
  return result;
}

/* ---- several forms */

static int compare(struct program *p, const struct settings *s, struct job *job, struct err *e) {
  struct contender *contenders = NULL;
  struct buffer text = {0};
  int count = 0;
  if (s->plot || s->residuals || s->by) return err_usage(e, "--plot, --residuals and --by show laws of one form: not with --compare");
  if (!s->holdout) job->holdout = (struct holdout){.above = NAN, .top = .2};
  int result = compare_forms(&contenders, &count, s->compare, &job->study, &job->runs, &job->holdout, e);
  if (result == 0) {
    compare_rows(contenders, count, &text);
    result = write_table(p, s, "forms", &text, e);
  }
  buffer_clear(&text);
  if (result == 0) {
    compare_summary(contenders, count, &text);
    program_summary(p, buffer_slice(&text));
  }
  buffer_release(&text);
  free(contenders);
  return result;
}

/* ---- a law for each group */

enum { GROUP_IN_PATH = 100 }; /* bytes */

static void group_file_name(struct buffer *out, const char *group) {
  for (int i = 0; group[i] && i < GROUP_IN_PATH; i++) {
    unsigned char c = (unsigned char)group[i];
    buffer_put(out, c < 0x20 || c == 0x7f || strchr("/\\ \"'*?<>|&;", c) ? '_' : (char)c);
  }
}

/* PATH-GROUP.svg for PATH.svg; what a file name had better not hold becomes '_', and where that or the length makes two groups
 * alike, the group's number is added. */
static char *group_path(const char *path, const struct groups *g, size_t index) {
  struct buffer b = {0}, name = {0};
  const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
  size_t stem = dot && (!slash || dot > slash + 1) ? (size_t)(dot - path) : strlen(path);
  buffer_append(&b, path, stem);
  buffer_put(&b, '-');
  group_file_name(&name, g->items[index].name);
  buffer_append_slice(&b, buffer_slice(&name));
  for (size_t i = 0; i < index; i++) {
    struct buffer other = {0};
    group_file_name(&other, g->items[i].name);
    bool same = slice_equal(buffer_slice(&other), buffer_slice(&name));
    buffer_release(&other);
    if (!same) continue;
    buffer_printf(&b, "-%zu", index + 1);
    break;
  }
  buffer_release(&name);
  buffer_append_string(&b, path + stem);
  return buffer_string(&b);
}

/* {"groups": [...], "differences": [...]}, both as they are without groups and in the table. */
static int write_groups(struct program *p, const struct report *r, const struct buffer *groups, const struct buffer *differences, struct err *e) {
  struct buffer table = {0}, json = {0};
  report_header(r, &table);
  buffer_append_slice(&table, buffer_slice(differences));
  buffer_append_string(&json, "{\"groups\": [");
  buffer_append_slice(&json, buffer_slice(groups));
  buffer_append_string(&json, "], \"differences\": ");
  report_json_table(buffer_slice(&table), &json);
  buffer_append_string(&json, "}\n");
  int result = output_file(p->output, json.data, json.len, e);
  buffer_release(&table);
  buffer_release(&json);
  return result;
}

static int fit_groups(struct program *p, const struct settings *s, struct job *job, struct err *e) {
  struct groups g = {0};
  struct buffer rows = {0}, differences = {0}, json = {0}, summary = {0};
  if (s->residuals) return err_usage(e, "--residuals shows one law: not with --by");
  int result = groups_run(&g, &job->study, &job->runs, holdout_above(&job->holdout, &job->runs), e);
  struct report report = {.targets = job->targets, .target_count = job->target_count, .group = "", .table = &job->runs};
  report_header(&report, &rows);
  for (size_t i = 0; i < g.count && result == 0; i++) {
    const struct group_study *one = &g.items[i];
    if (one->failure.message[0]) {
      struct buffer name = {0};
      report_name(&name, one->name);
      program_warn(p, "group '%s': %s", buffer_string(&name), one->failure.message);
      buffer_release(&name);
      continue;
    }
    struct rows answers;
    report.study = &one->study;
    report.group = one->name;
    report.rows = NULL;
    rows_init(&answers, &report);
    report.rows = &answers;
    report_rows(&report, &rows);
    if (json.len > 0) buffer_append_string(&json, ", ");
    if (s->format == FORMAT_JSON) report_json(&report, &json);
    say(p, &report);
    report.rows = NULL;
    rows_release(&answers);
    if (!s->plot) continue;
    char *path = group_path(s->plot, &g, i);
    result = write_plot(path, s->panels, &report, e);
    free(path);
  }
  if (result == 0 && g.fitted > 1) {
    report_differences(&report, &g, &differences, &summary);
    program_summary(p, buffer_slice(&summary));
  }
  if (result == 0 && s->format == FORMAT_JSON) result = write_groups(p, &report, &json, &differences, e);
  else if (result == 0) {
    buffer_append_slice(&rows, buffer_slice(&differences));
    result = output_file(p->output, rows.data, rows.len, e);
  }
  buffer_release(&rows);
  buffer_release(&differences);
  buffer_release(&json);
  buffer_release(&summary);
  groups_release(&g);
  return result;
}

static int run(struct program *p, struct settings *s, struct job *job, struct err *e) {
  bool is_plan = plan_is_first(p);
  if (!is_plan && plan_options_given(&s->plan)) return err_usage(e, "--%s belongs to the step plan, which the first operand names", plan_options_given(&s->plan));
  if (strcmp(s->form, "list") == 0) return list_forms(p, e);
  if (job_parse(job, p, s, e) != 0) return -1;
  if (is_plan && (s->compare || s->residuals || s->plot || s->by || job->target_count))
    return err_usage(e, "plan: --compare, --residuals, --plot, --by, --predict and --at belong to fits without a plan");
  if (is_plan && s->format == FORMAT_JSON) s->plan.format = report_json_table;
  if (is_plan && plan_needs_no_runs(&s->plan, &job->study)) return plan_run_given(p, &s->plan, &job->study, e);
  if (job_read(job, p, s, e) != 0) return -1;
  if (s->compare) return compare(p, s, job, e);
  if (is_plan) return plan_run(p, &s->plan, &job->study, &job->runs, holdout_above(&job->holdout, &job->runs), e);
  return job->runs.group_count ? fit_groups(p, s, job, e) : fit_one(p, s, job, e);
}

int main(int argc, char **argv) {
  struct settings s = {.form = forms[0]->name, .delta = 1e-3, .level = .95, .bootstrap = 1000};
  struct option options[64] = {
      {OPTION_STRING, 0, "form", &s.form, "FORM", "the law (default chinchilla: E + A/N^alpha + B/D^beta); list: show all"},
      {OPTION_LIST, 0, "fix", &s.fix, "NAME=VALUE", "hold this parameter of the law; may repeat"},
      {OPTION_CHOICE, 0, "objective", &s.objective, "NAME", "what of the log residuals is summed: huber (default), l1, squares", "huber|l1|squares"},
      {OPTION_DOUBLE, 0, "delta", &s.delta, "D", "where huber turns from square to linear (default 1e-3)"},
      {OPTION_CHOICE, 0, "minima", &s.minima, "HOW", "form isoflop: a budget's lowest loss by a parabola (default) or a spline", "parabola|spline"},
      {OPTION_COUNT, 0, "bootstrap", &s.bootstrap, "N", "resamples for the intervals, 0: none (default 1000)", .min = 0, .max = 1e7},
      {OPTION_CHOICE, 0, "intervals", &s.intervals, "KIND", "how intervals are made: auto (default), pairs, residual, budget, profile, normal", "auto|pairs|residual|budget|profile|normal"},
      {OPTION_DOUBLE, 0, "level", &s.level, "P", "confidence of the intervals (default .95)"},
      {OPTION_STRING, 0, "lowest-per", &s.lowest_per, "COLUMN,...", "of runs with the same values there, keep the one of lowest loss"},
      {OPTION_STRING, 0, "holdout", &s.holdout, "above=FLOPS|top=FRACTION", "fit the runs of less compute, score the others"},
      {OPTION_STRING, 0, "compare", &s.compare, "FORM,...|all", "rank forms by held-out error (default holdout top=.2) and criteria"},
      {OPTION_STRING, 0, "residuals", &s.residuals, "FILE", "write each run with its prediction and how far it lies from the law"},
      {OPTION_LIST, 0, "predict", &s.predict, "FLOPS", "the best params, tokens and loss for this compute; may repeat"},
      {OPTION_LIST, 0, "at", &s.at, "PARAMS,TOKENS", "the loss of such a run; may repeat"},
      {OPTION_STRING, 0, "unique", &s.unique, "TOKENS", "how many different tokens there are for --predict and --at (form data-constrained)"},
      {OPTION_LIST, 0, "at-loss", &s.at_loss, "LOSS", "the accuracy at this loss of the task; may repeat"},
      {OPTION_LIST, 0, "at-shares", &s.at_shares, "SOURCE=SHARE,...", "the loss of such a mixture; may repeat"},
      {OPTION_LIST, 0, "weight", &s.weight, "DOMAIN=W", "of mixtures: what loss:DOMAIN counts in the mean loss (default 1 each)"},
      {OPTION_LIST, 0, "limit", &s.limit, "SOURCE=SHARE", "of mixtures: the best one has no more of this source"},
      {OPTION_LIST, 0, "column", &s.column, "NAME=COLUMN[*FACTOR]", "the column that holds params, loss, ...; may repeat"},
      {OPTION_LIST, 0, "where", &s.where, "COLUMN=VALUE", "only such rows; also !=, <, <=, >, >=; may repeat"},
      {OPTION_STRING, 0, "by", &s.by, "COLUMN", "a law for each value of this column"},
      {OPTION_CHOICE, 0, "format", &s.format, "NAME", "of the output: tsv (default), json", "tsv|json"},
      {OPTION_STRING, 0, "plot", &s.plot, "FILE.svg", "draw the runs, the law and how sure it is"},
      {OPTION_STRING, 0, "panels", &s.panels, "NAME,...", "of --plot: which panels, in this order (default: all that tell something)"},
      {OPTION_END}};
  int own = 0;
  while (options[own].type != OPTION_END) own++;
  plan_options_init(&s.plan);
  plan_options_table(&s.plan, options + own);
  static const char *const examples[] = {"fit-scaling --predict 1e21 --predict 1e23 runs/*/run.tsv", "fit-scaling --holdout above=1e20 --plot law.svg < runs.tsv",
                                         "fit-scaling plan --gpus 8 --tflops 400 --hours 24 --config config.json --recipe recipe.json runs.tsv", NULL};
  struct program p = {.name = "fit-scaling", .summary = "fits a scaling law to training runs and predicts larger ones", .operands = "[plan] [RUNS...]",
                      .options = options, .examples = examples, .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_SEED | SHARED_STRICT};
  bool list = false; /* with --form list, no operand does not mean stdin */
  for (int i = 1; i < argc; i++) list = list || strcmp(argv[i], "--form=list") == 0 || (strcmp(argv[i], "list") == 0 && strcmp(argv[i - 1], "--form") == 0);
  if (!list) p.shared |= SHARED_STDIN;
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e = {0};
  struct job job = {0};
  int result = run(&p, &s, &job, &e);
  job_release(&job);
  settings_release(&s);
  return program_end(&p, result, &e);
}
