/* SPDX-License-Identifier: MIT */
#include "common/model/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/model/parameters.h"

static struct cache_layer widths(const struct model_config *c, int64_t layer) {
  if (c->mixer[layer] == MIXER_HYENA) return (struct cache_layer){c->hidden_size, 3 * c->hidden_size, 0};
  if (config_is_mla(c)) return (struct cache_layer){c->mla.kv_rank + c->rope_dim, 0, 0};
  return (struct cache_layer){c->kv_heads * c->head_dim, c->kv_heads * c->v_head_dim, 0};
}

static int64_t page_of(const struct backend *b, int64_t capacity) { return b->cache_page > 0 && b->cache_page < capacity ? b->cache_page : capacity; }
static int64_t pages_for(int64_t positions, int64_t page) { return page > 0 ? (positions + page - 1) / page : 0; }

int64_t cache_bytes(const struct model_config *config, const struct backend *backend, int64_t slots, int64_t capacity) {
  int64_t width = 0, page = page_of(backend, capacity);
  for (int64_t i = 0; i < config->layers; i++) {
    struct cache_layer l = widths(config, i);
    width += l.key_width + l.value_width;
  }
  return width * slots * pages_for(capacity, page) * page * (int64_t)backend->stored_size;
}

int cache_init(struct cache *c, const struct model_config *config, const struct backend *backend, int64_t slots, int64_t capacity, struct err *e) {
  *c = (struct cache){.backend = backend, .slots = slots, .capacity = capacity, .page = page_of(backend, capacity), .layer_count = (int)config->layers,
                      .layers = NEW_ARRAY(struct cache_layer, (size_t)config->layers), .stale = true};
  c->pages = pages_for(capacity, c->page);
  struct kernel_error k;
  int64_t at = 0, count = slots * c->pages;
  for (int64_t i = 0; i < config->layers; i++) {
    c->layers[i] = widths(config, i);
    c->layers[i].offset = at;
    at += (c->layers[i].key_width + c->layers[i].value_width) * count * c->page;
  }
  c->past = NEW_ARRAY(int64_t, (size_t)slots), c->table = NEW_ARRAY(int32_t, (size_t)count), c->users = NEW_ARRAY(int32_t, (size_t)count);
  for (int64_t i = 0; i < count; i++) c->table[i] = -1;
  c->on_device = backend->alloc((size_t)count * sizeof *c->on_device, &k);
  c->memory = c->on_device ? backend->alloc((size_t)cache_bytes(config, backend, slots, capacity), &k) : NULL;
  if (c->memory) return 0;
  cache_release(c);
  return kernel_failed(e, &k);
}

void cache_release(struct cache *c) {
  if (c->memory) c->backend->release(c->memory);
  if (c->on_device) c->backend->release(c->on_device);
  free(c->layers);
  free(c->past), free(c->table), free(c->users);
  *c = (struct cache){0};
}

stored *cache_keys(const struct cache *c, int layer) { return stored_at(c->backend, c->memory, c->layers[layer].offset); }

stored *cache_values(const struct cache *c, int layer) {
  const struct cache_layer *l = &c->layers[layer];
  return stored_at(c->backend, c->memory, l->offset + c->slots * c->pages * c->page * l->key_width);
}

/* ---- pages.  There are as many as all slots can need, so one is always free for a slot that has room left. */

static void take_page(struct cache *c, int64_t slot, int64_t i) {
  int64_t count = c->slots * c->pages, at = slot * c->pages + i; /* its own place first */
  while (c->users[at] > 0) at = (at + 1) % count;
  c->table[slot * c->pages + i] = (int32_t)at;
  c->users[at]++;
  c->stale = true;
}

static void drop_page(struct cache *c, int64_t slot, int64_t i) {
  int32_t *page = &c->table[slot * c->pages + i];
  if (*page >= 0) c->users[*page]--, c->stale = true;
  *page = -1;
}

int cache_reserve(struct cache *c, int64_t first_slot, int64_t B, int64_t T, struct cache_pages *pages, struct err *e) {
  struct kernel_error k;
  for (int64_t slot = first_slot; slot < first_slot + B; slot++) {
    assert(c->past[slot] + T <= c->capacity);
    for (int64_t i = 0; i < pages_for(c->past[slot] + T, c->page); i++)
      if (c->table[slot * c->pages + i] < 0) take_page(c, slot, i);
  }
  if (c->stale && c->backend->to_device(c->on_device, c->table, (size_t)(c->slots * c->pages) * sizeof *c->table, &k) < 0) return kernel_failed(e, &k);
  c->stale = false;
  *pages = (struct cache_pages){.table = c->on_device + first_slot * c->pages, .pages = c->pages, .page = c->page};
  return 0;
}

void cache_clear(struct cache *c, int64_t slot) {
  for (int64_t i = 0; i < c->pages; i++) drop_page(c, slot, i);
  c->past[slot] = 0;
}

static int copy_page(struct cache *c, int32_t to, int32_t from, int64_t rows, struct kernel_error *k) {
  for (int layer = 0; layer < c->layer_count; layer++) {
    int64_t widths[] = {c->layers[layer].key_width, c->layers[layer].value_width};
    stored *starts[] = {cache_keys(c, layer), cache_values(c, layer)};
    for (int i = 0; i < 2; i++)
      if (widths[i] && c->backend->copy(stored_at(c->backend, starts[i], to * c->page * widths[i]), stored_at(c->backend, starts[i], from * c->page * widths[i]),
                                        (size_t)(rows * widths[i]) * c->backend->stored_size, k) < 0)
        return -1;
  }
  return 0;
}

int cache_copy(struct cache *c, int64_t to, int64_t from, struct err *e) {
  struct kernel_error k;
  if (to == from) return 0;
  cache_clear(c, to);
  int64_t past = c->past[from], whole = c->pages > 1 ? past / c->page : 0, rest = past - whole * c->page;
  for (int64_t i = 0; i < whole; i++) {
    int32_t page = c->table[to * c->pages + i] = c->table[from * c->pages + i];
    c->users[page]++, c->stale = true;
  }
  if (rest > 0) {
    take_page(c, to, whole);
    if (copy_page(c, c->table[to * c->pages + whole], c->table[from * c->pages + whole], rest, &k) < 0) return kernel_failed(e, &k);
  }
  c->past[to] = past;
  return 0;
}
