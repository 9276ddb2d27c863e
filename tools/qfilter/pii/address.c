/* SPDX-License-Identifier: MIT
 *
 * IPv4 as datatrove's expression and Python's ipaddress take it; IPv6 in the forms of RFC 4291, section 2.2.
 */
#include "tools/qfilter/pii/address.h"

/* Length of an octet (25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?) that must be followed by `after`; 0: none. */
size_t octet_before(const char *p, size_t n, char after) {
  size_t digits = 0;
  while (digits < n && digits < 4 && is_digit(p[digits])) digits++;
  if (digits == 0 || digits > 3 || digits == n || p[digits] != after) return 0;
  if (digits == 3 && (p[0] > '2' || (p[0] == '2' && (p[1] > '5' || (p[1] == '5' && p[2] > '5'))))) return 0;
  return digits;
}

/* ---- IPv4: (?:octet\.){3}octet, nothing before or after asked for, as datatrove */

/* The first alternative that matches, as a backtracking matcher takes it: nothing has to follow. */
static size_t octet_free(const char *p, size_t n) {
  if (n == 0 || !is_digit(p[0])) return 0;
  if (n >= 3 && is_digit(p[1]) && is_digit(p[2])) {
    if (p[0] == '2' && (p[1] < '5' || (p[1] == '5' && p[2] <= '5'))) return 3;
    if (p[0] <= '1') return 3;
  }
  return n >= 2 && is_digit(p[1]) ? 2 : 1;
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

bool ipv4_find(struct slice s, size_t from, size_t *searched, struct match *m) {
  for (size_t dot = *searched > from ? *searched : from; dot < s.len; dot++) {
    const char *p = memchr(s.data + dot, '.', s.len - dot);
    if (!p) break;
    dot = (size_t)(p - s.data);
    size_t digits = 0;
    while (digits < 3 && dot - digits > from && is_digit(s.data[dot - digits - 1])) digits++;
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

bool ipv4_is_global(const char *p, size_t n) {
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

/* ---- IPv6 */

static int hex_value(char c) { return is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1; }

static uint32_t octet_value(const char *p, size_t digits) {
  uint32_t value = 0;
  for (size_t i = 0; i < digits; i++) value = value * 10 + (uint32_t)(p[i] - '0');
  return value;
}

/* The address at p: eight groups of one to four hexadecimal digits between colons, one run of zero groups left out as ::,
 * the last two groups perhaps as IPv4.  Its length, 0 when there is none. */
static size_t ipv6_parse(const char *p, size_t n, uint16_t group[8]) {
  uint16_t before[8] = {0}, after[8] = {0};
  int counts[2] = {0, 0};
  uint16_t *groups[2] = {before, after};
  int half = 0; /* 1 after :: */
  size_t i = 0;
  bool colon = false; /* the last thing read is a single colon */
  if (n >= 2 && p[0] == ':' && p[1] == ':') half = 1, i = 2;
  while (i < n && hex_value(p[i]) >= 0) {
    if (counts[0] + counts[1] == 8) return 0;
    if (counts[0] + counts[1] <= 6) { /* four octets fill two groups */
      size_t at = i;
      uint32_t address = 0;
      int octets = 0;
      for (size_t k; octets < 3 && (k = octet_before(p + at, n - at, '.')) > 0; octets++, at += k + 1)
        address = address << 8 | octet_value(p + at, k);
      size_t digits = 0;
      while (octets == 3 && digits < 3 && at + digits < n && is_digit(p[at + digits])) digits++;
      if (digits) {
        uint32_t last = octet_value(p + at, digits);
        if (last > 255) return 0;
        address = address << 8 | last;
        groups[half][counts[half]++] = (uint16_t)(address >> 16);
        groups[half][counts[half]++] = (uint16_t)address;
        i = at + digits;
        colon = false;
        break;
      }
    }
    uint32_t value = 0;
    size_t digits = 0;
    for (; digits < 5 && i + digits < n && hex_value(p[i + digits]) >= 0; digits++) value = value << 4 | (uint32_t)hex_value(p[i + digits]);
    if (digits == 5) return 0;
    groups[half][counts[half]++] = (uint16_t)value;
    i += digits;
    colon = false;
    if (i == n || p[i] != ':') break;
    if (i + 1 < n && p[i + 1] == ':') {
      if (half) return 0;
      half = 1;
      i += 2;
    } else {
      colon = true;
      i++;
    }
  }
  if (colon) i--; /* a colon behind the address is punctuation */
  int read = counts[0] + counts[1];
  if (half ? read > 7 : read != 8) return 0;
  memset(group, 0, 8 * sizeof *group);
  memcpy(group, before, (size_t)counts[0] * sizeof *group);
  memcpy(group + 8 - counts[1], after, (size_t)counts[1] * sizeof *group);
  return i;
}

/* IANA's global unicast space, 2000::/3, without what the special-purpose registry takes out of it. */
static bool ipv6_is_global(const uint16_t group[8]) {
  if (group[0] >> 13 != 1) return false;
  if (group[0] == 0x2001 && group[1] < 0x200) return false; /* 2001::/23: protocol assignments, Teredo, ORCHID */
  if (group[0] == 0x2001 && group[1] == 0xDB8) return false; /* documentation, RFC 3849 */
  if (group[0] == 0x3FFF && group[1] < 0x1000) return false; /* documentation, RFC 9637 */
  return group[0] != 0x2002; /* 6to4 */
}

static bool find_ipv6(struct slice s, size_t from, size_t *searched, struct match *m, bool any) {
  for (size_t i = *searched > from ? *searched : from; i < s.len; i++) {
    const char *colon = memchr(s.data + i, ':', s.len - i);
    if (!colon) break;
    size_t at = (size_t)(colon - s.data), start = at;
    i = at;
    while (start > from && at - start < 5 && hex_value(s.data[start - 1]) >= 0) start--;
    if (start == at || at - start == 5) continue; /* an address in 2000::/3 starts with four digits */
    if (start > 0 && (is_alphanumeric(s.data[start - 1]) || memchr(":._", s.data[start - 1], 3))) continue;
    uint16_t group[8];
    size_t n = ipv6_parse(s.data + start, s.len - start, group);
    if (n == 0 || !(any ? at - start >= 3 : ipv6_is_global(group))) continue; /* dead::beef yes, a::b no */
    if (start + n < s.len && (is_alphanumeric(s.data[start + n]) || s.data[start + n] == '_')) continue;
    *m = (struct match){start, start + n};
    return true;
  }
  *searched = s.len;
  return false;
}

bool ipv6_find(struct slice s, size_t from, size_t *searched, struct match *m) { return find_ipv6(s, from, searched, m, false); }
bool ipv6_find_any(struct slice s, size_t from, size_t *searched, struct match *m) { return find_ipv6(s, from, searched, m, true); }
