/* SPDX-License-Identifier: MIT
 *
 * Between the files of markup: the state of writing one page.
 *
 * markup.c walks the tree from kept block to kept block and knows lists, quotes and headings; markup_line.c makes the text
 * of one block from its nodes; markup_code.c, markup_table.c and markup_math.c read the elements of their name.
 * Every walk is a loop over a range of nodes, so the whole is linear in the page.
 */
#ifndef WARC2TXT_MARKUP_WRITER_H
#define WARC2TXT_MARKUP_WRITER_H

#include "tools/warc2txt/markup/markup.h"

/* Deeper lists and quotes share the last one's indentation: lines stay short.  PLACES: empty cells of all tables of a page
 * beyond three a cell. */
enum { MARKUP_CONTAINERS_MAX = 12, MARKUP_INDENT_MAX = 40, MARKUP_PLACES_MAX = 1 << 16 };

enum markup_inline_kind { INLINE_LINK, INLINE_STRONG, INLINE_EMPHASIS, INLINE_STRIKE, INLINE_SUPERSCRIPT, INLINE_SUBSCRIPT, INLINE_CODE, INLINE_KINDS };

struct markup_inline {  /* an open inline element; of each kind at most one */
  uint32_t node, end;
  enum markup_inline_kind kind;
  bool written;         /* its opening delimiter is in the line ... */
  size_t start;         /* ... and what it holds starts here */
};

struct markup_line {    /* the text of one block before it is escaped and indented; a newline is a line break */
  struct buffer text;
  uint32_t *marks;      /* offsets of literal characters that Markdown may read as its own */
  size_t mark_count, mark_capacity;
  struct markup_inline open[INLINE_KINDS];
  unsigned open_count;
  bool space;           /* white space is due before the next character */
  bool strong, code;   /* generated delimiters are in the text */
  size_t closed_at;     /* text.len behind the last closing delimiter ... */
  enum markup_inline_kind closed; /* ... and its kind */
};

enum markup_container_kind { CONTAINER_QUOTE, CONTAINER_ITEM, CONTAINER_DEFINITION };

struct markup_container {
  enum markup_container_kind kind;
  bool pending;         /* its marker is not written yet */
  uint8_t width;        /* indentation of the lines behind the first */
  char marker[24];
};

enum markup_open_kind { OPEN_LIST, OPEN_CONTAINER, OPEN_HEADING, OPEN_TERM, OPEN_SHARED };

struct markup_open {    /* a block-level element that the lines in it depend on */
  uint32_t node, end;
  enum markup_open_kind kind;
  bool ordered;         /* lists */
  int64_t number, step;
};

enum markup_place { PLACE_BLOCK, PLACE_CELL, PLACE_HEADING };

struct markup {
  const struct markup_options *options;
  const struct page *page;
  const struct html_tree *tree;
  const bool *keep;
  struct buffer *out;
  size_t start;         /* out->len before the page */
  bool markdown;
  uint32_t block;       /* the next kept block */
  struct markup_line line;
  struct markup_open *open;
  size_t open_count, open_capacity;
  struct markup_container containers[MARKUP_CONTAINERS_MAX];
  unsigned container_count, common; /* how many are open since the last block */
  uint32_t list, last_list; /* node of the outermost open list + 1; what it was at the last block */
  uint32_t last_row, last_element; /* of the last block, for the cells of layout tables in text */
  int heading;          /* level of the open one; 0: none */
  bool cell;            /* the line is that of a cell */
  bool term, last_term;
  uint32_t formula_end; /* node behind the last formula */
  uint32_t glyphs_end;  /* up to here MathJax's elements hold no MathML */
  uint32_t numbers_end; /* up to here no element holds line numbers alone */
  struct buffer scratch, tex;
  uint64_t places_left; /* of MARKUP_PLACES_MAX */
  size_t gap;           /* in page->gaps, the next one */
  uint32_t *ends;       /* of block-level elements in code */
  size_t end_capacity;
};

/* More was written than is wanted: loops over nodes and lines end. */
static inline bool markup_full(const struct markup *m) { return m->options->limit && m->out->len - m->start > m->options->limit; }

/* ---- markup.c */

enum markup_block { BLOCK_PARAGRAPH, BLOCK_OTHER };

/* What stands between the last block and the next one, and the markers before its first line. */
void markup_begin(struct markup *m, enum markup_block kind);
/* A newline and the indentation of a further line of the same block. */
void markup_next_line(struct markup *m, bool blank);
/* The line's text as a paragraph or heading; clears it. */
void markup_end_paragraph(struct markup *m);
/* Is a block with nodes in [from, to) kept?  Ranges must be asked for in order. */
bool markup_kept(const struct markup *m, uint32_t *block, uint32_t from, uint32_t to);

/* ---- markup_line.c */

/* Appends what the nodes [from, to) say.  Inline elements that are open at the end stay so. */
void markup_line_add(struct markup *m, uint32_t from, uint32_t to, enum markup_place place);
void markup_line_open(struct markup *m, uint32_t node);  /* an inline element */
void markup_line_close(struct markup *m, uint32_t node); /* those that end at or before the node */
/* Closes the delimiters, trims, and in markdown escapes; valid until the line is touched again. */
struct slice markup_line_finish(struct markup *m);
void markup_line_clear(struct markup *m);
/* An element that readers do not see or that markup makes twice: anchors of headings, MathJax's previews, ... */
bool markup_dropped(const struct markup *m, uint32_t node);

/* ---- markup_code.c */

/* Is it an element that holds nothing but line numbers, or a button that copies? */
bool markup_not_code(struct markup *m, uint32_t node);
/* The text of an element whose white space counts (or, with `collapse`, whose lines end at <br>), without blank lines
 * around it. */
void markup_code_text(struct markup *m, uint32_t node, bool collapse, struct buffer *out);
void markup_code_block(struct markup *m, uint32_t node, bool collapse);
/* A table of which each row is a line of code. */
bool markup_is_code_table(const struct markup *m, uint32_t table);

/* ---- markup_table.c */

/* Writes a table of data; false: it is one of layout, nothing was written. */
bool markup_table(struct markup *m, uint32_t table);

/* ---- markup_math.c */

/* LaTeX of a formula: an element that carries it (math, mjx-container, MathJax's script, an image with the source as
 * alternative text, a span or text between \( and \)), without delimiters.  Returns the node behind it, or 0 when it is
 * none. */
uint32_t markup_formula(struct markup *m, uint32_t node, struct buffer *tex, bool *display);
void markup_mathml(const struct html_tree *tree, uint32_t math, struct buffer *tex);

/* ---- classes */

bool markup_class_has(struct slice class, const char *word); /* as a whole, case apart */
struct slice markup_class(const struct html_tree *tree, uint32_t node);
/* The next word of a class attribute; false: none. */
bool markup_class_word(struct slice *class, struct slice *word);

#endif
