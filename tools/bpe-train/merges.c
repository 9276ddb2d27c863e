/* SPDX-License-Identifier: MIT
 *
 * Incremental pair counts (Sennrich, Haddow, Birch 2016, learn_bpe.py; Hugging Face tokenizers).
 *
 * Each distinct piece is an array of symbols, shrinking in place, with its count.  Each pair of neighbours has a count
 * (64 bits: the sum over pieces of count x windows, overlapping ones too) and a list of the pieces that may hold it.
 * A merge visits the pieces on its list and changes the counts of the pairs beside it.  Only pairs with the new token
 * can rise, so these are pushed on the heap once, after the merge; others only fall, and a heap entry whose count is
 * too high goes back with the right one when it comes up.
 */
#include "tools/bpe-train/merges.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/token/pairs.h"

struct pair {
  uint32_t left, right;
  uint64_t count;
  uint32_t *words; /* rising */
  uint32_t word_count, word_capacity;
};

struct entry {
  uint64_t count;
  uint32_t left, right, pair;
};

struct trainer {
  enum tie tie;
  struct vocab *v;
  /* pieces */
  uint32_t *symbols;
  size_t *offset;
  uint32_t *length;
  uint64_t *weight;
  /* pairs */
  struct pair *pairs;
  size_t pair_count, pair_capacity;
  uint32_t *table; /* index + 1 by hash of (left, right); 0 empty */
  size_t mask;
  /* heap */
  struct entry *heap;
  size_t heap_count, heap_capacity;
};

/* ---- pairs ---------------------------------------------------------------------------------------------------------- */

static void table_grow(struct trainer *t) {
  size_t size = 2 * (t->mask + 1);
  free(t->table);
  t->table = NEW_ARRAY(uint32_t, size);
  t->mask = size - 1;
  for (size_t k = 0; k < t->pair_count; k++) {
    size_t i = pair_hash(pair_key(t->pairs[k].left, t->pairs[k].right)) & t->mask;
    while (t->table[i]) i = (i + 1) & t->mask;
    t->table[i] = (uint32_t)k + 1;
  }
}

static struct pair *pair_at(struct trainer *t, uint32_t left, uint32_t right) {
  size_t i = pair_hash(pair_key(left, right)) & t->mask;
  for (; t->table[i]; i = (i + 1) & t->mask) {
    struct pair *p = &t->pairs[t->table[i] - 1];
    if (p->left == left && p->right == right) return p;
  }
  if (t->pair_count * 2 > t->mask) {
    table_grow(t);
    return pair_at(t, left, right);
  }
  GROW(t->pairs, t->pair_capacity, t->pair_count + 1);
  t->table[i] = (uint32_t)++t->pair_count;
  struct pair *p = &t->pairs[t->pair_count - 1];
  *p = (struct pair){.left = left, .right = right};
  return p;
}

static void pair_add(struct trainer *t, uint32_t left, uint32_t right, uint32_t word) {
  struct pair *p = pair_at(t, left, right);
  p->count += t->weight[word];
  if (p->word_count && p->words[p->word_count - 1] == word) return;
  if (p->word_count == p->word_capacity) {
    p->word_capacity = p->word_capacity ? 2 * p->word_capacity : 2;
    p->words = RESIZE(p->words, p->word_capacity);
  }
  p->words[p->word_count++] = word;
}

static void pair_remove(struct trainer *t, uint32_t left, uint32_t right, uint32_t word) {
  pair_at(t, left, right)->count -= t->weight[word];
}

/* ---- heap ----------------------------------------------------------------------------------------------------------- */

static int compare_bytes(const struct trainer *t, uint32_t x, uint32_t y) {
  struct slice a = vocab_bytes(t->v, x), b = vocab_bytes(t->v, y);
  int c = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

static bool before(const struct trainer *t, const struct entry *a, const struct entry *b) {
  if (a->count != b->count) return a->count > b->count;
  if (t->tie == TIE_LEXICAL) {
    int c = a->left == b->left ? 0 : compare_bytes(t, a->left, b->left);
    if (c == 0) c = compare_bytes(t, a->right, b->right);
    return c > 0;
  }
  return a->left != b->left ? a->left < b->left : a->right < b->right;
}

static void heap_push(struct trainer *t, struct entry x) {
  GROW(t->heap, t->heap_capacity, t->heap_count + 1);
  size_t i = t->heap_count++;
  for (; i > 0 && before(t, &x, &t->heap[(i - 1) / 2]); i = (i - 1) / 2) t->heap[i] = t->heap[(i - 1) / 2];
  t->heap[i] = x;
}

/* Puts x in the place of the top. */
static void heap_sink(struct trainer *t, struct entry x) {
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < t->heap_count; i = child) {
    if (child + 1 < t->heap_count && before(t, &t->heap[child + 1], &t->heap[child])) child++;
    if (!before(t, &t->heap[child], &x)) break;
    t->heap[i] = t->heap[child];
  }
  t->heap[i] = x;
}

static void heap_drop(struct trainer *t) {
  struct entry last = t->heap[--t->heap_count];
  if (t->heap_count) heap_sink(t, last);
}

static void heap_add_pairs(struct trainer *t, size_t from) {
  for (size_t k = from; k < t->pair_count; k++)
    if (t->pairs[k].count) heap_push(t, (struct entry){t->pairs[k].count, t->pairs[k].left, t->pairs[k].right, (uint32_t)k});
}

/* Index of the best pair, or -1 when none is left. */
static int64_t heap_best(struct trainer *t) {
  while (t->heap_count) {
    struct entry top = t->heap[0];
    uint64_t count = t->pairs[top.pair].count;
    if (count == top.count) {
      heap_drop(t);
      return top.pair;
    }
    if (count == 0) heap_drop(t);
    else {
      top.count = count;
      heap_sink(t, top);
    }
  }
  return -1;
}

/* ---- merging -------------------------------------------------------------------------------------------------------- */

static void merge_word(struct trainer *t, uint32_t word, uint32_t left, uint32_t right, uint32_t made) {
  uint32_t *s = t->symbols + t->offset[word], n = t->length[word], to = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (s[i] != left || i + 1 == n || s[i + 1] != right) {
      s[to++] = s[i];
      continue;
    }
    if (to > 0) {
      pair_remove(t, s[to - 1], left, word);
      pair_add(t, s[to - 1], made, word);
    }
    if (i + 2 < n) {
      pair_remove(t, right, s[i + 2], word);
      pair_add(t, made, s[i + 2], word);
    }
    s[to++] = made;
    i++;
  }
  t->length[word] = to;
}

static void load_words(struct trainer *t, const struct word_counts *words, const uint32_t byte_id[256]) {
  size_t total = 0, at = 0;
  for (size_t w = 0; w < words->count; w++) total += words->items[w].bytes.len;
  t->symbols = MALLOC((total + 1) * sizeof *t->symbols);
  t->offset = MALLOC((words->count + 1) * sizeof *t->offset);
  t->length = MALLOC((words->count + 1) * sizeof *t->length);
  t->weight = MALLOC((words->count + 1) * sizeof *t->weight);
  for (size_t w = 0; w < words->count; w++) {
    struct slice bytes = words->items[w].bytes;
    t->offset[w] = at;
    t->length[w] = (uint32_t)bytes.len;
    t->weight[w] = words->items[w].count;
    for (size_t i = 0; i < bytes.len; i++) t->symbols[at++] = byte_id[(unsigned char)bytes.data[i]];
    for (size_t i = 0; i + 1 < bytes.len; i++) pair_add(t, t->symbols[at - bytes.len + i], t->symbols[at - bytes.len + i + 1], (uint32_t)w);
  }
}

static void add_bytes(struct vocab *v, enum tie tie, uint32_t byte_id[256]) {
  struct err e;
  uint32_t id = 0;
  /* GPT-2's order: first the bytes that print as themselves, then the others. */
  for (int pass = 0; pass < 2; pass++)
    for (unsigned b = 0; b < 256; b++) {
      bool itself = byte_to_unicode((unsigned char)b) == b;
      if (tie == TIE_HF ? itself != (pass == 0) : pass == 1) continue;
      char c = (char)b;
      vocab_add(v, id, (struct slice){&c, 1}, &e);
      byte_id[b] = id++;
    }
}

uint32_t merges_train(struct vocab *v, const struct word_counts *words, uint32_t merges, enum tie tie, void (*progress)(void *context, uint32_t done), void *context) {
  struct trainer t = {.tie = tie, .v = v, .mask = (1 << 16) - 1};
  uint32_t byte_id[256], done = 0;
  add_bytes(v, tie, byte_id);
  t.table = NEW_ARRAY(uint32_t, t.mask + 1);
  load_words(&t, words, byte_id);
  heap_add_pairs(&t, 0);
  struct buffer bytes = {0};
  while (done < merges) {
    int64_t best = heap_best(&t);
    if (best < 0) break;
    struct err e;
    uint32_t left = t.pairs[best].left, right = t.pairs[best].right, made = v->size;
    buffer_clear(&bytes);
    buffer_append_slice(&bytes, vocab_bytes(v, left));
    buffer_append_slice(&bytes, vocab_bytes(v, right));
    if (vocab_add(v, made, buffer_slice(&bytes), &e)) break;
    v->entries[made].left = left;
    v->entries[made].right = right;
    v->entries[made].rank = done++;
    uint32_t *list = t.pairs[best].words, n = t.pairs[best].word_count;
    size_t known = t.pair_count;
    t.pairs[best].words = NULL;
    t.pairs[best].word_count = t.pairs[best].word_capacity = 0;
    for (uint32_t i = 0; i < n; i++) merge_word(&t, list[i], left, right, made);
    free(list);
    heap_add_pairs(&t, known);
    if (progress && done % 256 == 0) progress(context, done);
  }
  for (size_t k = 0; k < t.pair_count; k++) free(t.pairs[k].words);
  free(t.pairs);
  free(t.table);
  free(t.heap);
  free(t.symbols);
  free(t.offset);
  free(t.length);
  free(t.weight);
  buffer_release(&bytes);
  return done;
}
