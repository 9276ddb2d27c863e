/* SPDX-License-Identifier: MIT
 *
 * From logits to a token.  In this order, as transformers does: repetition penalty (arXiv 1909.05858), temperature,
 * top-k (arXiv 1805.04833), top-p (arXiv 1904.09751), min-p (arXiv 2407.01082), one draw.
 *
 * Most settings look at few of the logits: the largest are enough (kernels/sampling.h finds them where the logits are), and
 * the whole row is asked for only when these cannot tell.  Both ways give the same token from the same rng.
 */
#ifndef MODEL_SAMPLER_H
#define MODEL_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/rng.h"
#include "kernels/real.h"

struct sampler_settings {
  double temperature;    /* 0: the likeliest token, the lowest id of equals */
  int64_t top_k;         /* 0: all */
  double top_p;          /* 1: all; the fewest likeliest tokens whose probabilities reach it */
  double min_p;          /* 0: all; tokens at least this times as likely as the likeliest */
  double repeat_penalty; /* 1: none */
};

struct sampler; /* scratch space; one per thread */

struct sampler *sampler_new(int64_t V);
void sampler_free(struct sampler *s);
int64_t sampler_vocabulary(const struct sampler *s); /* V */

/* `seen`: the tokens of prompt and continuation so far, for the penalty.  logits: [V], changed.  *logprob (may be NULL):
 * log of the token's probability under the model itself, before all of the above. */
uint32_t sampler_next(struct sampler *s, const struct sampler_settings *settings, real *logits, const uint32_t *seen, int64_t seen_count, struct rng *rng, double *logprob);

/* ---- from the largest logits */

enum { SAMPLER_TOP_MOST = 1024 };

/* How many of the largest logits of a row are wanted, at most SAMPLER_TOP_MOST.  0: the whole row is. */
int64_t sampler_top(const struct sampler *s, const struct sampler_settings *settings);
/* The temperature that log_sum_exp is wanted at. */
double sampler_top_temperature(const struct sampler_settings *settings);

struct top_row { /* of a row, as top_logits() gives them */
  const real *values;
  const int32_t *ids;
  int64_t k;          /* sampler_top(); fewer will tell less often, but no fewer than are drawn from */
  double log_sum_exp; /* at sampler_top_temperature() */
};

/* True with the token in *id and its logit before a penalty; false when these logits do not tell, with rng as it was. */
bool sampler_next_of_top(struct sampler *s, const struct sampler_settings *settings, const struct top_row *row, const uint32_t *seen, int64_t seen_count, struct rng *rng, uint32_t *id, real *logit);

#endif
