/* SPDX-License-Identifier: MIT
 *
 * RFC 9112: message syntax and chunked coding; RFC 9110, section 8.4: gzip, deflate (zlib, RFC 1950; some servers send
 * raw deflate, RFC 1951); RFC 8878: zstd; RFC 7932: br.  Codings are listed in the order in which they were applied.
 */
#include "tools/warc2txt/archive/http.h"

#include <brotli/decode.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>


enum { CODINGS_MAX = 8, UNNAMED_MAX = 2, LOOK = 256 };

/* ---- fields */

/* One line without its end; *at goes behind it.  false at the end of the record. */
static bool next_line(struct slice s, size_t *at, struct slice *line) {
  if (*at >= s.len) return false;
  const char *start = s.data + *at, *newline = memchr(start, '\n', s.len - *at);
  size_t len = newline ? (size_t)(newline - start) : s.len - *at;
  *at += newline ? len + 1 : len;
  while (len && start[len - 1] == '\r') len--;
  *line = (struct slice){start, len};
  return true;
}

static int parse_status(struct slice line) {
  size_t at = 0;
  if (slice_starts_nocase(line, SLICE("HTTP/"))) at = 5;
  else if (slice_starts(line, SLICE("ICY "))) at = 3;
  else return 0;
  while (at < line.len && line.data[at] != ' ' && line.data[at] != '\t') at++;
  while (at < line.len && (line.data[at] == ' ' || line.data[at] == '\t')) at++;
  int status = 0, digits = 0;
  for (; at < line.len && digits < 3 && line.data[at] >= '0' && line.data[at] <= '9'; at++, digits++) status = status * 10 + (line.data[at] - '0');
  return digits == 3 ? status : 0;
}

static bool has_token(struct slice list, struct slice token) {
  while (list.len) {
    const char *comma = memchr(list.data, ',', list.len);
    size_t n = comma ? (size_t)(comma - list.data) : list.len;
    if (slice_equal_nocase(slice_trim((struct slice){list.data, n}), token)) return true;
    if (!comma) break;
    list.data += n + 1;
    list.len -= n + 1;
  }
  return false;
}

static void take_field(struct http_decoder *d, struct http_response *response, struct slice name, struct slice value) {
  if (slice_equal_nocase(name, SLICE("Content-Type"))) {
    if (!response->content_type.len) response->content_type = value;
  } else if (slice_equal_nocase(name, SLICE("Content-Encoding"))) {
    if (d->encodings.len) buffer_put(&d->encodings, ',');
    buffer_append_slice(&d->encodings, value);
  } else if (slice_equal_nocase(name, SLICE("Transfer-Encoding"))) {
    if (has_token(value, SLICE("chunked"))) response->chunked = true;
  }
}

void http_parse(struct http_decoder *d, struct slice record, struct http_response *response) {
  size_t at = 0;
  for (;;) {
    memset(response, 0, sizeof *response);
    buffer_clear(&d->encodings);
    struct slice line;
    size_t start = at;
    if (!next_line(record, &at, &line) || (response->status = parse_status(line)) == 0) {
      response->body = (struct slice){record.data + start, record.len - start};
      return;
    }
    struct slice name = {0}, value = {0};
    bool ended = false;
    while (next_line(record, &at, &line)) {
      if (line.len == 0) {
        ended = true;
        break;
      }
      if (line.data[0] == '<') { /* the empty line is missing: no field starts so, pages do */
        at = (size_t)(line.data - record.data);
        break;
      }
      if ((line.data[0] == ' ' || line.data[0] == '\t') && name.len) { /* obs-fold: the value goes on */
        value.len = (size_t)(line.data + line.len - value.data);
        continue;
      }
      if (name.len) take_field(d, response, name, slice_trim(value));
      const char *colon = memchr(line.data, ':', line.len);
      name = colon ? slice_trim((struct slice){line.data, (size_t)(colon - line.data)}) : (struct slice){0};
      value = colon ? (struct slice){colon + 1, (size_t)(line.data + line.len - colon - 1)} : (struct slice){0};
    }
    if (name.len) take_field(d, response, name, slice_trim(value));
    response->content_encoding = buffer_slice(&d->encodings);
    response->body = (struct slice){record.data + at, record.len - at};
    /* an interim response (100 Continue) stands before the real one */
    bool again = ended && response->status < 200 && slice_starts_nocase(response->body, SLICE("HTTP/"));
    if (!again) return;
  }
}

/* ---- chunked */

static int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* false when the body does not start with a chunk: it was stored without them. */
static bool undo_chunks(struct slice s, struct buffer *out) {
  size_t at = 0;
  bool any = false;
  struct slice line;
  buffer_clear(out);
  while (next_line(s, &at, &line)) {
    size_t digits = 0;
    uint64_t size = 0;
    size_t line_start = (size_t)(line.data - s.data);
    line = slice_trim(line);
    if (any && !line.len) continue; /* one line end too many */
    for (; digits < line.len && hex_value(line.data[digits]) >= 0 && digits < 16; digits++) size = size * 16 + (unsigned)hex_value(line.data[digits]);
    size_t rest = digits;
    while (rest < line.len && (line.data[rest] == ' ' || line.data[rest] == '\t')) rest++;
    if (digits == 0 || (rest < line.len && line.data[rest] != ';')) { /* a size was wrong: the rest stays as it is */
      if (any) buffer_append(out, s.data + line_start, s.len - line_start);
      break;
    }
    any = true;
    if (size == 0) return true;
    size_t take = size < s.len - at ? (size_t)size : s.len - at; /* a size beyond the end: what is there */
    buffer_append(out, s.data + at, take);
    at += take;
    if (at < s.len && s.data[at] == '\r') at++;
    if (at < s.len && s.data[at] == '\n') at++;
  }
  return any;
}

/* ---- content codings: 1 decoded, 0 not coded so (keep the input), -1 above the limit */

static int inflate_all(struct slice s, int window_bits, size_t limit, struct buffer *out) {
  z_stream z = {0};
  buffer_clear(out);
  if (inflateInit2(&z, window_bits) != Z_OK) return 0;
  z.next_in = (Bytef *)s.data;
  size_t left = s.len;
  int result = 1;
  buffer_reserve(out, s.len * 4 + 4096);
  for (;;) {
    uInt feed = left > (1u << 30) ? 1u << 30 : (uInt)left;
    z.avail_in = feed;
    if (out->capacity - out->len < 4096) buffer_reserve(out, out->capacity);
    size_t room = out->capacity - out->len;
    if (room > (1u << 30)) room = 1u << 30;
    z.next_out = (Bytef *)out->data + out->len;
    z.avail_out = (uInt)room;
    int status = inflate(&z, Z_NO_FLUSH);
    left -= feed - z.avail_in;
    size_t made = room - z.avail_out;
    out->len += made;
    if (out->len > limit) {
      result = -1;
      break;
    }
    if (status == Z_STREAM_END) {
      /* several members are one body; anything else behind it is not */
      if (window_bits < 31 || left < 18 || (unsigned char)z.next_in[0] != 0x1F || z.next_in[1] != 0x8B) break;
      inflateReset(&z);
      continue;
    }
    if (status != Z_OK || (left == 0 && made < room)) break; /* damaged or cut: what came out stays */
  }
  inflateEnd(&z);
  return result == 1 && out->len == 0 ? 0 : result;
}

static int undo_gzip(struct slice s, size_t limit, struct buffer *out) {
  if (s.len < 3 || (unsigned char)s.data[0] != 0x1F || (unsigned char)s.data[1] != 0x8B) return 0;
  return inflate_all(s, 31, limit, out);
}

static int undo_deflate(struct slice s, size_t limit, struct buffer *out) {
  if (s.len < 2) return 0;
  unsigned head = (unsigned char)s.data[0] * 256u + (unsigned char)s.data[1];
  if ((s.data[0] & 15) == 8 && head % 31 == 0) {
    int result = inflate_all(s, 15, limit, out);
    if (result) return result;
  }
  int gzip = undo_gzip(s, limit, out); /* some servers */
  if (gzip) return gzip;
  struct slice text = slice_trim(s);
  if (text.len && text.data[0] == '<') return 0; /* stored decoded; as raw deflate this would give rubbish */
  return inflate_all(s, -15, limit, out);
}

static int undo_zstd(struct slice s, size_t limit, struct buffer *out) {
  buffer_clear(out);
  if (s.len < 4 || memcmp(s.data, "\x28\xB5\x2F\xFD", 4) != 0) return 0;
  ZSTD_DStream *z = ZSTD_createDStream();
  if (!z) return 0;
  ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 27);
  ZSTD_inBuffer in = {s.data, s.len, 0};
  int result = 1;
  for (;;) {
    buffer_reserve(out, ZSTD_DStreamOutSize());
    ZSTD_outBuffer to = {out->data + out->len, out->capacity - out->len, 0};
    size_t status = ZSTD_decompressStream(z, &to, &in);
    out->len += to.pos;
    if (out->len > limit) {
      result = -1;
      break;
    }
    if (ZSTD_isError(status) || (in.pos == in.size && to.pos < to.size)) break;
  }
  ZSTD_freeDStream(z);
  return result == 1 && out->len == 0 ? 0 : result;
}

/* No control bytes in its first bytes: rather a page that was stored decoded. */
static bool looks_decoded(struct slice s) {
  size_t n = s.len < LOOK ? s.len : LOOK;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c < 9 || (c > 13 && c < 32 && c != 27) || c == 127) return false;
  }
  return true;
}

/* Brotli has no magic, and bytes that are none may decode to some rubbish before an error is met. */
static int undo_brotli(struct slice s, size_t limit, struct buffer *out) {
  buffer_clear(out);
  struct slice text = slice_trim((struct slice){s.data, s.len < 64 ? s.len : 64});
  if (!s.len || (text.len && text.data[0] == '<')) return 0;
  BrotliDecoderState *z = BrotliDecoderCreateInstance(NULL, NULL, NULL);
  if (!z) return 0;
  const uint8_t *from = (const uint8_t *)s.data;
  size_t left = s.len;
  BrotliDecoderResult status;
  int result = 1;
  do {
    buffer_reserve(out, out->len ? out->len : s.len * 4 + 4096);
    uint8_t *to = (uint8_t *)out->data + out->len;
    size_t room = out->capacity - out->len, before = room;
    status = BrotliDecoderDecompressStream(z, &left, &from, &room, &to, NULL);
    out->len += before - room;
    if (out->len > limit) result = -1;
  } while (result > 0 && status == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
  BrotliDecoderDestroyInstance(z);
  if (result > 0 && status == BROTLI_DECODER_RESULT_ERROR && looks_decoded(s)) return 0;
  return result > 0 && out->len == 0 && status != BROTLI_DECODER_RESULT_SUCCESS ? 0 : result;
}

struct slice http_unchunked(struct http_decoder *d, const struct http_response *response) {
  return undo_chunks(response->body, &d->a) ? buffer_slice(&d->a) : response->body;
}

enum http_result http_decode(struct http_decoder *d, const struct http_response *response, size_t limit, struct slice *body) {
  struct slice s = response->body;
  struct buffer *to = &d->a;
  if (response->chunked && undo_chunks(s, to)) {
    s = buffer_slice(to);
    to = &d->b;
  }
  struct slice codings[CODINGS_MAX], list = response->content_encoding;
  int count = 0;
  while (list.len) {
    const char *comma = memchr(list.data, ',', list.len);
    size_t n = comma ? (size_t)(comma - list.data) : list.len;
    struct slice coding = slice_trim((struct slice){list.data, n});
    if (coding.len && !slice_equal_nocase(coding, SLICE("identity"))) {
      if (count == CODINGS_MAX) return HTTP_ENCODING;
      codings[count++] = coding;
    }
    if (!comma) break;
    list.data += n + 1;
    list.len -= n + 1;
  }
  while (count--) {
    struct slice c = codings[count];
    int result;
    if (slice_equal_nocase(c, SLICE("gzip")) || slice_equal_nocase(c, SLICE("x-gzip"))) {
      result = undo_gzip(s, limit, to);
    } else if (slice_equal_nocase(c, SLICE("deflate"))) {
      result = undo_deflate(s, limit, to);
    } else if (slice_equal_nocase(c, SLICE("zstd"))) {
      result = undo_zstd(s, limit, to);
    } else if (slice_equal_nocase(c, SLICE("br"))) {
      result = undo_brotli(s, limit, to);
      if (result == 0 && !looks_decoded(s)) return HTTP_ENCODING;
    } else {
      /* a coding unknown here; harmless when the body was stored decoded or the name is nonsense ("utf-8") */
      struct slice text = slice_trim((struct slice){s.data, s.len < 64 ? s.len : 64});
      bool coded = slice_equal_nocase(c, SLICE("compress")) || slice_equal_nocase(c, SLICE("x-compress")) || slice_equal_nocase(c, SLICE("dcb")) || slice_equal_nocase(c, SLICE("dcz"));
      if (coded && s.len && !(text.len && text.data[0] == '<')) return HTTP_ENCODING;
      result = 0;
    }
    if (result < 0) return HTTP_TOO_LONG;
    if (result > 0) {
      s = buffer_slice(to);
      to = to == &d->a ? &d->b : &d->a;
    }
  }
  /* gzip that no field names, or once more than they say */
  for (int i = 0, result; i < UNNAMED_MAX && (result = undo_gzip(s, limit, to)) != 0; i++) {
    if (result < 0) return HTTP_TOO_LONG;
    s = buffer_slice(to);
    to = to == &d->a ? &d->b : &d->a;
  }
  if (s.len > limit) return HTTP_TOO_LONG;
  *body = s;
  return HTTP_OK;
}

void http_decoder_release(struct http_decoder *d) {
  buffer_release(&d->a);
  buffer_release(&d->b);
  buffer_release(&d->encodings);
}
