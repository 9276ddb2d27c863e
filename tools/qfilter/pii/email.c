/* SPDX-License-Identifier: MIT
 *
 * From each @ to the left as far as the local part may reach, then to the right.
 */
#include "tools/qfilter/pii/email.h"

#include "common/text/unicode.h"
#include "tools/qfilter/pii/address.h"

static bool local_character(char c) { return c && (is_alphanumeric(c) || strchr("!#$%&'*+/=?^_`{|}~-", c)); }

/* \w of the character that ends before / starts at `at`. */
static bool word_before(struct slice s, size_t at) {
  if (at == 0) return false;
  size_t i = at - 1;
  while (i && (s.data[i] & 0xC0) == 0x80) i--;
  int length;
  return unicode_flags(unicode_table(), unicode_decode(s.data + i, &length)) & UNICODE_WORD;
}
static bool word_at(char c) { return is_alphanumeric(c) || c == '_'; }

/* Length of the domain at p, or 0. */
static size_t domain_length(const char *p, size_t n) {
  if (n && p[0] == '[') {
    size_t i = 1;
    for (int part = 0; part < 3; part++) {
      size_t octet = octet_before(p + i, n - i, '.');
      if (octet == 0) return 0;
      i += octet + 1;
    }
    size_t octet = octet_before(p + i, n - i, ']');
    if (octet) return i + octet + 1;
    size_t j = i;
    while (j < n && (is_alphanumeric(p[j]) || p[j] == '-')) j++;
    return j > i && p[j - 1] != '-' && j + 1 < n && p[j] == ':' && p[j + 1] == ']' ? j + 2 : 0;
  }
  size_t end = 0, labels = 0, i = 0;
  while (i < n && is_alphanumeric(p[i])) {
    size_t last = i;
    for (; i < n && (is_alphanumeric(p[i]) || p[i] == '-'); i++)
      if (p[i] != '-') last = i;
    end = last + 1;
    labels++;
    if (end != i || i == n || p[i] != '.') break;
    i++;
  }
  return labels >= 2 ? end : 0;
}

bool email_find(struct slice s, size_t from, size_t *searched, struct match *m) {
  for (size_t at = *searched > from ? *searched : from; at < s.len; at++) {
    const char *p = memchr(s.data + at, '@', s.len - at);
    if (!p) break;
    at = (size_t)(p - s.data);
    size_t left = at; /* as far left as the local part may reach */
    while (left > from && (local_character(s.data[left - 1]) || (s.data[left - 1] == '.' && left < at && s.data[left] != '.'))) left--;
    size_t start = left;
    while (start < at && !(s.data[start] != '.' && word_before(s, start) != word_at(s.data[start]))) start++;
    if (start == at || s.data[at - 1] == '.') continue;
    size_t domain = domain_length(p + 1, s.len - at - 1);
    if (domain == 0) continue;
    *m = (struct match){start, at + 1 + domain};
    return true;
  }
  *searched = s.len;
  return false;
}
