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
#include "common/io/url.h"
#include "tools/warc2txt/boilerplate.h"
#include "tools/warc2txt/archive/cdx.h"
#include "tools/warc2txt/content.h"
#include "tools/warc2txt/archive/digest.h"
#include "tools/warc2txt/archive/http.h"
#include "tools/warc2txt/archive/index.h"
#include "tools/warc2txt/archive/warc.h"

enum { BATCH_BYTES = 1 << 20, BATCH_ITEMS = 1000, WARNINGS_MAX = 10 };

struct span { /* of batch.bytes */
  size_t at, len;
};

struct item {
  enum item_kind { ITEM_PAGE, ITEM_RESPONSE, ITEM_RESOURCE, ITEM_CONVERSION, ITEM_BAD } kind;
  enum reject reject;       /* decided by the reader already */
  bool truncated;           /* by the crawler */
  bool joined;              /* of several segments: digests are those of the parts */
  struct span id, url, date, content_type, identified_type, body, message;
  struct span file, block_digest, payload_digest; /* with --write-index or --check-digests */
  int64_t offset, length;   /* in the file, -1: not known */
};

struct counts {
  uint64_t in, out, rejected[REJECT_COUNT], bad, replaced, truncated;
  uint64_t digests_checked, digests_wrong, digests_unknown;
};

struct batch {
  struct item *items;
  size_t item_count, item_capacity;
  struct buffer bytes;
  struct buffer out, rejects, index;
  uint64_t raw_bytes;       /* read from files for it */
  struct counts counts;
};

struct worker {
  struct content *content;
  struct http_decoder http;
  struct digest *digest;
  struct buffer id, url;
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
  struct cdx *cdx;
  struct cdx_range range;   /* of the index: what is being read */
  struct buffer path;       /* its file */
  uint64_t range_seen;      /* records and faults that it gave */
  bool segmented;           /* continuations of the batch's last item may follow */
  struct buffer segment_id;
  uint32_t segment;
  uint64_t segments;
  struct hashmap *skipped;  /* record type -> count */
  uint64_t *last_skipped;   /* the count that the last record went into, if it was skipped ... */
  uint64_t last_offset;     /* ... and where it started */

  struct worker *workers;

  /* writer */
  struct output *output, *rejects;
  struct boilerplate *boilerplate; /* --site-boilerplate: where documents go first */
  struct counts counts;
  uint64_t in_bytes;
};

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
  if (r->cdx) buffer_printf(&b->bytes, "%s:%llu: ", r->options->cdx, (unsigned long long)r->range.line);
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
  r->last_skipped = NULL;
}

static int open_next(struct records *r, struct err *e) {
  struct input_options options = {.members = !r->options->html};
  const char *name = r->names[r->next++];
  r->base = base_name(name);
  if (input_open(&r->input, name, &options, e)) return -1;
  if (!r->options->html) r->reader = warc_reader_new(r->input);
  return 0;
}

/* ---- reader: ranges of an index */

static void add_bad_range(struct records *r, struct batch *b, const char *what) {
  r->segmented = false;
  for (uint64_t i = 0; i < (r->range.records ? r->range.records : 1); i++) {
    struct item *item = add_item(b);
    item->kind = ITEM_BAD;
    item->message.at = b->bytes.len;
    buffer_printf(&b->bytes, "%s:%llu: %s", r->options->cdx, (unsigned long long)(r->range.line + i), what);
    item->message.len = b->bytes.len - item->message.at;
  }
}

/* The range's file under the operand.  An index from elsewhere must not lead out of it. */
static int resolve(struct records *r, struct err *e) {
  struct slice name = r->range.filename;
  buffer_clear(&r->path);
  if (r->count) {
    const char *base = r->names[0];
    size_t n = strlen(base);
    while (name.len && name.data[0] == '/') name.data++, name.len--;
    for (size_t at = 0; at < name.len;) {
      const char *slash = memchr(name.data + at, '/', name.len - at);
      size_t end = slash ? (size_t)(slash - name.data) : name.len;
      if (end - at == 2 && memcmp(name.data + at, "..", 2) == 0) return err_set(e, "the filename leads out of %s: %.*s", base, (int)name.len, name.data);
      at = end + 1;
    }
    buffer_append(&r->path, base, n);
    if (n && base[n - 1] != '/' && base[n - 1] != '=') buffer_put(&r->path, '/');
  }
  if (r->path.len == 0 && slice_equal(name, SLICE("-"))) buffer_append_string(&r->path, "./"); /* a file, not stdin */
  buffer_append_slice(&r->path, name);
  buffer_string(&r->path);
  return 0;
}

/* Opens the next range: 1, or 0 at the end of the index, or -1.  Lines that lead nowhere become bad items. */
static int open_range(struct records *r, struct batch *b, struct err *e) {
  while (b->item_count < BATCH_ITEMS) {
    int got = cdx_next(r->cdx, &r->range, e);
    if (got <= 0) return got;
    if (got == CDX_BAD || resolve(r, e)) {
      add_bad_range(r, b, e->message);
      continue;
    }
    bool missing = false;
    struct input_options options = {.members = true, .from = (int64_t)r->range.offset, .length = (int64_t)r->range.length, .missing = &missing};
    if (input_open(&r->input, r->path.data, &options, e)) {
      if (!missing && url_is(r->path.data)) return -1; /* a server that does not answer: the others would fail too */
      add_bad_range(r, b, e->message);
      continue;
    }
    r->base = base_name(r->path.data);
    r->range_seen = 0;
    r->reader = warc_reader_new(r->input);
    return 1;
  }
  return 1;
}

/* A whole file as one page. */
static int read_page(struct records *r, struct batch *b, struct err *e) {
  struct item *item = add_item(b);
  const char *data;
  size_t n;
  enum reject too_long;
  int64_t limit = content_length_limit(&r->options->content, &too_long);
  item->kind = ITEM_PAGE;
  item->id = put(b, slice_of(r->names[r->next - 1]));
  if (input_peek(r->input, (size_t)limit + 1, &data, &n, e)) {
    if (!input_damaged(r->input)) return -1;
    b->item_count--;
    add_bad(r, b, 0, e->message);
    return 0;
  }
  if ((int64_t)n > limit) {
    item->reject = too_long;
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

/* A continuation of the batch's last record is appended to it: 1; 0: it is none. */
static int read_segment(struct records *r, struct batch *b, const struct warc_record *record, struct err *e) {
  struct item *item = &b->items[b->item_count - 1];
  struct slice body;
  if (record->segment != r->segment + 1 || !slice_equal(record->segment_origin, buffer_slice(&r->segment_id))) return 0;
  r->segments++;
  if (item->reject) return 1;
  enum reject too_long;
  if (record->length + item->body.len > (uint64_t)content_length_limit(&r->options->content, &too_long)) {
    item->reject = too_long;
    return 1;
  }
  int got = warc_body(r->reader, &body, e);
  if (got < 0) return -1;
  if (got == WARC_BAD) {
    r->segmented = false;
    add_bad(r, b, record->offset, e->message);
    return 1;
  }
  r->segment = record->segment;
  item->joined = true;
  if (item->body.at + item->body.len != b->bytes.len) { /* something was put behind it */
    struct span moved = {b->bytes.len, item->body.len};
    buffer_reserve(&b->bytes, item->body.len);
    buffer_append(&b->bytes, b->bytes.data + item->body.at, item->body.len);
    item->body = moved;
  }
  item->body.len += put(b, body).len;
  return 1;
}

static int read_record(struct records *r, struct batch *b, struct err *e) {
  const struct records_options *o = r->options;
  struct warc_record record;
  int got = warc_next(r->reader, &record, e);
  if (got <= 0) return got;
  r->range_seen++;
  if (got == WARC_BAD) {
    if (r->last_skipped && r->last_offset == record.offset) --*r->last_skipped; /* its body was bad: it counts there */
    r->last_skipped = NULL;
    r->segmented = false;
    add_bad(r, b, record.offset, e->message);
    return 1;
  }
  r->last_skipped = NULL;
  if (record.kind == WARC_OTHER || (record.kind == WARC_RESOURCE && !is_http(record.uri))) {
    if (record.segment > 1 && r->segmented && (got = read_segment(r, b, &record, e)) != 0) return got;
    skip(r, record.type, record.offset);
    return 1;
  }
  struct item *item = add_item(b);
  r->segmented = false;
  item->kind = record.kind == WARC_RESPONSE ? ITEM_RESPONSE : record.kind == WARC_RESOURCE ? ITEM_RESOURCE : ITEM_CONVERSION;
  item->truncated = record.truncated.len > 0;
  item->offset = (int64_t)record.offset;
  item->length = -1;
  put_id(r, b, item, &record);
  item->url = put(b, record.uri);
  item->date = put(b, record.date);
  item->content_type = put(b, record.content_type);
  item->identified_type = put(b, record.identified_type);
  if (o->index || o->check_digests) {
    item->file = put(b, slice_of(input_name(r->input)));
    item->block_digest = put(b, record.block_digest);
    item->payload_digest = put(b, record.payload_digest);
  }
  enum reject too_long;
  if (record.length > (uint64_t)content_length_limit(&o->content, &too_long)) {
    item->reject = record.length > (uint64_t)o->content.max_record ? REJECT_MAX_RECORD : too_long;
    if (o->index) warc_extent(r->reader, &item->offset, &item->length);
    return 1;
  }
  struct slice body, id = record.id; /* the id lies in the header, which stays */
  bool begins = record.segment == 1 && id.len;
  got = warc_body(r->reader, &body, e);
  if (got < 0) return -1;
  if (got == WARC_BAD) {
    b->item_count--;
    add_bad(r, b, record.offset, e->message);
    return 1;
  }
  item->body = put(b, body);
  if (o->index) warc_extent(r->reader, &item->offset, &item->length);
  if (begins) {
    r->segmented = true;
    r->segment = 1;
    buffer_clear(&r->segment_id);
    buffer_append_slice(&r->segment_id, id);
  }
  return 1;
}

/* Opens what comes next: 1, or 0 at the end, or -1. */
static int open_input(struct records *r, struct batch *b, struct err *e) {
  if (r->options->cdx) return open_range(r, b, e);
  if (r->next == r->count) return 0;
  return open_next(r, e) ? -1 : 1;
}

static int read_batch(void *context, void *batch, struct err *e) {
  struct records *r = context;
  struct batch *b = batch;
  b->item_count = 0;
  b->bytes.len = b->out.len = b->rejects.len = b->index.len = 0;
  b->raw_bytes = 0;
  memset(&b->counts, 0, sizeof b->counts);
  r->segmented = false;
  if (b->bytes.capacity > 64 << 20) buffer_release(&b->bytes); /* after a giant */
  /* a record in segments stays in one batch with them */
  while ((b->bytes.len < BATCH_BYTES && b->item_count < BATCH_ITEMS) || r->segmented) {
    if (!r->input) {
      int more = open_input(r, b, e);
      if (more < 0) return -1;
      if (more == 0) break;
      if (!r->input) continue;
    }
    int got = r->options->html ? read_page(r, b, e) : read_record(r, b, e);
    if (got < 0) return err_prefix(e, "%s:%llu", input_name(r->input), (unsigned long long)input_position(r->input));
    if (got == 0 && r->cdx && r->range_seen == 0) add_bad_range(r, b, "no record at this offset");
    if (r->cdx && r->range.length == 0 && r->range_seen) got = 0; /* one record was asked for */
    uint64_t raw = input_raw_read(r->input) - (r->cdx ? r->range.offset : 0);
    b->raw_bytes += raw - r->raw_seen;
    r->raw_seen = raw;
    if (got == 0) close_input(r);
  }
  return b->item_count > 0 || b->raw_bytes > 0;
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->bytes.len; }

/* ---- worker */

static struct slice sanitized(struct buffer *to, struct slice s) {
  if (utf8_valid_prefix(s.data, s.len) == s.len && (s.len == 0 || !memchr(s.data, '\0', s.len))) return s;
  uint64_t invalid = 0, nul = 0;
  buffer_clear(to);
  utf8_sanitize(to, s.data, s.len, &invalid, &nul);
  return buffer_slice(to);
}

/* Counts what the record's digests say; the label of one that is wrong, or NULL.  What crawlers take for the payload differs:
 * the body as it was sent, or with its chunks joined. */
static const char *check_digests(struct worker *w, struct batch *b, const struct item *item) {
  struct slice body = get(b, item->body), block = get(b, item->block_digest), payload = get(b, item->payload_digest);
  const char *wrong = NULL;
  if (item->reject || item->joined) {
    b->counts.digests_unknown += (block.len > 0) + (payload.len > 0);
    return NULL;
  }
  for (int i = 0; i < 2; i++) {
    struct slice label = i ? payload : block;
    if (!label.len) continue;
    enum digest_result result;
    if (i && item->kind == ITEM_RESPONSE) {
      struct http_response response;
      http_parse(&w->http, body, &response);
      result = digest_check(w->digest, label, response.body);
      if (result == DIGEST_WRONG && response.chunked) result = digest_check(w->digest, label, http_unchunked(&w->http, &response));
      if (result == DIGEST_WRONG && item->truncated) result = DIGEST_UNKNOWN; /* some take it of the whole payload */
    } else {
      result = digest_check(w->digest, label, body);
    }
    if (result == DIGEST_UNKNOWN) b->counts.digests_unknown++;
    else b->counts.digests_checked++;
    if (result == DIGEST_WRONG) {
      b->counts.digests_wrong++;
      if (!wrong) wrong = i ? "WARC-Payload-Digest" : "WARC-Block-Digest";
    }
  }
  return wrong;
}

static void make_bad(struct batch *b, struct item *item, const char *what) {
  size_t at = b->bytes.len;
  buffer_reserve(&b->bytes, item->file.len + 100); /* the name below lies in it */
  buffer_append_slice(&b->bytes, get(b, item->file));
  buffer_printf(&b->bytes, ":%lld: %s does not fit the record", (long long)item->offset, what);
  item->kind = ITEM_BAD;
  item->message = (struct span){at, b->bytes.len - at};
}

static void add_row(struct worker *w, struct batch *b, const struct item *item, struct slice id, struct slice url, struct slice date) {
  struct slice payload = get(b, item->payload_digest);
  struct index_row row = {.id = id, .url = url, .date = date, .offset = item->offset, .length = item->length,
                          .digest = payload.len ? payload : get(b, item->block_digest), .filename = get(b, item->file), .mime = get(b, item->content_type)};
  if (item->kind == ITEM_RESPONSE && !item->reject) {
    struct http_response response;
    http_parse(&w->http, get(b, item->body), &response);
    row.status = response.status;
    if (response.status) row.mime = response.content_type;
  }
  const char *semicolon = row.mime.len ? memchr(row.mime.data, ';', row.mime.len) : NULL;
  if (semicolon) row.mime.len = (size_t)(semicolon - row.mime.data);
  row.mime = slice_trim(row.mime);
  if (utf8_valid_prefix(row.mime.data, row.mime.len) < row.mime.len) row.mime.len = 0;
  if (utf8_valid_prefix(row.digest.data, row.digest.len) < row.digest.len) row.digest.len = 0;
  index_write(&b->index, &row);
}

static enum content_kind content_kind(enum item_kind kind) {
  switch (kind) {
    case ITEM_RESPONSE: return CONTENT_RESPONSE;
    case ITEM_RESOURCE: return CONTENT_RESOURCE;
    case ITEM_CONVERSION: return CONTENT_TEXT;
    default: return CONTENT_PAGE;
  }
}

static int work(void *context, int index, void *batch, struct err *e) {
  (void)e;
  struct records *r = context;
  struct worker *w = &r->workers[index];
  struct batch *b = batch;
  for (size_t i = 0; i < b->item_count; i++) {
    struct item *item = &b->items[i];
    b->counts.in++;
    const char *wrong = item->kind != ITEM_BAD && r->options->check_digests ? check_digests(w, b, item) : NULL;
    if (wrong) make_bad(b, item, wrong);
    if (item->kind == ITEM_BAD) {
      b->counts.bad++;
      continue;
    }
    b->counts.truncated += item->truncated;
    struct slice text = {"", 0};
    struct content_source source = {.kind = content_kind(item->kind), .body = get(b, item->body), .content_type = get(b, item->content_type),
                                    .identified_type = get(b, item->identified_type)};
    enum reject reject = item->reject ? item->reject : content_text(w->content, &source, &text, &b->counts.replaced);
    struct slice id = sanitized(&w->id, get(b, item->id)), url = sanitized(&w->url, get(b, item->url)), date = get(b, item->date);
    if (utf8_valid_prefix(date.data, date.len) < date.len) date.len = 0;
    if (r->options->index) add_row(w, b, item, id, url, date);
    if (reject == REJECT_NONE) {
      b->counts.out++;
      if (r->options->content.features) buffer_append_slice(&b->out, text);
      else if (r->boilerplate) boilerplate_put(&b->out, id, url, date, text);
      else document_write_fields(&b->out, r->program->jsonl ? DOCUMENT_JSONL : DOCUMENT_TSV, id, url, date, text);
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
  r->counts.truncated += b->counts.truncated;
  r->counts.digests_checked += b->counts.digests_checked;
  r->counts.digests_wrong += b->counts.digests_wrong;
  r->counts.digests_unknown += b->counts.digests_unknown;
  for (int i = 0; i < REJECT_COUNT; i++) r->counts.rejected[i] += b->counts.rejected[i];
  if (r->boilerplate ? boilerplate_add(r->boilerplate, buffer_slice(&b->out), e) : output_write(r->output, b->out.data, b->out.len, e)) return -1;
  if (r->rejects && output_write(r->rejects, b->rejects.data, b->rejects.len, e)) return -1;
  if (r->options->index && output_write(r->options->index, b->index.data, b->index.len, e)) return -1;
  r->in_bytes += b->raw_bytes;
  progress_add(r->program->progress, b->raw_bytes, b->counts.in);
  return 0;
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  free(b->items);
  buffer_release(&b->bytes);
  buffer_release(&b->out);
  buffer_release(&b->rejects);
  buffer_release(&b->index);
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
  stats_int(s, "in_bytes", (int64_t)r->in_bytes);
  stats_int(s, "records", (int64_t)(r->counts.in + skipped + r->segments));
  stats_int(s, "truncated", (int64_t)r->counts.truncated);
  stats_int(s, "segments", (int64_t)r->segments);
  if (r->options->check_digests) {
    stats_int(s, "digests.checked", (int64_t)r->counts.digests_checked);
    stats_int(s, "digests.wrong", (int64_t)r->counts.digests_wrong);
    stats_int(s, "digests.unknown", (int64_t)r->counts.digests_unknown);
  }
  stats_int(s, "replaced_characters", (int64_t)r->counts.replaced);
  if (r->counts.bad > WARNINGS_MAX) program_warn(r->program, "%llu more bad records", (unsigned long long)(r->counts.bad - WARNINGS_MAX));
}

/* The documents that went to the scratch file; one that has nothing left is empty. */
static int write_without_boilerplate(struct records *r, struct err *e) {
  struct boilerplate_document document;
  struct buffer line = {0};
  uint64_t lines = 0, bytes = 0;
  int got;
  while ((got = boilerplate_next(r->boilerplate, &document, e)) > 0) {
    lines += document.lines;
    bytes += document.bytes;
    buffer_clear(&line);
    bool empty = slice_trim(document.text).len == 0;
    if (empty) {
      r->counts.out--;
      r->counts.rejected[REJECT_EMPTY]++;
      if (!r->rejects) continue;
      buffer_printf(&line, "warc2txt:%s\t", reject_names[REJECT_EMPTY]);
    }
    document_write_fields(&line, r->program->jsonl && !empty ? DOCUMENT_JSONL : DOCUMENT_TSV, document.id, document.url, document.date, document.text);
    if (output_write(empty ? r->rejects : r->output, line.data, line.len, e)) got = -1;
    if (got < 0) break;
  }
  buffer_release(&line);
  stats_int(r->program->stats, "boilerplate.lines", (int64_t)lines);
  stats_int(r->program->stats, "boilerplate.bytes", (int64_t)bytes);
  return got < 0 ? -1 : 0;
}

int records_run(struct program *p, const struct records_options *options, char *const *names, int count, struct output *output, struct output *rejects,
                struct err *e) {
  struct records r = {.program = p, .options = options, .names = names, .count = count, .output = output, .rejects = rejects, .skipped = hashmap_new()};
  int jobs = (int)p->jobs, result = 0;
  if (options->cdx && cdx_open(&r.cdx, options->cdx, e)) result = -1;
  if (result == 0 && options->index) {
    struct buffer header = {0};
    index_write_header(&header);
    result = output_write(options->index, header.data, header.len, e);
    buffer_release(&header);
  }
  r.workers = NEW_ARRAY(struct worker, (size_t)jobs);
  for (int i = 0; i < jobs; i++) {
    r.workers[i].content = content_new(&options->content);
    r.workers[i].digest = digest_new();
  }
  struct pipeline pipeline = {.context = &r, .batch_size = sizeof(struct batch), .read = read_batch, .work = work, .write = write_batch,
                              .release = release_batch, .weigh = weigh_batch, .memory = p->memory};
  if (result == 0 && options->site_boilerplate) r.boilerplate = boilerplate_new(p->tmpdir, p->memory / 4);
  if (result == 0) {
    result = pipeline_run(&pipeline, jobs, e);
    if (result == 0 && r.boilerplate) result = write_without_boilerplate(&r, e);
    report(&r);
  }
  close_input(&r);
  boilerplate_free(r.boilerplate);
  cdx_close(r.cdx);
  buffer_release(&r.path);
  buffer_release(&r.segment_id);
  for (int i = 0; i < jobs; i++) {
    struct worker *w = &r.workers[i];
    content_free(w->content);
    http_decoder_release(&w->http);
    digest_free(w->digest);
    buffer_release(&w->id);
    buffer_release(&w->url);
  }
  free(r.workers);
  hashmap_free(r.skipped);
  if (result == 0 && p->strict && r.counts.bad) return err_set(e, "%llu bad records (--strict)", (unsigned long long)r.counts.bad);
  return result;
}
