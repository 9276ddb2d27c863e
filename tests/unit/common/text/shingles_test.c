/* SPDX-License-Identifier: MIT
 *
 * Shingles against the definition, written out plainly, for both variants.
 */
#include "common/text/shingles.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

struct list {
  uint64_t *items;
  size_t count, capacity;
};

static void append(void *context, const uint64_t *hashes, size_t count) {
  struct list *l = context;
  GROW(l->items, l->capacity, l->count + count);
  memcpy(l->items + l->count, hashes, count * sizeof *hashes);
  l->count += count;
}

/* The definition: split, lower, join. */
static void plainly(struct list *l, const char *text, size_t n, size_t ngram) {
  char *joined = MALLOC(2 * n + 2);
  size_t length = 0, words = 0, *start = NEW_ARRAY(size_t, n + 2), *end = NEW_ARRAY(size_t, n + 2);
  for (size_t i = 0; i < n; words++) {
    while (i < n && !((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z') || (unsigned char)text[i] >= 0x80)) i++;
    if (i == n) break;
    if (words) joined[length++] = ' ';
    start[words] = length;
    for (; i < n && ((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z') || (unsigned char)text[i] >= 0x80); i++)
      joined[length++] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
    end[words] = length;
  }
  if (words < ngram) {
    uint64_t all = XXH3_64bits(joined, length);
    append(l, &all, 1);
  }
  for (size_t k = ngram; k <= words; k++) {
    uint64_t one = XXH3_64bits(joined + start[k - ngram], end[k - 1] - start[k - ngram]);
    append(l, &one, 1);
  }
  free(joined);
  free(start);
  free(end);
}

static bool agree(struct shingler *s, const char *text, size_t n, size_t ngram) {
  struct list got = {0}, want = {0};
  shingler_run(s, (struct slice){text, n}, append, &got);
  plainly(&want, text, n, ngram);
  bool same = got.count == want.count && memcmp(got.items, want.items, got.count * sizeof *got.items) == 0;
  free(got.items);
  free(want.items);
  return same;
}

int main(void) {
  static const char *const texts[] = {"", " ", "...", "one", "One, TWO", "one two three four five", "  one two three four five six!", "a b c d e f g h i j",
                                      "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac 1st 2ND x_y it's e-mail", "A@[`{Zz09/:", "one two three four five\n"};
  for (int variant = SHINGLER_SCALAR; variant <= SHINGLER_AVX512; variant++) {
    const char *name = variant == SHINGLER_SCALAR ? "scalar" : "avx512";
    for (int ngram = 1; ngram <= 6; ngram += ngram == 1 ? 1 : 3) {
      struct shingler *s = shingler_new(ngram, (enum shingler_variant)variant);
      bool same = true;
      for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) same &= agree(s, texts[i], strlen(texts[i]), (size_t)ngram);
      ok(same, "%s, n = %d: short texts give the shingles of the definition", name, ngram);
      struct rng rng;
      rng_init(&rng, (uint64_t)ngram);
      same = true;
      enum { MOST = 70000 };
      char *text = MALLOC(MOST);
      for (int round = 0; round < 60; round++) {
        size_t n = rng_below(&rng, round % 10 == 0 ? MOST : 400), density = rng_below(&rng, 40) + 1;
        for (size_t i = 0; i < n; i++) text[i] = rng_below(&rng, density) == 0 ? " .\n-"[rng_below(&rng, 4)] : (char)(rng_below(&rng, 8) ? 'A' + rng_below(&rng, 58) : rng_below(&rng, 256));
        if (round == 30) memset(text, 'x', n); /* one word, longer than a piece */
        if (round == 40) memset(text, ' ', n);
        same &= agree(s, text, n, (size_t)ngram);
      }
      ok(same, "%s, n = %d: random texts, over the borders of blocks and pieces", name, ngram);
      memset(text, 'w', MOST);
      for (size_t i = 40000; i < MOST; i += 7) text[i] = ' ';
      ok(agree(s, text, MOST, (size_t)ngram), "%s, n = %d: a word longer than two pieces", name, ngram);
      free(text);
      shingler_free(s);
    }
  }
  struct shingler *s = shingler_new(5, SHINGLER_BEST);
  struct list a = {0}, b = {0};
  shingler_run(s, SLICE("short"), append, &a);
  shingler_run(s, SLICE("Short!"), append, &b);
  ok(a.count == 1 && b.count == 1 && a.items[0] == b.items[0], "a text of fewer than n words has one shingle of all of them");
  free(a.items);
  free(b.items);
  shingler_free(s);
  return tap_done();
}
