/* SPDX-License-Identifier: MIT
 *
 * The word n-grams of evaluation sets, exact, with the items that they come from.
 *
 * A file is JSON Lines when its first line parses as an object or array, else TSV.  An item is a line.  Its texts are all
 * strings in the value, however deep, or all fields, unescaped.  A text of at least n words (shingles.h) gives its n-grams; a
 * shorter one of at least `least_words` is one n-gram as a whole; still shorter ones are left out and counted.
 */
#ifndef BLOOM_DEDUP_EVALUATIONS_H
#define BLOOM_DEDUP_EVALUATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct evaluations;

struct evaluation_counts {
  uint64_t items, ngrams, short_texts; /* read; distinct; left out */
};

struct evaluations *evaluations_new(int ngram, int least_words, size_t memory);
void evaluations_free(struct evaluations *v);
/* Adds a file; `name` must outlive this. */
int evaluations_add(struct evaluations *v, const char *name, struct err *e);
/* After the last file. */
void evaluations_close(struct evaluations *v);
struct evaluation_counts evaluations_counts(const struct evaluations *v);

/* The lengths of n-grams to look for in a text: n, then those of short texts; `*count` of them. */
const int *evaluations_lengths(const struct evaluations *v, int *count);

/* Short texts have at least so many words (0: there are none).  A text without a shingle of that length that starts one of
 * them holds none of them. */
int evaluations_start_length(const struct evaluations *v);
bool evaluations_starts(const struct evaluations *v, const uint64_t *shingles, size_t count);

/* Appends the numbers of those shingles that are n-grams of items to `found`, which has room for `count`; returns how many. */
size_t evaluations_find(const struct evaluations *v, const uint64_t *shingles, size_t count, uint32_t *found);

/* The items that have the n-gram `number`: *items of *count. */
void evaluations_items(const struct evaluations *v, uint32_t number, const uint32_t **items, size_t *count);
/* Distinct n-grams of an item, and its name, "FILE:LINE". */
uint32_t evaluations_item_ngrams(const struct evaluations *v, uint32_t item);
void evaluations_item_name(const struct evaluations *v, uint32_t item, struct buffer *out);

#endif
