/* SPDX-License-Identifier: MIT
 *
 * Prompts are read one by one in chunks (prefill), then all advance together by one token a pass (decode).  The sequences
 * still at work always lie in the first slots of the cache: the last one moves into the slot of one that ends.
 */
#include "common/model/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/model/cache.h"
#include "common/model/execute.h"

enum { PREFILL = 256 }; /* positions of a prompt at a time */

struct generator {
  struct parameters *parameters;
  struct profile *profile;
  struct sampler *sampler;
  struct plan plan; /* one for both: PREFILL rows, or one row for each slot */
  struct execution *execution;
  struct cache cache;
  int64_t slots, capacity;
  real *logits;      /* [slots][V] */
  int64_t *item_of;  /* [slots] */
  int32_t *ids;      /* [max(slots, PREFILL)] */
};

void generation_release(struct generation *g) {
  free(g->ids);
  free(g->logprobs);
  g->ids = NULL, g->logprobs = NULL;
}

struct generator *generator_new(struct parameters *p, int64_t slots, int64_t vocabulary) {
  struct generator *g = NEW(struct generator);
  int64_t rows = slots > PREFILL ? slots : PREFILL;
  *g = (struct generator){.parameters = p, .slots = slots, .sampler = sampler_new(vocabulary < p->config.vocab_size ? vocabulary : p->config.vocab_size), .logits = NEW_ARRAY(real, (size_t)(slots * p->config.vocab_size)),
                          .item_of = NEW_ARRAY(int64_t, (size_t)slots), .ids = NEW_ARRAY(int32_t, (size_t)rows)};
  plan_init(&g->plan, &p->config, &p->layout, &(struct plan_settings){.B = 1, .T = rows, .backend = p->backend});
  return g;
}

void generator_free(struct generator *g) {
  if (!g) return;
  execution_free(g->execution);
  cache_release(&g->cache);
  plan_release(&g->plan);
  sampler_free(g->sampler);
  free(g->logits), free(g->item_of), free(g->ids);
  free(g);
}

void generator_profile(struct generator *g, struct profile *profile) {
  g->profile = profile;
  if (g->execution) execution_profile(g->execution, profile);
}

/* Room for the longest item; grows by doubling, so that a stream of prompts rebuilds it a few times only. */
static int reserve(struct generator *g, int64_t need, struct err *e) {
  int64_t most = g->parameters->config.max_positions;
  if (need > most) need = most;
  if (need <= g->capacity) return 0;
  int64_t capacity = g->capacity * 2 > need ? g->capacity * 2 : need;
  if (capacity > most) capacity = most;
  execution_free(g->execution);
  g->execution = NULL;
  cache_release(&g->cache);
  g->capacity = 0;
  if (cache_init(&g->cache, &g->parameters->config, g->parameters->backend, g->slots, capacity, e) < 0 ||
      execution_new(&g->execution, &g->plan, g->parameters, capacity, e) < 0)
    return -1;
  execution_profile(g->execution, g->profile);
  g->capacity = capacity;
  return 0;
}

static int prefill(struct generator *g, const struct generation *item, int64_t slot, struct err *e) {
  cache_clear(&g->cache, slot);
  for (int64_t at = 0; at < item->prompt_count; at += PREFILL) {
    int64_t n = item->prompt_count - at < PREFILL ? item->prompt_count - at : PREFILL;
    for (int64_t i = 0; i < n; i++) g->ids[i] = (int32_t)item->prompt[at + i];
    bool last = at + n == item->prompt_count;
    if (execute_extend(g->execution, &g->cache, slot, 1, n, g->ids, last ? g->logits + slot * g->parameters->config.vocab_size : NULL, e) < 0) return -1;
  }
  return 0;
}

static bool is_stop(const struct generator_settings *s, uint32_t id) {
  for (int i = 0; i < s->stop_count; i++)
    if (s->stops[i] == id) return true;
  return false;
}

/* Draws the next token of the item in `slot`: 1 when it goes on, 0 when it has ended, -1. */
static int draw(struct generator *g, struct generation *item, int64_t slot, const struct generator_settings *s, struct err *e) {
  if (item->count >= s->limit) return item->end = GENERATION_LENGTH, 0;
  real *logits = g->logits + slot * g->parameters->config.vocab_size;
  for (int64_t i = 0; i < g->parameters->config.vocab_size; i++)
    if (!isfinite(logits[i])) return err_set(e, "the model gives logits that are not finite: its weights are damaged");
  double logprob;
  uint32_t *seen = NULL;
  int64_t seen_count = 0;
  if (s->sampler.repeat_penalty != 1) {
    seen_count = item->prompt_count + item->count;
    seen = MALLOC((size_t)seen_count * sizeof *seen);
    memcpy(seen, item->prompt, (size_t)item->prompt_count * sizeof *seen);
    if (item->count) memcpy(seen + item->prompt_count, item->ids, (size_t)item->count * sizeof *seen);
  }
  uint32_t id = sampler_next(g->sampler, &s->sampler, logits, seen, seen_count, &item->rng, s->logprobs ? &logprob : NULL);
  free(seen);
  if (is_stop(s, id)) return item->end = GENERATION_STOP, 0;
  item->ids = RESIZE(item->ids, (size_t)item->count + 1);
  item->ids[item->count] = id;
  if (s->logprobs) {
    item->logprobs = RESIZE(item->logprobs, (size_t)item->count + 1);
    item->logprobs[item->count] = logprob;
  }
  item->count++;
  if (s->token && s->token(s->context, item, e) < 0) return -1;
  if (item->count >= s->limit) return item->end = GENERATION_LENGTH, 0;
  if (item->prompt_count + item->count > g->parameters->config.max_positions) return item->end = GENERATION_POSITIONS, 0;
  return 1;
}

/* Draws for all active slots and closes the gaps; returns how many are left. */
static int64_t advance(struct generator *g, struct generation *items, int64_t active, const struct generator_settings *s, struct err *e) {
  int64_t V = g->parameters->config.vocab_size;
  bool *ended = NEW_ARRAY(bool, (size_t)active);
  int result = 0;
  for (int64_t slot = 0; slot < active && result >= 0; slot++) {
    result = draw(g, &items[g->item_of[slot]], slot, s, e);
    ended[slot] = result == 0;
  }
  for (int64_t slot = 0; slot < active && result >= 0;) {
    if (!ended[slot]) {
      slot++;
      continue;
    }
    active--;
    if (slot == active) break;
    result = cache_copy(&g->cache, slot, active, e);
    memcpy(g->logits + slot * V, g->logits + active * V, (size_t)V * sizeof(real));
    g->item_of[slot] = g->item_of[active], ended[slot] = ended[active];
  }
  free(ended);
  return result < 0 ? -1 : active;
}

int generator_run(struct generator *g, struct generation *items, int64_t count, const struct generator_settings *s, struct err *e) {
  int64_t V = g->parameters->config.vocab_size, most = g->parameters->config.max_positions, need = 0, active = count;
  int64_t limit = s->limit < most ? s->limit : most;
  for (int64_t i = 0; i < count; i++)
    if (items[i].prompt_count + limit > need) need = items[i].prompt_count + limit;
  if (reserve(g, need, e) < 0) return -1;
  for (int64_t i = 0; i < count; i++) {
    items[i].count = 0, items[i].ids = NULL, items[i].logprobs = NULL;
    if (items[i].prompt_count > most)
      return err_set(e, "a prompt of %lld tokens is longer than the %lld positions of the model (max_position_embeddings)", (long long)items[i].prompt_count, (long long)most);
    g->item_of[i] = i;
    if (i && items[i].prompt == items[i - 1].prompt) { /* another sample of the same prompt */
      if (cache_copy(&g->cache, i, i - 1, e) < 0) return -1;
      memcpy(g->logits + i * V, g->logits + (i - 1) * V, (size_t)V * sizeof(real));
    } else if (prefill(g, &items[i], i, e) < 0) return -1;
  }
  while ((active = advance(g, items, active, s, e)) > 0) {
    for (int64_t slot = 0; slot < active; slot++) {
      const struct generation *item = &items[g->item_of[slot]];
      g->ids[slot] = (int32_t)item->ids[item->count - 1];
    }
    if (execute_extend(g->execution, &g->cache, 0, active, 1, g->ids, g->logits, e) < 0) return -1;
  }
  return active < 0 ? -1 : 0;
}
