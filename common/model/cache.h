/* SPDX-License-Identifier: MIT
 *
 * What a model keeps of earlier positions: per layer, `slots` sequences of `capacity` positions of two rows.
 *   attention         keys H_kv D            values H_kv D_v
 *   latent attention  latent and rotated key (kv_rank + rope_dim), no values
 *   Hyena             what the long convolution reads (C), what the short one reads (3 C)
 */
#ifndef MODEL_CACHE_H
#define MODEL_CACHE_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/model/config.h"
#include "kernels/backend.h"

struct cache_layer {
  int64_t key_width, value_width;
  int64_t offset; /* elements from the start of the memory to slot 0's keys; its values follow all slots' keys */
};

struct cache {
  const struct backend *backend;
  int64_t slots, capacity;
  int layer_count;
  struct cache_layer *layers;
  real *memory;
  int64_t *past; /* [slots]: positions held */
};

int cache_init(struct cache *c, const struct model_config *config, const struct backend *backend, int64_t slots, int64_t capacity, struct err *e);
void cache_release(struct cache *c);
int64_t cache_bytes(const struct model_config *config, int64_t slots, int64_t capacity);

real *cache_keys(const struct cache *c, int layer, int64_t slot);
real *cache_values(const struct cache *c, int layer, int64_t slot);
void cache_clear(struct cache *c, int64_t slot);
/* Copies what slot `from` holds to slot `to`. */
int cache_copy(struct cache *c, int64_t to, int64_t from, struct err *e);

#endif
