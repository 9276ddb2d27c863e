/* SPDX-License-Identifier: MIT */
#include "common/token/specials.h"

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
  return tap_done();
}
