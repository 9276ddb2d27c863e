/* SPDX-License-Identifier: MIT
 *
 * Text -> hashes of its word n-grams.  Words are runs of [0-9A-Za-z] and of bytes >= 0x80, with A-Z lowered; a shingle is
 * n words in a row.  A text of fewer than n words, also of none, has one shingle of all of them: that of a text of as many
 * words with a smaller n.
 *
 * A word's hash mixes its up to 16 bytes, zeros behind them (no word holds one), by multiplications and shifts that no
 * two words of up to 8 bytes share; a longer word has XXH3-64 (seed 0).  A shingle's is the polynomial of its words'
 * hashes in an odd constant mod 2^64, mixed again: every word is read once whatever n is, and different shingles share a
 * hash as rarely as 64 bits allow.
 *
 * Memory is bounded by n words, not by the text.  The hashes are the same at every simd_level().
 */
#ifndef TEXT_SHINGLES_H
#define TEXT_SHINGLES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct shingler;

struct shingler *shingler_new(int ngram); /* ngram >= 1; for one thread */
void shingler_free(struct shingler *s);

/* Calls take(context, hashes, count) with blocks of hashes in the order of the text, repetitions included. */
void shingler_run(struct shingler *s, struct slice text, void (*take)(void *context, const uint64_t *hashes, size_t count), void *context);

#endif
