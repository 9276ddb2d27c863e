/* SPDX-License-Identifier: MIT
 *
 * Stops at each digit and each plus sign; all that a number needs stands within some forty bytes of it.
 */
#include "tools/qfilter/pii/phone.h"

enum { MOST_DIGITS = 15, LEAST_DIGITS = 8 };

static bool digits_at(const char *p, size_t n, size_t count) {
  if (n < count) return false;
  for (size_t i = 0; i < count; i++)
    if (!is_digit(p[i])) return false;
  return true;
}

static bool two_to_nine(char c) { return c >= '2' && c <= '9'; }

/* Part of a word, an identifier or a decimal fraction. */
static bool joined_before(struct slice s, size_t at) {
  char c = at ? s.data[at - 1] : 0, d = at > 1 ? s.data[at - 2] : 0;
  return is_alphanumeric(c) || c == '_' || ((c == '.' || c == ',') && is_digit(d));
}
static bool joined_after(struct slice s, size_t at) {
  char c = at < s.len ? s.data[at] : 0, d = at + 1 < s.len ? s.data[at + 1] : 0;
  return is_alphanumeric(c) || c == '_' || ((c == '.' || c == ',') && is_digit(d));
}

/* 2147483646 to 2147483649, 4294967294 to 4294967297: the largest integers of computers, which stand in many a manual. */
static bool near_power(const char *p) {
  return (memcmp(p, "214748364", 9) == 0 && p[9] >= '6') || (memcmp(p, "429496729", 9) == 0 && p[9] >= '4' && p[9] <= '7');
}

static size_t american_length(const char *p, size_t n) {
  size_t length = 0;
  if (n && p[0] == '(') { /* (283)-182-3829, (283) 182 3829, (283) 182-3829 */
    if (digits_at(p + 1, n - 1, 3) && n >= 14 && p[4] == ')' && (p[5] == '-' || p[5] == ' ') && digits_at(p + 6, n - 6, 3) && (p[9] == '-' || p[9] == ' ') &&
        digits_at(p + 10, n - 10, 4))
      length = 14;
  } else if (n >= 12 && digits_at(p, n, 3) && digits_at(p + 4, n - 4, 3) && digits_at(p + 8, n - 8, 4)) {
    if (p[3] == '-' && p[7] == '-') length = 12;
    if (p[3] == '.' && p[7] == '.' && two_to_nine(p[0]) && two_to_nine(p[4])) length = 12;
  }
  if (!length && digits_at(p, n, 10) && p[0] >= '2' && !near_power(p)) length = 10; /* bare: an area code, which is never 0 or 1 as in a time stamp */
  return length && (length == n || !is_digit(p[length])) ? length : 0;
}

/* Bytes of one mark that may stand between digits, or 0. */
static size_t separator(const char *p, size_t n) {
  if (n && memchr(" -./()", p[0], 6)) return 1;
  if (n >= 2 && memcmp(p, "\u00A0", 2) == 0) return 2;
  if (n >= 3 && (memcmp(p, "\u2010", 3) == 0 || memcmp(p, "\u2011", 3) == 0 || memcmp(p, "\u2012", 3) == 0 || memcmp(p, "\u2013", 3) == 0 || memcmp(p, "\u202F", 3) == 0)) return 3;
  return 0;
}

static uint32_t lengths_of(uint32_t code) {
  int low = 0, high = phone_code_count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (phone_codes[middle].code < code) low = middle + 1;
    else high = middle;
  }
  return low < phone_code_count && phone_codes[low].code == code ? phone_codes[low].lengths : 0;
}

/* The number whose calling code starts at p, behind its + or 00: the longest run of whole groups of digits that is one. */
static size_t international_length(const char *p, size_t n, bool want_groups) {
  uint32_t code = 0, lengths = 0;
  size_t i = 0, length = 0;
  unsigned national = 0, code_digits = 0, marks = 0;
  bool grouped = false;
  if (!n || !is_digit(p[0]) || p[0] == '0') return 0;
  while (i < n && code_digits < 3 && is_digit(p[i]) && !lengths) {
    code = code * 10 + (uint32_t)(p[i++] - '0');
    code_digits++;
    lengths = lengths_of(code);
  }
  if (!lengths) return 0;
  while (i < n) {
    if (is_digit(p[i])) {
      if (++national + code_digits > MOST_DIGITS) break;
      i++;
      marks = 0;
      bool ends = i == n || !is_digit(p[i]);
      if (ends && national + code_digits >= LEAST_DIGITS && lengths >> national & 1 && (grouped || !want_groups)) length = i;
      continue;
    }
    if (national == 0 && n - i >= 3 && memcmp(p + i, "(0)", 3) == 0) { /* the trunk prefix, not dialled from abroad */
      i += 3;
      marks = 0;
      continue;
    }
    size_t mark = separator(p + i, n - i);
    if (!mark || (marks += p[i] != ')') > 2) break; /* +(65) 3158 */
    grouped = true;
    i += mark;
  }
  return length;
}

bool phone_find(struct slice s, size_t from, size_t *searched, struct match *m) {
  size_t i = *searched > from ? *searched : from;
  while ((i = next_digit(s, i)) < s.len) {
    const char *p = s.data + i;
    size_t left = s.len - i, n;
    char before = i ? p[-1] : 0, before_that = i > 1 ? p[-2] : 0;
    if (!is_digit(before)) {
      size_t plus = i; /* +49, + 49, +(49) */
      if (before == '+') plus = i - 1;
      else if ((before == ' ' || before == '(') && before_that == '+') plus = i - 2;
      char outside = plus ? s.data[plus - 1] : 0;
      if (plus < i && plus >= from && !is_digit(outside) && outside != '+' && (n = international_length(p, left, i - plus == 2 || is_alphanumeric(outside))) > 0) {
        *m = (struct match){plus, i + n};
        return true;
      }
      if (left > 2 && p[0] == '0' && p[1] == '0' && !is_alphanumeric(before) && before != '_' && (n = international_length(p + 2, left - 2, true)) > 0) {
        *m = (struct match){i, i + 2 + n};
        return true;
      }
      if (before == '(' && i - 1 >= from && !is_digit(before_that) && (n = american_length(p - 1, left + 1)) > 0) {
        *m = (struct match){i - 1, i - 1 + n};
        return true;
      }
      if ((n = american_length(p, left)) > 0 && !joined_before(s, i) && !joined_after(s, i + n)) {
        *m = (struct match){i, i + n};
        return true;
      }
    }
    while (i < s.len && is_digit(s.data[i])) i++;
  }
  *searched = s.len;
  return false;
}
