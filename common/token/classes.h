/* SPDX-License-Identifier: MIT
 *
 * Character classes of the pre-tokenisers' patterns: \p{L}, \p{N}, \p{White_Space} and the rest, from utf8proc's
 * general categories, raised to Unicode 16.0 where utf8proc is older (the tables that the reference libraries use).
 * Letters and marks also say whether they may begin a word (capitals and what has no case) or go on in one (small
 * letters and what has no case), for o200k.  No letter, number or space lies at or above U+40000; of the marks there,
 * U+E0100 to U+E01EF are known.
 */
#ifndef TOKEN_CLASSES_H
#define TOKEN_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

enum char_class { CLASS_OTHER, CLASS_LETTER, CLASS_NUMBER, CLASS_SPACE, CLASS_LOOK /* ascii table: not ASCII */ };

enum { CLASS_MASK = 3, CASE_HEAD = 4, /* Lu Lt Lm Lo M */ CASE_TAIL = 8 /* Ll Lm Lo M */ };

#define CLASSES_END 0x40000

struct classes {
  uint8_t byte[256];                   /* by first byte: the class of an ASCII character, or CLASS_LOOK */
  uint16_t page[CLASSES_END / 256];    /* number of a block of 256 */
  uint8_t block[1024][256];            /* class, CASE_ bits */
  uint8_t basic[0x10000];              /* the same by code point below U+10000, in one step */
  struct classes_wide {                /* for wide code; [k]: bit k of the bits; in maps a bit a code point */
    uint8_t greek[4][256];             /* U+0000 to U+07FF */
    uint8_t indic[4][256];             /* U+0800 to U+0FFF */
    uint8_t pages[4][128];             /* four pages of 256: see page_second */
    /* By lead 0xC0 + i: the bits of all its characters with second bytes from first to first + span, but not `except`;
     * CLASSES_MIXED: none.  [0]: without CASE_ bits, [1]: with them. */
    uint8_t alike[2][48], first[2][48], span[2][48], except[2][48];
    uint8_t page_second[48], page_at[48]; /* a page's second byte without its low two bits (0: none), byte in pages */
  } wide;
};
enum { CLASSES_MIXED = 0x80 };

const struct classes *classes_get(void); /* built on first use, thread-safe */

static inline unsigned classes_bits(const struct classes *c, uint32_t code_point) {
  if (code_point < 0x10000) return c->basic[code_point];
  if (code_point < CLASSES_END) return c->block[c->page[code_point >> 8]][code_point & 255];
  return code_point >= 0xE0100 && code_point <= 0xE01EF ? CLASS_OTHER | CASE_HEAD | CASE_TAIL : CLASS_OTHER;
}

static inline enum char_class classes_of(const struct classes *c, uint32_t code_point) {
  return (enum char_class)(classes_bits(c, code_point) & CLASS_MASK);
}

/* Class and case of the character at p (p < end) and its length in bytes.  A byte that does not start a valid character
 * is "other", of length 1. */
static inline unsigned classes_bits_at(const struct classes *c, const uint8_t *p, const uint8_t *end, unsigned *length) {
  uint8_t b = p[0];
  *length = 1;
  if (b < 0x80) return c->basic[b];
  if (b < 0xC2 || b > 0xF4) return CLASS_OTHER;
  if (b < 0xE0) {
    if (end - p < 2 || (p[1] & 0xC0) != 0x80) return CLASS_OTHER;
    *length = 2;
    return classes_bits(c, (uint32_t)(b & 0x1F) << 6 | (p[1] & 0x3F));
  }
  if (b < 0xF0) {
    if (end - p < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80) return CLASS_OTHER;
    uint32_t u = (uint32_t)(b & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    if (u < 0x800 || (u >= 0xD800 && u < 0xE000)) return CLASS_OTHER;
    *length = 3;
    return classes_bits(c, u);
  }
  if (end - p < 4 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80) return CLASS_OTHER;
  uint32_t u = (uint32_t)(b & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
  if (u < 0x10000 || u > 0x10FFFF) return CLASS_OTHER;
  *length = 4;
  return classes_bits(c, u);
}

static inline enum char_class classes_at(const struct classes *c, const uint8_t *p, const uint8_t *end, unsigned *length) {
  if (*p < 0x80) {
    *length = 1;
    return (enum char_class)c->byte[*p];
  }
  return (enum char_class)(classes_bits_at(c, p, end, length) & CLASS_MASK);
}

/* Does the piece [p, end), which is not empty, begin with white space? */
static inline bool classes_space_at(const struct classes *c, const uint8_t *p, const uint8_t *end) {
  unsigned length;
  return classes_at(c, p, end, &length) == CLASS_SPACE;
}

#endif
