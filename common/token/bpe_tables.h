/* SPDX-License-Identifier: MIT
 *
 * The tables behind bpe.h.  Merging works on symbols, not on ids: bytes are the symbols 0 .. 255, the k-th merge in the
 * order of ranks makes the symbol 256 + k, so that a symbol is its own rank.  A pair of bytes has its merge in a grid; all
 * other pairs stand in a table of buckets of eight slots, one cache line, at load 1/2: the symbol above 41 of the 44 bits of
 * the pair's hash, which is reversible; the other three follow from the place, so that a slot is exact and a look-up touches
 * no other line.  What finds its bucket full goes to the next.
 * Whole tokens are found in buckets of eight slots of 32 bits by the hash of their bytes: the id in the low 22 bits, ten
 * bits of the hash above it.
 */
#ifndef TOKEN_BPE_TABLES_H
#define TOKEN_BPE_TABLES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

#include "common/token/bpe.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BPE_NONE UINT32_MAX
enum { BPE_LONG_BITS = 16, BPE_SYMBOL_BITS = 22, BPE_SYMBOL_MASK = (1 << BPE_SYMBOL_BITS) - 1, BPE_BUCKET = 8 };
_Static_assert(VOCAB_LIMIT <= 1u << BPE_SYMBOL_BITS, "ids and symbols have 22 bits in a slot");

struct bpe_parts {
  uint32_t left, right; /* symbols; BPE_NONE for bytes and for merges whose part nothing makes */
};

struct bpe_linear; /* tables for backtracking (bpe_long.c) */

struct bpe {
  const struct vocab *v;
  uint32_t symbols;        /* 256 + merges */
  uint32_t *id;            /* of a symbol */
  struct bpe_parts *parts; /* of a symbol */
  uint32_t *grid;          /* [left byte << 8 | right byte]: symbol or BPE_NONE */
  uint64_t *pairs;         /* buckets, and one more that stays empty; 0: empty */
  uint32_t pairs_count;    /* of buckets */
  uint32_t *index;         /* buckets; 0: empty */
  size_t index_mask;
  uint64_t *longs;         /* bits: a token of more than BPE_KEY bytes has this bpe_long_bit() */
  uint64_t *joined;        /* bits [left byte << 8 | right byte]: some symbol holds these two next to each other */
  void *memory;            /* of the tables */
  size_t memory_size;
  bool monotonic;          /* every part ranks below its token: equal pairs may be merged all at once */
  /* For long pieces, made when enough of them have come. */
  pthread_mutex_t lock;
  size_t merged;              /* bytes of pieces merged without them so far */
  int linear_known;           /* 0: not known yet; 1: backtracking is exact; -1: it is not */
  struct bpe_linear *linear;
};

static inline uint64_t bpe_pair_hash(uint32_t left, uint32_t right) { return left * 0x9E3779B97F4A7C15u + right * 0xD6E8FEB86659FD93u; }

/* A pair's hash of 44 bits, reversible, above a one that no empty slot has. */
enum { BPE_PAIR_BITS = 2 * BPE_SYMBOL_BITS + 1, BPE_TAG_BITS = 64 - BPE_SYMBOL_BITS };
#define BPE_TAG_MASK ((UINT64_C(1) << BPE_TAG_BITS) - 1)
static inline uint64_t bpe_pair_key(uint32_t left, uint32_t right) {
  return ((((uint64_t)left << BPE_SYMBOL_BITS | right) * (2 * 0x9E3779B97F4A7C15u)) & ((UINT64_C(1) << BPE_PAIR_BITS) - 1)) | 1;
}
static inline const uint64_t *bpe_pair_bucket(const struct bpe *b, uint64_t key) {
  return b->pairs + BPE_BUCKET * ((key >> (BPE_PAIR_BITS - 32)) * b->pairs_count >> 32);
}

/* Ten bits of a hash that are never all zero, where they stand in a slot. */
static inline uint32_t bpe_tag(uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 22) & 0x3FF;
  return (tag | (tag == 0)) << BPE_SYMBOL_BITS;
}

/* Which of the slots of a bucket have the tag, as bits. */
static inline uint32_t bpe_bucket_match(const uint32_t *bucket, uint32_t tag) {
#ifdef __SSE2__
  __m128i want = _mm_set1_epi32((int)tag), zero = _mm_setzero_si128();
  __m128i low = _mm_srli_epi32(_mm_xor_si128(_mm_load_si128((const __m128i *)bucket), want), BPE_SYMBOL_BITS);
  __m128i high = _mm_srli_epi32(_mm_xor_si128(_mm_load_si128((const __m128i *)bucket + 1), want), BPE_SYMBOL_BITS);
  __m128i both = _mm_packs_epi32(_mm_cmpeq_epi32(low, zero), _mm_cmpeq_epi32(high, zero));
  return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(both, zero));
#else
  uint32_t match = 0;
  for (int k = 0; k < BPE_BUCKET; k++) match |= (uint32_t)((bucket[k] ^ tag) >> BPE_SYMBOL_BITS == 0) << k;
  return match;
#endif
}

/* Hash of the bytes of a token: of up to BPE_KEY bytes by their key, the bytes with their number in the last one. */
enum { BPE_KEY = 15 };
static inline uint64_t bpe_key_hash(const uint64_t key[2]) {
  unsigned __int128 m = (unsigned __int128)(key[0] ^ 0x9E3779B97F4A7C15u) * (key[1] ^ 0xA0761D6478BD642Fu);
  return (uint64_t)m ^ (uint64_t)(m >> 64);
}
static inline uint64_t bpe_token_hash(struct slice bytes) {
  if (bytes.len > BPE_KEY) return XXH3_64bits(bytes.data, bytes.len);
  uint64_t key[2] = {0, 0};
  memcpy(key, bytes.data, bytes.len);
  key[1] |= (uint64_t)bytes.len << 56;
  return bpe_key_hash(key);
}

/* Which of the slots of a bucket have the low half of a key, as bits. */
static inline uint32_t bpe_pair_match(const uint64_t *bucket, uint64_t key) {
#ifdef __SSE2__
  const __m128 *at = (const __m128 *)(const void *)bucket;
  __m128i want = _mm_set1_epi32((int)(uint32_t)key);
  __m128i first = _mm_castps_si128(_mm_shuffle_ps(at[0], at[1], 0x88)), second = _mm_castps_si128(_mm_shuffle_ps(at[2], at[3], 0x88));
  __m128i both = _mm_packs_epi32(_mm_cmpeq_epi32(first, want), _mm_cmpeq_epi32(second, want));
  return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(both, _mm_setzero_si128()));
#else
  uint32_t match = 0;
  for (int k = 0; k < BPE_BUCKET; k++) match |= (uint32_t)((uint32_t)bucket[k] == (uint32_t)key) << k;
  return match;
#endif
}

/* The symbol that a pair merges into, from this bucket on, or BPE_NONE. */
static inline uint32_t bpe_pair_from(const struct bpe *b, const uint64_t *bucket, uint64_t key) {
  for (;;) {
    for (uint32_t match = bpe_pair_match(bucket, key); match; match &= match - 1) {
      uint64_t slot = bucket[__builtin_ctz(match)];
      if (((slot ^ key) & BPE_TAG_MASK) == 0) return (uint32_t)(slot >> BPE_TAG_BITS);
    }
    if (bucket[BPE_BUCKET - 1] == 0) return BPE_NONE; /* not full: nothing spilled over */
    bucket += BPE_BUCKET;
    if (bucket == b->pairs + (size_t)b->pairs_count * BPE_BUCKET) bucket = b->pairs;
  }
}

/* The symbol that left and right merge into, or BPE_NONE. */
static inline uint32_t bpe_pair(const struct bpe *b, uint32_t left, uint32_t right) {
  if ((left | right) < 256) return b->grid[left << 8 | right];
  uint64_t key = bpe_pair_key(left, right);
  return bpe_pair_from(b, bpe_pair_bucket(b, key), key);
}

/* Could more than BPE_KEY bytes be a token?  Few pieces of that length are. */
static inline uint32_t bpe_long_bit(struct slice bytes) {
  uint64_t ends[2];
  memcpy(&ends[0], bytes.data, 8);
  memcpy(&ends[1], bytes.data + bytes.len - 8, 8);
  ends[1] ^= (uint64_t)bytes.len << 56;
  return (uint32_t)(bpe_key_hash(ends) >> (64 - BPE_LONG_BITS));
}
static inline bool bpe_long_token(const struct bpe *b, struct slice bytes) {
  uint32_t bit = bpe_long_bit(bytes);
  return b->longs[bit >> 6] >> (bit & 63) & 1;
}

/* The token with these bytes, of that hash; -1: none. */
static inline int64_t bpe_find_hashed(const struct bpe *b, struct slice bytes, uint64_t hash) {
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

enum { BPE_SHORT = 64 };

/* Whether two symbols next to each other stay as they are, remembered. */
struct bpe_fit {
  uint32_t left, right; /* symbols plus one, 0: empty; the top bit of `right` is set when they do */
};
struct bpe_fits {
  struct bpe_fit *table; /* zero to start */
  int shift;             /* 64 - log2 of its size */
};

/* Cleared memory, touched by nobody yet, on huge pages where there is much of it. */
void *bpe_map(size_t size);
void bpe_unmap(void *memory, size_t size);

/* A piece of 1 to BPE_SHORT bytes that the cache lacks, and its ids. */
struct bpe_miss {
  struct slice piece;
  const uint64_t *key; /* of up to BPE_KEY bytes; NULL for more */
  uint32_t count, ids[BPE_SHORT];
};
/* Fills count and ids; pieces side by side, so that they wait for memory together (bpe_side.c). */
void bpe_encode_misses(const struct bpe *b, const struct bpe_fits *fits, struct bpe_miss *misses, int count);
/* The same without regard to whole tokens. */
void bpe_merge_misses(const struct bpe *b, struct bpe_miss *misses, int count);

/* Long pieces (bpe_long.c). */
bool bpe_prepare(const struct bpe *b, size_t merged); /* that many bytes are about to be merged: may b->linear be used? */
void bpe_backtrack_short(const struct bpe *b, const struct bpe_fits *fits, struct slice piece, struct ids *out);
void bpe_encode_long(const struct bpe *b, struct slice piece, struct ids *out); /* whichever way is quickest */
void bpe_linear_free(struct bpe_linear *l);
/* Without cache: the whole piece as a token, else by merging.  fits may be NULL. */
void bpe_encode_uncached(const struct bpe *b, const struct bpe_fits *fits, struct slice piece, struct ids *out);

#endif
