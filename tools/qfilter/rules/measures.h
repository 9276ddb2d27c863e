/* SPDX-License-Identifier: MIT
 *
 * What the quality rules look at, measured once per text: words, lines, paragraphs, repeated n-grams.  Each group is
 * computed on first use, so a document that fails an early rule pays only for what was needed.
 *
 * Lengths are in code points.  Every value is what datatrove computes (pipeline/filters/gopher_quality_filter.py,
 * gopher_repetition_filter.py, fineweb_quality_filter.py of version 0.10), with words split as `mode` says.
 */
#ifndef QFILTER_RULES_MEASURES_H
#define QFILTER_RULES_MEASURES_H

#include "common/text/words.h"
#include "tools/qfilter/rules/punctuation.h"

enum { NGRAM_MAX = 32 };

struct word_set { /* the stop words; built once, shared */
  struct slice *items;
  int count;
  size_t longest;
};

struct word_values {
  size_t words;
  size_t non_symbol_words;      /* with some character outside the punctuation set */
  size_t non_symbol_characters; /* their lengths added up */
  size_t alphabetic_words;      /* with some letter */
  size_t stop_words;            /* different ones that occur */
  size_t hashes, ellipses;      /* occurrences in the text of #, of ... and U+2026 */
};

struct line_values { /* lines of str.splitlines() */
  size_t lines, bullets, ellipsis_ends;
};

struct repeat_values {
  size_t parts, duplicates, duplicate_characters;
};

struct fineweb_values { /* lines of split("\n") that are not blank */
  size_t lines, punctuated, short_lines, duplicate_characters;
  size_t characters_without_newlines, newlines;
};

struct key_set { /* hashes of lines, paragraphs, n-grams */
  uint64_t *slots;
  size_t mask, used, capacity;
};

struct gram_table { /* n-grams with their number and the word where the first of them starts */
  struct gram_count {
    uint64_t key;
    uint32_t count, first;
  } *slots;
  size_t mask, used, capacity;
};

struct measures { /* zero to start; measures_begin() for each text; not shared between threads */
  struct slice text;
  enum words_mode mode;
  size_t characters; /* in the text */
  struct word_list list;
  unsigned done;
  struct word_values words;
  struct line_values lines;
  struct repeat_values line_repeats, paragraph_repeats;
  struct fineweb_values fineweb;
  /* [words + 1]: the polynomial hash of all words before one, joined; their code points; their bytes */
  uint64_t *prefix;
  uint32_t *characters_before, *bytes_before;
  size_t word_capacity;
  struct key_set keys;
  struct gram_table counts;
  size_t part_grams; /* n-grams that are counted at once; 0: four million */
};

void measures_begin(struct measures *m, enum words_mode mode, struct slice text);
void measures_release(struct measures *m);

const struct word_values *measures_words(struct measures *m, const struct word_set *stop_words);
const struct line_values *measures_lines(struct measures *m);
const struct repeat_values *measures_line_repeats(struct measures *m);      /* re.split("\n+") */
const struct repeat_values *measures_paragraph_repeats(struct measures *m); /* re.split("\n{2,}") of the stripped text */
const struct fineweb_values *measures_fineweb(struct measures *m, const struct char_set *stop_chars, double short_length);

/* Length of the most frequent n-gram, words joined by a space, times how often it occurs; the first seen wins a tie.
 * 0 when there are fewer than n words. */
size_t measures_top_gram(struct measures *m, int n);
/* Characters of n-grams (joined by nothing) that were seen before; after a hit the scan goes on behind it. */
size_t measures_duplicate_grams(struct measures *m, int n);

#endif
