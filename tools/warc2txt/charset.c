/* SPDX-License-Identifier: MIT
 *
 * https://html.spec.whatwg.org/#determining-the-character-encoding and https://encoding.spec.whatwg.org/.
 * Decoding is iconv(3) with recovery a byte at a time, but for UTF-8, UTF-16, UTF-32 and the single-byte encodings
 * (a table of 128 made with iconv once), which are faster done here and where the standard differs: bytes 0x80 to 0x9F
 * that a windows code page leaves free stand for themselves.
 */
#include "tools/warc2txt/charset.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"

enum { PRESCAN_BYTES = 1 << 16, TABLES_MAX = 48, SAMPLE = 1 << 16 };

struct charset_decoder {
  const struct charset *open; /* what `conversion` converts from */
  iconv_t conversion;
  struct {
    const struct charset *charset;
    uint16_t map[128];
  } tables[TABLES_MAX];
  int table_count;
};

struct charset_decoder *charset_decoder_new(void) { return NEW(struct charset_decoder); }

void charset_decoder_free(struct charset_decoder *d) {
  if (!d) return;
  if (d->open) iconv_close(d->conversion);
  free(d);
}

/* ---- labels in fields and in markup */

static bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

struct slice charset_parameter(struct slice s) {
  const char *end = s.data + s.len, *p = s.data;
  while (p && p < end) {
    p = slice_find_nocase((struct slice){p, (size_t)(end - p)}, SLICE("charset"));
    if (!p) break;
    p += 7;
    while (p < end && space(*p)) p++;
    if (p == end || *p != '=') continue;
    p++;
    while (p < end && space(*p)) p++;
    if (p == end) break;
    if (*p == '"' || *p == '\'') {
      const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
      if (!close) break;
      return (struct slice){p + 1, (size_t)(close - p - 1)};
    }
    const char *stop = p;
    while (stop < end && !space(*stop) && *stop != ';' && *stop != ',' && *stop != '"' && *stop != '\'') stop++;
    return (struct slice){p, (size_t)(stop - p)};
  }
  return (struct slice){0};
}

/* "get an attribute": false when there is no further one.  *p ends behind it. */
static bool get_attribute(const char **at, const char *end, struct slice *name, struct slice *value) {
  const char *p = *at;
  while (p < end && (space(*p) || *p == '/')) p++;
  *at = p;
  if (p == end || *p == '>') return false;
  const char *start = p;
  while (p < end && !(*p == '=' && p > start) && !space(*p) && *p != '/' && *p != '>') p++;
  *name = (struct slice){start, (size_t)(p - start)};
  *value = (struct slice){p, 0};
  while (p < end && space(*p)) p++;
  if (p < end && *p == '=') {
    p++;
    while (p < end && space(*p)) p++;
    if (p < end && (*p == '"' || *p == '\'')) {
      char quote = *p++;
      start = p;
      while (p < end && *p != quote) p++;
      *value = (struct slice){start, (size_t)(p - start)};
      if (p == end) {
        *at = p;
        return false;
      }
      p++;
    } else {
      start = p;
      while (p < end && !space(*p) && *p != '>') p++;
      *value = (struct slice){start, (size_t)(p - start)};
      if (p == end) {
        *at = p;
        return false;
      }
    }
  }
  *at = p;
  return true;
}

static const struct charset *from_meta(const char **at, const char *end) {
  struct slice name, value;
  bool got_pragma = false, has_need = false, need_pragma = false, seen_charset = false, seen_content = false;
  const struct charset *charset = NULL;
  bool labelled = false;
  while (get_attribute(at, end, &name, &value)) {
    if (slice_equal_nocase(name, SLICE("http-equiv"))) {
      if (slice_equal_nocase(value, SLICE("content-type"))) got_pragma = true;
    } else if (slice_equal_nocase(name, SLICE("content"))) {
      struct slice label = charset_parameter(value);
      if (!seen_content && !labelled && label.len) {
        seen_content = labelled = true;
        charset = charset_find(label);
        has_need = need_pragma = true;
        if (!charset) labelled = false;
      }
    } else if (slice_equal_nocase(name, SLICE("charset"))) {
      if (!seen_charset) {
        seen_charset = labelled = true;
        charset = charset_find(value);
        has_need = true;
        need_pragma = false;
      }
    }
  }
  if (!has_need || (need_pragma && !got_pragma) || !charset) return NULL;
  /* what an ASCII reader could read is not UTF-16, whatever it says */
  if (charset->kind != CHARSET_SINGLE && charset->kind != CHARSET_MULTI) return charset_find(SLICE("utf-8"));
  if (!charset->iconv) return charset_find(SLICE("windows-1252")); /* x-user-defined */
  return charset;
}

const struct charset *charset_prescan(struct slice html) {
  const char *p = html.data, *end = p + (html.len < PRESCAN_BYTES ? html.len : PRESCAN_BYTES);
  while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
    size_t n = (size_t)(end - p);
    if (n >= 4 && memcmp(p, "<!--", 4) == 0) {
      const char *close = memmem(p + 2, n - 2, "-->", 3);
      if (!close) return NULL;
      p = close + 3;
    } else if (n >= 6 && slice_equal_nocase((struct slice){p + 1, 4}, SLICE("meta")) && (space(p[5]) || p[5] == '/')) {
      p += 5;
      const struct charset *charset = from_meta(&p, end);
      if (charset) return charset;
    } else if (n >= 3 && ((lower(p[1]) >= 'a' && lower(p[1]) <= 'z') || (p[1] == '/' && lower(p[2]) >= 'a' && lower(p[2]) <= 'z'))) {
      while (p < end && !space(*p) && *p != '>') p++;
      struct slice name, value;
      while (get_attribute(&p, end, &name, &value)) continue;
    } else if (n >= 2 && (p[1] == '!' || p[1] == '/' || p[1] == '?')) {
      /* <?xml version="1.0" encoding="..."?>: the XML declaration of XHTML */
      const char *close = memchr(p, '>', n);
      if (!close) return NULL;
      if (n > 6 && p == html.data && memcmp(p, "<?xml", 5) == 0) {
        const char *e = slice_find_nocase((struct slice){p, (size_t)(close - p)}, SLICE("encoding"));
        if (e) {
          struct slice rest = slice_trim((struct slice){e + 8, (size_t)(close - e - 8)});
          if (rest.len && rest.data[0] == '=') rest = slice_trim((struct slice){rest.data + 1, rest.len - 1});
          if (rest.len > 1 && (rest.data[0] == '"' || rest.data[0] == '\'')) {
            const char *quote = memchr(rest.data + 1, rest.data[0], rest.len - 1);
            const struct charset *charset = quote ? charset_find((struct slice){rest.data + 1, (size_t)(quote - rest.data - 1)}) : NULL;
            if (charset && (charset->kind == CHARSET_SINGLE || charset->kind == CHARSET_MULTI || charset->kind == CHARSET_UTF8)) return charset;
          }
        }
      }
      p = close + 1;
    } else {
      p++;
    }
  }
  return NULL;
}

/* ---- detection */

static const struct charset *from_mark(struct slice s) {
  const unsigned char *b = (const unsigned char *)s.data;
  if (s.len >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF) return charset_find(SLICE("utf-8"));
  if (s.len >= 4 && b[0] == 0xFF && b[1] == 0xFE && b[2] == 0 && b[3] == 0) return charset_find(SLICE("utf-32le"));
  if (s.len >= 4 && b[0] == 0 && b[1] == 0 && b[2] == 0xFE && b[3] == 0xFF) return charset_find(SLICE("utf-32be"));
  if (s.len >= 2 && b[0] == 0xFE && b[1] == 0xFF) return charset_find(SLICE("utf-16be"));
  if (s.len >= 2 && b[0] == 0xFF && b[1] == 0xFE) return charset_find(SLICE("utf-16le"));
  return NULL;
}

/* Sequences of two and more bytes that are UTF-8, and places that are not. */
static void count_utf8(struct slice s, size_t *good, size_t *wrong) {
  *good = *wrong = 0;
  for (size_t i = 0; i < s.len;) {
    if ((unsigned char)s.data[i] < 0x80) {
      i++;
      continue;
    }
    uint32_t code_point;
    int invalid, n = utf8_decode(s.data + i, s.len - i, &code_point, &invalid);
    if (n) {
      ++*good;
      i += (size_t)n;
    } else {
      ++*wrong;
      i += (size_t)(invalid > 0 ? invalid : 1);
    }
  }
}

const struct charset *charset_detect(struct charset_decoder *d, struct slice body, struct slice content_type, bool html) {
  const struct charset *charset = from_mark(body);
  if (charset) return charset;
  charset = charset_find(charset_parameter(content_type));
  if (!charset && html) charset = charset_prescan(body);
  if (!charset) return charset_guess(d, body);
  if (charset->kind == CHARSET_UTF8) {
    if (utf8_valid_prefix(body.data, body.len) == body.len) return charset;
    size_t good, wrong;
    count_utf8(body, &good, &wrong);
    return wrong > good ? charset_guess(d, body) : charset;
  }
  if (charset->kind == CHARSET_SINGLE && utf8_valid_prefix(body.data, body.len) == body.len) {
    size_t good, wrong;
    count_utf8((struct slice){body.data, body.len < SAMPLE ? body.len : SAMPLE}, &good, &wrong);
    if (good > 0) return charset_find(SLICE("utf-8"));
  }
  return charset;
}

/* ---- decoding */

static bool convert_from(struct charset_decoder *d, const struct charset *charset) {
  if (d->open == charset) {
    iconv(d->conversion, NULL, NULL, NULL, NULL);
    return true;
  }
  if (d->open) iconv_close(d->conversion);
  d->open = NULL;
  d->conversion = iconv_open("UTF-8", charset->iconv);
  if (d->conversion == (iconv_t)-1) return false;
  d->open = charset;
  return true;
}

const uint16_t *charset_table(struct charset_decoder *d, const struct charset *charset) {
  for (int i = 0; i < d->table_count; i++)
    if (d->tables[i].charset == charset) return d->tables[i].map;
  int slot = d->table_count < TABLES_MAX ? d->table_count++ : TABLES_MAX - 1;
  d->tables[slot].charset = charset;
  uint16_t *map = d->tables[slot].map;
  iconv_t conversion = charset->iconv ? iconv_open("UTF-16LE", charset->iconv) : (iconv_t)-1;
  bool c1 = strncmp(charset->name, "windows-", 8) == 0 || strncmp(charset->name, "ISO-8859", 8) == 0;
  for (unsigned i = 0; i < 128; i++) {
    char byte = (char)(0x80 + i), *in = &byte;
    unsigned char pair[8];
    char *out = (char *)pair;
    size_t in_left = 1, out_left = sizeof pair;
    map[i] = 0xFFFD;
    if (!charset->iconv) map[i] = (uint16_t)(0xF780 + i); /* x-user-defined */
    if (conversion == (iconv_t)-1) continue;
    iconv(conversion, NULL, NULL, NULL, NULL);
    bool done = iconv(conversion, &in, &in_left, &out, &out_left) != (size_t)-1;
    if (done) iconv(conversion, NULL, NULL, &out, &out_left); /* CP1255, CP1258 hold a letter back for an accent */
    if (done && sizeof pair - out_left == 2) map[i] = (uint16_t)(pair[0] | pair[1] << 8);
    else if (c1 && i < 32) map[i] = (uint16_t)(0x80 + i);
  }
  if (conversion != (iconv_t)-1) iconv_close(conversion);
  return map;
}

static void append_ascii_run(struct slice s, size_t *at, struct buffer *out) {
  size_t i = *at;
  while (i < s.len && (signed char)s.data[i] > 0) i++;
  if (i > *at) buffer_append(out, s.data + *at, i - *at);
  *at = i;
}

static uint64_t decode_single(const uint16_t *map, struct slice s, struct buffer *out) {
  uint64_t replaced = 0;
  for (size_t i = 0; i < s.len;) {
    append_ascii_run(s, &i, out);
    for (; i < s.len && (signed char)s.data[i] <= 0; i++) {
      unsigned char c = (unsigned char)s.data[i];
      if (c == 0) continue;
      if (map[c - 0x80] == 0xFFFD) replaced++;
      utf8_append(out, map[c - 0x80]);
    }
  }
  return replaced;
}

static uint64_t decode_units(enum charset_kind kind, struct slice s, struct buffer *out) {
  const unsigned char *b = (const unsigned char *)s.data;
  uint64_t replaced = 0;
  size_t i = 0;
  bool wide = kind == CHARSET_UTF32LE || kind == CHARSET_UTF32BE, big = kind == CHARSET_UTF16BE || kind == CHARSET_UTF32BE;
  size_t unit = wide ? 4 : 2;
  bool first = true;
  for (; i + unit <= s.len; i += unit) {
    uint32_t c;
    if (wide) c = big ? (uint32_t)b[i] << 24 | (uint32_t)b[i + 1] << 16 | (uint32_t)b[i + 2] << 8 | b[i + 3]
                      : (uint32_t)b[i + 3] << 24 | (uint32_t)b[i + 2] << 16 | (uint32_t)b[i + 1] << 8 | b[i];
    else c = big ? (uint32_t)b[i] << 8 | b[i + 1] : (uint32_t)b[i + 1] << 8 | b[i];
    if (!wide && c >= 0xD800 && c < 0xDC00 && i + 4 <= s.len) {
      uint32_t low = big ? (uint32_t)b[i + 2] << 8 | b[i + 3] : (uint32_t)b[i + 3] << 8 | b[i + 2];
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        i += 2;
      }
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) {
      c = 0xFFFD;
      replaced++;
    }
    if (c && !(first && c == 0xFEFF)) utf8_append(out, c);
    first = false;
  }
  if (i < s.len) {
    utf8_append(out, 0xFFFD);
    replaced++;
  }
  return replaced;
}

static uint64_t decode_multi(struct charset_decoder *d, struct slice s, struct buffer *out) {
  uint64_t replaced = 0;
  char *in = (char *)s.data;
  size_t left = s.len, start = out->len;
  while (left) {
    buffer_reserve(out, left + left / 2 + 64);
    char *to = out->data + out->len;
    size_t room = out->capacity - out->len;
    size_t status = iconv(d->conversion, &in, &left, &to, &room);
    out->len = (size_t)(to - out->data);
    if (status != (size_t)-1) continue;
    if (errno == E2BIG) continue;
    /* EILSEQ, EINVAL: the byte at *in starts nothing */
    utf8_append(out, 0xFFFD);
    replaced++;
    in++;
    left--;
  }
  buffer_reserve(out, 64);
  char *to = out->data + out->len;
  size_t room = out->capacity - out->len;
  iconv(d->conversion, NULL, NULL, &to, &room);
  out->len = (size_t)(to - out->data);
  /* NUL goes */
  char *nul = out->len > start ? memchr(out->data + start, '\0', out->len - start) : NULL;
  if (nul) {
    char *end = out->data + out->len, *w = nul;
    for (char *p = nul; p < end; p++)
      if (*p) *w++ = *p;
    out->len = (size_t)(w - out->data);
  }
  return replaced;
}

uint64_t charset_decode(struct charset_decoder *d, const struct charset *charset, struct slice s, struct buffer *out) {
  uint64_t invalid = 0, nul = 0;
  switch (charset->kind) {
    case CHARSET_UTF8:
      if (s.len >= 3 && memcmp(s.data, "\xEF\xBB\xBF", 3) == 0) s = (struct slice){s.data + 3, s.len - 3};
      utf8_sanitize(out, s.data, s.len, &invalid, &nul);
      return invalid;
    case CHARSET_UTF16LE:
    case CHARSET_UTF16BE:
    case CHARSET_UTF32LE:
    case CHARSET_UTF32BE: return decode_units(charset->kind, s, out);
    case CHARSET_SINGLE: return decode_single(charset_table(d, charset), s, out);
    case CHARSET_MULTI: break;
  }
  if (convert_from(d, charset)) return decode_multi(d, s, out);
  utf8_sanitize(out, s.data, s.len, &invalid, &nul); /* this system's iconv lacks it */
  return invalid;
}
