/* SPDX-License-Identifier: MIT
 *
 * cl100k's pattern and its kin; see pattern.c.
 */
#include "common/token/scan.h"
#include "common/token/scan_characters.h"

/* \p{L}+ after the optional character, \p{N}{1,digits}, and so on; see the top. */
static const uint8_t *next_cl100k(const struct classes *c, const uint8_t *p, const uint8_t *end, int digits, bool tail) {
  unsigned length, second_length = 0;
  if (*p == '\'') {
    const uint8_t *stop = contraction(p, end);
    if (stop > p) return stop;
  }
  enum char_class k = classes_at(c, p, end, &length);
  if (k == CLASS_LETTER) return run(c, p + length, end, CLASS_LETTER);
  if (k == CLASS_NUMBER) {
    const uint8_t *stop = p + length;
    for (int i = 1; i < digits && stop < end; i++) {
      if (classes_at(c, stop, end, &length) != CLASS_NUMBER) break;
      stop += length;
    }
    return stop;
  }
  const uint8_t *second = p + length;
  enum char_class k2 = second < end ? classes_at(c, second, end, &second_length) : CLASS_SPACE;
  if (k2 == CLASS_LETTER && *p != '\n' && *p != '\r') return run(c, second + second_length, end, CLASS_LETTER);
  if (k == CLASS_OTHER || (*p == ' ' && k2 == CLASS_OTHER)) {
    const uint8_t *stop = run(c, second, end, CLASS_OTHER);
    while (stop < end && (*stop == '\n' || *stop == '\r')) stop++;
    return stop;
  }
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  if (tail && stop == end) return stop;
  if (newline > p) return newline;
  return stop == end || last == p ? stop : last;
}

int scan_cl100k(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  const struct classes *c = classes_get();
  const uint8_t *at = text, *end = text + n;
  int count = 0;
  while (count < max && at < end) {
    at = next_cl100k(c, at, end, pattern->digits, pattern->tail);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}
