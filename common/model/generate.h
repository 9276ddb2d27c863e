/* SPDX-License-Identifier: MIT
 *
 * Continues several prompts at once through one cache.
 */
#ifndef MODEL_GENERATE_H
#define MODEL_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/model/parameters.h"
#include "common/model/profile.h"
#include "common/model/sampler.h"

enum generation_end { GENERATION_LENGTH, GENERATION_STOP, GENERATION_POSITIONS };

struct generation {
  const uint32_t *prompt; /* at least one token; equal pointers share the work on the prompt */
  int64_t prompt_count;
  struct rng rng;
  uint32_t *ids;          /* the continuation, without the stop token; freed by generation_release() */
  double *logprobs;       /* of each; NULL unless asked for */
  int64_t count;
  enum generation_end end;
};

void generation_release(struct generation *g);

struct generator_settings {
  struct sampler_settings sampler;
  int64_t limit;           /* tokens at most */
  const uint32_t *stops;   /* ids that end a continuation */
  int stop_count;
  bool logprobs;
  /* Called with each token as it comes, if not NULL; -1 ends the work. */
  int (*token)(void *context, const struct generation *g, struct err *e);
  void *context;
};

struct generator;

/* The parameters must outlive it.  Ids below `vocabulary` may be drawn: models are often padded beyond their tokenizer. */
struct generator *generator_new(struct parameters *p, int64_t slots, int64_t vocabulary);
void generator_free(struct generator *g);
void generator_profile(struct generator *g, struct profile *profile);

/* Continues items[0..count-1], count <= slots.  Each item's tokens depend on its prompt, its rng and the settings. */
int generator_run(struct generator *g, struct generation *items, int64_t count, const struct generator_settings *s, struct err *e);

#endif
