/* SPDX-License-Identifier: MIT
 *
 * Rows of buckets and of character n-grams, for fasttext_line.c.
 */
#ifndef TEXT_FASTTEXT_SUBWORDS_H
#define TEXT_FASTTEXT_SUBWORDS_H

#include "common/base/memory.h"
#include "common/text/fasttext.h"

enum { FASTTEXT_FLUSH = 8192, FASTTEXT_CACHED_TOKEN = 32 };

static inline void fasttext_push(struct fasttext_line *line, uint32_t id) {
  GROW(line->ids, line->capacity, line->count + 1);
  line->ids[line->count++] = id;
}

/* The row of a bucket that pruning left. */
static inline uint32_t fasttext_pair_row(const struct fasttext *m, uint32_t bucket) {
  uint64_t below = m->pair_bits[bucket / 64] & ((UINT64_C(1) << (bucket & 63)) - 1);
  return (uint32_t)m->words + m->pair_rows[m->pair_ranks[bucket / 64] + (uint32_t)__builtin_popcountll(below)];
}

/* The row of a bucket, unless pruning took it. */
static inline void fasttext_push_bucket(const struct fasttext *m, struct fasttext_line *line, uint32_t bucket) {
  if (!m->pruned) {
    fasttext_push(line, (uint32_t)m->words + bucket);
    return;
  }
  if (m->pair_bits[bucket / 64] >> (bucket & 63) & 1) fasttext_push(line, fasttext_pair_row(m, bucket));
}

/* n % bucket: the quotient is at most one too small. */
static inline uint32_t fasttext_in_bucket(const struct fasttext *m, uint64_t n) {
  uint64_t bucket = (uint64_t)m->args.bucket, left = n - (uint64_t)((unsigned __int128)n * m->bucket_inverse >> 64) * bucket;
  return (uint32_t)(left >= bucket ? left - bucket : left);
}

static inline bool fasttext_no_ngrams(const struct fasttext *m) { return m->pruned && m->pair_count == 0; }

/* Rows of the character n-grams of <token>.  line->flush is called only for tokens of more than FASTTEXT_CACHED_TOKEN
 * bytes. */
void fasttext_add_subwords(const struct fasttext *m, struct slice token, struct fasttext_line *line);

#endif
