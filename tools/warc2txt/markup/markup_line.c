/* SPDX-License-Identifier: MIT
 *
 * The text of one block from its nodes: white space as page.c makes it, delimiters of inline elements around what they
 * hold, and at the end the escapes.
 *
 * A character is escaped only where Markdown would read it as its own: a delimiter that could open or close with another
 * one in the block, a tag or reference that is complete, a marker at the start of a line, a backslash before punctuation.
 * Lists that are written by hand (1. one, - two) stay: that is what they are.
 * Text between \( \), \[ \], \begin \end and $ $ is LaTeX and stays as it is.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/markup/markup_writer.h"
#include "tools/warc2txt/page/page_text.h"

/* ---- classes */

bool markup_class_word(struct slice *class, struct slice *word) {
  size_t i = 0;
  while (i < class->len && (class->data[i] == ' ' || class->data[i] == '\n' || class->data[i] == '\t')) i++;
  size_t start = i;
  while (i < class->len && class->data[i] != ' ' && class->data[i] != '\n' && class->data[i] != '\t') i++;
  *word = (struct slice){class->data + start, i - start};
  *class = (struct slice){class->data + i, class->len - i};
  return word->len > 0;
}

bool markup_class_has(struct slice class, const char *word) {
  struct slice w, want = slice_of(word);
  while (markup_class_word(&class, &w))
    if (slice_equal_nocase(w, want)) return true;
  return false;
}

struct slice markup_class(const struct html_tree *tree, uint32_t node) {
  const struct slice *class = tree->nodes[node].attribute_count ? html_tree_value(tree, node, ATTRIBUTE_class) : NULL;
  return class && class->len < 1024 ? *class : (struct slice){0};
}

/* ---- delimiters */

static const char *delimiter(enum markup_inline_kind kind, bool opens) {
  switch (kind) {
    case INLINE_LINK: return opens ? "[" : "]";
    case INLINE_STRONG: return "**";
    case INLINE_EMPHASIS: return "*";
    case INLINE_STRIKE: return "~~";
    default: return "";
  }
}

/* Puts the white space that is due and the delimiters that wait for their first character. */
static void start_text(struct markup *m) {
  struct markup_line *l = &m->line;
  if (l->space) {
    if (l->text.len && l->text.data[l->text.len - 1] != '\n') {
      buffer_put(&l->text, ' ');
    }
    l->space = false;
  }
  for (unsigned i = 0; i < l->open_count; i++) {
    struct markup_inline *o = &l->open[i];
    if (o->written) continue;
    o->written = true;
    const char *d = delimiter(o->kind, true);
    size_t n = strlen(d), gap = l->text.len - (l->closed_at < l->text.len ? l->closed_at : l->text.len);
    bool again = n && o->kind != INLINE_LINK && l->closed_at && l->closed == o->kind && gap <= 1 && (gap == 0 || l->text.data[l->text.len - 1] == ' ');
    if (again) { /* **a** **b** is **a b** */
      size_t close = strlen(delimiter(o->kind, false));
      l->text.len = l->closed_at - close;
      if (gap) buffer_put(&l->text, ' ');
      l->closed_at = 0;
    } else {
      buffer_append(&l->text, d, n);
    }
    o->start = l->text.len;
    l->strong = l->strong || o->kind == INLINE_STRONG || o->kind == INLINE_EMPHASIS;
  }
}

/* Code gets as many backticks as its own runs do not have. */
static void close_code(struct markup_line *l, size_t start) {
  size_t longest = 0, run = 0, n = l->text.len - start;
  for (size_t i = start; i < l->text.len; i++) {
    run = l->text.data[i] == '`' ? run + 1 : 0;
    longest = run > longest ? run : longest;
  }
  size_t fence = longest == 0 ? 1 : longest == 1 ? 2 : longest + 1;
  bool pad = longest && (l->text.data[start] == '`' || l->text.data[l->text.len - 1] == '`');
  size_t before = fence + pad;
  buffer_reserve(&l->text, 2 * before);
  char *p = l->text.data + start;
  memmove(p + before, p, n);
  memset(p, '`', fence);
  if (pad) p[fence] = p[before + n] = ' ';
  memset(p + before + n + pad, '`', fence);
  l->text.len += 2 * before;
  l->code = true;
}

/* 10^5, x^{n+1}, H_2O: a sign before what is short; set low or high for looks only, it is text. */
static void close_script(struct markup_line *l, size_t start, char sign) {
  size_t n = l->text.len - start;
  const char *s = l->text.data + start;
  if (n == 0 || n > 16 || start == 0 || s[-1] == ' ' || s[-1] == '\n') return;
  bool braces = false;
  for (size_t i = 0; i < n; i++) {
    if (s[i] == ' ' || s[i] == '\n' || s[i] == '[') return;
    bool word = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (unsigned char)s[i] >= 0x80;
    braces = braces || !(word || (i == 0 && n > 1 && (s[i] == '-' || s[i] == '+')));
  }
  buffer_reserve(&l->text, 3);
  size_t before = 1 + braces;
  memmove(l->text.data + start + before, l->text.data + start, n);
  l->text.data[start] = sign;
  if (braces) {
    l->text.data[start + 1] = '{';
    l->text.data[start + before + n] = '}';
  }
  l->text.len += before + braces;
  for (size_t k = l->mark_count; k-- > 0 && l->marks[k] >= start;) l->marks[k] += (uint32_t)before;
}

static void close_inline(struct markup *m, struct markup_inline *o) {
  struct markup_line *l = &m->line;
  if (!o->written) return;
  o->written = false;
  if (o->kind == INLINE_CODE) {
    close_code(l, o->start);
    return;
  }
  if (o->kind == INLINE_SUPERSCRIPT || o->kind == INLINE_SUBSCRIPT) {
    close_script(l, o->start, o->kind == INLINE_SUPERSCRIPT ? '^' : '_');
    return;
  }
  while (l->text.len > o->start && l->text.data[l->text.len - 1] == '\n') { /* a break at its end comes after it */
    l->text.len--;
    l->space = true;
  }
  buffer_append_string(&l->text, delimiter(o->kind, false));
  if (o->kind == INLINE_LINK) {
    struct slice href = slice_trim(*html_tree_value(m->tree, o->node, ATTRIBUTE_href));
    bool angle = false;
    for (size_t i = 0; i < href.len; i++) angle = angle || href.data[i] == ' ' || href.data[i] == '(' || href.data[i] == ')' || href.data[i] == '<' || href.data[i] == '>';
    buffer_append_string(&l->text, angle ? "(<" : "(");
    for (size_t i = 0; i < href.len; i++) {
      char c = href.data[i];
      if ((unsigned char)c < 0x20 || c == 0x7F) continue;
      if (c == '<' || c == '>') buffer_append_string(&l->text, c == '<' ? "%3C" : "%3E");
      else buffer_put(&l->text, c);
    }
    buffer_append_string(&l->text, angle ? ">)" : ")");
  }
  l->closed_at = l->text.len;
  l->closed = o->kind;
}

static bool has_kind(const struct markup_line *l, enum markup_inline_kind kind) {
  for (unsigned i = 0; i < l->open_count; i++)
    if (l->open[i].kind == kind) return true;
  return false;
}

/* Superscripts that are only typography: ordinals, marks, notes that are links. */
static bool plain_script(const struct markup *m, uint32_t node) {
  const struct html_node *n = &m->tree->nodes[node];
  if (n->end == node + 1) return true;
  const struct html_node *child = &m->tree->nodes[node + 1];
  if (child->tag == TAG_a) return true;
  if (child->tag != TAG_text || n->end != node + 2) return false;
  static const char *const marks[] = {"st", "nd", "rd", "th", "\xC2\xAE", "\xE2\x84\xA2", "TM", "SM", "\xC2\xA9", "o", "a", "er", "e", "\xC2\xBA", "\xC2\xAA"};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (slice_equal(slice_trim(child->text), slice_of(marks[i]))) return true;
  return false;
}

void markup_line_open(struct markup *m, uint32_t node) {
  struct markup_line *l = &m->line;
  enum markup_inline_kind kind;
  switch (m->tree->nodes[node].tag) {
    case TAG_b:
    case TAG_strong:
      if (m->heading) return;
      kind = INLINE_STRONG;
      break;
    case TAG_i:
    case TAG_em:
    case TAG_var: kind = INLINE_EMPHASIS; break;
    case TAG_s:
    case TAG_strike:
    case TAG_del: kind = INLINE_STRIKE; break;
    case TAG_code:
    case TAG_tt:
    case TAG_samp:
    case TAG_kbd: kind = INLINE_CODE; break;
    case TAG_sup:
    case TAG_sub:
      if (plain_script(m, node)) return;
      kind = m->tree->nodes[node].tag == TAG_sup ? INLINE_SUPERSCRIPT : INLINE_SUBSCRIPT;
      break;
    case TAG_a:
      if (!m->options->links || !html_tree_value(m->tree, node, ATTRIBUTE_href)) return;
      kind = INLINE_LINK;
      break;
    default: return;
  }
  if (has_kind(l, kind) || has_kind(l, INLINE_CODE)) return;
  l->open[l->open_count++] = (struct markup_inline){.node = node, .end = m->tree->nodes[node].end, .kind = kind};
}

void markup_line_close(struct markup *m, uint32_t node) {
  struct markup_line *l = &m->line;
  while (l->open_count && l->open[l->open_count - 1].end <= node) close_inline(m, &l->open[--l->open_count]);
}

void markup_line_clear(struct markup *m) {
  struct markup_line *l = &m->line;
  l->text.len = l->mark_count = l->closed_at = 0;
  l->space = l->strong = l->code = false;
  for (unsigned i = 0; i < l->open_count; i++) l->open[i].written = false;
}

/* ---- text */

enum { PLAIN, SPACE, SPECIAL, MARK };
static const unsigned char byte_class[256] = {
  [0 ... 8] = SPECIAL, [0xB] = SPECIAL, [0xE ... 0x1F] = SPECIAL,
  [' '] = SPACE, ['\n'] = SPACE, ['\t'] = SPACE, ['\r'] = SPACE, ['\f'] = SPACE, [0x7F] = SPECIAL, [0xC2] = SPECIAL, [0xE2] = SPECIAL,
  [0xE3] = SPECIAL, [0xEE] = SPECIAL, [0xEF] = SPECIAL, ['*'] = MARK, ['_'] = MARK, ['`'] = MARK, [']'] = MARK, ['<'] = MARK, ['>'] = MARK, ['&'] = MARK, ['\\'] = MARK, ['~'] = MARK, ['$'] = MARK,
};

static void add_text(struct markup *m, const char *s, size_t n) {
  struct markup_line *l = &m->line;
  bool marks = m->markdown && !has_kind(l, INLINE_CODE);
  for (size_t i = 0; i < n;) {
    unsigned class = byte_class[(unsigned char)s[i]];
    if (class == SPACE) {
      l->space = true;
      i++;
      continue;
    }
    size_t take = 1;
    if (class == SPECIAL) {
      uint32_t instead;
      enum text_class what = text_character(s + i, n - i, &take, &instead);
      if (what != TEXT_STANDS || instead) {
        l->space = l->space || what == TEXT_WHITE;
        i += take;
        if (!instead) continue;
        start_text(m);
        utf8_append(&l->text, instead);
        continue;
      }
    }
    start_text(m);
    if (class == MARK && marks) {
      GROW(l->marks, l->mark_capacity, l->mark_count + 1);
      l->marks[l->mark_count++] = (uint32_t)l->text.len;
    } else if (class == PLAIN) {
      while (i + take < n && byte_class[(unsigned char)s[i + take]] == PLAIN) take++;
    }
    buffer_append(&l->text, s + i, take);
    i += take;
  }
}

/* A formula: its delimiters are ours, so nothing in it is escaped. */
static void add_formula(struct markup *m, struct slice tex, bool display, enum markup_place place) {
  struct markup_line *l = &m->line;
  display = display && place == PLACE_BLOCK;
  if (display && m->markdown) {
    markup_end_paragraph(m);
    bool lines = memchr(tex.data, '\n', tex.len) != NULL;
    markup_begin(m, BLOCK_OTHER);
    buffer_append_string(m->out, "$$");
    if (lines) markup_next_line(m, false);
    for (const char *p = tex.data, *end = tex.data + tex.len; p < end && !markup_full(m);) {
      const char *newline = memchr(p, '\n', (size_t)(end - p));
      buffer_append(m->out, p, (size_t)((newline ? newline : end) - p));
      if (!newline) break;
      markup_next_line(m, false);
      p = newline + 1;
    }
    if (lines) markup_next_line(m, false);
    buffer_append_string(m->out, "$$");
    return;
  }
  if (display && l->text.len && l->text.data[l->text.len - 1] != '\n') buffer_put(&l->text, '\n');
  start_text(m);
  buffer_append_string(&l->text, display ? "$$" : "$");
  for (size_t i = 0; i < tex.len; i++) buffer_put(&l->text, tex.data[i] == '\n' ? ' ' : tex.data[i]);
  buffer_append_string(&l->text, display ? "$$" : "$");
  if (display) buffer_put(&l->text, '\n');
}

/* ---- elements */

bool markup_dropped(const struct markup *m, uint32_t node) {
  const struct html_node *n = &m->tree->nodes[node];
  if (n->attribute_count == 0) return false;
  struct slice class = markup_class(m->tree, node), word;
  while (markup_class_word(&class, &word)) {
    static const char *const anchors[] = {"headerlink", "anchorjs-link", "header-anchor", "heading-anchor", "hash-link", "mw-editsection", "katex-html",
                                          "MathJax_Preview", "viewcode-link"};
    for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++)
      if (word.data[0] == anchors[i][0] && slice_equal(word, slice_of(anchors[i]))) return true;
  }
  if (html_tree_value(m->tree, node, ATTRIBUTE_hidden)) return true;
  const struct slice *style = html_tree_value(m->tree, node, ATTRIBUTE_style);
  return style && style->len < 512 && (slice_find_nocase(*style, SLICE("display:none")) || slice_find_nocase(*style, SLICE("display: none")));
}

/* <ruby>: readings stand in parentheses; where the page has its own in <rp>, in those. */
static bool has_rp(const struct markup *m, uint32_t rt) {
  const struct html_node *nodes = m->tree->nodes;
  return rt > 0 && ((nodes[rt - 1].tag == TAG_text && nodes[nodes[rt - 1].parent].tag == TAG_rp) ||
                    (rt > 1 && nodes[rt - 1].tag == TAG_text && nodes[rt - 2].tag == TAG_text && nodes[nodes[rt - 2].parent].tag == TAG_rp));
}

void markup_line_add(struct markup *m, uint32_t from, uint32_t to, enum markup_place place) {
  const struct html_node *nodes = m->tree->nodes;
  struct markup_line *l = &m->line;
  uint32_t reading = 0; /* end of an <rt> that gets parentheses */
  bool reading_open = false;
  for (uint32_t i = from; i < to; i++) {
    if (reading && i >= reading) {
      if (reading_open) buffer_put(&l->text, ')');
      reading = 0;
    }
    if (m->markdown) markup_line_close(m, i);
    const struct html_node *n = &nodes[i];
    unsigned tag = n->tag;
    bool formula = tag == TAG_math || tag == TAG_mjx || tag == TAG_script || tag == TAG_img || tag == TAG_text || (n->attribute_count && (tag == TAG_span || tag == TAG_div));
    if (formula && (tag != TAG_text || m->markdown)) {
      bool display = false;
      uint32_t after = markup_formula(m, i, &m->tex, &display);
      if (after) {
        if (m->tex.len) add_formula(m, buffer_slice(&m->tex), display, place);
        i = after - 1;
        continue;
      }
    }
    if (tag == TAG_text) {
      if (reading && !reading_open && slice_trim(n->text).len) {
        start_text(m);
        buffer_put(&l->text, '(');
        reading_open = true;
      }
      const struct page *page = m->page;
      while (m->gap < page->gap_count && page->gaps[m->gap].node < i) m->gap++;
      if (m->gap < page->gap_count && page->gaps[m->gap].node == i) l->space = true;
      add_text(m, n->text.data, n->text.len);
      continue;
    }
    switch (html_tag_class[tag]) {
      case HTML_VOID:
        if (tag != TAG_br) break;
        if (place != PLACE_BLOCK || (m->markdown && has_kind(l, INLINE_CODE))) { /* a span of code is one line, or it could look like a fence */
          l->space = true;
        } else if (l->text.len) {
          buffer_put(&l->text, '\n');
          l->space = false;
        }
        break;
      case HTML_SKIP: i = n->end - 1; break;
      case HTML_INLINE:
        if (markup_dropped(m, i)) {
          i = n->end - 1;
          break;
        }
        if (tag == TAG_rt && !has_rp(m, i)) {
          reading = n->end;
          reading_open = false;
        }
        if (m->markdown && tag == TAG_code && place == PLACE_BLOCK && l->text.len == 0 && n->end >= to && !has_kind(l, INLINE_CODE)) {
          bool lines = false;
          for (uint32_t k = i + 1; k < n->end && !lines; k++) lines = nodes[k].tag == TAG_br;
          if (lines) { /* a block of code without <pre> */
            markup_code_block(m, i, true);
            return;
          }
        }
        if (m->markdown) markup_line_open(m, i);
        break;
      default: /* blocks in a cell */
        if (markup_dropped(m, i) || (tag == TAG_button && markup_not_code(m, i))) i = n->end - 1;
        else if (place == PLACE_BLOCK && !has_kind(l, INLINE_CODE) && l->text.len && l->text.data[l->text.len - 1] != '\n') buffer_put(&l->text, '\n');
        l->space = l->space || place != PLACE_BLOCK;
        break;
    }
  }
  if (reading && reading_open) buffer_put(&l->text, ')');
}

/* ---- escapes */

static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\0'; }
static bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_punctuation(char c) { return (c > 0x20 && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 0x7F); }

/* Does the run of delimiters [p, end) open, close (bits 1, 2)? */
static int flanks(const char *text, size_t n, size_t p, size_t end) {
  char before = p ? text[p - 1] : '\0', after = end < n ? text[end] : '\0';
  int bits = (!is_space(after) ? 1 : 0) | (!is_space(before) ? 2 : 0);
  if (text[p] == '_') {
    if (is_word(before)) bits &= ~1;
    if (is_word(after)) bits &= ~2;
  }
  return bits;
}

static bool is_reference(const char *s, size_t n) { /* behind the & */
  size_t i = 0;
  if (i < n && s[i] == '#') i++;
  size_t start = i;
  while (i < n && i < 32 && (is_letter(s[i]) || (s[i] >= '0' && s[i] <= '9'))) i++;
  return i > start && i < n && s[i] == ';';
}

/* The offset at which a backslash must stand so that the line [s, end) is none of Markdown's own, or SIZE_MAX. */
static size_t line_escape(const char *text, size_t s, size_t end, bool first) {
  char c = text[s];
  size_t i = s;
  if (c == '#') {
    while (i < end && text[i] == '#') i++;
    return i - s <= 6 && (i == end || text[i] == ' ') ? s : SIZE_MAX;
  }
  if (c == '>') return s;
  if (c == '[') { /* a definition of a link's target */
    const char *close = memchr(text + s, ']', end - s < 1000 ? end - s : 1000);
    return close && close + 1 < text + end && close[1] == ':' ? s : SIZE_MAX;
  }
  if (c == '-' || c == '+' || c == '*' || c == '=' || c == '_') {
    if (c != '=' && c != '_' && s + 1 < end && text[s + 1] == ' ') return SIZE_MAX; /* an item, written by hand */
    if (c != '=' && c != '_' && s + 1 == end) return s;
    size_t count = 0;
    while (i < end && (text[i] == c || text[i] == ' ')) count += text[i++] == c;
    if (i < end || c == '+') return SIZE_MAX;
    if (c == '=') return first ? SIZE_MAX : s;
    return count >= 3 || (c == '-' && !first) ? s : SIZE_MAX;
  }
  if (c == '~' && s + 2 < end && text[s + 1] == '~' && text[s + 2] == '~') return s;
  while (i < end && text[i] >= '0' && text[i] <= '9') i++;
  if (i > s && i - s <= 9 && i + 1 == end && (text[i] == '.' || text[i] == ')')) return i;
  return SIZE_MAX;
}

enum { RUN_MAX = 3 }; /* longer runs are blanks to fill in and lines, not delimiters */

/* Appends to m->scratch with the escapes. */
static void escape(struct markup *m) {
  struct markup_line *l = &m->line;
  const char *t = l->text.data;
  size_t n = l->text.len, last_gt = 0, last_paren = 0, last_bracket = 0, last_end = 0, at = 0;
  unsigned openers[2] = {0}, closers[2] = {0}, runs[2] = {0}, ticks = 0, tildes = 0; /* of * and _ */
  for (size_t k = 0; k < l->mark_count; k++) {
    size_t p = l->marks[k];
    if (p >= n) continue;
    if (t[p] == '>') last_gt = p;
    ticks += t[p] == '`';
    tildes += t[p] == '~' && p + 1 < n && t[p + 1] == '~';
    if (t[p] == '\\' && p + 1 < n) {
      if (t[p + 1] == ')') last_paren = p;
      if (t[p + 1] == ']') last_bracket = p;
      if (t[p + 1] == 'e' && n - p > 5 && memcmp(t + p, "\\end{", 5) == 0) last_end = p;
    }
    if (t[p] != '*' && t[p] != '_') continue;
    size_t run = k + 1;
    while (run < l->mark_count && l->marks[run] == l->marks[run - 1] + 1 && t[l->marks[run]] == t[p]) run++;
    int bits = flanks(t, n, p, p + (run - k));
    runs[t[p] == '_'] += bits != 0;
    openers[t[p] == '_'] += bits & 1;
    closers[t[p] == '_'] += bits >> 1 & 1;
    k = run - 1;
  }
  bool stars = (openers[0] && closers[0] && runs[0] > 1) || (l->strong && runs[0]);
  bool bars = openers[1] && closers[1] && runs[1] > 1;
  struct buffer *out = &m->scratch;
  buffer_reserve(out, n + 8);
  size_t raw = 0, line = 0;
  for (size_t k = 0; line <= n;) {
    /* the next place: the start of a line, or a mark */
    const char *newline = n > line ? memchr(t + line, '\n', n - line) : NULL;
    size_t end = newline ? (size_t)(newline - t) : n;
    size_t start_escape = end > line && line >= raw && !m->heading && !m->cell ? line_escape(t, line, end, line == 0) : SIZE_MAX;
    if (start_escape != SIZE_MAX && l->strong && t[line] == '*' && !(line + 1 == end || t[line + 1] == ' ')) start_escape = SIZE_MAX;
    for (; k < l->mark_count && l->marks[k] < end; k++) {
      size_t p = l->marks[k];
      char next = p + 1 < n ? t[p + 1] : '\0';
      if (start_escape != SIZE_MAX && start_escape <= p) {
        buffer_append(out, t + at, start_escape - at);
        buffer_put(out, '\\');
        at = start_escape;
        bool same = start_escape == p;
        start_escape = SIZE_MAX;
        if (same) continue;
      }
      if (p < raw) continue;
      bool now = false;
      switch (t[p]) {
        case '*':
        case '_': {
          if (!(t[p] == '*' ? stars : bars)) break;
          size_t a = p, b = p + 1;
          while (a > 0 && p - a < RUN_MAX && t[a - 1] == t[p]) a--;
          while (b < n && b - p < RUN_MAX && t[b] == t[p]) b++;
          now = b - a <= RUN_MAX && flanks(t, n, a, b) != 0;
          break;
        }
        case '`': now = ticks > 1 || l->code; break;
        case ']': now = next == '('; break;
        case '<': now = (is_letter(next) || next == '/' || next == '!' || next == '?') && last_gt > p; break;
        case '&': now = is_reference(t + p + 1, n - p - 1); break;
        case '~': now = tildes > 1 && next == '~' && (p + 2 >= n || t[p + 2] != '~') && (p == 0 || t[p - 1] != '~'); break;
        case '$': { /* as pandoc reads it: no space inside, no digit behind */
          size_t close = k + 1;
          while (close < l->mark_count && t[l->marks[close]] != '$') close++;
          size_t q = close < l->mark_count ? l->marks[close] : 0;
          if (next == '$' && q == p + 1) { /* $$ ... $$ */
            for (close++; close < l->mark_count && t[l->marks[close]] != '$'; close++) continue;
            if (close + 1 < l->mark_count && l->marks[close + 1] == l->marks[close] + 1 && t[l->marks[close] + 1] == '$') raw = l->marks[close] + 2;
            else raw = p + 2;
          } else if (q && !is_space(next) && !is_space(t[q - 1]) && !(q + 1 < n && t[q + 1] >= '0' && t[q + 1] <= '9')) {
            raw = q + 1;
          }
          break;
        }
        case '\\':
          if ((next == '(' && last_paren > p) || (next == '[' && last_bracket > p)) {
            size_t close = k + 1;
            char want = next == '(' ? ')' : ']';
            while (close < l->mark_count && !(t[l->marks[close]] == '\\' && t[l->marks[close] + 1] == want)) close++;
            raw = (close < l->mark_count ? l->marks[close] : p) + 2;
          } else if (next == 'b' && last_end > p && n - p > 7 && memcmp(t + p, "\\begin{", 7) == 0) {
            raw = last_end + 5;
          } else {
            now = is_punctuation(next);
          }
          break;
        default: break;
      }
      if (now) {
        buffer_append(out, t + at, p - at);
        buffer_put(out, '\\');
        at = p;
      }
    }
    if (start_escape != SIZE_MAX) {
      buffer_append(out, t + at, start_escape - at);
      buffer_put(out, '\\');
      at = start_escape;
    }
    line = end + 1;
  }
  buffer_append(out, t + at, n - at);
}

struct slice markup_line_finish(struct markup *m) {
  struct markup_line *l = &m->line;
  if (m->markdown)
    for (unsigned i = l->open_count; i-- > 0;) close_inline(m, &l->open[i]);
  while (l->text.len && (l->text.data[l->text.len - 1] == ' ' || l->text.data[l->text.len - 1] == '\n')) l->text.len--;
  if (!m->markdown || l->text.len == 0) return buffer_slice(&l->text);
  buffer_clear(&m->scratch);
  escape(m);
  return buffer_slice(&m->scratch);
}
