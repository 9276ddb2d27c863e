/* SPDX-License-Identifier: MIT
 *
 * spaCy's URL_PATTERN (lang/tokenizer_exceptions.py, after https://gist.github.com/dperini/729294, MIT licence):
 *
 *   [SCHEME://] [anything @] HOST [: 2 to 5 digits] [one of / ? # and anything]
 *
 * SCHEME is two or more word characters or + - .; HOST an IPv4 address outside the private networks, or names, each of
 * up to 64 letters, digits, - and _ that neither begins nor ends with a mark, and a top-level domain of 2 to 63
 * lower-case letters.  An @ may stand anywhere, so every place behind one is tried; as no host holds an @, that is
 * linear all the same.
 */
#include <string.h>

#include "common/text/unicode.h"
#include "common/text/words_reference.h"
#include "common/text/words_reference_tables.h"

static inline uint32_t decode(const char *p, const char *end, int *length) {
  if (p == end) return *length = 0, 0;
  return unicode_decode(p, length);
}

static inline bool is_ascii_digit(uint32_t c) { return c - '0' < 10; }

/* Inside a name: [A-Za-z0-9\u00a1-\uffff]. */
static inline bool is_name(uint32_t c) { return is_ascii_digit(c) || (c | 32) - 'a' < 26 || (c >= 0xA1 && c <= 0xFFFF); }

/* Behind the host: [: 2 to 5 digits] [/?# anything] and the end. */
static bool is_tail(const uint16_t *classes, const char *p, const char *end) {
  int length;
  if (p < end && *p == ':') {
    p++;
    int digits = 0;
    while (digits < 6 && (words_reference_class(classes, decode(p, end, &length)) & WR_DIGIT)) {
      digits++;
      p += length;
    }
    if (digits < 2 || digits > 5) return false;
  }
  return p == end || *p == '/' || *p == '?' || *p == '#';
}

/* One number of an address: up to three digits, of any script where the pattern says \d, into d; NULL if there are more. */
static const char *read_digits(const uint16_t *classes, const char *p, const char *end, uint32_t d[3], int *count) {
  *count = 0;
  for (;;) {
    int length;
    uint32_t c = decode(p, end, &length);
    if (!length || !(words_reference_class(classes, c) & WR_DIGIT)) return p;
    if (*count == 3) return NULL;
    d[(*count)++] = c;
    p += length;
  }
}

static inline bool in(uint32_t c, char low, char high) { return c >= (uint8_t)low && c <= (uint8_t)high; }

/* [1-9]\d?|1\d\d|2[01]\d|22[0-3] */
static bool is_first_octet(const uint32_t d[3], int n) {
  if (n == 1 || n == 2) return in(d[0], '1', '9');
  return n == 3 && (d[0] == '1' || (d[0] == '2' && (in(d[1], '0', '1') || (d[1] == '2' && in(d[2], '0', '3')))));
}

/* 1?\d{1,2}|2[0-4]\d|25[0-5] */
static bool is_middle_octet(const uint32_t d[3], int n) {
  if (n == 1 || n == 2) return true;
  return n == 3 && (d[0] == '1' || (d[0] == '2' && (in(d[1], '0', '4') || (d[1] == '5' && in(d[2], '0', '5')))));
}

/* [1-9]\d?|1\d\d|2[0-4]\d|25[0-4] */
static bool is_last_octet(const uint32_t d[3], int n) {
  if (n == 1 || n == 2) return in(d[0], '1', '9');
  return n == 3 && (d[0] == '1' || (d[0] == '2' && (in(d[1], '0', '4') || (d[1] == '5' && in(d[2], '0', '4')))));
}

static bool spells(const uint32_t *d, int n, const char *s) {
  for (int i = 0; i < n; i++)
    if (d[i] != (uint8_t)s[i]) return false;
  return !s[n];
}

static bool is_address(const uint16_t *classes, const char *p, const char *end) {
  uint32_t d[4][3];
  int n[4];
  for (int i = 0; i < 4; i++) {
    if (i && (p == end || *p++ != '.')) return false;
    p = read_digits(classes, p, end, d[i], &n[i]);
    if (!p || n[i] == 0) return false;
  }
  if (!is_first_octet(d[0], n[0]) || !is_middle_octet(d[1], n[1]) || !is_middle_octet(d[2], n[2]) || !is_last_octet(d[3], n[3])) return false;
  if (spells(d[0], n[0], "10") || spells(d[0], n[0], "127")) return false;
  if (spells(d[0], n[0], "169") && spells(d[1], n[1], "254")) return false;
  if (spells(d[0], n[0], "192") && spells(d[1], n[1], "168")) return false;
  if (spells(d[0], n[0], "172") && n[1] == 2 && /* 1[6-9]|2\d|3[0-1] */
      ((d[1][0] == '1' && in(d[1][1], '6', '9')) || d[1][0] == '2' || (d[1][0] == '3' && in(d[1][1], '0', '1'))))
    return false;
  return is_tail(classes, p, end);
}

static bool is_host(const uint16_t *classes, const char *p, const char *end) {
  size_t labels = 0, length_of_label = 0;
  bool starts_well = false, ends_well = false, lower = true;
  for (;;) {
    int length;
    uint32_t c = decode(p, end, &length);
    if (!length) break;
    if (c == '.') {
      if (!starts_well || !ends_well || length_of_label > 64) return false;
      labels++;
      length_of_label = 0;
      starts_well = false;
      lower = true;
    } else {
      bool name = is_name(c), low = words_reference_class(classes, c) & WR_LOWER;
      if (!name && !low && c != '-' && c != '_') break;
      if (length_of_label == 0) starts_well = name;
      ends_well = name;
      if (!name && low) starts_well = false; /* beyond the BMP: in a top-level domain only */
      lower &= low;
      length_of_label++;
    }
    p += length;
  }
  return labels && lower && length_of_label >= 2 && length_of_label <= 63 && is_tail(classes, p, end);
}

static bool begins(const uint16_t *classes, const char *p, const char *end) { return is_address(classes, p, end) || is_host(classes, p, end); }

bool words_reference_is_url(const char *p, const char *end) {
  if (!memchr(p, '.', (size_t)(end - p))) return false;
  const uint16_t *classes = words_reference_classes();
  if (begins(classes, p, end)) return true;
  const char *q = p;
  for (int count = 0; q < end; count++) {
    int length;
    uint32_t c = unicode_decode(q, &length);
    if (!(words_reference_class(classes, c) & WR_WORD) && c != '+' && c != '-' && c != '.') {
      if (count >= 2 && end - q >= 3 && memcmp(q, "://", 3) == 0 && begins(classes, q + 3, end)) return true;
      break;
    }
    q += length;
  }
  for (q = p + 1; (q = memchr(q, '@', (size_t)(end - q))); q++)
    if (begins(classes, q + 1, end)) return true;
  return false;
}
