/* SPDX-License-Identifier: MIT
 *
 * The list becomes a map from each path of labels that some suffix goes through ("uk", "co.uk", "kawasaki.jp") to what
 * is there: an end, a wildcard below.  A host is walked from its last label.  Names that are not ASCII are there twice,
 * as they are and in Punycode.
 */
#include "tools/qfilter/rules/hosts.h"

#include <stdlib.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/io/input.h"
#include "common/text/unicode.h"

enum { PATH_SEEN = 1, PATH_END = 2, PATH_WILD = 4, PATH_EXCEPTION = 8 };

struct public_suffixes {
  struct hashmap *paths;
};

static bool scheme_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

static struct slice before(struct slice s, char stop) {
  const char *p = s.len ? memchr(s.data, stop, s.len) : NULL;
  return (struct slice){s.data, p ? (size_t)(p - s.data) : s.len};
}

static struct slice without_scheme(struct slice url) {
  const char *slashes = slice_find(url, SLICE("//"));
  if (!slashes) return url;
  size_t at = (size_t)(slashes - url.data);
  if (at > 0) {
    if (at < 2 || slashes[-1] != ':') return url;
    for (const char *p = url.data; p < slashes - 1; p++)
      if (!scheme_character(*p)) return url;
  }
  return (struct slice){slashes + 2, url.len - at - 2};
}

/* Bytes of the full stop at p: itself, U+3002, U+FF0E, U+FF61; 0 when there is none. */
static size_t dot_length(const char *p, size_t n) {
  if (n && *p == '.') return 1;
  return n >= 3 && (memcmp(p, "\u3002", 3) == 0 || memcmp(p, "\uFF0E", 3) == 0 || memcmp(p, "\uFF61", 3) == 0) ? 3 : 0;
}

void host_append(struct buffer *out, struct slice url) {
  struct slice s = before(before(before(without_scheme(url), '/'), '?'), '#');
  const char *at = s.len ? memrchr(s.data, '@', s.len) : NULL;
  if (at) s = (struct slice){at + 1, s.len - (size_t)(at + 1 - s.data)};
  const char *bracket = s.len && s.data[0] == '[' ? memchr(s.data, ']', s.len) : NULL;
  if (bracket) s.len = (size_t)(bracket + 1 - s.data);
  else s = unicode_strip(before(s, ':'));
  size_t start = out->len;
  for (size_t i = 0; i < s.len;) {
    size_t dot = dot_length(s.data + i, s.len - i);
    char c = s.data[i];
    buffer_put(out, dot ? '.' : c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
    i += dot ? dot : 1;
  }
  while (out->len > start && out->data[out->len - 1] == '.') out->len--;
}

bool host_is_address(struct slice host) {
  if (host.len >= 4 && host.data[0] == '[' && host.data[host.len - 1] == ']') return true;
  size_t i = 0;
  for (int part = 0; part < 4; part++) {
    if (part && (i >= host.len || host.data[i++] != '.')) return false;
    int value = 0, digits = 0;
    for (; i < host.len && host.data[i] >= '0' && host.data[i] <= '9' && digits < 4; i++, digits++) value = value * 10 + (host.data[i] - '0');
    if (digits == 0 || value > 255 || (digits > 1 && host.data[i - (size_t)digits] == '0')) return false;
  }
  return i == host.len;
}

/* ---- Punycode */

static uint32_t adapt(uint32_t delta, uint32_t points, bool first) {
  delta = first ? delta / 700 : delta / 2;
  delta += delta / points;
  uint32_t k = 0;
  for (; delta > 455; k += 36) delta /= 35;
  return k + 36 * delta / (delta + 38);
}

void host_append_label_ascii(struct buffer *out, struct slice label) {
  uint32_t points[64];
  size_t n = 0, ascii = 0;
  for (size_t i = 0; i < label.len;) {
    int length;
    uint32_t c = unicode_decode(label.data + i, &length);
    if (n == 64) n = 65;
    if (n < 64) points[n++] = c;
    ascii += c < 0x80;
    i += (size_t)length;
  }
  if (n > 64 || ascii == n) { /* a label has at most 63 characters */
    buffer_append_slice(out, label);
    return;
  }
  buffer_append_string(out, "xn--");
  for (size_t i = 0; i < n; i++)
    if (points[i] < 0x80) buffer_put(out, (char)points[i]);
  if (ascii) buffer_put(out, '-');
  uint32_t next = 0x80, delta = 0, bias = 72, done = (uint32_t)ascii;
  while (done < n) {
    uint32_t least = 0x7FFFFFFF;
    for (size_t i = 0; i < n; i++)
      if (points[i] >= next && points[i] < least) least = points[i];
    delta += (least - next) * (done + 1);
    next = least;
    for (size_t i = 0; i < n; i++) {
      delta += points[i] < next;
      if (points[i] != next) continue;
      uint32_t q = delta;
      for (uint32_t k = 36;; k += 36) {
        uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        if (q < t) break;
        uint32_t digit = t + (q - t) % (36 - t);
        buffer_put(out, (char)(digit < 26 ? 'a' + digit : '0' + digit - 26));
        q = (q - t) / (36 - t);
      }
      buffer_put(out, (char)(q < 26 ? 'a' + q : '0' + q - 26));
      bias = adapt(delta, done + 1, done == ascii);
      delta = 0;
      done++;
    }
    delta++;
    next++;
  }
}

/* ---- the list */

static void add_rule(struct public_suffixes *p, struct slice rule) {
  bool wild = slice_starts(rule, SLICE("*.")), exception = rule.data[0] == '!';
  size_t skip = wild ? 2 : exception;
  rule = (struct slice){rule.data + skip, rule.len - skip};
  for (size_t at = rule.len; at > 0;) { /* every path from the right */
    const char *dot = memrchr(rule.data, '.', at);
    size_t start = dot ? (size_t)(dot + 1 - rule.data) : 0;
    struct slice path = {rule.data + start, rule.len - start};
    uint64_t flags = PATH_SEEN;
    if (start == 0) flags = exception ? PATH_EXCEPTION : wild ? PATH_SEEN | PATH_WILD : PATH_SEEN | PATH_END;
    if (path.len) *hashmap_put(p->paths, path, NULL) |= flags;
    at = dot ? (size_t)(dot - rule.data) : 0;
  }
}

static void add_line(struct public_suffixes *p, struct slice line, struct buffer *ascii) {
  if (line.len == 0 || slice_starts(line, SLICE("//")) || utf8_valid_prefix(line.data, line.len) != line.len) return;
  size_t n = 0;
  while (n < line.len && line.data[n] != ' ' && line.data[n] != '\t') n++;
  line.len = n;
  if (n == 1 && (*line.data == '*' || *line.data == '!')) return;
  add_rule(p, line);
  buffer_clear(ascii);
  for (size_t at = 0; at <= line.len;) {
    struct slice label = before((struct slice){line.data + at, line.len - at}, '.');
    if (at) buffer_put(ascii, '.');
    bool exception = at == 0 && label.len && label.data[0] == '!';
    if (exception) buffer_put(ascii, '!');
    host_append_label_ascii(ascii, (struct slice){label.data + exception, label.len - exception});
    at += label.len + 1;
  }
  if (!slice_equal(buffer_slice(ascii), line)) add_rule(p, buffer_slice(ascii));
}

struct public_suffixes *public_suffixes_load(const char *path, struct err *e) {
  struct input *in;
  if (input_open(&in, path, NULL, e) != 0) return NULL;
  struct public_suffixes *p = NEW(struct public_suffixes);
  p->paths = hashmap_new();
  struct buffer ascii = {0};
  struct slice line;
  int more;
  while ((more = input_line(in, &line, e)) > 0) {
    if (slice_find(line, SLICE("===BEGIN PRIVATE DOMAINS"))) break;
    add_line(p, slice_trim(line), &ascii);
  }
  buffer_release(&ascii);
  if (more < 0) err_prefix(e, "%s", path);
  else if (hashmap_count(p->paths) == 0) more = err_set(e, "%s: no public suffix is in it", path);
  input_close(in);
  if (more >= 0) return p;
  public_suffixes_free(p);
  return NULL;
}

void public_suffixes_free(struct public_suffixes *p) {
  if (!p) return;
  hashmap_free(p->paths);
  free(p);
}

struct slice registered_domain(const struct public_suffixes *p, struct slice host) {
  struct slice none = {host.data, 0};
  if (host_is_address(host)) return none;
  size_t suffix = host.len + 1, matched = host.len + 1; /* where their first labels start */
  uint64_t above = 0;
  for (size_t at = host.len + 1; at > 0;) {
    const char *dot = at > 1 ? memrchr(host.data, '.', at - 1) : NULL;
    size_t start = dot ? (size_t)(dot + 1 - host.data) : 0;
    const uint64_t *flags = hashmap_find(p->paths, (struct slice){host.data + start, host.len - start});
    if (!flags || !(*flags & PATH_SEEN)) {
      if (above & PATH_WILD) suffix = flags && *flags & PATH_EXCEPTION ? matched : start;
      break;
    }
    matched = start;
    above = *flags;
    if (above & PATH_END) suffix = start;
    at = start;
  }
  if (suffix > host.len || suffix == 0) return none;
  const char *dot = suffix > 1 ? memrchr(host.data, '.', suffix - 1) : NULL;
  size_t start = dot ? (size_t)(dot + 1 - host.data) : 0;
  if (start + 1 == suffix) return none; /* an empty label before the suffix */
  return (struct slice){host.data + start, host.len - start};
}
