/* SPDX-License-Identifier: MIT
 *
 * (left id, right id) -> (rank, id of the merged token): open addressing, linear probing, load at most 1/2.
 */
#ifndef TOKEN_PAIRS_H
#define TOKEN_PAIRS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/token/vocab.h"

struct pair_slot {
  uint64_t key; /* left << 32 | right; PAIR_EMPTY */
  uint32_t rank, id;
};
#define PAIR_EMPTY UINT64_MAX

struct pairs { /* zero to start; free(slots) */
  struct pair_slot *slots;
  size_t count, mask;
};

static inline uint64_t pair_key(uint32_t left, uint32_t right) { return (uint64_t)left << 32 | right; }

static inline size_t pair_hash(uint64_t key) {
  unsigned __int128 m = (unsigned __int128)(key ^ 0x9E3779B97F4A7C15u) * 0xA0761D6478BD642Fu;
  return (size_t)((uint64_t)m ^ (uint64_t)(m >> 64));
}

/* NULL when absent.  The table is not empty (pairs_reserve). */
static inline const struct pair_slot *pairs_find(const struct pairs *p, uint32_t left, uint32_t right) {
  uint64_t key = pair_key(left, right);
  for (size_t i = pair_hash(key) & p->mask;; i = (i + 1) & p->mask) {
    if (p->slots[i].key == key) return &p->slots[i];
    if (p->slots[i].key == PAIR_EMPTY) return NULL;
  }
}

static inline uint32_t pairs_rank(const struct pairs *p, uint32_t left, uint32_t right) {
  const struct pair_slot *s = pairs_find(p, left, right);
  return s ? s->rank : VOCAB_NONE;
}

/* Applies merges, lowest rank first, leftmost first, to the n symbols of `ids` until `least` are left or none apply;
 * returns how many are left.  `ids` has room for 2 n: the ranks of neighbours stand behind. */
static inline size_t pairs_merge(const struct pairs *p, uint32_t *ids, size_t n, size_t least) {
  uint32_t *ranks = ids + n; /* ranks[i]: of the merge of i and i + 1 */
  for (size_t i = 0; i + 1 < n; i++) ranks[i] = pairs_rank(p, ids[i], ids[i + 1]);
  while (n > least) {
    uint32_t best = VOCAB_NONE;
    size_t at = 0;
    for (size_t i = 0; i + 1 < n; i++)
      if (ranks[i] < best) {
        best = ranks[i];
        at = i;
      }
    if (best == VOCAB_NONE) break;
    ids[at] = pairs_find(p, ids[at], ids[at + 1])->id;
    memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
    memmove(ranks + at, ranks + at + 1, (n - at - 2) * sizeof *ranks);
    n--;
    if (at + 1 < n) ranks[at] = pairs_rank(p, ids[at], ids[at + 1]);
    if (at > 0) ranks[at - 1] = pairs_rank(p, ids[at - 1], ids[at]);
  }
  return n;
}

void pairs_reserve(struct pairs *p, size_t count);
/* The last of equal pairs stays. */
void pairs_put(struct pairs *p, uint32_t left, uint32_t right, uint32_t rank, uint32_t id);

#endif
