/* SPDX-License-Identifier: MIT
 *
 * A form of scaling law: which columns of a table it explains, from which others, and how its parameters are estimated.
 * `forms` is the one table of them: --form, --form list, --compare and the man page follow it.
 *
 * bind() takes from the runs what the form needs; the runs may go afterwards.  Parameters have names and stand in `parameter`
 * arrays in that order.  All functions but bind() and release() may run on several threads at once.
 */
#ifndef FIT_SCALING_FORM_H
#define FIT_SCALING_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/fit-scaling/fitting/curve.h"
#include "tools/fit-scaling/fitting/minimum.h"
#include "tools/fit-scaling/table/runs.h"

struct optimum { /* the best use of a budget of FLOPs */
  double N, D, loss;
};

struct named_value { /* NAME=VALUE, of --fix, --weight and --limit */
  char *name;
  double value;
};

struct form_options {
  struct fit_options fit;
  const struct named_value *fixed; /* not owned */
  int fixed_count;
  double unique_tokens; /* how many different tokens there are for the runs of a budget; 0: as many as they need */
  enum minima minima; /* of isoflop */
  const struct named_value *weights, *limits; /* of mixtures: --weight DOMAIN=W, --limit SOURCE=SHARE; not owned */
  int weight_count, limit_count;
};

struct form_data {
  const struct form *form;
  struct form_options options;
  int parameters;
  const char *const *names; /* [parameters] */
  uint64_t held;            /* bit i: parameter i is not estimated */
  const char *const *sources; /* [source_count]: of a mixture */
  int source_count;
  size_t count;             /* points, one a run, in the order of the runs */
  int explained;            /* numbers of each run that the parameters are fitted to: 1, of two steps 2, of a mixture one a domain */
  void *own;                /* the form's */
  const struct curve *curve; /* of a form that fits one curve; its first coordinates are of the same parameters; else NULL */
};

struct form {
  const char *name, *formula;       /* "chinchilla", "L = E + A/N^alpha + B/D^beta" */
  const char *parameters, *source;  /* "E A B alpha beta", "Hoffmann et al. 2022" */
  unsigned needs;                   /* columns: bits 1 << RUN_... */
  enum run_column explains;         /* of them, the one that is predicted */
  unsigned uses;                    /* columns that the form can do without, but is not of much use without */

  int (*bind)(struct form_data *d, const struct runs *runs, struct err *e); /* sets parameters, names, own */
  void (*release)(struct form_data *d);
  /* NULL when points of these weights (NULL: 1 each) determine the law; else why not, and what would. */
  const char *(*undetermined)(const struct form_data *d, const double *weight);
  /* The best fit; `start`, when not NULL, is the theta of a fit of the same points with other weights, from which one descent is enough. */
  void (*estimate)(struct fit *fit, const struct form_data *d, const double *weight, const double *start);
  /* What the law says about the column it explains. */
  double (*predict)(const struct form_data *d, const double parameter[], const struct run *at);
  /* NULL: the form says nothing about budgets.  Not a number where there is no optimum. */
  struct optimum (*optimum)(const struct form_data *d, const double parameter[], double flops);
  /* Sets fit->parameter from fit->theta; NULL only in forms that never set form_data.curve. */
  void (*set_parameters)(struct fit *fit, const struct form_data *d);
  /* NULL: the form says nothing about mixtures.  Sets shares[source_count], which minimise what the law predicts. */
  void (*best_shares)(const struct form_data *d, const double parameter[], double shares[]);
  bool fixable; /* bind() holds the parameters of form_options.fixed at their values */
  /* Appends what the procedure left out and why, a line each.  NULL: it never does. */
  void (*remarks)(const struct form_data *d, struct buffer *out);
  /* What the law says about a second column; NULL: nothing. */
  double (*predict_too)(const struct form_data *d, const double parameter[], const struct run *at);
  enum run_column explains_too;
  bool searches; /* runs are trials, of which the best of each (params, tokens) counts: the others are no samples of what is explained */
};

/* How far a run lies from its prediction: as a ratio, log(measured / predicted) and predicted / measured - 1; accuracies as a difference,
 * for they are bounded, may be 0, and are fitted so. */
double form_residual(const struct form *form, double measured, double predicted);
double form_error(const struct form *form, double measured, double predicted);

extern const struct form *const forms[]; /* NULL-terminated; the first is the default */

const struct form *form_find(const char *name); /* NULL: none */

/* An error, too, for a column that the runs lack, and for a parameter to fix that the form does not have. */
int form_bind(struct form_data *d, const struct form *form, const struct form_options *options, const struct runs *runs, struct err *e);
void form_release(struct form_data *d);

/* A table of all forms: a header, then name, formula, parameters, columns and source of each, tab-separated. */
void form_list(struct buffer *out);

/* Reads "NAME=VALUE" of that option; v->name is the caller's to free. */
int form_parse_named(struct named_value *v, const char *option, const char *text, struct err *e);

/* The value that --fix gives to parameter `name`, or not a number. */
double form_fixed(const struct form_options *options, const char *name);

/* The optimum of a form without a closed one: golden section over log N at C = 6 N D. */
struct optimum form_search_optimum(const struct form_data *d, const double parameter[], double flops);

#endif
