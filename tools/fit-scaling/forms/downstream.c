/* SPDX-License-Identifier: MIT
 *
 * One or two steps.  The law of loss is a form of its own, bound to the rows that it can use.
 */
#include "tools/fit-scaling/forms/downstream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/forms/accuracy_curve.h"
#include "tools/fit-scaling/forms/chinchilla.h"
#include "tools/fit-scaling/forms/over_training.h"

/* Where the coordinates of a second step stand in fit.theta, behind whatever the first step has. */
enum { SECOND = PARAMETERS_MAX - ACCURACY_COORDINATES };

struct downstream {
  struct form_data law;          /* of loss; law.form NULL: one step */
  struct named_value *fixed; /* those of the law */
  size_t *row;                   /* [law.count]: the runs of the law's points */
  struct accuracy_curve curve;
  const char *name[PARAMETERS_MAX];
};

static enum accuracy_link link_of(const struct form *form) {
  if (form == &form_sigmoid || form == &form_ladder) return ACCURACY_SIGMOID;
  return form == &form_log_sigmoid || form == &form_ladder_log ? ACCURACY_LOG_SIGMOID : ACCURACY_EXPONENTIAL;
}

static const struct form *law_of(const struct form *form) {
  if (form == &form_ladder_error) return &form_over_training;
  return form == &form_ladder || form == &form_ladder_log ? &form_chinchilla : NULL;
}

/* ---- bound to runs */

static void release(struct form_data *d) {
  struct downstream *own = d->own;
  form_release(&own->law);
  accuracy_curve_release(&own->curve);
  free(own->fixed);
  free(own->row);
  free(own);
}

static bool has_shape(const struct runs *runs, size_t row) {
  const double *params = runs->column[RUN_PARAMS], *tokens = runs->column[RUN_TOKENS];
  return params && tokens && !isnan(params[row]) && !isnan(tokens[row]);
}

/* The law takes the parameters to fix that the curve does not know. */
static struct form_options law_options(struct downstream *own, const struct form_options *options) {
  struct form_options o = *options;
  own->fixed = NEW_ARRAY(struct named_value, options->fixed_count + 1);
  o.fixed = own->fixed;
  o.fixed_count = 0;
  for (int i = 0; i < options->fixed_count; i++) {
    bool of_curve = false;
    for (int k = 0; k < own->curve.parameters; k++) of_curve |= strcmp(options->fixed[i].name, own->curve.names[k]) == 0;
    if (!of_curve) own->fixed[o.fixed_count++] = options->fixed[i];
  }
  return o;
}

static int bind_law(struct downstream *own, const struct form *law, const struct form_options *options, const struct runs *runs, struct err *e) {
  struct runs some;
  bool *keep = NEW_ARRAY(bool, runs->count + 1);
  own->row = NEW_ARRAY(size_t, runs->count + 1);
  for (size_t i = 0, n = 0; i < runs->count; i++)
    if ((keep[i] = has_shape(runs, i))) own->row[n++] = i;
  runs_select(&some, runs, keep);
  free(keep);
  struct form_options o = law_options(own, options);
  int result = some.count ? form_bind(&own->law, law, &o, &some, e)
                          : err_set(e, "no run has params and tokens, for the law of loss; the forms sigmoid, log-sigmoid and task-error need "
                                       "only loss and accuracy");
  runs_release(&some);
  return result;
}

static int bind(struct form_data *d, const struct runs *runs, struct err *e) {
  const struct form *law = law_of(d->form);
  struct downstream *own = d->own = NEW(struct downstream);
  bool ideal = d->form == &form_ladder && isnan(form_fixed(&d->options, "b"));
  if (accuracy_curve_bind(&own->curve, link_of(d->form), ideal, runs, &d->options, e) != 0) return -1;
  if (law && bind_law(own, law, &d->options, runs, e) != 0) return -1;
  for (int i = 0; i < own->law.parameters; i++) own->name[d->parameters++] = own->law.names[i];
  for (int i = 0; i < own->curve.parameters; i++) own->name[d->parameters++] = own->curve.names[i];
  d->names = own->name;
  if (law) d->explained = 2;
  else d->options.fit = (struct fit_options){OBJECTIVE_SQUARES, 1};
  if (d->form->set_parameters) d->curve = &own->curve.curve;
  return 0;
}

/* The weights of the law's points; the caller's to free.  NULL stays NULL. */
static double *law_weight(const struct downstream *own, const double *weight) {
  double *w = weight ? NEW_ARRAY(double, own->law.count + 1) : NULL;
  for (size_t i = 0; weight && i < own->law.count; i++) w[i] = weight[own->row[i]];
  return w;
}

static const char *undetermined(const struct form_data *d, const double *weight) {
  const struct downstream *own = d->own;
  const char *why = NULL;
  if (own->law.form) {
    double *w = law_weight(own, weight);
    why = own->law.form->undetermined(&own->law, w);
    free(w);
  }
  return why ? why : accuracy_curve_undetermined(&own->curve, weight);
}

/* ---- the fit */

static void estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start) {
  const struct downstream *own = d->own;
  struct fit second;
  int first = own->law.parameters, at = own->law.form ? SECOND : 0;
  accuracy_curve_estimate(&second, &own->curve, weight, start ? start + at : NULL);
  if (own->law.form) {
    double *w = law_weight(own, weight);
    own->law.form->estimate(fit, &own->law, w, start);
    free(w);
    fit->objective += second.objective;
    fit->converged &= second.converged;
    fit->at_bound |= second.at_bound << first;
    fit->condition = fmax(fit->condition, second.condition);
    if (second.reached * fit->starts < fit->reached * second.starts) fit->reached = second.reached, fit->starts = second.starts;
  } else {
    *fit = second;
  }
  memcpy(fit->theta + at, second.theta, ACCURACY_COORDINATES * sizeof *fit->theta);
  memcpy(fit->parameter + first, second.parameter, (size_t)own->curve.parameters * sizeof *fit->parameter);
}

static void set_parameters(struct fit *fit, const struct form_data *d) {
  const struct downstream *own = d->own;
  accuracy_curve_set_parameters(fit, &own->curve);
}

/* ---- answers */

static double predict(const struct form_data *d, const double parameter[], const struct run *at) {
  const struct downstream *own = d->own;
  double loss = own->law.form && !isnan(at->value[RUN_PARAMS]) ? own->law.form->predict(&own->law, parameter, at) : at->value[RUN_LOSS];
  return accuracy_at(own->curve.link, parameter + own->law.parameters, loss);
}

static struct optimum optimum(const struct form_data *d, const double parameter[], double flops) {
  const struct downstream *own = d->own;
  struct optimum o = own->law.form->optimum(&own->law, parameter, flops);
  o.loss = accuracy_at(own->curve.link, parameter + own->law.parameters, o.loss);
  return o;
}

#define ONE_STEP .needs = 1 << RUN_LOSS | 1 << RUN_ACCURACY, .explains = RUN_ACCURACY, .fixable = true, .bind = bind, .release = release, \
                 .undetermined = undetermined, .estimate = estimate, .predict = predict
#define TWO_STEPS ONE_STEP, .optimum = optimum

const struct form form_sigmoid = {.name = "sigmoid", .formula = "accuracy = b + a / (1 + exp(-k (L - L0)))", .parameters = "a L0 k b",
                                  .source = "Bhagia et al. 2024, step 2", ONE_STEP, .set_parameters = set_parameters};
const struct form form_log_sigmoid = {.name = "log-sigmoid", .formula = "accuracy = 1 + a log(1 + exp(k (L - L0)))", .parameters = "a L0 k",
                                      .source = "Bhagia et al. 2024, step 2", ONE_STEP, .set_parameters = set_parameters};
const struct form form_task_error = {.name = "task-error", .formula = "1 - accuracy = eps - k exp(-gamma L)", .parameters = "eps k gamma",
                                     .source = "Gadre et al. 2024", ONE_STEP};
const struct form form_ladder = {.name = "ladder", .formula = "L of chinchilla, accuracy = b + a / (1 + exp(-k (L - L0)))",
                                 .parameters = "E A B alpha beta a L0 k b", .source = "Bhagia et al. 2024", TWO_STEPS};
const struct form form_ladder_log = {.name = "ladder-log", .formula = "L of chinchilla, accuracy = 1 + a log(1 + exp(k (L - L0)))",
                                     .parameters = "E A B alpha beta a L0 k", .source = "Bhagia et al. 2024", TWO_STEPS};
const struct form form_ladder_error = {.name = "ladder-error", .formula = "L of over-training, 1 - accuracy = eps - k exp(-gamma L)",
                                       .parameters = "E a b eta eps k gamma", .source = "Gadre et al. 2024", TWO_STEPS};
