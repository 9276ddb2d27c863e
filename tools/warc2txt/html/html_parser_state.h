/* SPDX-License-Identifier: MIT
 *
 * The state of html_parser.h between its files: the rules of tags, the stack of open elements, the list of active formatting
 * elements.  html_parser.c has the insertion modes, html_parser_tables.c those of tables, html_parser_formatting.c the list,
 * html_parser_rules.c the rules.
 *
 * What the standard looks for by walking its stack is known here without a walk: each entry says where the nearest element
 * of its own tag, the nearest end of a scope and the nearest special elements are, so that every tag takes constant time,
 * however deep the page and however many of its end tags are stray.
 */
#ifndef WARC2TXT_HTML_PARSER_STATE_H
#define WARC2TXT_HTML_PARSER_STATE_H

#include "common/base/memory.h"
#include "tools/warc2txt/html/html_parser.h"
#include "tools/warc2txt/html/html_tokenizer.h"

enum { FORMATTING_MAX = 16, FOREIGN_WALK = 512 };

/* ---- what the standard says of tags */

enum rule {
  SPECIAL = 1,
  PLAIN_SPECIAL = 2, /* address, div, p */
  SCOPE = 4,
  FORMATTING = 8,
  TABLE_PART = 16,   /* ends a cell */
  BREAKOUT = 32,     /* ends a drawing */
  MATH_TEXT = 64,    /* integration points */
  SVG_HTML = 128,
};

/* How a start tag is treated in the body. */
enum start {
  START_ORDINARY, START_BLOCK, START_HEADING, START_FORM, START_LI, START_DD, START_PLAINTEXT, START_BUTTON, START_A, START_FORMATTING, START_NOBR, START_MARKER,
  START_TABLE, START_VOID, START_INPUT, START_PARAM, START_HR, START_IMAGE, START_TEXTAREA, START_XMP, START_RAW, START_SELECT, START_OPTION, START_RB, START_RT,
  START_MATH, START_SVG, START_IGNORE, START_HEAD, START_HTML, START_BODY, START_FRAMESET,
};

/* How an end tag is. */
enum finish { END_OTHER, END_BLOCK, END_FORM, END_P, END_LI, END_DD, END_HEADING, END_FORMATTING, END_MARKER, END_BR, END_NOTHING, END_TEMPLATE };

struct tag_rules {
  uint8_t rules, start, end;
};
extern const struct tag_rules html_rules[TAG_COUNT];

/* ---- state */

enum space { SPACE_HTML, SPACE_MATH, SPACE_SVG };

enum mode {
  MODE_BEFORE_HEAD, MODE_HEAD, MODE_AFTER_HEAD, MODE_BODY, MODE_TABLE, MODE_CAPTION, MODE_COLUMNS, MODE_TABLE_BODY, MODE_ROW, MODE_CELL,
  MODE_TEMPLATE, MODE_FRAMESET, MODE_AFTER_FRAMESET,
};

/* Positions in the stack are counted from 1; 0 is none. */
struct open {
  uint32_t node;       /* what children hang in */
  uint32_t serial;     /* of the element */
  uint32_t name;       /* hash */
  uint32_t previous;   /* position of the next lower element of the same tag */
  uint32_t scope, special, barrier; /* positions, of itself or the nearest below: ends of scopes; special; that without address, div, p */
  uint16_t tag;
  uint8_t space;
  bool leaf;           /* node is not its own: it is too deep */
  bool gone;           /* a form that was closed before what is in it: it leaves the stack when it is the top */
};

struct formatting {    /* the list of active formatting elements */
  uint32_t serial;     /* 0: a marker */
  uint32_t position, attribute, hash;
  uint16_t attribute_count, tag;
};

struct html_parser {
  struct html_tokenizer t;
  struct html_tree *tree;
  struct open *stack;
  size_t capacity;
  uint32_t depth, serial;
  uint32_t last[TAG_COUNT]; /* position of the topmost open HTML element of a tag */
  struct formatting *list;
  size_t list_count, list_capacity;
  uint8_t *templates;       /* modes */
  size_t template_count, template_capacity;
  enum mode mode;
  uint32_t form, body;      /* serial of the form element; position of the body */
  size_t moved;             /* nodes and entries that misnested tags made move */
  bool frameset_ok, quirks;
  bool raw;                 /* the top is an element whose content is only text */
  bool head_tag;            /* the page has a <head> of its own */
  bool some_gone;           /* entries of the stack may be */
};

static inline struct open *top(struct html_parser *p) { return &p->stack[p->depth - 1]; }
static inline uint32_t max(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* ---- the stack of open elements */

/* Files an element under its tag and computes what its entry knows from the one below. */
static inline void link_entry(struct html_parser *p, uint32_t position) {
  struct open *o = &p->stack[position - 1], *below = position > 1 ? o - 1 : NULL;
  uint32_t scope = below ? below->scope : 0, special = below ? below->special : 0, barrier = below ? below->barrier : 0;
  unsigned r = html_rules[o->tag].rules;
  if (o->space == SPACE_HTML) {
    o->previous = p->last[o->tag];
    p->last[o->tag] = position;
    if (r & SCOPE) scope = position;
    if (r & SPECIAL) special = position;
    if ((r & (SPECIAL | PLAIN_SPECIAL)) == SPECIAL) barrier = position;
  } else if (r & (o->space == SPACE_MATH ? MATH_TEXT : SVG_HTML)) {
    scope = special = barrier = position;
  }
  o->scope = scope;
  o->special = special;
  o->barrier = barrier;
}

/* A node for an element; `attribute` and count are already in the tree.  Returns false when there is no room. */
static inline bool add_node(struct html_parser *p, unsigned tag, uint32_t attribute, uint32_t attribute_count) {
  struct html_tree *tree = p->tree;
  if (html_tree_full(tree)) return false;
  GROW(tree->nodes, tree->node_capacity, tree->node_count + 1);
  uint32_t index = (uint32_t)tree->node_count++;
  uint32_t parent = p->depth ? top(p)->node : 0;
  tree->nodes[index] = (struct html_node){.parent = parent, .end = index + 1, .tag = (uint16_t)tag, .attribute = attribute, .attribute_count = (uint16_t)attribute_count};
  return true;
}

static inline void push(struct html_parser *p, unsigned tag, enum space space, bool added) {
  uint32_t node = (uint32_t)p->tree->node_count - 1;
  bool leaf = !added || p->depth >= HTML_DEPTH_MAX;
  if (leaf) node = top(p)->node;
  GROW(p->stack, p->capacity, p->depth + 1);
  p->stack[p->depth++] = (struct open){.node = node, .serial = ++p->serial, .name = p->t.name, .tag = (uint16_t)tag, .space = (uint8_t)space, .leaf = leaf};
  link_entry(p, p->depth);
}

static inline void pop(struct html_parser *p) {
  do {
    struct open *o = &p->stack[--p->depth];
    if (!o->leaf) p->tree->nodes[o->node].end = (uint32_t)p->tree->node_count;
    if (o->space == SPACE_HTML) p->last[o->tag] = o->previous;
  } while (p->some_gone && p->depth && top(p)->gone);
}

/* The element at a position and all above it are done. */
static inline void pop_to(struct html_parser *p, uint32_t position) {
  while (p->depth >= position) pop(p);
}

/* A node with the attributes of the start tag. */
static inline bool add_tag(struct html_parser *p, unsigned tag) {
  if (!add_node(p, tag, (uint32_t)p->tree->attribute_count, p->t.attribute_count)) return false;
  p->tree->attribute_count += p->t.attribute_count;
  return true;
}

static inline void insert_foreign(struct html_parser *p, unsigned tag, enum space space) { push(p, tag, space, add_tag(p, tag)); }

static inline void insert(struct html_parser *p, unsigned tag) { insert_foreign(p, tag, SPACE_HTML); }

static inline void insert_void(struct html_parser *p, unsigned tag) { add_tag(p, tag); }

/* An element that the page leaves out. */
static inline void insert_implied(struct html_parser *p, unsigned tag) {
  uint32_t name = p->t.name;
  p->t.name = tag;
  push(p, tag, SPACE_HTML, add_node(p, tag, 0, 0));
  p->t.name = name;
}

static inline uint32_t button_scope(struct html_parser *p) { return max(top(p)->scope, p->last[TAG_button]); }
static inline uint32_t list_scope(struct html_parser *p) { return max(top(p)->scope, max(p->last[TAG_ol], p->last[TAG_ul])); }
static inline uint32_t table_scope(struct html_parser *p) { return max(max(p->last[TAG_table], p->last[TAG_template]), 1); }
static inline bool in_scope(struct html_parser *p, unsigned tag, uint32_t scope) { return p->last[tag] && p->last[tag] >= scope; }

static inline void close_p(struct html_parser *p) {
  if (p->last[TAG_p] && p->last[TAG_p] >= button_scope(p)) pop_to(p, p->last[TAG_p]);
}

static inline bool implied_end(unsigned tag) {
  switch (tag) {
    case TAG_dd: case TAG_dt: case TAG_li: case TAG_optgroup: case TAG_option: case TAG_p: case TAG_rb: case TAG_rp: case TAG_rt: case TAG_rtc: return true;
    default: return false;
  }
}

static inline void generate_implied_ends(struct html_parser *p, unsigned except) {
  while (implied_end(top(p)->tag) && top(p)->tag != except && top(p)->space == SPACE_HTML) pop(p);
}

/* ---- html_parser_formatting.c */

void html_list_marker(struct html_parser *p);
void html_list_clear_to_marker(struct html_parser *p);
void html_list_remove_serial(struct html_parser *p, uint32_t serial); /* where it still is */
uint32_t html_list_find(const struct html_parser *p, unsigned tag);   /* the serial of the last one behind the last marker, 0: none */

/* Elements that were closed by the end of something around them are opened again. */
void html_reconstruct_closed(struct html_parser *p);
static inline void html_reconstruct(struct html_parser *p) {
  const struct formatting *f = p->list_count ? &p->list[p->list_count - 1] : NULL;
  if (f && f->serial && (f->position > p->depth || p->stack[f->position - 1].serial != f->serial)) html_reconstruct_closed(p);
}

void html_insert_formatting(struct html_parser *p, unsigned tag);
void html_end_formatting(struct html_parser *p, unsigned tag); /* the adoption agency */
void html_end_other(struct html_parser *p, unsigned tag);      /* any other end tag in the body */

/* ---- html_parser.c */

void html_reset_mode(struct html_parser *p);
void html_start_in_body(struct html_parser *p, unsigned tag);
void html_end_in_body(struct html_parser *p, unsigned tag);

/* ---- html_parser_tables.c: each returns true when the tag is to be looked at again in the mode that is now */

bool html_start_in_table(struct html_parser *p, unsigned tag);
bool html_end_in_table(struct html_parser *p, unsigned tag);
bool html_start_in_table_body(struct html_parser *p, unsigned tag);
bool html_end_in_table_body(struct html_parser *p, unsigned tag);
bool html_start_in_row(struct html_parser *p, unsigned tag);
bool html_end_in_row(struct html_parser *p, unsigned tag);
bool html_end_in_cell(struct html_parser *p, unsigned tag);
bool html_close_cell(struct html_parser *p);
bool html_close_caption(struct html_parser *p);

#endif
