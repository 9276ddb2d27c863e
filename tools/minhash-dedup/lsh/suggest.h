/* SPDX-License-Identifier: MIT
 *
 * Which bands x rows find pairs of a given similarity.
 */
#ifndef MINHASH_DEDUP_LSH_SUGGEST_H
#define MINHASH_DEDUP_LSH_SUGGEST_H

#include "common/base/buffer.h"

/* The fewest hashes (bands x rows) that find 99% of the pairs at `jaccard` (0 < jaccard < 1) and at most a third of those
 * 0.2 below it; bands and rows stay as they are when no 4,096 bands do. */
void suggest_bands(double jaccard, int *bands, int *rows);

/* A TSV of the suggestion's recall curve: `bands rows jaccard found`. */
void suggest_table(struct buffer *out, double jaccard);

#endif
