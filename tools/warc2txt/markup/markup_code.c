/* SPDX-License-Identifier: MIT
 *
 * Code: the text of <pre> (or of a table of code lines) with its white space, without what highlighters add: columns and
 * spans of line numbers, buttons that copy.  Lines may end at newlines, at <br>, or be elements of their own.
 * The language is what a class or data attribute of the element, of what it holds or of the three around it says.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/markup/markup_writer.h"
#include "tools/warc2txt/page/page_text.h"

/* ---- what is not code */

static bool number_word(struct slice word) {
  static const char *const words[] = {"linenos", "lineno", "linenodiv", "linenumber", "line-number", "line-numbers", "line-numbers-rows", "linenumbers",
                                      "lineNumbers", "line_number",
                                      "line_numbers", "gutter", "rouge-gutter", "lnt", "lntd", "ln", "ln-num", "hljs-ln-numbers", "hljs-ln-n", "blob-num",
                                      "react-syntax-highlighter-line-number"};
  if (word.len < 2 || (word.data[0] != 'l' && word.data[0] != 'g' && word.data[0] != 'r' && word.data[0] != 'h' && word.data[0] != 'b')) return false;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (slice_equal(word, slice_of(words[i]))) return true;
  return false;
}

/* Only digits, points and white space?  Failures are remembered, so that nested elements do not read their text again. */
static bool only_numbers(struct markup *m, uint32_t node) {
  const struct html_node *nodes = m->tree->nodes;
  if (node < m->numbers_end) return false;
  for (uint32_t i = node + 1; i < nodes[node].end; i++) {
    if (nodes[i].tag != TAG_text) continue;
    for (size_t k = 0; k < nodes[i].text.len; k++) {
      char c = nodes[i].text.data[k];
      if ((c >= '0' && c <= '9') || c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '.' || c == ':' || c == '|') continue;
      if (c == '\xC2' && k + 1 < nodes[i].text.len && nodes[i].text.data[k + 1] == '\xA0') {
        k++;
        continue;
      }
      m->numbers_end = nodes[node].end;
      return false;
    }
  }
  return true;
}

bool markup_not_code(struct markup *m, uint32_t node) {
  const struct html_node *n = &m->tree->nodes[node];
  struct slice class = markup_class(m->tree, node), all = class, word;
  if (n->tag == TAG_button) {
    if (slice_find_nocase(class, SLICE("copy")) || slice_find_nocase(class, SLICE("clipboard"))) return true;
    if (n->end > node + 1 && n->end <= node + 6) {
      for (uint32_t i = node + 1; i < n->end; i++)
        if (m->tree->nodes[i].tag == TAG_text && slice_starts_nocase(slice_trim(m->tree->nodes[i].text), SLICE("copy"))) return true;
    }
    return false;
  }
  if (n->attribute_count == 0 || n->tag == TAG_pre || n->tag == TAG_code || n->tag == TAG_table) return false;
  while (markup_class_word(&class, &word)) {
    if (number_word(word)) return only_numbers(m, node);
    if (slice_equal(word, SLICE("copybtn")) || slice_equal(word, SLICE("copy-button")) || slice_equal(word, SLICE("copy-btn")) || slice_equal(word, SLICE("clipboard-copy"))) return true;
  }
  return html_tree_value(m->tree, node, ATTRIBUTE_data_line_number) && !slice_find(all, SLICE("code")) && only_numbers(m, node);
}

bool markup_is_code_table(const struct markup *m, uint32_t table) {
  struct slice class = markup_class(m->tree, table), word;
  while (markup_class_word(&class, &word))
    if (slice_equal(word, SLICE("js-file-line-container")) || slice_equal(word, SLICE("blob-code-content")) || slice_equal(word, SLICE("hljs-ln"))) return true;
  return false;
}

/* ---- text */

static void put_code(struct buffer *out, struct slice s, bool collapse, size_t start) {
  buffer_reserve(out, s.len);
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c == '\r') {
      if (i + 1 < s.len && s.data[i + 1] == '\n') continue;
      c = '\n';
    }
    if (collapse && (c == '\n' || c == '\t' || c == ' ')) {
      if (out->len > start && out->data[out->len - 1] != '\n' && out->data[out->len - 1] != ' ') buffer_put(out, ' ');
      continue;
    }
    if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7F) continue;
    if (c < 0x80) {
      buffer_put(out, (char)c);
      continue;
    }
    size_t take;
    uint32_t instead;
    enum text_class class = text_character(s.data + i, s.len - i, &take, &instead);
    if (instead) utf8_append(out, instead);
    else if (class == TEXT_WHITE && c != 0xE3) buffer_put(out, ' '); /* the wide space holds columns of wide characters */
    else if (class != TEXT_NOTHING) buffer_append(out, s.data + i, take);
    i += take - 1;
  }
}

static bool has_newline(struct slice s) { return s.len && memchr(s.data, '\n', s.len) != NULL; }

void markup_code_text(struct markup *m, uint32_t node, bool collapse, struct buffer *out) {
  const struct html_node *nodes = m->tree->nodes;
  size_t start = out->len, depth = 0, opened = start;
  bool due = false;      /* a line ended, its newline is not written */
  bool boundary = true;  /* the last thing was the start or end of a block-level element */
  for (uint32_t i = node + 1; i <= nodes[node].end; i++) {
    while (depth && m->ends[depth - 1] <= i) {
      depth--;
      if (out->len == opened && !due && out->len > start && out->data[out->len - 1] == '\n') buffer_put(out, '\n'); /* an empty element is an empty line */
      else due = true;
      boundary = true;
      opened = SIZE_MAX;
    }
    if (i == nodes[node].end) break;
    const struct html_node *n = &nodes[i];
    bool at_start = out->len == start || out->data[out->len - 1] == '\n';
    if (n->tag == TAG_text) {
      bool next_block = i + 1 >= nodes[node].end || html_tag_class[nodes[i + 1].tag] == HTML_BLOCK || (depth && m->ends[depth - 1] <= i + 1);
      if (boundary && next_block && (due || at_start) && has_newline(n->text) && slice_trim(n->text).len == 0) continue; /* white space between elements that are lines */
      if (due && !at_start) buffer_put(out, '\n');
      due = false;
      put_code(out, n->text, collapse, start);
      boundary = false;
    } else if (n->tag == TAG_br) {
      if (due && !at_start) buffer_put(out, '\n');
      due = false;
      while (collapse && out->len > start && out->data[out->len - 1] == ' ') out->len--;
      buffer_put(out, '\n');
      boundary = false;
    } else if (html_tag_class[n->tag] == HTML_SKIP || markup_not_code(m, i) || markup_dropped(m, i)) {
      i = n->end - 1;
    } else if (html_tag_class[n->tag] == HTML_BLOCK && n->tag != TAG_td && n->tag != TAG_th && n->tag != TAG_tbody && n->tag != TAG_table && n->tag != TAG_unknown) {
      if (!at_start) buffer_put(out, '\n');
      due = false;
      boundary = true;
      opened = out->len;
      GROW(m->ends, m->end_capacity, depth + 1);
      m->ends[depth++] = n->end;
    }
  }
  /* blank lines around it go, the indentation of its first line stays */
  size_t end = out->len, first = start;
  while (end > start && (out->data[end - 1] == '\n' || out->data[end - 1] == ' ' || out->data[end - 1] == '\t')) end--;
  for (size_t i = start; i < end && (out->data[i] == '\n' || out->data[i] == ' ' || out->data[i] == '\t'); i++)
    if (out->data[i] == '\n') first = i + 1;
  out->len = end;
  if (first > start) {
    memmove(out->data + start, out->data + first, end - first);
    out->len = end - (first - start);
  }
}

/* ---- language */

static bool is_name(struct slice s) {
  if (s.len == 0 || s.len > 24) return false;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.data[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '#' || c == '.' || c == '-' || c == '_')) return false;
  }
  return true;
}

static bool in_list(struct slice s, const char *const *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (slice_equal_nocase(s, slice_of(list[i]))) return true;
  return false;
}

/* Words beside hljs, sourceCode and the like that are no languages. */
static bool is_style(struct slice s) {
  static const char *const words[] = {"literal-block", "code", "hljs", "sourceCode", "prettyprint", "prettyprinted", "linenums", "line-numbers", "notranslate",
                                      "highlight", "highlighter-rouge",
                                      "nohighlight", "no-highlight", "numberLines", "lineAnchors", "code-block", "chroma", "codehilite", "copy", "block",
                                      "math", "syntax", "undefined"};
  return in_list(s, words, sizeof words / sizeof *words);
}

static bool is_language(struct slice s) { /* a class that needs no prefix */
  static const char *const names[] = {"asm", "awk", "bash", "c", "clojure", "cmake", "coffeescript", "cpp", "csharp", "css", "csv", "dart", "diff",
                                      "dockerfile", "elixir", "erlang", "fortran",
                                      "fsharp", "go", "golang", "graphql", "groovy", "haskell", "html", "ini", "java", "javascript", "js", "json", "jsx",
                                      "julia", "kotlin", "latex", "lisp", "lua",
                                      "makefile", "markdown", "matlab", "nginx", "objc", "ocaml", "perl", "php", "powershell", "python", "r", "ruby", "rust",
                                      "scala", "scheme", "scss", "sh", "shell",
                                      "sql", "swift", "toml", "ts", "tsx", "typescript", "vim", "xml", "yaml", "yml", "zig"};
  return in_list(s, names, sizeof names / sizeof *names);
}

/* 0: nothing said, 1: said to have none, 2: *name. */
static int said(const struct html_tree *tree, uint32_t node, struct slice *name) {
  const struct slice *data = html_tree_value(tree, node, ATTRIBUTE_data_lang);
  if (!data) data = html_tree_value(tree, node, ATTRIBUTE_data_language);
  *name = data && data->len <= 64 ? slice_trim(*data) : (struct slice){0}; /* it is asked for by all that stands in the node */
  static const char *const prefixes[] = {"language-", "lang-", "highlight-source-", "highlight-text-", "highlight-", "mw-highlight-lang-", "src-", "brush:"};
  static const char *const beside[] = {"hljs", "sourceCode", "code", "src"};
  struct slice class = markup_class(tree, node), word;
  bool next = false, brush = false;
  unsigned count = 0;
  struct slice only = {0};
  while (name->len == 0 && markup_class_word(&class, &word)) {
    count++;
    only = word;
    if (brush) {
      *name = word;
      break;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes && name->len == 0; i++)
      if (slice_starts_nocase(word, slice_of(prefixes[i]))) *name = (struct slice){word.data + strlen(prefixes[i]), word.len - strlen(prefixes[i])};
    brush = slice_equal_nocase(word, SLICE("brush:"));
    if (name->len == 0 && next && !is_style(word) && is_name(word)) *name = word;
    next = next || in_list(word, beside, sizeof beside / sizeof *beside);
  }
  while (name->len && (name->data[name->len - 1] == ';' || name->data[name->len - 1] == ',')) name->len--;
  if (name->len == 0 && count && is_language(only)) *name = only;
  if (name->len == 0) return 0;
  static const char *const none[] = {"default", "none", "plain", "plaintext", "text", "txt", "nohighlight", "auto", "undefined", "wrapper", "block", "ref"};
  return is_name(*name) && !in_list(*name, none, sizeof none / sizeof *none) ? 2 : 1;
}

static struct slice language(const struct html_tree *tree, uint32_t node) {
  const struct html_node *nodes = tree->nodes;
  struct slice name;
  int what = said(tree, node, &name);
  for (uint32_t i = node + 1, k = 0; !what && i < nodes[node].end && k < 2; i++, k++)
    if (nodes[i].tag == TAG_code || nodes[i].tag == TAG_pre) what = said(tree, i, &name);
  uint32_t up = nodes[node].parent;
  for (int k = 0; !what && k < 3 && up; k++, up = nodes[up].parent)
    if (nodes[up].tag != TAG_body && nodes[up].tag != TAG_html) what = said(tree, up, &name);
  return what == 2 ? name : (struct slice){0};
}

/* ---- blocks */

static size_t longest_run(struct slice s) {
  size_t longest = 0, run = 0;
  for (size_t i = 0; i < s.len; i++) {
    run = s.data[i] == '`' ? run + 1 : 0;
    longest = run > longest ? run : longest;
  }
  return longest;
}

void markup_code_block(struct markup *m, uint32_t node, bool collapse) {
  struct buffer *code = &m->scratch;
  buffer_clear(code);
  markup_code_text(m, node, collapse, code);
  if (code->len == 0) return;
  markup_begin(m, BLOCK_OTHER);
  if (!m->markdown) {
    buffer_append(m->out, code->data, code->len);
    return;
  }
  size_t fence = longest_run(buffer_slice(code)) + 1;
  if (fence < 3) fence = 3;
  for (size_t i = 0; i < fence; i++) buffer_put(m->out, '`');
  struct slice name = language(m->tree, node);
  for (size_t i = 0; i < name.len; i++) buffer_put(m->out, name.data[i] >= 'A' && name.data[i] <= 'Z' ? (char)(name.data[i] + 32) : name.data[i]);
  for (const char *p = code->data, *end = p + code->len; p <= end && !markup_full(m);) {
    const char *newline = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    size_t n = (size_t)((newline ? newline : end) - p);
    markup_next_line(m, n == 0);
    buffer_append(m->out, p, n);
    p += n + 1;
  }
  markup_next_line(m, false);
  for (size_t i = 0; i < fence; i++) buffer_put(m->out, '`');
}
