/* SPDX-License-Identifier: MIT
 *
 * What surrounds a block: the part of the page under the heading that repeats its title, elements that repeat beside each
 * other (posts, cards, lines of a list), the section a block stands in, blocks of the same text.
 */
#ifndef WARC2TXT_EXTRACT_CONTEXT_H
#define WARC2TXT_EXTRACT_CONTEXT_H

#include "tools/warc2txt/extract/features.h"

/* Counts and words are plain numbers: trees care for their order only. */
#define CONTEXT_FEATURES(X)                                                                                                       \
  /* the heading most like the title; the smallest element around it with 40 words of running text */                             \
  X(title_from)      /* blocks behind it, -20 to 60; -30: no such heading */                                                      \
  X(title_in)        /* in that element */                                                                                        \
  X(title_box)       /* the element's share of the page's words */                                                                \
  X(title_words)     /* words between it and the block; -1: before it, -2: none */                                                \
  X(title_here)                                                                                                                   \
  /* siblings of equal tag and class, two blocks or more each: those around the block that are most */                            \
  X(repeat_count) X(repeat_words) X(repeat_links) X(repeat_blocks) X(repeat_long)                                                 \
  X(repeat_own)      /* siblings of its own element */                                                                            \
  /* from the heading above to the next one */                                                                                    \
  X(section_links) X(heading_links) X(heading_words) X(heading_title)                                                             \
  X(same_before)     /* blocks before it with the same text */

enum context_feature {
#define X(name) CONTEXT_##name,
  CONTEXT_FEATURES(X)
#undef X
  CONTEXT_COUNT
};

struct context_group;

struct context { /* zero to start; one per worker; context_release() */
  float *rows;   /* [page->block_count][CONTEXT_COUNT] */
  uint64_t *words_until;
  uint32_t *same, *group, *around, *slots;
  struct context_group *groups;
  size_t capacity, block_capacity, element_capacity, slot_capacity, group_capacity;
};

/* Rows of CONTEXT_FEATURES, from the rows and sums that features_compute() left. */
void context_compute(struct context *c, const struct page *page, const float *features);

void context_release(struct context *c);

#endif
