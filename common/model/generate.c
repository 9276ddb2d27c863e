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
  stored *logits;    /* [slots][V], on the device */
  real *whole;       /* the same on the host; NULL until a row is wanted whole */
  void *top, *host_top; /* what top_logits() makes of them, there and here: see struct top_block */
  int64_t most;      /* of the largest logits of a row that there is room for */
  int64_t *item_of;  /* [slots] */
  int32_t *ids;      /* [max(slots, PREFILL)] */
};

/* Of `rows` rows: log_sum_exp at sampler_top_temperature(), the same at 1 if that is another, the k largest logits and their ids; one block, one copy. */
struct top_block {
  real *sums, *plain, *values; /* [rows], [rows], [rows][k] */
  int32_t *ids;                /* [rows][k] */
  size_t bytes;
};

static struct top_block top_block(void *at, int64_t rows, int64_t k) {
  real *sums = at, *values = sums + 2 * rows;
  return (struct top_block){sums, sums + rows, values, (int32_t *)(values + rows * k), (size_t)(rows * (2 + k)) * sizeof(real) + (size_t)(rows * k) * sizeof(int32_t)};
}

void generation_release(struct generation *g) {
  free(g->ids);
  free(g->logprobs);
  g->ids = NULL, g->logprobs = NULL;
}

struct generator *generator_new(struct parameters *p, int64_t slots, int64_t vocabulary) {
  struct generator *g = NEW(struct generator);
  int64_t rows = slots > PREFILL ? slots : PREFILL;
  *g = (struct generator){.parameters = p, .slots = slots, .sampler = sampler_new(vocabulary < p->config.vocab_size ? vocabulary : p->config.vocab_size),
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
  void *blocks[] = {g->logits, g->top};
  for (int i = 0; i < 2; i++)
    if (blocks[i]) g->parameters->backend->release(blocks[i]);
  free(g->whole), free(g->host_top), free(g->item_of), free(g->ids);
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

/* Room for logits and for the k largest of each row. */
static int reserve_logits(struct generator *g, int64_t k, struct err *e) {
  const struct backend *b = g->parameters->backend;
  struct kernel_error error;
  if (!g->logits && !(g->logits = b->alloc((size_t)(g->slots * g->parameters->config.vocab_size) * b->stored_size, &error))) return kernel_failed(e, &error);
  if (k <= g->most) return 0;
  if (g->top) b->release(g->top);
  free(g->host_top);
  g->most = 0, g->host_top = NULL;
  size_t bytes = top_block(NULL, g->slots, k).bytes;
  if (!(g->top = b->alloc(bytes, &error))) return kernel_failed(e, &error);
  g->host_top = MALLOC(bytes);
  g->most = k;
  return 0;
}

static stored *logits_at(const struct generator *g, int64_t slot) { return stored_at(g->parameters->backend, g->logits, slot * g->parameters->config.vocab_size); }

static int prefill(struct generator *g, const struct generation *item, int64_t slot, struct err *e) {
  cache_clear(&g->cache, slot);
  for (int64_t at = 0; at < item->prompt_count; at += PREFILL) {
    int64_t n = item->prompt_count - at < PREFILL ? item->prompt_count - at : PREFILL;
    for (int64_t i = 0; i < n; i++) g->ids[i] = (int32_t)item->prompt[at + i];
    bool last = at + n == item->prompt_count;
    if (execute_extend_left(g->execution, &g->cache, slot, 1, n, g->ids, last ? logits_at(g, slot) : NULL, e) < 0) return -1;
  }
  return 0;
}

static bool is_stop(const struct generator_settings *s, uint32_t id) {
  for (int i = 0; i < s->stop_count; i++)
    if (s->stops[i] == id) return true;
  return false;
}

/* Rows first .. first + rows - 1 of the logits come to the host. */
static int fetch_whole(struct generator *g, int64_t first, int64_t rows, struct err *e) {
  int64_t V = g->parameters->config.vocab_size;
  struct kernel_error error;
  if (!g->whole) g->whole = MALLOC((size_t)(g->slots * V) * sizeof(real));
  return g->parameters->backend->download(g->whole + first * V, logits_at(g, first), rows * V, &error) < 0 ? kernel_failed(e, &error) : 0;
}

/* Of `rows` rows comes to the host what drawing looks at first: the k largest, or everything where k is 0. */
static int fetch(struct generator *g, int64_t rows, int64_t k, const struct generator_settings *s, struct err *e) {
  if (k == 0) return fetch_whole(g, 0, rows, e);
  const struct backend *b = g->parameters->backend;
  struct kernel_error error;
  struct top_block there = top_block(g->top, rows, k);
  int64_t V = g->parameters->config.vocab_size, drawn = sampler_vocabulary(g->sampler);
  double temperature = sampler_top_temperature(&s->sampler);
  if (b->top_logits(there.values, there.ids, there.sums, g->logits, V, rows, drawn, k, (real)temperature, &error) < 0 ||
      (s->logprobs && temperature != 1 && b->top_logits(NULL, NULL, there.plain, g->logits, V, rows, drawn, 0, 1, &error) < 0) || b->to_host(g->host_top, g->top, there.bytes, &error) < 0)
    return kernel_failed(e, &error);
  return 0;
}

static int damaged(struct err *e) { return err_set(e, "the model gives logits that are not finite: its weights are damaged"); }

/* A row with NaN, +inf, or nothing but -inf has no probabilities. */
static bool is_sound(const real *logits, int64_t n) {
  bool any = false;
  for (int64_t i = 0; i < n; i++) {
    if (isnan(logits[i]) || logits[i] == INFINITY) return false;
    any |= isfinite(logits[i]);
  }
  return any;
}

static uint32_t *seen_by(const struct generation *item) {
  uint32_t *seen = MALLOC((size_t)(item->prompt_count + item->count) * sizeof *seen);
  memcpy(seen, item->prompt, (size_t)item->prompt_count * sizeof *seen);
  if (item->count) memcpy(seen + item->prompt_count, item->ids, (size_t)item->count * sizeof *seen);
  return seen;
}

/* The next token, and with s->logprobs its log-probability; from the k largest logits where these tell. */
static int choose(struct generator *g, struct generation *item, int64_t slot, int64_t active, int64_t k, const struct generator_settings *s, const uint32_t *seen, uint32_t *id, double *logprob,
                  struct err *e) {
  int64_t seen_count = seen ? item->prompt_count + item->count : 0;
  if (k > 0) {
    struct top_block here = top_block(g->host_top, active, k);
    struct top_row row = {.values = here.values + slot * k, .ids = here.ids + slot * k, .k = k, .log_sum_exp = (double)here.sums[slot]};
    real logit;
    if (!isfinite(here.sums[slot])) return damaged(e);
    if (sampler_next_of_top(g->sampler, &s->sampler, &row, seen, seen_count, &item->rng, id, &logit)) {
      const real *sums = sampler_top_temperature(&s->sampler) != 1 ? here.plain : here.sums;
      *logprob = fmin(0, (double)logit - (double)sums[slot]); /* floats: above 0 is rounding */
      return 0;
    }
    if (fetch_whole(g, slot, 1, e) < 0) return -1;
  }
  real *logits = g->whole + slot * g->parameters->config.vocab_size;
  if (!is_sound(logits, sampler_vocabulary(g->sampler))) return damaged(e);
  *id = sampler_next(g->sampler, &s->sampler, logits, seen, seen_count, &item->rng, s->logprobs ? logprob : NULL);
  return 0;
}

/* Draws the next token of the item in `slot` of `active`: 1 when it goes on, 0 when it has ended, -1. */
static int draw(struct generator *g, struct generation *item, int64_t slot, int64_t active, int64_t k, const struct generator_settings *s, struct err *e) {
  double logprob;
  uint32_t id;
  uint32_t *seen = s->sampler.repeat_penalty != 1 ? seen_by(item) : NULL;
  int result = choose(g, item, slot, active, k, s, seen, &id, &logprob, e);
  free(seen);
  if (result < 0) return -1;
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
  bool *ended = NEW_ARRAY(bool, (size_t)active);
  int64_t k = sampler_top(g->sampler, &s->sampler), count = active;
  int result = fetch(g, active, k, s, e);
  for (int64_t slot = 0; slot < count && result >= 0; slot++) {
    result = draw(g, &items[g->item_of[slot]], slot, count, k, s, e);
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
    g->item_of[slot] = g->item_of[active], ended[slot] = ended[active];
  }
  free(ended);
  return result < 0 ? -1 : active;
}

int generator_run(struct generator *g, struct generation *items, int64_t count, const struct generator_settings *s, struct err *e) {
  int64_t most = g->parameters->config.max_positions, need = 0, active = count;
  size_t row_bytes = (size_t)g->parameters->config.vocab_size * g->parameters->backend->stored_size;
  int64_t limit = s->limit < most ? s->limit : most;
  for (int64_t i = 0; i < count; i++) {
    items[i].count = 0, items[i].ids = NULL, items[i].logprobs = NULL, items[i].end = GENERATION_LENGTH;
    if (items[i].prompt_count > most)
      return err_set(e, "a prompt of %lld tokens is longer than the %lld positions of the model (max_position_embeddings)", (long long)items[i].prompt_count, (long long)most);
    if (items[i].prompt_count + limit > need) need = items[i].prompt_count + limit;
  }
  if (limit < 1) return 0;
  if (reserve(g, need, e) < 0 || reserve_logits(g, sampler_top(g->sampler, &s->sampler), e) < 0) return -1;
  for (int64_t i = 0; i < count; i++) {
    g->item_of[i] = i;
    if (i && items[i].prompt == items[i - 1].prompt) { /* another sample of the same prompt */
      struct kernel_error error;
      if (cache_copy(&g->cache, i, i - 1, e) < 0) return -1;
      if (g->parameters->backend->copy(logits_at(g, i), logits_at(g, i - 1), row_bytes, &error) < 0) return kernel_failed(e, &error);
    } else if (prefill(g, &items[i], i, e) < 0) return -1;
  }
  while ((active = advance(g, items, active, s, e)) > 0) {
    for (int64_t slot = 0; slot < active; slot++) {
      const struct generation *item = &items[g->item_of[slot]];
      g->ids[slot] = (int32_t)item->ids[item->count - 1];
    }
    if (execute_extend_left(g->execution, &g->cache, 0, active, 1, g->ids, g->logits, e) < 0) return -1;
  }
  return active < 0 ? -1 : 0;
}
