/* SPDX-License-Identifier: MIT
 *
 * Tables: those of data become rows of cells, those of layout are blocks like others.
 *
 * Layout are tables with role=presentation or none, with tables in them, with one column or one row (unless a <th> says
 * otherwise), with headings, forms or code of several lines in cells, or with more than three blocks a cell.
 * A cell that spans rows or columns stands in the first one, the others are empty; a table of which more than three
 * quarters would be such empty cells is one of layout, but for a few thousand cells, and some more a page, so that spans
 * cannot blow up the text.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/warc2txt/markup/markup_writer.h"

enum { SPAN_MAX = 1000, SLACK = 4096 };

struct grid {
  uint32_t *rows_left;  /* of cells that span rows, by column */
  size_t capacity;
  size_t columns, column, row;
  uint64_t cells, places;
};

static uint32_t span(const struct html_tree *tree, uint32_t cell, enum html_attribute_name name) {
  const struct slice *s = tree->nodes[cell].attribute_count ? html_tree_value(tree, cell, name) : NULL;
  if (!s) return 1;
  struct slice t = slice_trim(*s);
  uint32_t n = 0;
  for (size_t i = 0; i < t.len && t.data[i] >= '0' && t.data[i] <= '9' && n <= 65534; i++) n = n * 10 + (uint32_t)(t.data[i] - '0');
  if (name == ATTRIBUTE_rowspan) return n > 65534 ? 65534 : t.len && n == 0 && t.data[0] == '0' ? 65534 : n ? n : 1;
  return n > SPAN_MAX ? SPAN_MAX : n ? n : 1;
}

static bool is_cell(unsigned tag) { return tag == TAG_td || tag == TAG_th; }

/* Lines of code in a cell? */
static bool several_lines(const struct html_tree *tree, uint32_t pre) {
  bool newline = false;
  for (uint32_t i = pre + 1; i < tree->nodes[pre].end; i++) {
    const struct html_node *n = &tree->nodes[i];
    if (n->tag == TAG_br) newline = true;
    for (size_t k = 0; n->tag == TAG_text && k < n->text.len; k++) {
      if (n->text.data[k] == '\n') newline = true;
      else if (newline && n->text.data[k] != ' ') return true;
      else if (n->text.data[k] != ' ' && newline) return true;
    }
    if (newline && n->tag == TAG_text && slice_trim(n->text).len == 0) newline = newline && i > pre + 1;
  }
  return false;
}

/* Reads up to the first reason against it, so nested tables are not read again and again. */
static bool is_data(struct markup *m, uint32_t table) {
  const struct html_tree *tree = m->tree;
  const struct html_node *nodes = tree->nodes;
  const struct slice *role = html_tree_value(tree, table, ATTRIBUTE_role);
  if (role && (slice_equal_nocase(*role, SLICE("presentation")) || slice_equal_nocase(*role, SLICE("none")))) return false;
  struct slice class = markup_class(tree, table);
  if (slice_starts(class, SLICE("ltx_equation"))) return false; /* LaTeXML's numbered formulas */
  uint64_t rows = 0, cells = 0, blocks = 0, heads = 0, columns = 0, widest = 0;
  for (uint32_t i = table + 1; i < nodes[table].end; i++) {
    unsigned tag = nodes[i].tag;
    switch (tag) {
      case TAG_table:
      case TAG_form:
      case TAG_article:
      case TAG_section:
      case TAG_h1: case TAG_h2: case TAG_h3: case TAG_h4: return false;
      case TAG_pre:
        if (several_lines(tree, i)) return false;
        i = nodes[i].end - 1;
        break;
      case TAG_tr:
        rows++;
        columns = 0;
        break;
      case TAG_td:
      case TAG_th:
        cells++;
        heads += tag == TAG_th;
        columns += span(tree, i, ATTRIBUTE_colspan);
        widest = columns > widest ? columns : widest;
        break;
      case TAG_p: case TAG_div: case TAG_li: case TAG_dd: case TAG_dt: case TAG_blockquote: blocks++; break;
      default: break;
    }
  }
  return cells && widest >= 2 && (rows >= 2 || (heads && rows == 1 && heads < cells)) && blocks <= 3 * cells + 4;
}

/* ---- the grid */

static void row_start(struct grid *g) { g->column = 0; }

static void reserve(struct grid *g, size_t columns) {
  while (g->columns < columns) {
    GROW(g->rows_left, g->capacity, g->columns + 1);
    g->rows_left[g->columns++] = 0;
  }
}

/* Steps over columns that cells of rows above take; returns how many. */
static size_t skip(struct grid *g) {
  size_t n = 0;
  while (g->column < g->columns && g->rows_left[g->column]) {
    g->rows_left[g->column++]--;
    n++;
  }
  return n;
}

static void place(struct grid *g, uint32_t columns, uint32_t rows) {
  reserve(g, g->column + columns);
  for (uint32_t k = 0; k < columns; k++) {
    g->rows_left[g->column] = rows - 1; /* what an overlapping cell left is lost, as in browsers */
    g->column++;
  }
}

/* The columns that the last row did not reach. */
static size_t rest(struct grid *g) {
  size_t n = 0;
  for (; g->column < g->columns; g->column++, n++)
    if (g->rows_left[g->column]) g->rows_left[g->column]--;
  return n;
}

/* How wide the table is; false: more empty places than is good. */
static bool measure(struct markup *m, uint32_t table, struct grid *g) {
  const struct html_tree *tree = m->tree;
  const struct html_node *nodes = tree->nodes;
  bool open = false;
  uint64_t slack = m->places_left < SLACK ? m->places_left : SLACK, cells = 0, work = 0;
  for (uint32_t i = table + 1; i < nodes[table].end; i++) {
    if (nodes[i].tag == TAG_tr || (is_cell(nodes[i].tag) && !open)) {
      if (open) work += g->column + rest(g);
      open = true;
      row_start(g);
    }
    if (!is_cell(nodes[i].tag)) continue;
    cells++;
    skip(g);
    place(g, span(tree, i, ATTRIBUTE_colspan), span(tree, i, ATTRIBUTE_rowspan));
    if (work + g->column > slack + 4 * cells || g->columns > 512) return false;
    i = nodes[i].end - 1;
  }
  work += g->column + rest(g) + 2 * g->columns; /* heads and the rule below them */
  if (work > slack + 4 * cells) return false;
  if (work > 4 * cells) m->places_left -= work - 4 * cells;
  return true;
}

/* ---- rows */

static void put_cell(struct markup *m, struct buffer *row, uint32_t cell) {
  const struct html_node *nodes = m->tree->nodes;
  bool heading = nodes[cell].tag == TAG_th;
  int before = m->heading;
  m->cell = true;
  m->heading = heading ? 1 : before; /* heads are not set in bold again */
  markup_line_clear(m);
  markup_line_add(m, cell + 1, nodes[cell].end, PLACE_CELL);
  if (m->markdown) markup_line_close(m, nodes[cell].end);
  struct slice s = markup_line_finish(m);
  for (size_t i = 0; i < s.len; i++) {
    char c = s.data[i];
    if (c == '\n' || c == '\t') c = ' ';
    if (c == '|' && m->markdown) buffer_put(row, '\\');
    buffer_put(row, c);
  }
  markup_line_clear(m);
  m->cell = false;
  m->heading = before;
}

static void put_row(struct markup *m, struct slice row, bool first) {
  if (first || !m->markdown) markup_begin(m, BLOCK_OTHER);
  else markup_next_line(m, false);
  buffer_append_slice(m->out, row);
}

static void put_rule(struct markup *m, size_t columns, const char *cell) {
  buffer_put(m->out, '|');
  for (size_t i = 0; i < columns; i++) buffer_append_string(m->out, cell);
}

struct rows {
  struct buffer text;
  size_t columns;
  bool kept, heads, written; /* of this row: something kept, no filled <td> */
  bool first;
};

static void separate(struct markup *m, struct rows *r) {
  if (m->markdown) buffer_append_string(&r->text, r->text.len ? " | " : "| ");
  else if (r->written) buffer_put(&r->text, '\t');
  r->written = true;
}

static void end_row(struct markup *m, struct rows *r, struct grid *g) {
  size_t empty = rest(g);
  if (r->kept && r->written) {
    for (size_t i = 0; i < empty; i++) separate(m, r);
    struct buffer *t = &r->text;
    if (m->markdown) {
      buffer_append(t, " |", 2);
      if (r->first && !r->heads) { /* Markdown wants heads: empty ones */
        markup_begin(m, BLOCK_OTHER);
        put_rule(m, r->columns, "  |");
        markup_next_line(m, false);
        put_rule(m, r->columns, " --- |");
        r->first = false;
      }
      put_row(m, buffer_slice(t), r->first);
      if (r->first) {
        markup_next_line(m, false);
        put_rule(m, r->columns, " --- |");
      }
      r->first = false;
    } else {
      put_row(m, buffer_slice(t), r->first);
    }
  }
  buffer_clear(&r->text);
  r->written = false;
  r->heads = true;
}

/* Is at least an eighth of the words of the table's blocks kept? */
static bool mostly_kept(const struct markup *m, uint32_t end) {
  const struct page *page = m->page;
  uint64_t kept = 0, words = 0;
  for (uint32_t i = m->block; i < page->block_count && page->blocks[i].node < end; i++) {
    words += page->blocks[i].words;
    if (m->keep[i]) kept += page->blocks[i].words;
  }
  return kept * 8 >= words;
}

bool markup_table(struct markup *m, uint32_t table) {
  const struct html_node *nodes = m->tree->nodes;
  struct grid g = {0};
  if (!is_data(m, table) || !measure(m, table, &g)) {
    free(g.rows_left);
    return false;
  }
  memset(g.rows_left, 0, g.columns * sizeof *g.rows_left);
  markup_end_paragraph(m);
  struct rows r = {.columns = g.columns, .heads = true, .first = true};
  uint32_t block = m->block, end = nodes[table].end, head = 0; /* end of thead */
  bool open = false, whole = mostly_kept(m, end);
  for (uint32_t i = table + 1; i < end && !markup_full(m); i++) {
    unsigned tag = nodes[i].tag;
    if (tag == TAG_thead) head = nodes[i].end;
    if (tag == TAG_caption) {
      if (markup_kept(m, &block, i, nodes[i].end)) {
        markup_line_add(m, i + 1, nodes[i].end, PLACE_BLOCK);
        if (m->markdown) markup_line_close(m, nodes[i].end);
        markup_end_paragraph(m);
      }
      i = nodes[i].end - 1;
      continue;
    }
    if (tag == TAG_tr || (is_cell(tag) && !open)) {
      if (open) end_row(m, &r, &g);
      open = true;
      row_start(&g);
      r.kept = (whole || markup_kept(m, &block, i, nodes[i].end)) && !markup_dropped(m, i);
    }
    if (!is_cell(tag)) continue;
    size_t taken = skip(&g);
    uint32_t columns = span(m->tree, i, ATTRIBUTE_colspan);
    if (r.kept) {
      for (size_t k = 0; k < taken; k++) separate(m, &r);
      separate(m, &r);
      size_t before = r.text.len;
      if (!markup_dropped(m, i)) put_cell(m, &r.text, i);
      if (tag == TAG_td && r.text.len > before && i >= head) r.heads = false;
      for (uint32_t k = 1; k < columns; k++) separate(m, &r);
    }
    place(&g, columns, span(m->tree, i, ATTRIBUTE_rowspan));
    i = nodes[i].end - 1;
  }
  if (open) end_row(m, &r, &g);
  buffer_release(&r.text);
  free(g.rows_left);
  return true;
}
