/* SPDX-License-Identifier: MIT
 *
 * A set of hashes that is exact, within a limit of memory: open addressing, linear probing, at most 3/4 full.  A hash's
 * place is given by its leading bits, so the table doubles in one sweep from end to end.  One bit of a hash (the lowest of
 * `low`) is taken for a mark; 127 tell hashes apart.
 */
#ifndef BLOOM_DEDUP_HASH_SET_H
#define BLOOM_DEDUP_HASH_SET_H

#include <stdbool.h>

#include "common/base/err.h"
#include "tools/bloom-dedup/hashes.h"

struct hash_set {
  struct hash128 *slots; /* high == 0 and low == 0: free */
  size_t capacity, count;
  int shift;
  size_t memory;
};

/* Up to `memory` bytes, the older half of a table that doubles included. */
void hash_set_init(struct hash_set *s, size_t memory);
void hash_set_release(struct hash_set *s);
/* Makes room for so many more: false when that does not fit in the memory it has. */
bool hash_set_reserve(struct hash_set *s, size_t more);

/* After hash_set_reserve(s, count).  known[i] as filter_add_all(); a hash that comes again is marked. */
void hash_set_add_all(struct hash_set *s, const struct hash128 *hashes, size_t count, unsigned char *known);
/* known[i] = 1 when hashes[i] is in the set and, with `marked`, has its mark. */
void hash_set_find_all(const struct hash_set *s, const struct hash128 *hashes, size_t count, bool marked, unsigned char *known);

/* As the set keeps it: equal for hashes that the set takes for equal. */
static inline struct hash128 hash_set_key(struct hash128 h) {
  h.low &= ~(uint64_t)1;
  if ((h.low | h.high) == 0) h.high = 1;
  return h;
}

#endif
