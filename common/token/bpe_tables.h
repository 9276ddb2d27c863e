/* SPDX-License-Identifier: MIT
 *
 * The tables behind bpe.h.  Merging works on symbols, not on ids: bytes are the symbols 0 .. 255, the k-th merge in the
 * order of ranks makes the symbol 256 + k, so that a symbol is its own rank.  A pair of bytes has its merge in a grid; all
 * other pairs stand in a table of buckets of eight slots at load 1/2 or less: the symbol in the low 22 bits, ten bits of the
 * hash above it; what finds its bucket full goes to the next.  Most look-ups find nothing: one half of a cache line and no
 * branch that is hard to foresee; a hit is checked against the symbol's parts.  Whole tokens are found in a table of the same shape, of ids by the hash of their bytes.
 */
#ifndef TOKEN_BPE_TABLES_H
#define TOKEN_BPE_TABLES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/token/bpe.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BPE_NONE UINT32_MAX
enum { BPE_SYMBOL_BITS = 22, BPE_SYMBOL_MASK = (1 << BPE_SYMBOL_BITS) - 1, BPE_BUCKET = 8 };
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
  uint32_t *pairs;         /* buckets; 0: empty */
  size_t pairs_mask;
  int pairs_shift;
  uint32_t *index;         /* buckets; 0: empty */
  size_t index_mask;
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

/* The symbol that left and right merge into, or BPE_NONE. */
static inline uint32_t bpe_pair(const struct bpe *b, uint32_t left, uint32_t right) {
  if ((left | right) < 256) return b->grid[left << 8 | right];
  uint64_t hash = bpe_pair_hash(left, right);
  uint32_t tag = bpe_tag(hash);
  for (size_t i = hash >> b->pairs_shift;; i = (i + 1) & b->pairs_mask) {
    const uint32_t *bucket = b->pairs + i * BPE_BUCKET;
    for (uint32_t match = bpe_bucket_match(bucket, tag); match; match &= match - 1) {
      uint32_t symbol = bucket[__builtin_ctz(match)] & BPE_SYMBOL_MASK;
      if (b->parts[symbol].left == left && b->parts[symbol].right == right) return symbol;
    }
    if (bucket[BPE_BUCKET - 1] == 0) return BPE_NONE; /* not full: nothing spilled over */
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

/* Long pieces (bpe_long.c). */
bool bpe_prepare(const struct bpe *b, size_t merged); /* that many bytes are about to be merged: may b->linear be used? */
void bpe_backtrack_short(const struct bpe *b, const struct bpe_fits *fits, struct slice piece, struct ids *out);
void bpe_encode_long(const struct bpe *b, struct slice piece, struct ids *out); /* whichever way is quickest */
void bpe_linear_free(struct bpe_linear *l);
/* Without cache: the whole piece as a token, else by merging.  fits may be NULL. */
void bpe_encode_uncached(const struct bpe *b, const struct bpe_fits *fits, struct slice piece, struct ids *out);

#endif
