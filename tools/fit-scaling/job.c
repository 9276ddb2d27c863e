/* SPDX-License-Identifier: MIT
 *
 * Settings checked and turned into options of a study and questions to it.
 */
#include "tools/fit-scaling/job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/fit-scaling/forms/mixture.h"
#include "tools/fit-scaling/plot/plot.h"
#include "tools/fit-scaling/table/lowest.h"

static int parse_targets(struct job *job, const struct settings *s, struct err *e) {
  struct target *t = job->targets = NEW_ARRAY(struct target, s->predict.count + s->at.count + s->at_loss.count + s->at_shares.count + 1);
  const struct form *form = job->study.form;
  bool by_loss = form->explains == RUN_ACCURACY && !form->optimum;
  if (s->at.count && (by_loss || form->best_shares)) return err_usage(e, "--at: the form %s does not predict from params and tokens", form->name);
  if (s->predict.count && !form->optimum && !(form->needs >> RUN_FLOPS & 1)) return err_usage(e, "--predict: the form %s says nothing about budgets", form->name);
  if (s->at_loss.count && (form->explains == RUN_LOSS || !(form->needs >> RUN_LOSS & 1))) return err_usage(e, "--at-loss: the form %s does not predict from a loss", form->name);
  if (s->at_shares.count && !form->best_shares) return err_usage(e, "--at-shares: the form %s does not predict from shares", form->name);
  for (int i = 0; i < s->predict.count; i++, t++) {
    double flops;
    if (number_double(s->predict.items[i], &flops) != 0 || !(flops > 0)) return err_usage(e, "--predict takes a number of FLOPs, not '%s'", s->predict.items[i]);
    *t = (struct target){.typed = s->predict.items[i], .at = run_of(NAN, NAN), .optimum = true};
    t->at.value[RUN_FLOPS] = flops;
  }
  for (int i = 0; i < s->at.count; i++, t++) {
    double params = 0, tokens = 0;
    char *first = STRDUP(s->at.items[i]), *comma = strchr(first, ',');
    if (comma) *comma = 0;
    bool sound = comma && number_double(first, &params) == 0 && number_double(comma + 1, &tokens) == 0 && params > 0 && tokens > 0;
    free(first);
    if (!sound) return err_usage(e, "--at takes PARAMS,TOKENS, not '%s'", s->at.items[i]);
    *t = (struct target){.typed = s->at.items[i], .at = run_of(params, tokens)};
    if (job->study.fit.unique_tokens > 0) t->at.value[RUN_UNIQUE_TOKENS] = fmin(job->study.fit.unique_tokens, tokens);
  }
  for (int i = 0; i < s->at_loss.count; i++, t++) {
    *t = (struct target){.typed = s->at_loss.items[i], .at = run_of(NAN, NAN)};
    if (number_double(t->typed, &t->at.value[RUN_LOSS]) != 0 || !(t->at.value[RUN_LOSS] > 0)) return err_usage(e, "--at-loss takes a loss, not '%s'", t->typed);
  }
  for (int i = 0; i < s->at_shares.count; i++, t++) *t = (struct target){.typed = s->at_shares.items[i], .at = run_of(NAN, NAN)};
  job->target_count = (int)(t - job->targets);
  return 0;
}

/* "web=.6,code=.4": sources that are not named have none. */
static int parse_shares(const char *text, const struct runs *runs, double *shares, struct err *e) {
  char *copy = STRDUP(text), *state = NULL;
  double sum = 0;
  int result = 0;
  for (char *part = strtok_r(copy, ",", &state); part && result == 0; part = strtok_r(NULL, ",", &state)) {
    char *sign = strrchr(part, '=');
    size_t source = 0;
    double share;
    if (sign) *sign = 0;
    while (source < runs->source_count && strcmp(runs->source[source], part) != 0) source++;
    if (source == runs->source_count) result = err_usage(e, "--at-shares: there is no column share:%s", part);
    else if (!sign || number_double(sign + 1, &share) != 0 || !(share >= 0)) result = err_usage(e, "--at-shares takes SOURCE=SHARE,..., not '%s'", text);
    else shares[source] += share, sum += share;
  }
  free(copy);
  if (result == 0 && !(fabs(sum - 1) < 1e-6)) return err_usage(e, "--at-shares %s: the shares sum to %.6g, not to 1", text, sum);
  return result;
}

/* The targets of --at-shares, which are the last ones, once the sources are known. */
static int resolve_shares(struct job *job, const struct settings *s, struct err *e) {
  size_t sources = job->runs.source_count;
  struct target *t = job->targets + job->target_count - s->at_shares.count;
  job->shares = NEW_ARRAY(double, (size_t)s->at_shares.count * sources + 1);
  for (int i = 0; i < s->at_shares.count; i++, t++) {
    t->at.shares = job->shares + (size_t)i * sources;
    if (parse_shares(t->typed, &job->runs, job->shares + (size_t)i * sources, e) != 0) return -1;
  }
  return 0;
}

static int parse_named(struct named_value **to, int *count, const char *option, const struct option_list *list, struct err *e) {
  *to = NEW_ARRAY(struct named_value, list->count + 1);
  for (; *count < list->count; ++*count)
    if (form_parse_named(&(*to)[*count], option, list->items[*count], e) != 0) return -1;
  return 0;
}

static int parse_mixture(struct job *job, const struct settings *s, struct err *e) {
  struct form_options *o = &job->study.fit;
  if ((s->weight.count || s->limit.count) && !job->study.form->best_shares) return err_usage(e, "--weight and --limit are of mixtures: --form mixture");
  int result = parse_named(&job->weights, &o->weight_count, "--weight", &s->weight, e);
  if (result == 0) result = parse_named(&job->limits, &o->limit_count, "--limit", &s->limit, e);
  o->weights = job->weights;
  o->limits = job->limits;
  return result;
}

static int parse_fixed(struct job *job, const struct settings *s, struct err *e) {
  struct form_options *o = &job->study.fit;
  int result = parse_named(&job->fixed, &o->fixed_count, "--fix", &s->fix, e);
  o->fixed = job->fixed;
  return result;
}

void job_release(struct job *job) {
  for (int i = 0; i < job->study.fit.fixed_count; i++) free(job->fixed[i].name);
  for (int i = 0; i < job->study.fit.weight_count; i++) free(job->weights[i].name);
  for (int i = 0; i < job->study.fit.limit_count; i++) free(job->limits[i].name);
  free(job->fixed);
  free(job->weights);
  free(job->limits);
  free(job->shares);
  free(job->targets);
  runs_release(&job->runs);
}

/* What is written last would be all that is left. */
static int check_outputs(const struct program *p, const struct settings *s, struct err *e) {
  const char *const paths[] = {p->output, p->stats_path, s->residuals, s->plot};
  for (int i = 2; i < 4; i++)
    for (int k = 0; paths[i] && k < i; k++)
      if (paths[k] && strcmp(paths[i], paths[k]) == 0 && strncmp(paths[i], "/dev/", 5) != 0)
        return err_usage(e, "--%s %s: another output goes there", i == 2 ? "residuals" : "plot", paths[i]);
  return 0;
}

int job_parse(struct job *job, const struct program *p, const struct settings *s, struct err *e) {
  job->study = (struct study_options){.form = form_find(s->form), .fit.fit = {(enum objective)s->objective, s->delta, (int)p->jobs}, .fit.minima = (enum minima)s->minima,
                                      .bootstrap = {(size_t)s->bootstrap, (uint64_t)p->seed, (int)p->jobs, (enum interval_kind)s->intervals, s->level, NULL}};
  job->holdout = (struct holdout){.above = INFINITY, .top = NAN};
  if (!job->study.form) return err_usage(e, "--form: there is no form '%s'; --form list shows them", s->form);
  if (s->unique && (number_double(s->unique, &job->study.fit.unique_tokens) != 0 || !(job->study.fit.unique_tokens > 0)))
    return err_usage(e, "--unique takes a number of tokens, not '%s'", s->unique);
  if (s->delta <= 0) return err_usage(e, "--delta must be above 0");
  if (!(s->level > 0 && s->level < 1)) return err_usage(e, "--level must lie between 0 and 1");
  if (s->holdout && holdout_parse(&job->holdout, s->holdout, e) != 0) return -1;
  if (s->lowest_per && lowest_parse(&job->lowest_per, s->lowest_per, e) != 0) return -1;
  if (s->panels && !s->plot) return err_usage(e, "--panels chooses what --plot draws, which is not there");
  if (s->panels && plot_check_panels(s->panels, e) != 0) return -1;
  if (check_outputs(p, s, e) != 0) return -1;
  if (parse_fixed(job, s, e) != 0 || parse_mixture(job, s, e) != 0) return -1;
  return parse_targets(job, s, e);
}

int job_read(struct job *job, struct program *p, const struct settings *s, struct err *e) {
  static const char *const standard_input[] = {"-"};
  const char *const *names = p->operand_count ? (const char *const *)p->operand : standard_input;
  struct runs *runs = &job->runs;
  struct runs_options options = {.needs = job->study.form->needs, .columns = &s->column, .where = &s->where, .by = s->by};
  if (runs_read(runs, names, p->operand_count ? (size_t)p->operand_count : 1, &options, e) != 0) return -1;
  for (size_t i = 0; i < runs->warning_count; i++) program_warn(p, "%s", runs->warning[i].message);
  if (s->lowest_per) lowest_keep(runs, job->lowest_per);
  if (runs->bad > 0) program_warn(p, "%llu of %llu rows left out; the first: %s", (unsigned long long)runs->bad, (unsigned long long)runs->rows, runs->first_bad.message);
  stats_flow(p->stats, runs->rows, runs->count, runs->unwanted, runs->bad);
  if (p->strict && runs->bad > 0) return err_set(e, "%s", runs->first_bad.message);
  if (job->study.form->best_shares && mixture_set_losses(runs, &job->study.fit, e) != 0) return -1;
  return resolve_shares(job, s, e);
}

void settings_release(struct settings *s) {
  option_list_release(&s->predict);
  option_list_release(&s->at);
  option_list_release(&s->at_loss);
  option_list_release(&s->at_shares);
  option_list_release(&s->weight);
  option_list_release(&s->limit);
  option_list_release(&s->fix);
  option_list_release(&s->column);
  option_list_release(&s->where);
}
