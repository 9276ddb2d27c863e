/* SPDX-License-Identifier: MIT
 *
 * Long pieces.
 *
 * Runs: while every part ranks below its token, no merge makes a pair that ranks below it, so that all occurrences of the
 * lowest pair can be merged at once.  Text is a list of (symbol, count): one entry for a run of one byte, which takes
 * logarithmic time, and soon as short for a short period.
 *
 * Backtracking: the sequence of tokens that BPE gives is the only one in which every two neighbours, encoded together,
 * stay as they are.  So: take the longest token that fits its neighbour to the left, else a shorter one, else undo the
 * neighbour; positions that led nowhere are remembered in a bit set, so each is tried once
 * (github.com/github/rust-gems, crates/bpe).  This needs parts of lower rank than their token and tokens that encode to
 * themselves.  Longest tokens come from a trie: first two bytes by a table, each further byte by a hash of (node, byte).
 * Whether two tokens fit is remembered in a small table.
 *
 * Heap: any vocabulary, n log n; also the first pieces, as the trie costs as much as some 10 KB of text.
 *
 * Parts: two bytes that stand next to each other in no token are never joined, so that a piece may be cut between them.
 * Text that is not words, such as base64, random bytes, ideographs and signs, falls into parts of a few bytes, which merge
 * side by side; only parts of more than BPE_SHORT bytes are left for backtracking and the heap.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/token/bpe_tables.h"

enum {
  PERIOD_MOST = 4,
  PERIODIC_MOST = 4 << 20,    /* bytes */
  LINEAR_FROM = 1 << 19,      /* bytes of pieces to merge before the trie is made, those of long pieces counted eight times */
  FIT_BITS = 12,              /* log2 of the table of fits of one long piece */
  PART_BYTES = 16,            /* parts are put together up to this length */
  PARTS = 32,
  TRIE_NODES = 1 << 24,       /* an edge's key has 24 bits for its node */
};

/* ---- runs of one byte ----------------------------------------------------------------------------------------------- */

struct run {
  uint32_t symbol;
  size_t count;
};

struct runs {
  struct run *items;
  size_t len, capacity;
};

static void runs_push(struct runs *r, uint32_t symbol, size_t count) {
  if (count == 0) return;
  if (r->len && r->items[r->len - 1].symbol == symbol) {
    r->items[r->len - 1].count += count;
    return;
  }
  GROW(r->items, r->capacity, r->len + 1);
  r->items[r->len++] = (struct run){symbol, count};
}

static bool has_period(struct slice piece, size_t period) { return memcmp(piece.data, piece.data + period, piece.len - period) == 0; }

/* Pieces that become short lists at once: the list of a period of two and more has one entry a byte to start with. */
static bool is_short_list(struct slice piece) {
  if (has_period(piece, 1)) return true;
  for (size_t period = 2; period <= PERIOD_MOST && piece.len <= PERIODIC_MOST; period++)
    if (has_period(piece, period)) return true;
  return false;
}

static void merge_runs(const struct bpe *b, struct slice piece, struct ids *out) {
  struct runs now = {0}, next = {0};
  if (has_period(piece, 1)) runs_push(&now, (unsigned char)piece.data[0], piece.len);
  else
    for (size_t i = 0; i < piece.len; i++) runs_push(&now, (unsigned char)piece.data[i], 1);
  for (;;) {
    uint32_t best = BPE_NONE;
    for (size_t i = 0; i < now.len; i++) {
      uint32_t same = now.items[i].count > 1 ? bpe_pair(b, now.items[i].symbol, now.items[i].symbol) : BPE_NONE;
      uint32_t other = i + 1 < now.len ? bpe_pair(b, now.items[i].symbol, now.items[i + 1].symbol) : BPE_NONE;
      if (same < best) best = same;
      if (other < best) best = other;
    }
    if (best == BPE_NONE) break;
    struct bpe_parts parts = b->parts[best];
    next.len = 0;
    for (size_t i = 0; i < now.len; i++) {
      struct run run = now.items[i];
      if (run.symbol == parts.left && parts.left == parts.right) {
        runs_push(&next, best, run.count / 2);
        runs_push(&next, run.symbol, run.count % 2);
      } else if (run.symbol == parts.left && i + 1 < now.len && now.items[i + 1].symbol == parts.right) {
        runs_push(&next, run.symbol, run.count - 1);
        runs_push(&next, best, 1);
        now.items[i + 1].count--; /* of other symbols, so that none is merged twice */
      } else runs_push(&next, run.symbol, run.count);
    }
    struct runs swap = now;
    now = next;
    next = swap;
  }
  size_t n = 0;
  for (size_t i = 0; i < now.len; i++) n += now.items[i].count;
  ids_reserve(out, n);
  for (size_t i = 0; i < now.len; i++) {
    uint32_t id = b->id[now.items[i].symbol], *to = out->data + out->len;
    for (size_t k = 0; k < now.items[i].count; k++) to[k] = id;
    out->len += now.items[i].count;
  }
  free(now.items);
  free(next.items);
}

void bpe_merge_runs(const struct bpe *b, struct slice piece, struct ids *out) {
  if (piece.len == 0) return;
  if (b->monotonic) merge_runs(b, piece, out);
  else bpe_merge_heap(b, piece, out);
}

/* ---- any vocabulary: a heap ----------------------------------------------------------------------------------------- */

struct candidate {
  uint32_t made; /* symbol, which is its rank */
  size_t at;     /* of the left one */
};

static inline bool earlier(struct candidate a, struct candidate b) { return a.made != b.made ? a.made < b.made : a.at < b.at; }

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

struct place {
  uint32_t symbol; /* BPE_NONE: merged into the one before */
  size_t before, after;
};

static void consider(const struct bpe *b, struct heap *h, const struct place *places, size_t at, size_t end) {
  if (places[at].after >= end) return;
  uint32_t made = bpe_pair(b, places[at].symbol, places[places[at].after].symbol);
  if (made != BPE_NONE) heap_push(h, (struct candidate){made, at});
}

void bpe_merge_heap(const struct bpe *b, struct slice piece, struct ids *out) {
  size_t n = piece.len;
  if (n == 0) return;
  struct place *places = MALLOC(n * sizeof *places);
  struct heap heap = {0};
  for (size_t i = 0; i < n; i++) places[i] = (struct place){(unsigned char)piece.data[i], i - 1, i + 1};
  for (size_t i = 0; i + 1 < n; i++) consider(b, &heap, places, i, n);
  while (heap.len) {
    struct candidate c = heap_pop(&heap);
    struct place *left = &places[c.at];
    if (left->symbol == BPE_NONE || left->after >= n) continue;
    struct place *right = &places[left->after];
    if (b->parts[c.made].left != left->symbol || b->parts[c.made].right != right->symbol) continue; /* changed since */
    left->symbol = c.made;
    right->symbol = BPE_NONE;
    left->after = right->after;
    if (left->after < n) places[left->after].before = c.at;
    consider(b, &heap, places, c.at, n);
    if (left->before < n) consider(b, &heap, places, left->before, n);
  }
  ids_reserve(out, n);
  for (size_t i = 0; i < n; i = places[i].after) out->data[out->len++] = b->id[places[i].symbol];
  free(heap.items);
  free(places);
}

/* ---- backtracking --------------------------------------------------------------------------------------------------- */

struct edge {
  uint32_t key; /* node << 8 | byte; 0: empty, as nodes count from 1 */
  uint32_t to;
};

struct node {
  uint32_t symbol; /* longest token that is a prefix of the path, the path itself included; BPE_NONE: only its first byte */
  uint32_t above;  /* 0 for paths of two bytes */
};

struct bpe_linear {
  struct edge *edges;
  int shift;
  size_t edge_count;
  struct node *nodes;   /* node 0: nowhere; those of two bytes and more follow */
  uint32_t count;
  size_t capacity;
  uint32_t start[65536]; /* node of two bytes, 0: none */
  uint32_t *prefix;     /* of a symbol: longest proper prefix that is a token, BPE_NONE for bytes */
  uint32_t *length;     /* of a symbol */
};

static inline uint32_t edge_hash(uint32_t key, int shift) { return (uint32_t)((key * 0x9E3779B97F4A7C15u) >> shift); }

static inline uint32_t trie_step(const struct bpe_linear *l, uint32_t node, unsigned char c) {
  uint32_t key = node << 8 | c, mask = (uint32_t)(UINT64_MAX >> l->shift);
  for (uint32_t i = edge_hash(key, l->shift);; i = (i + 1) & mask) {
    if (l->edges[i].key == key) return l->edges[i].to;
    if (l->edges[i].key == 0) return 0;
  }
}

static void edges_insert(struct bpe_linear *l, struct edge edge) {
  uint32_t mask = (uint32_t)(UINT64_MAX >> l->shift), i = edge_hash(edge.key, l->shift);
  while (l->edges[i].key) i = (i + 1) & mask;
  l->edges[i] = edge;
}

static void edges_resize(struct bpe_linear *l, int bits) {
  struct edge *old = l->edges;
  size_t old_size = old ? (size_t)1 << (64 - l->shift) : 0, size = (size_t)1 << bits;
  l->edges = bpe_map(size * sizeof *l->edges);
  l->shift = 64 - bits;
  for (size_t i = 0; i < old_size; i++)
    if (old[i].key) edges_insert(l, old[i]);
  bpe_unmap(old, old_size * sizeof *old);
}

static uint32_t trie_add(struct bpe_linear *l, uint32_t above) {
  GROW(l->nodes, l->capacity, (size_t)l->count + 1);
  l->nodes[l->count] = (struct node){BPE_NONE, above};
  return l->count++;
}

/* Would left and right, next to each other, stay as they are when merges of symbols below `limit` apply? */
static bool stay(const struct bpe *b, uint32_t left, uint32_t right, uint32_t limit) {
  for (;;) {
    uint32_t made = bpe_pair(b, left, right);
    if (made < limit) return false;
    if (left >= 256 && (right < 256 || left > right)) {
      limit = left;
      left = b->parts[left].right;
    } else {
      if (right < 256) return true;
      limit = right + 1;
      right = b->parts[right].left;
    }
  }
}

/* The first pairs that it will look at. */
static inline void stay_fetch(const struct bpe *b, uint32_t left, uint32_t right) {
  for (int k = 0; k < 3; k++) {
    __builtin_prefetch(bpe_pair_bucket(b, bpe_pair_key(left, right)));
    if (left >= 256 && (right < 256 || left > right)) left = b->parts[left].right;
    else if (right < 256) return;
    else right = b->parts[right].left;
  }
}

void bpe_linear_free(struct bpe_linear *l) {
  if (!l) return;
  if (l->edges) bpe_unmap(l->edges, sizeof *l->edges << (64 - l->shift));
  free(l->nodes);
  free(l->prefix);
  free(l->length);
  free(l);
}

static inline const unsigned char *bytes_of(const struct bpe *b, uint32_t symbol) {
  return (const unsigned char *)b->v->bytes.data + b->v->entries[b->id[symbol]].offset;
}

/* Where the path of a symbol leaves that of its left part, which has a lower number and so is there. */
static inline uint32_t trie_above(const struct bpe_linear *l, const uint32_t *node_of, uint32_t left, const unsigned char *bytes) {
  return left < 256 ? l->start[(uint32_t)bytes[0] << 8 | bytes[1]] : node_of[left];
}

/* Adds the path of a symbol below that of its left part; false when there are too many nodes. */
static bool trie_insert(struct bpe_linear *l, uint32_t *node_of, const struct bpe *b, uint32_t symbol) {
  const unsigned char *bytes = bytes_of(b, symbol);
  uint32_t left = b->parts[symbol].left, node = trie_above(l, node_of, left, bytes), length = l->length[symbol];
  if (node == 0) node = l->start[(uint32_t)bytes[0] << 8 | bytes[1]] = trie_add(l, 0);
  for (uint32_t depth = left < 256 ? 2 : l->length[left]; depth < length; depth++) {
    uint32_t key = node << 8 | bytes[depth], mask = (uint32_t)(UINT64_MAX >> l->shift), i = edge_hash(key, l->shift);
    while (l->edges[i].key != key && l->edges[i].key != 0) i = (i + 1) & mask;
    uint32_t next = l->edges[i].to;
    if (l->edges[i].key == 0) {
      if (l->count == TRIE_NODES - 1) return false;
      next = trie_add(l, node);
      l->edges[i] = (struct edge){key, next};
      if (2 * ++l->edge_count > (size_t)1 << (64 - l->shift)) edges_resize(l, 65 - l->shift);
    }
    node = next;
  }
  node_of[symbol] = node;
  l->nodes[node].symbol = symbol;
  return true;
}

/* The first edge that a symbol will need; its left part is mostly there by now. */
static inline void trie_fetch(const struct bpe_linear *l, const uint32_t *node_of, const struct bpe *b, uint32_t symbol) {
  uint32_t left = b->parts[symbol].left, depth = left < 256 ? 2 : l->length[left];
  const unsigned char *bytes = bytes_of(b, symbol);
  if (depth < l->length[symbol]) __builtin_prefetch(&l->edges[edge_hash(trie_above(l, node_of, left, bytes) << 8 | bytes[depth], l->shift)], 1);
}

/* Nodes without a token of their own take that of the node above, once all are there; a node is made after that one. */
static void trie_fill(struct bpe_linear *l, const struct bpe *b, const uint32_t *node_of) {
  uint32_t *passed = MALLOC(l->count * sizeof *passed);
  passed[0] = BPE_NONE;
  for (uint32_t n = 1; n < l->count; n++) {
    passed[n] = l->nodes[l->nodes[n].above].symbol;
    if (l->nodes[n].symbol == BPE_NONE) l->nodes[n].symbol = passed[n];
  }
  for (uint32_t s = 0; s < 256; s++) l->prefix[s] = BPE_NONE;
  for (uint32_t s = 256; s < b->symbols; s++) l->prefix[s] = passed[node_of[s]] != BPE_NONE ? passed[node_of[s]] : bytes_of(b, s)[0];
  free(passed);
}

static void prepare_linear(struct bpe *b) {
  bool linear = b->monotonic;
  for (uint32_t s = 256; s < b->symbols && linear; s++) {
    if (s + 16 < b->symbols) stay_fetch(b, b->parts[s + 16].left, b->parts[s + 16].right);
    linear = stay(b, b->parts[s].left, b->parts[s].right, s);
  }
  if (linear) {
    struct bpe_linear *l = NEW(struct bpe_linear);
    uint32_t *node_of = NEW_ARRAY(uint32_t, b->symbols);
    int bits = 10;
    while ((size_t)1 << bits < 5 * (size_t)b->symbols / 2) bits++;
    edges_resize(l, bits);
    l->capacity = 2 * (size_t)b->symbols;
    l->nodes = MALLOC(l->capacity * sizeof *l->nodes);
    l->prefix = MALLOC(b->symbols * sizeof *l->prefix);
    l->length = MALLOC(b->symbols * sizeof *l->length);
    trie_add(l, 0);
    for (uint32_t s = 0; s < 256; s++) l->length[s] = 1;
    for (uint32_t s = 256; s < b->symbols; s++) l->length[s] = b->v->entries[b->id[s]].length;
    for (uint32_t s = 256; s < b->symbols && linear; s++) {
      if (s + 16 < b->symbols) trie_fetch(l, node_of, b, s + 16);
      linear = trie_insert(l, node_of, b, s);
    }
    if (linear) trie_fill(l, b, node_of);
    free(node_of);
    if (linear) b->linear = l;
    else bpe_linear_free(l);
  }
  __atomic_store_n(&b->linear_known, linear ? 1 : -1, __ATOMIC_RELEASE);
}

/* The tables are shared and immutable but for these, which are made under a lock. */
static bool is_linear(const struct bpe *shared) {
  struct bpe *b = (struct bpe *)shared;
  if (__atomic_load_n(&b->linear_known, __ATOMIC_ACQUIRE) == 0) {
    pthread_mutex_lock(&b->lock);
    if (b->linear_known == 0) prepare_linear(b);
    pthread_mutex_unlock(&b->lock);
  }
  return b->linear_known > 0;
}

/* Longest token that the text starts with. */
static inline uint32_t longest(const struct bpe_linear *l, const unsigned char *text, size_t n) {
  uint32_t best = text[0], node;
  if (n < 2 || (node = l->start[(uint32_t)text[0] << 8 | text[1]]) == 0) return best;
  size_t depth = 2;
  for (uint32_t next; depth < n && (next = trie_step(l, node, text[depth])) != 0; depth++) node = next;
  return l->nodes[node].symbol != BPE_NONE ? l->nodes[node].symbol : best;
}

static inline bool fit(const struct bpe *b, const struct bpe_fits *fits, uint32_t left, uint32_t right) {
  struct bpe_fit *f = &fits->table[bpe_pair_hash(left, right) >> fits->shift];
  if (f->left == left + 1 && (f->right & INT32_MAX) == right + 1) return f->right >> 31;
  bool fit = stay(b, left, right, BPE_NONE);
  *f = (struct bpe_fit){left + 1, (right + 1) | (uint32_t)fit << 31};
  return fit;
}

static inline __attribute__((always_inline)) void backtrack(const struct bpe *b, const struct bpe_fits *fits, uint64_t *dead, struct slice piece,
                                                            struct ids *out) {
  const struct bpe_linear *l = b->linear;
  size_t n = piece.len, at = 0;
  const unsigned char *text = (const unsigned char *)piece.data;
  ids_reserve(out, n);
  uint32_t *first = out->data + out->len, *to = first;
  uint32_t token = longest(l, text, n);
  while (at < n) {
    size_t end = at + l->length[token];
    if (!(dead[end >> 6] >> (end & 63) & 1) && (to == first || fit(b, fits, to[-1], token))) {
      *to++ = token;
      at = end;
      if (at < n) token = longest(l, text + at, n - at);
    } else if (l->prefix[token] != BPE_NONE) {
      token = l->prefix[token];
    } else {
      /* The bytes themselves are a valid start, so something is left to undo. */
      dead[at >> 6] |= UINT64_C(1) << (at & 63);
      token = *--to;
      at -= l->length[token];
    }
  }
  for (uint32_t *id = first; id < to; id++) *id = b->id[*id];
  out->len += (size_t)(to - first);
}

void bpe_backtrack_short(const struct bpe *b, const struct bpe_fits *fits, struct slice piece, struct ids *out) {
  uint64_t dead[BPE_SHORT / 64 + 1] = {0};
  backtrack(b, fits, dead, piece, out);
}

void bpe_merge_backtracking(const struct bpe *b, struct slice piece, struct ids *out) {
  if (piece.len == 0) return;
  if (!is_linear(b)) {
    bpe_merge_heap(b, piece, out);
    return;
  }
  struct bpe_fits fits = {NEW_ARRAY(struct bpe_fit, 1 << FIT_BITS), 64 - FIT_BITS};
  uint64_t *dead = NEW_ARRAY(uint64_t, piece.len / 64 + 1);
  backtrack(b, &fits, dead, piece, out);
  free(dead);
  free(fits.table);
}

bool bpe_prepare(const struct bpe *b, size_t merged) {
  int known = __atomic_load_n(&b->linear_known, __ATOMIC_ACQUIRE);
  if (known) return known > 0;
  size_t *before = (size_t *)&b->merged; /* a race makes the trie a little sooner or later */
  size_t sum = __atomic_load_n(before, __ATOMIC_RELAXED) + merged;
  __atomic_store_n(before, sum, __ATOMIC_RELAXED);
  return sum >= LINEAR_FROM && is_linear(b);
}

static void encode_part(const struct bpe *b, struct slice part, struct ids *out) {
  if (bpe_prepare(b, 8 * part.len)) bpe_merge_backtracking(b, part, out);
  else bpe_merge_heap(b, part, out);
}

static void emit_parts(const struct bpe *b, struct bpe_miss *parts, int count, struct ids *out) {
  bpe_merge_misses(b, parts, count);
  for (int k = 0; k < count; k++) {
    ids_reserve(out, parts[k].count);
    memcpy(out->data + out->len, parts[k].ids, parts[k].count * sizeof(uint32_t));
    out->len += parts[k].count;
  }
}

static inline bool joined(const struct bpe *b, unsigned char left, unsigned char right) {
  uint32_t pair = (uint32_t)left << 8 | right;
  return b->joined[pair >> 6] >> (pair & 63) & 1;
}

void bpe_merge_parts(const struct bpe *b, struct slice piece, struct ids *out) {
  const unsigned char *text = (const unsigned char *)piece.data;
  struct bpe_miss parts[PARTS];
  int count = 0;
  for (size_t begin = 0, end, at = 0; begin < piece.len; begin = end) {
    end = begin; /* the last place to cut that makes a part of PART_BYTES at most, else the first one */
    while (at < piece.len) {
      at++;
      if (at < piece.len && joined(b, text[at - 1], text[at])) continue;
      if (at - begin > PART_BYTES && end > begin) break;
      end = at;
      if (at - begin >= PART_BYTES) break;
    }
    at = end;
    struct slice part = {piece.data + begin, end - begin};
    if (part.len <= BPE_SHORT) parts[count++].piece = part;
    if (count == PARTS || part.len > BPE_SHORT) {
      emit_parts(b, parts, count, out);
      count = 0;
    }
    if (part.len > BPE_SHORT) encode_part(b, part, out);
  }
  emit_parts(b, parts, count, out);
}

void bpe_encode_long(const struct bpe *b, struct slice piece, struct ids *out) {
  if (b->monotonic && is_short_list(piece)) merge_runs(b, piece, out);
  else bpe_merge_parts(b, piece, out);
}
