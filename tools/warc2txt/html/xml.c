/* SPDX-License-Identifier: MIT
 *
 * SAX2 events become nodes, entries or lines; no tree of libxml2's is built.  Names of HTML's entities are replaced in the
 * text before it is parsed: without a document type XML does not know them, and libxml2 would keep but one byte of each in
 * attributes.
 */
#include "tools/warc2txt/html/xml.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/base/utf8.h"

enum {
  ATTRIBUTES_MAX = 256, /* of one tag; libxml2 compares each pair */
  NAMESPACES_MAX = 1000, /* in scope; it searches all */
  NAME_MAX_BYTES = 10,  /* of an entity's name: "thetasym" and a little */
};

struct run {
  xmlParserCtxtPtr context;
  double deadline;
  unsigned events;
  bool timed_out, stopped;
  size_t depth;         /* elements open */

  struct html_tree *tree; /* xml_parse() */
  uint32_t *stack;      /* nodes of the open elements */
  size_t capacity;
  bool wrong, body;
  struct buffer value;

  struct feed *feed;    /* feed_parse() */
  bool is_feed;
  size_t entry_depth;   /* 0: in none */
  struct feed_entry entry;
  int rank;             /* of the content that the entry has */
  size_t capture_depth; /* 0: none; else that of the element whose content is taken */
  int capture_rank;     /* TITLE or that of a content */
  size_t capture_at;
  bool escape;          /* the text is text, not HTML */

  struct buffer *locations; /* sitemap_parse() */
  const xmlChar *root_namespace;
  bool root;
};

enum { RANK_TITLE = 0, RANK_SUMMARY = 1, RANK_BODY = 2, RANK_CONTENT = 3 };

/* ---- what all share */

static void stop(struct run *r) {
  r->stopped = true;
  xmlStopParser(r->context);
}

static bool out_of_time(struct run *r) {
  if ((++r->events & 255) == 0 && r->deadline > 0 && progress_clock() > r->deadline) {
    r->timed_out = true;
    stop(r);
  }
  return r->stopped;
}

/* In place: a character is shorter than its name. */
static void replace_names(struct buffer *xml) {
  if (!xml->len || !memchr(xml->data, '&', xml->len)) return;
  char *out = xml->data;
  const char *in = xml->data, *end = xml->data + xml->len;
  while (in < end) {
    const char *amp = memchr(in, '&', (size_t)(end - in));
    size_t n = (size_t)((amp ? amp : end) - in);
    memmove(out, in, n);
    out += n;
    in += n;
    if (!amp) break;
    char name[NAME_MAX_BYTES + 1];
    size_t len = 0;
    for (const char *p = in + 1; p < end && len < NAME_MAX_BYTES && ((*p | 32) >= 'a' ? (*p | 32) <= 'z' : *p >= '0' && *p <= '9'); p++) name[len++] = *p;
    name[len] = '\0';
    const htmlEntityDesc *entity = len > 1 && in + 1 + len < end && in[1 + len] == ';' ? htmlEntityLookup((const xmlChar *)name) : NULL;
    if (entity && entity->value > 127) {
      out += utf8_encode(entity->value, out);
      in += len + 2;
    } else {
      *out++ = *in++;
    }
  }
  xml->len = (size_t)(out - xml->data);
}

/* Whether libxml2 may see it: no tag has very many attributes, none are declared for all tags of a name. */
static bool few_attributes(struct slice s) {
  const char *p = s.data, *end = s.data + s.len;
  if (s.len == 0 || slice_find(s, SLICE("<!ATTLIST"))) return false;
  while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
    static const struct {
      struct slice start, end;
    } skipped[] = {{{"<!--", 4}, {"-->", 3}}, {{"<![CDATA[", 9}, {"]]>", 3}}, {{"<?", 2}, {"?>", 2}}};
    struct slice rest = {p, (size_t)(end - p)};
    const char *behind = NULL;
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped && !behind; i++) {
      if (!slice_starts(rest, skipped[i].start)) continue;
      behind = slice_find(rest, skipped[i].end);
      if (!behind) return true; /* not well formed: the parser stops there, as below */
    }
    if (behind) {
      p = behind + 2;
      continue;
    }
    int count = 0;
    for (p++; p < end && *p != '>' && *p != '<'; p++) {
      if (*p != '"' && *p != '\'') continue;
      if (++count > ATTRIBUTES_MAX) return false;
      p = memchr(p + 1, *p, (size_t)(end - p) - 1);
      if (!p) return true;
    }
  }
  return true;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* true: well formed. */
static bool run(struct run *r, struct buffer *xml, const xmlSAXHandler *handler, int options) {
  pthread_once(&once, xmlInitParser);
  replace_names(xml);
  buffer_string(xml);
  if (xml->len > INT32_MAX / 2 || !few_attributes(buffer_slice(xml))) return false;
  xmlParserCtxtPtr context = xmlNewParserCtxt();
  if (!context) memory_alloc(SIZE_MAX, __FILE__, __LINE__); /* aborts */
  r->context = context;
  *context->sax = *handler;
  context->sax->initialized = XML_SAX2_MAGIC;
  context->userData = r;
  xmlCtxtUseOptions(context, options | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
  xmlParserInputPtr input = xmlNewInputStream(context); /* reads the text where it lies */
  if (!input) memory_alloc(SIZE_MAX, __FILE__, __LINE__);
  input->base = input->cur = (const xmlChar *)xml->data;
  input->end = input->base + xml->len;
  input->length = (int)xml->len;
  if (inputPush(context, input) < 0) memory_alloc(SIZE_MAX, __FILE__, __LINE__);
  xmlParseDocument(context);
  bool well_formed = context->wellFormed && !r->stopped;
  if (context->myDoc) xmlFreeDoc(context->myDoc);
  context->myDoc = NULL;
  xmlFreeParserCtxt(context);
  return well_formed;
}

static bool same(const xmlChar *s, const char *t) { return s && strcmp((const char *)s, t) == 0; }

static bool crowded(struct run *r) {
  if (r->context->nsNr <= 2 * NAMESPACES_MAX) return false;
  stop(r);
  return true;
}

/* The value of attribute i, with the references that the parser leaves in it ("&#38;") undone. */
static struct slice value_of(struct run *r, const xmlChar **attributes, int i) {
  struct slice raw = {(const char *)attributes[5 * i + 3], (size_t)(attributes[5 * i + 4] - attributes[5 * i + 3])};
  if (!raw.len || !memchr(raw.data, '&', raw.len)) return raw;
  buffer_clear(&r->value);
  while (raw.len) {
    const char *amp = slice_find(raw, SLICE("&#38;"));
    size_t n = amp ? (size_t)(amp - raw.data) + 1 : raw.len;
    buffer_append(&r->value, raw.data, n);
    n += amp ? 4 : 0;
    raw = (struct slice){raw.data + n, raw.len - n};
  }
  return buffer_slice(&r->value);
}

static struct slice attribute_named(struct run *r, const xmlChar **attributes, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (!attributes[5 * i + 2] && same(attributes[5 * i], name)) return value_of(r, attributes, i);
  return (struct slice){"", 0};
}

/* ---- XHTML */

static enum html_tag tag_of(const xmlChar *name, const xmlChar *uri) {
  static const char *const spaces[] = {"http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg",
                                       "http://www.wapforum.org/xhtml"};
  bool known = !uri;
  for (size_t i = 0; i < sizeof spaces / sizeof *spaces && !known; i++) known = same(uri, spaces[i]);
  return known ? html_tag_find((const char *)name, strlen((const char *)name)) : TAG_unknown;
}

static void page_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces, const xmlChar **spaces, int count,
                       int defaulted, const xmlChar **attributes) {
  struct run *r = context;
  (void)prefix, (void)namespaces, (void)spaces, (void)defaulted;
  if (out_of_time(r) || crowded(r)) return;
  enum html_tag tag = tag_of(name, uri);
  if ((r->depth == 0 && tag != TAG_html) ||
      (r->depth == 1 && tag != TAG_head && tag != TAG_body && tag != TAG_frameset) || html_tree_full(r->tree)) {
    r->wrong = true;
    stop(r);
    return;
  }
  r->body |= tag == TAG_body;
  uint32_t node = html_tree_open(r->tree, r->depth ? r->stack[r->depth - 1] : 0, tag);
  for (int i = 0; i < count; i++) {
    if (attributes[5 * i + 2] && !(same(attributes[5 * i + 1], "xml") && same(attributes[5 * i], "lang"))) continue;
    enum html_attribute_name attribute = html_attribute_find((const char *)attributes[5 * i], strlen((const char *)attributes[5 * i]));
    if (attribute) html_tree_attribute(r->tree, attribute, value_of(r, attributes, i));
  }
  GROW(r->stack, r->capacity, r->depth + 1);
  r->stack[r->depth++] = node;
}

static void page_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
  struct run *r = context;
  (void)name, (void)prefix, (void)uri;
  if (!r->stopped && r->depth) html_tree_close(r->tree, r->stack[--r->depth]);
}

static void page_text(void *context, const xmlChar *s, int n) {
  struct run *r = context;
  if (n <= 0 || out_of_time(r) || !r->depth || html_tree_full(r->tree)) return;
  html_tree_text(r->tree, r->stack[r->depth - 1], (struct slice){(const char *)s, (size_t)n});
}

bool xml_parse(struct buffer *xml, struct html_tree *tree, double deadline) {
  static const xmlSAXHandler handler = {.startElementNs = page_start, .endElementNs = page_end, .characters = page_text,
                                        .ignorableWhitespace = page_text, .cdataBlock = page_text};
  struct run r = {.tree = tree, .deadline = deadline};
  html_tree_clear(tree);
  bool good = run(&r, xml, &handler, 0);
  while (r.depth) html_tree_close(tree, r.stack[--r.depth]);
  free(r.stack);
  buffer_release(&r.value);
  tree->timed_out |= r.timed_out;
  return r.timed_out || (good && r.body && !r.wrong);
}

/* ---- feeds */

static void append_escaped(struct buffer *out, const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '<') buffer_append_string(out, "&lt;");
    else if (s[i] == '&') buffer_append_string(out, "&amp;");
    else buffer_put(out, s[i]);
  }
}

static void append_tag(struct buffer *out, const xmlChar *name, bool end) {
  enum html_tag tag = html_tag_find((const char *)name, strlen((const char *)name));
  if (tag == TAG_unknown || (end && html_tag_class[tag] == HTML_VOID)) return;
  buffer_append_string(out, end ? "</" : "<");
  buffer_append_string(out, (const char *)name);
  buffer_put(out, '>');
}

static bool is_atom(const xmlChar *uri) { return same(uri, "http://www.w3.org/2005/Atom") || same(uri, "http://purl.org/atom/ns#"); }

/* The rank of what an element of an entry holds, -1: nothing for us. */
static int rank_of(const xmlChar *name, const xmlChar *uri) {
  if (same(uri, "http://purl.org/rss/1.0/modules/content/")) return same(name, "encoded") ? RANK_CONTENT : -1;
  if (same(uri, "http://www.w3.org/1999/xhtml")) return same(name, "body") || same(name, "div") ? RANK_BODY : -1;
  bool rss = !uri || same(uri, "http://purl.org/rss/1.0/") || same(uri, "http://my.netscape.com/rdf/simple/0.9/") ||
             strncmp((const char *)uri, "http://backend.userland.com/", 28) == 0;
  if (!rss && !is_atom(uri)) return -1;
  if (same(name, "title")) return RANK_TITLE;
  if (same(name, "content")) return RANK_CONTENT;
  return same(name, "description") || same(name, "summary") ? RANK_SUMMARY : -1;
}

static void feed_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces, const xmlChar **spaces, int count,
                       int defaulted, const xmlChar **attributes) {
  struct run *r = context;
  (void)prefix, (void)namespaces, (void)spaces, (void)defaulted;
  if (out_of_time(r) || crowded(r)) return;
  size_t depth = ++r->depth;
  if (depth == 1) {
    r->is_feed = same(name, "rss") || same(name, "RDF") || same(name, "feed");
    if (!r->is_feed) stop(r);
    return;
  }
  if (r->capture_depth) {
    append_tag(&r->feed->bytes, name, false);
    return;
  }
  if (!r->entry_depth) {
    if (!same(name, "item") && !same(name, "entry")) return;
    r->entry_depth = depth;
    r->entry = (struct feed_entry){0};
    r->rank = 0;
    return;
  }
  int rank = depth == r->entry_depth + 1 ? rank_of(name, uri) : -1;
  if (rank < 0 || (rank == RANK_TITLE ? r->entry.title_len > 0 : rank <= r->rank)) return;
  r->escape = false;
  if (is_atom(uri)) { /* type: text (default), html, xhtml or a MIME type; 0.3 says mode="escaped" type="text/html" */
    struct slice type = attribute_named(r, attributes, count, "type");
    bool html = slice_equal_nocase(type, SLICE("html")) || slice_equal_nocase(type, SLICE("text/html"));
    bool text = type.len == 0 || slice_equal_nocase(type, SLICE("text")) || slice_equal_nocase(type, SLICE("text/plain"));
    bool xhtml = slice_equal_nocase(type, SLICE("xhtml")) || slice_equal_nocase(type, SLICE("application/xhtml+xml"));
    if (!html && !text && !xhtml) return; /* an image, or a link to something else */
    r->escape = !html;
  } else if (rank == RANK_BODY) {
    r->escape = true;
  }
  r->capture_depth = depth;
  r->capture_rank = rank;
  r->capture_at = r->feed->bytes.len;
}

static void add_entry(struct run *r) {
  struct feed *f = r->feed;
  r->entry_depth = 0;
  if (!r->entry.title_len && !r->entry.content_len) return;
  GROW(f->entries, f->capacity, f->count + 1);
  f->entries[f->count++] = r->entry;
}

static void feed_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
  struct run *r = context;
  (void)prefix, (void)uri;
  if (r->stopped || !r->depth) return;
  size_t depth = r->depth--;
  struct feed *f = r->feed;
  if (r->capture_depth && depth > r->capture_depth) {
    append_tag(&f->bytes, name, true);
  } else if (r->capture_depth) {
    size_t len = f->bytes.len - r->capture_at;
    r->capture_depth = 0;
    if (slice_trim((struct slice){f->bytes.data + r->capture_at, len}).len == 0) return;
    if (r->capture_rank == RANK_TITLE) {
      r->entry.title = r->capture_at;
      r->entry.title_len = len;
    } else {
      r->entry.content = r->capture_at;
      r->entry.content_len = len;
      r->rank = r->capture_rank;
    }
  } else if (depth == r->entry_depth) {
    add_entry(r);
  }
}

static void feed_text(void *context, const xmlChar *s, int n) {
  struct run *r = context;
  if (n <= 0 || out_of_time(r) || !r->capture_depth) return;
  if (r->escape) append_escaped(&r->feed->bytes, (const char *)s, (size_t)n);
  else buffer_append(&r->feed->bytes, s, (size_t)n);
}

bool feed_parse(struct buffer *xml, struct feed *feed, double deadline) {
  static const xmlSAXHandler handler = {.startElementNs = feed_start, .endElementNs = feed_end, .characters = feed_text,
                                        .ignorableWhitespace = feed_text, .cdataBlock = feed_text};
  struct run r = {.feed = feed, .deadline = deadline};
  buffer_clear(&feed->bytes);
  feed->count = 0;
  run(&r, xml, &handler, XML_PARSE_RECOVER);
  if (r.entry_depth) add_entry(&r); /* cut */
  buffer_release(&r.value);
  feed->timed_out = r.timed_out;
  return r.is_feed;
}

void feed_release(struct feed *feed) {
  buffer_release(&feed->bytes);
  free(feed->entries);
  memset(feed, 0, sizeof *feed);
}

/* ---- sitemaps */

static void sitemap_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces, const xmlChar **spaces, int count,
                       int defaulted, const xmlChar **attributes) {
  struct run *r = context;
  (void)prefix, (void)namespaces, (void)spaces, (void)count, (void)defaulted, (void)attributes;
  if (out_of_time(r) || crowded(r)) return;
  size_t depth = ++r->depth;
  if (depth == 1) {
    r->root = same(name, "urlset") || same(name, "sitemapindex");
    r->root_namespace = uri; /* of the context's dictionary: the same pointer for the same name */
    if (!r->root) stop(r);
  } else if (depth == 3 && same(name, "loc") && uri == r->root_namespace) { /* not that of an image */
    r->capture_depth = depth;
    r->capture_at = r->locations->len;
  }
}

static void sitemap_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
  struct run *r = context;
  (void)name, (void)prefix, (void)uri;
  if (r->stopped || !r->depth) return;
  if (r->depth-- != r->capture_depth) return;
  r->capture_depth = 0;
  if (r->locations->len > r->capture_at) buffer_put(r->locations, '\n');
}

static void sitemap_text(void *context, const xmlChar *s, int n) {
  struct run *r = context;
  if (out_of_time(r) || !r->capture_depth) return;
  for (int i = 0; i < n; i++)
    if (s[i] > ' ') buffer_put(r->locations, (char)s[i]); /* URLs have no white space */
}

bool sitemap_parse(struct buffer *xml, struct buffer *out, double deadline, bool *timed_out) {
  static const xmlSAXHandler handler = {.startElementNs = sitemap_start, .endElementNs = sitemap_end, .characters = sitemap_text,
                                        .ignorableWhitespace = sitemap_text, .cdataBlock = sitemap_text};
  struct run r = {.locations = out, .deadline = deadline};
  run(&r, xml, &handler, XML_PARSE_RECOVER);
  *timed_out = r.timed_out;
  return r.root;
}
