/* SPDX-License-Identifier: MIT
 *
 * Pairs of symbols with their counts: an open-addressed table, linear probing, load at most 5/8.  Keys and what belongs to them
 * lie apart, so that looking for a pair that is absent, the common case, touches few cache lines.
 */
#ifndef BPE_TRAIN_MERGES_PAIRS_H
#define BPE_TRAIN_MERGES_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/token/pairs.h"

#define POSTINGS_NONE UINT32_MAX

struct pair_entry {
  uint64_t count;
  uint32_t start, length; /* of its list of records; start POSTINGS_NONE: it has none */
};

struct pair_table { /* zero to start; pair_table_release() */
  uint64_t *keys;     /* left << 32 | right; PAIR_EMPTY */
  struct pair_entry *entries;
  size_t count, mask, limit; /* limit: slots it may grow to */
};

void pair_table_reset(struct pair_table *t, size_t slots, size_t limit); /* empty, with that many slots (a power of two) */
void pair_table_release(struct pair_table *t);

/* The entry or NULL.  It stays where it is until the next put. */
static inline struct pair_entry *pair_table_find(const struct pair_table *t, uint64_t key) {
  for (size_t i = pair_hash(key) & t->mask;; i = (i + 1) & t->mask) {
    if (t->keys[i] == key) return &t->entries[i];
    if (t->keys[i] == PAIR_EMPTY) return NULL;
  }
}

/* The entry, new ones zeroed with start POSTINGS_NONE; NULL when the table is full. */
struct pair_entry *pair_table_put(struct pair_table *t, uint64_t key);
/* Keeps only pairs of at least `least`; entries move. */
void pair_table_filter(struct pair_table *t, uint64_t least);

#endif
