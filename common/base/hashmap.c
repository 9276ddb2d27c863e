/* SPDX-License-Identifier: MIT */
#include "common/base/hashmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"

enum { BLOCK = 1 << 16 };

struct block { /* keys, never moved */
  struct block *next;
  size_t used, size;
  char bytes[];
};

struct hashmap {
  uint32_t *slots;     /* index of entry + 1, 0 empty */
  uint32_t *tags;      /* high half of the key's hash: most misses end here */
  size_t mask;         /* slots - 1 */
  struct hashmap_entry *entries;
  size_t count, capacity;
  struct block *blocks;
  size_t key_bytes;
};

static void make_slots(struct hashmap *m, size_t n) {
  free(m->slots);
  free(m->tags);
  m->slots = NEW_ARRAY(uint32_t, n);
  m->tags = NEW_ARRAY(uint32_t, n);
  m->mask = n - 1;
}

struct hashmap *hashmap_new(void) {
  struct hashmap *m = NEW(struct hashmap);
  make_slots(m, 64);
  return m;
}

static void free_blocks(struct hashmap *m) {
  while (m->blocks) {
    struct block *next = m->blocks->next;
    free(m->blocks);
    m->blocks = next;
  }
  m->key_bytes = 0;
}

void hashmap_free(struct hashmap *m) {
  if (!m) return;
  free_blocks(m);
  free(m->slots);
  free(m->tags);
  free(m->entries);
  free(m);
}

void hashmap_clear(struct hashmap *m) {
  free_blocks(m);
  m->count = 0;
  memset(m->slots, 0, (m->mask + 1) * sizeof *m->slots);
}

static const char *keep(struct hashmap *m, struct slice key) {
  if (!m->blocks || m->blocks->size - m->blocks->used < key.len) {
    size_t size = key.len > BLOCK ? key.len : BLOCK;
    struct block *b = MALLOC(sizeof *b + size);
    *b = (struct block){m->blocks, 0, size};
    m->blocks = b;
    m->key_bytes += size;
  }
  char *at = m->blocks->bytes + m->blocks->used;
  if (key.len) memcpy(at, key.data, key.len);
  m->blocks->used += key.len;
  return at;
}

/* The slot that holds key, or the empty one where it belongs. */
static size_t locate(const struct hashmap *m, struct slice key, uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 32);
  size_t i = hash & m->mask;
  while (m->slots[i] && !(m->tags[i] == tag && slice_equal(m->entries[m->slots[i] - 1].key, key))) i = (i + 1) & m->mask;
  return i;
}

uint64_t *hashmap_find(const struct hashmap *m, struct slice key) {
  size_t i = locate(m, key, XXH3_64bits(key.data, key.len));
  return m->slots[i] ? &m->entries[m->slots[i] - 1].value : NULL;
}

static void grow(struct hashmap *m) {
  make_slots(m, (m->mask + 1) * 2);
  for (size_t e = 0; e < m->count; e++) {
    uint64_t hash = XXH3_64bits(m->entries[e].key.data, m->entries[e].key.len);
    size_t i = hash & m->mask;
    while (m->slots[i]) i = (i + 1) & m->mask;
    m->slots[i] = (uint32_t)e + 1;
    m->tags[i] = (uint32_t)(hash >> 32);
  }
}

uint64_t *hashmap_put(struct hashmap *m, struct slice key, bool *added) {
  uint64_t hash = XXH3_64bits(key.data, key.len);
  size_t i = locate(m, key, hash);
  if (added) *added = m->slots[i] == 0;
  if (m->slots[i]) return &m->entries[m->slots[i] - 1].value;
  if (m->count >= UINT32_MAX - 1) {
    fprintf(stderr, "%s:%d: more than 2^32 keys\n", __FILE__, __LINE__);
    abort();
  }
  if (m->count * 2 >= m->mask) {
    grow(m);
    i = locate(m, key, hash);
  }
  GROW(m->entries, m->capacity, m->count + 1);
  m->entries[m->count] = (struct hashmap_entry){{keep(m, key), key.len}, 0};
  m->tags[i] = (uint32_t)(hash >> 32);
  m->slots[i] = (uint32_t)++m->count;
  return &m->entries[m->count - 1].value;
}

size_t hashmap_count(const struct hashmap *m) { return m->count; }
const struct hashmap_entry *hashmap_entries(const struct hashmap *m) { return m->entries; }

size_t hashmap_memory(const struct hashmap *m) {
  return sizeof *m + (m->mask + 1) * 2 * sizeof *m->slots + m->capacity * sizeof *m->entries + m->key_bytes;
}
