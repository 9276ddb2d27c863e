/* SPDX-License-Identifier: MIT */
#include "common/model/cache.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/model/parameters.h"

int64_t cache_bytes(const struct model_config *config, int64_t slots, int64_t capacity) {
  return 2 * config->layers * slots * capacity * config->kv_heads * config->head_dim * (int64_t)sizeof(real);
}

int cache_init(struct cache *c, const struct model_config *config, const struct backend *backend, int64_t slots, int64_t capacity, struct err *e) {
  *c = (struct cache){.backend = backend, .slots = slots, .capacity = capacity, .width = config->kv_heads * config->head_dim, .layers = (int)config->layers};
  struct kernel_error k;
  size_t bytes = (size_t)cache_bytes(config, slots, capacity) / 2;
  c->past = NEW_ARRAY(int64_t, (size_t)slots);
  c->keys = backend->alloc(bytes, &k);
  c->values = c->keys ? backend->alloc(bytes, &k) : NULL;
  if (c->values) return 0;
  cache_release(c);
  return kernel_failed(e, &k);
}

void cache_release(struct cache *c) {
  if (c->keys) c->backend->release(c->keys);
  if (c->values) c->backend->release(c->values);
  free(c->past);
  *c = (struct cache){0};
}

static int64_t at(const struct cache *c, int layer, int64_t slot) { return ((int64_t)layer * c->slots + slot) * c->capacity * c->width; }

real *cache_keys(const struct cache *c, int layer, int64_t slot) { return c->keys + at(c, layer, slot); }
real *cache_values(const struct cache *c, int layer, int64_t slot) { return c->values + at(c, layer, slot); }
void cache_clear(struct cache *c, int64_t slot) { c->past[slot] = 0; }

int cache_copy(struct cache *c, int64_t to, int64_t from, struct err *e) {
  struct kernel_error k;
  size_t bytes = (size_t)(c->past[from] * c->width) * sizeof(real);
  for (int layer = 0; layer < c->layers && to != from; layer++)
    if (c->backend->to_device(cache_keys(c, layer, to), cache_keys(c, layer, from), bytes, &k) < 0 ||
        c->backend->to_device(cache_values(c, layer, to), cache_values(c, layer, from), bytes, &k) < 0)
      return kernel_failed(e, &k);
  c->past[to] = c->past[from];
  return 0;
}
