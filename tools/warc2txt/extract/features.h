/* SPDX-License-Identifier: MIT
 *
 * What a block looks like: numbers that one pass over the page's blocks gives, the input of the classifier that tells
 * main text from the rest.  Ideas: boilerpipe (Kohlschuetter et al. 2010) for text and link density of a block and its
 * neighbours, CETR and Readability for containers, Web2Text (Vogels et al. 2018) for the rest.
 *
 * Containers are the ancestors of a block at which more text comes in: container 1 is the nearest above the block's own
 * element that holds more words or blocks than that, container 2 the next that holds more than 1, and so on; where there
 * are fewer, the last of them (the element itself where there is none) stands for the rest.
 *
 * Equal texts, shapes and words are told by 64-bit hashes.
 */
#ifndef WARC2TXT_FEATURES_H
#define WARC2TXT_FEATURES_H

#include "tools/warc2txt/page/page.h"

#define FEATURES(X)                                                                                                              \
  /* the block itself */                                                                                                         \
  X(words) X(link_density) X(all_link) X(link_count) X(punctuation) X(terminal) X(colon) X(bold) X(capital_words) X(digits)      \
  X(word_length) X(bars) X(signs) X(duplicates) X(currency)                                                                      \
  /* what it is in */                                                                                                            \
  X(in_nav) X(in_header) X(in_footer) X(in_aside) X(in_form) X(in_main) X(in_article) X(in_section) X(in_table) X(in_list)       \
  X(in_ordered) X(in_definitions) X(in_item) X(in_figure) X(in_button) X(in_details) X(in_blockquote) X(in_pre) X(in_paragraph)  \
  X(in_dialog) X(in_cell) X(in_item_body) X(in_item_property) X(in_hidden) X(in_noscript) X(in_role_navigation)                  \
  X(in_role_main) X(in_role_complementary) X(in_role_banner) X(in_role_contentinfo) X(in_role_dialog) X(in_link)                 \
  /* its element */                                                                                                              \
  X(is_p) X(is_li) X(is_h1) X(is_h2) X(is_h3) X(is_h4) X(is_td) X(is_dt) X(is_dd) X(is_div) X(is_figcaption) X(is_article)        \
  X(is_section) X(is_summary)                                                                                                    \
  /* where it stands */                                                                                                          \
  X(depth) X(position) X(words_before) X(words_after) X(blocks_before) X(blocks_after) X(after_h1) X(from_h1) X(from_heading)     \
  X(no_heading) X(in_best) X(from_best)                                                                                          \
  /* title and description, of each the first 512 different words; repetition */                                                 \
  X(title_share) X(is_title) X(description_share) X(description_words) X(shape_count) X(shape_words)                              \
  /* key words in class and id of its ancestors */                                                                               \
  X(negative_count) X(positive_count) X(comment_count) X(negative_distance) X(positive_distance) X(negative_self) X(positive_self) \
  /* containers */                                                                                                               \
  X(c1_words) X(c1_links) X(c1_block_words) X(c1_share) X(c1_headings) X(c1_paragraphs)                                          \
  X(c2_words) X(c2_links) X(c2_block_words) X(c2_share) X(c2_long) X(c2_paragraphs) X(c2_negative)                               \
  X(c3_words) X(c3_links) X(c3_block_words) X(c3_share) X(c3_long) X(c3_paragraphs) X(c3_negative) X(c3_commas)                  \
  X(c4_words) X(c4_links) X(c4_block_words) X(c4_share) X(c4_headings) X(c4_paragraphs) X(c4_commas) X(c4_negative)              \
  X(c6_links) X(c6_block_words) X(c6_share) X(c6_headings) X(c6_paragraphs)                                                      \
  /* neighbours */                                                                                                               \
  X(previous_words) X(previous_links) X(previous_heading) X(previous_same) X(next_words) X(next_links) X(next_terminal)          \
  X(next_same) X(next_item) X(words_around_before) X(links_before) X(words_around_after) X(links_after)                          \
  /* the page */                                                                                                                 \
  X(page_words) X(page_links) X(page_blocks) X(page_long) X(page_articles) X(page_main) X(page_h1_position) X(page_prices)       \
  X(page_replies) X(page_paragraphs) X(page_og_article) X(page_og_product) X(page_ld_article) X(page_ld_product)                 \
  X(page_ld_forum) X(page_ld_list) X(page_ld_faq) X(page_pre) X(page_tables) X(page_items) X(page_shape) X(page_best_links)      \
  X(page_best_share)

enum feature {
#define X(name) FEATURE_##name,
  FEATURES(X)
#undef X
  FEATURE_COUNT
};

extern const char *const feature_names[FEATURE_COUNT];

/* exp and log for x > 0, good to 1e-12: the C library's give other last bits on other processors, and a bit can move a
 * cut. */
double features_exp(double x);
double features_log(double x);

struct features { /* zero to start; one per worker; features_release() */
  float *rows;    /* [page->block_count][FEATURE_COUNT]; in all rows the same from FEATURE_page_words on */
  uint32_t best;  /* element: the deepest that holds 60% of the words in long blocks with few links */
  struct block_look *looks;
  uint64_t *keys;
  float (*around)[2];
  struct inherited *inherited;
  struct container *containers;
  uint32_t *slots;
  size_t block_capacity, element_capacity, slot_capacity, container_count;
};

/* Fills the sums of page->elements, then the rows. */
void features_compute(struct features *f, struct page *page);
void features_release(struct features *f);

#endif
