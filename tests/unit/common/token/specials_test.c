/* SPDX-License-Identifier: MIT */
#include "common/token/specials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

static void finds(const struct specials *s, const char *text, size_t from, size_t at, uint32_t want, const char *name) {
  size_t length = 0;
  uint32_t id = 99;
  size_t got = specials_find(s, slice_of(text), from, &length, &id);
  ok(got == at && (at == strlen(text) || id == want), "%s (at %zu, id %u)", name, got, id);
}

int main(void) {
  struct specials *s = specials_new();
  finds(s, "<|a|>", 0, 5, 0, "nothing is found among none");
  specials_add(s, SLICE("<|a|>"), 1);
  finds(s, "x<|a|>", 0, 1, 1, "one special");
  specials_add(s, SLICE("<|a|><|a|>"), 2);
  finds(s, "x<|a|><|a|>", 0, 1, 2, "the longest of overlapping specials wins");
  finds(s, "x<|a|><|a", 0, 1, 1, "the shorter one when the longer does not fit");
  specials_add(s, SLICE("[END]"), 3);
  finds(s, "<<|a|>[END]", 0, 1, 1, "the leftmost wins");
  finds(s, "<<|a|>[END]", 2, 6, 3, "search goes on from an offset");
  finds(s, "<|a|", 0, 4, 0, "a part of a special is text");
  ok(specials_count(s) == 3, "three were added");
  ok_int((int64_t)specials_cut(s, SLICE("ab <|a"), 6), 3, "no cut inside what may become a special");
  ok_int((int64_t)specials_cut(s, SLICE("ab <|a c"), 7), 7, "a cut after what did not");
  ok_int((int64_t)specials_cut(s, SLICE("<|a|><|a|>"), 5), 0, "no cut inside the longer one");
  specials_free(s);

  /* Many with a common prefix, and texts that are full of its beginnings. */
  s = specials_new();
  char name[64];
  for (uint32_t i = 0; i < 2000; i++) {
    int n = snprintf(name, sizeof name, "<|reserved_special_token_%u|>", i);
    specials_add(s, (struct slice){name, (size_t)n}, i);
  }
  specials_add(s, SLICE("<|reserved_special_token_7|>"), 9000);
  finds(s, "<|reserved_special_token_<|reserved_special_token_1999|>", 0, 25, 1999, "one of two thousand");
  finds(s, "<|reserved_special_token_7|>", 0, 0, 7, "of the same bytes twice the smaller id counts");
  size_t n = 3 << 20, length;
  uint32_t id;
  char *text = malloc(n);
  for (size_t i = 0; i < n; i++) text[i] = "<|"[i % 2];
  ok(specials_find(s, (struct slice){text, n}, 0, &length, &id) == n, "nothing is found among three million beginnings");
  ok_int((int64_t)specials_cut(s, (struct slice){text, n}, n - 1), (int64_t)n - 2, "the cut moves before the last one");
  free(text);
  specials_free(s);

  /* Different first bytes: two to four, and more. */
  static const char *const words[] = {"[A]", "<b>", "{c}", "@d", "#e", "\xFFx"};
  for (size_t count = 2; count <= 6; count++) {
    s = specials_new();
    for (size_t i = 0; i < count; i++) specials_add(s, slice_of(words[i]), (uint32_t)i);
    struct buffer b = {0};
    int wrong = 0;
    for (size_t before = 0; before < 100; before++) {
      buffer_clear(&b);
      for (size_t i = 0; i < before; i++) buffer_put(&b, "a[<{"[i % 4]);
      buffer_append_string(&b, words[count - 1]);
      wrong += specials_find(s, buffer_slice(&b), 0, &length, &id) != before || id != count - 1 || length != strlen(words[count - 1]);
    }
    ok(wrong == 0, "%zu first bytes: the last special is found at any offset", count);
    buffer_release(&b);
    specials_free(s);
  }
  return tap_done();
}
