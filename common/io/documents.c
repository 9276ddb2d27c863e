/* SPDX-License-Identifier: MIT
 *
 * A batch is read where it stays: what stood behind the last one's last newline, then from the input up to batch_bytes;
 * a longer line makes it grow and is a batch of its own.  From there on fields are slices of the line unless they hold
 * escapes.
 */
#include "common/io/documents.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "common/io/input.h"
#include "common/io/stats.h"
#include "common/io/url.h"

/* ---- reading */

struct document_reader {
  char *const *operands;
  int count, next;           /* next operand to open; no operands: "-" stands for one */
  size_t batch_bytes;
  struct input *in;
  struct buffer rest;        /* read, behind the last newline */
  enum document_format format;
  bool known;                /* `format` of the current input has been decided */
  uint64_t line, ordinal;    /* of the next line */
  uint64_t raw_seen;
};

static char *const standard_input[] = {"-"};

struct document_reader *document_reader_new(char *const *operands, int count, const struct document_reader_options *options) {
  struct document_reader *r = NEW(struct document_reader);
  r->operands = count ? operands : standard_input;
  r->count = count ? count : 1;
  r->batch_bytes = options && options->batch_bytes ? options->batch_bytes : 1 << 20;
  return r;
}

void document_reader_free(struct document_reader *r) {
  if (!r) return;
  input_close(r->in);
  buffer_release(&r->rest);
  free(r);
}

void document_batch_release(struct document_batch *batch) { buffer_release(&batch->bytes); }

int64_t document_reader_size(const struct document_reader *r) {
  int64_t total = 0;
  struct stat st;
  for (int i = 0; i < r->count; i++) {
    const char *name = r->operands[i];
    int known = strcmp(name, "-") == 0 ? fstat(0, &st) : url_is(name) ? -1 : stat(name, &st);
    if (known || !S_ISREG(st.st_mode)) return -1;
    total += st.st_size;
  }
  return total;
}

static bool is_json_object(const char *line, size_t n) {
  struct slice s = slice_trim((struct slice){line, n});
  if (!s.len || s.data[0] != '{') return false;
  json_error_t error;
  json_t *root = json_parse(s.data, s.len, JSON_ALLOW_NUL, &error);
  bool is = json_is_object(root);
  json_decref(root);
  return is;
}

/* The version line of a WARC record; no text of documents ends in a bare carriage return. */
static bool is_archive(const char *line, size_t n) {
  struct slice s = {line, n};
  return n >= 9 && n < 16 && slice_starts(s, SLICE("WARC/")) && line[n - 1] == '\r';
}

#ifdef __x86_64__
SIMD_TARGET_AVX512 static size_t count_avx512(const char *data, size_t n, uint64_t *lines) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64) *lines += (uint64_t)_mm_popcnt_u64(_mm512_cmpeq_epi8_mask(_mm512_loadu_si512(data + i), _mm512_set1_epi8('\n')));
  return i;
}

SIMD_TARGET_AVX2 static size_t count_avx2(const char *data, size_t n, uint64_t *lines) {
  size_t i = 0;
  for (; i + 32 <= n; i += 32) *lines += (uint64_t)_mm_popcnt_u32((unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(data + i)), _mm256_set1_epi8('\n'))));
  return i;
}
#endif

static uint64_t count_lines(const char *data, size_t n) {
  uint64_t lines = 0;
  size_t i = 0;
#ifdef __x86_64__
  enum simd level = simd_level();
  if (level == SIMD_AVX512) i = count_avx512(data, n, &lines);
  else if (level == SIMD_AVX2) i = count_avx2(data, n, &lines);
#endif
  for (; i < n; i++) lines += data[i] == '\n';
  return lines;
}

/* Fills the batch up to its last newline, or with all that is left.  *whole is false for a last line without newline,
 * which may be the end of the stream or the start of damage. */
static int fill(struct document_reader *r, struct buffer *b, bool *whole, struct err *e) {
  buffer_clear(b);
  buffer_append_slice(b, buffer_slice(&r->rest));
  buffer_clear(&r->rest);
  for (size_t scanned = 0, step = b->len < r->batch_bytes ? r->batch_bytes - b->len : r->batch_bytes;; step = r->batch_bytes) {
    size_t got;
    buffer_reserve(b, step + 1); /* and the newline that may lack */
    if (input_read(r->in, b->data + b->len, step, &got, e)) return -1;
    b->len += got;
    const char *last = NULL;
    if (scanned) last = memchr(b->data + scanned, '\n', b->len - scanned);
    else if (b->len) last = memrchr(b->data, '\n', b->len);
    *whole = last != NULL;
    if (last) {
      size_t take = (size_t)(last - b->data) + 1;
      buffer_append(&r->rest, b->data + take, b->len - take);
      b->len = take;
      return 0;
    }
    if (got < step) return 0;
    scanned = b->len;
  }
}

static int next_input(struct document_reader *r, struct err *e) {
  input_close(r->in);
  r->in = NULL;
  if (r->next == r->count) return 0;
  if (input_open(&r->in, r->operands[r->next++], NULL, e)) return -1;
  r->line = 1;
  r->known = false;
  r->raw_seen = 0;
  return 1;
}

int document_reader_next(struct document_reader *r, struct document_batch *batch, struct err *e) {
  struct buffer *b = &batch->bytes;
  bool whole;
  for (;;) {
    if (r->in) {
      if (fill(r, b, &whole, e)) return err_prefix(e, "%s:%llu", input_name(r->in), (unsigned long long)r->line);
      if (b->len) break;
    }
    int opened = next_input(r, e);
    if (opened <= 0) return opened;
  }
  if (!whole) {
    size_t more;
    char beyond;
    if (input_read(r->in, &beyond, 1, &more, e)) return err_prefix(e, "%s:%llu", input_name(r->in), (unsigned long long)r->line);
    buffer_put(b, '\n');
  }
  if (!r->known) {
    const char *end = memchr(batch->bytes.data, '\n', batch->bytes.len);
    if (is_archive(batch->bytes.data, (size_t)(end - batch->bytes.data))) return err_set(e, "%s: a web archive, not documents: extract it with warc2txt first", input_name(r->in));
    r->format = is_json_object(batch->bytes.data, (size_t)(end - batch->bytes.data)) ? DOCUMENT_JSONL : DOCUMENT_TSV;
    r->known = true;
  }
  uint64_t raw = input_raw_read(r->in);
  batch->input = strcmp(r->operands[r->next - 1], "-") == 0 ? "stdin" : r->operands[r->next - 1];
  batch->operand = r->next - 1;
  batch->format = r->format;
  batch->first_line = r->line;
  batch->ordinal = r->ordinal;
  batch->lines = count_lines(batch->bytes.data, batch->bytes.len);
  batch->raw_bytes = raw - r->raw_seen;
  r->raw_seen = raw;
  r->line += batch->lines;
  r->ordinal += batch->lines;
  return 1;
}

/* ---- escapes */

static char escape_letter(char c) { return c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\\' ? '\\' : 0; }
static char escaped_by(char letter) { return letter == 't' ? '\t' : letter == 'n' ? '\n' : letter == 'r' ? '\r' : letter == '\\' ? '\\' : 0; }

/* Both copy from `s` to `to` until they stand before a byte that wants a look (one that is escaped; a backslash), or few are
 * left; they return how many, and may write up to 31 bytes more. */
#ifdef __x86_64__
SIMD_TARGET_AVX2 static size_t copy_to_special_avx2(char *to, const char *s, size_t n) {
  const __m256i tab = _mm256_set1_epi8('\t'), newline = _mm256_set1_epi8('\n'), carriage = _mm256_set1_epi8('\r'), slash = _mm256_set1_epi8('\\');
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(s + i));
    _mm256_storeu_si256((__m256i *)(to + i), v);
    unsigned found = (unsigned)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, tab), _mm256_cmpeq_epi8(v, newline)), _mm256_or_si256(_mm256_cmpeq_epi8(v, carriage), _mm256_cmpeq_epi8(v, slash))));
    if (found) return i + (size_t)__builtin_ctz(found);
  }
  return i;
}

SIMD_TARGET_AVX2 static size_t copy_to_slash_avx2(char *to, const char *s, size_t n) {
  const __m256i slash = _mm256_set1_epi8('\\');
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(s + i));
    _mm256_storeu_si256((__m256i *)(to + i), v);
    unsigned found = (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, slash));
    if (found) return i + (size_t)__builtin_ctz(found);
  }
  return i;
}
#endif

enum { OVERHANG = 32 };

static bool has_avx2(void) {
#ifdef __x86_64__
  return simd_level() >= SIMD_AVX2;
#else
  return false;
#endif
}

void document_escape(struct buffer *out, struct slice s) {
  bool wide = has_avx2() && s.len >= OVERHANG;
  for (size_t i = 0; i < s.len;) {
    /* Room for a stretch in which every byte is escaped; memory stays near the text's size where few are. */
    size_t stretch = s.len - i < 4096 ? s.len - i : 4096;
    buffer_reserve(out, stretch * 2 + OVERHANG);
    char *to = out->data + out->len;
    for (size_t end = i + stretch; i < end;) {
#ifdef __x86_64__
      if (wide && end - i >= OVERHANG) {
        size_t k = copy_to_special_avx2(to, s.data + i, end - i);
        i += k, to += k;
        if (i == end) break;
      }
#endif
      char letter = escape_letter(s.data[i]);
      if (letter) *to++ = '\\';
      *to++ = letter ? letter : s.data[i];
      i++;
    }
    out->len = (size_t)(to - out->data);
  }
  (void)wide;
}

void document_unescape(struct buffer *out, struct slice s, uint64_t *unknown) {
  buffer_reserve(out, s.len + OVERHANG);
  char *to = out->data + out->len;
  bool wide = has_avx2();
  for (size_t i = 0; i < s.len;) {
#ifdef __x86_64__
    if (wide && s.len - i >= OVERHANG) {
      size_t k = copy_to_slash_avx2(to, s.data + i, s.len - i);
      i += k, to += k;
      if (i == s.len) break;
    }
#endif
    char c = s.data[i];
    if (c != '\\') {
      *to++ = c, i++;
      continue;
    }
    char meant = i + 1 < s.len ? escaped_by(s.data[i + 1]) : 0;
    if (!meant) ++*unknown; /* an unknown escape or a trailing backslash stays as it is */
    *to++ = meant ? meant : c;
    i += meant ? 2 : 1;
  }
  (void)wide;
  out->len = (size_t)(to - out->data);
}

/* ---- parsing */

static struct slice decode(struct buffer *into, struct slice field, uint64_t *unknown) {
  if (!field.len || !memchr(field.data, '\\', field.len)) return field;
  size_t at = into->len;
  document_unescape(into, field, unknown);
  return (struct slice){into->data + at, into->len - at};
}

static void parse_tsv(struct document_parser *p, struct document *d, struct slice line) {
  struct slice *const heads[3] = {&d->id, &d->url, &d->date};
  const char *last = line.len ? memrchr(line.data, '\t', line.len) : NULL;
  struct slice head = {line.data, last ? (size_t)(last - line.data) : 0};
  struct slice text = last ? (struct slice){last + 1, line.len - head.len - 1} : line;
  for (int i = 0; last && i < 3; i++) {
    const char *tab = head.len ? memchr(head.data, '\t', head.len) : NULL;
    struct slice field = {head.data, tab ? (size_t)(tab - head.data) : head.len};
    *heads[i] = decode(&p->head, field, &p->counts.unknown_escape);
    if (!tab) break;
    head.data = tab + 1;
    head.len -= field.len + 1;
    if (i == 2) d->extra = head;
  }
  d->text = decode(&p->text, text, &p->counts.unknown_escape);
}

/* Whole numbers: beside one too large for 64 bits, all of a line are parsed as reals. */
static bool json_is_whole(const json_t *value) {
  double real = json_real_value(value); /* 0 for other types */
  return json_is_integer(value) || (json_is_real(value) && real >= -0x1p53 && real <= 0x1p53 && real == (double)(int64_t)real);
}

static struct slice json_slice(struct document_parser *p, const json_t *value) {
  if (json_is_whole(value)) {
    size_t at = p->head.len;
    buffer_printf(&p->head, "%lld", json_is_real(value) ? (long long)json_real_value(value) : (long long)json_integer_value(value));
    return (struct slice){p->head.data + at, p->head.len - at};
  }
  if (!json_is_string(value)) return (struct slice){0};
  struct slice s = {json_string_value(value), json_string_length(value)};
  if (s.len && memchr(s.data, 0, s.len)) {
    size_t at = p->head.len;
    uint64_t invalid = 0;
    utf8_sanitize(&p->head, s.data, s.len, &invalid, &p->counts.nul);
    return (struct slice){p->head.data + at, p->head.len - at};
  }
  return s;
}

static int parse_json(struct document_parser *p, struct document *d, struct slice line, struct err *e) {
  static const char *const heads[] = {"id", "url", "date"};
  json_error_t error;
  json_decref(p->json);
  json_t *root = p->json = json_parse(line.data, line.len, JSON_ALLOW_NUL, &error);
  if (!root) return err_set(e, "not JSON: %s", error.text);
  if (!json_is_object(root)) return err_set(e, "not a JSON object");
  const json_t *text = json_object_get(root, "text");
  if (!json_is_string(text)) return err_set(e, "no string under the key \"text\"");
  /* the strings live in `root`; what is neither text nor head moves to one metadata object */
  json_t *metadata = json_object_get(root, "metadata"), *rest = json_is_object(metadata) ? json_copy(metadata) : json_object();
  if (metadata && !json_is_object(metadata)) json_object_set(rest, "metadata", metadata);
  buffer_reserve(&p->head, line.len * 2 + 128); /* slices into it must not move */
  struct slice *const to[3] = {&d->id, &d->url, &d->date};
  for (int i = 0; i < 3; i++) {
    json_t *value = json_object_get(root, heads[i]);
    bool inside = !value && i > 0 && (value = json_object_get(rest, heads[i]));
    *to[i] = json_slice(p, value);
    if (inside && to[i]->data) json_object_del(rest, heads[i]);
    if (value && !inside && !to[i]->data && !json_is_null(value) && !json_is_string(value)) json_object_set(rest, heads[i], value); /* no text: not lost */
  }
  d->text = json_slice(p, text);
  const char *key;
  json_t *value;
  json_object_foreach(root, key, value)
    if (strcmp(key, "id") && strcmp(key, "url") && strcmp(key, "date") && strcmp(key, "text") && strcmp(key, "metadata") && !json_object_get(rest, key))
      json_object_set(rest, key, value);
  if (json_object_size(rest)) {
    size_t n = json_dumpb(rest, NULL, 0, JSON_COMPACT);
    buffer_clear(&p->text);
    buffer_reserve(&p->text, n); /* free: the text itself lives in `root` */
    json_dumpb(rest, p->text.data, n, JSON_COMPACT);
    p->text.len = n;
    d->extra = buffer_slice(&p->text);
  }
  json_decref(rest);
  return 0;
}

int document_next(struct document_parser *p, const struct document_batch *batch, size_t *cursor, struct document *d, struct err *e) {
  if (*cursor >= batch->bytes.len) return 0;
  const char *start = batch->bytes.data + *cursor, *end = memchr(start, '\n', batch->bytes.len - *cursor);
  if (*cursor == 0) p->index = 0;
  *d = (struct document){.line = {start, (size_t)(end - start)}, .number = batch->first_line + p->index, .ordinal = batch->ordinal + p->index, .format = batch->format};
  p->index++;
  *cursor += d->line.len + 1;

  struct slice line = d->line;
  d->clean = utf8_valid_prefix(line.data, line.len) == line.len && !(line.len && memchr(line.data, 0, line.len));
  buffer_clear(&p->text);
  buffer_clear(&p->head);
  if (batch->format == DOCUMENT_JSONL) {
    if (!d->clean) { /* `text` is free until the line is parsed */
      utf8_sanitize(&p->text, line.data, line.len, &p->counts.invalid_utf8, &p->counts.nul);
      line = buffer_slice(&p->text);
    }
    return parse_json(p, d, line, e) ? -1 : 1;
  }
  if (!d->clean) utf8_sanitize(&p->head, line.data, line.len, &p->counts.invalid_utf8, &p->counts.nul);
  buffer_reserve(&p->head, (d->clean ? line.len : p->head.len) + 1 + 4 * OVERHANG); /* decoded fields go there: slices into it must not move */
  if (!d->clean) line = buffer_slice(&p->head);
  parse_tsv(p, d, line);
  return 1;
}

void document_parser_release(struct document_parser *p) {
  buffer_release(&p->text);
  buffer_release(&p->head);
  json_decref(p->json);
  p->json = NULL;
}

void document_counts_add(struct document_counts *to, const struct document_counts *from) {
  to->invalid_utf8 += from->invalid_utf8;
  to->nul += from->nul;
  to->unknown_escape += from->unknown_escape;
}

void document_counts_report(const struct document_counts *counts, struct stats *stats) {
  stats_int(stats, "invalid_utf8", (int64_t)counts->invalid_utf8);
  stats_int(stats, "nul", (int64_t)counts->nul);
  stats_int(stats, "unknown_escape", (int64_t)counts->unknown_escape);
}

/* ---- writing */

static struct slice without_newlines(struct slice s) {
  while (s.len && s.data[s.len - 1] == '\n') s.len--;
  return s;
}

/* `metadata` of a JSON document as key=value fields: scalars bare, the rest as compact JSON. */
static void write_metadata_fields(struct buffer *out, struct slice object) {
  json_t *root = json_loadb(object.data, object.len, JSON_ALLOW_NUL, NULL);
  const char *key;
  json_t *value;
  json_object_foreach(root, key, value) {
    document_escape(out, slice_of(key));
    buffer_put(out, '=');
    if (json_is_string(value)) {
      document_escape(out, (struct slice){json_string_value(value), json_string_length(value)});
    } else {
      char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
      document_escape(out, slice_of(dump ? dump : ""));
      free(dump);
    }
    buffer_put(out, '\t');
  }
  json_decref(root);
}

static void write_tsv(struct buffer *out, const struct document *d, struct slice text, const struct slice *annotations) {
  bool extra = d->extra.len > 0 || (d->extra.data && d->format == DOCUMENT_TSV), annotated = annotations && annotations->len;
  int heads = extra || annotated || d->date.data ? 3 : d->url.data ? 2 : d->id.data ? 1 : 0;
  const struct slice fields[3] = {d->id, d->url, d->date};
  for (int i = 0; i < heads; i++) {
    document_escape(out, fields[i]);
    buffer_put(out, '\t');
  }
  if (extra && d->format == DOCUMENT_TSV) {
    uint64_t invalid = 0, nul = 0;
    if (d->clean) buffer_append_slice(out, d->extra);
    else utf8_sanitize(out, d->extra.data, d->extra.len, &invalid, &nul);
    buffer_put(out, '\t');
  } else if (extra) {
    write_metadata_fields(out, d->extra);
  }
  if (annotated) {
    buffer_append_slice(out, *annotations);
    buffer_put(out, '\t');
  }
  document_escape(out, text);
}

/* Adds tab-separated key=value fields to `metadata`; a field without `=` is named by its place. */
static void add_fields(json_t *metadata, struct slice fields) {
  struct buffer value = {0};
  uint64_t unknown = 0;
  for (int place = 4; fields.data && place < 1 << 20; place++) {
    const char *tab = fields.len ? memchr(fields.data, '\t', fields.len) : NULL;
    struct slice field = {fields.data, tab ? (size_t)(tab - fields.data) : fields.len};
    buffer_clear(&value);
    document_unescape(&value, field, &unknown);
    const char *equals = value.len ? memchr(value.data, '=', value.len) : NULL;
    size_t key = equals ? (size_t)(equals - value.data) : 0;
    char name[32];
    snprintf(name, sizeof name, "field%d", place);
    size_t from = key ? key + 1 : 0;
    json_t *string = json_stringn(value.data ? value.data + from : "", value.len - from);
    if (key) value.data[key] = 0;
    if (string) json_object_set_new(metadata, key ? value.data : name, string);
    if (!tab) break;
    fields.len -= field.len + 1;
    fields.data = tab + 1;
  }
  buffer_release(&value);
}

static void write_key(struct buffer *out, const char *key, struct slice value) {
  if (!value.data) return;
  buffer_put(out, out->len && out->data[out->len - 1] != '{' ? ',' : '"');
  if (out->data[out->len - 1] == ',') buffer_put(out, '"');
  buffer_append_string(out, key);
  buffer_append(out, "\":", 2);
  json_append_string(out, value);
}

static void write_json(struct buffer *out, const struct document *d, struct slice text, const struct slice *annotations) {
  json_t *metadata = d->format == DOCUMENT_JSONL && d->extra.len ? json_loadb(d->extra.data, d->extra.len, JSON_ALLOW_NUL, NULL) : NULL;
  if (!metadata) metadata = json_object();
  if (d->format == DOCUMENT_TSV && d->extra.data) {
    struct buffer clean = {0};
    uint64_t invalid = 0, nul = 0;
    utf8_sanitize(&clean, d->extra.data, d->extra.len, &invalid, &nul);
    add_fields(metadata, (struct slice){clean.data ? clean.data : "", clean.len});
    buffer_release(&clean);
  }
  if (annotations && annotations->len) add_fields(metadata, *annotations);
  buffer_put(out, '{');
  write_key(out, "id", d->id);
  write_key(out, "url", d->url);
  write_key(out, "date", d->date);
  write_key(out, "text", text.data ? text : SLICE(""));
  if (json_object_size(metadata)) {
    char *dump = json_dumps(metadata, JSON_COMPACT);
    buffer_append_string(out, ",\"metadata\":");
    buffer_append_string(out, dump);
    free(dump);
  }
  buffer_put(out, '}');
  json_decref(metadata);
}

void document_write(struct buffer *out, const struct document *d, enum document_format format, const struct slice *text, const struct slice *annotations) {
  if (!text && !(annotations && annotations->len) && format == d->format && d->clean) {
    buffer_append_slice(out, d->line);
  } else {
    struct slice body = without_newlines(text ? *text : d->text);
    if (format == DOCUMENT_TSV) write_tsv(out, d, body, annotations);
    else write_json(out, d, body, annotations);
  }
  buffer_put(out, '\n');
}

void document_write_fields(struct buffer *out, enum document_format format, struct slice id, struct slice url, struct slice date, struct slice text) {
  static const char empty[] = "";
  struct document d = {.id = id, .url = url, .date = date, .format = DOCUMENT_TSV};
  if (!d.id.data) d.id.data = empty;
  if (!d.url.data) d.url.data = empty;
  if (!d.date.data) d.date.data = empty;
  document_write(out, &d, format, &text, NULL);
}

void document_write_reject(struct buffer *out, const char *reason, const struct document *d) {
  buffer_append_string(out, reason);
  buffer_put(out, '\t');
  buffer_append_slice(out, d->line);
  buffer_put(out, '\n');
}
