/* SPDX-License-Identifier: MIT
 *
 * Text -> hashes of its word n-grams.  Words are runs of [0-9A-Za-z] and of bytes >= 0x80, with A-Z lowered; a shingle is
 * n words in a row with one space between, its hash XXH3-64 (seed 0) of those bytes.  A text of fewer than n words, also
 * of none, has one shingle of all of them.
 *
 * The text is normalised piece by piece, so memory is bounded by n words, not by the text.  The vector variant gives the
 * same hashes as the scalar one.
 */
#ifndef TEXT_SHINGLES_H
#define TEXT_SHINGLES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum shingler_variant { SHINGLER_BEST, SHINGLER_SCALAR, SHINGLER_AVX512 };

struct shingler;

/* ngram >= 1.  A variant that this CPU lacks becomes the scalar one. */
struct shingler *shingler_new(int ngram, enum shingler_variant variant);
void shingler_free(struct shingler *s);

/* Calls take(context, hashes, count) with blocks of hashes in the order of the text, repetitions included. */
void shingler_run(struct shingler *s, struct slice text, void (*take)(void *context, const uint64_t *hashes, size_t count), void *context);

#endif
