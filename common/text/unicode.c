/* SPDX-License-Identifier: MIT
 *
 * Unicode classes over utf8proc (Unicode 15).  Python's isspace() is wider than category Zs (it takes the separators
 * FS GS RS US) and narrower than "control"; the set is closed and small, so it is written out.
 * https://docs.python.org/3/library/stdtypes.html#str.isspace #str.splitlines
 */
#include "common/text/unicode.h"

#include <pthread.h>
#include <utf8proc.h>

static uint8_t table[0x10000];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static bool is_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool is_line_break(uint32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static uint8_t category_flags(uint32_t c) {
  switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT: return UNICODE_LETTER | UNICODE_WORD | UNICODE_UPPER;
    case UTF8PROC_CATEGORY_LL: return UNICODE_LETTER | UNICODE_WORD | UNICODE_LOWER;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return UNICODE_LETTER | UNICODE_WORD;
    case UTF8PROC_CATEGORY_ND: return UNICODE_DIGIT | UNICODE_WORD;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return UNICODE_WORD;
    case UTF8PROC_CATEGORY_PC: return c == '_' ? UNICODE_PUNCTUATION | UNICODE_WORD : UNICODE_PUNCTUATION;
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return UNICODE_PUNCTUATION;
    default: return 0;
  }
}

static void fill(void) {
  for (uint32_t c = 0; c < 0x10000; c++)
    table[c] = category_flags(c) | (is_space(c) ? UNICODE_SPACE : 0) | (is_line_break(c) ? UNICODE_LINE_BREAK : 0);
}

const uint8_t *unicode_table(void) {
  pthread_once(&table_once, fill);
  return table;
}

uint8_t unicode_flags_supplementary(uint32_t c) { return category_flags(c); }

size_t unicode_count(const char *text, size_t n) {
  size_t continuations = 0, i = 0;
  for (; i + 8 <= n; i += 8) { /* eight bytes at once: a continuation byte has bit 7 set and bit 6 clear */
    uint64_t w;
    memcpy(&w, text + i, 8);
    continuations += (size_t)(((w & ~(w << 1) & 0x8080808080808080u) >> 7) * 0x0101010101010101u >> 56);
  }
  for (; i < n; i++) continuations += (text[i] & 0xC0) == 0x80;
  return n - continuations;
}

struct slice unicode_strip_left(struct slice s) {
  const uint8_t *flags = unicode_table();
  while (s.len) {
    int length;
    uint32_t c = unicode_decode(s.data, &length);
    if (!(unicode_flags(flags, c) & UNICODE_SPACE)) break;
    s.data += length;
    s.len -= (size_t)length;
  }
  return s;
}

struct slice unicode_strip_right(struct slice s) {
  const uint8_t *flags = unicode_table();
  while (s.len) {
    size_t start = s.len - 1;
    while (start && (s.data[start] & 0xC0) == 0x80) start--;
    int length;
    uint32_t c = unicode_decode(s.data + start, &length);
    if (!(unicode_flags(flags, c) & UNICODE_SPACE)) break;
    s.len = start;
  }
  return s;
}

struct slice unicode_strip(struct slice s) { return unicode_strip_right(unicode_strip_left(s)); }

/* Bytes that can start a line break: ASCII ones, and the lead bytes of U+0085, U+2028 and U+2029. */
static const bool may_break[256] = {[0x0A] = true, [0x0B] = true, [0x0C] = true, [0x0D] = true, [0x1C] = true,
                                    [0x1D] = true, [0x1E] = true, [0xC2] = true, [0xE2] = true};

bool unicode_next_line(struct slice text, size_t *at, struct slice *line) {
  size_t start = *at, i = start;
  if (start >= text.len) return false;
  while (i < text.len) {
    uint8_t b = (uint8_t)text.data[i];
    if (!may_break[b]) {
      i++;
      continue;
    }
    int length;
    uint32_t c = unicode_decode(text.data + i, &length);
    if (!is_line_break(c)) {
      i += (size_t)length;
      continue;
    }
    *line = (struct slice){text.data + start, i - start};
    i += (size_t)length;
    if (c == '\r' && i < text.len && text.data[i] == '\n') i++;
    *at = i;
    return true;
  }
  *line = (struct slice){text.data + start, i - start};
  *at = i;
  return true;
}
