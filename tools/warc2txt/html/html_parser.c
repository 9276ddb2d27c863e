/* SPDX-License-Identifier: MIT
 *
 * The insertion modes of https://html.spec.whatwg.org/#parsing-main-inhtml, each a function of the tag.
 */
#include "tools/warc2txt/html/html_parser.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "tools/warc2txt/html/html_parser_state.h"

struct html_parser *html_parser_new(void) { return NEW(struct html_parser); }

void html_parser_free(struct html_parser *p) {
  if (!p) return;
  free(p->stack);
  free(p->list);
  free(p->templates);
  free(p->t.attributes);
  free(p);
}

/* ---- modes */

void html_reset_mode(struct html_parser *p) {
  static const struct {
    uint16_t tag;
    uint8_t mode;
  } modes[] = {{TAG_td, MODE_CELL}, {TAG_th, MODE_CELL}, {TAG_tr, MODE_ROW}, {TAG_tbody, MODE_TABLE_BODY}, {TAG_thead, MODE_TABLE_BODY},
               {TAG_tfoot, MODE_TABLE_BODY},
               {TAG_caption, MODE_CAPTION}, {TAG_colgroup, MODE_COLUMNS}, {TAG_table, MODE_TABLE}, {TAG_template, MODE_TEMPLATE},
               {TAG_head, MODE_HEAD}, {TAG_body, MODE_BODY}, {TAG_frameset, MODE_FRAMESET}};
  uint32_t position = 0;
  p->mode = MODE_BODY;
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    if (p->last[modes[i].tag] <= position) continue;
    position = p->last[modes[i].tag];
    p->mode = modes[i].mode;
  }
  if (p->mode == MODE_TEMPLATE && p->template_count) p->mode = p->templates[p->template_count - 1];
}

/* Attributes of a second <html> or <body> that the element lacks. */
static void merge_attributes(struct html_parser *p, uint32_t index) {
  struct html_tree *tree = p->tree;
  uint32_t fresh = p->t.attribute_count, had = tree->nodes[index].attribute_count, missing = 0;
  struct html_attribute *from = tree->attributes + tree->attribute_count;
  for (uint32_t i = 0; i < fresh; i++)
    if (!html_tree_value(tree, index, from[i].name)) from[missing++] = from[i];
  if (!missing) return;
  GROW(tree->attributes, tree->attribute_capacity, tree->attribute_count + missing + had);
  from = tree->attributes + tree->attribute_count;
  memcpy(from + missing, tree->attributes + tree->nodes[index].attribute, had * sizeof *from);
  tree->nodes[index].attribute = (uint32_t)tree->attribute_count;
  tree->nodes[index].attribute_count = (uint16_t)(missing + had);
  tree->attribute_count += missing + had;
}

static void raw_text(struct html_parser *p, unsigned tag, enum html_state state) {
  insert(p, tag);
  p->t.state = state;
  p->t.raw = p->t.text;
  p->t.around = p->last[TAG_noscript] ? SLICE("noscript") : (struct slice){"", 0};
  p->raw = true;
}

/* <script>, <meta> and so on, wherever they stand. */
static void start_in_head(struct html_parser *p, unsigned tag) {
  switch (tag) {
    case TAG_title: raw_text(p, tag, STATE_RCDATA); break;
    case TAG_script: raw_text(p, tag, STATE_SCRIPT); break;
    case TAG_style: case TAG_noframes: case TAG_noscript: raw_text(p, tag, STATE_RAWTEXT); break;
    case TAG_template:
      insert(p, tag);
      html_list_marker(p);
      GROW(p->templates, p->template_capacity, p->template_count + 1);
      p->templates[p->template_count++] = MODE_TEMPLATE;
      p->mode = MODE_TEMPLATE;
      p->frameset_ok = false;
      break;
    default: insert_void(p, tag); break;
  }
}

static void end_template(struct html_parser *p) {
  if (!p->last[TAG_template]) return;
  pop_to(p, p->last[TAG_template]);
  html_list_clear_to_marker(p);
  if (p->template_count) p->template_count--;
  html_reset_mode(p);
}

static void open_body(struct html_parser *p, bool own_tag) {
  if (p->depth > 1) pop_to(p, 2); /* the head */
  if (own_tag) insert(p, TAG_body);
  else insert_implied(p, TAG_body);
  p->body = p->depth;
  p->mode = MODE_BODY;
}

/* ---- in body */

/* A <select> or a field in a <select> ends it. */
static bool close_select(struct html_parser *p) {
  if (!in_scope(p, TAG_select, top(p)->scope)) return false;
  pop_to(p, p->last[TAG_select]);
  return true;
}

void html_start_in_body(struct html_parser *p, unsigned tag) {
  uint32_t serial;
  switch ((enum start)html_rules[tag].start) {
    case START_ORDINARY:
      html_reconstruct(p);
      insert(p, tag);
      break;
    case START_BLOCK:
      close_p(p);
      insert(p, tag);
      if (tag == TAG_pre || tag == TAG_listing) p->frameset_ok = false;
      break;
    case START_HEADING:
      close_p(p);
      if (html_rules[top(p)->tag].start == START_HEADING && top(p)->space == SPACE_HTML) pop(p);
      insert(p, tag);
      break;
    case START_FORM:
      if (p->form && !p->last[TAG_template]) break;
      close_p(p);
      insert(p, tag);
      if (!p->last[TAG_template]) p->form = p->serial;
      break;
    case START_LI:
      p->frameset_ok = false;
      if (in_scope(p, TAG_li, top(p)->barrier)) pop_to(p, p->last[TAG_li]);
      close_p(p);
      insert(p, tag);
      break;
    case START_DD: {
      p->frameset_ok = false;
      uint32_t position = max(p->last[TAG_dd], p->last[TAG_dt]);
      if (position && position >= top(p)->barrier) pop_to(p, position);
      close_p(p);
      insert(p, tag);
      break;
    }
    case START_PLAINTEXT:
      close_p(p);
      insert(p, tag);
      p->t.state = STATE_PLAINTEXT;
      break;
    case START_BUTTON:
      if (in_scope(p, TAG_button, top(p)->scope)) pop_to(p, p->last[TAG_button]);
      html_reconstruct(p);
      insert(p, tag);
      p->frameset_ok = false;
      break;
    case START_A:
      serial = html_list_find(p, TAG_a);
      if (serial) {
        html_end_formatting(p, TAG_a);
        html_list_remove_serial(p, serial); /* when it is out of scope */
      }
      html_reconstruct(p);
      html_insert_formatting(p, tag);
      break;
    case START_NOBR:
      html_reconstruct(p);
      if (in_scope(p, TAG_nobr, top(p)->scope)) {
        html_end_formatting(p, TAG_nobr);
        html_reconstruct(p);
      }
      html_insert_formatting(p, tag);
      break;
    case START_FORMATTING:
      html_reconstruct(p);
      html_insert_formatting(p, tag);
      break;
    case START_MARKER:
      html_reconstruct(p);
      insert(p, tag);
      html_list_marker(p);
      p->frameset_ok = false;
      break;
    case START_TABLE:
      if (!p->quirks) close_p(p);
      insert(p, tag);
      p->frameset_ok = false;
      p->mode = MODE_TABLE;
      break;
    case START_VOID:
      html_reconstruct(p);
      insert_void(p, tag);
      p->frameset_ok = false;
      break;
    case START_INPUT: {
      close_select(p);
      html_reconstruct(p);
      insert_void(p, tag);
      const struct slice *type = html_tree_value(p->tree, (uint32_t)p->tree->node_count - 1, ATTRIBUTE_type);
      if (!type || !slice_equal_nocase(*type, SLICE("hidden"))) p->frameset_ok = false;
      break;
    }
    case START_PARAM: insert_void(p, tag); break;
    case START_HR:
      close_p(p);
      if (in_scope(p, TAG_select, top(p)->scope)) generate_implied_ends(p, TAG_unknown);
      insert_void(p, tag);
      p->frameset_ok = false;
      break;
    case START_IMAGE:
      html_reconstruct(p);
      insert_void(p, TAG_img);
      p->frameset_ok = false;
      break;
    case START_TEXTAREA:
      raw_text(p, tag, STATE_RCDATA);
      p->frameset_ok = false;
      break;
    case START_XMP:
      close_p(p);
      html_reconstruct(p);
      raw_text(p, tag, STATE_RAWTEXT);
      p->frameset_ok = false;
      break;
    case START_RAW:
      raw_text(p, tag, STATE_RAWTEXT);
      p->frameset_ok = false;
      break;
    case START_SELECT:
      if (close_select(p)) break;
      html_reconstruct(p);
      insert(p, tag);
      p->frameset_ok = false;
      break;
    case START_OPTION:
      if (in_scope(p, TAG_select, top(p)->scope)) generate_implied_ends(p, tag == TAG_option ? TAG_optgroup : TAG_unknown);
      else if (top(p)->tag == TAG_option) pop(p);
      html_reconstruct(p);
      insert(p, tag);
      break;
    case START_RB:
      if (in_scope(p, TAG_ruby, top(p)->scope)) generate_implied_ends(p, TAG_unknown);
      insert(p, tag);
      break;
    case START_RT:
      if (in_scope(p, TAG_ruby, top(p)->scope)) generate_implied_ends(p, TAG_rtc);
      insert(p, tag);
      break;
    case START_MATH:
    case START_SVG:
      html_reconstruct(p);
      if (p->t.self_closing) insert_void(p, tag);
      else insert_foreign(p, tag, tag == TAG_math ? SPACE_MATH : SPACE_SVG);
      break;
    case START_IGNORE: break;
    case START_HEAD: start_in_head(p, tag); break;
    case START_HTML:
      if (!p->last[TAG_template]) merge_attributes(p, 0);
      break;
    case START_BODY:
      if (p->last[TAG_template] || !p->body) break;
      p->frameset_ok = false;
      merge_attributes(p, p->stack[p->body - 1].node);
      break;
    case START_FRAMESET:
      if (!p->frameset_ok || p->body != 2) break;
      p->tree->node_count = p->stack[p->body - 1].node; /* nothing was in it that counts */
      while (p->depth > 1) {
        if (top(p)->space == SPACE_HTML) p->last[top(p)->tag] = top(p)->previous;
        p->depth--;
      }
      p->list_count = 0;
      p->body = p->form = 0;
      insert(p, tag);
      p->mode = MODE_FRAMESET;
      break;
  }
}

/* Takes an element out of the stack from under others: end tags and scopes do not see it any more. */
static void leave_stack(struct html_parser *p, uint32_t position) {
  for (uint32_t i = p->depth; i >= position; i--)
    if (p->stack[i - 1].space == SPACE_HTML) p->last[p->stack[i - 1].tag] = p->stack[i - 1].previous;
  p->stack[position - 1].tag = TAG_unknown;
  p->stack[position - 1].name = 0;
  p->stack[position - 1].gone = p->some_gone = true;
  for (uint32_t i = position; i <= p->depth; i++) link_entry(p, i);
}

void html_end_in_body(struct html_parser *p, unsigned tag) {
  switch ((enum finish)html_rules[tag].end) {
    case END_OTHER: html_end_other(p, tag); break;
    case END_BLOCK:
      if (in_scope(p, tag, top(p)->scope)) pop_to(p, p->last[tag]);
      break;
    case END_FORM: {
      uint32_t position = p->last[TAG_form];
      if (!p->last[TAG_template]) {
        bool known = position && p->stack[position - 1].serial == p->form;
        p->form = 0;
        if (!known || position < top(p)->scope) break;
        generate_implied_ends(p, TAG_unknown);
        if (position == p->depth) pop(p);
        else leave_stack(p, position);
      } else if (position && position >= top(p)->scope) {
        pop_to(p, position);
      }
      break;
    }
    case END_P:
      if (!in_scope(p, TAG_p, button_scope(p))) insert_implied(p, TAG_p);
      pop_to(p, p->last[TAG_p]);
      break;
    case END_LI:
      if (in_scope(p, TAG_li, list_scope(p))) pop_to(p, p->last[TAG_li]);
      break;
    case END_DD:
      if (in_scope(p, tag, top(p)->scope)) pop_to(p, p->last[tag]);
      break;
    case END_HEADING: {
      uint32_t position = max(max(max(p->last[TAG_h1], p->last[TAG_h2]), max(p->last[TAG_h3], p->last[TAG_h4])), max(p->last[TAG_h5], p->last[TAG_h6]));
      if (position && position >= top(p)->scope) pop_to(p, position);
      break;
    }
    case END_FORMATTING: html_end_formatting(p, tag); break;
    case END_MARKER:
      if (!in_scope(p, tag, top(p)->scope)) break;
      pop_to(p, p->last[tag]);
      html_list_clear_to_marker(p);
      break;
    case END_BR:
      p->t.attribute_count = 0;
      html_reconstruct(p);
      insert_void(p, TAG_br);
      p->frameset_ok = false;
      break;
    case END_NOTHING: break; /* what is behind </body> and </html> stands in the body */
    case END_TEMPLATE: end_template(p); break;
  }
}

/* ---- template */

static bool start_in_template(struct html_parser *p, unsigned tag) {
  enum mode mode = MODE_BODY;
  switch (tag) {
    case TAG_base: case TAG_basefont: case TAG_bgsound: case TAG_link: case TAG_meta: case TAG_noframes: case TAG_script: case TAG_style:
    case TAG_template: case TAG_title:
      start_in_head(p, tag);
      return false;
    case TAG_caption: case TAG_colgroup: case TAG_tbody: case TAG_tfoot: case TAG_thead: mode = MODE_TABLE; break;
    case TAG_col: mode = MODE_COLUMNS; break;
    case TAG_tr: mode = MODE_TABLE_BODY; break;
    case TAG_td: case TAG_th: mode = MODE_ROW; break;
    default: break;
  }
  p->templates[p->template_count - 1] = (uint8_t)mode;
  p->mode = mode;
  return true;
}

/* ---- foreign content */

static bool integration_point(const struct open *o) {
  return (o->space == SPACE_MATH && html_rules[o->tag].rules & MATH_TEXT) || (o->space == SPACE_SVG && html_rules[o->tag].rules & SVG_HTML);
}

/* Returns true when the tag ends the drawing and is to be looked at again. */
static bool start_in_foreign(struct html_parser *p, unsigned tag) {
  if (html_rules[tag].rules & BREAKOUT) {
    while (top(p)->space != SPACE_HTML && !integration_point(top(p))) pop(p);
    return true;
  }
  if (p->t.self_closing) insert_void(p, tag);
  else insert_foreign(p, tag, top(p)->space);
  return false;
}

static bool end_in_foreign(struct html_parser *p, unsigned tag) {
  if (tag == TAG_br || tag == TAG_p) {
    while (top(p)->space != SPACE_HTML && !integration_point(top(p))) pop(p);
    return true;
  }
  uint32_t position = p->depth;
  for (unsigned steps = 0; p->stack[position - 1].space != SPACE_HTML; position--) {
    if (p->stack[position - 1].name == p->t.name) {
      pop_to(p, position);
      return false;
    }
    if (++steps == FOREIGN_WALK) return false;
  }
  return true; /* the rules of the mode, with the drawing open */
}

/* ---- tokens */

/* A start tag is foreign, but in an integration point. */
static inline bool foreign_start(struct html_parser *p) {
  struct open *o = top(p);
  return o->space != SPACE_HTML && !integration_point(o);
}

static void start_tag(struct html_parser *p) {
  unsigned tag = p->t.tag;
  for (bool again = true; again;) {
    again = false;
    if (foreign_start(p)) {
      again = start_in_foreign(p, tag);
      continue;
    }
    switch (p->mode) {
      case MODE_BEFORE_HEAD:
        if (tag == TAG_html) {
          merge_attributes(p, 0);
        } else if (tag == TAG_head) {
          insert(p, tag);
          p->mode = MODE_HEAD;
          p->head_tag = true;
        } else {
          insert_implied(p, TAG_head);
          p->mode = MODE_HEAD;
          again = true;
        }
        break;
      case MODE_HEAD:
        if (tag == TAG_html) merge_attributes(p, 0);
        else if ((tag == TAG_noscript && p->head_tag) || html_rules[tag].start == START_HEAD) start_in_head(p, tag);
        else if (tag != TAG_head) p->mode = MODE_AFTER_HEAD, again = true;
        break;
      case MODE_AFTER_HEAD: /* the head is still open: scripts and so on go there */
        if (tag == TAG_html) {
          merge_attributes(p, 0);
        } else if (tag == TAG_body) {
          open_body(p, true);
          p->frameset_ok = false;
        } else if (tag == TAG_frameset) {
          pop_to(p, 2);
          insert(p, tag);
          p->mode = MODE_FRAMESET;
        } else if (html_rules[tag].start == START_HEAD) {
          start_in_head(p, tag);
        } else if (tag != TAG_head) {
          open_body(p, false);
          again = true;
        }
        break;
      case MODE_BODY: html_start_in_body(p, tag); break;
      case MODE_TABLE: again = html_start_in_table(p, tag); break;
      case MODE_TABLE_BODY: again = html_start_in_table_body(p, tag); break;
      case MODE_ROW: again = html_start_in_row(p, tag); break;
      case MODE_CELL:
        if (html_rules[tag].rules & TABLE_PART) again = html_close_cell(p);
        else html_start_in_body(p, tag);
        break;
      case MODE_CAPTION:
        if (html_rules[tag].rules & TABLE_PART) again = html_close_caption(p);
        else html_start_in_body(p, tag);
        break;
      case MODE_COLUMNS:
        if (tag == TAG_col) insert_void(p, tag);
        else if (tag == TAG_template) start_in_head(p, tag);
        else if (top(p)->tag == TAG_colgroup) pop(p), p->mode = MODE_TABLE, again = true;
        break;
      case MODE_TEMPLATE: again = start_in_template(p, tag); break;
      case MODE_FRAMESET:
        if (tag == TAG_frameset) insert(p, tag);
        else if (tag == TAG_frame) insert_void(p, tag);
        else if (tag == TAG_noframes) start_in_head(p, tag);
        break;
      case MODE_AFTER_FRAMESET:
        if (tag == TAG_noframes) start_in_head(p, tag);
        break;
    }
  }
}

static void end_tag(struct html_parser *p) {
  unsigned tag = p->t.tag;
  p->t.attribute_count = 0;
  if (p->raw) { /* in all modes */
    p->raw = false;
    bool own = tag == top(p)->tag;
    pop(p);
    if (own) return; /* else it is </noscript> */
  }
  for (bool again = true; again;) {
    again = false;
    if (top(p)->space != SPACE_HTML && !end_in_foreign(p, tag)) return;
    switch (p->mode) {
      case MODE_BEFORE_HEAD:
        if (tag != TAG_head && tag != TAG_body && tag != TAG_html && tag != TAG_br) break;
        insert_implied(p, TAG_head);
        p->mode = MODE_HEAD;
        again = true;
        break;
      case MODE_HEAD:
        if (tag == TAG_head) p->mode = MODE_AFTER_HEAD;
        else if (tag == TAG_template) end_template(p);
        else if (tag == TAG_body || tag == TAG_html || tag == TAG_br) p->mode = MODE_AFTER_HEAD, again = true;
        break;
      case MODE_AFTER_HEAD:
        if (tag == TAG_template) end_template(p);
        else if (tag == TAG_body || tag == TAG_html || tag == TAG_br) open_body(p, false), again = true;
        break;
      case MODE_BODY: html_end_in_body(p, tag); break;
      case MODE_TABLE: again = html_end_in_table(p, tag); break;
      case MODE_TABLE_BODY: again = html_end_in_table_body(p, tag); break;
      case MODE_ROW: again = html_end_in_row(p, tag); break;
      case MODE_CELL: again = html_end_in_cell(p, tag); break;
      case MODE_CAPTION:
        if (tag == TAG_caption) html_close_caption(p);
        else if (tag == TAG_table) again = html_close_caption(p);
        else if (!(html_rules[tag].rules & TABLE_PART) && tag != TAG_body && tag != TAG_html) html_end_in_body(p, tag);
        break;
      case MODE_COLUMNS:
        if (tag == TAG_template) end_template(p);
        else if (tag != TAG_col && top(p)->tag == TAG_colgroup) pop(p), p->mode = MODE_TABLE, again = tag != TAG_colgroup;
        break;
      case MODE_TEMPLATE:
        if (tag == TAG_template) end_template(p);
        break;
      case MODE_FRAMESET:
        if (tag == TAG_frameset && top(p)->tag == TAG_frameset) pop(p);
        if (top(p)->tag != TAG_frameset) p->mode = MODE_AFTER_FRAMESET;
        break;
      case MODE_AFTER_FRAMESET: break;
    }
  }
}

static bool blank(struct slice s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.data[i] != ' ' && s.data[i] != '\n' && s.data[i] != '\t' && s.data[i] != '\f' && s.data[i] != '\r') return false;
  return true;
}

static void text(struct html_parser *p) {
  struct slice s = p->t.text;
  if (!s.len) return;
  if (p->mode != MODE_BODY && top(p)->space == SPACE_HTML) {
    switch (p->raw ? MODE_BODY : p->mode) {
      case MODE_BEFORE_HEAD: case MODE_HEAD: case MODE_AFTER_HEAD:
        while (s.len && blank((struct slice){s.data, 1})) s.data++, s.len--;
        if (!s.len) return;
        if (p->mode == MODE_BEFORE_HEAD) insert_implied(p, TAG_head);
        open_body(p, false);
        break;
      case MODE_COLUMNS:
        if (blank(s)) break;
        if (top(p)->tag == TAG_colgroup) pop(p), p->mode = MODE_TABLE;
        break;
      case MODE_FRAMESET: case MODE_AFTER_FRAMESET: return;
      default: break;
    }
  }
  if (p->list_count && !p->raw && top(p)->space == SPACE_HTML) html_reconstruct(p);
  if (p->frameset_ok && !blank(s)) p->frameset_ok = false;
  if (add_node(p, TAG_text, 0, 0)) p->tree->nodes[p->tree->node_count - 1].text = s;
}

void html_parse(struct html_parser *p, struct buffer *html, struct html_tree *tree, double deadline) {
  html_tree_clear(tree);
  html_tokenizer_start(&p->t, html, tree, STATE_DATA);
  p->tree = tree;
  p->depth = p->serial = p->form = p->body = 0;
  p->moved = 0;
  p->list_count = p->template_count = 0;
  memset(p->last, 0, sizeof p->last);
  p->mode = MODE_BEFORE_HEAD;
  p->frameset_ok = p->quirks = true;
  p->raw = p->head_tag = p->some_gone = false;
  insert_implied(p, TAG_html);
  for (unsigned tokens = 0;; tokens++) {
    if ((tokens & 255) == 255 && deadline > 0 && progress_clock() > deadline) {
      tree->timed_out = true;
      break;
    }
    if (html_tree_full(tree)) break; /* the page is rejected */
    p->t.cdata = top(p)->space != SPACE_HTML;
    enum html_token token = html_tokenizer_next(&p->t);
    if (token == TOKEN_START_TAG) {
      start_tag(p);
    } else if (token == TOKEN_END_TAG) {
      end_tag(p);
    } else if (token == TOKEN_TEXT) {
      text(p);
    } else if (token == TOKEN_DOCTYPE) {
      bool first = p->mode == MODE_BEFORE_HEAD && tree->node_count == 1 && !tree->nodes[0].attribute_count;
      if (first) p->quirks = p->t.force_quirks || !slice_equal(p->t.text, SLICE("html"));
    } else {
      break;
    }
  }
  p->t.attribute_count = 0;
  if (p->mode == MODE_BEFORE_HEAD) insert_implied(p, TAG_head);
  if (!p->body) open_body(p, false);
  while (p->depth) pop(p);
}
