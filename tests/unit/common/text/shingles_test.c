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
#include "common/base/simd.h"
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

static uint64_t word_of(const char *word, size_t n) {
  unsigned char bytes[16] = {0};
  uint64_t half[2] = {0};
  if (n > 16) return XXH3_64bits(word, n);
  memcpy(bytes, word, n);
  for (int i = 15; i >= 0; i--) half[i / 8] = half[i / 8] << 8 | bytes[i];
  uint64_t h = half[0] * 0x9E3779B97F4A7C15u;
  h = (h ^ h >> 32) * 0xBF58476D1CE4E5B9u;
  h = ((h ^ h >> 29) + half[1]) * 0x94D049BB133111EBu;
  return h ^ h >> 32;
}

static uint64_t shingle_of(const uint64_t *words, size_t n) {
  uint64_t h = 0;
  for (size_t i = 0; i < n; i++) h = h * 0xC4CEB9FE1A85EC53u + words[i];
  h = (h ^ h >> 32) * 0xFF51AFD7ED558CCDu;
  return h ^ h >> 32;
}

static bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80; }

/* The definition: split, lower, hash. */
static void plainly(struct list *l, const char *text, size_t n, size_t ngram) {
  char *lowered = MALLOC(n + 1);
  uint64_t *hashes = NEW_ARRAY(uint64_t, n + 1), one;
  size_t words = 0;
  for (size_t i = 0; i < n; i++) lowered[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
  for (size_t i = 0; i < n;) {
    size_t end = i;
    while (end < n && is_word(text[end])) end++;
    if (end > i) hashes[words++] = word_of(lowered + i, end - i);
    i = end + 1;
  }
  if (words < ngram) {
    one = shingle_of(hashes, words);
    append(l, &one, 1);
  }
  for (size_t k = 0; k + ngram <= words; k++) {
    one = shingle_of(hashes + k, ngram);
    append(l, &one, 1);
  }
  free(lowered);
  free(hashes);
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
  static const int ngrams[] = {1, 2, 5, 13, 40};
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    const char *name = simd_name(level);
    if (simd_force(level) != level) {
      skip("this CPU lacks it", name);
      continue;
    }
    for (size_t g = 0; g < sizeof ngrams / sizeof *ngrams; g++) {
      int ngram = ngrams[g];
      struct shingler *s = shingler_new(ngram);
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
      for (size_t i = 0; i < MOST; i++) text[i] = i % 9000 == 8999 ? ' ' : 'W'; /* words longer than a piece, on every side of its border */
      for (size_t i = 0; i < 9000; i += 311) same &= agree(s, text + i, MOST - 9000, (size_t)ngram);
      ok(same, "%s, n = %d: words longer than a piece one after another", name, ngram);
      same = true;
      for (size_t n = 0; n < 200; n++) { /* exact ends: what lies behind the text is not read */
        char *tight = COPY(text + MOST - n, n);
        same &= agree(s, tight, n, (size_t)ngram);
        free(tight);
      }
      ok(same, "%s, n = %d: every length", name, ngram);
      free(text);
      shingler_free(s);
    }
  }
  struct shingler *s = shingler_new(5);
  struct list a = {0}, b = {0};
  shingler_run(s, SLICE("short"), append, &a);
  shingler_run(s, SLICE("Short!"), append, &b);
  ok(a.count == 1 && b.count == 1 && a.items[0] == b.items[0], "a text of fewer than n words has one shingle of all of them");
  struct shingler *two = shingler_new(2);
  a.count = b.count = 0;
  shingler_run(s, SLICE("only two"), append, &a);
  shingler_run(two, SLICE("only two words"), append, &b);
  ok(a.count == 1 && b.count == 2 && a.items[0] == b.items[0] && a.items[0] != b.items[1], "which a smaller n gives too");
  shingler_free(two);
  free(a.items);
  free(b.items);
  shingler_free(s);
  return tap_done();
}
