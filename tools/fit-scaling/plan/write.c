/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/plan/write.h"

#include <string.h>

#include "common/io/output.h"
#include "tools/fit-scaling/forms/chinchilla.h"
#include "tools/fit-scaling/plan/rows.h"

static int write_files(const struct plan *plan, const struct plan_options *o, struct err *e) {
  struct buffer text = {0};
  int result = 0;
  if (o->config) {
    config_json(&text, &plan->shape);
    result = output_file(o->config, text.data, text.len, e);
  }
  if (result == 0 && o->recipe) {
    buffer_clear(&text);
    recipe_json(&text, &plan->shape, &plan->recipe);
    result = output_file(o->recipe, text.data, text.len, e);
  }
  buffer_release(&text);
  return result;
}

static int write_plan(struct program *p, const struct plan *plan, const struct plan_options *o, struct err *e) {
  struct output *out;
  struct buffer text = {0};
  if (output_open(&out, p->output, 0, e) != 0) return -1;
  plan_report_rows(plan, &text);
  if (o->format) {
    struct buffer rows = text;
    text = (struct buffer){0};
    o->format(buffer_slice(&rows), &text);
    buffer_put(&text, '\n');
    buffer_release(&rows);
  }
  int result = output_write(out, text.data, text.len, e);
  if (result == 0) result = write_files(plan, o, e);
  if (result == 0) result = output_commit(out, e);
  else output_abort(out);
  if (result == 0) {
    buffer_clear(&text);
    plan_report_summary(plan, &text);
    program_summary(p, buffer_slice(&text));
    for (int i = 0; i < PLAN_WARNINGS; i++) {
      buffer_clear(&text);
      if (plan_report_warning(plan, i, &text)) program_warn(p, "%s", buffer_string(&text));
    }
  }
  buffer_release(&text);
  return result;
}

static int check_outputs(const struct program *p, const struct plan_options *o, struct err *e) {
  const char *paths[] = {p->output, p->stats_path, o->config, o->recipe};
  for (int i = 2; i < 4; i++)
    for (int k = 0; paths[i] && k < i; k++)
      if (paths[k] && strcmp(paths[i], paths[k]) == 0 && strncmp(paths[i], "/dev/", 5) != 0)
        return err_usage(e, "--%s %s: another output goes there", i == 2 ? "config" : "recipe", paths[i]);
  return 0;
}

static int run(struct program *p, const struct study *s, const char *source, const struct plan_options *o, struct err *e) {
  struct plan plan;
  if (check_outputs(p, o, e) != 0 || plan_make(&plan, s, source, o, e) != 0) return -1;
  return write_plan(p, &plan, o, e);
}

bool plan_is_first(struct program *p) {
  if (p->operand_count == 0 || strcmp(p->operand[0], "plan") != 0) return false;
  p->operand++;
  p->operand_count--;
  return true;
}

bool plan_needs_no_runs(const struct plan_options *o, const struct study_options *study) {
  struct given_law law;
  return o->law || (study->form == &form_chinchilla && given_law_fixed(&law, &study->fit));
}

int plan_run_given(struct program *p, const struct plan_options *o, const struct study_options *study, struct err *e) {
  static const char *const names[] = {"E", "A", "B", "alpha", "beta"};
  struct study s = {.options.form = &form_chinchilla, .data = {.form = &form_chinchilla, .parameters = CHINCHILLA_PARAMETERS, .names = names}};
  struct given_law law;
  if (p->operand_count > 0) return err_usage(e, "%s: the law is given, there is nothing to fit", p->operand[0]);
  if (o->law && study->form != &form_chinchilla) return err_usage(e, "--law is of the form chinchilla, not %s", study->form->name);
  if (o->law && study->fit.fixed_count) return err_usage(e, "--law gives all parameters: not with --fix");
  if (o->law) {
    if (given_law_load(&law, o->law, e) != 0) return -1;
  } else {
    given_law_fixed(&law, &study->fit);
    for (int i = 1; i < CHINCHILLA_PARAMETERS; i++)
      if (!(law.parameter[i] > 0)) return err_usage(e, "--fix %s must be above 0", names[i]);
  }
  memcpy(s.fit.parameter, law.parameter, sizeof s.fit.parameter);
  return run(p, &s, law.source, o, e);
}

int plan_run(struct program *p, const struct plan_options *o, const struct study_options *study, const struct runs *runs, double above, struct err *e) {
  struct study s;
  if (runs->group_count) return err_usage(e, "a plan follows from one law: not with --by");
  int result = study_run(&s, study, runs, above, e);
  stats_flow(p->stats, runs->rows, s.fitted.count, s.held_out.count, runs->bad);
  if (result == 0) result = run(p, &s, NULL, o, e);
  study_release(&s);
  return result;
}
