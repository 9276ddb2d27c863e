/* SPDX-License-Identifier: MIT
 *
 * Tables, and encoding of short pieces.
 */
#include "common/token/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/base/memory.h"
#include "common/token/bpe_tables.h"

enum {
  ARRAY_LIMIT = 16, /* up to here an array is quicker than backtracking */
  AHEAD = 16,       /* entries of a table that are asked for before they are written */
};

void ids_reserve(struct ids *ids, size_t more) {
  GROW(ids->data, ids->capacity, ids->len + more);
}

void ids_release(struct ids *ids) {
  free(ids->data);
  *ids = (struct ids){0};
}

/* ---- tables --------------------------------------------------------------------------------------------------------- */

struct ranked {
  uint32_t rank, id;
};

static int compare_ranks(const void *x, const void *y) {
  const struct ranked *a = x, *b = y;
  return a->rank != b->rank ? (a->rank < b->rank ? -1 : 1) : (a->id > b->id) - (a->id < b->id);
}

/* Symbols of bytes and, in the order of their ranks, of merges; `symbol` gets them by id. */
static void number_symbols(struct bpe *b, uint32_t *symbol) {
  const struct vocab *v = b->v;
  struct ranked *merges = MALLOC((v->size + 1) * sizeof *merges);
  uint32_t count = 0;
  bool rising = true;
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    symbol[id] = BPE_NONE;
    if (t->length == 0 || t->special) continue;
    if (t->length == 1) {
      unsigned char c = (unsigned char)v->bytes.data[t->offset];
      b->id[c] = id;
      symbol[id] = c;
    } else if (t->rank != VOCAB_NONE) {
      rising = rising && (count == 0 || merges[count - 1].rank < t->rank);
      merges[count++] = (struct ranked){t->rank, id};
    }
  }
  if (!rising) qsort(merges, count, sizeof *merges, compare_ranks);
  for (uint32_t k = 0; k < count; k++) {
    b->id[256 + k] = merges[k].id;
    symbol[merges[k].id] = 256 + k;
  }
  b->symbols = 256 + count;
  free(merges);
}

static void bucket_add(uint32_t *buckets, size_t i, size_t mask, uint32_t slot) {
  for (;; i = (i + 1) & mask)
    for (int k = 0; k < BPE_BUCKET; k++)
      if (buckets[i * BPE_BUCKET + k] == 0) {
        buckets[i * BPE_BUCKET + k] = slot;
        return;
      }
}

/* False when a pair stands so far behind its own bucket that the bits that slots lack no longer follow from the place. */
static bool place_pairs(struct bpe *b) {
  size_t buckets = b->pairs_count, most = 0;
  for (uint32_t s = 256; s < b->symbols; s++) {
    struct bpe_parts parts = b->parts[s], ahead = b->parts[s + AHEAD < b->symbols ? s + AHEAD : s];
    __builtin_prefetch(bpe_pair_bucket(b, bpe_pair_key(ahead.left, ahead.right)), 1);
    if (parts.left == BPE_NONE || (parts.left | parts.right) < 256) continue;
    uint64_t key = bpe_pair_key(parts.left, parts.right);
    uint64_t *bucket = (uint64_t *)bpe_pair_bucket(b, key);
    size_t spilled = 0;
    int k = 0;
    while (bucket[k])
      if (++k == BPE_BUCKET) {
        k = 0;
        spilled++;
        bucket += BPE_BUCKET;
        if (bucket == b->pairs + buckets * BPE_BUCKET) bucket = b->pairs;
      }
    bucket[k] = (key & BPE_TAG_MASK) | (uint64_t)s << BPE_TAG_BITS;
    most = spilled > most ? spilled : most;
  }
  return most < buckets / 8;
}

/* The empty bucket included. */
static size_t pairs_size(const struct bpe *b) { return ((size_t)b->pairs_count + 1) * BPE_BUCKET * sizeof(uint64_t); }

/* Parts by symbol, and what follows from them: the grid, the bytes that are joined, the table of pairs. */
static void number_parts(struct bpe *b, const uint32_t *symbol) {
  b->monotonic = true;
  for (uint32_t s = 0; s < 65536; s++) b->grid[s] = BPE_NONE;
  for (uint32_t s = 0; s < 256; s++) b->parts[s] = (struct bpe_parts){BPE_NONE, BPE_NONE};
  for (uint32_t s = 256; s < b->symbols; s++) {
    const struct vocab_entry *t = &b->v->entries[b->id[s]];
    uint32_t left = t->left < b->v->size ? symbol[t->left] : BPE_NONE, right = t->right < b->v->size ? symbol[t->right] : BPE_NONE;
    bool made = left != BPE_NONE && right != BPE_NONE; /* else never, as nothing makes that part */
    b->parts[s] = made ? (struct bpe_parts){left, right} : (struct bpe_parts){BPE_NONE, BPE_NONE};
    b->monotonic = b->monotonic && made && left < s && right < s;
    if (!made) continue;
    if ((left | right) < 256) b->grid[left << 8 | right] = s;
    const unsigned char *join = (const unsigned char *)b->v->bytes.data + t->offset + b->v->entries[t->left].length;
    uint32_t pair = (uint32_t)join[-1] << 8 | join[0];
    b->joined[pair >> 6] |= UINT64_C(1) << (pair & 63);
  }
  b->pairs_count = 64 + b->symbols / (BPE_BUCKET / 2);
  for (;; b->pairs_count *= 2) {
    b->pairs = bpe_map(pairs_size(b));
    if (place_pairs(b)) return;
    bpe_unmap(b->pairs, pairs_size(b));
  }
}

static void place_tokens(struct bpe *b) {
  const struct vocab *v = b->v;
  uint64_t hashes[AHEAD];
  for (uint32_t id = 0, ahead = 0; id < v->size; id++) {
    for (; ahead < v->size && ahead < id + AHEAD; ahead++) {
      const struct vocab_entry *t = &v->entries[ahead];
      uint64_t hash = bpe_token_hash((struct slice){v->bytes.data + t->offset, t->length});
      __builtin_prefetch(b->index + (hash >> 32 & b->index_mask) * BPE_BUCKET, 1);
      hashes[ahead % AHEAD] = hash;
    }
    const struct vocab_entry *t = &v->entries[id];
    if (t->length == 0 || t->special || t->left == id) continue; /* left == id: for decoding only */
    uint64_t hash = hashes[id % AHEAD];
    if (t->length > BPE_KEY) {
      uint32_t bit = bpe_long_bit((struct slice){v->bytes.data + t->offset, t->length});
      b->longs[bit >> 6] |= UINT64_C(1) << (bit & 63);
    }
    bucket_add(b->index, hash >> 32 & b->index_mask, b->index_mask, bpe_tag(hash) | id);
  }
}

enum { HUGE_PAGE = 2 << 20 };

void *bpe_map(size_t size) {
  bool huge = size >= HUGE_PAGE;
  size_t page = 4096, ask = (size + page - 1) / page * page;
  char *memory = mmap(NULL, huge ? ask + HUGE_PAGE : ask, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    fprintf(stderr, "%s:%d: out of memory (%zu bytes)\n", __FILE__, __LINE__, size);
    abort();
  }
  if (!huge) return memory;
  /* Aligned, and asked for before the first touch; what is beyond the ends goes back. */
  size_t before = -(uintptr_t)memory & (HUGE_PAGE - 1);
  if (before) munmap(memory, before);
  munmap(memory + before + ask, HUGE_PAGE - before);
  madvise(memory + before, ask, MADV_HUGEPAGE);
  return memory + before;
}

void bpe_unmap(void *memory, size_t size) {
  if (memory) munmap(memory, size);
}

struct bpe *bpe_new(const struct vocab *v) {
  struct bpe *b = NEW(struct bpe);
  b->v = v;
  pthread_mutex_init(&b->lock, NULL);
  size_t symbols = 256 + (size_t)v->size;
  int bits = 4; /* of the number of buckets */
  while ((size_t)BPE_BUCKET << bits < 2 * symbols) bits++;
  b->index_mask = ((size_t)1 << bits) - 1;
  size_t slots = (b->index_mask + 1) * BPE_BUCKET;
  size_t bit_sets = (1 << BPE_LONG_BITS) / 8 + 65536 / 8;
  b->memory_size = bit_sets + (slots + 65536) * sizeof(uint32_t) + symbols * (sizeof(struct bpe_parts) + sizeof(uint32_t));
  b->memory = bpe_map(b->memory_size);
  b->longs = b->memory;
  b->joined = b->longs + (1 << BPE_LONG_BITS) / 64;
  b->index = (uint32_t *)(void *)(b->joined + 65536 / 64);
  b->grid = b->index + slots;
  b->parts = (struct bpe_parts *)(void *)(b->grid + 65536);
  b->id = (uint32_t *)(void *)(b->parts + symbols);
  uint32_t *symbol = MALLOC(((size_t)v->size + 1) * sizeof *symbol);
  number_symbols(b, symbol);
  number_parts(b, symbol);
  free(symbol);
  place_tokens(b);
  return b;
}

void bpe_free(struct bpe *b) {
  if (!b) return;
  pthread_mutex_destroy(&b->lock);
  bpe_linear_free(b->linear);
  bpe_unmap(b->pairs, pairs_size(b));
  bpe_unmap(b->memory, b->memory_size);
  free(b);
}

int64_t bpe_find(const struct bpe *b, struct slice bytes) {
  if (bytes.len == 0 || (bytes.len > BPE_KEY && !bpe_long_token(b, bytes))) return -1;
  return bpe_find_hashed(b, bytes, bpe_token_hash(bytes));
}

/* ---- short pieces --------------------------------------------------------------------------------------------------- */

/* Up to BPE_SHORT bytes. */
static void merge_short(const struct bpe *b, struct slice piece, struct ids *out) {
  struct bpe_miss miss;
  miss.piece = piece;
  bpe_merge_misses(b, &miss, 1);
  ids_reserve(out, miss.count);
  memcpy(out->data + out->len, miss.ids, miss.count * sizeof(uint32_t));
  out->len += miss.count;
}

/* The definition, for any length: quadratic. */
static void merge_plain(const struct bpe *b, struct slice piece, struct ids *out) {
  size_t n = piece.len, first = out->len;
  ids_reserve(out, n);
  uint32_t *symbols = out->data + first, *merges = MALLOC(n * sizeof *merges);
  for (size_t i = 0; i < n; i++) symbols[i] = (unsigned char)piece.data[i];
  for (size_t i = 0; i + 1 < n; i++) merges[i] = bpe_pair(b, symbols[i], symbols[i + 1]);
  while (n > 1) {
    size_t at = 0;
    for (size_t i = 1; i + 1 < n; i++)
      if (merges[i] < merges[at]) at = i;
    if (merges[at] == BPE_NONE) break;
    symbols[at] = merges[at];
    memmove(symbols + at + 1, symbols + at + 2, (n - at - 2) * sizeof *symbols);
    memmove(merges + at, merges + at + 1, (n - at - 2) * sizeof *merges);
    n--;
    if (at + 1 < n) merges[at] = bpe_pair(b, symbols[at], symbols[at + 1]);
    if (at > 0) merges[at - 1] = bpe_pair(b, symbols[at - 1], symbols[at]);
  }
  for (size_t i = 0; i < n; i++) symbols[i] = b->id[symbols[i]];
  out->len += n;
  free(merges);
}

void bpe_merge_array(const struct bpe *b, struct slice piece, struct ids *out) {
  if (piece.len == 0) return;
  if (piece.len <= BPE_SHORT) merge_short(b, piece, out);
  else merge_plain(b, piece, out);
}

void bpe_encode_uncached(const struct bpe *b, const struct bpe_fits *fits, struct slice piece, struct ids *out) {
  int64_t whole = bpe_find(b, piece);
  if (whole >= 0) {
    ids_reserve(out, 1);
    out->data[out->len++] = (uint32_t)whole;
  } else if (piece.len == 0) {
    return;
  } else if (piece.len <= BPE_SHORT) {
    if (piece.len > ARRAY_LIMIT && fits && bpe_prepare(b, piece.len)) bpe_backtrack_short(b, fits, piece, out);
    else merge_short(b, piece, out);
  } else bpe_encode_long(b, piece, out);
}
