/* SPDX-License-Identifier: MIT
 *
 * What a model keeps of earlier positions: per layer, of `slots` sequences of up to `capacity` positions, two rows each.
 *   attention         keys H_kv D            values H_kv D_v
 *   latent attention  latent and rotated key (kv_rank + rope_dim), no values
 *   Hyena             what the long convolution reads (C), what the short one reads (3 C)
 *
 * Rows lie in pages (struct cache_pages); one table serves all layers.  Sequences that begin alike share whole pages, until one
 * of them lets go of its own.  Where the backend has no pages of its own a sequence is one page, slot i in page i, and nothing
 * is shared.
 */
#ifndef MODEL_CACHE_H
#define MODEL_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/config.h"
#include "kernels/backend.h"

struct cache_layer {
  int64_t key_width, value_width;
  int64_t offset; /* elements from the start of the memory to its keys; its values follow the keys of all pages */
};

struct cache {
  const struct backend *backend;
  int64_t slots, capacity;
  int64_t page, pages; /* positions of a page, pages of a slot */
  int layer_count;
  struct cache_layer *layers;
  stored *memory;
  int64_t *past;       /* [slots]: positions held */
  int32_t *table;      /* [slots][pages]; -1: none yet */
  int32_t *users;      /* [slots * pages]: of each page, how many slots have it in their table */
  int32_t *on_device;  /* the table, as it was when it was last brought there */
  bool stale;          /* it has changed since */
};

int cache_init(struct cache *c, const struct model_config *config, const struct backend *backend, int64_t slots, int64_t capacity, struct err *e);
void cache_release(struct cache *c);
int64_t cache_bytes(const struct model_config *config, const struct backend *backend, int64_t slots, int64_t capacity);

stored *cache_keys(const struct cache *c, int layer); /* of page 0 */
stored *cache_values(const struct cache *c, int layer);

/* Pages for T more positions of each of the B slots from first_slot on; *pages: those slots' table. */
int cache_reserve(struct cache *c, int64_t first_slot, int64_t B, int64_t T, struct cache_pages *pages, struct err *e);
void cache_clear(struct cache *c, int64_t slot);
/* Slot `to` comes to hold what slot `from` holds. */
int cache_copy(struct cache *c, int64_t to, int64_t from, struct err *e);

#endif
