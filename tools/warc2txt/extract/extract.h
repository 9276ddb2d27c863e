/* SPDX-License-Identifier: MIT
 *
 * Which blocks of a page are its text: all that a reader sees, or the main part of it.
 *
 * Main text: a forest of small trees gives each block the probability of belonging to it; the blocks with the highest ones
 * are kept, as many as make the page's expected word F1 greatest.  So nothing needs a threshold.  A page of more than 100,000
 * blocks keeps all but navigation, footers, asides, dialogs and what is mostly links.
 */
#ifndef WARC2TXT_EXTRACT_H
#define WARC2TXT_EXTRACT_H

#include "tools/warc2txt/extract/extract_context.h"
#include "tools/warc2txt/extract/extract_forest.h"

enum extract_mode { EXTRACT_MAIN, EXTRACT_ALL };

struct extract_options {
  double precision; /* taken from the log odds of every block: > 0 keeps less, < 0 more; 0: as fitted */
};

struct extractor; /* one per worker */

struct extractor *extractor_new(void);
void extractor_free(struct extractor *x);

/* Whether extract_blocks() asks the forest, for which INPUT_COUNT numbers of each block are in memory. */
bool extract_scored(const struct page *page, enum extract_mode mode);

/* keep[page->block_count], valid until the next call. */
const bool *extract_blocks(struct extractor *x, struct page *page, enum extract_mode mode, const struct extract_options *options);

/* For fitting the forest.  A line a page, `P<TAB>blocks`, and one for each of its blocks: `B<TAB>words<TAB>log odds *
 * FOREST_UNIT<TAB>kept<TAB>escaped text<TAB>inputs...`. */
void extract_features(struct extractor *x, struct page *page, const struct extract_options *options, struct buffer *out);

enum { INPUT_COUNT = FEATURE_COUNT + CONTEXT_COUNT }; /* in the order of the columns: features.h, extract_context.h */

/* The cut: from log odds (* FOREST_UNIT) and words of n blocks to keep[n].  Returns the expected word F1. */
double extract_cut(const int32_t *log_odds, const struct block *blocks, size_t n, bool *keep);

/* extract_model.c, made by fit_model.py. */
extern const struct forest extract_forest;

#endif
