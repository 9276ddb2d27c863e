/* SPDX-License-Identifier: MIT
 *
 * o200k's pattern; see pattern.c.
 */
#include "common/token/scan.h"
#include "common/token/scan_characters.h"

/* What `[Lu Lt Lm Lo M]*[Ll Lm Lo M]+` matches at p, or NULL.  *heads: the end of the longest run of its first part.
 * The first part takes all it can; when no small letter follows, it gives back down to the last caseless one. */
static inline const uint8_t *cased_word(const struct classes *c, const uint8_t *p, const uint8_t *end, const uint8_t **heads) {
  const uint8_t *after_caseless = NULL;
  unsigned length, bits;
  for (;; p += length) {
    bits = p < end ? classes_bits_at(c, p, end, &length) : 0;
    if (!(bits & CASE_HEAD)) break;
    if (bits & CASE_TAIL) after_caseless = p + length;
  }
  *heads = p;
  if (!(bits & CASE_TAIL)) return after_caseless;
  while (p < end && (classes_bits_at(c, p, end, &length) & CASE_TAIL)) p += length;
  return p;
}

static const uint8_t *next_o200k(const struct classes *c, const uint8_t *p, const uint8_t *end) {
  unsigned length, second_length = 0;
  unsigned bits = classes_bits_at(c, p, end, &length);
  enum char_class k = (enum char_class)(bits & CLASS_MASK);
  if (k == CLASS_NUMBER) {
    const uint8_t *stop = p + length;
    for (int i = 1; i < 3 && stop < end && classes_at(c, stop, end, &length) == CLASS_NUMBER; i++) stop += length;
    return stop;
  }
  /* A word, with the character before it or without; then one of capitals alone, the same. */
  bool joins = k != CLASS_LETTER && *p != '\n' && *p != '\r';
  const uint8_t *second = p + length, *word = NULL, *heads = p, *heads_joined = second;
  if (joins) word = cased_word(c, second, end, &heads_joined);
  if (!word && (bits & (CASE_HEAD | CASE_TAIL))) word = cased_word(c, p, end, &heads);
  if (!word && joins && heads_joined > second) word = heads_joined;
  if (!word && heads > p) word = heads;
  if (word) return contraction(word, end);
  enum char_class k2 = second < end ? classes_at(c, second, end, &second_length) : CLASS_SPACE;
  if (k == CLASS_OTHER || (*p == ' ' && k2 == CLASS_OTHER)) {
    const uint8_t *stop = run(c, second, end, CLASS_OTHER);
    while (stop < end && (*stop == '\n' || *stop == '\r' || *stop == '/')) stop++;
    return stop;
  }
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  if (newline > p) return newline;
  return stop == end || last == p ? stop : last;
}

int scan_o200k(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  (void)pattern;
  const struct classes *c = classes_get();
  const uint8_t *at = text, *end = text + n;
  int count = 0;
  while (count < max && at < end) {
    at = next_o200k(c, at, end);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}
