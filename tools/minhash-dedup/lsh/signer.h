/* SPDX-License-Identifier: MIT
 *
 * What one thread needs to turn documents into band keys and into sets of shingles, whichever the kind of signature.
 */
#ifndef MINHASH_DEDUP_LSH_SIGNER_H
#define MINHASH_DEDUP_LSH_SIGNER_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "tools/minhash-dedup/lsh/signature.h"

struct signer;

struct signer *signer_new(const struct permutations *p, int ngram); /* p outlives it */
void signer_free(struct signer *s);

/* Fills `bands` keys; false for a document without shingles, which is like no other. */
bool signer_keys(struct signer *s, struct slice text, uint64_t *keys);
const void *signer_signature(const struct signer *s); /* of the last signer_keys(); belongs to s */

/* Shingles, sorted, each once; *hashes belong to s. */
size_t signer_set(struct signer *s, struct slice text, const uint64_t **hashes);
void signer_shrink(struct signer *s); /* the set is no longer wanted: gives back what a giant document made it hold */

#endif
