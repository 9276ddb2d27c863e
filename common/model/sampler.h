/* SPDX-License-Identifier: MIT
 *
 * From logits to a token.  In this order, as transformers does: repetition penalty (arXiv 1909.05858), temperature,
 * top-k (arXiv 1805.04833), top-p (arXiv 1904.09751), min-p (arXiv 2407.01082), one draw.
 */
#ifndef MODEL_SAMPLER_H
#define MODEL_SAMPLER_H

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

/* `seen`: the tokens of prompt and continuation so far, for the penalty.  logits: [V], changed.  *logprob (may be NULL):
 * log of the token's probability under the model itself, before all of the above. */
uint32_t sampler_next(struct sampler *s, const struct sampler_settings *settings, real *logits, const uint32_t *seen, int64_t seen_count, struct rng *rng, double *logprob);

#endif
