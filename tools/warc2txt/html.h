/* SPDX-License-Identifier: MIT
 *
 * HTML in UTF-8 -> blocks of text, each hanging in a thin tree of elements.  The tree keeps what extraction asks of an
 * element (tag, flags it and its ancestors set, key words of its class and id) and nothing else; the text of all blocks
 * lies in one buffer.  A block is the text between two block-level tags; two <br> in a row end one as well.
 *
 * White space runs are one space, but inside pre they stand as they are; <br> is a newline.  Script, style, head, media,
 * form fields and templates leave nothing; <noscript> in the body is read, because whole forum threads stand there.
 */
#ifndef WARC2TXT_HTML_H
#define WARC2TXT_HTML_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

/* X(name, class): class is BLOCK, INLINE, SKIP (with all inside) or VOID. */
#define HTML_TAGS(X)                                                                                                                 \
  X(a, INLINE) X(abbr, INLINE) X(acronym, INLINE) X(address, BLOCK) X(applet, SKIP) X(area, VOID) X(article, BLOCK) X(aside, BLOCK)  \
  X(audio, SKIP) X(b, INLINE) X(base, VOID) X(basefont, VOID) X(bdi, INLINE) X(bdo, INLINE) X(big, INLINE) X(blockquote, BLOCK)      \
  X(body, BLOCK) X(br, VOID) X(button, BLOCK) X(canvas, SKIP) X(caption, BLOCK) X(center, BLOCK) X(cite, INLINE) X(code, INLINE)     \
  X(col, VOID) X(colgroup, BLOCK) X(data, INLINE) X(datalist, SKIP) X(dd, BLOCK) X(del, INLINE) X(details, BLOCK) X(dfn, INLINE)     \
  X(dialog, BLOCK) X(dir, BLOCK) X(div, BLOCK) X(dl, BLOCK) X(dt, BLOCK) X(em, INLINE) X(embed, VOID) X(fieldset, BLOCK)             \
  X(figcaption, BLOCK) X(figure, BLOCK) X(font, INLINE) X(footer, BLOCK) X(form, BLOCK) X(frame, VOID) X(frameset, BLOCK)            \
  X(h1, BLOCK) X(h2, BLOCK) X(h3, BLOCK) X(h4, BLOCK) X(h5, BLOCK) X(h6, BLOCK) X(head, SKIP) X(header, BLOCK) X(hgroup, BLOCK)      \
  X(hr, VOID) X(html, BLOCK) X(i, INLINE) X(iframe, SKIP) X(img, VOID) X(input, VOID) X(ins, INLINE) X(kbd, INLINE) X(label, INLINE) \
  X(legend, BLOCK) X(li, BLOCK) X(link, VOID) X(listing, BLOCK) X(main, BLOCK) X(map, SKIP) X(mark, INLINE) X(math, INLINE)          \
  X(menu, BLOCK) X(meta, VOID) X(mi, INLINE) X(mn, INLINE) X(mo, INLINE) X(mrow, INLINE) X(nav, BLOCK) X(nobr, INLINE)               \
  X(noembed, SKIP) X(noframes, SKIP) X(noscript, BLOCK) X(object, SKIP) X(ol, BLOCK) X(optgroup, SKIP) X(option, SKIP) X(p, BLOCK)   \
  X(param, VOID) X(picture, INLINE) X(pre, BLOCK) X(q, INLINE) X(rp, INLINE) X(rt, INLINE) X(ruby, INLINE) X(s, INLINE)              \
  X(samp, INLINE) X(script, SKIP) X(section, BLOCK) X(select, SKIP) X(small, INLINE) X(source, VOID) X(span, INLINE)                 \
  X(strike, INLINE) X(strong, INLINE) X(style, SKIP) X(sub, INLINE) X(summary, BLOCK) X(sup, INLINE) X(svg, SKIP) X(table, BLOCK)    \
  X(tbody, BLOCK) X(td, BLOCK) X(template, SKIP) X(textarea, SKIP) X(tfoot, BLOCK) X(th, BLOCK) X(thead, BLOCK) X(time, INLINE)      \
  X(title, SKIP) X(tr, BLOCK) X(track, VOID) X(tt, INLINE) X(u, INLINE) X(ul, BLOCK) X(var, INLINE) X(video, SKIP) X(wbr, VOID)      \
  X(xmp, BLOCK)

enum html_tag {
  TAG_unknown, /* custom elements and the like: BLOCK */
#define X(name, class) TAG_##name,
  HTML_TAGS(X)
#undef X
  TAG_COUNT
};

/* What an element and all below it are in. */
#define HTML_FLAGS(X)                                                                                                             \
  X(nav) X(header) X(footer) X(aside) X(form) X(main) X(article) X(section) X(table) X(ul) X(ol) X(dl) X(li) X(figure) X(button)  \
  X(details) X(blockquote) X(pre) X(p) X(heading) X(dialog) X(td) X(a) X(item_body) X(item_property) X(hidden) X(invisible)       \
  X(noscript) X(role_navigation) X(role_main) X(role_complementary) X(role_banner) X(role_contentinfo) X(role_dialog)

enum html_flag {
#define X(name) FLAG_##name,
  HTML_FLAGS(X)
#undef X
  FLAG_COUNT
};

enum { KEYWORD_NEGATIVE = 1, KEYWORD_POSITIVE = 2, KEYWORD_COMMENT = 4 };

struct element {
  uint32_t parent;      /* index; the root's is its own */
  uint16_t tag, depth;
  uint64_t flags;       /* 1 << FLAG_... */
  uint32_t keywords;    /* of its own class and id */
  uint32_t signature;   /* hash of tag and class */
  uint32_t first_block, end_block;
  /* sums over the blocks below, filled by features_compute() */
  uint32_t words, link_words, long_words, paragraph_words, blocks, headings, commas;
};

struct block {
  uint32_t element;
  uint32_t text, len;   /* in page.text */
  uint32_t words, link_words, links;
  uint32_t row;         /* number of its table row when its element is a cell, else 0 */
  bool pre, bold;
};

struct page {           /* zero to start; reused; page_release() */
  struct buffer text, title, description;
  struct element *elements;
  struct block *blocks;
  size_t element_count, element_capacity, block_count, block_capacity;
  bool og_article, og_product;
  bool ld_article, ld_product, ld_forum, ld_list, ld_faq; /* "@type" of JSON-LD */
  uint32_t articles, mains, pres, tables, items;
  bool timed_out;
};

struct html_parser; /* one per worker */

struct html_parser *html_parser_new(void);
void html_parser_free(struct html_parser *p);

/* `html`: valid UTF-8 without NUL, with a NUL behind its end; may be written to.  `deadline`: progress_clock() value
 * at which to give up (page->timed_out), 0: none. */
void html_parse(struct html_parser *p, struct buffer *html, struct page *page, double deadline);

void page_release(struct page *page);

enum html_tag html_tag_of(const char *name); /* lower case */

/* Words as features count them: runs of letters, digits and _, pairs of characters in scripts without spaces. */
uint32_t html_words(const char *s, size_t n);

#endif
