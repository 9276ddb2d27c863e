/* SPDX-License-Identifier: MIT
 *
 * Which runs are held out, and how a law that has not seen them predicts them.
 */
#ifndef FIT_SCALING_HOLDOUT_H
#define FIT_SCALING_HOLDOUT_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/fit-scaling/study/study.h"

/* "above=FLOPS": the runs of more compute; "top=FRACTION": the runs of most compute, as few whole budgets (runs of the same
 * FLOPs within 1e-9) as make at least that fraction.  -1: neither. */
struct holdout {
  double above, top; /* not a number: the other one */
};
int holdout_parse(struct holdout *h, const char *text, struct err *e);

/* The FLOPs above which runs are held out; INFINITY when no run may be, because all have the same FLOPs. */
double holdout_above(const struct holdout *h, const struct runs *runs);

struct holdout_score {
  size_t count;
  double mape, bias;  /* mean absolute and mean signed error of the prediction, % of the measured value */
  double coverage;    /* share of the runs inside the interval in which one further run falls; not a number without a bootstrap */
};
struct holdout_score holdout_score(const struct study *s);

/* Whether the straight power law (forms/power.h) of the same fitted runs predicts the held-out ones better, and by how much. */
bool holdout_warning(const struct study *s, struct buffer *out);

#endif
