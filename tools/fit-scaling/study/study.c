/* SPDX-License-Identifier: MIT
 *
 * Every number is a function of a law, evaluated at the fitted law for its value and at the bootstrap's laws for its interval.
 */
#include "tools/fit-scaling/study/study.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/forms/estimate.h"
#include "tools/fit-scaling/intervals/profile.h"
#include "tools/fit-scaling/table/lowest.h"

enum { HELD_OUT_ASKED = 10000 };

int study_run(struct study *s, const struct study_options *options, const struct runs *runs, double above, struct err *e) {
  const struct form *form = options->form;
  bool *keep = NEW_ARRAY(bool, runs->count + 1);
  *s = (struct study){.options = *options};
  for (int held_out = 0; held_out < 2; held_out++) {
    for (size_t i = 0; i < runs->count; i++) keep[i] = (runs->column[RUN_FLOPS] && runs->column[RUN_FLOPS][i] > above) == held_out;
    runs_select(held_out ? &s->held_out : &s->fitted, runs, keep);
  }
  free(keep);
  if (form->searches) lowest_keep(&s->held_out, 1 << RUN_PARAMS | 1 << RUN_TOKENS);
  if (s->fitted.count == 0) return err_set(e, "no run to fit%s", runs->count ? ": all are held out" : "");
  if (form_bind(&s->data, form, &options->fit, &s->fitted, e) != 0) return -1;
  const char *why = form->undetermined(&s->data, NULL);
  if (why) return err_set(e, "%zu runs do not determine the law %s: %s", s->fitted.count, form->name, why);
  form_estimate(&s->fit, &s->data, &s->fitted);
  if (!isfinite(s->fit.objective)) return err_set(e, "no start led to a finite fit of %s", form->name);
  s->options.bootstrap.runs = &s->fitted;
  bootstrap_run(&s->bootstrap, &s->data, &s->fit, &s->options.bootstrap, NULL, NULL);
  return 0;
}

void study_release(struct study *s) {
  bootstrap_release(&s->bootstrap);
  form_release(&s->data);
  runs_release(&s->fitted);
  runs_release(&s->held_out);
}

/* Mean absolute error of a law on every stride-th of the runs, %. */
static double error_of(const struct study *s, const double *law, const struct runs *runs, size_t stride) {
  const struct form *form = s->data.form;
  size_t asked = 0;
  double sum = 0;
  for (size_t i = 0; i < runs->count; i += stride, asked++) {
    struct run run = runs_row(runs, i);
    sum += fabs(form_error(form, run.value[form->explains], form->predict(&s->data, law, &run)));
  }
  return 100 * sum / (double)asked;
}

double study_error(const struct study *s, const struct runs *runs) { return error_of(s, s->fit.parameter, runs, 1); }

/* Of all held-out runs by the fitted law; a law of the bootstrap is asked about every k-th of many. */
static double holdout_mape(const struct study *s, const double *law) {
  return error_of(s, law, &s->held_out, law == s->fit.parameter ? 1 : s->held_out.count / HELD_OUT_ASKED + 1);
}

static double best_mixture(const struct study *s, const double *law, const struct question *q) {
  const struct form *form = s->data.form;
  double shares[PARAMETERS_MAX];
  if (!form->best_shares) return NAN;
  form->best_shares(&s->data, law, shares);
  struct run run = run_of(NAN, NAN);
  run.shares = shares;
  return q->quantity == QUANTITY_SHARE ? shares[q->parameter] : form->predict(&s->data, law, &run);
}

/* Over a factor of e around `flops`: exact where the optimum follows a power law. */
static double growth(const struct study *s, const double *law, const struct question *q) {
  const struct form *form = s->data.form;
  if (!form->optimum) return NAN;
  double flops = q->at.value[RUN_FLOPS];
  struct optimum below = form->optimum(&s->data, law, flops * exp(-.5)), above = form->optimum(&s->data, law, flops * exp(.5));
  return q->quantity == QUANTITY_N_EXPONENT ? log(above.N / below.N) : log(above.D / below.D);
}

double study_value(const struct study *s, const double *law, const struct question *q) {
  const struct form *form = s->data.form;
  double flops = q->at.value[RUN_FLOPS];
  switch (q->quantity) {
    case QUANTITY_PARAMETER: return law[q->parameter];
    case QUANTITY_N_OPT: return form->optimum ? form->optimum(&s->data, law, flops).N : NAN;
    case QUANTITY_D_OPT: return form->optimum ? form->optimum(&s->data, law, flops).D : NAN;
    case QUANTITY_LOSS_OPT: return form->optimum ? form->optimum(&s->data, law, flops).loss : NAN;
    case QUANTITY_TOKENS_PER_PARAM: {
      struct optimum o = form->optimum ? form->optimum(&s->data, law, flops) : (struct optimum){NAN, NAN, NAN};
      return o.D / o.N;
    }
    case QUANTITY_N_EXPONENT:
    case QUANTITY_D_EXPONENT: return growth(s, law, q);
    case QUANTITY_PREDICTION:
    case QUANTITY_RUN:
    case QUANTITY_RUN_OPT: return form->predict(&s->data, law, &q->at);
    case QUANTITY_PREDICTION_TOO: return form->predict_too ? form->predict_too(&s->data, law, &q->at) : NAN;
    case QUANTITY_SHARE:
    case QUANTITY_LOSS_BEST: return best_mixture(s, law, q);
    case QUANTITY_HOLDOUT_MAPE: return holdout_mape(s, law);
    case QUANTITY_FUNCTION: return q->function(q->context, &s->data, law);
  }
  return NAN;
}

size_t study_draws(const struct study *s, const struct question *q, double draws[]) {
  for (size_t i = 0; i < s->bootstrap.count; i++) draws[i] = study_value(s, s->bootstrap.law + i * (size_t)s->bootstrap.parameters, q);
  return s->bootstrap.count;
}

struct asked {
  const struct study *study;
  const struct question *question;
};

static double value_of(const void *context, const double *law) {
  const struct asked *a = context;
  return study_value(a->study, law, a->question);
}

/* A further run is made where the fitted law says, whatever the others say. */
static struct question of_run(const struct study *s, const struct question *q) {
  struct question run = *q;
  double flops = q->at.value[RUN_FLOPS];
  if (q->quantity != QUANTITY_RUN_OPT) return run;
  struct optimum o = s->data.form->optimum ? s->data.form->optimum(&s->data, s->fit.parameter, flops) : (struct optimum){NAN, NAN, NAN};
  run.at.value[RUN_PARAMS] = o.N;
  run.at.value[RUN_TOKENS] = o.D;
  return run;
}

static struct answer answer_of_run(const struct study *s, const struct question *q) {
  struct question run = of_run(s, q);
  struct asked asked = {s, &run};
  return (struct answer){study_value(s, s->fit.parameter, &run), bootstrap_run_interval(&s->bootstrap, value_of, &asked, s->fit.parameter, &run.at)};
}

struct answer study_answer(const struct study *s, const struct question *q) {
  struct asked asked = {s, q};
  if (q->quantity == QUANTITY_RUN || q->quantity == QUANTITY_RUN_OPT) return answer_of_run(s, q);
  struct answer answer = {study_value(s, s->fit.parameter, q), {NAN, NAN, NAN}};
  if (q->quantity == QUANTITY_PARAMETER && s->data.held >> q->parameter & 1) return answer; /* no estimate */
  answer.interval = bootstrap_interval(&s->bootstrap, value_of, &asked);
  if (s->options.bootstrap.kind == INTERVALS_PROFILE && s->data.curve) {
    struct profile_limits limits = profile_limits(&s->data, &s->fit, s->bootstrap.level, value_of, &asked);
    answer.interval.low = limits.low;
    answer.interval.high = limits.high;
  }
  return answer;
}
