/* SPDX-License-Identifier: MIT
 *
 * A line is cut into fields that lie in it, or for JSON and quoted CSV in a scratch buffer.  One line is read ahead, so that
 * ranges that touch are joined: a crawl's index sorted by file and offset then needs one request a stretch.
 */
#include "tools/warc2txt/archive/cdx.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/io/input.h"

enum { FIELDS_MAX = 256 };

struct layout {             /* where a line's fields stand; -1: not there */
  int filename, offset, length;
};

struct entry {
  struct buffer filename;
  uint64_t offset, length, line, records;
};

struct cdx {
  struct input *in;
  uint64_t line;
  enum { FORM_CDX, FORM_TABLE } form;
  char delimiter;           /* of CDX and of a table */
  bool named;               /* a header gave the layout */
  struct layout layout;
  struct entry now, ahead;
  bool has_ahead;
  int pending;              /* what stopped the joining, to be given next: CDX_BAD, CDX_END or -1; 1 for none */
  uint64_t pending_line;
  struct err pending_error;
  struct buffer scratch;
};

int cdx_open(struct cdx **out, const char *name, struct err *e) {
  struct input *in;
  if (input_open(&in, name, NULL, e)) return -1;
  struct cdx *c = NEW(struct cdx);
  c->in = in;
  c->pending = 1;
  *out = c;
  return 0;
}

void cdx_close(struct cdx *c) {
  if (!c) return;
  input_close(c->in);
  buffer_release(&c->now.filename);
  buffer_release(&c->ahead.filename);
  buffer_release(&c->scratch);
  free(c);
}

/* ---- fields */

static bool natural(struct slice s, uint64_t *value) {
  *value = 0;
  if (s.len == 0 || s.len > 18) return false;
  for (size_t i = 0; i < s.len; i++) {
    if (s.data[i] < '0' || s.data[i] > '9') return false;
    *value = *value * 10 + (uint64_t)(s.data[i] - '0');
  }
  return true;
}

/* Cuts at each delimiter.  CSV: a field in quotes may hold it, and "" is a quote; such fields go to `scratch`. */
static int cut(struct cdx *c, struct slice line, char delimiter, struct slice *fields) {
  int count = 0;
  size_t at = 0;
  buffer_clear(&c->scratch);
  buffer_reserve(&c->scratch, line.len);
  while (count < FIELDS_MAX) {
    if (delimiter == ',' && at < line.len && line.data[at] == '"') {
      size_t start = c->scratch.len;
      for (at++; at < line.len; at++) {
        if (line.data[at] == '"' && !(at + 1 < line.len && line.data[at + 1] == '"')) break;
        if (line.data[at] == '"') at++;
        buffer_put(&c->scratch, line.data[at]);
      }
      fields[count++] = (struct slice){c->scratch.data + start, c->scratch.len - start};
      while (at < line.len && line.data[at] != delimiter) at++;
    } else {
      size_t start = at;
      while (at < line.len && line.data[at] != delimiter) at++;
      fields[count++] = (struct slice){line.data + start, at - start};
    }
    if (at == line.len) break;
    at++;
  }
  return count;
}

static struct slice field(const struct slice *fields, int count, int at) { return at >= 0 && at < count ? fields[at] : (struct slice){0}; }

/* " CDX N b a m s k r M S V g": the first byte of the line is the delimiter. */
static bool cdx_header(struct cdx *c, struct slice line) {
  if (line.len < 6 || memcmp(line.data + 1, "CDX", 3) != 0 || line.data[4] != line.data[0]) return false;
  struct slice fields[FIELDS_MAX];
  int count = cut(c, (struct slice){line.data + 5, line.len - 5}, line.data[0], fields);
  c->layout = (struct layout){-1, -1, -1};
  int raw = -1; /* v: in the file as it is, for what is not compressed */
  for (int i = 0; i < count; i++) {
    char letter = fields[i].len == 1 ? fields[i].data[0] : 0;
    if (letter == 'g') c->layout.filename = i;
    else if (letter == 'V') c->layout.offset = i;
    else if (letter == 'v') raw = i;
    else if (letter == 'S') c->layout.length = i;
  }
  if (c->layout.offset < 0) c->layout.offset = raw;
  c->form = FORM_CDX;
  c->delimiter = line.data[0];
  c->named = true;
  return true;
}

/* A table's first line, recognised by the names of its columns. */
static bool table_header(struct cdx *c, struct slice line) {
  char delimiter = memchr(line.data, '\t', line.len) ? '\t' : ',';
  struct slice fields[FIELDS_MAX];
  struct layout layout = {-1, -1, -1};
  int count = cut(c, line, delimiter, fields);
  for (int i = 0; i < count; i++) {
    struct slice name = slice_trim(fields[i]);
    if (slice_equal(name, SLICE("filename")) || slice_equal(name, SLICE("warc_filename"))) layout.filename = i;
    else if (slice_equal(name, SLICE("offset")) || slice_equal(name, SLICE("warc_record_offset"))) layout.offset = i;
    else if (slice_equal(name, SLICE("length")) || slice_equal(name, SLICE("warc_record_length"))) layout.length = i;
  }
  if (layout.filename < 0 || layout.offset < 0) return false;
  c->form = FORM_TABLE;
  c->delimiter = delimiter;
  c->layout = layout;
  c->named = true;
  return true;
}

/* Where JSON starts in a CDXJ line: at its start, or behind a key and perhaps a time. */
static const char *json_start(struct slice line) {
  const char *brace = memchr(line.data, '{', line.len);
  if (!brace || brace == line.data) return brace;
  int spaces = 0;
  for (const char *p = line.data; p < brace; p++) spaces += *p == ' ';
  return brace[-1] == ' ' && spaces >= 1 && spaces <= 3 ? brace : NULL;
}

static bool json_natural(const json_t *value, uint64_t *n) {
  if (json_is_string(value)) return natural((struct slice){json_string_value(value), json_string_length(value)}, n);
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *n = (uint64_t)json_integer_value(value);
  return true;
}

static int take_json(struct entry *entry, const char *text, size_t n, struct err *e) {
  json_error_t error;
  json_t *object = json_parse(text, n, JSON_REJECT_DUPLICATES, &error);
  if (!object) object = json_parse(text, n, 0, &error);
  if (!object) return err_set(e, "not JSON: %s", error.text);
  const json_t *name = json_object_get(object, "filename"), *length = json_object_get(object, "length");
  int status = 0;
  if (!json_is_string(name)) status = err_set(e, "no filename");
  else if (!json_natural(json_object_get(object, "offset"), &entry->offset)) status = err_set(e, "no offset");
  else if (length && !json_natural(length, &entry->length)) status = err_set(e, "the length is no number");
  else buffer_append(&entry->filename, json_string_value(name), json_string_length(name));
  json_decref(object);
  return status;
}

static void unescape(struct buffer *out, struct slice s) { /* tables of documents: \t \n \r \\ */
  for (size_t i = 0; i < s.len; i++) {
    char c = s.data[i], next = i + 1 < s.len ? s.data[i + 1] : 0;
    char plain = c != '\\' ? 0 : next == 't' ? '\t' : next == 'n' ? '\n' : next == 'r' ? '\r' : next == '\\' ? '\\' : 0;
    buffer_put(out, plain ? plain : c);
    i += plain != 0;
  }
}

static int take_fields(struct cdx *c, struct entry *entry, struct slice line, struct err *e) {
  struct slice fields[FIELDS_MAX];
  char delimiter = c->named ? c->delimiter : memchr(line.data, '\t', line.len) ? '\t' : ' ';
  int count = cut(c, line, delimiter, fields);
  struct layout layout = c->layout;
  if (!c->named) {
    if (count < 9 || count > 11) return err_set(e, "%d fields: a line of CDX has 9, 10 or 11, or a header names them", count);
    layout = (struct layout){count - 1, count - 2, count == 11 ? 8 : -1};
  }
  struct slice name = field(fields, count, layout.filename), offset = field(fields, count, layout.offset), length = field(fields, count, layout.length);
  if (!name.len || slice_equal(name, SLICE("-"))) return err_set(e, "no filename");
  if (!natural(slice_trim(offset), &entry->offset)) return err_set(e, offset.len ? "the offset is no number" : "no offset");
  length = slice_trim(length);
  if (length.len && !slice_equal(length, SLICE("-")) && !natural(length, &entry->length)) return err_set(e, "the length is no number");
  if (c->form == FORM_TABLE && c->delimiter == '\t') unescape(&entry->filename, name);
  else buffer_append_slice(&entry->filename, name);
  return 0;
}

/* ---- lines */

/* The next line that names a range: CDX_RANGE, CDX_BAD, CDX_END or -1. */
static int read_entry(struct cdx *c, struct entry *entry, struct err *e) {
  struct slice line;
  for (int more; (more = input_line(c->in, &line, e)) != 0;) {
    c->line++;
    entry->line = c->line;
    if (more < 0) return err_prefix(e, "%s:%llu", input_name(c->in), (unsigned long long)c->line);
    while (line.len && line.data[line.len - 1] == '\r') line.len--;
    if (line.len == 0 || line.data[0] == '!' || line.data[0] == '#') continue; /* "!meta ..." of CDXJ */
    if (cdx_header(c, line)) continue;
    entry->offset = entry->length = 0;
    entry->records = 1;
    buffer_clear(&entry->filename);
    const char *json = c->named && c->form == FORM_TABLE ? NULL : json_start(line);
    if (!json && table_header(c, line)) continue;
    int status = json ? take_json(entry, json, (size_t)(line.data + line.len - json), e) : take_fields(c, entry, line, e);
    if (status == 0 && entry->filename.len == 0) status = err_set(e, "no filename");
    if (status == 0 && memchr(entry->filename.data, '\0', entry->filename.len)) status = err_set(e, "a NUL in the filename");
    if (status == 0 && entry->offset > INT64_MAX - entry->length) status = err_set(e, "the offset is too large");
    return status ? CDX_BAD : CDX_RANGE;
  }
  return CDX_END;
}

int cdx_next(struct cdx *c, struct cdx_range *range, struct err *e) {
  memset(range, 0, sizeof *range);
  if (!c->has_ahead) {
    int got = c->pending;
    c->pending = 1;
    if (got != 1) {
      range->line = c->pending_line;
      *e = c->pending_error;
      if (got != CDX_BAD) c->pending = got; /* the end and errors stay */
      return got;
    }
    got = read_entry(c, &c->now, e);
    range->line = c->now.line;
    if (got != CDX_RANGE) return got;
  } else {
    struct entry swap = c->now;
    c->now = c->ahead, c->ahead = swap;
    c->has_ahead = false;
  }
  while (c->now.length && c->pending == 1) {
    int got = read_entry(c, &c->ahead, &c->pending_error);
    if (got != CDX_RANGE) {
      c->pending = got;
      c->pending_line = c->ahead.line;
      break;
    }
    bool touches = c->ahead.length && c->ahead.offset == c->now.offset + c->now.length && slice_equal(buffer_slice(&c->ahead.filename), buffer_slice(&c->now.filename));
    if (!touches) {
      c->has_ahead = true;
      break;
    }
    c->now.length += c->ahead.length;
    c->now.records++;
  }
  *range = (struct cdx_range){{buffer_string(&c->now.filename), c->now.filename.len}, c->now.offset, c->now.length, c->now.line, c->now.records};
  return CDX_RANGE;
}
