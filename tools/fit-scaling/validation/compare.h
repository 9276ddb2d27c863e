/* SPDX-License-Identifier: MIT
 *
 * Forms of law ranked on the same runs: by the error on held-out runs of more compute, then by information criteria of the fit
 * to all runs.
 *
 * Criteria: with residuals r_i = log(measured) - log(predicted) and the scatter's scale estimated from them, twice the
 * negative log-likelihood is n log(2 pi e mean r^2) for normal scatter and 2 n log(2 e mean |r|) for double-exponential
 * scatter, the heavier tails that huber and l1 are made for; the lower of the two, that of the scatter which describes the
 * residuals better, stands for the fit.  k counts the scale and the parameters that are not fixed.
 * AICc = that + 2 k + 2 k (k + 1) / (n - k - 1) (Hurvich & Tsai 1989), BIC = that + k log n (Schwarz 1978).
 */
#ifndef FIT_SCALING_COMPARE_H
#define FIT_SCALING_COMPARE_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "tools/fit-scaling/study/study.h"
#include "tools/fit-scaling/validation/holdout.h"

/* The residuals of one or several studies that explain the runs together. */
struct criteria {
  double n, absolute, squares; /* runs, sums over them */
  int parameters;              /* not fixed */
};
void criteria_add(struct criteria *c, const struct study *s);
double criteria_aicc(const struct criteria *c); /* not a number where the runs are too few */

struct contender {
  const struct form *form;
  struct err failure;             /* message "" when it could be fitted */
  bool scored;                    /* held-out runs were predicted */
  struct holdout_score score;     /* by the law of the other runs */
  int parameters;                 /* not fixed */
  double objective, aicc, bic;    /* of the fit to all runs; criteria not a number where n is too small */
  double condition;
  int starts, reached;
};

/* `names`: forms with commas between, or "all": every form whose columns the runs have and which explains the same column as
 * options->form.  Fills *contenders (owned by the caller), the best first: those that were scored by their held-out error,
 * then the others by AICc, failures last.  holdout: what to hold out.  -1: an unknown form, or forms that explain different
 * columns. */
int compare_forms(struct contender **contenders, int *count, const char *names, const struct study_options *options, const struct runs *runs,
                  const struct holdout *holdout, struct err *e);

/* rank form parameters holdout_runs holdout_mape holdout_bias holdout_coverage aicc bic objective starts reached condition note */
void compare_rows(const struct contender *contenders, int count, struct buffer *out);

/* What a reader should know: the best form, and those that extrapolate worse than the straight power law. */
void compare_summary(const struct contender *contenders, int count, struct buffer *out);

#endif
