/* SPDX-License-Identifier: MIT
 *
 * The table of forms, and what they share.
 */
#include "tools/fit-scaling/forms/form.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/fit-scaling/forms/chinchilla.h"
#include "tools/fit-scaling/forms/coupled.h"
#include "tools/fit-scaling/forms/critical_batch.h"
#include "tools/fit-scaling/forms/data_constrained.h"
#include "tools/fit-scaling/forms/downstream.h"
#include "tools/fit-scaling/forms/isoflop.h"
#include "tools/fit-scaling/forms/kaplan.h"
#include "tools/fit-scaling/forms/mixture.h"
#include "tools/fit-scaling/forms/over_training.h"
#include "tools/fit-scaling/forms/power.h"
#include "tools/fit-scaling/forms/step_law.h"

const struct form *const forms[] = {
    &form_chinchilla, &form_isoflop, &form_power, &form_kaplan, &form_over_training, &form_coupled, &form_data_constrained, /* loss of params and tokens */
    &form_sigmoid, &form_log_sigmoid, &form_task_error, &form_ladder, &form_ladder_log, &form_ladder_error, /* accuracy */
    &form_mixture,                          /* loss of the shares of data sources */
    &form_step_law, &form_critical_batch,   /* learning rate and batch size */
    NULL};

const struct form *form_find(const char *name) {
  for (int i = 0; forms[i]; i++)
    if (strcmp(forms[i]->name, name) == 0) return forms[i];
  return NULL;
}

double form_residual(const struct form *form, double measured, double predicted) {
  return form->explains == RUN_ACCURACY ? measured - predicted : log(measured) - log(predicted);
}

double form_error(const struct form *form, double measured, double predicted) {
  return form->explains == RUN_ACCURACY ? predicted - measured : predicted / measured - 1;
}

static bool is_parameter(const struct form_data *d, const char *name) {
  for (int i = 0; i < d->parameters; i++)
    if (strcmp(d->names[i], name) == 0) return true;
  return false;
}

static int unknown_parameter(const struct form_data *d, const char *name, struct err *e) {
  char names[512] = "";
  for (int i = 0; i < d->parameters; i++) {
    size_t length = strlen(names);
    snprintf(names + length, sizeof names - length, " %s", d->names[i]);
  }
  return err_usage(e, "--fix: the form %s has no parameter '%s'; it has%s", d->form->name, name, names);
}

int form_bind(struct form_data *d, const struct form *form, const struct form_options *options, const struct runs *runs, struct err *e) {
  *d = (struct form_data){.form = form, .options = *options, .count = runs->count, .explained = 1};
  if (options->fixed_count > 0 && !form->fixable) return err_usage(e, "--fix: the form %s has no parameter that can be fixed", form->name);
  for (int c = 0; c < RUN_COLUMNS; c++)
    if (form->needs >> c & 1 && !runs->column[c]) return err_set(e, "the form %s needs the column '%s'", form->name, run_column_name(c));
  if (form->bind(d, runs, e) != 0) return -1;
  for (int i = 0; i < options->fixed_count; i++) {
    if (!is_parameter(d, options->fixed[i].name)) return unknown_parameter(d, options->fixed[i].name, e);
    if (form_fixed(options, options->fixed[i].name) != options->fixed[i].value) return err_usage(e, "--fix: %s is given twice", options->fixed[i].name);
  }
  for (int i = 0; i < d->parameters; i++)
    if (!isnan(form_fixed(options, d->names[i]))) d->held |= UINT64_C(1) << i;
  return 0;
}

void form_list(struct buffer *out) {
  buffer_printf(out, "form\tformula\tparameters\tcolumns\tsource\n");
  for (int i = 0; forms[i]; i++) {
    const struct form *f = forms[i];
    buffer_printf(out, "%s\t%s\t%s\t", f->name, f->formula, f->parameters);
    for (int c = 0, n = 0; c < RUN_COLUMNS; c++)
      if ((f->needs | f->uses) >> c & 1) buffer_printf(out, f->needs >> c & 1 ? "%s%s" : "%s[%s]", n++ ? " " : "", run_column_name(c));
    if (f->needs & RUN_NEEDS_SHARES) buffer_append_string(out, " share:SOURCE");
    buffer_printf(out, "\t%s\n", f->source);
  }
}

int form_parse_named(struct named_value *v, const char *option, const char *text, struct err *e) {
  const char *sign = strchr(text, '=');
  if (!sign || sign == text || number_double(sign + 1, &v->value) != 0 || !isfinite(v->value)) return err_usage(e, "%s takes NAME=VALUE, not '%s'", option, text);
  v->name = NEW_ARRAY(char, sign - text + 1);
  memcpy(v->name, text, (size_t)(sign - text));
  return 0;
}

void form_release(struct form_data *d) {
  if (d->form && d->own) d->form->release(d);
  *d = (struct form_data){0};
}

double form_fixed(const struct form_options *options, const char *name) {
  for (int i = 0; i < options->fixed_count; i++)
    if (strcmp(options->fixed[i].name, name) == 0) return options->fixed[i].value;
  return NAN;
}

static double loss_along(const struct form_data *d, const double parameter[], double log_n, double log_nd) {
  struct run run = run_of(exp(log_n), exp(log_nd - log_n));
  if (d->options.unique_tokens > 0) run.value[RUN_UNIQUE_TOKENS] = fmin(d->options.unique_tokens, run.value[RUN_TOKENS]);
  return d->form->predict(d, parameter, &run);
}

struct optimum form_search_optimum(const struct form_data *d, const double parameter[], double flops) {
  const double golden = (sqrt(5) - 1) / 2, log_nd = log(flops / 6);
  double low = 0, high = log_nd; /* from one parameter to one token */
  double x[2] = {high - golden * (high - low), low + golden * (high - low)}, loss[2];
  for (int i = 0; i < 2; i++) loss[i] = loss_along(d, parameter, x[i], log_nd);
  while (high - low > 1e-10) {
    int worse = loss[0] < loss[1];
    if (worse) high = x[1], x[1] = x[0], loss[1] = loss[0];
    else low = x[0], x[0] = x[1], loss[0] = loss[1];
    int fresh = !worse;
    x[fresh] = fresh ? low + golden * (high - low) : high - golden * (high - low);
    loss[fresh] = loss_along(d, parameter, x[fresh], log_nd);
  }
  double log_n = (low + high) / 2;
  if (!isfinite(loss[0]) || !isfinite(loss[1]) || log_n < 1e-6 || log_n > log_nd - 1e-6) return (struct optimum){NAN, NAN, NAN};
  return (struct optimum){exp(log_n), exp(log_nd - log_n), fmin(loss[0], loss[1])};
}
