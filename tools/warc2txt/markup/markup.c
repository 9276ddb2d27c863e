/* SPDX-License-Identifier: MIT
 *
 * The walk over the tree, from kept block to kept block: subtrees that hold none are skipped, block-level elements on the
 * way to one open what its lines depend on.
 *
 * In the text form a block is copied from the page's text, unless nodes in it ask for more (formulas, ruby).
 */
#include "tools/warc2txt/markup/markup_writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

enum { TABLE_WORDS = 500 };

/* ---- separation and indentation */

static void indent(struct markup *m, unsigned count, bool first, enum markup_block kind) {
  for (unsigned i = 0; i < count; i++) {
    struct markup_container *c = &m->containers[i];
    bool inner = false; /* a marker of a list stands where that of a definition would */
    for (unsigned k = i + 1; k < count && c->kind == CONTAINER_DEFINITION; k++) inner = inner || m->containers[k].pending;
    if (c->kind == CONTAINER_QUOTE) {
      buffer_append(m->out, "> ", 2);
    } else if (first && c->pending) {
      if (c->kind == CONTAINER_ITEM || (kind == BLOCK_PARAGRAPH && !inner)) buffer_append_string(m->out, c->marker);
      c->pending = false;
    } else {
      for (unsigned k = 0; k < c->width; k++) buffer_put(m->out, ' ');
    }
  }
}

static void trim_line(struct markup *m) {
  while (m->out->len > m->start && m->out->data[m->out->len - 1] == ' ') m->out->len--;
}

void markup_begin(struct markup *m, enum markup_block kind) {
  bool first = m->out->len == m->start;
  if (!m->markdown) {
    if (!first) buffer_put(m->out, '\n');
    m->last_row = 0;
    return;
  }
  if (!first) {
    bool item = false, definition = false;
    for (unsigned i = m->common; i < m->container_count; i++) {
      item = item || (m->containers[i].pending && m->containers[i].kind == CONTAINER_ITEM);
      definition = definition || (m->containers[i].pending && m->containers[i].kind == CONTAINER_DEFINITION && kind == BLOCK_PARAGRAPH);
    }
    bool tight = (item && m->last_list && m->last_list == m->list) || (m->last_term && (m->term || definition));
    buffer_put(m->out, '\n');
    if (!tight) {
      indent(m, m->common, false, kind);
      trim_line(m);
      buffer_put(m->out, '\n');
    }
  }
  indent(m, m->container_count, true, kind);
  m->common = m->container_count;
  m->last_list = m->list;
  m->last_term = m->term;
}

void markup_next_line(struct markup *m, bool blank) {
  buffer_put(m->out, '\n');
  if (!m->markdown) return;
  indent(m, m->container_count, false, BLOCK_OTHER);
  if (blank) trim_line(m);
}

void markup_end_paragraph(struct markup *m) {
  struct slice s = markup_line_finish(m);
  if (s.len) {
    markup_begin(m, m->heading && m->markdown ? BLOCK_OTHER : BLOCK_PARAGRAPH);
    if (m->heading && m->markdown) {
      for (int i = 0; i < m->heading; i++) buffer_put(m->out, '#');
      buffer_put(m->out, ' ');
    }
    for (const char *p = s.data, *end = s.data + s.len; p < end && !markup_full(m);) {
      const char *newline = memchr(p, '\n', (size_t)(end - p));
      buffer_append(m->out, p, (size_t)((newline ? newline : end) - p));
      if (!newline) break;
      if (m->heading && m->markdown) {
        buffer_put(m->out, ' ');
      } else {
        if (m->markdown) buffer_append(m->out, "  ", 2);
        markup_next_line(m, false);
      }
      p = newline + 1;
    }
  }
  markup_line_clear(m);
}

/* ---- block-level elements */

static struct markup_open *push(struct markup *m, uint32_t node, enum markup_open_kind kind) {
  GROW(m->open, m->open_capacity, m->open_count + 1);
  struct markup_open *o = &m->open[m->open_count++];
  *o = (struct markup_open){.node = node, .end = m->tree->nodes[node].end, .kind = kind};
  return o;
}

static void push_container(struct markup *m, uint32_t node, enum markup_container_kind kind, const char *marker, bool pending) {
  size_t indentation = strlen(marker);
  for (unsigned i = 0; i < m->container_count; i++) indentation += m->containers[i].kind == CONTAINER_QUOTE ? 2 : m->containers[i].width;
  if (m->container_count == MARKUP_CONTAINERS_MAX || indentation > MARKUP_INDENT_MAX) {
    push(m, node, OPEN_SHARED);
    if (pending && kind == CONTAINER_ITEM) { /* its marker takes the place of the last one's */
      struct markup_container *c = &m->containers[m->container_count - 1];
      if (c->kind == CONTAINER_ITEM) {
        c->pending = true;
        if (m->common == m->container_count) m->common--;
      }
    }
    return;
  }
  push(m, node, OPEN_CONTAINER);
  struct markup_container *c = &m->containers[m->container_count++];
  *c = (struct markup_container){.kind = kind, .pending = pending, .width = kind == CONTAINER_ITEM ? (uint8_t)strlen(marker) : 0};
  snprintf(c->marker, sizeof c->marker, "%s", marker);
}

static void close_blocks(struct markup *m, uint32_t node) {
  while (m->open_count && m->open[m->open_count - 1].end <= node) {
    struct markup_open *o = &m->open[--m->open_count];
    switch (o->kind) {
      case OPEN_CONTAINER:
        m->container_count--;
        if (m->common > m->container_count) m->common = m->container_count;
        break;
      case OPEN_LIST: if (m->list == o->node + 1) m->list = 0; break;
      case OPEN_HEADING: m->heading = 0; break;
      case OPEN_TERM: m->term = false; break;
      case OPEN_SHARED: break;
    }
  }
}

static bool integer(const struct slice *s, int64_t *value) {
  if (!s) return false;
  struct slice t = slice_trim(*s);
  bool negative = t.len && t.data[0] == '-';
  int64_t n = 0;
  size_t i = negative;
  for (; i < t.len && i < 10 && t.data[i] >= '0' && t.data[i] <= '9'; i++) n = n * 10 + (t.data[i] - '0');
  if (i == negative) return false;
  *value = negative ? -n : n;
  return true;
}

static void open_list(struct markup *m, uint32_t node) {
  const struct html_node *nodes = m->tree->nodes;
  /* a list right in a list belongs to the item before it */
  if (m->open_count && m->open[m->open_count - 1].kind == OPEN_LIST) push_container(m, node, CONTAINER_ITEM, m->open[m->open_count - 1].ordered ? "   " : "  ", false);
  struct markup_open *o = push(m, node, OPEN_LIST);
  o->ordered = nodes[node].tag == TAG_ol;
  o->number = o->step = 1;
  if (!m->list) m->list = node + 1;
  if (!o->ordered) return;
  bool start = integer(html_tree_value(m->tree, node, ATTRIBUTE_start), &o->number);
  if (html_tree_value(m->tree, node, ATTRIBUTE_reversed)) {
    o->step = -1;
    if (!start) {
      o->number = 0;
      for (uint32_t i = node + 1; i < nodes[node].end; i = nodes[i].end) o->number += nodes[i].tag == TAG_li;
    }
  }
}

/* Counts an item, also one of which nothing is kept. */
static int64_t item_number(struct markup *m, uint32_t node) {
  struct markup_open *list = m->open_count ? &m->open[m->open_count - 1] : NULL;
  if (!list || list->kind != OPEN_LIST || !list->ordered) return INT64_MIN;
  integer(html_tree_value(m->tree, node, ATTRIBUTE_value), &list->number);
  int64_t number = list->number;
  list->number += list->step;
  return number < 0 ? 0 : number; /* Markdown has no negative numbers */
}

static void open_item(struct markup *m, uint32_t node) {
  char marker[24] = "- ";
  int64_t number = item_number(m, node);
  if (number != INT64_MIN) snprintf(marker, sizeof marker, "%lld. ", (long long)(number > 999999999 ? 999999999 : number));
  push_container(m, node, CONTAINER_ITEM, marker, true);
}

/* Opens a block-level element on the way to a kept block, or writes all of it; returns the node to go on with. */
static uint32_t open_block(struct markup *m, uint32_t node) {
  const struct html_node *n = &m->tree->nodes[node];
  switch (n->tag) {
    case TAG_pre:
    case TAG_listing:
    case TAG_xmp: markup_code_block(m, node, false); return n->end;
    case TAG_table:
      if (markup_is_code_table(m, node)) markup_code_block(m, node, false);
      else if (!markup_table(m, node)) break;
      return n->end;
    case TAG_button:
    case TAG_div:
    case TAG_td:
      if (markup_not_code(m, node)) return n->end;
      if (n->tag == TAG_div && n->attribute_count) {
        bool display;
        if (!markup_formula(m, node, &m->tex, &display)) break;
        markup_line_add(m, node, n->end, PLACE_BLOCK);
        markup_end_paragraph(m);
        return n->end;
      }
      break;
    default: break;
  }
  if (!m->markdown) return node + 1;
  if (markup_dropped(m, node)) return n->end;
  switch (n->tag) {
    case TAG_h1: case TAG_h2: case TAG_h3: case TAG_h4: case TAG_h5: case TAG_h6:
      push(m, node, OPEN_HEADING);
      m->heading = n->tag - TAG_h1 + 1;
      break;
    case TAG_ul: case TAG_ol: case TAG_menu: case TAG_dir: open_list(m, node); break;
    case TAG_li: open_item(m, node); break;
    case TAG_blockquote: push_container(m, node, CONTAINER_QUOTE, "", false); break;
    case TAG_dd: push_container(m, node, CONTAINER_DEFINITION, ": ", true); break;
    case TAG_dt:
      push(m, node, OPEN_TERM);
      m->term = true;
      break;
    default: break;
  }
  return node + 1;
}

/* ---- blocks */

/* Nodes that make a block more than its text on the page; script: MathJax's source. */
static const bool special[TAG_COUNT] = {[TAG_math] = true, [TAG_mjx] = true, [TAG_ruby] = true, [TAG_script] = true, [TAG_img] = true};

static void text_block(struct markup *m, const struct block *b, uint32_t from) {
  const char *text = m->page->text.data + b->text;
  bool walk = b->links && b->len > 2 && memcmp(text + b->len - 2, "\xC2\xB6", 2) == 0; /* the anchor of a heading */
  for (uint32_t i = from; i < b->end_node && !walk; i++) {
    const struct html_node *n = &m->tree->nodes[i];
    walk = special[n->tag] || (n->tag == TAG_span && n->attribute_count && slice_starts(markup_class(m->tree, i), SLICE("math")));
  }
  if (walk) {
    markup_line_add(m, from, b->end_node, PLACE_BLOCK);
    markup_end_paragraph(m);
    return;
  }
  bool cell = b->row && b->row == m->last_row && b->element != m->last_element;
  if (m->out->len > m->start) buffer_put(m->out, cell ? '\t' : '\n');
  uint32_t at = 0;
  for (; m->gap < m->page->gap_count && m->page->gaps[m->gap].node < b->end_node; m->gap++) {
    const struct gap *gap = &m->page->gaps[m->gap];
    if (gap->node < from || gap->text <= b->text + at || gap->text >= b->text + b->len) continue;
    buffer_append(m->out, text + at, gap->text - b->text - at);
    buffer_put(m->out, ' ');
    at = gap->text - b->text;
  }
  buffer_append(m->out, text + at, b->len - at);
  m->last_row = b->row;
  m->last_element = b->element;
}

bool markup_kept(const struct markup *m, uint32_t *block, uint32_t from, uint32_t to) {
  const struct page *page = m->page;
  while (*block < page->block_count && page->blocks[*block].end_node <= from) ++*block;
  uint32_t i = *block;
  while (i < page->block_count && page->blocks[i].node < to && !m->keep[i]) i++;
  return i < page->block_count && page->blocks[i].node < to;
}

static bool is_cell(const struct page *page, size_t block) { return page->elements[page->blocks[block].element].flags >> FLAG_td & 1; }

/* Half of a text with code in it means little: code is kept where the text before or behind it is, and a short table
 * where both are. */
static void keep_wider(const struct page *page, const bool *keep, bool *wider) {
  size_t n = page->block_count;
  memcpy(wider, keep, n);
  for (size_t i = 0; i < n;) {
    bool pre = page->blocks[i].pre, cell = is_cell(page, i);
    size_t end = i;
    uint64_t words = 0;
    while (end < n && (pre ? page->blocks[end].pre : cell && is_cell(page, end))) words += page->blocks[end++].words;
    if (end == i) {
      i++;
      continue;
    }
    bool before = i > 0 && keep[i - 1], behind = end < n && keep[end];
    bool near = pre ? before || behind : before && behind && words <= TABLE_WORDS;
    for (; i < end; i++)
      if (near && !(page->elements[page->blocks[i].element].flags >> FLAG_invisible & 1)) wider[i] = true;
  }
}

void markup_write(const struct markup_options *options, const struct page *page, const bool *keep, struct buffer *out) {
  struct markup m = {.options = options, .page = page, .tree = page->tree, .keep = keep, .out = out, .start = out->len, .markdown = options->form == MARKUP_MARKDOWN,
                     .places_left = MARKUP_PLACES_MAX};
  const struct html_node *nodes = m.tree->nodes;
  bool *wider = NULL;
  if ((page->pres || page->tables) && page->block_count) {
    wider = MALLOC(page->block_count);
    keep_wider(page, keep, wider);
    m.keep = wider;
  }
  for (uint32_t i = 0; i < m.tree->node_count && !markup_full(&m);) {
    if (m.markdown) {
      close_blocks(&m, i);
      markup_line_close(&m, i);
    }
    while (m.block < page->block_count && (!m.keep[m.block] || page->blocks[m.block].end_node <= i)) m.block++;
    if (m.block == page->block_count) break;
    const struct block *b = &page->blocks[m.block];
    bool text = nodes[i].tag == TAG_text, block = html_tag_class[nodes[i].tag] == HTML_BLOCK;
    if (!text && nodes[i].end <= b->node) {
      if (nodes[i].tag == TAG_li && m.markdown) item_number(&m, i);
      i = nodes[i].end;
    } else if (block) {
      i = open_block(&m, i);
    } else if (i < b->node) {
      if (!text && m.markdown) markup_line_open(&m, i);
      i++;
    } else {
      if (m.markdown) {
        markup_line_add(&m, i, b->end_node, m.heading ? PLACE_HEADING : PLACE_BLOCK);
        markup_end_paragraph(&m);
      } else {
        text_block(&m, b, i);
      }
      i = b->end_node;
    }
  }
  buffer_release(&m.line.text);
  buffer_release(&m.scratch);
  buffer_release(&m.tex);
  free(m.line.marks);
  free(m.open);
  free(m.ends);
  free(wider);
}
