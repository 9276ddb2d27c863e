/* SPDX-License-Identifier: MIT
 *
 * https://html.spec.whatwg.org/#determining-the-character-encoding: labels, marks, fields, <meta>, and when the bytes
 * overrule them.
 */
#include "tools/warc2txt/charset/charset.h"

#include <stdlib.h>

#include "common/base/utf8.h"
#include "tools/warc2txt/charset/charset_tables.h"

enum { PRESCAN_BYTES = 1 << 16 };

static int compare(const void *key, const void *element) { return strcmp(key, ((const struct charset_label *)element)->label); }

const struct charset *charset_find(struct slice label) {
  char key[32];
  label = slice_trim(label);
  if (label.len == 0 || label.len >= sizeof key) return NULL;
  for (size_t i = 0; i < label.len; i++) {
    char c = label.data[i];
    key[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
  }
  key[label.len] = '\0';
  const struct charset_label *found = bsearch(key, charset_labels, charset_label_count, sizeof *charset_labels, compare);
  return found ? &charsets[found->charset] : NULL;
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

static bool is_wide(const struct charset *c) {
  return c->kind == CHARSET_UTF16LE || c->kind == CHARSET_UTF16BE || c->kind == CHARSET_UTF32LE || c->kind == CHARSET_UTF32BE;
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
  if (is_wide(charset)) return charset_find(SLICE("utf-8"));
  if (strcmp(charset->name, "x-user-defined") == 0) return charset_find(SLICE("windows-1252"));
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
            if (charset && !is_wide(charset)) return charset;
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

const struct charset *charset_detect(struct charset_decoder *d, struct slice body, struct slice content_type, bool html) {
  const struct charset *utf8 = charset_find(SLICE("utf-8")), *charset = from_mark(body);
  if (charset) return charset;
  charset = charset_by_zeros(body);
  if (charset) return charset;
  charset = charset_find(charset_parameter(content_type));
  if (!charset && html) charset = charset_prescan(body);
  if (charset && is_wide(charset)) charset = NULL; /* zeros would have told */
  size_t valid = utf8_valid_prefix(body.data, body.len), good, wrong;
  if (valid == body.len) {
    if (charset && charset->kind == CHARSET_UTF8 && !(body.len && memchr(body.data, 0x1B, body.len < PRESCAN_BYTES ? body.len : PRESCAN_BYTES))) return charset;
    charset_count_utf8(body, &good, &wrong);
    if (good == 0) { /* ASCII, unless it is seven bits of something else */
      const struct charset *told = charset_by_escapes(body);
      if (told) return told;
      if (charset && strcmp(charset->name, "UTF-7") == 0 && memchr(body.data, '+', body.len)) return charset;
      return utf8;
    }
    bool chance = good < 4 && charset && charset->kind != CHARSET_SINGLE && charset->kind != CHARSET_REPLACEMENT; /* a few Chinese words can look like it */
    return chance ? charset : utf8;
  }
  charset_count_utf8(body, &good, &wrong);
  if (charset && charset->kind == CHARSET_UTF8 && wrong <= good) return charset;
  if (good >= 20 && wrong * 20 <= good) return utf8;
  if (charset && (charset->kind == CHARSET_UTF8 || charset->kind == CHARSET_REPLACEMENT || charset->kind == CHARSET_ISO_2022_JP)) {
    if (charset->kind == CHARSET_ISO_2022_JP && charset_by_escapes(body) == charset) return charset;
    charset = NULL;
  }
  return charset_guess(d, body, charset);
}
