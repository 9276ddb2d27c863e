/* SPDX-License-Identifier: MIT
 *
 * Byte-pair encoding of one piece: a piece that is in the vocabulary is its id; otherwise merges are applied to its
 * bytes, lowest rank first, leftmost first (Sennrich, Haddow, Birch 2016; tiktoken).
 * Short pieces merge in an array; long ones by backtracking over longest matches, in time linear in their length
 * (github.com/github/rust-gems, crates/bpe, README).  A cache of bounded size holds the ids of recent pieces.
 */
#ifndef TOKEN_BPE_H
#define TOKEN_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/token/vocab.h"

struct bpe;       /* tables; immutable, shared by threads */
struct bpe_cache; /* one per thread */

struct ids { /* zero to start; free(data) */
  uint32_t *data;
  size_t len, capacity;
};
void ids_reserve(struct ids *ids, size_t more);
void ids_release(struct ids *ids);

/* `v` has passed vocab_check() and outlives the tables.  Ranks differ from each other. */
struct bpe *bpe_new(const struct vocab *v);
void bpe_free(struct bpe *b);
int64_t bpe_find(const struct bpe *b, struct slice bytes); /* id of an ordinary token, or -1 */

/* memory: bytes that it holds at most (64 KiB when less is asked for).  Memory is touched only as pieces come in. */
struct bpe_cache *bpe_cache_new(const struct bpe *b, size_t memory);
void bpe_cache_free(struct bpe_cache *c);

/* Appends the ids of one piece.  cache may be NULL. */
void bpe_encode_piece(const struct bpe *b, struct bpe_cache *cache, struct slice piece, struct ids *out);

/* The same for the pieces of text that begin at `from` and end at from + ends[0 .. count), count <= BPE_PIECES: keys are
 * computed and their places in the cache fetched before the first look-up.  Pieces are not empty. */
enum { BPE_PIECES = 256 };
void bpe_encode_pieces(const struct bpe *b, struct bpe_cache *cache, struct slice text, size_t from, const uint32_t *ends, int count, struct ids *out);

/* The ways to merge, for tests: all ignore the whole-piece rule and the cache and give the same ids.  Backtracking is
 * exact for most vocabularies only, runs where parts rank below their tokens; where it is not, each takes the heap. */
void bpe_merge_array(const struct bpe *b, struct slice piece, struct ids *out);
void bpe_merge_heap(const struct bpe *b, struct slice piece, struct ids *out);
void bpe_merge_backtracking(const struct bpe *b, struct slice piece, struct ids *out);
void bpe_merge_runs(const struct bpe *b, struct slice piece, struct ids *out);
void bpe_merge_parts(const struct bpe *b, struct slice piece, struct ids *out);

#endif
