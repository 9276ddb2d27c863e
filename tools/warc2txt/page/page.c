/* SPDX-License-Identifier: MIT
 *
 * One walk over the nodes with a stack of the open elements.
 */
#include "tools/warc2txt/page/page.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "tools/warc2txt/page/page_keywords.h"
#include "tools/warc2txt/page/page_text.h"

enum {
  ELEMENT_DEPTH = 256,    /* below it elements hang in the last one */
  ELEMENTS_MAX = 1 << 20, /* beyond these many, text goes to the nearest element that is there ... */
  BLOCKS_MAX = 1 << 20,   /* ... and all that follows is one block of lines: memory stays near the page's size */
  ELEMENTS_KEPT = 1 << 15,
  TEXT_KEPT = 4 << 20,
  CLASS_MAX = 1024,
  NONE = UINT32_MAX,
};

struct open {
  uint32_t end;   /* node behind its last descendant */
  uint32_t node;
  uint32_t element;     /* in page->elements once a block stands in it, before that NONE */
  uint32_t real, block; /* places in the stack: the nearest that is an element of its own (not too deep, not a second body), that and block-level */
  uint16_t tag, depth;
};

struct page_builder {
  struct page *page;
  struct open *stack;
  size_t depth, stack_capacity;
  size_t link;            /* depth of the outermost open <a>; 0: none */
  size_t pre;             /* the same for pre */
  struct text_run run;    /* the block that is being written */
  uint32_t link_start;    /* page.text where the link's text in this block starts */
  uint32_t block_node, breaks, links, link_words, row, rows;
  uint32_t node;          /* of the tree, where the walk is */
  uint32_t opened;        /* elements of their own so far */
  bool bold, first_in_pre;
  struct slice last_text; /* of the last node of text in this block */
  unsigned seam;          /* SEAM_...: what came since */
  struct keyword_cache *keywords;
};

enum { SEAM_CLOSED = 1, SEAM_OPENED = 2, SEAM_CLOSED_LINK = 4, SEAM_OPENED_LINK = 8, SEAM_NONE = 16 };

static struct open *top(struct page_builder *p) { return &p->stack[p->depth - 1]; }

/* ---- elements */

static uint64_t bit(enum html_flag flag) { return (uint64_t)1 << flag; }

static uint64_t role_flag(struct slice role) {
  static const struct {
    const char *role;
    int flag;
  } roles[] = {{"navigation", FLAG_role_navigation}, {"menu", FLAG_role_navigation}, {"main", FLAG_role_main}, {"complementary", FLAG_role_complementary},
               {"banner", FLAG_role_banner}, {"contentinfo", FLAG_role_contentinfo}, {"dialog", FLAG_role_dialog}, {"alertdialog", FLAG_role_dialog},
               {"search", FLAG_form}, {"article", FLAG_article}};
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (slice_equal_nocase(role, slice_of(roles[i].role))) return bit(roles[i].flag);
  return 0;
}

static uint64_t tag_flag(unsigned tag) {
  switch (tag) {
#define F(t) case TAG_##t: return bit(FLAG_##t);
    F(nav) F(header) F(footer) F(aside) F(form) F(main) F(article) F(section) F(table) F(ul) F(ol) F(dl) F(li) F(figure) F(button)
    F(details) F(blockquote) F(pre) F(p) F(dialog) F(td) F(a) F(noscript)
#undef F
    case TAG_th: return bit(FLAG_td);
    case TAG_menu: return bit(FLAG_ul);
    case TAG_listing:
    case TAG_xmp: return bit(FLAG_pre);
    case TAG_h1: case TAG_h2: case TAG_h3: case TAG_h4: case TAG_h5: case TAG_h6: return bit(FLAG_heading);
    default: return 0;
  }
}

/* "display:none" or "visibility:hidden", white space and case apart. */
static bool hides(struct slice style) {
  bool may = false; /* is there a value that starts with n or h? */
  for (const char *at = style.data, *end = style.data + style.len; !may && at < end && (at = memchr(at, ':', (size_t)(end - at)));) {
    for (at++; at < end && (*at == ' ' || *at == '\t' || *at == '\n');) at++;
    may = at < end && ((*at | 32) == 'n' || (*at | 32) == 'h');
  }
  if (!may) return false;
  char text[512];
  size_t n = 0;
  for (size_t i = 0; i < style.len && n < sizeof text; i++) {
    char c = style.data[i];
    if (c != ' ' && c != '\t' && c != '\n') text[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
  }
  struct slice s = {text, n};
  return slice_find(s, SLICE("display:none")) || slice_find(s, SLICE("visibility:hidden"));
}

static uint32_t add_element(struct page_builder *p, const struct open *o, uint32_t parent) {
  struct page *page = p->page;
  const struct html_node *node = &page->tree->nodes[o->node];
  uint64_t flags = tag_flag(o->tag), hash;
  uint32_t keywords = 0, signature = o->tag * 0x9E3779B1u;
  for (uint32_t i = 0; i < node->attribute_count; i++) {
    const struct html_attribute *a = &page->tree->attributes[node->attribute + i];
    struct slice value = a->value;
    switch (a->name) {
      case ATTRIBUTE_class:
        keywords |= keywords_in_class(p->keywords, value, &hash);
        if (value.len) signature ^= (uint32_t)hash;
        break;
      case ATTRIBUTE_id: keywords |= keywords_in(value); break;
      case ATTRIBUTE_itemprop:
        if (value.len) {
          bool body = slice_equal_nocase(value, SLICE("articleBody")) || slice_equal_nocase(value, SLICE("text")) ||
                      slice_equal_nocase(value, SLICE("description")) || slice_equal_nocase(value, SLICE("reviewBody"));
          flags |= bit(body ? FLAG_item_body : FLAG_item_property);
        }
        break;
      case ATTRIBUTE_role: flags |= role_flag(value); break;
      case ATTRIBUTE_hidden: if (!slice_equal_nocase(value, SLICE("until-found"))) flags |= bit(FLAG_hidden) | bit(FLAG_invisible); break;
      case ATTRIBUTE_aria_hidden: if (slice_equal(value, SLICE("true"))) flags |= bit(FLAG_hidden); break;
      case ATTRIBUTE_style: if (hides(value)) flags |= bit(FLAG_hidden) | bit(FLAG_invisible); break;
      default: break;
    }
  }
  GROW(page->elements, page->element_capacity, page->element_count + 1);
  uint32_t index = (uint32_t)page->element_count++;
  page->elements[index] = (struct element){
    .parent = parent, .node = o->node, .tag = o->tag, .depth = o->depth, .flags = flags | (index ? page->elements[parent].flags : 0),
    .keywords = (uint8_t)keywords, .signature = signature, .first_block = (uint32_t)page->block_count,
  };
  return index;
}

/* The element of the stack's entry at a place that is real, made now with those above it if no block stood in them yet. */
static uint32_t element_at(struct page_builder *p, uint32_t at) {
  uint32_t path[ELEMENT_DEPTH + 2], count = 0, element = 0;
  for (; p->stack[at].element == NONE; at = p->stack[at - 1].real) {
    path[count++] = at;
    if (at == 0) break;
  }
  if (p->stack[at].element != NONE) element = p->stack[at].element;
  while (count && p->page->element_count < ELEMENTS_MAX) {
    struct open *o = &p->stack[path[--count]];
    element = o->element = add_element(p, o, element);
  }
  return element;
}

/* ---- spaces that only the layout makes */

/* Elements that pages part by their style; those of emphasis stand in words too. */
static bool parts(unsigned tag) { return tag == TAG_span || tag == TAG_a || tag == TAG_time || tag == TAG_label || tag == TAG_data; }

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The seam between two texts: one element was closed and another opened, with nothing between.  Single characters are
 * letters that are animated or formulas. */
static bool gap_before(const struct page_builder *p, struct slice text) {
  if (p->run.space || p->seam & SEAM_NONE || !(p->seam & SEAM_CLOSED) || !(p->seam & SEAM_OPENED) || p->last_text.len < 2 || text.len < 2) return false;
  char a = p->last_text.data[p->last_text.len - 1], b = text.data[0];
  bool word = is_upper(a) || is_lower(a) || is_digit(a);
  if ((a == '.' || a == '!' || a == '?' || a == ':' || a == ')') && is_upper(b)) return true;
  if (!word || !(is_upper(b) || is_lower(b) || is_digit(b))) return false;
  if (p->seam & SEAM_CLOSED_LINK && p->seam & SEAM_OPENED_LINK) return true;
  return is_lower(a) ? !is_lower(b) : is_digit(a) ? is_upper(b) || is_digit(b) : is_digit(b);
}

static void add_gap(struct page_builder *p) {
  struct page *page = p->page;
  GROW(page->gaps, page->gap_capacity, page->gap_count + 1);
  page->gaps[page->gap_count++] = (struct gap){p->node, (uint32_t)page->text.len};
}

/* ---- blocks */

static void drop(struct page_builder *p) {
  p->run.start = p->link_start = (uint32_t)p->page->text.len;
  p->run.space = p->run.written = p->bold = false;
  p->block_node = p->node;
  p->links = p->link ? 1 : 0;
  p->link_words = p->breaks = 0;
}

/* Ends the block that is being written. */
static void flush(struct page_builder *p) {
  struct page *page = p->page;
  uint32_t end = (uint32_t)page->text.len, start = (uint32_t)p->run.start;
  p->seam = SEAM_NONE;
  if (end == start) {
    drop(p);
    return;
  }
  if (page->block_count == BLOCKS_MAX - 1 && p->depth > 1) {
    if (page->text.data[end - 1] != '\n') buffer_put(&page->text, '\n');
    p->run.space = false;
    return;
  }
  const char *text = page->text.data;
  bool pre = p->pre != 0;
  if (p->link && p->link_start < end) p->link_words += text_words(text + p->link_start, end - p->link_start);
  if (pre) {
    while (end > start && (text[end - 1] == '\n' || text[end - 1] == ' ' || text[end - 1] == '\t')) end--;
    bool blank = end == start;
    if (!blank) { /* blank lines at its start go, the indentation of the first line with text stays */
      uint32_t line = start;
      for (uint32_t i = start; i < end; i++) {
        if (text[i] == '\n') line = i + 1;
        else if (text[i] != ' ' && text[i] != '\t') break;
      }
      start = line;
    }
  } else {
    while (end > start && (text[end - 1] == ' ' || text[end - 1] == '\n')) end--;
    while (start < end && (text[start] == ' ' || text[start] == '\n')) start++;
  }
  if (end > start && p->depth) {
    uint32_t element = element_at(p, top(p)->block);
    GROW(page->blocks, page->block_capacity, page->block_count + 1);
    uint32_t words = text_words(text + start, end - start);
    unsigned tag = page->elements[element].tag;
    page->blocks[page->block_count++] = (struct block){
      .element = element, .text = start, .len = end - start, .words = words,
      .link_words = p->link_words < words ? p->link_words : words, .links = p->links, .pre = pre, .bold = p->bold,
      .node = p->block_node, .end_node = p->node, .row = tag == TAG_td || tag == TAG_th ? p->row : 0,
    };
    page->text.len = end;
  } else {
    page->text.len = p->run.start;
  }
  drop(p);
}

static void line_break(struct page_builder *p) {
  struct buffer *text = &p->page->text;
  if (p->pre) {
    buffer_put(text, '\n');
    return;
  }
  p->breaks = p->run.written ? 1 : p->breaks + 1;
  p->run.written = false;
  if (p->breaks >= 2) {
    flush(p);
    return;
  }
  if (text->len > p->run.start) buffer_put(text, '\n');
  p->run.space = false;
}

/* ---- the walk */

static void open_element(struct page_builder *p, const struct html_node *node) {
  struct page *page = p->page;
  unsigned tag = node->tag;
  bool block = html_tag_class[tag] == HTML_BLOCK;
  uint32_t at = (uint32_t)p->depth;
  GROW(p->stack, p->stack_capacity, p->depth + 1);
  struct open *o = &p->stack[at];
  *o = (struct open){.end = node->end, .node = p->node, .element = NONE, .tag = (uint16_t)tag};
  if (at) o->real = o[-1].real, o->block = o[-1].block, o->depth = p->stack[o->real].depth;
  else if (page->element_count) o->element = 0, o->depth = 0; /* behind the root: below it all the same */
  if ((tag == TAG_html || tag == TAG_body) && p->opened > (tag == TAG_body)) { /* a second one is transparent */
    p->depth++;
    return;
  }
  if (block && at) flush(p);
  if (o->depth < ELEMENT_DEPTH) {
    if (p->opened++) o->depth++;
    o->element = NONE;
    o->real = at;
    if (block) o->block = at;
  }
  p->depth++;
  if (!block) p->seam |= parts(tag) ? SEAM_OPENED | (tag == TAG_a ? SEAM_OPENED_LINK : 0) : SEAM_NONE;
  switch (tag) {
    case TAG_article: page->articles++; break;
    case TAG_main: page->mains++; break;
    case TAG_table: page->tables++; break;
    case TAG_li: page->items++; break;
    case TAG_tr: p->row = ++p->rows; break;
    case TAG_b:
    case TAG_strong: p->bold = true; break;
    case TAG_a:
      p->links++;
      if (!p->link) {
        p->link = p->depth;
        p->link_start = (uint32_t)page->text.len;
      }
      break;
    case TAG_pre: page->pres++; /* fall through */
    case TAG_listing:
    case TAG_xmp:
      if (!p->pre) {
        p->pre = p->depth;
        p->first_in_pre = true;
      }
      break;
    default: break;
  }
}

static void pop(struct page_builder *p) {
  struct open *o = top(p);
  struct page *page = p->page;
  if (html_tag_class[o->tag] == HTML_BLOCK) {
    flush(p);
    if (o->tag == TAG_tr || o->tag == TAG_table) p->row = 0;
  } else {
    p->seam |= parts(o->tag) ? SEAM_CLOSED | (o->tag == TAG_a ? SEAM_CLOSED_LINK : 0) : SEAM_NONE;
  }
  if (p->link == p->depth) {
    uint32_t now = (uint32_t)page->text.len;
    if (p->link_start < now) p->link_words += text_words(page->text.data + p->link_start, now - p->link_start);
    p->link = 0;
  }
  if (p->pre == p->depth) p->pre = 0;
  if (o->element != NONE) page->elements[o->element].end_block = (uint32_t)page->block_count;
  p->depth--;
}

/* ---- what the head says */

static void read_meta(struct page *page, uint32_t node) {
  const struct slice *property = html_tree_value(page->tree, node, ATTRIBUTE_property), *name = html_tree_value(page->tree, node, ATTRIBUTE_name);
  const struct slice *key = property ? property : name, *value = html_tree_value(page->tree, node, ATTRIBUTE_content);
  if (!key || !value) return;
  if (slice_equal_nocase(*key, SLICE("description")) || slice_equal_nocase(*key, SLICE("og:description"))) {
    if (value->len > page->description.len && value->len < 64 * 1024) {
      buffer_clear(&page->description);
      buffer_append_slice(&page->description, *value);
    }
  } else if (slice_equal_nocase(*key, SLICE("og:type"))) {
    page->og_article = slice_find_nocase(*value, SLICE("article")) != NULL;
    page->og_product = slice_find_nocase(*value, SLICE("product")) != NULL;
  } else if (slice_equal_nocase(*key, SLICE("og:title")) && !page->title.len && value->len < 64 * 1024) {
    buffer_append_slice(&page->title, *value);
  }
}

static void read_title(struct page *page, uint32_t node) {
  if (page->title.len) return;
  for (uint32_t i = node + 1; i < page->tree->nodes[node].end && page->title.len < 4096; i++)
    if (page->tree->nodes[i].tag == TAG_text) buffer_append_slice(&page->title, page->tree->nodes[i].text);
}

static void read_json(struct page *page, struct slice text) {
  static const struct {
    const char *type;
    size_t flag;
  } types[] = {
    {"Article", offsetof(struct page, ld_article)}, {"NewsArticle", offsetof(struct page, ld_article)}, {"BlogPosting", offsetof(struct page, ld_article)},
    {"Product", offsetof(struct page, ld_product)}, {"DiscussionForum", offsetof(struct page, ld_forum)}, {"QAPage", offsetof(struct page, ld_forum)},
    {"Question", offsetof(struct page, ld_forum)}, {"ItemList", offsetof(struct page, ld_list)}, {"CollectionPage", offsetof(struct page, ld_list)},
    {"FAQPage", offsetof(struct page, ld_faq)},
  };
  const char *at, *end = text.data + text.len;
  while ((at = slice_find(text, SLICE("\"@type\"")))) {
    const char *q = at + 7;
    while (q < end && (*q == ' ' || *q == ':' || *q == '[' || *q == '\n' || *q == '\t')) q++;
    text = (struct slice){q, (size_t)(end - q)};
    if (q == end || *q != '"') continue;
    struct slice value = {q + 1, (size_t)(end - q - 1)};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
      if (slice_starts(value, slice_of(types[i].type))) *((bool *)((char *)page + types[i].flag)) = true;
  }
}

static void read_script(struct page *page, uint32_t node) {
  const struct slice *type = html_tree_value(page->tree, node, ATTRIBUTE_type);
  if (!type || !slice_equal_nocase(*type, SLICE("application/ld+json"))) return;
  for (uint32_t i = node + 1; i < page->tree->nodes[node].end; i++)
    if (page->tree->nodes[i].tag == TAG_text) read_json(page, page->tree->nodes[i].text);
}

static void read_head(struct page *page, uint32_t head) {
  for (uint32_t i = head + 1; i < page->tree->nodes[head].end; i++) {
    switch (page->tree->nodes[i].tag) {
      case TAG_meta: read_meta(page, i); break;
      case TAG_title: read_title(page, i); break;
      case TAG_script: read_script(page, i); break;
      default: break;
    }
  }
}

/* ---- formulas */

/* Is the word one of a class's?  With * at its end: does one start so? */
static bool has_class(struct slice class, const char *word) {
  size_t n = strlen(word);
  bool start = word[n - 1] == '*';
  if (class.len > CLASS_MAX) class.len = CLASS_MAX; /* an element's may be read for each of its children */
  n -= start;
  for (size_t i = 0; i + n <= class.len; i++) {
    if ((i == 0 || class.data[i - 1] == ' ') && memcmp(class.data + i, word, n) == 0 && (start || i + n == class.len || class.data[i + n] == ' ')) return true;
  }
  return false;
}

bool page_formula(const struct html_tree *tree, uint32_t node, struct slice *tex) {
  const struct html_node *n = &tree->nodes[node];
  if (n->tag == TAG_script) {
    const struct slice *type = html_tree_value(tree, node, ATTRIBUTE_type);
    if (!type || !slice_starts_nocase(*type, SLICE("math/tex")) || n->end == node + 1) return false;
    *tex = tree->nodes[node + 1].text;
    return tex->len > 0;
  }
  const struct slice *class = NULL, *alt = n->tag == TAG_img && n->attribute_count ? html_tree_value(tree, node, ATTRIBUTE_alt) : NULL;
  if (!alt || alt->len == 0) return false;
  *tex = *alt;
  class = html_tree_value(tree, node, ATTRIBUTE_class);
  static const char *const words[] = {"math", "tex", "latex", "mwe-math-fallback*", "ql-img-*"};
  for (size_t i = 0; class && i < sizeof words / sizeof *words; i++)
    if (has_class(*class, words[i])) return true;
  /* Sphinx: <div class="math"><p><img alt="..."> */
  for (uint32_t k = 0, up = n->parent; k < 2; k++, up = tree->nodes[up].parent) {
    if (tree->nodes[up].tag == TAG_p) continue;
    class = tree->nodes[up].tag == TAG_div && tree->nodes[up].attribute_count ? html_tree_value(tree, up, ATTRIBUTE_class) : NULL;
    return class && has_class(*class, "math");
  }
  return false;
}

static void append_formula(struct page_builder *p) {
  struct slice tex;
  if (!p->depth || p->pre || !page_formula(p->page->tree, p->node, &tex)) return;
  p->run.space = true;
  text_append(&p->run, tex.data, tex.len);
  p->run.space = true;
}

/* ---- building */

struct page_builder *page_builder_new(void) {
  struct page_builder *p = NEW(struct page_builder);
  p->keywords = keyword_cache_new();
  return p;
}

void page_builder_free(struct page_builder *p) {
  if (!p) return;
  keyword_cache_free(p->keywords);
  free(p->stack);
  free(p);
}

void page_release(struct page *page) {
  buffer_release(&page->text);
  buffer_release(&page->title);
  buffer_release(&page->description);
  free(page->elements);
  free(page->blocks);
  free(page->gaps);
  memset(page, 0, sizeof *page);
}

/* What a page of usual size needs is kept for the next. */
static void page_clear(struct page *page) {
  if (page->text.capacity > TEXT_KEPT || page->element_capacity > ELEMENTS_KEPT || page->block_capacity > ELEMENTS_KEPT) page_release(page);
  struct page kept = *page;
  memset(page, 0, sizeof *page);
  page->text = kept.text;
  page->title = kept.title;
  page->description = kept.description;
  page->text.len = page->title.len = page->description.len = 0;
  page->elements = kept.elements;
  page->blocks = kept.blocks;
  page->element_capacity = kept.element_capacity;
  page->block_capacity = kept.block_capacity;
  page->gaps = kept.gaps;
  page->gap_capacity = kept.gap_capacity;
}

void page_build(struct page_builder *p, const struct html_tree *tree, struct page *page, double deadline) {
  page_clear(page);
  page->tree = tree;
  page->timed_out = tree->timed_out;
  p->page = page;
  p->run = (struct text_run){.out = &page->text};
  p->depth = p->link = p->pre = 0;
  p->bold = p->first_in_pre = false;
  p->last_text = (struct slice){"", 0};
  p->seam = SEAM_NONE;
  p->link_start = p->block_node = p->breaks = p->links = p->link_words = p->row = p->rows = p->opened = 0;
  const struct html_node *nodes = tree->nodes;
  for (p->node = 0; p->node < tree->node_count && !page->timed_out; p->node++) {
    const struct html_node *node = &nodes[p->node];
    if ((p->node & 255) == 255 && deadline > 0 && progress_clock() > deadline) page->timed_out = true;
    while (p->depth && top(p)->end <= p->node) pop(p);
    if (node->tag == TAG_text) {
      if (!p->depth) continue;
      if (p->pre) p->first_in_pre = text_append_pre(&page->text, node->text.data, node->text.len, p->first_in_pre);
      else {
        if (p->seam && gap_before(p, node->text)) add_gap(p);
        text_append(&p->run, node->text.data, node->text.len);
        p->last_text = node->text;
        p->seam = 0;
      }
      continue;
    }
    switch (html_tag_class[node->tag]) {
      case HTML_VOID:
        p->seam = SEAM_NONE;
        if (node->tag == TAG_br) line_break(p);
        else if (node->tag == TAG_hr) flush(p);
        else if (node->tag == TAG_meta) read_meta(page, p->node);
        else if (node->tag == TAG_img) append_formula(p);
        break;
      case HTML_SKIP:
        if (node->tag == TAG_head) read_head(page, p->node);
        else if (node->tag == TAG_title) read_title(page, p->node);
        else if (node->tag == TAG_script) read_script(page, p->node), append_formula(p);
        p->node = node->end - 1;
        break;
      default: open_element(p, node); break;
    }
  }
  while (p->depth) pop(p);
}
