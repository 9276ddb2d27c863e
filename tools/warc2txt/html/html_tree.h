/* SPDX-License-Identifier: MIT
 *
 * A page as a light tree: nodes in one array in document order (preorder), so that a subtree is a range and a walk is a
 * loop.  Every parser of pages (html_parser.h, html_libxml2.h, xml) fills one; page.h and markup.h read it.
 *
 * It holds elements and text.  Comments, doctypes and attributes that nobody asks for are not kept.  Nodes stay in the order
 * of the source also where a browser would move them (text that stands in a table outside of cells).
 */
#ifndef WARC2TXT_HTML_TREE_H
#define WARC2TXT_HTML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

/* X(name, class): class is BLOCK, INLINE, SKIP (with all inside) or VOID.  Names of at most 16 letters and digits. */
#define HTML_TAGS(X)                                                                                                                 \
  X(a, INLINE) X(abbr, INLINE) X(acronym, INLINE) X(address, BLOCK) X(annotation, SKIP) X(applet, SKIP) X(area, VOID)                \
  X(article, BLOCK) X(aside, BLOCK) X(audio, SKIP) X(b, INLINE) X(base, VOID) X(basefont, VOID) X(bdi, INLINE) X(bdo, INLINE)        \
  X(bgsound, VOID) X(big, INLINE) X(blockquote, BLOCK) X(body, BLOCK) X(br, VOID) X(button, BLOCK) X(canvas, SKIP)                   \
  X(caption, BLOCK) X(center, BLOCK) X(cite, INLINE) X(code, INLINE) X(col, VOID) X(colgroup, BLOCK) X(data, INLINE)                 \
  X(datalist, SKIP) X(dd, BLOCK) X(del, INLINE) X(desc, BLOCK) X(details, BLOCK) X(dfn, INLINE) X(dialog, BLOCK) X(dir, BLOCK)       \
  X(div, BLOCK) X(dl, BLOCK) X(dt, BLOCK) X(em, INLINE) X(embed, VOID) X(fieldset, BLOCK) X(figcaption, BLOCK) X(figure, BLOCK)      \
  X(font, INLINE) X(footer, BLOCK) X(foreignobject, BLOCK) X(form, BLOCK) X(frame, VOID) X(frameset, BLOCK) X(h1, BLOCK)             \
  X(h2, BLOCK) X(h3, BLOCK) X(h4, BLOCK) X(h5, BLOCK) X(h6, BLOCK) X(head, SKIP) X(header, BLOCK) X(hgroup, BLOCK) X(hr, VOID)       \
  X(html, BLOCK) X(i, INLINE) X(iframe, SKIP) X(image, VOID) X(img, VOID) X(input, VOID) X(ins, INLINE) X(kbd, INLINE)               \
  X(keygen, VOID) X(label, INLINE) X(legend, BLOCK) X(li, BLOCK) X(link, VOID) X(listing, BLOCK) X(maction, INLINE) X(main, BLOCK)   \
  X(map, SKIP) X(mark, INLINE) X(marquee, BLOCK) X(math, INLINE) X(menclose, INLINE) X(menu, BLOCK) X(merror, INLINE) X(meta, VOID)  \
  X(mfenced, INLINE) X(mfrac, INLINE) X(mglyph, INLINE) X(mi, INLINE) X(mjx, INLINE) X(mlabeledtr, INLINE) X(mmultiscripts, INLINE)  \
  X(mn, INLINE) X(mo, INLINE) X(mover, INLINE) X(mpadded, INLINE) X(mphantom, INLINE) X(mprescripts, INLINE) X(mroot, INLINE)        \
  X(mrow, INLINE) X(ms, INLINE) X(mspace, INLINE) X(msqrt, INLINE) X(mstyle, INLINE) X(msub, INLINE) X(msubsup, INLINE)              \
  X(msup, INLINE) X(mtable, INLINE) X(mtd, INLINE) X(mtext, INLINE) X(mtr, INLINE) X(munder, INLINE) X(munderover, INLINE)           \
  X(nav, BLOCK) X(nobr, INLINE) X(noembed, SKIP) X(noframes, SKIP) X(noscript, BLOCK) X(object, SKIP) X(ol, BLOCK)                   \
  X(optgroup, SKIP) X(option, SKIP) X(p, BLOCK) X(param, VOID) X(picture, INLINE) X(plaintext, BLOCK) X(pre, BLOCK) X(q, INLINE)     \
  X(rb, INLINE) X(rp, INLINE) X(rt, INLINE) X(rtc, INLINE) X(ruby, INLINE) X(s, INLINE) X(samp, INLINE) X(script, SKIP)              \
  X(search, BLOCK) X(section, BLOCK) X(select, SKIP) X(semantics, INLINE) X(small, INLINE) X(source, VOID) X(span, INLINE)           \
  X(strike, INLINE) X(strong, INLINE) X(style, SKIP) X(sub, INLINE) X(summary, BLOCK) X(sup, INLINE) X(svg, SKIP) X(table, BLOCK)    \
  X(tbody, BLOCK) X(td, BLOCK) X(template, SKIP) X(textarea, SKIP) X(tfoot, BLOCK) X(th, BLOCK) X(thead, BLOCK) X(time, INLINE)      \
  X(title, SKIP) X(tr, BLOCK) X(track, VOID) X(tt, INLINE) X(u, INLINE) X(ul, BLOCK) X(var, INLINE) X(video, SKIP) X(wbr, VOID)      \
  X(xmp, BLOCK)

enum html_tag {
  TAG_unknown, /* custom elements and the like: BLOCK */
#define X(name, class) TAG_##name,
  HTML_TAGS(X)
#undef X
  TAG_text,    /* a node of text */
  TAG_COUNT
};

enum html_tag_class { HTML_BLOCK, HTML_INLINE, HTML_SKIP, HTML_VOID };

extern const unsigned char html_tag_class[TAG_COUNT];
extern const char *const html_tag_name[TAG_COUNT]; /* unknown: "", text: "#text" */

/* The tag of a name in lower case. */
enum html_tag html_tag_find(const char *name, size_t n);
/* Of a name that is not in the list: mjx for MathJax's elements (mjx-container, mjx-math, ...) and math-renderer, annotation
 * for annotation-xml, else unknown. */
enum html_tag html_tag_family(const char *name, size_t n);

/* Names by their first 16 bytes as two little-endian numbers, zeros behind; for parsers that have them at hand.
 * html_names_prepare() comes first. */
enum { HTML_NAME_SLOTS = 2048, HTML_NAME_LONGEST = 16 };
struct html_names {
  uint64_t low[256], high[256];
  uint8_t slots[HTML_NAME_SLOTS]; /* open addressing; 0 ends a search and is the name that is not known */
};
extern struct html_names html_tags, html_attributes;
void html_names_prepare(void);
static inline unsigned html_name_find(const struct html_names *names, uint64_t low, uint64_t high) {
  unsigned h = (unsigned)((low ^ (high << 29 | high >> 35)) * UINT64_C(0x9E3779B97F4A7C15) >> 53), i;
  while ((i = names->slots[h]) && (names->low[i] != low || names->high[i] != high)) h = (h + 1) % HTML_NAME_SLOTS;
  return i;
}

/* X(enumerator, name): the attributes that are kept. */
#define HTML_ATTRIBUTES(X)                                                                                                           \
  X(alt, "alt") X(alttext, "alttext") X(aria_hidden, "aria-hidden") X(class, "class") X(close, "close") X(colspan, "colspan")        \
  X(content, "content") X(data_lang, "data-lang") X(data_language, "data-language") X(data_latex, "data-latex")                      \
  X(data_line_number, "data-line-number") X(display, "display") X(encoding, "encoding") X(hidden, "hidden") X(href, "href")          \
  X(http_equiv, "http-equiv") X(id, "id") X(itemprop, "itemprop") X(itemtype, "itemtype") X(lang, "lang")                            \
  X(linethickness, "linethickness") X(mathvariant, "mathvariant") X(name, "name") X(open, "open") X(property, "property")            \
  X(rel, "rel") X(reversed, "reversed") X(role, "role") X(rowspan, "rowspan") X(src, "src") X(start, "start") X(style, "style")      \
  X(title, "title") X(type, "type") X(value, "value")

enum html_attribute_name {
  ATTRIBUTE_unknown,
#define X(name, string) ATTRIBUTE_##name,
  HTML_ATTRIBUTES(X)
#undef X
  ATTRIBUTE_COUNT
};

/* The attribute of a name in lower case; unknown: not kept. */
enum html_attribute_name html_attribute_find(const char *name, size_t n);

struct html_attribute {
  struct slice value;   /* character references decoded */
  uint16_t name;
};

struct html_node {
  uint32_t parent;      /* index; the root's (node 0) is its own */
  uint32_t end;         /* index behind its last descendant */
  uint16_t tag;
  uint16_t attribute_count;
  uint32_t attribute;   /* index of the first in tree->attributes */
  struct slice text;    /* TAG_text: character references decoded, line ends LF; no NUL, valid UTF-8 */
};

enum { HTML_DEPTH_MAX = 512, HTML_NODES_MAX = 1 << 24 };

struct html_tree {      /* zero to start; reused from page to page; html_tree_release() */
  struct html_node *nodes;
  size_t node_count, node_capacity;
  struct html_attribute *attributes;
  size_t attribute_count, attribute_capacity;
  struct buffer *chunks; /* bytes that are not in the page's own buffer; chunks do not move */
  size_t chunk_count, chunk_capacity, chunk_used;
  size_t node_limit;    /* no more nodes than this; stays from page to page; 0: HTML_NODES_MAX */
  bool timed_out;       /* the deadline passed: the tree ends there */
};

static inline size_t html_tree_most(const struct html_tree *tree) { return tree->node_limit ? tree->node_limit : HTML_NODES_MAX; }
/* Whether there is room for no further node, or there are more attributes than nodes of pages have. */
static inline bool html_tree_full(const struct html_tree *tree) { return tree->node_count >= html_tree_most(tree) || tree->attribute_count / 2 > html_tree_most(tree); }

void html_tree_clear(struct html_tree *tree);
void html_tree_release(struct html_tree *tree);

/* Room for n bytes that live as long as the tree's content. */
char *html_tree_bytes(struct html_tree *tree, size_t n);

/* For parsers that hand over events: opens an element below `parent` (the first one is the root, its parent is ignored)
 * and returns its index; attributes follow with html_tree_attribute().  A node's end is set by html_tree_close(), which
 * must come when all of its descendants are there.  html_tree_full() is asked by the caller. */
uint32_t html_tree_open(struct html_tree *tree, uint32_t parent, enum html_tag tag);
void html_tree_attribute(struct html_tree *tree, enum html_attribute_name name, struct slice value); /* of the last element; copied */
void html_tree_text(struct html_tree *tree, uint32_t parent, struct slice text);                     /* copied */
void html_tree_close(struct html_tree *tree, uint32_t element);

/* The value of an attribute, NULL when the element has none of that name. */
const struct slice *html_tree_value(const struct html_tree *tree, uint32_t element, enum html_attribute_name name);

#endif
