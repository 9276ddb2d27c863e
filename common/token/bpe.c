/* SPDX-License-Identifier: MIT
 *
 * Tables, and encoding of short pieces.
 */
#include "common/token/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/token/bpe_tables.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { ARRAY_LIMIT = 16 }; /* up to here an array is quicker than backtracking */

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

static void place_pairs(struct bpe *b, const uint32_t *symbol) {
  b->monotonic = true;
  for (uint32_t s = 0; s < 65536; s++) b->grid[s] = BPE_NONE;
  for (uint32_t s = 0; s < 256; s++) b->parts[s] = (struct bpe_parts){BPE_NONE, BPE_NONE};
  for (uint32_t s = 256; s < b->symbols; s++) {
    const struct vocab_entry *t = &b->v->entries[b->id[s]];
    uint32_t left = t->left < b->v->size ? symbol[t->left] : BPE_NONE, right = t->right < b->v->size ? symbol[t->right] : BPE_NONE;
    if (left == BPE_NONE || right == BPE_NONE) { /* never made, as nothing makes that part */
      b->parts[s] = (struct bpe_parts){BPE_NONE, BPE_NONE};
      b->monotonic = false;
      continue;
    }
    b->parts[s] = (struct bpe_parts){left, right};
    b->monotonic = b->monotonic && left < s && right < s;
    if ((left | right) < 256) {
      b->grid[left << 8 | right] = s;
    } else {
      uint64_t hash = bpe_pair_hash(left, right);
      bucket_add(b->pairs, hash >> b->pairs_shift, b->pairs_mask, bpe_tag(hash) | s);
    }
  }
}

static void place_tokens(struct bpe *b) {
  const struct vocab *v = b->v;
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->length == 0 || t->special || t->left == id) continue; /* left == id: for decoding only */
    uint64_t hash = XXH3_64bits(v->bytes.data + t->offset, t->length);
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
  while ((size_t)BPE_BUCKET << bits < symbols + symbols / 4) bits++;
  b->pairs_mask = b->index_mask = ((size_t)1 << bits) - 1;
  b->pairs_shift = 64 - bits;
  size_t slots = (b->pairs_mask + 1) * BPE_BUCKET;
  b->memory_size = 2 * slots * sizeof(uint32_t) + 65536 * sizeof(uint32_t) + symbols * (sizeof(struct bpe_parts) + sizeof(uint32_t));
  b->memory = bpe_map(b->memory_size);
  b->pairs = b->memory;
  b->index = b->pairs + slots;
  b->grid = b->index + slots;
  b->parts = (struct bpe_parts *)(void *)(b->grid + 65536);
  b->id = (uint32_t *)(void *)(b->parts + symbols);
  uint32_t *symbol = MALLOC(((size_t)v->size + 1) * sizeof *symbol);
  number_symbols(b, symbol);
  place_pairs(b, symbol);
  free(symbol);
  place_tokens(b);
  return b;
}

void bpe_free(struct bpe *b) {
  if (!b) return;
  pthread_mutex_destroy(&b->lock);
  bpe_linear_free(b->linear);
  bpe_unmap(b->memory, b->memory_size);
  free(b);
}

int64_t bpe_find(const struct bpe *b, struct slice bytes) {
  if (bytes.len == 0) return -1;
  uint64_t hash = XXH3_64bits(bytes.data, bytes.len);
  uint32_t tag = bpe_tag(hash);
  for (size_t i = hash >> 32 & b->index_mask;; i = (i + 1) & b->index_mask) {
    const uint32_t *bucket = b->index + i * BPE_BUCKET;
    for (uint32_t match = bpe_bucket_match(bucket, tag); match; match &= match - 1) {
      uint32_t id = bucket[__builtin_ctz(match)] & BPE_SYMBOL_MASK;
      if (slice_equal(vocab_bytes(b->v, id), bytes)) return id;
    }
    if (bucket[BPE_BUCKET - 1] == 0) return -1;
  }
}

/* ---- short pieces --------------------------------------------------------------------------------------------------- */

/* Symbols stay where their first byte is; bits of `alive` say where one begins. */
static void merge_short(const struct bpe *b, struct slice piece, struct ids *out) {
  uint32_t symbols[BPE_SHORT], merges[BPE_SHORT]; /* merges[i]: of symbol i and the next, BPE_NONE for none and the dead */
  size_t n = piece.len;
  const unsigned char *text = (const unsigned char *)piece.data;
  uint64_t alive = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
  for (size_t i = 0; i < n; i++) symbols[i] = text[i];
  for (size_t i = 0; i + 1 < n; i++) merges[i] = b->grid[(uint32_t)text[i] << 8 | text[i + 1]];
  merges[n - 1] = BPE_NONE;
  for (;;) {
    uint64_t best = UINT64_MAX; /* symbol << 32 | place: lowest rank, then leftmost */
    for (size_t i = 0; i + 1 < n; i++) {
      uint64_t candidate = (uint64_t)merges[i] << 32 | i;
      best = candidate < best ? candidate : best;
    }
    if (best >> 32 == BPE_NONE) break;
    size_t at = (size_t)(best & 63);
    uint32_t made = (uint32_t)(best >> 32);
    uint64_t after = alive & (UINT64_MAX << 1 << at); /* not empty: at has a right neighbour */
    size_t right = (size_t)__builtin_ctzll(after);
    symbols[at] = made;
    merges[right] = BPE_NONE;
    alive &= ~(UINT64_C(1) << right);
    after &= after - 1;
    merges[at] = after ? bpe_pair(b, made, symbols[__builtin_ctzll(after)]) : BPE_NONE;
    uint64_t before = alive & ((UINT64_C(1) << at) - 1);
    if (before) {
      size_t left = 63 - (size_t)__builtin_clzll(before);
      merges[left] = bpe_pair(b, symbols[left], made);
    }
  }
  ids_reserve(out, n);
  for (; alive; alive &= alive - 1) out->data[out->len++] = b->id[symbols[__builtin_ctzll(alive)]];
}

#ifdef __x86_64__
/* The same for up to 16 bytes, all merges in one register. */
static SIMD_TARGET_AVX512 void merge_16(const struct bpe *b, struct slice piece, struct ids *out) {
  uint32_t symbols[16];
  uint32_t n = (uint32_t)piece.len, alive = (1u << n) - 1;
  __m128i text = _mm_maskz_loadu_epi8((__mmask16)alive, piece.data), next = _mm_srli_si128(text, 1);
  __m512i left = _mm512_cvtepu8_epi32(text), none = _mm512_set1_epi32(-1);
  __m512i pair = _mm512_or_si512(_mm512_slli_epi32(left, 8), _mm512_cvtepu8_epi32(next));
  __m512i merges = _mm512_mask_i32gather_epi32(none, (__mmask16)(alive >> 1), pair, b->grid, 4);
  _mm512_storeu_si512(symbols, left);
  for (;;) {
    uint32_t made = _mm512_reduce_min_epu32(merges);
    if (made == BPE_NONE) break;
    uint32_t at = (uint32_t)__builtin_ctz(_mm512_cmpeq_epi32_mask(merges, _mm512_set1_epi32((int)made)));
    uint32_t after = alive & (~1u << at), right = after & -after, before = alive & ((1u << at) - 1);
    symbols[at] = made;
    alive ^= right;
    after ^= right;
    merges = _mm512_mask_mov_epi32(merges, (__mmask16)right, none);
    uint32_t with = after ? bpe_pair(b, made, symbols[__builtin_ctz(after)]) : BPE_NONE;
    merges = _mm512_mask_set1_epi32(merges, (__mmask16)(1u << at), (int)with);
    if (before) {
      uint32_t to = 31 - (uint32_t)__builtin_clz(before);
      merges = _mm512_mask_set1_epi32(merges, (__mmask16)(1u << to), (int)bpe_pair(b, symbols[to], made));
    }
  }
  ids_reserve(out, n);
  for (; alive; alive &= alive - 1) out->data[out->len++] = b->id[symbols[__builtin_ctz(alive)]];
}
#endif

static void merge_few(const struct bpe *b, struct slice piece, struct ids *out) {
#ifdef __x86_64__
  if (piece.len <= 16 && simd_level() >= SIMD_AVX512) {
    merge_16(b, piece, out);
    return;
  }
#endif
  merge_short(b, piece, out);
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
  if (piece.len <= BPE_SHORT) merge_few(b, piece, out);
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
    else merge_few(b, piece, out);
  } else bpe_encode_long(b, piece, out);
}
