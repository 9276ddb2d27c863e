/* SPDX-License-Identifier: MIT
 *
 * The growing table of pairs.
 */
#include "common/token/pairs.h"

#include <stdlib.h>

#include "common/base/memory.h"

static void pairs_insert(struct pairs *p, struct pair_slot slot) {
  size_t i = pair_hash(slot.key) & p->mask;
  for (; p->slots[i].key != PAIR_EMPTY; i = (i + 1) & p->mask)
    if (p->slots[i].key == slot.key) {
      p->slots[i] = slot;
      return;
    }
  p->slots[i] = slot;
  p->count++;
}

void pairs_reserve(struct pairs *p, size_t count) {
  size_t size = 16;
  while (size < 2 * count + 2) size *= 2;
  if (p->slots && size <= p->mask + 1) return;
  struct pairs larger = {.slots = ALIGNED(64, size * sizeof(struct pair_slot)), .mask = size - 1};
  for (size_t i = 0; i < size; i++) larger.slots[i].key = PAIR_EMPTY;
  if (p->slots)
    for (size_t i = 0; i <= p->mask; i++)
      if (p->slots[i].key != PAIR_EMPTY) pairs_insert(&larger, p->slots[i]);
  free(p->slots);
  *p = larger;
}

void pairs_put(struct pairs *p, uint32_t left, uint32_t right, uint32_t rank, uint32_t id) {
  pairs_reserve(p, p->count + 1);
  pairs_insert(p, (struct pair_slot){pair_key(left, right), rank, id});
}
