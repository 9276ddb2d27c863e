/* SPDX-License-Identifier: MIT
 *
 * A page's tree -> blocks of text, each hanging in a thin tree of the elements that extraction asks about (tag, flags it
 * and its ancestors set, key words of its class and id); the text of all blocks lies in one buffer.  A block is the text
 * between two block-level tags; two <br> in a row end one as well.
 *
 * Words of neighbouring spans, links and times that nothing parts in the source are parted by their layout: where one ends
 * and another kind of word starts (PetersMar 7, 20261h) and between two links is a gap, which markup.h writes as a space.
 *
 * White space runs are one space, but inside pre they stand as they are; <br> is a newline.  Script, style, head, media,
 * form fields and templates leave nothing; <noscript> in the body is read, because whole forum threads stand there.
 */
#ifndef WARC2TXT_PAGE_H
#define WARC2TXT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "tools/warc2txt/html/html_tree.h"
#include "tools/warc2txt/page/page_keywords.h"

/* What an element and all below it are in.  features.h has the first 32 in this order. */
#define HTML_FLAGS(X)                                                                                                             \
  X(nav) X(header) X(footer) X(aside) X(form) X(main) X(article) X(section) X(table) X(ul) X(ol) X(dl) X(li) X(figure) X(button)  \
  X(details) X(blockquote) X(pre) X(p) X(dialog) X(td) X(item_body) X(item_property) X(hidden) X(noscript) X(role_navigation)     \
  X(role_main) X(role_complementary) X(role_banner) X(role_contentinfo) X(role_dialog) X(a) X(heading) X(invisible)

enum html_flag {
#define X(name) FLAG_##name,
  HTML_FLAGS(X)
#undef X
  FLAG_COUNT
};

/* Elements in which blocks stand, a parent before its children. */
struct element {
  uint64_t flags;       /* 1 << FLAG_... */
  uint32_t parent;      /* index; the root's is its own */
  uint32_t node;        /* in the tree */
  uint32_t signature;   /* hash of tag and class */
  uint32_t first_block, end_block;
  uint16_t tag, depth;
  uint8_t keywords;     /* KEYWORD_... of its own class and id */
  /* sums over the blocks below, filled by features_compute() */
  uint32_t words, link_words, long_words, paragraph_words, blocks, headings, commas;
};

struct block {
  uint32_t element;
  uint32_t text, len;   /* in page.text */
  uint32_t node, end_node; /* its text and inline elements are tree->nodes[node .. end_node), where they are not hidden */
  uint32_t words, link_words, links;
  uint32_t row;         /* number of its table row when its element is a cell, else 0 */
  bool pre, bold;
};

struct gap {            /* a space that stands before a node of text by the page's layout */
  uint32_t node, text;  /* where the node's text starts in page.text, in which the space is not */
};

struct page {           /* zero to start; reused; page_release() */
  const struct html_tree *tree;
  struct buffer text, title, description;
  struct element *elements;
  struct block *blocks;
  struct gap *gaps;
  size_t element_count, element_capacity, block_count, block_capacity, gap_count, gap_capacity;
  bool og_article, og_product;
  bool ld_article, ld_product, ld_forum, ld_list, ld_faq; /* "@type" of JSON-LD */
  uint32_t articles, mains, pres, tables, items;
  bool timed_out;
};

struct page_builder; /* one per worker */

struct page_builder *page_builder_new(void);
void page_builder_free(struct page_builder *b);

/* The tree must stay as it is while markup.h reads the page.  `deadline`: progress_clock() value at which to give up
 * (page->timed_out), 0: none. */
void page_build(struct page_builder *b, const struct html_tree *tree, struct page *page, double deadline);

void page_release(struct page *page);

/* The LaTeX that a script of MathJax or an image of a formula carries. */
bool page_formula(const struct html_tree *tree, uint32_t node, struct slice *tex);

#endif
