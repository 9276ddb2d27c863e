/* SPDX-License-Identifier: MIT
 *
 * WARC: "WARC/1.0" CRLF, fields "Name: value" CRLF, an empty line, Content-Length bytes, CRLF CRLF (ISO 28500:2017).
 * ARC: a line "URL IP date [type ...] length" LF, length bytes, LF; the first record is filedesc:// (Internet Archive,
 * ARC file format, 1996).  Accepted beside that: bare LF, folded fields, missing or extra empty lines between records.
 *
 * The unit of damage is a gzip member where there are members, else the stretch up to the next line that starts a
 * record.  A length that does not fit is found by what stands after the body: when that is neither an empty line nor a
 * record, and a record starts inside the body, the length is wrong and reading goes on at that record.
 */
#include "tools/warc2txt/archive/warc.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

enum { HEADER_MAX = 1 << 20, HEADER_STEP = 4096, SCAN_WINDOW = 1 << 16, JOINED_USED = 1 << 16 };

struct warc_reader {
  struct input *in;
  struct buffer joined;     /* bytes of a record that crosses gzip members, from joined_at on */
  size_t joined_at;
  uint64_t member_start;    /* input_position() where the current member began */
  uint64_t left;            /* bytes of the current record's body not consumed yet */
  uint64_t size;            /* of the file when it was last looked at */
  uint64_t offset;          /* of the current record */
  uint64_t start;           /* ... in the stream: input_position() */
  bool leads;               /* it is the first of a gzip member */
  bool arc;                 /* an ARC header was seen */
  bool ended;
  bool fresh;               /* nothing of this member is consumed yet */
  bool truncated;           /* the last window_peek() met damage, not an end */
  bool checked;             /* warc_body() found the current record's length right */
  struct err damage;
  struct buffer header;     /* unfolded fields of the current record */
  char date[24];
};

struct warc_reader *warc_reader_new(struct input *in) {
  struct warc_reader *r = NEW(struct warc_reader);
  r->in = in;
  r->fresh = true;
  return r;
}

void warc_reader_free(struct warc_reader *r) {
  if (!r) return;
  buffer_release(&r->joined);
  buffer_release(&r->header);
  free(r);
}

/* ---- what a record starts with */

static bool digit(char c) { return c >= '0' && c <= '9'; }

static bool starts_warc(const char *s, size_t n) {
  return n >= 6 && (s[0] | 32) == 'w' && (s[1] | 32) == 'a' && (s[2] | 32) == 'r' && (s[3] | 32) == 'c' && s[4] == '/' && digit(s[5]);
}

struct arc_line {
  struct slice url, date, type;
  uint64_t length;
  bool has_length;
};

/* One line without its end.  Fields are cut from the right, because URLs of old crawls hold spaces. */
static bool parse_arc_line(struct slice line, struct arc_line *out) {
  if (line.len && line.data[line.len - 1] == '\r') line.len--;
  const char *colon = memchr(line.data, ':', line.len);
  if (!colon || colon == line.data || line.len > 64 * 1024) return false;
  for (const char *p = line.data; p < colon; p++)
    if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (p > line.data && (digit(*p) || *p == '+' || *p == '-' || *p == '.')))) return false;
  size_t end = line.len, space = end;
  while (space > 0 && line.data[space - 1] != ' ') space--;
  if (space == 0) return false;
  out->has_length = space < end && end - space <= 19;
  out->length = 0;
  for (size_t i = space; i < end; i++) {
    if (!digit(line.data[i])) out->has_length = false;
    else out->length = out->length * 10 + (uint64_t)(line.data[i] - '0');
  }
  /* the date is the last field of 8 to 20 digits before the length */
  size_t type_end = space - 1, field_end = type_end;
  for (;;) {
    size_t start = field_end;
    while (start > 0 && line.data[start - 1] != ' ') start--;
    if (start == 0) return false;
    size_t digits = 0;
    while (start + digits < field_end && digit(line.data[start + digits])) digits++;
    if (digits >= 8 && digits <= 20 && start + digits == field_end) {
      out->date = (struct slice){line.data + start, digits};
      size_t from = field_end < type_end ? field_end + 1 : type_end, to = from;
      while (to < type_end && line.data[to] != ' ') to++;
      out->type = (struct slice){line.data + from, to - from};
      if (to > from && line.data[to - 1] == ';') out->type.len--;
      size_t ip = start - 1;
      while (ip > 0 && line.data[ip - 1] != ' ') ip--;
      if (ip == 0) return false;
      out->url = (struct slice){line.data, ip - 1};
      return true;
    }
    field_end = start - 1;
  }
}

static bool starts_arc(const char *s, size_t n) {
  const char *end = memchr(s, '\n', n);
  struct arc_line line;
  return end && parse_arc_line((struct slice){s, (size_t)(end - s)}, &line);
}

static bool starts_record(const struct warc_reader *r, const char *s, size_t n) {
  return starts_warc(s, n) || (n >= 11 && memcmp(s, "filedesc://", 11) == 0) || (r->arc && starts_arc(s, n));
}

/* ---- a window that may cross members */

/* Makes `want` bytes visible; fewer at the end of the member, or with `cross` at the end of the stream or before a
 * member that starts a record.  Damage ends the window too and sets r->truncated. */
static void window_peek(struct warc_reader *r, size_t want, bool cross, const char **data, size_t *available) {
  struct err e;
  r->truncated = false;
  if (r->joined.len == r->joined_at) {
    r->joined.len = r->joined_at = 0;
    if (input_peek(r->in, want, data, available, &e) < 0) {
      r->truncated = true;
      r->damage = e;
      *available = 0;
      return;
    }
    if (*available >= want || !cross) return;
    buffer_append(&r->joined, *data, *available);
    input_consume(r->in, *available);
  }
  while (r->joined.len - r->joined_at < want && cross) {
    const char *more;
    size_t n;
    if (input_peek(r->in, 1, &more, &n, &e) < 0) {
      r->truncated = true;
      r->damage = e;
      break;
    }
    if (n == 0) {
      int next = input_next_member(r->in, &e);
      if (next <= 0) {
        if (next < 0) {
          r->truncated = true;
          r->damage = e;
        } else {
          r->ended = true;
        }
        break;
      }
      r->member_start = input_position(r->in);
      r->fresh = true;
      if (input_peek(r->in, HEADER_STEP, &more, &n, &e) < 0) {
        r->truncated = true;
        r->damage = e;
        break;
      }
      if (starts_record(r, more, n)) break;
      if (n == 0) continue;
    } else if (r->fresh && starts_record(r, more, n)) {
      break;
    }
    size_t need = want - (r->joined.len - r->joined_at), take = n < need ? n : need;
    if (take < n && n - take < HEADER_STEP) take = n;
    if (r->joined_at > JOINED_USED && r->joined_at > r->joined.len / 2) { /* where no record ends with its member, it would grow for ever */
      memmove(r->joined.data, r->joined.data + r->joined_at, r->joined.len -= r->joined_at);
      r->joined_at = 0;
    }
    buffer_append(&r->joined, more, take);
    input_consume(r->in, take);
    r->fresh = false;
  }
  *data = r->joined.data ? r->joined.data + r->joined_at : "";
  *available = r->joined.len - r->joined_at;
}

static void window_consume(struct warc_reader *r, size_t n) {
  if (r->joined.len > r->joined_at) {
    r->joined_at += n;
  } else if (n) {
    input_consume(r->in, n);
    r->fresh = false;
  }
}

static uint64_t window_offset(const struct warc_reader *r) {
  uint64_t position = input_position(r->in) - (r->joined.len - r->joined_at);
  if (input_is_gzip(r->in)) return position == r->member_start ? input_member_offset(r->in) : position;
  return position + input_member_offset(r->in);
}

/* ---- damage */

static int bad(struct warc_reader *r, struct warc_record *record, struct err *e, const char *what) {
  memset(record, 0, sizeof *record);
  record->kind = WARC_OTHER;
  record->offset = r->offset;
  r->left = 0;
  err_set(e, "%s", what);
  return WARC_BAD;
}

/* After damage in the compressed stream: drops what is joined and goes to the next member. */
static int recover(struct warc_reader *r, struct warc_record *record, struct err *e) {
  struct err damage = r->damage, later;
  r->joined.len = r->joined_at = 0;
  r->left = 0;
  if (!input_damaged(r->in)) { /* not the data's fault: a disk, a server */
    *e = damage;
    return -1;
  }
  int found = input_resync(r->in, &later);
  if (found < 0) {
    *e = later;
    return -1;
  }
  if (found <= 0) r->ended = true;
  r->member_start = input_position(r->in);
  r->fresh = true;
  return bad(r, record, e, damage.message);
}

/* Consumes up to the next line that starts a record, or to the end of the member.  `from`: bytes at the window's start
 * that are known not to. */
static void scan(struct warc_reader *r, size_t from) {
  bool line_start = false; /* the byte before the window was a newline */
  for (;;) {
    const char *data;
    size_t n;
    window_peek(r, SCAN_WINDOW, false, &data, &n);
    if (r->truncated || n == 0) return;
    size_t at = from < n ? from : n;
    bool last = n < SCAN_WINDOW;
    if (!(line_start && at == 0)) {
      const char *newline = at < n ? memchr(data + at, '\n', n - at) : NULL;
      at = newline ? (size_t)(newline - data) + 1 : n;
    }
    while (at < n) {
      /* a start at the end of the window waits until more of it is visible */
      if (!last && n - at < HEADER_STEP) break;
      if (starts_record(r, data + at, n - at)) {
        window_consume(r, at);
        return;
      }
      const char *newline = memchr(data + at, '\n', n - at);
      at = newline ? (size_t)(newline - data) + 1 : n;
    }
    if (at > n) at = n;
    line_start = at > 0 && data[at - 1] == '\n';
    from = 0;
    window_consume(r, at);
  }
}

/* Where a WARC record starts inside data, at a line start, or n. */
static size_t find_record(const struct warc_reader *r, const char *data, size_t n) {
  if (!r->arc) {
    for (const char *p = data; (p = memmem(p, n - (size_t)(p - data), "\nWARC/", 6)); p++)
      if (starts_warc(p + 1, n - (size_t)(p + 1 - data))) return (size_t)(p + 1 - data);
    return n;
  }
  for (const char *p = data; (p = memchr(p, '\n', n - (size_t)(p - data))); p++)
    if (starts_record(r, p + 1, n - (size_t)(p + 1 - data))) return (size_t)(p + 1 - data);
  return n;
}

/* ---- fields */

static void take_field(struct warc_record *record, struct slice name, struct slice value, bool *has_length, bool *bad_length) {
  static const struct {
    const char *name;
    size_t at;
  } fields[] = {
    {"WARC-Record-ID", offsetof(struct warc_record, id)},
    {"WARC-Refers-To", offsetof(struct warc_record, refers_to)},
    {"WARC-Target-URI", offsetof(struct warc_record, uri)},
    {"WARC-Date", offsetof(struct warc_record, date)},
    {"Content-Type", offsetof(struct warc_record, content_type)},
    {"WARC-Identified-Payload-Type", offsetof(struct warc_record, identified_type)},
    {"WARC-Block-Digest", offsetof(struct warc_record, block_digest)},
    {"WARC-Payload-Digest", offsetof(struct warc_record, payload_digest)},
    {"WARC-Truncated", offsetof(struct warc_record, truncated)},
    {"WARC-Segment-Origin-ID", offsetof(struct warc_record, segment_origin)},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (!slice_equal_nocase(name, slice_of(fields[i].name))) continue;
    struct slice *slot = (struct slice *)((char *)record + fields[i].at);
    if (!slot->len) *slot = value;
    return;
  }
  if (slice_equal_nocase(name, SLICE("WARC-Type"))) {
    record->type = value;
    record->kind = slice_equal_nocase(value, SLICE("response")) ? WARC_RESPONSE
                   : slice_equal_nocase(value, SLICE("resource")) ? WARC_RESOURCE
                   : slice_equal_nocase(value, SLICE("conversion")) ? WARC_CONVERSION : WARC_OTHER;
  } else if (slice_equal_nocase(name, SLICE("Content-Length")) && !*has_length) {
    uint64_t length = 0;
    bool good = value.len > 0 && value.len <= 18;
    for (size_t i = 0; i < value.len && good; i++) {
      good = digit(value.data[i]);
      length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    record->length = length;
    *has_length = good;
    *bad_length = !good;
  } else if (slice_equal_nocase(name, SLICE("WARC-Segment-Number"))) {
    record->segment = 0;
    for (size_t i = 0; i < value.len && i < 9 && digit(value.data[i]); i++) record->segment = record->segment * 10 + (uint32_t)(value.data[i] - '0');
  }
}

/* Length of the header block with its empty line, 0 when it does not end within the window. */
static size_t header_end(const char *s, size_t n, size_t from) {
  for (const char *p = s + from; (p = memchr(p, '\n', n - (size_t)(p - s))); p++) {
    size_t at = (size_t)(p - s) + 1;
    while (at < n && s[at] == '\r') at++; /* CR CR LF: a text-mode writer was here */
    if (at < n && s[at] == '\n') return at + 1;
  }
  return 0;
}

static int read_warc_header(struct warc_reader *r, struct warc_record *record, struct err *e) {
  const char *data;
  size_t n, end = 0, searched = 0;
  bool cross = false;
  for (size_t want = HEADER_STEP;; want = n + n / 2 + HEADER_STEP) {
    window_peek(r, want, cross, &data, &n);
    end = header_end(data, n, searched > 16 ? searched - 16 : 0);
    searched = n;
    if (end) break;
    if (n < want && !cross) { /* the next member may carry it on */
      cross = true;
      continue;
    }
    if (r->truncated) return recover(r, record, e);
    if (n < want) {
      scan(r, 5);
      return bad(r, record, e, "record header without an empty line at its end");
    }
    if (n > HEADER_MAX) {
      scan(r, 5);
      return bad(r, record, e, "record header above 1 MiB");
    }
  }
  buffer_clear(&r->header);
  buffer_append(&r->header, data, end);
  window_consume(r, end);

  char *s = r->header.data, *stop = s + end;
  char *line = memchr(s, '\n', end);
  line++;
  bool has_length = false, bad_length = false;
  struct slice name = {0}, value = {0};
  while (line < stop) {
    char *newline = memchr(line, '\n', (size_t)(stop - line));
    if (!newline) break;
    char *line_end = newline;
    while (line_end > line && line_end[-1] == '\r') line_end--;
    if (line_end > line && (*line == ' ' || *line == '\t') && name.len) {
      /* folded: blank out the line end between, so that the value is one slice */
      for (char *p = (char *)value.data + value.len; p < line; p++) *p = ' ';
      value.len = (size_t)(line_end - value.data);
    } else {
      if (name.len) take_field(record, name, slice_trim(value), &has_length, &bad_length);
      const char *colon = memchr(line, ':', (size_t)(line_end - line));
      name = colon ? slice_trim((struct slice){line, (size_t)(colon - line)}) : (struct slice){0};
      value = colon ? (struct slice){colon + 1, (size_t)(line_end - colon - 1)} : (struct slice){0};
    }
    line = newline + 1;
  }
  if (name.len) take_field(record, name, slice_trim(value), &has_length, &bad_length);
  if (record->uri.len >= 2 && record->uri.data[0] == '<' && record->uri.data[record->uri.len - 1] == '>') {
    record->uri.data++;
    record->uri.len -= 2;
  }
  if (!has_length) {
    scan(r, 0);
    return bad(r, record, e, bad_length ? "Content-Length is no number" : "record without Content-Length");
  }
  return WARC_RECORD;
}

static void arc_date(struct warc_reader *r, struct slice digits, struct slice *out) {
  char d[15] = "00000101000000";
  memcpy(d, digits.data, digits.len < 14 ? digits.len : 14);
  int len = snprintf(r->date, sizeof r->date, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", d, d + 4, d + 6, d + 8, d + 10, d + 12);
  *out = (struct slice){r->date, (size_t)len};
}

static int read_arc_header(struct warc_reader *r, struct warc_record *record, struct err *e) {
  const char *data, *newline = NULL;
  size_t n;
  bool cross = false;
  for (size_t want = HEADER_STEP;; want = n * 2 > HEADER_STEP ? n * 2 : HEADER_STEP) {
    window_peek(r, want, cross, &data, &n);
    newline = n ? memchr(data, '\n', n) : NULL;
    if (newline) break;
    if (n < want && !cross) {
      cross = true;
      continue;
    }
    if (r->truncated) return recover(r, record, e);
    if (n < want || n > HEADER_MAX) {
      scan(r, 1);
      return bad(r, record, e, "ARC record header without a line end");
    }
  }
  size_t len = (size_t)(newline - data);
  buffer_clear(&r->header);
  buffer_append(&r->header, data, len);
  struct arc_line line;
  if (!parse_arc_line(buffer_slice(&r->header), &line)) {
    scan(r, 1);
    return bad(r, record, e, "malformed ARC record header");
  }
  window_consume(r, len + 1);
  if (!line.has_length) {
    scan(r, 0);
    return bad(r, record, e, "ARC record without a length");
  }
  record->arc = true;
  record->uri = line.url;
  record->content_type = line.type;
  record->length = line.length;
  arc_date(r, line.date, &record->date);
  record->kind = slice_starts_nocase(line.url, SLICE("http://")) || slice_starts_nocase(line.url, SLICE("https://")) ? WARC_RESPONSE : WARC_OTHER;
  record->type = record->kind == WARC_RESPONSE ? SLICE("response") : slice_starts(line.url, SLICE("filedesc:")) ? SLICE("filedesc") : SLICE("resource");
  return WARC_RECORD;
}

/* ---- bodies */

/* Before the body is read or skipped: is the length plausible?  0 yes, WARC_BAD after going on past the record. */
static int check_length(struct warc_reader *r, struct warc_record *record, struct err *e) {
  if (r->left <= r->size || !input_is_plain(r->in)) return 0;
  int64_t size = input_raw_size(r->in);
  r->size = size < 0 ? UINT64_MAX : (uint64_t)size;
  if (r->left > r->size) {
    scan(r, 0);
    return bad(r, record, e, "Content-Length is larger than the file");
  }
  return 0;
}

/* The input stands at the start of a member that starts a record: what comes belongs to that one. */
static bool at_next_record(struct warc_reader *r) {
  if (!r->fresh || r->joined.len > r->joined_at) return false;
  const char *data;
  size_t n;
  window_peek(r, HEADER_STEP, false, &data, &n);
  return n && starts_record(r, data, n);
}

int warc_body(struct warc_reader *r, struct slice *body, struct err *e) {
  struct warc_record record;
  const char *data;
  size_t n, length = (size_t)r->left;
  int wrong = check_length(r, &record, e);
  if (wrong) return wrong;
  if (length && at_next_record(r)) return bad(r, &record, e, "truncated record");
  window_peek(r, length, false, &data, &n);
  if (n < length) window_peek(r, length, true, &data, &n);
  if (n < length) {
    bool damaged = r->truncated;
    size_t next = find_record(r, data, n);
    if (next < n) {
      window_consume(r, next);
      return bad(r, &record, e, "wrong Content-Length: another record starts before it is reached");
    }
    window_consume(r, n);
    if (damaged) return recover(r, &record, e);
    return bad(r, &record, e, "truncated record");
  }
  /* what stands behind the body tells whether the length was right */
  size_t tail;
  window_peek(r, length + 6, false, &data, &tail);
  if (tail > length && data[length] != '\r' && data[length] != '\n' && !starts_record(r, data + length, tail - length)) {
    size_t next = find_record(r, data, length);
    if (next < length) {
      window_consume(r, next);
      return bad(r, &record, e, "wrong Content-Length: another record starts before it is reached");
    }
  }
  *body = (struct slice){data, length};
  r->checked = true;
  return WARC_RECORD;
}

uint64_t warc_left(const struct warc_reader *r) { return r->left; }

void warc_extent(struct warc_reader *r, int64_t *offset, int64_t *length) {
  bool gzip = input_is_gzip(r->in);
  *offset = *length = -1;
  if ((gzip ? !r->leads : !input_is_plain(r->in)) || r->joined.len > r->joined_at) return;
  *offset = (int64_t)r->offset;
  const char *data;
  size_t n, left = (size_t)r->left;
  if (gzip && !r->checked) return; /* its body is not held: where the member ends is not known */
  if (!r->checked) {
    *length = (int64_t)(input_position(r->in) - r->start + r->left);
    return;
  }
  window_peek(r, left + HEADER_STEP, false, &data, &n);
  size_t end = left;
  while (end < n && end < left + 4 && (data[end] == '\r' || data[end] == '\n')) end++;
  if (!gzip) *length = (int64_t)(input_position(r->in) - r->start + end);
  else if (end == n && !r->truncated && input_member_end(r->in)) *length = (int64_t)(input_member_end(r->in) - r->offset);
  if (*length < 0) *offset = -1;
}

/* Skips what is left of the body: 0, WARC_BAD or -1. */
static int skip_body(struct warc_reader *r, struct warc_record *record, struct err *e) {
  int wrong = check_length(r, record, e);
  if (wrong) return wrong;
  if (r->left <= SCAN_WINDOW && !r->checked) { /* small: look whether the length was right */
    struct slice body;
    wrong = warc_body(r, &body, e);
    if (wrong != WARC_RECORD) {
      memset(record, 0, sizeof *record);
      record->kind = WARC_OTHER;
      record->offset = r->offset;
      return wrong;
    }
  }
  while (r->left) {
    const char *data;
    size_t n;
    if (at_next_record(r)) return bad(r, record, e, "truncated record");
    window_peek(r, 1, false, &data, &n);
    if (r->truncated) return recover(r, record, e);
    if (n == 0) { /* a member that starts no record carries the body on */
      int next = r->ended ? 0 : input_next_member(r->in, e);
      if (next < 0) {
        r->damage = *e;
        return recover(r, record, e);
      }
      if (next == 0) {
        r->ended = true;
        return bad(r, record, e, "truncated record");
      }
      r->member_start = input_position(r->in);
      r->fresh = true;
      continue;
    }
    size_t take = n < r->left ? n : (size_t)r->left;
    window_consume(r, take);
    r->left -= take;
  }
  return 0;
}

/* ---- next */

int warc_next(struct warc_reader *r, struct warc_record *record, struct err *e) {
  if (r->left) {
    int status = skip_body(r, record, e);
    if (status) return status;
  }
  for (;;) {
    const char *data;
    size_t n;
    if (r->ended && r->joined.len == r->joined_at) return WARC_END;
    window_peek(r, HEADER_STEP, false, &data, &n);
    if (r->truncated) {
      r->offset = window_offset(r);
      return recover(r, record, e);
    }
    if (n == 0) {
      int next = input_next_member(r->in, e);
      if (next < 0) {
        r->offset = window_offset(r);
        r->damage = *e;
        return recover(r, record, e);
      }
      if (next == 0) return WARC_END;
      r->member_start = input_position(r->in);
      r->fresh = true;
      continue;
    }
    /* empty lines between records; zero bytes pad the end of some files */
    size_t blank = 0;
    while (blank < n && (data[blank] == '\r' || data[blank] == '\n' || data[blank] == '\0')) blank++;
    if (blank) {
      window_consume(r, blank);
      continue;
    }
    r->offset = window_offset(r);
    r->start = input_position(r->in) - (r->joined.len - r->joined_at);
    r->leads = r->start == r->member_start && r->joined.len == r->joined_at;
    memset(record, 0, sizeof *record);
    record->kind = WARC_OTHER;
    record->offset = r->offset;
    int got;
    if (n >= 3 && (unsigned char)data[0] == 0xEF && starts_warc(data + 3, n - 3)) { /* a byte order mark an editor left */
      window_consume(r, 3);
      continue;
    }
    if (input_is_gzip(r->in) && n < HEADER_STEP && !starts_record(r, data, n) && !starts_arc(data, n)) { /* its first bytes may end one member and go on in the next */
      window_peek(r, HEADER_STEP, true, &data, &n);
      if (r->truncated) return recover(r, record, e);
    }
    if (starts_warc(data, n)) {
      got = read_warc_header(r, record, e);
    } else if ((n >= 11 && memcmp(data, "filedesc://", 11) == 0) || starts_arc(data, n)) {
      r->arc = true;
      got = read_arc_header(r, record, e);
    } else {
      /* Nothing before it: rather another kind of file than damage. */
      bool start = r->offset == 0, lz4 = n >= 4 && memcmp(data, "\x04\x22\x4D\x18", 4) == 0, xz = n >= 6 && memcmp(data, "\xFD""7zXZ", 6) == 0;
      scan(r, 1);
      return bad(r, record, e, lz4 ? "LZ4 is not read: decompress it first" : xz ? "xz is not read: decompress it first"
        : start ? "no WARC or ARC record starts here (HTML files are read with --html)" : "no record starts here");
    }
    if (got == WARC_RECORD) r->left = record->length;
    r->checked = false;
    return got;
  }
}
