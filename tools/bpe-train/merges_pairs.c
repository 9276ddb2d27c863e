/* SPDX-License-Identifier: MIT
 *
 * Pairs are never removed one by one: a table is built anew with those that stay.
 */
#include "tools/bpe-train/merges_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

void pair_table_release(struct pair_table *t) {
  free(t->keys);
  free(t->entries);
  *t = (struct pair_table){0};
}

void pair_table_reset(struct pair_table *t, size_t slots, size_t limit) {
  pair_table_release(t);
  t->keys = MALLOC(slots * sizeof *t->keys);
  t->entries = MALLOC(slots * sizeof *t->entries);
  memset(t->keys, 0xFF, slots * sizeof *t->keys);
  t->mask = slots - 1;
  t->limit = limit;
}

/* Moves the pairs of at least `least` into a table of `slots`. */
static void rebuild(struct pair_table *t, size_t slots, uint64_t least) {
  struct pair_table old = *t;
  *t = (struct pair_table){0};
  pair_table_reset(t, slots, old.limit);
  for (size_t k = 0; k <= old.mask; k++) {
    if (old.keys[k] == PAIR_EMPTY || old.entries[k].count < least) continue;
    size_t i = pair_hash(old.keys[k]) & t->mask;
    while (t->keys[i] != PAIR_EMPTY) i = (i + 1) & t->mask;
    t->keys[i] = old.keys[k];
    t->entries[i] = old.entries[k];
    t->count++;
  }
  pair_table_release(&old);
}

struct pair_entry *pair_table_put(struct pair_table *t, uint64_t key) {
  size_t i = pair_hash(key) & t->mask;
  for (; t->keys[i] != PAIR_EMPTY; i = (i + 1) & t->mask)
    if (t->keys[i] == key) return &t->entries[i];
  if ((t->count + 1) * 8 > (t->mask + 1) * 5) {
    if (2 * (t->mask + 1) > t->limit) return NULL;
    rebuild(t, 2 * (t->mask + 1), 0);
    for (i = pair_hash(key) & t->mask; t->keys[i] != PAIR_EMPTY;) i = (i + 1) & t->mask;
  }
  t->count++;
  t->keys[i] = key;
  t->entries[i] = (struct pair_entry){.start = POSTINGS_NONE};
  return &t->entries[i];
}

void pair_table_filter(struct pair_table *t, uint64_t least) {
  size_t kept = 0, slots = 1024;
  for (size_t k = 0; k <= t->mask; k++) kept += t->keys[k] != PAIR_EMPTY && t->entries[k].count >= least;
  while (slots * 2 < kept * 5) slots *= 2; /* room for as many again */
  if (slots > t->mask + 1) slots = t->mask + 1;
  rebuild(t, slots, least);
}
