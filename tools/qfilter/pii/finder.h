/* SPDX-License-Identifier: MIT
 *
 * What finds one kind of personal data: called with a text again and again, each time from where the last find ended.
 * Scanners by hand instead of regular expressions: linear time on any input.
 */
#ifndef QFILTER_PII_FINDER_H
#define QFILTER_PII_FINDER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/buffer.h"

struct match {
  size_t start, end; /* bytes of the text */
};

/* The first match that starts at `from` or later.  *searched, 0 at the start of a text, belongs to the finder: what it
 * has looked at in vain. */
typedef bool finder(struct slice s, size_t from, size_t *searched, struct match *m);

static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool is_alphanumeric(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

/* The first digit at `at` or later, or s.len. */
static inline size_t next_digit(struct slice s, size_t at) {
  for (uint64_t word; at + 8 <= s.len; at += 8) { /* a byte is a digit when neither it ^ '0' nor that + 6 has an upper half */
    memcpy(&word, s.data + at, 8);
    word ^= 0x3030303030303030u;
    uint64_t upper = (word | ((word & 0x7F7F7F7F7F7F7F7Fu) + 0x0606060606060606u)) & 0xF0F0F0F0F0F0F0F0u;
    uint64_t none = (upper - 0x0101010101010101u) & ~upper & 0x8080808080808080u;
    if (none) return at + (size_t)__builtin_ctzll(none) / 8;
  }
  while (at < s.len && !is_digit(s.data[at])) at++;
  return at;
}

#endif
