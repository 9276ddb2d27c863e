/* SPDX-License-Identifier: MIT
 *
 * A body's way: HTTP codings undone -> type -> charset -> parser -> page -> main text.
 */
#include "tools/warc2txt/content.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/charset/charset.h"
#include "tools/warc2txt/html/html_libxml2.h"
#include "tools/warc2txt/html/html_parser.h"
#include "tools/warc2txt/archive/http.h"
#include "tools/warc2txt/charset/mojibake.h"
#include "tools/warc2txt/page/page_text.h"
#include "tools/warc2txt/pdf/pdf.h"
#include "tools/warc2txt/html/xml.h"

enum {
  HTML_TYPES = 1u << CONTENT_TYPE_HTML | 1u << CONTENT_TYPE_XHTML,
  SCRATCH_KEPT = 64 << 20, /* scratch memory of a worker that outgrew this goes after the document */
  NODE_BYTES = 128,        /* that a node may become, with its element or block */
  PDF_MEMORY = 1 << 30,    /* address space of the command, at least */
};

const char *const reject_names[REJECT_COUNT] = {"", "empty", "status", "type", "encoding", "max_record", "max_document", "time_limit", "memory_limit", "pdf", "charset"};

struct content {
  struct content_options options;
  struct http_decoder http;
  struct charset_decoder *charset;
  struct html_parser *parser;
  struct html_tree tree;
  struct page_builder *builder;
  struct page page;
  struct extractor *extractor;
  struct feed feed;
  struct buffer text, utf8, entry;
};

struct content *content_new(const struct content_options *options) {
  struct content *c = NEW(struct content);
  c->options = *options;
  if (options->memory > 0) c->tree.node_limit = (size_t)options->memory / NODE_BYTES + 1;
  c->charset = charset_decoder_new();
  c->parser = html_parser_new();
  c->builder = page_builder_new();
  c->extractor = extractor_new();
  return c;
}

void content_free(struct content *c) {
  if (!c) return;
  http_decoder_release(&c->http);
  charset_decoder_free(c->charset);
  html_parser_free(c->parser);
  html_tree_release(&c->tree);
  page_builder_free(c->builder);
  page_release(&c->page);
  extractor_free(c->extractor);
  buffer_release(&c->text);
  buffer_release(&c->utf8);
  buffer_release(&c->entry);
  feed_release(&c->feed);
  free(c);
}

/* ---- options */

int content_parse_statuses(struct content_options *o, const char *list, struct err *e) {
  o->status_count = 0;
  while (*list) {
    size_t n = strcspn(list, ",");
    struct status_range range = {0, 0};
    if (n == 3 && list[0] >= '1' && list[0] <= '9' && (list[1] | 32) == 'x' && (list[2] | 32) == 'x') {
      range = (struct status_range){(list[0] - '0') * 100, (list[0] - '0') * 100 + 99};
    } else if (n == 3 && memcmp(list, "all", 3) == 0) {
      range = (struct status_range){0, 999};
    } else if ((n == 3 || (n == 7 && list[3] == '-')) && strspn(list, "0123456789") == 3) {
      range.low = range.high = atoi(list);
      if (n == 7) {
        if (strspn(list + 4, "0123456789") != 3) n = 0;
        else range.high = atoi(list + 4);
      }
    } else {
      n = 0;
    }
    if (n == 0) return err_usage(e, "--status: %s: codes such as 200, 2xx, 200-299 or all, commas between", list);
    if (o->status_count == (int)(sizeof o->statuses / sizeof *o->statuses)) return err_usage(e, "--status: more than %d ranges", o->status_count);
    o->statuses[o->status_count++] = range;
    list += n + (list[n] == ',');
  }
  return o->status_count ? 0 : err_usage(e, "--status: no code");
}

int content_parse_types(struct content_options *o, const char *list, struct err *e) {
  static const struct {
    const char *name;
    unsigned types;
  } known[] = {{"html", HTML_TYPES}, {"text", 1u << CONTENT_TYPE_TEXT},
               {"pdf", 1u << CONTENT_TYPE_PDF}, {"feed", 1u << CONTENT_TYPE_FEED}, {"sitemap", 1u << CONTENT_TYPE_SITEMAP}};
  o->types = 0;
  while (*list) {
    size_t n = strcspn(list, ","), i = 0;
    while (i < sizeof known / sizeof *known && !slice_equal((struct slice){list, n}, slice_of(known[i].name))) i++;
    if (i == sizeof known / sizeof *known) return err_usage(e, "--types: %.*s: html, text, pdf, feed and sitemap are known", (int)n, list);
    o->types |= known[i].types;
    list += n + (list[n] == ',');
  }
  return o->types ? 0 : err_usage(e, "--types: no type");
}

/* ---- text */

/* UTF-8 text as it is, with its white space, but line ends of one kind and without the characters that pages lose too. */
static void plain_text(struct slice s, struct buffer *out) {
  text_append_pre(out, s.data, s.len, false);
}

static bool blank(struct slice s) { return slice_trim(s).len == 0; }

static bool status_wanted(const struct content_options *o, int status) {
  if (status == 0) return true;
  for (int i = 0; i < o->status_count; i++)
    if (status >= o->statuses[i].low && status <= o->statuses[i].high) return true;
  return false;
}

/* ---- limits */

static size_t tree_memory(const struct html_tree *tree) {
  size_t n = tree->node_count * sizeof *tree->nodes + tree->attribute_count * sizeof *tree->attributes;
  for (size_t i = 0; i < tree->chunk_count && i <= tree->chunk_used; i++) n += tree->chunks[i].len;
  return n;
}

static size_t page_memory(const struct page *page, enum extract_mode mode) {
  size_t scored = extract_scored(page, mode) ? page->block_count : 0;
  return page->text.len + page->element_count * sizeof *page->elements + page->block_count * sizeof *page->blocks + page->gap_count * sizeof *page->gaps +
         scored * INPUT_COUNT * sizeof(float);
}

int64_t content_length_limit(const struct content_options *o, enum reject *reject) {
  bool memory = o->memory > 0 && o->memory / 2 < o->max_record;
  *reject = memory ? REJECT_MEMORY_LIMIT : REJECT_MAX_RECORD;
  return memory ? o->memory / 2 : o->max_record;
}

static bool over_memory(const struct content *c, size_t n) { return c->options.memory > 0 && n > (size_t)c->options.memory; }

/* After a giant, so that a worker's scratch memory is that of usual pages. */
static void shrink(struct content *c) {
  struct buffer *const buffers[] = {&c->text, &c->utf8, &c->entry};
  for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
    if (buffers[i]->capacity > SCRATCH_KEPT) buffer_release(buffers[i]);
  if (c->http.a.capacity > SCRATCH_KEPT || c->http.b.capacity > SCRATCH_KEPT) http_decoder_release(&c->http);
  if (c->feed.bytes.capacity > SCRATCH_KEPT) feed_release(&c->feed);
  if (tree_memory(&c->tree) + page_memory(&c->page, EXTRACT_MAIN) <= SCRATCH_KEPT) return;
  size_t node_limit = c->tree.node_limit;
  html_tree_release(&c->tree);
  c->tree.node_limit = node_limit;
  page_release(&c->page);
  page_builder_free(c->builder);
  extractor_free(c->extractor);
  c->builder = page_builder_new();
  c->extractor = extractor_new();
}

/* ---- the ways of each type */

static void parse_html(struct content *c, struct buffer *html, double deadline) {
  if (c->options.parser == PARSER_LIBXML2) html_libxml2_parse(html, &c->tree, deadline);
  else html_parse(c->parser, html, &c->tree, deadline);
}

/* The tree's text, appended. */
static enum reject tree_text(struct content *c, enum extract_mode mode, double deadline) {
  const struct content_options *o = &c->options;
  size_t memory = c->utf8.len + tree_memory(&c->tree);
  if (c->tree.timed_out) return REJECT_TIME_LIMIT;
  if (html_tree_full(&c->tree) || over_memory(c, memory)) return REJECT_MEMORY_LIMIT;
  page_build(c->builder, &c->tree, &c->page, deadline);
  if (c->page.timed_out) return REJECT_TIME_LIMIT;
  memory += page_memory(&c->page, mode);
  if (over_memory(c, memory)) return REJECT_MEMORY_LIMIT;
  if (o->memory > 0) c->options.markup.limit = (size_t)o->memory - memory + 1;
  if (o->features) extract_features(c->extractor, &c->page, &o->extract, &c->text);
  else markup_write(&o->markup, &c->page, extract_blocks(c->extractor, &c->page, mode, &o->extract), &c->text);
  return over_memory(c, memory + c->text.len) ? REJECT_MEMORY_LIMIT : REJECT_NONE;
}

static enum reject page_text(struct content *c, bool xhtml, double deadline) {
  if (xhtml) {
    buffer_clear(&c->entry); /* the page as it is, for the other parser */
    buffer_append_slice(&c->entry, buffer_slice(&c->utf8));
    if (!xml_parse(&c->utf8, &c->tree, deadline)) parse_html(c, &c->entry, deadline);
  } else {
    parse_html(c, &c->utf8, deadline);
  }
  return tree_text(c, c->options.mode, deadline);
}

static void trim_end(struct buffer *text) {
  while (text->len && (text->data[text->len - 1] == '\n' || text->data[text->len - 1] == ' ')) text->len--;
}

/* Title and content of each entry are a page of their own, so that what one leaves open does not reach into the next. */
static enum reject feed_text(struct content *c, double deadline) {
  bool feed = feed_parse(&c->utf8, &c->feed, deadline);
  if (c->feed.timed_out) return REJECT_TIME_LIMIT;
  if (!feed) return REJECT_TYPE;
  for (size_t i = 0; i < c->feed.count; i++) {
    const struct feed_entry *entry = &c->feed.entries[i];
    buffer_clear(&c->entry);
    buffer_append_string(&c->entry, "<h2>");
    buffer_append(&c->entry, c->feed.bytes.data + entry->title, entry->title_len);
    buffer_append_string(&c->entry, "</h2><div>");
    buffer_append(&c->entry, c->feed.bytes.data + entry->content, entry->content_len);
    buffer_append_string(&c->entry, "</div>");
    if (c->text.len) buffer_put(&c->text, '\n');
    parse_html(c, &c->entry, deadline);
    enum reject reject = tree_text(c, EXTRACT_ALL, deadline);
    if (reject) return reject;
    trim_end(&c->text);
    if (over_memory(c, c->text.len)) return REJECT_MEMORY_LIMIT;
  }
  return REJECT_NONE;
}

static enum reject sitemap_text(struct content *c, double deadline) {
  bool timed_out, sitemap = sitemap_parse(&c->utf8, &c->text, deadline, &timed_out);
  return timed_out ? REJECT_TIME_LIMIT : sitemap ? REJECT_NONE : REJECT_TYPE;
}

static enum reject pdf_content(struct content *c, struct slice body, uint64_t *replaced) {
  const struct content_options *o = &c->options;
  struct pdf_options options = {.command = o->pdf, .time_limit = o->time_limit, .memory = o->memory > PDF_MEMORY ? o->memory : PDF_MEMORY,
                                .output_limit = (size_t)o->max_record};
  if (o->memory > 0 && options.output_limit > (size_t)o->memory / 4) options.output_limit = (size_t)o->memory / 4; /* lines and paragraphs are as long once more */
  uint64_t nul = 0;
  buffer_clear(&c->entry);
  switch (pdf_run(&options, body, &c->entry)) {
    case PDF_TIME_LIMIT: return REJECT_TIME_LIMIT;
    case PDF_TOO_LONG: return REJECT_MEMORY_LIMIT;
    case PDF_FAILED: return REJECT_PDF;
    case PDF_OK: break;
  }
  utf8_sanitize(&c->utf8, c->entry.data, c->entry.len, replaced, &nul);
  pdf_text(buffer_slice(&c->utf8), &c->text);
  return REJECT_NONE;
}

static enum reject finish(const struct content *c, struct slice *text) {
  const struct content_options *o = &c->options;
  *text = buffer_slice(&c->text);
  if (blank(*text)) return REJECT_EMPTY;
  return o->max_document > 0 && (int64_t)text->len > o->max_document ? REJECT_MAX_DOCUMENT : REJECT_NONE;
}

static bool wanted(const struct content_options *o, enum content_type type) { return o->types >> type & 1; }

static bool may_be_wanted(const struct content_options *o, enum content_type declared) {
  for (enum content_type type = 0; type < CONTENT_TYPE_XML; type++)
    if (wanted(o, type) && content_type_possible(declared, type)) return true;
  return false;
}

static void repair_mojibake(struct content *c) {
  buffer_clear(&c->text);
  if (mojibake_repair(buffer_slice(&c->utf8), &c->text)) {
    struct buffer repaired = c->text;
    c->text = c->utf8;
    c->utf8 = repaired;
  }
  buffer_clear(&c->text);
}

enum reject content_text(struct content *c, const struct content_source *source, struct slice *text, uint64_t *replaced) {
  const struct content_options *o = &c->options;
  struct slice body = source->body, content_type = source->content_type;
  enum content_type type = CONTENT_TYPE_HTML;
  shrink(c);
  buffer_clear(&c->text);
  buffer_clear(&c->utf8);
  if (source->kind == CONTENT_TEXT) {
    type = CONTENT_TYPE_TEXT;
  } else if (source->kind == CONTENT_PAGE) {
    type = content_type_of(SLICE("text/html"), (struct slice){"", 0}, body);
    if (!wanted(o, type) || type == CONTENT_TYPE_XHTML) type = CONTENT_TYPE_HTML;
  } else {
    bool message = slice_starts_nocase(content_type, SLICE("application/http")) || slice_starts_nocase(body, SLICE("HTTP/"));
    if (source->kind == CONTENT_RESPONSE) {
      struct http_response response;
      http_parse(&c->http, body, &response);
      if (response.status || message) content_type = response.content_type;
      if (!status_wanted(o, response.status)) return REJECT_STATUS;
      if (!may_be_wanted(o, content_type_declared(content_type))) return REJECT_TYPE;
      enum reject too_long;
      enum http_result result = http_decode(&c->http, &response, (size_t)content_length_limit(o, &too_long), &body);
      if (result == HTTP_ENCODING) return REJECT_ENCODING;
      if (result == HTTP_TOO_LONG) return too_long;
    }
    type = body.len ? content_type_of(content_type, source->identified_type, body) : content_type_declared(content_type);
    if (body.len == 0) return may_be_wanted(o, type) ? REJECT_EMPTY : REJECT_TYPE;
    if (!wanted(o, type)) return REJECT_TYPE;
  }
  double deadline = o->time_limit > 0 ? progress_clock() + o->time_limit : 0;
  if (type == CONTENT_TYPE_PDF) {
    enum reject reject = pdf_content(c, body, replaced);
    return reject ? reject : finish(c, text);
  }
  const struct charset *charset = charset_detect(c->charset, body, content_type, type != CONTENT_TYPE_TEXT);
  if (charset->kind == CHARSET_REPLACEMENT) return REJECT_CHARSET;
  *replaced += charset_decode(c->charset, charset, body, &c->utf8);
  if (o->repair_mojibake) repair_mojibake(c);
  if (over_memory(c, 2 * c->utf8.len)) return REJECT_MEMORY_LIMIT;
  enum reject reject = REJECT_NONE;
  if (type == CONTENT_TYPE_TEXT) plain_text(buffer_slice(&c->utf8), &c->text);
  else if (type == CONTENT_TYPE_FEED) reject = feed_text(c, deadline);
  else if (type == CONTENT_TYPE_SITEMAP) reject = sitemap_text(c, deadline);
  else reject = page_text(c, type == CONTENT_TYPE_XHTML, deadline);
  if (reject) return reject;
  if (o->features) {
    *text = buffer_slice(&c->text);
    return REJECT_NONE;
  }
  trim_end(&c->text);
  return finish(c, text);
}
