/* SPDX-License-Identifier: MIT
 *
 * libxml2's HTML parser drives the SAX handlers below; no tree of libxml2's is built.  It closes what HTML 4 lets pages
 * leave open, so events come nested.
 *
 * Against hostile pages: nothing is fetched and no entity is expanded but characters; html_prefilter() cuts what the
 * parser would take quadratic time for; when PARSER_DEPTH elements are open the parser is started anew behind that tag,
 * because it walks its stack for every stray end tag, and likewise when it has seen NAMES_MAX names; below ELEMENT_DEPTH
 * elements hang in the last one, as in browsers.
 */
#include "tools/warc2txt/html.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/html_prefilter.h"

enum {
  ELEMENT_DEPTH = 256,
  PARSER_DEPTH = 512,
  NAMES_MAX = 20000,      /* of tags and attributes in one run of the parser */
  ELEMENTS_MAX = 1 << 20, /* beyond these many, text goes to the element that is open ... */
  BLOCKS_MAX = 1 << 20,   /* ... and all that follows is one block of lines: memory stays near the page's size */
  CLASS_CACHE = 1 << 15,
  CLASS_MAX = 1024,       /* bytes of a class or id that are looked at */
};

enum tag_class { BLOCK, INLINE, SKIP, VOID };

static const unsigned char tag_class[TAG_COUNT] = {
  BLOCK,
#define X(name, class) class,
  HTML_TAGS(X)
#undef X
};
static const char *const tag_name[TAG_COUNT] = {
  "",
#define X(name, class) #name,
  HTML_TAGS(X)
#undef X
};

struct open {
  uint32_t element;       /* where text below it goes: its own, or its parent's when it is too deep or transparent */
  uint32_t block_element; /* the nearest block-level one */
  uint16_t tag;
};

struct html_parser {
  struct page *page;
  struct open *stack;
  size_t depth, stack_capacity;
  size_t skip;            /* depth at which skipping began + 1; 0: not skipping */
  size_t link;            /* depth of the outermost open <a> + 1; 0: none */
  size_t pre;             /* the same for pre */
  bool in_title, in_json;
  uint32_t link_start;    /* page.text where the link's text in this block starts */
  uint32_t block_start, breaks, links, link_words, row, rows;
  bool space, bold, first_in_pre;
  double deadline;
  unsigned events;
  htmlParserCtxtPtr context;
  bool restart;            /* the parser was stopped at PARSER_DEPTH ... */
  size_t resume;           /* ... at this byte of its input */
  struct hashmap *classes; /* class text -> keyword bits */
};

/* ---- tags */

static unsigned tag_hash(const char *name, size_t n) {
  unsigned h = (unsigned)n * 37;
  for (size_t i = 0; i < n; i++) h = h * 33 + (unsigned char)name[i];
  return (h ^ h >> 10) & 1023;
}

static uint8_t tag_slots[1024];

static void fill_tag_slots(void) {
  for (unsigned t = 1; t < TAG_COUNT; t++) {
    unsigned h = tag_hash(tag_name[t], strlen(tag_name[t]));
    while (tag_slots[h]) h = (h + 1) & 1023;
    tag_slots[h] = (uint8_t)t;
  }
}

static enum html_tag find_tag(const char *name) {
  size_t n = strlen(name);
  if (n > 10) return TAG_unknown;
  for (unsigned h = tag_hash(name, n); tag_slots[h]; h = (h + 1) & 1023)
    if (strcmp(tag_name[tag_slots[h]], name) == 0) return tag_slots[h];
  return TAG_unknown;
}

enum html_tag html_tag_of(const char *name) {
  for (unsigned t = 1; t < TAG_COUNT; t++)
    if (strcmp(tag_name[t], name) == 0) return t;
  return TAG_unknown;
}

/* ---- words */

/* Is the character at s (above ASCII, n bytes of valid UTF-8) part of words?  2: a word of its own in pairs. */
static int word_class(const unsigned char *s, size_t *length) {
  unsigned c = s[0];
  *length = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  if (c == 0xC2) return s[1] == 0xAA || s[1] == 0xB5 || s[1] == 0xBA;
  if (c == 0xC3) return s[1] != 0x97 && s[1] != 0xB7;
  if (c == 0xE2) return s[1] >= 0xB0 && s[1] <= 0xBA; /* 2000-2BFF are signs */
  if (c == 0xE3) return s[1] == 0x80 ? (s[2] >= 0x85 && s[2] <= 0x87 ? 2 : 0) : 2;
  if (c == 0xE0 && (s[1] == 0xB8 || s[1] == 0xB9)) return 2; /* Thai */
  if (c >= 0xE4 && c <= 0xE9) return 2;
  if (c == 0xEF) return s[1] == 0xBC || s[1] == 0xBD ? 0 : s[1] >= 0xA4 && s[1] < 0xB8;
  if (c == 0xF0) return s[1] == 0x9F ? 0 : s[1] >= 0xA0 ? 2 : 1;
  return 1;
}

uint32_t html_words(const char *text, size_t n) {
  static const unsigned char word_byte[128] = {
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['_'] = 1,
    ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1,
    ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1,
    ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1,
    ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1,
    ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
  };
  const unsigned char *s = (const unsigned char *)text, *end = s + n;
  uint32_t words = 0, pairs = 0;
  unsigned in_word = 0;
  while (s < end) {
    if (*s < 0x80) {
      unsigned is = word_byte[*s++];
      words += is & ~in_word;
      in_word = is;
      continue;
    }
    size_t length;
    int class = word_class(s, &length);
    if (class == 2) {
      pairs++;
      in_word = 0;
    } else {
      words += (unsigned)class & ~in_word;
      in_word = (unsigned)class;
    }
    s += length;
  }
  return words + (pairs + 1) / 2;
}

/* ---- key words of class and id */

static const struct {
  const char *word;
  unsigned char bits;
} keywords[] = {
#define N KEYWORD_NEGATIVE
#define P KEYWORD_POSITIVE
#define C KEYWORD_COMMENT
  {"nav", N}, {"menu", N}, {"foot", N}, {"sidebar", N}, {"side-bar", N}, {"aside", N}, {"breadcrumb", N}, {"share", N}, {"social", N},
  {"cookie", N}, {"consent", N}, {"gdpr", N}, {"banner", N}, {"promo", N}, {"advert", N}, {"sponsor", N}, {"related", N},
  {"recommend", N}, {"more-", N}, {"newsletter", N}, {"subscri", N}, {"signup", N}, {"sign-up", N}, {"login", N}, {"popup", N},
  {"modal", N}, {"overlay", N}, {"widget", N}, {"toolbar", N}, {"pagin", N}, {"pager", N}, {"byline", N}, {"author", N}, {"meta", N},
  {"credit", N}, {"caption", N}, {"copyright", N}, {"legal", N}, {"disclaimer", N}, {"search", N}, {"filter", N}, {"facet", N},
  {"sort", N}, {"cart", N}, {"checkout", N}, {"rating", N}, {"vote", N}, {"button", N}, {"btn", N}, {"cta", N}, {"skip", N},
  {"hidden", N}, {"sr-only", N}, {"visually", N}, {"dropdown", N}, {"header", N}, {"masthead", N}, {"topbar", N}, {"drawer", N},
  {"announcement", N}, {"teaser", N}, {"trending", N}, {"popular", N},
  {"article", P}, {"content", P}, {"main", P}, {"body", P}, {"post", P}, {"entry", P}, {"text", P}, {"story", P}, {"description", P},
  {"detail", P}, {"product", P}, {"topic", P}, {"thread", P}, {"message", P}, {"comment", P | C}, {"answer", P}, {"question", P},
  {"reply", P}, {"markdown", P}, {"prose", P}, {"wiki", P}, {"doc", P}, {"blog", P}, {"page", P}, {"section", P}, {"spec", P},
  {"summary", P}, {"feature", P}, {"discuss", C}, {"disqus", C}, {"respond", C}, {"replies", C},
#undef N
#undef P
#undef C
};

enum { KEYWORD_COUNT = sizeof keywords / sizeof *keywords };
static unsigned char keyword_first[256][24]; /* index + 1 of the key words that start with a letter, 0 ends */
static unsigned char keyword_length[KEYWORD_COUNT];

static void fill_keywords(void) {
  for (unsigned i = 0; i < KEYWORD_COUNT; i++) {
    unsigned char *list = keyword_first[(unsigned char)keywords[i].word[0]];
    while (*list) list++;
    *list = (unsigned char)(i + 1);
    keyword_length[i] = (unsigned char)strlen(keywords[i].word);
  }
}

static bool letter(char c) { return c >= 'a' && c <= 'z'; }

/* "ad", "ads", "tag", "tags" count as whole words only. */
static bool whole_word(const char *s, size_t n, size_t at, const char *word) {
  size_t k = strlen(word);
  if (at + k > n || memcmp(s + at, word, k) != 0) return false;
  size_t end = at + k;
  if (end < n && s[end] == 's') end++;
  return (end == n || !(letter(s[end]) || s[end] == '_')) && (at == 0 || !(letter(s[at - 1]) || s[at - 1] == '_'));
}

static uint32_t find_keywords(const char *s, size_t n) {
  uint32_t bits = 0;
  for (size_t i = 0; i < n; i++) {
    for (const unsigned char *k = keyword_first[(unsigned char)s[i]]; *k; k++) {
      const char *word = keywords[*k - 1].word;
      size_t len = keyword_length[*k - 1];
      if (i + len <= n && s[i + 1] == word[1] && memcmp(s + i, word, len) == 0) bits |= keywords[*k - 1].bits;
    }
    if (s[i] == 'a' && whole_word(s, n, i, "ad")) bits |= KEYWORD_NEGATIVE;
    if (s[i] == 't' && whole_word(s, n, i, "tag")) bits |= KEYWORD_NEGATIVE;
  }
  return bits;
}

static uint32_t fnv(const char *s, size_t n, uint32_t h) {
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 16777619u;
  return h;
}

static uint32_t class_keywords(struct html_parser *p, const char *class, const char *id) {
  char text[2 * CLASS_MAX + 1];
  size_t n = 0;
  for (int k = 0; k < 2; k++) {
    const char *s = k ? id : class;
    if (!s) continue;
    for (size_t i = 0; s[i] && i < CLASS_MAX; i++) text[n++] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
    if (k == 0) text[n++] = ' ';
  }
  if (n == 0) return 0;
  if (hashmap_count(p->classes) >= CLASS_CACHE) hashmap_clear(p->classes);
  bool added;
  uint64_t *value = hashmap_put(p->classes, (struct slice){text, n}, &added);
  if (added) *value = find_keywords(text, n);
  return (uint32_t)*value;
}

/* ---- blocks */

static struct open *top(struct html_parser *p) { return &p->stack[p->depth - 1]; }

/* Ends the block that is being written. */
static void flush(struct html_parser *p) {
  struct page *page = p->page;
  if (page->block_count == BLOCKS_MAX - 1 && p->depth > 1) {
    if (page->text.len > p->block_start && page->text.data[page->text.len - 1] != '\n') buffer_put(&page->text, '\n');
    p->space = false;
    return;
  }
  uint32_t end = (uint32_t)page->text.len, start = p->block_start;
  const char *text = page->text.data;
  bool pre = p->pre != 0;
  if (p->link && p->link_start < end) {
    p->link_words += html_words(text + p->link_start, end - p->link_start);
  }
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
    uint32_t element = top(p)->block_element;
    GROW(page->blocks, page->block_capacity, page->block_count + 1);
    uint32_t words = html_words(text + start, end - start);
    page->blocks[page->block_count++] = (struct block){
      .element = element, .text = start, .len = end - start, .words = words,
      .link_words = p->link_words < words ? p->link_words : words, .links = p->links, .pre = pre, .bold = p->bold,
      .row = page->elements[element].tag == TAG_td || page->elements[element].tag == TAG_th ? p->row : 0,
    };
    page->text.len = end;
  } else {
    page->text.len = p->block_start;
  }
  p->block_start = p->link_start = (uint32_t)page->text.len;
  p->links = p->link ? 1 : 0;
  p->link_words = p->breaks = 0;
  p->space = p->bold = false;
}

static void line_break(struct html_parser *p) {
  struct buffer *text = &p->page->text;
  if (p->pre) {
    buffer_put(text, '\n');
    return;
  }
  if (++p->breaks >= 2) {
    flush(p);
    return;
  }
  if (text->len > p->block_start) buffer_put(text, '\n');
  p->space = false;
}

/* The windows-1252 meaning of a C1 control that a numeric reference or a mislabelled page gave; 0: drop. */
static uint32_t from_c1(unsigned char c) {
  static const uint16_t map[32] = {0x20AC, 0, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17D, 0,
                                   0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0, 0x17E, 0x178};
  return map[c - 0x80];
}

static void append_pre(struct html_parser *p, const char *s, size_t n) {
  struct buffer *text = &p->page->text;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (p->first_in_pre) { /* a newline right behind <pre> is not content */
      if (c == '\r') continue;
      p->first_in_pre = false;
      if (c == '\n') continue;
    }
    if (c == '\r') {
      if (i + 1 < n && s[i + 1] == '\n') continue;
      c = '\n';
    }
    if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7F) continue;
    if (c == 0xC2 && i + 1 < n && (unsigned char)s[i + 1] < 0xA0) {
      uint32_t real = from_c1((unsigned char)s[++i]);
      if (real) utf8_append(text, real);
      continue;
    }
    buffer_put(text, (char)c);
  }
}

static void append_text(struct html_parser *p, const char *s, size_t n) {
  static const unsigned char plain[256] = { /* bytes that stand for themselves: all but white space, controls, C2, E2, E3, EF */
    [0x21 ... 0x7E] = 1, [0x80 ... 0xC1] = 1, [0xC3 ... 0xE1] = 1, [0xE4 ... 0xEE] = 1, [0xF0 ... 0xFF] = 1,
  };
  struct buffer *text = &p->page->text;
  buffer_reserve(text, n + 8);
  for (size_t i = 0; i < n;) {
    unsigned char c = (unsigned char)s[i];
    size_t take = 0;
    if (plain[c]) {
      take = 1;
      while (i + take < n && plain[(unsigned char)s[i + take]]) take++;
    } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') {
      p->space = true;
      i++;
      continue;
    } else if (c < 0x20 || c == 0x7F) {
      i++;
      continue;
    } else if (c == 0xC2 && i + 1 < n) {
      unsigned char d = (unsigned char)s[i + 1];
      i += 2;
      if (d == 0xA0) {
        p->space = true;
        continue;
      }
      if (d == 0xAD) continue; /* soft hyphen */
      if (d >= 0xA0) {
        i -= 2;
        take = 2;
      } else {
        uint32_t real = from_c1(d);
        if (!real) continue;
        if (p->space && text->len > p->block_start && text->data[text->len - 1] != '\n') buffer_put(text, ' ');
        p->space = false;
        p->breaks = 0;
        utf8_append(text, real);
        buffer_reserve(text, n - i + 8);
        continue;
      }
    } else if (c == 0xE2 && i + 2 < n && (unsigned char)s[i + 1] == 0x80) {
      unsigned char d = (unsigned char)s[i + 2];
      if ((d >= 0x80 && d <= 0x8A) || d == 0xA8 || d == 0xA9 || d == 0xAF) {
        p->space = true;
        i += 3;
        continue;
      }
      if (d == 0x8B || d == 0x8E || d == 0x8F) { /* zero width space, direction marks */
        i += 3;
        continue;
      }
      take = 3;
    } else if (c == 0xE3 && i + 2 < n && (unsigned char)s[i + 1] == 0x80 && (unsigned char)s[i + 2] == 0x80) {
      p->space = true;
      i += 3;
      continue;
    } else if (c == 0xEF && i + 2 < n && (unsigned char)s[i + 1] == 0xBB && (unsigned char)s[i + 2] == 0xBF) {
      i += 3;
      continue;
    } else {
      take = c == 0xC2 ? 1 : 3;
      if (take > n - i) take = n - i;
    }
    if (p->space) {
      if (text->len > p->block_start && text->data[text->len - 1] != '\n') buffer_put(text, ' ');
      p->space = false;
    }
    p->breaks = 0;
    buffer_append(text, s + i, take);
    i += take;
  }
}

/* ---- elements */

static bool equal_nocase(const char *a, const char *b) { return a && slice_equal_nocase(slice_of(a), slice_of(b)); }

static uint64_t role_flag(const char *role) {
  static const struct {
    const char *role;
    int flag;
  } roles[] = {{"navigation", FLAG_role_navigation}, {"menu", FLAG_role_navigation}, {"main", FLAG_role_main}, {"complementary", FLAG_role_complementary},
               {"banner", FLAG_role_banner}, {"contentinfo", FLAG_role_contentinfo}, {"dialog", FLAG_role_dialog}, {"alertdialog", FLAG_role_dialog},
               {"search", FLAG_form}, {"article", FLAG_article}};
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (equal_nocase(role, roles[i].role)) return (uint64_t)1 << roles[i].flag;
  return 0;
}

static uint64_t tag_flag(enum html_tag tag) {
  switch (tag) {
#define F(t) case TAG_##t: return (uint64_t)1 << FLAG_##t;
    F(nav) F(header) F(footer) F(aside) F(form) F(main) F(article) F(section) F(table) F(ul) F(ol) F(dl) F(li) F(figure) F(button)
    F(details) F(blockquote) F(pre) F(p) F(dialog) F(td) F(a) F(noscript)
#undef F
    case TAG_th: return (uint64_t)1 << FLAG_td;
    case TAG_menu: return (uint64_t)1 << FLAG_ul;
    case TAG_listing:
    case TAG_xmp: return (uint64_t)1 << FLAG_pre;
    case TAG_h1: case TAG_h2: case TAG_h3: case TAG_h4: case TAG_h5: case TAG_h6: return (uint64_t)1 << FLAG_heading;
    default: return 0;
  }
}

/* "display:none" or "visibility:hidden", white space and case apart. */
static bool hides(const char *style) {
  char text[512];
  size_t n = 0;
  for (; *style && n + 1 < sizeof text; style++)
    if (*style != ' ' && *style != '\t' && *style != '\n') text[n++] = *style >= 'A' && *style <= 'Z' ? (char)(*style + 32) : *style;
  text[n] = '\0';
  return strstr(text, "display:none") || strstr(text, "visibility:hidden");
}

static uint32_t add_element(struct html_parser *p, enum html_tag tag, const char **attributes, uint32_t parent) {
  struct page *page = p->page;
  const char *class = NULL, *id = NULL;
  uint64_t flags = 0;
  for (const char **a = attributes; a && a[0]; a += 2) {
    const char *name = a[0], *value = a[1] ? a[1] : "";
    switch (name[0]) {
      case 'c': if (strcmp(name, "class") == 0) class = value; break;
      case 'i':
        if (strcmp(name, "id") == 0) id = value;
        else if (strcmp(name, "itemprop") == 0 && *value)
          flags |= (uint64_t)1 << (equal_nocase(value, "articleBody") || equal_nocase(value, "text") || equal_nocase(value, "description") || equal_nocase(value, "reviewBody") ? FLAG_item_body : FLAG_item_property);
        break;
      case 'r': if (strcmp(name, "role") == 0) flags |= role_flag(value); break;
      case 'h': if (strcmp(name, "hidden") == 0 && !equal_nocase(value, "until-found")) flags |= (uint64_t)1 << FLAG_hidden | (uint64_t)1 << FLAG_invisible; break;
      case 'a': if (strcmp(name, "aria-hidden") == 0 && strcmp(value, "true") == 0) flags |= (uint64_t)1 << FLAG_hidden; break;
      case 's': if (strcmp(name, "style") == 0 && hides(value)) flags |= (uint64_t)1 << FLAG_hidden | (uint64_t)1 << FLAG_invisible; break;
      default: break;
    }
  }
  const char *name = tag_name[tag];
  uint32_t signature = fnv(name, strlen(name), 2166136261u);
  if (class) signature = fnv(class, strlen(class), signature);
  GROW(page->elements, page->element_capacity, page->element_count + 1);
  uint32_t index = (uint32_t)page->element_count++;
  struct element *up = index ? &page->elements[parent] : NULL;
  page->elements[index] = (struct element){
    .parent = parent, .tag = (uint16_t)tag, .depth = (uint16_t)(up ? up->depth + 1 : 0), .flags = flags | tag_flag(tag) | (up ? up->flags : 0),
    .keywords = class || id ? class_keywords(p, class, id) : 0, .signature = signature, .first_block = (uint32_t)page->block_count,
  };
  return index;
}

static void push(struct html_parser *p, enum html_tag tag, uint32_t element, uint32_t block_element) {
  GROW(p->stack, p->stack_capacity, p->depth + 1);
  p->stack[p->depth++] = (struct open){element, block_element, (uint16_t)tag};
}

static void read_meta(struct html_parser *p, const char **attributes) {
  const char *key = NULL, *content = NULL;
  for (const char **a = attributes; a && a[0]; a += 2) {
    if (!a[1]) continue;
    if (strcmp(a[0], "property") == 0 || (strcmp(a[0], "name") == 0 && !key)) key = a[1];
    else if (strcmp(a[0], "content") == 0) content = a[1];
  }
  if (!key || !content) return;
  struct slice value = slice_of(content);
  if (equal_nocase(key, "description") || equal_nocase(key, "og:description")) {
    if (value.len > p->page->description.len && value.len < 64 * 1024) {
      buffer_clear(&p->page->description);
      buffer_append_slice(&p->page->description, value);
    }
  } else if (equal_nocase(key, "og:type")) {
    p->page->og_article = slice_find_nocase(value, SLICE("article")) != NULL;
    p->page->og_product = slice_find_nocase(value, SLICE("product")) != NULL;
  } else if (equal_nocase(key, "og:title") && !p->page->title.len && value.len < 64 * 1024) {
    buffer_append_slice(&p->page->title, value);
  }
}

static void stop(struct html_parser *p) { xmlStopParser(p->context); }

static bool out_of_time(struct html_parser *p) {
  if ((++p->events & 255) == 0 && p->deadline > 0 && progress_clock() > p->deadline) {
    p->page->timed_out = true;
    stop(p);
  }
  return p->page->timed_out;
}

static void open_element(struct html_parser *p, enum html_tag tag, const char **attributes) {
  struct page *page = p->page;
  unsigned class = tag_class[tag];
  if (tag == TAG_meta) read_meta(p, attributes);
  uint32_t element = p->depth ? top(p)->element : 0, block_element = p->depth ? top(p)->block_element : 0;
  if (p->skip) {
    /* an <svg> or <select> that is never closed ends where a browser would end it */
    enum html_tag skipped = p->stack[p->skip - 1].tag;
    bool out = (skipped == TAG_svg || skipped == TAG_select || skipped == TAG_option || skipped == TAG_optgroup) && (tag == TAG_div || tag == TAG_p || tag == TAG_table || (tag >= TAG_h1 && tag <= TAG_h6) || tag == TAG_section);
    if (!out) {
      if (tag == TAG_title && skipped == TAG_head && !page->title.len) p->in_title = true;
      if (tag == TAG_script && skipped == TAG_head) {
        for (const char **a = attributes; a && a[0]; a += 2)
          if (strcmp(a[0], "type") == 0 && equal_nocase(a[1], "application/ld+json")) p->in_json = true;
      }
      push(p, tag, element, block_element);
      return;
    }
    p->skip = 0;
  }
  if (tag == TAG_br) {
    line_break(p);
  } else if (tag == TAG_hr) {
    flush(p);
  }
  if (class == VOID) {
    push(p, tag, element, block_element);
    return;
  }
  if (class == SKIP) {
    if (tag == TAG_title && !page->title.len) p->in_title = true;
    if (tag == TAG_script) {
      for (const char **a = attributes; a && a[0]; a += 2)
        if (strcmp(a[0], "type") == 0 && equal_nocase(a[1], "application/ld+json")) p->in_json = true;
    }
    push(p, tag, element, block_element);
    p->skip = p->depth;
    return;
  }
  bool root = tag == TAG_html || tag == TAG_body;
  if (root && page->element_count > (tag == TAG_body)) { /* a second one, which a parser started anew implies: transparent */
    push(p, tag, element, block_element);
    return;
  }
  if (class == BLOCK && p->depth) flush(p);
  if (!p->depth || (page->elements[element].depth < ELEMENT_DEPTH && page->element_count < ELEMENTS_MAX)) {
    element = add_element(p, tag, attributes, element);
    if (class == BLOCK) block_element = element;
  }
  switch (tag) {
    case TAG_article: page->articles++; break;
    case TAG_main: page->mains++; break;
    case TAG_pre: page->pres++; break;
    case TAG_table: page->tables++; break;
    case TAG_li: page->items++; break;
    case TAG_tr: p->row = ++p->rows; break;
    case TAG_b:
    case TAG_strong: p->bold = true; break;
    default: break;
  }
  push(p, tag, element, block_element);
  if (tag == TAG_a) {
    p->links++;
    if (!p->link) {
      p->link = p->depth;
      p->link_start = (uint32_t)page->text.len;
    }
  }
  if ((tag == TAG_pre || tag == TAG_listing || tag == TAG_xmp) && !p->pre) {
    p->pre = p->depth;
    p->first_in_pre = true;
  }
}

static void start_element(void *context, const xmlChar *xml_name, const xmlChar **attributes) {
  struct html_parser *p = context;
  if (p->restart || out_of_time(p)) return;
  enum html_tag tag = find_tag((const char *)xml_name);
  open_element(p, tag, (const char **)attributes);
  bool raw = tag == TAG_script || tag == TAG_style || tag_class[tag] == VOID; /* the next parser would take it for markup */
  bool crowded = xmlDictSize(p->context->dict) > NAMES_MAX; /* its hash table stops growing */
  if ((p->context->nameNr > PARSER_DEPTH || crowded) && !raw) {
    const xmlParserInput *input = p->context->input; /* cur is before the ">" or "/>" of this tag */
    p->resume = input->consumed + (size_t)(input->cur - input->base);
    p->restart = true;
    flush(p);
    p->link = p->pre = 0; /* the next parser will not see where they end */
    stop(p);
  }
}

static void pop(struct html_parser *p) {
  struct open *o = top(p);
  enum html_tag tag = o->tag;
  struct page *page = p->page;
  if (p->skip) {
    if (tag == TAG_title) p->in_title = false;
    if (tag == TAG_script) p->in_json = false;
    if (p->skip == p->depth) p->skip = 0;
    p->depth--;
    return;
  }
  if (tag_class[tag] == BLOCK) {
    flush(p);
    if (tag == TAG_tr || tag == TAG_table) p->row = 0;
  }
  if (p->link == p->depth) {
    uint32_t now = (uint32_t)page->text.len;
    if (p->link_start < now) p->link_words += html_words(page->text.data + p->link_start, now - p->link_start);
    p->link = 0;
  }
  if (p->pre == p->depth) p->pre = 0;
  if (page->element_count && (p->depth < 2 || p->stack[p->depth - 2].element != o->element)) page->elements[o->element].end_block = (uint32_t)page->block_count;
  p->depth--;
}

static void end_element(void *context, const xmlChar *xml_name) {
  struct html_parser *p = context;
  if (p->restart || out_of_time(p)) return; /* what is open stays open for the parser to come */
  enum html_tag tag = find_tag((const char *)xml_name);
  /* events are nested, so that this is the top; after a restart elements may be open that the parser does not know */
  if (p->depth && top(p)->tag == tag) pop(p);
}

static void characters(void *context, const xmlChar *s, int n) {
  struct html_parser *p = context;
  if (n <= 0 || out_of_time(p) || p->restart) return;
  if (p->skip) {
    if (p->in_title && p->page->title.len < 4096) buffer_append(&p->page->title, s, (size_t)n);
    return;
  }
  if (!p->depth) return;
  if (p->pre) append_pre(p, (const char *)s, (size_t)n);
  else append_text(p, (const char *)s, (size_t)n);
}

/* Content of script and style. */
static void cdata(void *context, const xmlChar *s, int n) {
  struct html_parser *p = context;
  if (n <= 0 || out_of_time(p) || p->restart || !p->in_json) return;
  struct slice text = {(const char *)s, (size_t)n};
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
      if (slice_starts(value, slice_of(types[i].type))) *((bool *)((char *)p->page + types[i].flag)) = true;
  }
}

/* ---- parsing */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void prepare(void) {
  xmlInitParser();
  fill_tag_slots();
  fill_keywords();
}

struct html_parser *html_parser_new(void) {
  pthread_once(&once, prepare);
  struct html_parser *p = NEW(struct html_parser);
  p->classes = hashmap_new();
  return p;
}

void html_parser_free(struct html_parser *p) {
  if (!p) return;
  hashmap_free(p->classes);
  free(p->stack);
  free(p);
}

static void page_clear(struct page *page) {
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
}

void page_release(struct page *page) {
  buffer_release(&page->text);
  buffer_release(&page->title);
  buffer_release(&page->description);
  free(page->elements);
  free(page->blocks);
  memset(page, 0, sizeof *page);
}

/* One run of libxml2's parser from s; returns how many bytes it took, fewer than n when it was stopped at
 * PARSER_DEPTH. */
static size_t run(struct html_parser *p, const char *s, size_t n) {
  int part = n > INT32_MAX ? INT32_MAX : (int)n;
  htmlParserCtxtPtr context = htmlNewParserCtxt();
  if (!context) memory_alloc(SIZE_MAX, __FILE__, __LINE__); /* aborts */
  p->context = context;
  p->restart = false;
  htmlSAXHandler handler = {.startElement = start_element, .endElement = end_element, .characters = characters, .ignorableWhitespace = characters, .cdataBlock = cdata};
  *context->sax = handler;
  context->userData = p;
  htmlCtxtUseOptions(context, HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | HTML_PARSE_RECOVER | HTML_PARSE_NODEFDTD);
  /* an input without a buffer of libxml2's own: it reads s where it lies, so starting anew costs nothing */
  xmlParserInputPtr input = xmlNewInputStream(context);
  if (!input) memory_alloc(SIZE_MAX, __FILE__, __LINE__);
  input->base = input->cur = (const xmlChar *)s;
  input->end = input->base + part;
  input->length = part;
  if (inputPush(context, input) < 0) memory_alloc(SIZE_MAX, __FILE__, __LINE__);
  context->charset = XML_CHAR_ENCODING_UTF8;
  htmlParseDocument(context);
  size_t taken = (size_t)part;
  if (p->restart) {
    taken = p->resume < taken ? p->resume : taken;
    while (taken < n && (s[taken] == ' ' || s[taken] == '\t' || s[taken] == '\n' || s[taken] == '\r' || s[taken] == '/')) taken++;
    if (taken < n && s[taken] == '>') taken++;
  }
  htmlFreeParserCtxt(context);
  p->context = NULL;
  return taken;
}

void html_parse(struct html_parser *p, struct buffer *html, struct page *page, double deadline) {
  page_clear(page);
  p->page = page;
  p->depth = p->skip = p->link = p->pre = 0;
  p->in_title = p->in_json = p->space = p->bold = p->first_in_pre = false;
  p->link_start = p->block_start = p->breaks = p->links = p->link_words = p->row = p->rows = 0;
  p->deadline = deadline;
  p->events = 0;
  html->len = html->len ? html_prefilter(html->data, html->len) : 0;
  buffer_string(html);
  for (size_t at = 0; at < html->len && !page->timed_out;) at += run(p, html->data + at, html->len - at);
  while (p->depth) pop(p);
}
