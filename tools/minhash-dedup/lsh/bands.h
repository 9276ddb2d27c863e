/* SPDX-License-Identifier: MIT
 *
 * The band keys of all documents, and the buckets they form: documents that share a key in a band.
 *
 * A record is 12 bytes (key, document), kept by (band, upper bits of the key) in partitions that are sorted one after
 * another, so that memory stays within the budget and the order of buckets depends on nothing but the keys.
 */
#ifndef MINHASH_DEDUP_LSH_BANDS_H
#define MINHASH_DEDUP_LSH_BANDS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct bands;

struct bands *bands_new(int count, size_t memory, const char *folder);
void bands_free(struct bands *b);

/* Documents come in ascending order; keys: one per band. */
int bands_add(struct bands *b, uint32_t document, const uint64_t *keys, struct err *e);

/* Calls take() for every key that two or more documents share, by band, then key; documents ascend. */
int bands_buckets(struct bands *b, int jobs, int (*take)(void *context, const uint32_t *documents, size_t count, struct err *e), void *context, struct err *e);

/* Sorts n values that are spread evenly over 64 bits, as hashes are, in linear time; room: as many. */
void sort_spread(uint64_t *values, uint64_t *room, size_t n);

#endif
