/* SPDX-License-Identifier: MIT
 *
 * Byte strings -> uint64_t.  Open addressing, linear probing, XXH3-64, load at most 1/2; keys are copied into an arena
 * and keep their addresses.  Iteration goes in order of insertion, so results do not depend on hashing.
 */
#ifndef BASE_HASHMAP_H
#define BASE_HASHMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct hashmap;

struct hashmap_entry {
  struct slice key;
  uint64_t value;
};

struct hashmap *hashmap_new(void);
void hashmap_free(struct hashmap *m);
uint64_t *hashmap_find(const struct hashmap *m, struct slice key); /* NULL when absent */
uint64_t *hashmap_put(struct hashmap *m, struct slice key, bool *added); /* value 0 when added; added may be NULL */
size_t hashmap_count(const struct hashmap *m);
const struct hashmap_entry *hashmap_entries(const struct hashmap *m); /* hashmap_count() of them, until the next put */
void hashmap_clear(struct hashmap *m);
size_t hashmap_memory(const struct hashmap *m); /* bytes held */

#endif
