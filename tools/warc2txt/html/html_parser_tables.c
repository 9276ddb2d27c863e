/* SPDX-License-Identifier: MIT
 *
 * The insertion modes of tables (https://html.spec.whatwg.org/#parsing-main-intable and those behind it).  What stands in a
 * table outside of cells is treated as in the body and stays where it is.
 */
#include "tools/warc2txt/html/html_parser_state.h"

static void clear_to(struct html_parser *p, uint32_t position) { pop_to(p, max(max(position, p->last[TAG_template]), 1) + 1); }

static uint32_t table_body(struct html_parser *p) { return max(max(p->last[TAG_tbody], p->last[TAG_thead]), p->last[TAG_tfoot]); }

bool html_start_in_table(struct html_parser *p, unsigned tag) {
  switch (tag) {
    case TAG_caption:
      clear_to(p, p->last[TAG_table]);
      html_list_marker(p);
      insert(p, tag);
      p->mode = MODE_CAPTION;
      return false;
    case TAG_colgroup: case TAG_col:
      clear_to(p, p->last[TAG_table]);
      p->mode = MODE_COLUMNS;
      if (tag == TAG_colgroup) insert(p, tag);
      else insert_implied(p, TAG_colgroup);
      return tag == TAG_col;
    case TAG_tbody: case TAG_thead: case TAG_tfoot:
      clear_to(p, p->last[TAG_table]);
      insert(p, tag);
      p->mode = MODE_TABLE_BODY;
      return false;
    case TAG_td: case TAG_th: case TAG_tr:
      clear_to(p, p->last[TAG_table]);
      insert_implied(p, TAG_tbody);
      p->mode = MODE_TABLE_BODY;
      return true;
    case TAG_table:
      if (!in_scope(p, TAG_table, table_scope(p))) return false;
      pop_to(p, p->last[TAG_table]);
      html_reset_mode(p);
      return true;
    case TAG_form:
      if (p->form || p->last[TAG_template]) return false;
      insert(p, tag); /* around nothing, so that rows stay in the table */
      p->form = p->serial;
      pop(p);
      return false;
    default: html_start_in_body(p, tag); return false;
  }
}

bool html_end_in_table(struct html_parser *p, unsigned tag) {
  switch (tag) {
    case TAG_table:
      if (!in_scope(p, TAG_table, table_scope(p))) return false;
      pop_to(p, p->last[TAG_table]);
      html_reset_mode(p);
      return false;
    case TAG_body: case TAG_caption: case TAG_col: case TAG_colgroup: case TAG_html: case TAG_tbody: case TAG_td:
    case TAG_tfoot: case TAG_th: case TAG_thead: case TAG_tr: return false;
    default: html_end_in_body(p, tag); return false;
  }
}

static bool close_table_body(struct html_parser *p) {
  uint32_t position = table_body(p);
  if (!position || position < table_scope(p)) return false;
  pop_to(p, position);
  p->mode = MODE_TABLE;
  return true;
}

static bool close_row(struct html_parser *p) {
  if (!in_scope(p, TAG_tr, table_scope(p))) return false;
  pop_to(p, p->last[TAG_tr]);
  p->mode = MODE_TABLE_BODY;
  return true;
}

bool html_close_cell(struct html_parser *p) {
  uint32_t position = max(p->last[TAG_td], p->last[TAG_th]);
  if (!position || position < table_scope(p)) return false;
  pop_to(p, position);
  html_list_clear_to_marker(p);
  p->mode = MODE_ROW;
  return true;
}

bool html_close_caption(struct html_parser *p) {
  if (!in_scope(p, TAG_caption, table_scope(p))) return false;
  pop_to(p, p->last[TAG_caption]);
  html_list_clear_to_marker(p);
  p->mode = MODE_TABLE;
  return true;
}

bool html_start_in_table_body(struct html_parser *p, unsigned tag) {
  switch (tag) {
    case TAG_tr: case TAG_td: case TAG_th:
      clear_to(p, table_body(p));
      if (tag == TAG_tr) insert(p, tag);
      else insert_implied(p, TAG_tr);
      p->mode = MODE_ROW;
      return tag != TAG_tr;
    case TAG_caption: case TAG_col: case TAG_colgroup: case TAG_tbody: case TAG_tfoot: case TAG_thead: return close_table_body(p);
    default: return html_start_in_table(p, tag);
  }
}

bool html_end_in_table_body(struct html_parser *p, unsigned tag) {
  switch (tag) {
    case TAG_tbody: case TAG_tfoot: case TAG_thead:
      if (in_scope(p, tag, table_scope(p))) close_table_body(p);
      return false;
    case TAG_table: return close_table_body(p);
    default: return html_end_in_table(p, tag);
  }
}

bool html_start_in_row(struct html_parser *p, unsigned tag) {
  switch (tag) {
    case TAG_td: case TAG_th:
      clear_to(p, p->last[TAG_tr]);
      insert(p, tag);
      html_list_marker(p);
      p->mode = MODE_CELL;
      return false;
    case TAG_caption: case TAG_col: case TAG_colgroup: case TAG_tbody: case TAG_tfoot: case TAG_thead: case TAG_tr: return close_row(p);
    default: return html_start_in_table(p, tag);
  }
}

bool html_end_in_row(struct html_parser *p, unsigned tag) {
  switch (tag) {
    case TAG_tr: close_row(p); return false;
    case TAG_table: return close_row(p);
    case TAG_tbody: case TAG_tfoot: case TAG_thead: return in_scope(p, tag, table_scope(p)) && close_row(p);
    default: return html_end_in_table(p, tag);
  }
}

bool html_end_in_cell(struct html_parser *p, unsigned tag) {
  switch (tag) {
    case TAG_td: case TAG_th:
      if (in_scope(p, tag, table_scope(p))) html_close_cell(p);
      return false;
    case TAG_body: case TAG_caption: case TAG_col: case TAG_colgroup: case TAG_html: return false;
    case TAG_table: case TAG_tbody: case TAG_tfoot: case TAG_thead: case TAG_tr: return in_scope(p, tag, table_scope(p)) && html_close_cell(p);
    default: html_end_in_body(p, tag); return false;
  }
}
