/* SPDX-License-Identifier: MIT */
#include "common/model/cache.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/model/parameters.h"

static struct cache_layer widths(const struct model_config *c, int64_t layer) {
  if (c->mixer[layer] == MIXER_HYENA) return (struct cache_layer){c->hidden_size, 3 * c->hidden_size, 0};
  if (config_is_mla(c)) return (struct cache_layer){c->mla.kv_rank + c->rope_dim, 0, 0};
  return (struct cache_layer){c->kv_heads * c->head_dim, c->kv_heads * c->v_head_dim, 0};
}

int64_t cache_bytes(const struct model_config *config, int64_t slots, int64_t capacity) {
  int64_t width = 0;
  for (int64_t i = 0; i < config->layers; i++) {
    struct cache_layer l = widths(config, i);
    width += l.key_width + l.value_width;
  }
  return width * slots * capacity * (int64_t)sizeof(real);
}

int cache_init(struct cache *c, const struct model_config *config, const struct backend *backend, int64_t slots, int64_t capacity, struct err *e) {
  *c = (struct cache){.backend = backend, .slots = slots, .capacity = capacity, .layer_count = (int)config->layers, .layers = NEW_ARRAY(struct cache_layer, (size_t)config->layers)};
  struct kernel_error k;
  int64_t at = 0;
  for (int64_t i = 0; i < config->layers; i++) {
    c->layers[i] = widths(config, i);
    c->layers[i].offset = at;
    at += (c->layers[i].key_width + c->layers[i].value_width) * slots * capacity;
  }
  c->past = NEW_ARRAY(int64_t, (size_t)slots);
  c->memory = backend->alloc((size_t)cache_bytes(config, slots, capacity), &k);
  if (c->memory) return 0;
  cache_release(c);
  return kernel_failed(e, &k);
}

void cache_release(struct cache *c) {
  if (c->memory) c->backend->release(c->memory);
  free(c->layers);
  free(c->past);
  *c = (struct cache){0};
}

real *cache_keys(const struct cache *c, int layer, int64_t slot) { return c->memory + c->layers[layer].offset + slot * c->capacity * c->layers[layer].key_width; }

real *cache_values(const struct cache *c, int layer, int64_t slot) {
  const struct cache_layer *l = &c->layers[layer];
  return c->memory + l->offset + c->slots * c->capacity * l->key_width + slot * c->capacity * l->value_width;
}

void cache_clear(struct cache *c, int64_t slot) { c->past[slot] = 0; }

int cache_copy(struct cache *c, int64_t to, int64_t from, struct err *e) {
  struct kernel_error k;
  size_t element = (size_t)c->past[from] * sizeof(real);
  for (int layer = 0; layer < c->layer_count && to != from; layer++)
    if (c->backend->to_device(cache_keys(c, layer, to), cache_keys(c, layer, from), element * (size_t)c->layers[layer].key_width, &k) < 0 ||
        c->backend->to_device(cache_values(c, layer, to), cache_values(c, layer, from), element * (size_t)c->layers[layer].value_width, &k) < 0)
      return kernel_failed(e, &k);
  c->past[to] = c->past[from];
  return 0;
}
