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
#include "tools/qfilter/rules/c4.h"
#include "tools/qfilter/rules/grams.h"
#include "tools/qfilter/rules/keys.h"
#include "tools/qfilter/rules/punctuation.h"
#include "tools/qfilter/rules/scan.h"

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
  size_t hashes, ellipses;      /* occurrences in the text of #, of ... and U+2026 */
};

struct character_values { /* by class of unicode.h */
  size_t letters, digits, uppers, punctuation, spaces;
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

struct measures { /* zero to start; measures_begin() for each text; not shared between threads */
  struct slice text;
  struct slice url; /* of the document; set by the caller, kept by measures_begin() */
  enum words_mode mode;
  unsigned done;
  struct scan scan;
  struct word_list list;
  struct grams grams;
  struct word_values words;
  struct line_values lines;
  struct repeat_values line_repeats, paragraph_repeats;
  struct fineweb_values fineweb;
  struct character_values classes;
  size_t stop_words, longest_word, distinct_words, long_lines;
  struct c4_scratch c4;
  struct c4_values c4_values;
  const char *c4_reason;
  struct slice c4_text;
  struct key_set keys;
};

void measures_begin(struct measures *m, enum words_mode mode, struct slice text);
void measures_release(struct measures *m);

const struct scan *measures_scan(struct measures *m);
static inline size_t measures_length(struct measures *m) { return measures_scan(m)->characters; }
const struct word_list *measures_word_list(struct measures *m);
const struct word_values *measures_words(struct measures *m);
/* Different stop words that occur; when there are `enough` or more, some number from `enough` on. */
size_t measures_stop_words(struct measures *m, const struct word_set *set, double enough);
size_t measures_longest_word(struct measures *m);
size_t measures_distinct_words(struct measures *m);
const struct character_values *measures_characters(struct measures *m);
const struct line_values *measures_lines(struct measures *m);
const struct repeat_values *measures_line_repeats(struct measures *m);      /* re.split("\n+") */
const struct repeat_values *measures_paragraph_repeats(struct measures *m); /* re.split("\n{2,}") of the stripped text */
const struct fineweb_values *measures_fineweb(struct measures *m, const struct char_set *stop_chars, double short_length);
size_t measures_long_lines(struct measures *m, double length);              /* c4_long_lines() */

/* c4_apply(): the reason is in m->c4_reason, what it leaves in m->c4_text. */
const struct c4_values *measures_c4(struct measures *m, const struct c4_settings *settings, bool complete);

/* The n-grams of the text, for grams_top() and grams_duplicates(). */
struct grams *measures_grams(struct measures *m);

#endif
