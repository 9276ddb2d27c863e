/* SPDX-License-Identifier: MIT */
#include "tools/qfilter/rules/keys.h"

#include <stdlib.h>

#include "common/base/memory.h"

enum { FIRST_SLOTS = 1 << 20 };

void keys_begin(struct key_set *set, size_t elements) {
  size_t size = 64;
  while (size < elements * 2 && size < FIRST_SLOTS) size *= 2;
  if (size > set->capacity || set->capacity > 16 * (size_t)FIRST_SLOTS) {
    free(set->slots);
    set->slots = MALLOC(size * sizeof *set->slots);
    set->capacity = size;
  }
  memset(set->slots, 0, size * sizeof *set->slots);
  set->mask = size - 1;
  set->used = 0;
}

void keys_grow(struct key_set *set) {
  size_t size = (set->mask + 1) * 2;
  uint64_t *slots = NEW_ARRAY(uint64_t, size);
  for (size_t k = 0; k <= set->mask; k++) {
    uint64_t key = set->slots[k];
    if (key == 0) continue;
    size_t i = (key >> 32 ^ key) & (size - 1);
    while (slots[i]) i = (i + 1) & (size - 1);
    slots[i] = key;
  }
  free(set->slots);
  set->slots = slots;
  set->capacity = size;
  set->mask = size - 1;
}

void keys_release(struct key_set *set) {
  free(set->slots);
  *set = (struct key_set){0};
}
