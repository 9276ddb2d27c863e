/* SPDX-License-Identifier: MIT
 *
 * GPT-2's pattern: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
#include "common/token/scan.h"
#include "common/token/scan_characters.h"

static const uint8_t *next_gpt2(const struct classes *c, const uint8_t *p, const uint8_t *end) {
  unsigned length;
  enum char_class k;
  if (*p == '\'' && end - p >= 2) {
    uint8_t a = p[1];
    if (a == 's' || a == 'd' || a == 'm' || a == 't') return p + 2;
    if (end - p >= 3 && ((a == 'l' && p[2] == 'l') || ((a == 'v' || a == 'r') && p[2] == 'e'))) return p + 3;
  }
  if (*p == ' ' && p + 1 < end) {
    k = classes_at(c, p + 1, end, &length);
    if (k != CLASS_SPACE) return run(c, p + 1 + length, end, k);
  }
  k = classes_at(c, p, end, &length);
  if (k != CLASS_SPACE) return run(c, p + length, end, k);
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  return stop == end || last == p ? stop : last;
}

int scan_gpt2(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  (void)pattern;
  const struct classes *c = classes_get();
  const uint8_t *at = text, *end = text + n;
  int count = 0;
  while (count < max && at < end) {
    at = next_gpt2(c, at, end);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}
