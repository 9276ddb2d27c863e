/* SPDX-License-Identifier: MIT
 *
 * Windows of words: equal where the words are, whatever stands between them and however the text is cut into pieces; what
 * is left of a text when words go.
 */
#include "tools/bloom-dedup/windows.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/tap.h"

struct all {
  struct hash128 *windows;
  size_t count, capacity;
};

static int take(void *context, const struct hash128 *windows, size_t count) {
  struct all *a = context;
  if (a->capacity < a->count + count) a->windows = realloc(a->windows, (a->capacity = 2 * (a->count + count)) * sizeof *windows);
  memcpy(a->windows + a->count, windows, count * sizeof *windows);
  a->count += count;
  return 0;
}

static struct all windows_of(size_t length, struct slice text, uint64_t *words) {
  struct all a = {0};
  struct windows w;
  windows_init(&w, length);
  if (windows_run(&w, text, take, &a, words) != 0) a.count = 0;
  windows_release(&w);
  return a;
}

static bool equal(struct hash128 a, struct hash128 b) { return a.low == b.low && a.high == b.high; }

static bool edits(const char *text, uint64_t from, uint64_t to, uint64_t from_2, uint64_t to_2, const char *left) {
  struct windows w;
  struct buffer out = {0};
  struct span spans[2] = {{from, to}, {from_2, to_2}};
  windows_init(&w, 2);
  buffer_append_string(&out, "|");
  windows_edit(&w, slice_of(text), spans, to_2 ? 2 : 1, &out);
  bool same = strcmp(buffer_string(&out) + 1, left) == 0;
  if (!same) note("want %s, got %s", left, out.data + 1);
  windows_release(&w);
  buffer_release(&out);
  return same;
}

int main(void) {
  uint64_t words;
  struct all a = windows_of(3, SLICE("a b c d a\nb \u00A0 c  e"), &words);
  ok(words == 8 && a.count == 6 && equal(a.windows[0], a.windows[4]), "the same three words are the same window, whatever white space parts them");
  bool others = true;
  for (int i = 0; i < 6; i++)
    for (int k = 0; k < i; k++) others &= equal(a.windows[i], a.windows[k]) == (i == 4 && k == 0);
  ok(others, "other words are others: d a b is not a b d");
  free(a.windows);
  a = windows_of(3, SLICE("a b"), &words);
  ok(words == 2 && a.count == 0, "two words have no window of three");
  free(a.windows);

  /* words of an alphabet of four, 1.5 MB: several pieces; each window against the words themselves */
  enum { COUNT = 200000, LENGTH = 7 };
  struct buffer text = {0};
  char *word = malloc(COUNT);
  struct rng rng;
  rng_init(&rng, 3);
  for (int i = 0; i < COUNT; i++) {
    word[i] = (char)('a' + rng_below(&rng, 4));
    buffer_printf(&text, "%cwords%s", word[i], rng_below(&rng, 5) ? " " : "\n\n");
  }
  a = windows_of(LENGTH, buffer_slice(&text), &words);
  ok(words == COUNT && a.count == COUNT - LENGTH + 1, "every window of %d words is there", COUNT);
  bool same = true;
  size_t compared = 0;
  for (size_t i = 0; i + 1 < a.count; i += 97) {
    for (size_t k = i + 1; k < a.count && k < i + 3000; k++, compared++)
      same &= equal(a.windows[i], a.windows[k]) == (memcmp(word + i, word + k, LENGTH) == 0);
  }
  ok(same && compared > 1000000, "windows are equal where their words are (%zu pairs)", compared);
  free(a.windows);
  free(word);
  buffer_release(&text);

  ok(edits("a b c d", 1, 2, 0, 0, "a c d"), "a word goes with one of the blanks around it");
  ok(edits("a b\n\nc d", 1, 2, 0, 0, "a\n\nc d"), "the white space with more newlines stays");
  ok(edits("  a b c \n", 0, 1, 0, 0, "b c \n") && edits("  a b c \n", 2, 3, 0, 0, "  a b"), "none stays at an end that went");
  ok(edits("a b c d e", 0, 2, 3, 5, "c") && edits("a b", 0, 2, 0, 0, ""), "several spans; all of it");
  ok(edits("a b c d e", 1, 2, 3, 4, "a c e"), "one word between two spans");
  /* two words as the bits of 0, 1, 2, ... are odd or even in number, and the other way round: equal mod 2^64 in both halves */
  struct buffer thue[2] = {0};
  for (int k = 0; k < 2; k++)
    for (int n = 0; n < 512; n++) buffer_append_string(&thue[k], __builtin_parity((unsigned)n) == k ? "w2064 " : "w2473 ");
  struct all one = windows_of(512, buffer_slice(&thue[0]), &words), two = windows_of(512, buffer_slice(&thue[1]), &words);
  ok(one.count == 1 && two.count == 1 && one.windows[0].low != two.windows[0].low && one.windows[0].high != two.windows[0].high, "the Thue-Morse sequence and its complement are different windows");
  free(one.windows);
  free(two.windows);
  buffer_release(&thue[0]);
  buffer_release(&thue[1]);
  return tap_done();
}
