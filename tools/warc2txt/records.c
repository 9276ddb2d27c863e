/* SPDX-License-Identifier: MIT
 *
 * A batch holds about a megabyte of bodies, copied out of the input's window, and one item a record that counts; a
 * longer record is a batch of its own.  Workers own everything that parsing and conversion need, and write lines of
 * output and of rejects into their batch.  What is bad becomes an item too, so that messages keep the input's order.
 */
#include "tools/warc2txt/records.h"

#include <stdlib.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/io/input.h"
#include "common/io/pipeline.h"
#include "tools/warc2txt/charset.h"
#include "tools/warc2txt/html.h"
#include "tools/warc2txt/http.h"
#include "tools/warc2txt/warc.h"

enum { BATCH_BYTES = 1 << 20, BATCH_ITEMS = 1000, WARNINGS_MAX = 10, SNIFF_BYTES = 1024 };

enum reject { REJECT_NONE, REJECT_EMPTY, REJECT_STATUS, REJECT_TYPE, REJECT_ENCODING, REJECT_MAX_RECORD, REJECT_MAX_DOCUMENT, REJECT_TIME_LIMIT, REJECT_COUNT };

static const char *const reject_names[REJECT_COUNT] = {"", "empty", "status", "type", "encoding", "max_record", "max_document", "time_limit"};

struct span { /* of batch.bytes */
  size_t at, len;
};

struct item {
  enum { ITEM_PAGE, ITEM_RESPONSE, ITEM_RESOURCE, ITEM_CONVERSION, ITEM_BAD } kind;
  enum reject reject;       /* decided by the reader already */
  struct span id, url, date, content_type, identified_type, body, message;
};

struct counts {
  uint64_t in, out, rejected[REJECT_COUNT], bad, replaced;
};

struct batch {
  struct item *items;
  size_t item_count, item_capacity;
  struct buffer bytes;
  struct buffer out, rejects;
  uint64_t raw_bytes;       /* read from files for it */
  struct counts counts;
};

struct worker {
  struct http_decoder http;
  struct charset_decoder *charset;
  struct html_parser *parser;
  struct extractor *extractor;
  struct page page;
  struct buffer text, utf8, id, url;
};

struct records {
  struct program *program;
  const struct records_options *options;
  char *const *names;
  int count;

  /* reader */
  int next;                 /* index in names */
  struct input *input;
  struct warc_reader *reader;
  const char *base;         /* base name for ids */
  uint64_t raw_seen;
  struct hashmap *skipped;  /* record type -> count */
  uint64_t *last_skipped;   /* the count that the last record went into, if it was skipped ... */
  uint64_t last_offset;     /* ... and where it started */

  struct worker *workers;

  /* writer */
  struct output *output, *rejects;
  struct counts counts;
};

/* ---- options */

int records_parse_statuses(struct records_options *o, const char *list, struct err *e) {
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

/* ---- reader */

static struct span put(struct batch *b, struct slice s) {
  struct span span = {b->bytes.len, s.len};
  buffer_append_slice(&b->bytes, s);
  return span;
}

static struct slice get(const struct batch *b, struct span s) { return (struct slice){b->bytes.data + s.at, s.len}; }

static struct item *add_item(struct batch *b) {
  GROW(b->items, b->item_capacity, b->item_count + 1);
  struct item *item = &b->items[b->item_count++];
  memset(item, 0, sizeof *item);
  return item;
}

static void add_bad(struct records *r, struct batch *b, uint64_t offset, const char *what) {
  struct item *item = add_item(b);
  item->kind = ITEM_BAD;
  item->message.at = b->bytes.len;
  buffer_printf(&b->bytes, "%s:%llu: %s", input_name(r->input), (unsigned long long)offset, what);
  item->message.len = b->bytes.len - item->message.at;
}

static const char *base_name(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash && slash[1] ? slash + 1 : name;
}

static void close_input(struct records *r) {
  warc_reader_free(r->reader);
  input_close(r->input);
  r->reader = NULL;
  r->input = NULL;
  r->raw_seen = 0;
}

static int open_next(struct records *r, struct err *e) {
  struct input_options options = {.members = !r->options->html};
  const char *name = r->names[r->next++];
  r->base = base_name(name);
  if (input_open(&r->input, name, &options, e)) return -1;
  if (!r->options->html) r->reader = warc_reader_new(r->input);
  return 0;
}

/* A whole file as one page. */
static int read_page(struct records *r, struct batch *b, struct err *e) {
  struct item *item = add_item(b);
  const char *data;
  size_t n;
  int64_t limit = r->options->max_record;
  item->kind = ITEM_PAGE;
  item->id = put(b, slice_of(r->names[r->next - 1]));
  if (input_peek(r->input, (size_t)limit + 1, &data, &n, e)) {
    if (!input_damaged(r->input)) return -1;
    b->item_count--;
    add_bad(r, b, 0, e->message);
    return 0;
  }
  if ((int64_t)n > limit) {
    item->reject = REJECT_MAX_RECORD;
    return 0;
  }
  item->body = put(b, (struct slice){data, n});
  input_consume(r->input, n);
  if (input_peek(r->input, 1, &data, &n, e)) { /* cut or damaged after some good bytes */
    if (!input_damaged(r->input)) return -1;
    b->item_count--;
    add_bad(r, b, input_position(r->input), e->message);
  }
  return 0;
}

static bool is_http(struct slice uri) { return slice_starts_nocase(uri, SLICE("http://")) || slice_starts_nocase(uri, SLICE("https://")); }

static void skip(struct records *r, struct slice type, uint64_t offset) {
  char name[33];
  size_t n = 0;
  for (; n < type.len && n < sizeof name - 1; n++) {
    char c = type.data[n];
    c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    name[n] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ? c : '_';
  }
  if (n == 0) memcpy(name, "untyped", n = 7);
  if (hashmap_count(r->skipped) >= 100) memcpy(name, "other", n = 5);
  r->last_skipped = hashmap_put(r->skipped, (struct slice){name, n}, NULL);
  ++*r->last_skipped;
  r->last_offset = offset;
}

static void put_id(struct records *r, struct batch *b, struct item *item, const struct warc_record *record) {
  struct slice id = item->kind == ITEM_CONVERSION && record->refers_to.len ? record->refers_to : record->id;
  if (id.len > 1 && id.data[0] == '<' && id.data[id.len - 1] == '>') id = (struct slice){id.data + 1, id.len - 2};
  if (slice_starts_nocase(id, SLICE("urn:uuid:"))) id = (struct slice){id.data + 9, id.len - 9};
  if (id.len) {
    item->id = put(b, id);
    return;
  }
  item->id.at = b->bytes.len;
  buffer_printf(&b->bytes, "%s:%llu", r->base, (unsigned long long)record->offset);
  item->id.len = b->bytes.len - item->id.at;
}

static int read_record(struct records *r, struct batch *b, struct err *e) {
  struct warc_record record;
  int got = warc_next(r->reader, &record, e);
  if (got <= 0) return got;
  if (got == WARC_BAD) {
    if (r->last_skipped && r->last_offset == record.offset) --*r->last_skipped; /* its body was bad: it counts there */
    r->last_skipped = NULL;
    add_bad(r, b, record.offset, e->message);
    return 1;
  }
  r->last_skipped = NULL;
  if (record.kind == WARC_OTHER || (record.kind == WARC_RESOURCE && !is_http(record.uri))) {
    skip(r, record.type, record.offset);
    return 1;
  }
  struct item *item = add_item(b);
  item->kind = record.kind == WARC_RESPONSE ? ITEM_RESPONSE : record.kind == WARC_RESOURCE ? ITEM_RESOURCE : ITEM_CONVERSION;
  put_id(r, b, item, &record);
  item->url = put(b, record.uri);
  item->date = put(b, record.date);
  item->content_type = put(b, record.content_type);
  item->identified_type = put(b, record.identified_type);
  if (record.length > (uint64_t)r->options->max_record) {
    item->reject = REJECT_MAX_RECORD;
    return 1;
  }
  struct slice body;
  got = warc_body(r->reader, &body, e);
  if (got < 0) return -1;
  if (got == WARC_BAD) {
    b->item_count--;
    add_bad(r, b, record.offset, e->message);
    return 1;
  }
  item->body = put(b, body);
  return 1;
}

static int read_batch(void *context, void *batch, struct err *e) {
  struct records *r = context;
  struct batch *b = batch;
  b->item_count = 0;
  b->bytes.len = b->out.len = b->rejects.len = 0;
  b->raw_bytes = 0;
  memset(&b->counts, 0, sizeof b->counts);
  if (b->bytes.capacity > 64 << 20) buffer_release(&b->bytes); /* after a giant */
  while (b->bytes.len < BATCH_BYTES && b->item_count < BATCH_ITEMS) {
    if (!r->input) {
      if (r->next == r->count) break;
      if (open_next(r, e)) return -1;
    }
    int got = r->options->html ? read_page(r, b, e) : read_record(r, b, e);
    if (got < 0) return err_prefix(e, "%s:%llu", input_name(r->input), (unsigned long long)input_position(r->input));
    uint64_t raw = input_raw_read(r->input);
    b->raw_bytes += raw - r->raw_seen;
    r->raw_seen = raw;
    if (got == 0) close_input(r);
  }
  return b->item_count > 0 || b->raw_bytes > 0;
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->bytes.len; }

/* ---- worker: types */

enum type { TYPE_HTML, TYPE_TEXT, TYPE_OTHER, TYPE_UNKNOWN };

static struct slice mime_of(struct slice content_type) {
  const char *semicolon = content_type.len ? memchr(content_type.data, ';', content_type.len) : NULL;
  if (semicolon) content_type.len = (size_t)(semicolon - content_type.data);
  return slice_trim(content_type);
}

static enum type type_of_mime(struct slice mime) {
  static const struct {
    const char *mime;
    enum type type;
  } known[] = {
    {"text/html", TYPE_HTML}, {"application/xhtml+xml", TYPE_HTML}, {"application/vnd.wap.xhtml+xml", TYPE_HTML}, {"text/plain", TYPE_TEXT},
    {"application/octet-stream", TYPE_UNKNOWN}, {"unknown/unknown", TYPE_UNKNOWN}, {"application/unknown", TYPE_UNKNOWN}, {"application/x-unknown-content-type", TYPE_UNKNOWN},
    {"httpd/unix-directory", TYPE_UNKNOWN}, {"text/xml", TYPE_UNKNOWN}, {"application/xml", TYPE_UNKNOWN}, {"no-type", TYPE_UNKNOWN}, {"unk", TYPE_UNKNOWN},
    {"*/*", TYPE_UNKNOWN}, {"html", TYPE_HTML}, {"text/htm", TYPE_HTML}, {"text", TYPE_UNKNOWN},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (slice_equal_nocase(mime, slice_of(known[i].mime))) return known[i].type;
  return mime.len && memchr(mime.data, '/', mime.len) ? TYPE_OTHER : TYPE_UNKNOWN;
}

/* Formats that servers send under the name of HTML or text. */
static bool is_binary(struct slice body) {
  static const struct {
    size_t len;
    const char *magic;
  } magics[] = {{5, "%PDF-"}, {4, "\x89PNG"}, {3, "\xFF\xD8\xFF"}, {4, "GIF8"}, {4, "PK\3\4"}, {3, "\x1F\x8B\x08"}, {4, "OggS"}, {4, "RIFF"},
                {3, "ID3"}, {4, "wOFF"}, {4, "wOF2"}, {4, "\xD0\xCF\x11\xE0"}, {4, "Rar!"}, {4, "\x7F""ELF"}, {3, "FWS"}, {3, "CWS"}, {6, "7z\xBC\xAF\x27\x1C"}};
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (body.len >= magics[i].len && memcmp(body.data, magics[i].magic, magics[i].len) == 0) return true;
  return body.len >= 12 && memcmp(body.data + 4, "ftyp", 4) == 0;
}

static bool is_html(struct slice body) {
  struct slice head = slice_trim((struct slice){body.data, body.len < SNIFF_BYTES ? body.len : SNIFF_BYTES});
  if (slice_starts(head, SLICE("\xEF\xBB\xBF"))) head = slice_trim((struct slice){head.data + 3, head.len - 3});
  static const char *const starts[] = {"<!doctype html", "<html", "<head", "<body", "<script", "<title", "<div", "<p>", "<table", "<h1", "<meta"};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (slice_starts_nocase(head, slice_of(starts[i]))) return true;
  bool markup = slice_starts(head, SLICE("<?xml")) || slice_starts(head, SLICE("<!--"));
  return markup && slice_find_nocase(head, SLICE("<html")) != NULL;
}

/* NUL bytes and other controls that no text holds, in an encoding of bytes. */
static bool has_controls(struct slice body) {
  size_t n = body.len < SNIFF_BYTES ? body.len : SNIFF_BYTES, controls = 0;
  if (n >= 2 && ((unsigned char)body.data[0] ^ (unsigned char)body.data[1]) == 1 && (unsigned char)body.data[0] >= 0xFE) return false; /* UTF-16 mark */
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)body.data[i];
    controls += c < 9 || (c > 13 && c < 32 && c != 27);
  }
  return controls * 20 > n;
}

static enum type type_of(struct slice content_type, struct slice identified, struct slice body) {
  enum type type = type_of_mime(mime_of(content_type));
  if (type == TYPE_UNKNOWN && identified.len) type = type_of_mime(mime_of(identified));
  if (type == TYPE_UNKNOWN) type = is_html(body) ? TYPE_HTML : TYPE_OTHER;
  if ((type == TYPE_HTML && is_binary(body)) || (type == TYPE_TEXT && (is_binary(body) || has_controls(body)))) return TYPE_OTHER;
  return type;
}

/* ---- worker: text */

/* UTF-8 text as it is, but line ends of one kind, no control characters, no newline at the end. */
static void plain_text(struct slice s, struct buffer *out) {
  buffer_reserve(out, s.len + 1);
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c == '\r') {
      if (i + 1 < s.len && s.data[i + 1] == '\n') continue;
      c = '\n';
    }
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) continue;
    buffer_put(out, (char)c);
  }
}

static bool blank(struct slice s) { return slice_trim(s).len == 0; }

static struct slice sanitized(struct buffer *to, struct slice s) {
  if (utf8_valid_prefix(s.data, s.len) == s.len && (s.len == 0 || !memchr(s.data, '\0', s.len))) return s;
  uint64_t invalid = 0, nul = 0;
  buffer_clear(to);
  utf8_sanitize(to, s.data, s.len, &invalid, &nul);
  return buffer_slice(to);
}

static bool status_wanted(const struct records_options *o, int status) {
  if (status == 0) return true;
  for (int i = 0; i < o->status_count; i++)
    if (status >= o->statuses[i].low && status <= o->statuses[i].high) return true;
  return false;
}

static enum reject extract_item(struct records *r, struct worker *w, struct batch *b, const struct item *item) {
  const struct records_options *o = r->options;
  struct slice body = get(b, item->body), content_type = get(b, item->content_type), identified = get(b, item->identified_type);
  enum type type = TYPE_HTML;
  buffer_clear(&w->text);
  if (item->kind == ITEM_CONVERSION) {
    type = TYPE_TEXT;
  } else if (item->kind != ITEM_PAGE) {
    bool message = slice_starts_nocase(content_type, SLICE("application/http")) || slice_starts_nocase(body, SLICE("HTTP/"));
    if (item->kind == ITEM_RESPONSE) {
      struct http_response response;
      http_parse(&w->http, body, &response);
      if (response.status || message) content_type = response.content_type;
      if (!status_wanted(o, response.status)) return REJECT_STATUS;
      enum type named = type_of_mime(mime_of(content_type));
      if (named == TYPE_OTHER || (named == TYPE_HTML && !o->type_html) || (named == TYPE_TEXT && !o->type_text)) return REJECT_TYPE;
      enum http_result result = http_decode(&w->http, &response, (size_t)o->max_record, &body);
      if (result == HTTP_ENCODING) return REJECT_ENCODING;
      if (result == HTTP_TOO_LONG) return REJECT_MAX_RECORD;
    }
    type = type_of(content_type, identified, body);
    if (body.len == 0) return type == TYPE_HTML || !content_type.len ? REJECT_EMPTY : type == TYPE_TEXT ? REJECT_EMPTY : REJECT_TYPE;
    if (!((type == TYPE_HTML && o->type_html) || (type == TYPE_TEXT && o->type_text))) return REJECT_TYPE;
  }
  const struct charset *charset = charset_detect(w->charset, body, content_type, type == TYPE_HTML);
  buffer_clear(&w->utf8);
  b->counts.replaced += charset_decode(w->charset, charset, body, &w->utf8);
  if (type == TYPE_TEXT) {
    plain_text(buffer_slice(&w->utf8), &w->text);
  } else {
    html_parse(w->parser, &w->utf8, &w->page, o->time_limit > 0 ? progress_clock() + o->time_limit : 0);
    if (w->page.timed_out) return REJECT_TIME_LIMIT;
    if (o->features) {
      extract_features(w->extractor, &w->page, &w->text);
      return REJECT_NONE;
    }
    extract_text(w->extractor, &w->page, o->mode, &w->text);
  }
  while (w->text.len && (w->text.data[w->text.len - 1] == '\n' || w->text.data[w->text.len - 1] == ' ')) w->text.len--;
  if (blank(buffer_slice(&w->text))) return REJECT_EMPTY;
  if (r->program->max_document > 0 && (int64_t)w->text.len > r->program->max_document) return REJECT_MAX_DOCUMENT;
  return REJECT_NONE;
}

static int work(void *context, int index, void *batch, struct err *e) {
  (void)e;
  struct records *r = context;
  struct worker *w = &r->workers[index];
  struct batch *b = batch;
  for (size_t i = 0; i < b->item_count; i++) {
    const struct item *item = &b->items[i];
    b->counts.in++;
    if (item->kind == ITEM_BAD) {
      b->counts.bad++;
      continue;
    }
    enum reject reject = item->reject ? item->reject : extract_item(r, w, b, item);
    struct slice id = sanitized(&w->id, get(b, item->id)), url = sanitized(&w->url, get(b, item->url)), date = get(b, item->date);
    if (utf8_valid_prefix(date.data, date.len) < date.len) date.len = 0;
    if (reject == REJECT_NONE) {
      b->counts.out++;
      if (r->options->features) buffer_append_slice(&b->out, buffer_slice(&w->text));
      else document_write_fields(&b->out, r->program->jsonl ? DOCUMENT_JSONL : DOCUMENT_TSV, id, url, date, buffer_slice(&w->text));
      continue;
    }
    b->counts.rejected[reject]++;
    if (r->rejects) {
      buffer_printf(&b->rejects, "warc2txt:%s\t", reject_names[reject]);
      document_write_fields(&b->rejects, DOCUMENT_TSV, id, url, date, (struct slice){"", 0});
    }
  }
  return 0;
}

/* ---- writer */

static int write_batch(void *context, void *batch, struct err *e) {
  struct records *r = context;
  struct batch *b = batch;
  for (size_t i = 0; i < b->item_count; i++) {
    if (b->items[i].kind != ITEM_BAD) continue;
    struct slice message = get(b, b->items[i].message);
    if (r->counts.bad++ < WARNINGS_MAX) {
      progress_clear(r->program->progress);
      program_warn(r->program, "%.*s", (int)message.len, message.data);
    }
  }
  r->counts.in += b->counts.in;
  r->counts.out += b->counts.out;
  r->counts.replaced += b->counts.replaced;
  for (int i = 0; i < REJECT_COUNT; i++) r->counts.rejected[i] += b->counts.rejected[i];
  if (output_write(r->output, b->out.data, b->out.len, e)) return -1;
  if (r->rejects && output_write(r->rejects, b->rejects.data, b->rejects.len, e)) return -1;
  progress_add(r->program->progress, b->raw_bytes, b->counts.in);
  return 0;
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  free(b->items);
  buffer_release(&b->bytes);
  buffer_release(&b->out);
  buffer_release(&b->rejects);
}

/* ---- */

static void report(struct records *r) {
  struct stats *s = r->program->stats;
  uint64_t rejected = 0, skipped = 0;
  char name[64];
  for (int i = 1; i < REJECT_COUNT; i++) {
    rejected += r->counts.rejected[i];
    snprintf(name, sizeof name, "reasons.%s", reject_names[i]);
    if (r->counts.rejected[i]) stats_int(s, name, (int64_t)r->counts.rejected[i]);
  }
  for (size_t i = 0; i < hashmap_count(r->skipped); i++) {
    const struct hashmap_entry *entry = &hashmap_entries(r->skipped)[i];
    snprintf(name, sizeof name, "skipped.%.*s", (int)entry->key.len, entry->key.data);
    stats_int(s, name, (int64_t)entry->value);
    skipped += entry->value;
  }
  stats_flow(s, r->counts.in, r->counts.out, rejected, r->counts.bad);
  stats_int(s, "records", (int64_t)(r->counts.in + skipped));
  stats_int(s, "replaced_characters", (int64_t)r->counts.replaced);
  if (r->counts.bad > WARNINGS_MAX) program_warn(r->program, "%llu more bad records", (unsigned long long)(r->counts.bad - WARNINGS_MAX));
}

int records_run(struct program *p, const struct records_options *options, char *const *names, int count, struct output *output, struct output *rejects, struct err *e) {
  struct records r = {.program = p, .options = options, .names = names, .count = count, .output = output, .rejects = rejects, .skipped = hashmap_new()};
  int jobs = (int)p->jobs;
  r.workers = NEW_ARRAY(struct worker, (size_t)jobs);
  for (int i = 0; i < jobs; i++) {
    r.workers[i].charset = charset_decoder_new();
    r.workers[i].parser = html_parser_new();
    r.workers[i].extractor = extractor_new();
  }
  struct pipeline pipeline = {.context = &r, .batch_size = sizeof(struct batch), .read = read_batch, .work = work, .write = write_batch, .release = release_batch, .weigh = weigh_batch, .memory = p->memory};
  int result = pipeline_run(&pipeline, jobs, e);
  report(&r);
  close_input(&r);
  for (int i = 0; i < jobs; i++) {
    struct worker *w = &r.workers[i];
    http_decoder_release(&w->http);
    charset_decoder_free(w->charset);
    html_parser_free(w->parser);
    extractor_free(w->extractor);
    page_release(&w->page);
    buffer_release(&w->text);
    buffer_release(&w->utf8);
    buffer_release(&w->id);
    buffer_release(&w->url);
  }
  free(r.workers);
  hashmap_free(r.skipped);
  if (result == 0 && p->strict && r.counts.bad) return err_set(e, "%llu bad records (--strict)", (unsigned long long)r.counts.bad);
  return result;
}
