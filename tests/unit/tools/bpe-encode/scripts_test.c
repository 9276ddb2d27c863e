/* SPDX-License-Identifier: MIT */
#include "tools/bpe-encode/scripts.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "tests/tap.h"

int main(void) {
  struct scripts *s = NULL;
  struct err e = {0};
  ok(scripts_new(&s, &e) == 0, "the table is made %s", e.message);
  const struct {
    uint32_t code_point;
    const char *script;
  } cases[] = {
    {'A', "Latin"}, {'z', "Latin"}, {'0', "Common"}, {' ', "Common"}, {0, "Common"}, {0xAA, "Latin"}, {0xD7, "Common"}, {0x300, "Common"}, {0x3B1, "Greek"},
    {0x416, "Cyrillic"}, {0x561, "Armenian"}, {0x5D0, "Hebrew"}, {0x627, "Arabic"}, {0x660, "Arabic"}, {0x60C, "Common"}, {0x915, "Devanagari"}, {0x93E, "Devanagari"}, {0x964, "Common"},
    {0xE01, "Thai"}, {0x10D0, "Georgian"}, {0x1100, "Hangul"}, {0xAC00, "Hangul"}, {0xD7A3, "Hangul"}, {0x3042, "Hiragana"}, {0x30A2, "Katakana"}, {0x30FC, "Common"}, {0x4E00, "Han"},
    {0x20000, "Han"}, {0x1F600, "Common"}, {0xE000, "Common"}, {0xD800, "Common"}, {0x378, "Common"}, {0x10FFFF, "Common"}, {0x10A00, "Kharoshthi"}, {0xFB13, "Armenian"}, {0x1E900, "Adlam"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *got = script_name(script_of(s, cases[i].code_point));
    ok(strcmp(got, cases[i].script) == 0, "U+%04X is %s", (unsigned)cases[i].code_point, got);
  }
  /* Were a name missing from the list, its letters would have no script.  Below U+30000: utf8proc may know ideographs of
   * a later Unicode than PCRE2. */
  int letters = 0, bare = 0;
  for (uint32_t u = 0; u < 0x30000; u++) {
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)u);
    if (c != UTF8PROC_CATEGORY_LU && c != UTF8PROC_CATEGORY_LL && c != UTF8PROC_CATEGORY_LT && c != UTF8PROC_CATEGORY_LO) continue;
    letters++;
    bare += script_of(s, u) == 0;
  }
  /* Common letters are few: mathematical alphabets (some 1,000) and signs such as U+00B5. */
  ok(letters > 120000 && bare < 1300, "%d of %d letters are Common", bare, letters);
  int used = 0;
  for (int k = 1; script_name(k); k++) {
    bool found = false;
    for (uint32_t u = 0; u < 0x20000 && !found; u++) found = script_of(s, u) == k;
    used += found;
  }
  ok(used >= 159, "%d scripts have characters", used);
  ok(s->block_count < 400 && !script_name(-1) && !script_name(SCRIPTS), "%d blocks", s->block_count);
  scripts_free(s);
  return tap_done();
}
