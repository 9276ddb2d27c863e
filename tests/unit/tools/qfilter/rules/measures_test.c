/* SPDX-License-Identifier: MIT
 *
 * Measures against plain re-computations, and the path for texts with millions of words against that for short ones.
 */
#include "tools/qfilter/rules/measures.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/base/hashmap.h"
#include "common/base/rng.h"
#include "common/text/unicode.h"
#include "tests/tap.h"

static const struct word_set no_words;

/* find_top_duplicate() and find_all_duplicate() of datatrove, by strings. */
static size_t plain_top(struct slice text, const struct word_list *list, size_t n) {
  struct hashmap *counts = hashmap_new();
  struct buffer gram = {0};
  size_t best = 0, value = 0;
  for (size_t g = 0; g + n <= list->count; g++) {
    buffer_clear(&gram);
    for (size_t i = 0; i < n; i++) {
      if (i) buffer_put(&gram, ' ');
      buffer_append(&gram, text.data + list->words[g + i].start, list->words[g + i].length);
    }
    ++*hashmap_put(counts, buffer_slice(&gram), NULL);
  }
  const struct hashmap_entry *entries = hashmap_entries(counts);
  for (size_t i = 0; i < hashmap_count(counts); i++) {
    if (entries[i].value <= best) continue;
    best = entries[i].value;
    value = best * unicode_count(entries[i].key.data, entries[i].key.len);
  }
  hashmap_free(counts);
  buffer_release(&gram);
  return value;
}

static size_t plain_duplicates(struct slice text, const struct word_list *list, size_t n) {
  struct hashmap *seen = hashmap_new();
  struct buffer gram = {0};
  size_t repeated = 0;
  for (size_t g = 0; g + n <= list->count;) {
    buffer_clear(&gram);
    for (size_t i = 0; i < n; i++) buffer_append(&gram, text.data + list->words[g + i].start, list->words[g + i].length);
    bool added;
    hashmap_put(seen, buffer_slice(&gram), &added);
    if (!added) repeated += unicode_count(gram.data, gram.len);
    g += added ? 1 : n;
  }
  hashmap_free(seen);
  buffer_release(&gram);
  return repeated;
}

static void check_grams(void) {
  static const char *const pieces[] = {"a", "b", "ab", "ba", "abc", "\xC3\xA9", "\xE6\xB0\xB4", "bc", "c", "aab"};
  struct measures m = {0};
  struct rng rng;
  rng_init(&rng, 4);
  int equal = 0, parted = 0, all = 0;
  for (int t = 0; t < 60; t++) {
    struct buffer text = {0};
    size_t words = rng_below(&rng, 300), kinds = 2 + rng_below(&rng, 9);
    for (size_t i = 0; i < words; i++) buffer_printf(&text, "%s ", pieces[rng_below(&rng, kinds < 10 ? kinds : 10)]);
    struct word_list list = {0};
    words_split(&list, WORDS_SPACE, buffer_slice(&text));
    for (int n = 1; n <= 12; n++) {
      size_t top = plain_top(buffer_slice(&text), &list, (size_t)n), duplicates = plain_duplicates(buffer_slice(&text), &list, (size_t)n);
      m.part_grams = 0;
      measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
      all++;
      equal += measures_top_gram(&m, n) == top && measures_duplicate_grams(&m, n) == duplicates;
      m.part_grams = 8;
      measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
      parted += measures_top_gram(&m, n) == top && measures_duplicate_grams(&m, n) == duplicates;
    }
    word_list_release(&list);
    buffer_release(&text);
  }
  ok(equal == all, "n-grams by hash are n-grams by string (%d of %d)", equal, all);
  ok(parted == all, "also when they are counted in parts (%d of %d)", parted, all);
  measures_release(&m);
}

static void check_lines(void) {
  struct measures m = {0};
  struct char_set stop;
  char_set_init(&stop, SLICE(".!"));
  measures_begin(&m, WORDS_SPACE, SLICE("one.\n\n one.\ntwo!\none.\n \t\nlong line here\n"));
  const struct fineweb_values *f = measures_fineweb(&m, &stop, 5);
  ok(f->lines == 5 && f->punctuated == 4 && f->short_lines == 4 && f->duplicate_characters == 4 && f->newlines == 7 && f->characters_without_newlines == 33, "fineweb's values");
  const struct repeat_values *r = measures_line_repeats(&m);
  ok(r->parts == 7 && r->duplicates == 1 && r->duplicate_characters == 4, "lines between runs of newlines, the empty one at the end included");
  r = measures_paragraph_repeats(&m);
  ok(r->parts == 2 && r->duplicates == 0, "paragraphs between two newlines or more");
  measures_begin(&m, WORDS_SPACE, SLICE("- a...\n \xE2\x80\xA2 b\xE2\x80\xA6 \nc ....\x1c d..\n"));
  const struct line_values *l = measures_lines(&m);
  ok(l->lines == 4 && l->bullets == 2 && l->ellipsis_ends == 3, "bullets and ellipses of lines");
  const struct word_values *w = measures_words(&m, &no_words);
  ok(w->words == 7 && w->ellipses == 3 && w->hashes == 0 && w->non_symbol_words == 5 && w->alphabetic_words == 4, "words, symbols (of which datatrove does not count the bullet) and ellipses");

  struct buffer many = {0};
  for (int i = 0; i < 800000; i++) buffer_printf(&many, "l%d\n", i % 700000);
  measures_begin(&m, WORDS_SPACE, buffer_slice(&many));
  r = measures_line_repeats(&m);
  ok(r->parts == 800001 && r->duplicates == 100000, "sets of lines grow");
  buffer_clear(&many);
  for (int i = 0; i < 5000000; i++) buffer_put(&many, '\n');
  measures_begin(&m, WORDS_SPACE, buffer_slice(&many));
  r = measures_line_repeats(&m);
  ok(r->parts == 2 && r->duplicates == 1 && measures_fineweb(&m, &stop, 5)->lines == 0, "nothing but newlines are two empty lines");
  buffer_release(&many);
  char_set_release(&stop);
  measures_release(&m);
}

int main(void) {
  check_grams();
  check_lines();
  return tap_done();
}
