/* SPDX-License-Identifier: MIT
 *
 * A scanner for the outlines of https://html.spec.whatwg.org/#tokenization: where tags, quoted values and comments end,
 * and raw text up to its end tag.  One pass, linear.
 */
#include "tools/warc2txt/html/html_prefilter.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/base/buffer.h"

enum {
  TAG_LONG = 4096,      /* tags longer than this ... */
  ATTRIBUTES_MAX = 256, /* ... keep this many attributes */
  ROOTS_MAX = 16,       /* html and body tags whose attributes stay */
};

static bool letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

/* p stands on the < of a tag: the > that ends it, or NULL when none does. */
static char *tag_end(char *p, char *end) {
  static const unsigned char stop[256] = {['>'] = 1, ['"'] = 1, ['\''] = 1};
  for (char *q = p + 1;; q++) {
    while (q < end && !stop[(unsigned char)*q]) q++;
    if (q == end) return NULL;
    if (*q == '>') return q;
    char *before = q - 1; /* a quote opens a value only behind = */
    while (before > p && blank(*before)) before--;
    if (*before != '=') continue;
    char *close = memchr(q + 1, *q, (size_t)(end - q - 1));
    if (!close) return NULL;
    q = close;
  }
}

static void cut_attributes(char *p, char *close) {
  size_t count = 0;
  bool gap = false;
  char quote = 0, *keep = NULL;
  for (char *q = p + 1; q < close && !keep; q++) {
    if (quote) {
      if (*q == quote) quote = 0;
      continue;
    }
    if ((*q == '"' || *q == '\'') && q[-1] == '=') {
      quote = *q;
      gap = true;
      continue;
    }
    bool now = blank(*q) || *q == '/' || *q == '"' || *q == '\'';
    if (gap && !now && ++count > ATTRIBUTES_MAX) keep = q;
    gap = now;
  }
  if (keep) memset(keep, ' ', (size_t)(close - keep));
}

static bool named(const char *p, const char *close, const char *name) {
  size_t n = strlen(name);
  return (size_t)(close - p) > n && strncasecmp(p + 1, name, n) == 0 && (blank(p[1 + n]) || p[1 + n] == '>' || p[1 + n] == '/');
}

/* The end tag of a raw text element at or behind p, or NULL. */
static char *raw_end(char *p, char *end, const char *name) {
  size_t n = strlen(name);
  for (; (p = memmem(p, (size_t)(end - p), "</", 2)); p += 2)
    if ((size_t)(end - p) > n + 2 && strncasecmp(p + 2, name, n) == 0 && (blank(p[2 + n]) || p[2 + n] == '>' || p[2 + n] == '/')) return p;
  return NULL;
}

size_t html_prefilter(char *s, size_t n) {
  static const char *const raw[] = {"script", "style", "textarea", "iframe", "noembed", "noframes"};
  enum { RAW = sizeof raw / sizeof *raw };
  bool endless[RAW] = {false}; /* no end tag of it is ahead, so that nobody looks again */
  char *end = s + n, *to = s, *from = s; /* [from, p) is to be kept */
  unsigned roots = 0;
#define KEEP(until)                                                \
  do {                                                             \
    size_t kept = (size_t)((until) - from);                        \
    if (to != from) memmove(to, from, kept);                       \
    to += kept;                                                    \
  } while (0)
  for (char *p = s; (p = memchr(p, '<', (size_t)(end - p)));) {
    if (end - p < 4) break;
    if (p[1] == '!' && p[2] == '-' && p[3] == '-') {
      KEEP(p);
      char *close = p[4] == '>' ? p + 4 : memmem(p + 4, (size_t)(end - p - 4), "-->", 3);
      if (end - p == 4) close = NULL;
      from = p = !close ? end : *close == '>' ? close + 1 : close + 3;
      continue;
    }
    if (!letter(p[1])) {
      p++;
      continue;
    }
    char *close = tag_end(p, end);
    if (!close) { /* a quote that nobody closes: the parser sees how far it gets; only the tag is cut */
      close = memchr(p, '>', (size_t)(end - p));
      if (!close) close = end;
      if (close - p > TAG_LONG) cut_attributes(p, close);
      p = close;
      continue;
    }
    if (close - p > TAG_LONG) cut_attributes(p, close);
    char first = (char)(p[1] | 32);
    if (first == 'h' || first == 'b') {
      if ((named(p, close, "html") || named(p, close, "body")) && ++roots > ROOTS_MAX) memset(p + 5, ' ', (size_t)(close - p - 5));
    } else if (first == 's' || first == 't' || first == 'i' || first == 'n') {
      for (int i = 0; i < RAW; i++) {
        if (!named(p, close, raw[i]) || close[-1] == '/' || endless[i]) continue;
        if (i == 0 && slice_find_nocase((struct slice){p, (size_t)(close - p)}, SLICE("ld+json"))) break;
        char *stop = raw_end(close + 1, end, raw[i]);
        if (!stop && i > 1) { /* browsers take all that follows for its text; people forget to close it */
          endless[i] = true;
          break;
        }
        KEEP(close + 1);
        close = from = stop ? stop : end;
        break;
      }
    }
    p = close;
  }
  KEEP(end);
#undef KEEP
  return (size_t)(to - s);
}
