/* SPDX-License-Identifier: MIT
 *
 * Pieces of at most 15 bytes are their own keys: 16 bytes with the length in the last one, in an open-addressed table
 * of {key, count}.  Longer ones go to a hash map.
 */
#include "tools/bpe-train/count.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"

enum { SHORT = 15 };

struct slot {
  uint64_t key[2]; /* key[1] 0: empty, as the length is never 0 */
  uint64_t count;
};

struct counter {
  struct slot *slots;
  size_t mask, used;
  struct hashmap *longer;
};

struct counter *counter_new(void) {
  struct counter *c = NEW(struct counter);
  c->mask = (1 << 14) - 1;
  c->slots = NEW_ARRAY(struct slot, c->mask + 1);
  c->longer = hashmap_new();
  return c;
}

void counter_free(struct counter *c) {
  if (!c) return;
  free(c->slots);
  hashmap_free(c->longer);
  free(c);
}

static inline size_t hash(const uint64_t key[2]) {
  unsigned __int128 m = (unsigned __int128)(key[0] ^ 0x9E3779B97F4A7C15u) * (key[1] ^ 0xA0761D6478BD642Fu);
  return (size_t)((uint64_t)m ^ (uint64_t)(m >> 64));
}

static struct slot *place(const struct counter *c, const uint64_t key[2]) {
  size_t i = hash(key) & c->mask;
  while (c->slots[i].key[1] && (c->slots[i].key[0] != key[0] || c->slots[i].key[1] != key[1])) i = (i + 1) & c->mask;
  return &c->slots[i];
}

static void grow(struct counter *c) {
  struct slot *old = c->slots;
  size_t size = c->mask + 1;
  c->mask = 2 * size - 1;
  c->slots = NEW_ARRAY(struct slot, 2 * size);
  for (size_t i = 0; i < size; i++)
    if (old[i].key[1]) *place(c, old[i].key) = old[i];
  free(old);
}

void counter_add(struct counter *c, struct slice piece) {
  if (piece.len > SHORT) {
    ++*hashmap_put(c->longer, piece, NULL);
    return;
  }
  uint64_t key[2] = {0, 0};
  if (piece.len >= 8) {
    uint64_t tail;
    memcpy(&key[0], piece.data, 8);
    memcpy(&tail, piece.data + piece.len - 8, 8);
    if (piece.len > 8) key[1] = tail >> (8 * (16 - piece.len));
  } else if (piece.len >= 4) {
    uint32_t head, tail;
    memcpy(&head, piece.data, 4);
    memcpy(&tail, piece.data + piece.len - 4, 4);
    key[0] = head | (uint64_t)tail << (8 * (piece.len - 4));
  } else {
    for (size_t i = 0; i < piece.len; i++) key[0] |= (uint64_t)(unsigned char)piece.data[i] << 8 * i;
  }
  key[1] |= (uint64_t)piece.len << 56;
  struct slot *s = place(c, key);
  if (s->key[1] == 0) {
    s->key[0] = key[0];
    s->key[1] = key[1];
    s->count = 1;
    if (++c->used * 2 > c->mask) grow(c);
  } else s->count++;
}

/* ---- merging -------------------------------------------------------------------------------------------------------- */

static int by_bytes(const void *x, const void *y) {
  const struct word_count *a = x, *b = y;
  int c = memcmp(a->bytes.data, b->bytes.data, a->bytes.len < b->bytes.len ? a->bytes.len : b->bytes.len);
  return c ? c : a->bytes.len < b->bytes.len ? -1 : a->bytes.len > b->bytes.len;
}

void counter_collect(struct word_counts *out, struct counter *const *counters, int n) {
  size_t total = 0, bytes = 0;
  for (int k = 0; k < n; k++) {
    const struct counter *c = counters[k];
    total += c->used + hashmap_count(c->longer);
    bytes += c->used * SHORT;
    for (size_t i = 0; i < hashmap_count(c->longer); i++) bytes += hashmap_entries(c->longer)[i].key.len;
  }
  memset(out, 0, sizeof *out);
  buffer_reserve(&out->arena, bytes + 16); /* never moves from here on */
  out->items = NEW_ARRAY(struct word_count, total + 1);
  for (int k = 0; k < n; k++) {
    const struct counter *c = counters[k];
    for (size_t i = 0; i <= c->mask; i++) {
      const struct slot *s = &c->slots[i];
      if (s->key[1] == 0) continue;
      struct word_count *w = &out->items[out->count++];
      *w = (struct word_count){{out->arena.data + out->arena.len, s->key[1] >> 56}, s->count};
      buffer_append(&out->arena, s->key, w->bytes.len); /* little-endian: the key's bytes are the piece's */
    }
    for (size_t i = 0; i < hashmap_count(c->longer); i++) {
      const struct hashmap_entry *entry = &hashmap_entries(c->longer)[i];
      struct word_count *w = &out->items[out->count++];
      *w = (struct word_count){{out->arena.data + out->arena.len, entry->key.len}, entry->value};
      buffer_append_slice(&out->arena, entry->key);
    }
  }
  qsort(out->items, out->count, sizeof out->items[0], by_bytes);
  size_t kept = 0;
  for (size_t i = 0; i < out->count; i++) {
    if (kept && slice_equal(out->items[kept - 1].bytes, out->items[i].bytes)) out->items[kept - 1].count += out->items[i].count;
    else out->items[kept++] = out->items[i];
  }
  out->count = kept;
}

void word_counts_release(struct word_counts *w) {
  free(w->items);
  buffer_release(&w->arena);
}
