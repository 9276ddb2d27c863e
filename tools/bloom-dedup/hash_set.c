/* SPDX-License-Identifier: MIT
 *
 * Slots are 16 bytes, four to a cache line; those of the hashes ahead are fetched early, as in filter.c.
 */
#include "tools/bloom-dedup/hash_set.h"

enum { LEAST = 1 << 16, FIRST = 1 << 20, AHEAD = 20 }; /* slots of a first table: FIRST where that is an eighth of the memory or less */

void hash_set_init(struct hash_set *s, size_t memory) { *s = (struct hash_set){.memory = memory}; }

void hash_set_release(struct hash_set *s) {
  pages_free(s->slots, s->capacity * sizeof *s->slots);
  s->slots = NULL;
  s->capacity = s->count = 0;
}

static inline size_t place(const struct hash_set *s, struct hash128 h) { return (size_t)(h.high >> s->shift); }

/* The slot that holds the key, or the free one where it belongs. */
static inline struct hash128 *slot_of(const struct hash_set *s, struct hash128 key) {
  for (size_t i = place(s, key);; i = (i + 1) & (s->capacity - 1)) {
    struct hash128 *slot = &s->slots[i];
    if ((slot->high == key.high && (slot->low & ~(uint64_t)1) == key.low) || (slot->low | slot->high) == 0) return slot;
  }
}

bool hash_set_reserve(struct hash_set *s, size_t more) {
  size_t capacity = s->capacity ? s->capacity : FIRST * sizeof *s->slots <= s->memory / 8 ? FIRST : LEAST;
  while (capacity / 4 * 3 < s->count + more) {
    if (capacity > SIZE_MAX / 64) return false;
    capacity *= 2;
  }
  if (capacity == s->capacity) return true;
  if ((capacity + s->capacity) * sizeof *s->slots > s->memory && s->capacity) return false;
  struct hash_set larger = {.capacity = capacity, .count = s->count, .memory = s->memory, .shift = 64 - __builtin_ctzll(capacity)};
  larger.slots = pages_new(capacity * sizeof *s->slots);
  if (!larger.slots) return false;
  for (size_t i = 0; i < s->capacity; i++) {
    struct hash128 h = s->slots[i];
    if ((h.low | h.high) == 0) continue;
    struct hash128 key = hash_set_key(h);
    *slot_of(&larger, key) = h;
  }
  pages_free(s->slots, s->capacity * sizeof *s->slots);
  *s = larger;
  return true;
}

void hash_set_add_all(struct hash_set *s, const struct hash128 *hashes, size_t count, unsigned char *known) {
  for (size_t i = 0; i < count && i < AHEAD; i++) __builtin_prefetch(&s->slots[place(s, hashes[i])], 1);
  for (size_t i = 0; i < count; i++) {
    if (i + AHEAD < count) __builtin_prefetch(&s->slots[place(s, hashes[i + AHEAD])], 1);
    struct hash128 key = hash_set_key(hashes[i]), *slot = slot_of(s, key);
    known[i] = (slot->low | slot->high) != 0;
    if (known[i]) {
      slot->low |= 1;
    } else {
      *slot = key;
      s->count++;
    }
  }
}

void hash_set_find_all(const struct hash_set *s, const struct hash128 *hashes, size_t count, bool marked, unsigned char *known) {
  if (!s->capacity) {
    for (size_t i = 0; i < count; i++) known[i] = 0;
    return;
  }
  for (size_t i = 0; i < count && i < AHEAD; i++) __builtin_prefetch(&s->slots[place(s, hashes[i])]);
  for (size_t i = 0; i < count; i++) {
    if (i + AHEAD < count) __builtin_prefetch(&s->slots[place(s, hashes[i + AHEAD])]);
    const struct hash128 *slot = slot_of(s, hash_set_key(hashes[i]));
    known[i] = (slot->low | slot->high) != 0 && (!marked || (slot->low & 1));
  }
}
