/* SPDX-License-Identifier: MIT
 *
 * Keys and values of earlier positions: per layer, `slots` sequences of `capacity` positions of H_kv D elements.
 */
#ifndef MODEL_CACHE_H
#define MODEL_CACHE_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/model/config.h"
#include "kernels/backend.h"

struct cache {
  const struct backend *backend;
  int64_t slots, capacity, width; /* width = H_kv D */
  int layers;
  real *keys, *values;            /* [layers][slots][capacity][width] */
  int64_t *past;                  /* [slots]: positions held */
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
