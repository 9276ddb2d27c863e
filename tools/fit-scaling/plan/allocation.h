/* SPDX-License-Identifier: MIT
 *
 * Parameters N and tokens D for a budget, by a law, under what a plan must respect beside compute:
 *
 *   data       U different tokens, passed over at most R times.  What repeats and excess parameters are worth is from
 *              Muennighoff et al. 2023: the law sees D' = U + U r (1 - exp(-(D/U - 1)/r)) tokens, r = 15.387756, and
 *              N' = V + V s (1 - exp(-(N/V - 1)/s)) parameters, s = 5.309743, where V is the N for which U tokens are the
 *              best D, or N when that is smaller.  Only beyond U; a form that knows unique tokens itself is asked.
 *   serving    I tokens that the model will read or write afterwards, at 2 N each (Sardana et al. 2023).
 */
#ifndef FIT_SCALING_ALLOCATION_H
#define FIT_SCALING_ALLOCATION_H

#include <stdbool.h>

#include "tools/fit-scaling/forms/form.h"

struct law {
  const struct form_data *data;
  const double *parameter;
};

enum serving {
  SERVING_SAME_LOSS, /* the loss that the budget reaches, for the least training and serving together */
  SERVING_IN_BUDGET, /* the budget pays for both: the lowest loss */
};

struct allocation_request {
  double flops;    /* not a number: as many as it takes until the data is used up */
  double unique;   /* U; INFINITY: no limit */
  double repeats;  /* R >= 1: passes over U at most */
  double served;   /* I >= 0 */
  enum serving serving;
};

struct allocation {
  double N, D, loss;    /* not a number: the law has no such optimum */
  double flops;         /* of training, 6 N D */
  double serving_flops; /* 2 N I */
  double free_N, free_D, free_loss; /* the best for the same budget without limit of data and without serving */
  bool data_binds;      /* other N and D than with more data */
  bool repeats_bind;    /* D = U R: then N is no larger than what comes within 0.1% of the loss of the whole budget */
};

struct allocation allocate(const struct law *law, const struct allocation_request *r);

/* The tokens and parameters that the law is asked about instead of (N, D); the same up to U tokens. */
struct run allocation_run(const struct law *law, double N, double D, double unique);
double allocation_loss(const struct law *law, double N, double D, double unique);

/* The D with which N parameters reach a loss; not a number when not within `most` tokens. */
double allocation_tokens_for(const struct law *law, double N, double loss, double unique, double most);

#endif
