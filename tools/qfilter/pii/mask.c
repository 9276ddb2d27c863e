/* SPDX-License-Identifier: MIT
 *
 * Scanners by hand instead of regular expressions: linear time on any input.  Each finds what the expression would
 * find first from the left; what is inspected and kept is consumed as re.sub() consumes it.
 */
#include "tools/qfilter/pii/mask.h"

#include <stdbool.h>
#include <stdio.h>
#include <xxhash.h>

#include "common/text/unicode.h"

struct match {
  size_t start, end;
};

static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool letter_or_digit(char c) { return digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

/* ---- e-mail
 * \b[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[...]+)*@(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9](?:...)?|\[(?:octet\.){3}(?:octet|[A-Za-z0-9-]*[A-Za-z0-9]:)]) */

static bool local_character(char c) { return c && (letter_or_digit(c) || strchr("!#$%&'*+/=?^_`{|}~-", c)); }

/* \w of the character that ends before / starts at `at`. */
static bool word_before(struct slice s, size_t at) {
  if (at == 0) return false;
  size_t i = at - 1;
  while (i && (s.data[i] & 0xC0) == 0x80) i--;
  int length;
  return unicode_flags(unicode_table(), unicode_decode(s.data + i, &length)) & UNICODE_WORD;
}
static bool word_at(char c) { return letter_or_digit(c) || c == '_'; }

/* Length of an octet (25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?) that must be followed by `after`; 0: none. */
static size_t octet_before(const char *p, size_t n, char after) {
  size_t digits = 0;
  while (digits < n && digits < 4 && digit(p[digits])) digits++;
  if (digits == 0 || digits > 3 || digits == n || p[digits] != after) return 0;
  if (digits == 3 && (p[0] > '2' || (p[0] == '2' && (p[1] > '5' || (p[1] == '5' && p[2] > '5'))))) return 0;
  return digits;
}

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
    while (j < n && (letter_or_digit(p[j]) || p[j] == '-')) j++;
    return j > i && p[j - 1] != '-' && j + 1 < n && p[j] == ':' && p[j + 1] == ']' ? j + 2 : 0;
  }
  size_t end = 0, labels = 0, i = 0;
  while (i < n && letter_or_digit(p[i])) {
    size_t last = i;
    for (; i < n && (letter_or_digit(p[i]) || p[i] == '-'); i++)
      if (p[i] != '-') last = i;
    end = last + 1;
    labels++;
    if (end != i || i == n || p[i] != '.') break;
    i++;
  }
  return labels >= 2 ? end : 0;
}

static bool find_email(struct slice s, size_t from, size_t *searched, struct match *m) {
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

/* ---- IPv4: (?:octet\.){3}octet, nothing before or after asked for */

/* The first alternative that matches, as a backtracking matcher takes it: nothing has to follow. */
static size_t octet_free(const char *p, size_t n) {
  if (n == 0 || !digit(p[0])) return 0;
  if (n >= 3 && digit(p[1]) && digit(p[2])) {
    if (p[0] == '2' && (p[1] < '5' || (p[1] == '5' && p[2] <= '5'))) return 3;
    if (p[0] <= '1') return 3;
  }
  return n >= 2 && digit(p[1]) ? 2 : 1;
}

static size_t ip_length(const char *p, size_t n) {
  size_t i = 0;
  for (int part = 0; part < 3; part++) {
    size_t octet = octet_before(p + i, n - i, '.');
    if (octet == 0) return 0;
    i += octet + 1;
  }
  size_t octet = octet_free(p + i, n - i);
  return octet ? i + octet : 0;
}

static bool find_ip(struct slice s, size_t from, size_t *searched, struct match *m) {
  for (size_t dot = *searched > from ? *searched : from; dot < s.len; dot++) {
    const char *p = memchr(s.data + dot, '.', s.len - dot);
    if (!p) break;
    dot = (size_t)(p - s.data);
    size_t digits = 0;
    while (digits < 3 && dot - digits > from && digit(s.data[dot - digits - 1])) digits++;
    for (; digits; digits--) {
      size_t n = ip_length(p - digits, s.len - (dot - digits));
      if (n == 0) continue;
      *m = (struct match){dot - digits, dot - digits + n};
      return true;
    }
  }
  *searched = s.len;
  return false;
}

/* ipaddress.ip_address(text).is_global: no leading zeros, and not of the IANA special-purpose registry. */
static bool is_global(const char *p, size_t n) {
  uint32_t address = 0;
  for (size_t i = 0; i < n;) {
    uint32_t octet = 0;
    if (p[i] == '0' && i + 1 < n && p[i + 1] != '.') return false;
    for (; i < n && p[i] != '.'; i++) octet = octet * 10 + (uint32_t)(p[i] - '0');
    address = address << 8 | octet;
    i++;
  }
  static const struct {
    uint32_t network;
    int bits;
  } special[] = {{0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16}, {0xAC100000, 12}, {0xC0000000, 24},
                 {0xC0000200, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24}, {0xF0000000, 4}};
  if (address == 0xC0000009 || address == 0xC000000A) return true; /* PCP and TURN anycast */
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    if (address >> (32 - special[i].bits) == special[i].network >> (32 - special[i].bits)) return false;
  return true;
}

/* ---- telephone numbers */

static bool digits_at(const char *p, size_t n, size_t count) {
  if (n < count) return false;
  for (size_t i = 0; i < count; i++)
    if (!digit(p[i])) return false;
  return true;
}

static size_t phone_length(const char *p, size_t n) {
  size_t length = 0;
  if (n && p[0] == '(') { /* (283)-182-3829, (283) 182 3829, (283) 182-3829 */
    if (digits_at(p + 1, n - 1, 3) && n >= 14 && p[4] == ')' && (p[5] == '-' || p[5] == ' ') && digits_at(p + 6, n - 6, 3) &&
        (p[9] == '-' || p[9] == ' ') && digits_at(p + 10, n - 10, 4))
      length = 14;
  } else if (n >= 12 && digits_at(p, n, 3) && p[3] == '-' && digits_at(p + 4, n - 4, 3) && p[7] == '-' && digits_at(p + 8, n - 8, 4)) {
    length = 12;
  } else if (digits_at(p, n, 10) && p[0] >= '2') { /* bare: an area code, which is never 0 or 1 as in a time stamp */
    length = 10;
  }
  return length && (length == n || !digit(p[length])) ? length : 0;
}

static bool find_phone(struct slice s, size_t from, size_t *searched, struct match *m) {
  for (size_t i = *searched > from ? *searched : from; i < s.len; i++) {
    char c = s.data[i];
    if (c != '(' && !digit(c)) continue;
    if (i == 0 || !digit(s.data[i - 1])) {
      size_t n = phone_length(s.data + i, s.len - i);
      if (n) {
        *m = (struct match){i, i + n};
        return true;
      }
    }
  }
  *searched = s.len;
  return false;
}

/* ---- replacing */

static const char *const email_stand_ins[] = {"email@example.com", "firstname.lastname@example.org"};

/* NULL: stays as it is. */
static const char *stand_in(enum mask_kind kind, struct slice found, char text[32]) {
  uint64_t hash = XXH3_64bits(found.data, found.len);
  switch (kind) {
    case MASK_EMAIL:
      for (int i = 0; i < 2; i++)
        if (slice_equal(found, slice_of(email_stand_ins[i]))) return NULL;
      return email_stand_ins[hash % 2];
    case MASK_IP:
      if (!is_global(found.data, found.len)) return NULL;
      snprintf(text, 32, "192.0.2.%u", (unsigned)(hash % 254 + 1));
      return text;
    case MASK_PHONE:
      if (slice_starts(found, SLICE("202-555-01"))) return NULL;
      snprintf(text, 32, "202-555-01%02u", (unsigned)(hash % 100));
      return text;
  }
  return NULL;
}

static struct slice replace(enum mask_kind kind, struct slice text, struct buffer *out, uint64_t *count) {
  bool (*find)(struct slice, size_t, size_t *, struct match *) = kind == MASK_EMAIL ? find_email : kind == MASK_IP ? find_ip : find_phone;
  size_t from = 0, searched = 0, copied = 0;
  struct match m;
  buffer_clear(out);
  while (find(text, from, &searched, &m)) {
    char space[32];
    const char *with = stand_in(kind, (struct slice){text.data + m.start, m.end - m.start}, space);
    if (with) {
      buffer_append(out, text.data + copied, m.start - copied);
      buffer_append_string(out, with);
      copied = m.end;
      (*count)++;
    }
    from = m.end;
  }
  if (copied == 0) return text;
  buffer_append(out, text.data + copied, text.len - copied);
  return buffer_slice(out);
}

int mask_parse(const char *names, unsigned *kinds, struct err *e) {
  while (*names) {
    size_t n = strcspn(names, ",");
    struct slice name = {names, n};
    if (slice_equal(name, SLICE("email"))) *kinds |= MASK_EMAIL;
    else if (slice_equal(name, SLICE("ip"))) *kinds |= MASK_IP;
    else if (slice_equal(name, SLICE("phone"))) *kinds |= MASK_PHONE;
    else return err_usage(e, "--mask: '%.*s' is none of email, phone, ip", (int)n, names);
    names += n + (names[n] == ',');
  }
  return 0;
}

struct slice mask_apply(unsigned kinds, struct slice text, struct buffer scratch[2], struct mask_counts *counts) {
  int next = 0;
  struct {
    enum mask_kind kind;
    uint64_t *count;
  } steps[] = {{MASK_EMAIL, &counts->email}, {MASK_IP, &counts->ip}, {MASK_PHONE, &counts->phone}};
  for (int i = 0; i < 3; i++) {
    if (!(kinds & steps[i].kind)) continue;
    struct slice masked = replace(steps[i].kind, text, &scratch[next], steps[i].count);
    if (masked.data != text.data) next = !next;
    text = masked;
  }
  return text;
}
