/* SPDX-License-Identifier: MIT
 *
 * Measures against plain re-computations at every SIMD level, the path for texts with millions of words against that for short
 * ones, and texts that are made to be slow.
 */
#include "tools/qfilter/rules/measures.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/text/unicode.h"
#include "tests/tap.h"


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

/* Words of one to forty bytes, some beyond ASCII; with `copies` passages are repeated, some cut into other words. */
static void write_text(struct buffer *text, struct rng *rng, size_t words, size_t kinds, size_t letters, bool copies) {
  static const char *const alphabet[] = {"a", "b", "\xC3\xA9", "c", "\xE6\xB0\xB4", "d", "e", "f"};
  buffer_clear(text);
  for (size_t i = 0; i < words; i++) {
    if (copies && text->len > 200 && rng_below(rng, 30) == 0) {
      size_t n = 20 + rng_below(rng, 150), from = rng_below(rng, text->len - n);
      while (from && (text->data[from] & 0xC0) == 0x80) from--;
      while ((text->data[from + n] & 0xC0) == 0x80) n++;
      buffer_reserve(text, n);
      memcpy(text->data + text->len, text->data + from, n);
      if (rng_below(rng, 3) == 0)
        for (size_t k = 1; k + 1 < n; k++) { /* the same letters, other words */
          char *p = text->data + text->len + k;
          if (p[0] == ' ' && p[1] != ' ' && p[-1] != ' ' && !(p[-1] & 0x80) && rng_below(rng, 4) == 0) p[0] = p[-1], p[-1] = ' ';
        }
      text->len += n;
      continue;
    }
    uint64_t word = rng_below(rng, kinds), length = 1 + splitmix64(word) % 5 * (letters > 5 ? letters / 5 : 1);
    for (uint64_t k = 0; k < length; k++) buffer_append_string(text, alphabet[splitmix64(word * 64 + k) % (1 + letters % 9 % 8)]);
    buffer_put(text, ' ');
  }
}

static void check_grams(void) {
  static const size_t letters[] = {1, 3, 8, 25, 42};
  struct measures m = {0};
  struct rng rng;
  struct buffer text = {0};
  struct word_list list = {0};
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    if (simd_force(level) != level) continue;
    rng_init(&rng, 4);
    int equal = 0, parted = 0, bounded = 0, all = 0;
    for (int t = 0; t < 100; t++) {
      write_text(&text, &rng, rng_below(&rng, 300), 2 + rng_below(&rng, 200), letters[t % 5], t % 2);
      words_split(&list, WORDS_SPACE, buffer_slice(&text));
      for (int n = 1; n <= 13; n++) {
        size_t top = plain_top(buffer_slice(&text), &list, (size_t)n), duplicates = plain_duplicates(buffer_slice(&text), &list, (size_t)n);
        m.grams.part_grams = 0;
        measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
        struct grams *g = measures_grams(&m);
        all++;
        bounded += grams_top_most(g, n) >= top && grams_duplicates_most(g, n) >= duplicates;
        equal += grams_top(g, n) == top && grams_duplicates(g, n) == duplicates;
        m.grams.part_grams = 8;
        measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
        g = measures_grams(&m);
        parted += grams_top(g, n) == top && grams_duplicates(g, n) == duplicates;
      }
    }
    ok(equal == all, "n-grams by hash are n-grams by string (%d of %d, %s)", equal, all, simd_name(level));
    ok(parted == all, "also when they are counted in parts (%d of %d, %s)", parted, all, simd_name(level));
    ok(bounded == all, "the bounds hold (%d of %d, %s)", bounded, all, simd_name(level));
  }
  word_list_release(&list);
  buffer_release(&text);
  measures_release(&m);
}

/* Texts made to be slow or large: the values are known. */
static void check_hostile(void) {
  enum { WORDS = 1000000, LONG = 30000000 };
  struct measures m = {0};
  struct buffer text = {0};
  for (int i = 0; i < WORDS; i++) buffer_append(&text, "word ", 5);
  measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
  struct grams *g = measures_grams(&m);
  ok(grams_top(g, 2) == 9 * (WORDS - 1) && grams_top(g, 4) == 19 * (WORDS - 3), "a million equal words: the top n-grams");
  ok(grams_duplicates(g, 5) == 4 * 199999 * 5 && grams_duplicates(g, 10) == 4 * 99999 * 10, "and the duplicates");
  ok(measures_words(&m)->alphabetic_words == WORDS && measures_distinct_words(&m) == 1, "and the words");
  buffer_clear(&text);
  for (int i = 0; i < 2 * WORDS; i++) buffer_put(&text, i % 2 ? ' ' : 'x');
  measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
  ok(grams_duplicates(measures_grams(&m), 5) == 199999 * 5, "a million words of a letter");
  buffer_clear(&text);
  for (int copy = 0; copy < 2; copy++)
    for (uint64_t i = 0; i < WORDS / 2; i++) buffer_printf(&text, "%llx ", (unsigned long long)splitmix64(i));
  measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
  size_t half = text.len / 2 - WORDS / 2;
  ok(grams_duplicates(measures_grams(&m), 5) == half && measures_distinct_words(&m) == WORDS / 2, "half a million words twice: every n-gram of the second half");
  buffer_clear(&text);
  buffer_reserve(&text, LONG);
  memset(text.data, 'x', LONG);
  text.len = LONG;
  measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
  g = measures_grams(&m);
  struct c4_settings c4 = {.split_paragraph = true, .max_word_length = 1000, .min_words_per_line = 3, .min_num_sentences = -1};
  ok(grams_top(g, 1) == LONG && grams_top(g, 2) == 0 && grams_duplicates(g, 5) == 0 && measures_words(&m)->words == 1 && measures_longest_word(&m) == LONG, "a line of %d bytes without a space", LONG);
  ok(measures_c4(&m, &c4, true)->long_word == 1, "is a line with too long a word");
  for (size_t i = 0; i < LONG; i += 2) memcpy(text.data + i, "\xC3\xA9", 2);
  measures_begin(&m, WORDS_SPACE, buffer_slice(&text));
  ok(measures_length(&m) == LONG / 2 && measures_longest_word(&m) == LONG / 2, "lengths are in code points");
  buffer_release(&text);
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
  const struct word_values *w = measures_words(&m);
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
  check_hostile();
  return tap_done();
}
