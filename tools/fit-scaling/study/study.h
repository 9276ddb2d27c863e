/* SPDX-License-Identifier: MIT
 *
 * A table of runs, a form of law fitted to some of them, and its bootstrap: what every question about the law is asked of.
 */
#ifndef FIT_SCALING_STUDY_H
#define FIT_SCALING_STUDY_H

#include <stddef.h>

#include "common/base/err.h"
#include "tools/fit-scaling/forms/form.h"
#include "tools/fit-scaling/intervals/bootstrap.h"
#include "tools/fit-scaling/table/runs.h"

struct study_options {
  const struct form *form;
  struct form_options fit;
  struct bootstrap_options bootstrap;
};

struct study {
  struct study_options options;
  struct runs fitted, held_out;
  struct form_data data;
  struct fit fit;
  struct bootstrap bootstrap;
};

/* Fits the runs of at most `above` FLOPs (INFINITY: all), holds out the others.  `runs` may go afterwards.  -1 when the runs
 * do not determine the law. */
int study_run(struct study *s, const struct study_options *options, const struct runs *runs, double above, struct err *e);
void study_release(struct study *s);

/* ---- questions: numbers that follow from the law */

enum quantity {
  QUANTITY_PARAMETER,    /* number `parameter` of the law */
  QUANTITY_N_OPT,        /* params of the best model for at.value[RUN_FLOPS] */
  QUANTITY_D_OPT,        /* its tokens */
  QUANTITY_LOSS_OPT,     /* its loss */
  QUANTITY_TOKENS_PER_PARAM, /* its tokens over its params */
  QUANTITY_N_EXPONENT,   /* d log N_opt / d log FLOPs there */
  QUANTITY_D_EXPONENT,   /* d log D_opt / d log FLOPs */
  QUANTITY_PREDICTION,   /* what the law says of the run `at` */
  QUANTITY_PREDICTION_TOO, /* of its second column */
  QUANTITY_RUN,          /* what the law says of the run `at`; its interval is where that run falls: the law's uncertainty and the runs' scatter */
  QUANTITY_RUN_OPT,      /* the same of the best model for at.value[RUN_FLOPS] */
  QUANTITY_SHARE,        /* share of source number `parameter` in the mixture of lowest loss */
  QUANTITY_LOSS_BEST,    /* the loss of that mixture */
  QUANTITY_HOLDOUT_MAPE, /* mean absolute error of the held-out runs, % */
  QUANTITY_FUNCTION,     /* function(context, data, law): whatever else follows from a law */
};

struct question {
  enum quantity quantity;
  int parameter;
  struct run at;
  double (*function)(const void *context, const struct form_data *data, const double *law); /* called from any thread */
  const void *context;
};

struct answer {
  double value;
  struct interval interval;
};

double study_value(const struct study *s, const double *law, const struct question *q); /* by another law of the same form */
/* Mean absolute error of the fitted law on these runs, %. */
double study_error(const struct study *s, const struct runs *runs);
size_t study_draws(const struct study *s, const struct question *q, double draws[]);     /* by every law of the bootstrap; how many */
struct answer study_answer(const struct study *s, const struct question *q);            /* by the fitted law, with its interval */

#endif
