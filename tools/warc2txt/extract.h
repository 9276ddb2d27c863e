/* SPDX-License-Identifier: MIT
 *
 * Text of a page: all that a reader sees, or the main part of it.
 *
 * Main text: a logistic model gives each block the probability of belonging to it; the blocks with the highest ones
 * are kept, as many as make the page's expected word F1 greatest.  So nothing needs a threshold, and a page always
 * gives something.
 *
 * Form of the text: a block a line, in document order; cells of a table row on one line, a tab between; pre as it
 * stands; no newline at the end.
 */
#ifndef WARC2TXT_EXTRACT_H
#define WARC2TXT_EXTRACT_H

#include "tools/warc2txt/features.h"
#include "tools/warc2txt/html.h"

enum extract_mode { EXTRACT_MAIN, EXTRACT_ALL };

struct extractor; /* one per worker */

struct extractor *extractor_new(void);
void extractor_free(struct extractor *x);

/* Appends the text to `out`. */
void extract_text(struct extractor *x, struct page *page, enum extract_mode mode, struct buffer *out);

/* For fitting the weights: a line a block, `number<TAB>words<TAB>escaped text<TAB>feature...`, under a header line. */
void extract_features(struct extractor *x, struct page *page, struct buffer *out);

/* extract_weights.c: log odds = bias + sum of weight * clip((x - mean) * scale, -4, 4) */
struct extract_weight {
  float mean, scale, weight;
};
enum { PAGE_FEATURES = FEATURE_COUNT - FEATURE_page_words };
extern const struct extract_weight extract_block[FEATURE_COUNT], extract_article[PAGE_FEATURES], extract_forum[PAGE_FEATURES];
extern const float extract_block_bias, extract_article_bias, extract_forum_bias;

#endif
