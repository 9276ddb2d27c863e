/* SPDX-License-Identifier: MIT
 *
 * From each group of digits at most nineteen digits are read ahead.
 */
#include "tools/qfilter/pii/card.h"

enum { LEAST = 13, MOST = 19 };

static bool luhn(const char *digits, size_t n) {
  unsigned sum = 0;
  for (size_t i = 0; i < n; i++) {
    unsigned d = (unsigned)(digits[n - 1 - i] - '0');
    if (i % 2) d = d > 4 ? 2 * d - 9 : 2 * d;
    sum += d;
  }
  return sum % 10 == 0;
}

static bool issued(const char *digits, size_t n) {
  static const struct {
    uint32_t low, high; /* of the first six digits */
    uint32_t lengths;   /* bit n: n digits */
  } issuers[] = {
#define UP_TO_19(n) (0xFFFFFu >> (n) << (n))
      {400000, 499999, 1 << 13 | 1 << 16 | 1 << 19},
      {510000, 559999, 1 << 16},
      {222100, 272099, 1 << 16},
      {340000, 349999, 1 << 15},
      {370000, 379999, 1 << 15},
      {601100, 601199, UP_TO_19(16)},
      {644000, 659999, UP_TO_19(16)},
      {352800, 358999, UP_TO_19(16)},
      {300000, 305999, UP_TO_19(14)},
      {309000, 309999, UP_TO_19(14)},
      {360000, 369999, UP_TO_19(14)},
      {380000, 399999, UP_TO_19(14)},
      {620000, 629999, UP_TO_19(16)},
      {501800, 501899, UP_TO_19(13)},
      {502000, 502099, UP_TO_19(13)},
      {503800, 503899, UP_TO_19(13)},
      {589300, 589399, UP_TO_19(13)},
      {630400, 630499, UP_TO_19(13)},
      {675900, 675999, UP_TO_19(13)},
      {676100, 676399, UP_TO_19(13)},
  };
  uint32_t first = 0;
  for (int i = 0; i < 6; i++) first = first * 10 + (uint32_t)(digits[i] - '0');
  for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
    if (first >= issuers[i].low && first <= issuers[i].high && issuers[i].lengths >> n & 1) return true;
  return false;
}

/* Groups as cards print them: 4-4-4-4, their last of 1 to 4 digits; 4-6-4 and 4-6-5; 6-13.  Not 25 24 23 ..., a list. */
static bool grouped(const unsigned *sizes, size_t n) {
  if (n == 1) return true;
  if (n == 2) return sizes[0] == 6 && sizes[1] == 13;
  if (n == 3 && sizes[0] == 4 && sizes[1] == 6) return sizes[2] == 4 || sizes[2] == 5;
  for (size_t i = 0; i + 1 < n; i++)
    if (sizes[i] != 4) return false;
  return sizes[n - 1] <= 4;
}

/* Length of the number that starts at s.data[start], the longest run of whole groups that is one, or 0. */
static size_t card_length(struct slice s, size_t start) {
  char digits[MOST];
  unsigned sizes[MOST] = {0};
  size_t count = 0, groups = 0, length = 0;
  char mark = 0;
  for (size_t i = start; i < s.len; i++) {
    char c = s.data[i];
    if (is_digit(c)) {
      if (count == MOST) break;
      digits[count++] = c;
      sizes[groups]++;
      char after = i + 1 < s.len ? s.data[i + 1] : 0;
      if (is_digit(after)) continue;
      bool alone = !is_alphanumeric(after) && after != '_' && !(after == '.' && i + 2 < s.len && is_digit(s.data[i + 2]));
      if (count >= LEAST && alone && grouped(sizes, groups + 1) && issued(digits, count) && luhn(digits, count)) length = i + 1 - start;
      continue;
    }
    if ((c != ' ' && c != '-') || sizes[groups] == 0 || count == MOST || (mark && c != mark)) break;
    groups++;
    mark = c;
  }
  return length;
}

bool card_find(struct slice s, size_t from, size_t *searched, struct match *m) {
  size_t i = *searched > from ? *searched : from;
  while ((i = next_digit(s, i)) < s.len) {
    char before = i ? s.data[i - 1] : 0;
    size_t n = is_alphanumeric(before) || before == '_' || before == '.' ? 0 : card_length(s, i);
    if (n) {
      *m = (struct match){i, i + n};
      return true;
    }
    while (i < s.len && is_digit(s.data[i])) i++;
  }
  *searched = s.len;
  return false;
}
