/* SPDX-License-Identifier: MIT
 *
 * One character at a time: what the scanners share.
 */
#ifndef TOKEN_SCAN_CHARACTERS_H
#define TOKEN_SCAN_CHARACTERS_H

#include <stdint.h>

#include "common/token/classes.h"

/* End of the run of characters of class `want` that starts at p. */
static inline const uint8_t *run(const struct classes *c, const uint8_t *p, const uint8_t *end, enum char_class want) {
  while (p < end) {
    enum char_class k = (enum char_class)c->byte[*p];
    if (k == want) {
      p++;
      continue;
    }
    if (k != CLASS_LOOK) break;
    unsigned length;
    if (classes_at(c, p, end, &length) != want) break;
    p += length;
  }
  return p;
}

/* The white space that starts at p: its end, where its last character starts, and the end of its last \r or \n (or p). */
static inline const uint8_t *space_run(const struct classes *c, const uint8_t *p, const uint8_t *end, const uint8_t **last, const uint8_t **newline) {
  *last = *newline = p;
  while (p < end) {
    unsigned length;
    if (classes_at(c, p, end, &length) != CLASS_SPACE) break;
    *last = p;
    if (*p == '\n' || *p == '\r') *newline = p + 1;
    p += length;
  }
  return p;
}

/* The contraction that starts at p in any case: its end, or p. */
static inline const uint8_t *contraction(const uint8_t *p, const uint8_t *end) {
  if (end - p < 2 || *p != '\'') return p;
  uint8_t a = p[1] | 0x20;
  if (p[1] < 0x80 && (a == 's' || a == 'd' || a == 'm' || a == 't')) return p + 2;
  if (end - p < 3) return p;
  uint8_t b = p[2] | 0x20;
  if (p[1] < 0x80 && p[2] < 0x80 && ((a == 'l' && b == 'l') || ((a == 'v' || a == 'r') && b == 'e'))) return p + 3;
  return p[1] == 0xC5 && p[2] == 0xBF ? p + 3 : p; /* U+017F, the long s, folds to s */
}

#endif
