/* SPDX-License-Identifier: MIT
 *
 * What a finder finds in a text, each match between brackets: "a [b] c".
 */
#ifndef TESTS_PII_FOUND_H
#define TESTS_PII_FOUND_H

#include "tests/tap.h"
#include "tools/qfilter/pii/finder.h"

static inline const char *found(finder *find, const char *text) {
  static struct buffer out;
  struct slice s = slice_of(text);
  size_t from = 0, searched = 0, copied = 0;
  struct match m;
  buffer_clear(&out);
  while (find(s, from, &searched, &m)) {
    if (m.start < from || m.end <= m.start || m.end > s.len) return "a match that is none";
    buffer_append(&out, text + copied, m.start - copied);
    buffer_put(&out, '[');
    buffer_append(&out, text + m.start, m.end - m.start);
    buffer_put(&out, ']');
    from = copied = m.end;
  }
  buffer_append_string(&out, text + copied);
  return buffer_string(&out);
}

/* `marked`: the text with brackets around what is to be found. */
static inline bool finds(finder *find, const char *marked) {
  char text[4096];
  size_t n = 0;
  for (const char *p = marked; *p && n + 1 < sizeof text; p++)
    if (*p != '[' && *p != ']') text[n++] = *p;
  text[n] = 0;
  const char *got = found(find, text);
  bool same = strcmp(got, marked) == 0;
  if (!same) note("want %s, got %s", marked, got);
  return same;
}

#endif
