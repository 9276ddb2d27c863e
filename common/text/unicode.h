/* SPDX-License-Identifier: MIT
 *
 * Classes of code points as Python's str methods see them, because the filters that we reproduce are written with
 * those: isspace() (what split() and strip() use), splitlines(), isalpha(), isdecimal(), unicodedata.category().
 * One byte of flags per code point: a table for the Basic Multilingual Plane, utf8proc above it.
 *
 * All text here is valid UTF-8 without NUL, as documents.h gives it.
 */
#ifndef TEXT_UNICODE_H
#define TEXT_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum unicode_flag {
  UNICODE_SPACE = 1,       /* str.isspace(): category Zs, or bidirectional class WS, B or S */
  UNICODE_LINE_BREAK = 2,  /* str.splitlines(): LF VT FF CR FS GS RS NEL LS PS */
  UNICODE_LETTER = 4,      /* str.isalpha(): L* */
  UNICODE_DIGIT = 8,       /* \d of a Python str pattern: Nd */
  UNICODE_PUNCTUATION = 16, /* P* */
  UNICODE_UPPER = 32,      /* Lu, Lt */
  UNICODE_LOWER = 64,      /* Ll */
  UNICODE_WORD = 128,      /* \w of a Python str pattern: L*, N*, underscore */
};

/* 65536 entries, indexed by code point; computed on the first call, from then on shared by all threads. */
const uint8_t *unicode_table(void);
uint8_t unicode_flags_supplementary(uint32_t code_point);

static inline uint8_t unicode_flags(const uint8_t *table, uint32_t code_point) {
  return code_point < 0x10000 ? table[code_point] : unicode_flags_supplementary(code_point);
}

/* Decodes the code point at p, known to be valid; *length is 1..4. */
static inline uint32_t unicode_decode(const char *p, int *length) {
  const uint8_t *b = (const uint8_t *)p;
  if (b[0] < 0x80) return *length = 1, b[0];
  if (b[0] < 0xE0) return *length = 2, (uint32_t)(b[0] & 0x1F) << 6 | (b[1] & 0x3F);
  if (b[0] < 0xF0) return *length = 3, (uint32_t)(b[0] & 0x0F) << 12 | (uint32_t)(b[1] & 0x3F) << 6 | (b[2] & 0x3F);
  return *length = 4, (uint32_t)(b[0] & 0x07) << 18 | (uint32_t)(b[1] & 0x3F) << 12 | (uint32_t)(b[2] & 0x3F) << 6 | (b[3] & 0x3F);
}

/* Code points in valid UTF-8. */
size_t unicode_count(const char *text, size_t n);

/* str.strip(), str.lstrip(), str.rstrip(). */
struct slice unicode_strip(struct slice s);
struct slice unicode_strip_left(struct slice s);
struct slice unicode_strip_right(struct slice s);

/* str.splitlines(): true and the next line without its break; *at starts at 0.  CR LF is one break; a break at the end
 * starts no further line; an empty text has no line. */
bool unicode_next_line(struct slice text, size_t *at, struct slice *line);

#endif
