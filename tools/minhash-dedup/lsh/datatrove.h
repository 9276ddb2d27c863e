/* SPDX-License-Identifier: MIT
 *
 * Shingles and permutations as datatrove 0.10.1 has them (pipeline/dedup/minhash.py with MinhashConfig's defaults, language
 * English), bit for bit:
 *
 *   text    lowered; numbers become 0; punctuation becomes a space; white space collapses; NFD without Mn
 *   words   WORDS_REFERENCE of that (common/text/words.h)
 *   shingle XXH64 (seed 0) of n words in a row, a space between; a text of fewer words has none
 *   a, b    bounded draws of NumPy's RandomState(seed), a from [1, 2^61 - 1), b from [0, 2^61 - 1)
 */
#ifndef MINHASH_DEDUP_LSH_DATATROVE_H
#define MINHASH_DEDUP_LSH_DATATROVE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct datatrove_shingler;

struct datatrove_shingler *datatrove_shingler_new(int ngram); /* ngram >= 1; for one thread */
void datatrove_shingler_free(struct datatrove_shingler *s);
void datatrove_shingler_run(struct datatrove_shingler *s, struct slice text, void (*take)(void *context, const uint64_t *hashes, size_t count), void *context);

/* Appends the simplified text (simplify_text), a space at either end perhaps. */
void datatrove_simplify(struct buffer *out, struct slice text);

void datatrove_permutations(uint64_t *a, uint64_t *b, size_t count, uint32_t seed);

#endif
