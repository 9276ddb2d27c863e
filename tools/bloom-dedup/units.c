/* SPDX-License-Identifier: MIT
 *
 * Lines are found by looking for backslashes; what lies between two of them is not read.
 */
#include "tools/bloom-dedup/units.h"

#define XXH_INLINE_ALL
#include <utf8proc.h>
#include <xxhash.h>

#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/text/unicode.h"

/* Where the line that starts at `at` ends: at its \n or at the end of the text. */
static size_t line_end(struct unit_cursor *c, size_t at, bool *canonical) {
  const char *text = c->text.data;
  size_t n = c->text.len;
  while (at < n) {
    const char *slash = memchr(text + at, '\\', n - at);
    if (!slash) return n;
    at = (size_t)(slash - text);
    char letter = at + 1 < n ? slash[1] : 0;
    if (letter == 'n') return at;
    if (letter == 't' || letter == '\\' || letter == 'r') {
      at += 2;
      continue;
    }
    c->unknown++;
    *canonical = false;
    at++;
  }
  return n;
}

static bool is_blank(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (s[i] == ' ' || s[i] == '\r') continue;
    if (s[i] != '\\' || i + 1 == n || (s[i + 1] != 't' && s[i + 1] != 'r')) return false;
    i++;
  }
  return true;
}

void unit_plain(const struct unit_cursor *c, struct unit *u) {
  const char *text = c->text.data;
  size_t n = c->text.len;
  bool every = c->short_length == 0 && c->kind == UNIT_LINE, blank = !every && is_blank(text, n);
  *u = (struct unit){.bytes = {text, blank ? 0 : n}, .canonical = blank || !c->returns || !memchr(text, '\r', n)};
  u->passes = n < c->short_length && !(blank && c->short_length <= 1);
}

bool unit_next(struct unit_cursor *c, struct unit *u) {
  enum { BREAK = 2 }; /* bytes of \n */
  const char *text = c->text.data;
  size_t n = c->text.len, start = c->started ? c->at + BREAK : 0, end = 0;
  bool every = c->short_length == 0 && c->kind == UNIT_LINE, found = false;
  if (c->ended) return false;
  u->canonical = true;
  for (; start < n; start = end + BREAK) {
    end = line_end(c, start, &u->canonical);
    if (every || !is_blank(text + start, end - start)) {
      found = true;
      break;
    }
  }
  if (!found) {
    c->ended = true;
    if (c->started) return false;
    *u = (struct unit){.bytes = {text, 0}, .passes = c->short_length > 1 && n < c->short_length, .canonical = true};
    return true;
  }
  if (c->kind == UNIT_DOCUMENT) start = 0;
  while (c->kind != UNIT_LINE && end < n) {
    size_t next = end + BREAK, next_end = end;
    bool blank = true;
    for (;;) { /* of a document, the blank lines within it too */
      next_end = line_end(c, next, &u->canonical);
      blank = is_blank(text + next, next_end - next);
      if (!blank || c->kind == UNIT_PARAGRAPH || next_end >= n) break;
      next = next_end + BREAK;
    }
    if (blank) break;
    end = next_end;
  }
  *u = (struct unit){.bytes = {text + start, end - start}, .gap = start - c->at, .passes = end - start < c->short_length, .canonical = u->canonical};
  if (c->returns && memchr(text + start, '\r', end - start)) u->canonical = false;
  c->ended = c->kind == UNIT_DOCUMENT;
  c->started = true;
  c->at = end;
  return true;
}

size_t units_edit(struct buffer *out, struct slice text, enum unit_kind kind, size_t short_length, const unsigned char *drop) {
  struct unit_cursor c = unit_cursor(text, kind, short_length);
  struct unit u;
  struct slice gap = {0};
  size_t left = 0;
  bool dropped = false; /* since the last one that stays */
  while (unit_next(&c, &u)) {
    if (!gap.data || u.gap > gap.len) gap = (struct slice){u.bytes.data - u.gap, u.gap};
    if (!u.passes && *drop++) {
      dropped = true;
      continue;
    }
    if (left > 0 || !dropped) buffer_append_slice(out, gap);
    buffer_append_slice(out, u.bytes);
    left++;
    gap = (struct slice){0};
    dropped = false;
  }
  return left;
}

/* ---- what is compared */

enum class { KEEP, LEAVE_OUT, SPACE, SLASH, WIDE };

static const unsigned char classes[256] = {
    [9 ... 13] = SPACE, [28 ... ' '] = SPACE, ['!' ... '/'] = LEAVE_OUT, [':' ... '@'] = LEAVE_OUT, ['['] = LEAVE_OUT, ['\\'] = SLASH, [']' ... '`'] = LEAVE_OUT, ['{' ... '~'] = LEAVE_OUT, [0x80 ... 0xFF] = WIDE,
};

/* Appends the character of `length` bytes at s, which is not ASCII, in lower case. */
static void append_wide(struct buffer *out, const char *s, int length, uint32_t wide, uint8_t flags) {
  if (flags & UNICODE_UPPER) utf8_append(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)wide));
  else buffer_append(out, s, (size_t)length);
}

void unit_normalize(struct buffer *out, struct slice s) {
  const uint8_t *table = unicode_table();
  size_t start = out->len;
  bool space = false; /* one is due before the next character */
  for (size_t i = 0; i < s.len;) {
    unsigned char c = (unsigned char)s.data[i];
    enum class class = (enum class)classes[c];
    if (class == KEEP) { /* and all that follow */
      buffer_reserve(out, s.len - i + 1);
      char *to = out->data + out->len;
      if (space && out->len > start) *to++ = ' ';
      space = false;
      do {
        *to++ = (char)(c + (c >= 'A' && c <= 'Z' ? 32 : 0));
        if (++i == s.len) break;
        c = (unsigned char)s.data[i];
      } while (classes[c] == KEEP);
      out->len = (size_t)(to - out->data);
      continue;
    }
    int length = 1;
    if (class == WIDE) {
      uint32_t wide = unicode_decode(s.data + i, &length);
      uint8_t flags = unicode_flags(table, wide);
      if (flags & UNICODE_SPACE) {
        space = true;
      } else if (!(flags & UNICODE_PUNCTUATION)) {
        if (space && out->len > start) buffer_put(out, ' ');
        space = false;
        append_wide(out, s.data + i, length, wide, flags);
      }
    } else if (class == SLASH) {
      char letter = i + 1 < s.len ? s.data[i + 1] : 0;
      bool white = letter == 'n' || letter == 't' || letter == 'r';
      space |= white;
      length = white || letter == '\\' ? 2 : 1;
    } else {
      space |= class == SPACE;
    }
    i += (size_t)length;
  }
}

struct hash128 unit_hash(const struct unit *u, bool normalize, uint64_t seed, struct buffer *room) {
  struct slice bytes = u->bytes;
  buffer_clear(room);
  if (normalize) unit_normalize(room, bytes);
  if (room->len) {
    bytes = buffer_slice(room);
  } else if (!u->canonical) {
    struct buffer plain = {0};
    uint64_t unknown = 0;
    document_unescape(&plain, bytes, &unknown);
    document_escape(room, buffer_slice(&plain));
    buffer_release(&plain);
    bytes = buffer_slice(room);
  }
  XXH128_hash_t h = XXH3_128bits_withSeed(bytes.data ? bytes.data : "", bytes.len, seed);
  return (struct hash128){h.low64, h.high64};
}
