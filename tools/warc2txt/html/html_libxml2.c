/* SPDX-License-Identifier: MIT
 *
 * libxml2's SAX events fill the tree; no tree of libxml2's is built.  It closes what HTML 4 lets pages leave open, so
 * events come nested.
 *
 * Against hostile pages: nothing is fetched and no entity is expanded but characters; html_prefilter() cuts what the
 * parser would take quadratic time for; when PARSER_DEPTH elements are open the parser is started anew behind that tag,
 * because it walks its stack for every stray end tag, and likewise when it has seen NAMES_MAX names.
 */
#include "tools/warc2txt/html/html_libxml2.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "tools/warc2txt/html/html_prefilter.h"

enum {
  PARSER_DEPTH = 512,
  NAMES_MAX = 20000, /* of tags and attributes in one run of the parser */
};

struct open {
  uint32_t node;
  uint16_t tag;
  bool shared; /* too deep or too many: its node is its parent's */
};

struct state {
  struct html_tree *tree;
  struct open *stack;
  size_t depth, capacity;
  double deadline;
  unsigned events;
  htmlParserCtxtPtr context;
  bool restart;  /* the parser was stopped at PARSER_DEPTH ... */
  size_t resume; /* ... at this byte of its input */
};

static bool out_of_time(struct state *p) {
  if ((++p->events & 255) == 0 && p->deadline > 0 && progress_clock() > p->deadline) {
    p->tree->timed_out = true;
    xmlStopParser(p->context);
  }
  return p->tree->timed_out;
}

static void start_element(void *context, const xmlChar *xml_name, const xmlChar **attributes) {
  struct state *p = context;
  if (p->restart || out_of_time(p)) return;
  enum html_tag tag = html_tag_find((const char *)xml_name, strlen((const char *)xml_name));
  uint32_t parent = p->depth ? p->stack[p->depth - 1].node : 0;
  GROW(p->stack, p->capacity, p->depth + 1);
  if (p->depth && (p->depth >= HTML_DEPTH_MAX || html_tree_full(p->tree))) {
    p->stack[p->depth++] = (struct open){parent, (uint16_t)tag, true};
  } else {
    uint32_t node = html_tree_open(p->tree, parent, tag);
    for (const xmlChar **a = attributes; a && a[0]; a += 2) {
      enum html_attribute_name name = html_attribute_find((const char *)a[0], strlen((const char *)a[0]));
      if (name) html_tree_attribute(p->tree, name, slice_of(a[1] ? (const char *)a[1] : ""));
    }
    p->stack[p->depth++] = (struct open){node, (uint16_t)tag, false};
  }
  bool raw = tag == TAG_script || tag == TAG_style || html_tag_class[tag] == HTML_VOID; /* the next parser would take it for markup */
  bool crowded = xmlDictSize(p->context->dict) > NAMES_MAX; /* its hash table stops growing */
  if ((p->context->nameNr > PARSER_DEPTH || crowded) && !raw) {
    const xmlParserInput *input = p->context->input; /* cur is before the ">" or "/>" of this tag */
    p->resume = input->consumed + (size_t)(input->cur - input->base);
    p->restart = true;
    xmlStopParser(p->context);
  }
}

static void pop(struct state *p) {
  struct open *o = &p->stack[--p->depth];
  if (!o->shared) html_tree_close(p->tree, o->node);
}

static void end_element(void *context, const xmlChar *xml_name) {
  struct state *p = context;
  if (p->restart || out_of_time(p)) return; /* what is open stays open for the parser to come */
  /* events are nested, so that this is the top; after a restart elements may be open that the parser does not know */
  if (p->depth && p->stack[p->depth - 1].tag == html_tag_find((const char *)xml_name, strlen((const char *)xml_name))) pop(p);
}

static void characters(void *context, const xmlChar *s, int n) {
  struct state *p = context;
  if (n <= 0 || p->restart || out_of_time(p) || !p->depth || html_tree_full(p->tree)) return;
  html_tree_text(p->tree, p->stack[p->depth - 1].node, (struct slice){(const char *)s, (size_t)n});
}

/* One run of libxml2's parser from s; returns how many bytes it took, fewer than n when it was stopped at
 * PARSER_DEPTH. */
static size_t run(struct state *p, const char *s, size_t n) {
  int part = n > INT32_MAX ? INT32_MAX : (int)n;
  htmlParserCtxtPtr context = htmlNewParserCtxt();
  if (!context) memory_alloc(SIZE_MAX, __FILE__, __LINE__); /* aborts */
  p->context = context;
  p->restart = false;
  htmlSAXHandler handler = {.startElement = start_element, .endElement = end_element, .characters = characters, .ignorableWhitespace = characters, .cdataBlock = characters};
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
  return taken;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

void html_libxml2_parse(struct buffer *html, struct html_tree *tree, double deadline) {
  pthread_once(&once, xmlInitParser);
  html_tree_clear(tree);
  struct state p = {.tree = tree, .deadline = deadline};
  html->len = html->len ? html_prefilter(html->data, html->len) : 0;
  buffer_string(html);
  for (size_t at = 0; at < html->len && !tree->timed_out;) at += run(&p, html->data + at, html->len - at);
  while (p.depth) pop(&p);
  free(p.stack);
}
