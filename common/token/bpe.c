/* SPDX-License-Identifier: MIT
 *
 * Encoding of pieces.
 *
 * The cache is two-way associative: sets of 64 bytes, each two slots of {16-byte key, 4 ids}.  The key is the piece (at
 * most 15 bytes) with its length in the last byte; the number of ids stands in the top bits of the first one.  What is
 * new goes to the first slot of its set and pushes what stood there to the second.  Pieces of 16 to 255 bytes have a
 * direct-mapped index into a log of {piece, ids}, which starts again from nothing when it is full.
 *
 * Backtracking: the sequence of tokens that BPE gives is the only one in which every two neighbours, encoded together,
 * stay as they are.  So: take the longest token that fits its neighbour to the left, else a shorter one, else undo the
 * neighbour; positions that led nowhere are remembered in a bit set, so each is tried once.  This needs parts of lower
 * rank than their token and tokens that encode to themselves; otherwise pieces are merged with a heap.
 */
#include "common/token/bpe.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/token/pairs.h"

enum {
  ARRAY_LIMIT = 128,    /* longer pieces are encoded by backtracking */
  SHORT_KEY = 15,
  LONG_KEY = 255,
  SLOT_IDS = 4,
};

struct bpe {
  const struct vocab *v;
  uint32_t byte_id[256];
  struct pairs pairs;
  uint32_t *index;      /* ids + 1 by hash of bytes; 0 empty */
  size_t index_mask;
  /* for long pieces, made when the first one comes */
  pthread_mutex_t lock;
  int linear;           /* 0: not known yet; 1: backtracking is exact; -1: it is not */
  uint32_t *order;      /* 0 for bytes, else rank + 1 */
  uint32_t *sorted;     /* tokens that merges make, and bytes, by their bytes */
  uint32_t sorted_count;
  uint32_t *prefix;     /* longest token that is a proper prefix, or VOCAB_NONE */
  uint32_t start[65537]; /* tokens of two bytes and more by their first two bytes */
};

void ids_reserve(struct ids *ids, size_t more) {
  GROW(ids->data, ids->capacity, ids->len + more);
}

void ids_release(struct ids *ids) {
  free(ids->data);
  *ids = (struct ids){0};
}

/* ---- tables --------------------------------------------------------------------------------------------------------- */

static void pairs_insert(struct pairs *p, struct pair_slot slot) {
  size_t i = pair_hash(slot.key) & p->mask;
  for (; p->slots[i].key != PAIR_EMPTY; i = (i + 1) & p->mask)
    if (p->slots[i].key == slot.key) return;
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

struct bpe *bpe_new(const struct vocab *v) {
  struct bpe *b = NEW(struct bpe);
  b->v = v;
  pthread_mutex_init(&b->lock, NULL);
  size_t size = 1024, merges = 0;
  for (uint32_t id = 0; id < v->size; id++) merges += v->entries[id].rank != VOCAB_NONE;
  while (size < 2 * (size_t)v->size) size *= 2;
  b->index = NEW_ARRAY(uint32_t, size);
  b->index_mask = size - 1;
  pairs_reserve(&b->pairs, merges);
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->length == 0 || t->special) continue;
    if (t->length == 1) b->byte_id[(unsigned char)v->bytes.data[t->offset]] = id;
    if (t->rank != VOCAB_NONE) pairs_put(&b->pairs, t->left, t->right, t->rank, id);
    if (t->left == id) continue; /* for decoding only */
    size_t i = XXH3_64bits(v->bytes.data + t->offset, t->length) & b->index_mask;
    while (b->index[i]) i = (i + 1) & b->index_mask;
    b->index[i] = id + 1;
  }
  return b;
}

void bpe_free(struct bpe *b) {
  if (!b) return;
  pthread_mutex_destroy(&b->lock);
  free(b->pairs.slots);
  free(b->index);
  free(b->order);
  free(b->sorted);
  free(b->prefix);
  free(b);
}

int64_t bpe_find(const struct bpe *b, struct slice bytes) {
  if (bytes.len == 0) return -1;
  for (size_t i = XXH3_64bits(bytes.data, bytes.len) & b->index_mask; b->index[i]; i = (i + 1) & b->index_mask)
    if (slice_equal(vocab_bytes(b->v, b->index[i] - 1), bytes)) return b->index[i] - 1;
  return -1;
}

/* ---- short pieces: an array ----------------------------------------------------------------------------------------- */

void bpe_merge_array(const struct bpe *b, struct slice piece, struct ids *out) {
  uint32_t small[2 * ARRAY_LIMIT], *ids = small;
  size_t n = piece.len;
  if (n == 0) return;
  if (n > ARRAY_LIMIT) ids = MALLOC(2 * n * sizeof *ids);
  for (size_t i = 0; i < n; i++) ids[i] = b->byte_id[(unsigned char)piece.data[i]];
  n = pairs_merge(&b->pairs, ids, n, 1);
  ids_reserve(out, n);
  memcpy(out->data + out->len, ids, n * sizeof *ids);
  out->len += n;
  if (ids != small) free(ids);
}

/* ---- long pieces, any vocabulary: a heap ---------------------------------------------------------------------------- */

struct candidate {
  uint32_t rank;
  uint32_t id;
  size_t at; /* left symbol */
};

static inline bool earlier(struct candidate a, struct candidate b) { return a.rank != b.rank ? a.rank < b.rank : a.at < b.at; }

struct heap {
  struct candidate *items;
  size_t len, capacity;
};

static void heap_push(struct heap *h, struct candidate c) {
  GROW(h->items, h->capacity, h->len + 1);
  size_t i = h->len++;
  for (; i > 0 && earlier(c, h->items[(i - 1) / 2]); i = (i - 1) / 2) h->items[i] = h->items[(i - 1) / 2];
  h->items[i] = c;
}

static struct candidate heap_pop(struct heap *h) {
  struct candidate top = h->items[0], last = h->items[--h->len];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < h->len; i = child) {
    if (child + 1 < h->len && earlier(h->items[child + 1], h->items[child])) child++;
    if (!earlier(h->items[child], last)) break;
    h->items[i] = h->items[child];
  }
  if (h->len) h->items[i] = last;
  return top;
}

struct symbol {
  uint32_t id; /* VOCAB_NONE: merged into the one before */
  size_t before, after;
};

static void consider(const struct bpe *b, struct heap *h, const struct symbol *symbols, size_t at, size_t end) {
  if (symbols[at].after >= end) return;
  const struct pair_slot *s = pairs_find(&b->pairs, symbols[at].id, symbols[symbols[at].after].id);
  if (s) heap_push(h, (struct candidate){s->rank, s->id, at});
}

static void merge_heap(const struct bpe *b, struct slice piece, struct ids *out) {
  size_t n = piece.len;
  struct symbol *symbols = MALLOC(n * sizeof *symbols);
  struct heap heap = {0};
  for (size_t i = 0; i < n; i++) symbols[i] = (struct symbol){b->byte_id[(unsigned char)piece.data[i]], i - 1, i + 1};
  for (size_t i = 0; i + 1 < n; i++) consider(b, &heap, symbols, i, n);
  while (heap.len) {
    struct candidate c = heap_pop(&heap);
    struct symbol *left = &symbols[c.at];
    if (left->id == VOCAB_NONE || left->after >= n) continue;
    struct symbol *right = &symbols[left->after];
    const struct pair_slot *s = pairs_find(&b->pairs, left->id, right->id);
    if (!s || s->rank != c.rank) continue; /* its symbols have changed since */
    left->id = s->id;
    right->id = VOCAB_NONE;
    left->after = right->after;
    if (left->after < n) symbols[left->after].before = c.at;
    consider(b, &heap, symbols, c.at, n);
    if (left->before < n) consider(b, &heap, symbols, left->before, n);
  }
  ids_reserve(out, n);
  for (size_t i = 0; i < n; i = symbols[i].after) out->data[out->len++] = symbols[i].id;
  free(heap.items);
  free(symbols);
}

/* ---- long pieces: backtracking -------------------------------------------------------------------------------------- */

/* Would a and b, next to each other, stay as they are when merges of order below `limit` apply? */
static bool stay(const struct bpe *b, uint32_t left, uint32_t right, uint32_t limit) {
  const struct vocab_entry *entries = b->v->entries;
  for (;;) {
    const struct pair_slot *s = pairs_find(&b->pairs, left, right);
    if (s && s->rank + 1 < limit) return false;
    if (b->order[left] > b->order[right]) {
      limit = b->order[left];
      left = entries[left].right;
    } else {
      if (b->order[right] == 0) return true;
      limit = b->order[right] + 1;
      right = entries[right].left;
    }
  }
}

static int compare_tokens(const void *x, const void *y, void *context) {
  const struct vocab *v = context;
  struct slice a = vocab_bytes(v, *(const uint32_t *)x), b = vocab_bytes(v, *(const uint32_t *)y);
  int c = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

static void prepare_linear(struct bpe *b) {
  const struct vocab *v = b->v;
  int linear = 1;
  b->order = NEW_ARRAY(uint32_t, v->size);
  b->sorted = NEW_ARRAY(uint32_t, v->size);
  b->prefix = NEW_ARRAY(uint32_t, v->size);
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    b->order[id] = t->rank == VOCAB_NONE ? 0 : t->rank + 1;
    b->prefix[id] = VOCAB_NONE;
    if (!t->special && (t->length == 1 || t->rank != VOCAB_NONE)) b->sorted[b->sorted_count++] = id;
  }
  for (uint32_t i = 0; i < b->sorted_count && linear > 0; i++) {
    const struct vocab_entry *t = &v->entries[b->sorted[i]];
    if (t->rank == VOCAB_NONE) continue;
    bool parts = (v->entries[t->left].length == 1 || v->entries[t->left].rank < t->rank) && (v->entries[t->right].length == 1 || v->entries[t->right].rank < t->rank);
    if (!parts || t->length == 1) linear = -1;
  }
  for (uint32_t i = 0; i < b->sorted_count && linear > 0; i++) {
    const struct vocab_entry *t = &v->entries[b->sorted[i]];
    if (t->rank != VOCAB_NONE && !stay(b, t->left, t->right, t->rank + 1)) linear = -1;
  }
  if (linear > 0) {
    qsort_r(b->sorted, b->sorted_count, sizeof b->sorted[0], compare_tokens, (void *)v);
    struct ids open = {0}; /* prefixes of the current token, each of the next */
    uint32_t pair = 0;
    for (uint32_t i = 0; i < b->sorted_count; i++) {
      uint32_t id = b->sorted[i];
      struct slice bytes = vocab_bytes(v, id);
      while (open.len && !slice_starts(bytes, vocab_bytes(v, open.data[open.len - 1]))) open.len--;
      if (open.len) b->prefix[id] = open.data[open.len - 1];
      ids_reserve(&open, 1);
      open.data[open.len++] = id;
      if (bytes.len > 1)
        for (uint32_t p = (uint32_t)(unsigned char)bytes.data[0] << 8 | (unsigned char)bytes.data[1]; pair <= p; pair++) b->start[pair] = i;
    }
    for (; pair <= 65536; pair++) b->start[pair] = b->sorted_count;
    ids_release(&open);
  }
  __atomic_store_n(&b->linear, linear, __ATOMIC_RELEASE);
}

static bool is_linear(const struct bpe *shared) {
  struct bpe *b = (struct bpe *)shared;
  if (__atomic_load_n(&b->linear, __ATOMIC_ACQUIRE) == 0) {
    pthread_mutex_lock(&b->lock);
    if (b->linear == 0) prepare_linear(b);
    pthread_mutex_unlock(&b->lock);
  }
  return b->linear > 0;
}

/* Longest token that the text starts with: the range of sorted tokens narrows byte by byte. */
static uint32_t longest(const struct bpe *b, const unsigned char *text, size_t n) {
  const struct vocab *v = b->v;
  const unsigned char *bytes = (const unsigned char *)v->bytes.data;
  uint32_t best = b->byte_id[text[0]];
  if (n < 2) return best;
  uint32_t pair = (uint32_t)text[0] << 8 | text[1], low = b->start[pair], high = b->start[pair + 1];
  /* A lone byte sorts before its longer tokens, at the end of the range of the pair before. */
  while (high > low && v->entries[b->sorted[high - 1]].length < 2) high--;
  for (size_t depth = 2; low < high; depth++) {
    const struct vocab_entry *first = &v->entries[b->sorted[low]];
    if (first->length == depth) {
      best = b->sorted[low];
      low++;
    }
    if (depth == n || low == high) break;
    /* Tokens in the range share `depth` bytes and are longer: those whose next byte is text[depth]. */
    unsigned char c = text[depth];
    uint32_t l = low, h = high;
    while (l < h) {
      uint32_t middle = l + (h - l) / 2;
      if (bytes[v->entries[b->sorted[middle]].offset + depth] < c) l = middle + 1;
      else h = middle;
    }
    low = l;
    h = high;
    while (l < h) {
      uint32_t middle = l + (h - l) / 2;
      if (bytes[v->entries[b->sorted[middle]].offset + depth] <= c) l = middle + 1;
      else h = middle;
    }
    high = l;
  }
  return best;
}

void bpe_merge_backtracking(const struct bpe *b, struct slice piece, struct ids *out) {
  size_t n = piece.len, at = 0;
  if (n == 0) return;
  if (!is_linear(b)) {
    merge_heap(b, piece, out);
    return;
  }
  const unsigned char *text = (const unsigned char *)piece.data;
  uint8_t *dead = NEW_ARRAY(uint8_t, n / 8 + 1);
  size_t first = out->len;
  uint32_t token = longest(b, text, n);
  while (at < n) {
    size_t end = at + b->v->entries[token].length;
    if (!(dead[end >> 3] >> (end & 7) & 1) && (out->len == first || stay(b, out->data[out->len - 1], token, UINT32_MAX))) {
      ids_reserve(out, 1);
      out->data[out->len++] = token;
      at = end;
      if (at < n) token = longest(b, text + at, n - at);
    } else if (b->prefix[token] != VOCAB_NONE) {
      token = b->prefix[token];
    } else {
      /* The bytes themselves are a valid start, so something is left to undo. */
      dead[at >> 3] |= (uint8_t)(1 << (at & 7));
      token = out->data[--out->len];
      at -= b->v->entries[token].length;
    }
  }
  free(dead);
}

/* ---- cache ---------------------------------------------------------------------------------------------------------- */

struct slot {
  uint64_t key[2];
  uint32_t ids[SLOT_IDS];
};

struct bpe_cache {
  struct slot *slots; /* pairs of them */
  size_t mask;        /* of sets */
  uint32_t *index;    /* offset + 1 of an entry of `log`, in words of 4 bytes */
  size_t index_mask;
  uint32_t *log;      /* {length | count << 16, piece padded to words, ids} */
  size_t log_len, log_capacity;
};

struct bpe_cache *bpe_cache_new(size_t memory) {
  struct bpe_cache *c = NEW(struct bpe_cache);
  size_t sets = 64, half = memory / 2;
  while (sets * 2 * 2 * sizeof(struct slot) <= half) sets *= 2;
  c->slots = ALIGNED(64, sets * 2 * sizeof(struct slot));
  memset(c->slots, 0, sets * 2 * sizeof(struct slot));
  c->mask = sets - 1;
  size_t entries = 64;
  while (entries * 2 * sizeof(uint32_t) <= half / 8) entries *= 2;
  c->index = NEW_ARRAY(uint32_t, entries);
  c->index_mask = entries - 1;
  c->log_capacity = half / 4 * 3 / sizeof(uint32_t);
  if (c->log_capacity < 1024) c->log_capacity = 1024;
  c->log = MALLOC(c->log_capacity * sizeof(uint32_t));
  return c;
}

void bpe_cache_free(struct bpe_cache *c) {
  if (!c) return;
  free(c->slots);
  free(c->index);
  free(c->log);
  free(c);
}

static void encode_uncached(const struct bpe *b, struct slice piece, struct ids *out) {
  int64_t whole = bpe_find(b, piece);
  if (whole >= 0) {
    ids_reserve(out, 1);
    out->data[out->len++] = (uint32_t)whole;
  } else if (piece.len <= ARRAY_LIMIT) bpe_merge_array(b, piece, out);
  else bpe_merge_backtracking(b, piece, out);
}

static void encode_long(const struct bpe *b, struct bpe_cache *c, struct slice piece, struct ids *out) {
  uint32_t *place = &c->index[XXH3_64bits(piece.data, piece.len) & c->index_mask];
  size_t words = (piece.len + 3) / 4;
  if (*place) {
    const uint32_t *entry = c->log + *place - 1;
    if ((entry[0] & 0xFFFF) == piece.len && memcmp(entry + 1, piece.data, piece.len) == 0) {
      size_t count = entry[0] >> 16;
      ids_reserve(out, count);
      memcpy(out->data + out->len, entry + 1 + words, count * sizeof(uint32_t));
      out->len += count;
      return;
    }
  }
  size_t first = out->len;
  encode_uncached(b, piece, out);
  size_t count = out->len - first, need = 1 + words + count;
  if (c->log_len + need > c->log_capacity) {
    memset(c->index, 0, (c->index_mask + 1) * sizeof(uint32_t));
    c->log_len = 0;
    if (need > c->log_capacity) return;
  }
  uint32_t *entry = c->log + c->log_len;
  *place = (uint32_t)c->log_len + 1;
  c->log_len += need;
  entry[0] = (uint32_t)piece.len | (uint32_t)count << 16;
  memcpy(entry + 1, piece.data, piece.len);
  memcpy(entry + 1 + words, out->data + first, count * sizeof(uint32_t));
}

/* A piece of 2 to 15 bytes as a key; `readable` bytes may be read at its start. */
static inline void make_key(uint64_t key[2], const char *piece, size_t n, size_t readable) {
  if (readable >= 16) {
    memcpy(key, piece, 16);
    if (n < 8) {
      key[0] &= (UINT64_C(1) << 8 * n) - 1;
      key[1] = 0;
    } else key[1] &= (UINT64_C(1) << 8 * (n - 8)) - 1;
  } else {
    key[0] = key[1] = 0;
    memcpy(key, piece, n);
  }
  key[1] |= (uint64_t)n << 56;
}

static inline struct slot *cache_set(const struct bpe_cache *c, const uint64_t key[2]) {
  unsigned __int128 m = (unsigned __int128)(key[0] ^ 0x9E3779B97F4A7C15u) * (key[1] ^ 0xA0761D6478BD642Fu);
  return c->slots + 2 * (((uint64_t)m ^ (uint64_t)(m >> 64)) & c->mask);
}

/* There is room for SLOT_IDS ids in out. */
static inline void encode_short(const struct bpe *b, struct slot *set, const uint64_t key[2], struct slice piece, struct ids *out) {
  for (int i = 0; i < 2; i++) {
    if (set[i].key[0] != key[0] || set[i].key[1] != key[1]) continue;
    uint32_t *to = out->data + out->len;
    memcpy(to, set[i].ids, sizeof set[i].ids);
    out->len += (to[0] >> 28) + 1;
    to[0] &= 0x0FFFFFFF;
    return;
  }
  size_t first = out->len;
  encode_uncached(b, piece, out);
  size_t count = out->len - first;
  if (count > SLOT_IDS) return;
  set[1] = set[0];
  set[0].key[0] = key[0];
  set[0].key[1] = key[1];
  memset(set[0].ids, 0, sizeof set[0].ids);
  memcpy(set[0].ids, out->data + first, count * sizeof(uint32_t));
  set[0].ids[0] |= (uint32_t)(count - 1) << 28;
}

void bpe_encode_piece(const struct bpe *b, struct bpe_cache *c, struct slice piece, struct ids *out) {
  if (c && piece.len > 1) {
    uint32_t end = (uint32_t)piece.len;
    bpe_encode_pieces(b, c, piece, 0, &end, 1, out);
    return;
  }
  encode_uncached(b, piece, out);
}

void bpe_encode_pieces(const struct bpe *b, struct bpe_cache *c, struct slice text, size_t from, const uint32_t *ends, int count, struct ids *out) {
  uint64_t keys[BPE_PIECES][2];
  struct slot *sets[BPE_PIECES];
  uint32_t begin = 0;
  text = (struct slice){text.data + from, text.len - from};
  for (int i = 0; i < count; i++) {
    size_t n = ends[i] - begin;
    if (n > 1 && n <= SHORT_KEY) {
      make_key(keys[i], text.data + begin, n, text.len - begin);
      sets[i] = cache_set(c, keys[i]);
      __builtin_prefetch(sets[i]);
    }
    begin = ends[i];
  }
  begin = 0;
  for (int i = 0; i < count; i++) {
    struct slice piece = {text.data + begin, ends[i] - begin};
    begin = ends[i];
    if (out->capacity - out->len < SLOT_IDS) ids_reserve(out, BPE_PIECES);
    if (piece.len == 1) out->data[out->len++] = b->byte_id[(unsigned char)piece.data[0]];
    else if (piece.len <= SHORT_KEY) encode_short(b, sets[i], keys[i], piece, out);
    else if (piece.len <= LONG_KEY) encode_long(b, c, piece, out);
    else encode_uncached(b, piece, out);
  }
}
