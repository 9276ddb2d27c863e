/* SPDX-License-Identifier: MIT
 *
 * Patterns: counts do not depend on the window, and no pattern makes a text take longer than its length allows.
 */
#include "tools/qfilter/rules/patterns.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "tests/tap.h"

static struct pattern *compile(const char *source, const char *flags) {
  struct err e;
  size_t at;
  return pattern_compile(slice_of(source), slice_of(flags), &at, &e);
}

static long counted(const char *source, const char *flags, struct slice text, size_t window) {
  struct pattern *p = compile(source, flags);
  struct pattern_scratch s = {.window = window};
  size_t count;
  long result = p && pattern_count(p, &s, text, (size_t)-1, &count) ? (long)count : -1;
  pattern_scratch_release(&s);
  pattern_free(p);
  return result;
}

static void check_windows(void) {
  struct buffer text = {0};
  for (int i = 0; i < 3000; i++) buffer_printf(&text, "Stra\u00DFe %d the \u00C4rger. 2026-01-%02d the cat; foo%sbar THE\n", i, i % 28 + 1, i % 5 ? " " : "\n");
  static const struct {
    const char *source, *flags;
  } patterns[] = {{"\\bthe\\b", ""},   {"\\bthe\\b", "i"}, {"\\d{4}-\\d\\d-\\d\\d", ""}, {"^Stra", "m"},      {"THE$", "m"},        {"foo\\s+bar", ""}, {"(?<=\\d )the", ""},
                  {"\u00C4rger|cat", ""}, {"\u00E4RGER", "i"},  {"foo.bar", "s"},              {"\\w+", "u"},        {"\\A.", ""},           {"THE\\n\\z", ""},    {"x*", ""},
                  {"(a|b|c)+?t", ""},  {"[^;]*;", ""},     {".*\\n", ""},                 {"the(?! cat)", ""}, {"(?s)Stra.*THE", ""}};
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    long whole = counted(patterns[i].source, patterns[i].flags, buffer_slice(&text), (size_t)1 << 40);
    bool same = whole >= 0;
    static const size_t windows[] = {1, 7, 64, 1000, 4096};
    for (int w = 0; w < 5; w++) {
      long got = counted(patterns[i].source, patterns[i].flags, buffer_slice(&text), windows[w]);
      if (got != whole && !(got == -1 && i + 1 == sizeof patterns / sizeof *patterns)) same = false;
    }
    ok(same, "/%s/%s: %ld with any window", patterns[i].source, patterns[i].flags, whole);
  }
  ok(counted("the", "", buffer_slice(&text), 0) == 6000, "the default window");
  ok(counted("x*", "", buffer_slice(&text), 0) == 0 && counted("", "", buffer_slice(&text), 0) == 0, "empty matches do not count");
  ok(counted("a", "", (struct slice){0}, 0) == 0, "an empty text has no match");
  struct pattern *p = compile("the", "");
  struct pattern_scratch s = {0};
  size_t count;
  ok(pattern_count(p, &s, buffer_slice(&text), 1, &count) && count == 1, "the count stops where enough were found");
  pattern_scratch_release(&s);
  pattern_free(p);
  buffer_release(&text);
}

/* Texts of a megabyte and patterns that would take hours on them. */
static void check_limits(void) {
  enum { SIZE = 1 << 20 };
  char *text = MALLOC(SIZE);
  memset(text, 'a', SIZE);
  static const char *const bad[] = {"(a+)+$b", "(a|a)*b", "(a*)*b", "a[^b]*c|a", "(?:a.*?){30}b", "(.*)(.*)(.*)(.*)b", "(a+a+)+b", "(?=(a+))a*b", "((a{0,5}){0,5})*[c]"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    long first = counted(bad[i], "", (struct slice){text, SIZE}, 0);
    ok(first == counted(bad[i], "", (struct slice){text, SIZE}, 0), "/%s/ ends: %ld", bad[i], first);
  }
  free(text);
}

static void check_errors(void) {
  struct err e;
  size_t at;
  ok(!pattern_compile(SLICE("a(b"), SLICE(""), &at, &e) && at == 3 && strstr(e.message, "parenthesis"), "a wrong pattern is refused at its place: %s", e.message);
  ok(!pattern_compile(SLICE("a"), SLICE("iq"), &at, &e) && strstr(e.message, "'q'"), "an unknown flag is refused");
  ok(!pattern_compile(SLICE("\xFF"), SLICE(""), &at, &e), "a pattern that is not UTF-8 is refused");
  struct buffer deep = {0};
  for (int i = 0; i < 1000; i++) buffer_put(&deep, '(');
  for (int i = 0; i < 1000; i++) buffer_put(&deep, ')');
  ok(!pattern_compile(buffer_slice(&deep), SLICE(""), &at, &e), "brackets nest a hundred deep at most");
  buffer_release(&deep);
}

int main(void) {
  check_windows();
  check_limits();
  check_errors();
  return tap_done();
}
