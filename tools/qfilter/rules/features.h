/* SPDX-License-Identifier: MIT
 *
 * The values behind the rules, each by a name, computed once per text: what --explain prints, and what rule files decide on.
 *
 * A name is that of the column of --explain without its set, except where two sets have a column of the same name; both
 * forms are understood (`line_punct_ratio`, `fineweb.line_punct_ratio`).  Lengths are in code points.  A value is NAN
 * where it is undefined (a ratio to no word, no line, no character).
 *
 *   name                    column of --explain      value
 *   bytes, characters                                of the text
 *   words                   gopher-quality           as --words splits them
 *   non_symbol_words        gopher-quality           with a character that is no punctuation mark
 *   avg_word_length         gopher-quality           of the non-symbol words
 *   hash_word_ratio         gopher-quality           # in the text / words
 *   ellipsis_word_ratio     gopher-quality           ... and U+2026 in the text / words
 *   lines                   gopher-quality           of str.splitlines()
 *   bullet_lines_ratio      gopher-quality           lines that start with - or a bullet / lines
 *   ellipsis_lines_ratio    gopher-quality           lines that end with an ellipsis / lines
 *   alpha_words_ratio       gopher-quality           words with a letter / words
 *   stop_words              gopher-quality           different ones that occur
 *   longest_word, distinct_word_ratio                code points; different words / words
 *   letter_ratio, digit_ratio, upper_ratio, punctuation_ratio, space_ratio      characters of the class / characters
 *   paragraphs              -                        between two newlines or more
 *   dup_para_frac, dup_para_char_frac, dup_line_frac, dup_line_char_frac        gopher-repetition
 *   top_N_gram              gopher-repetition        N 1..32: characters of the most frequent n-gram times how often / characters
 *   duplicated_N_n_grams    gopher-repetition        N 1..32: characters of n-grams seen before / characters
 *   c4_lines                c4.lines                 lines (sentences without split_paragraph)
 *   kept_lines, long_word_lines, no_terminal_punct_lines, few_words_lines, javascript_lines, policy_lines      c4: lines by fate
 *   citations, sentences    c4                       taken out; in the lines kept
 *   long_lines              c4-paragraph             lines of min_paragraph_len characters or more
 *   nonblank_lines          fineweb.lines            of split("\n")
 *   line_punct_ratio        fineweb                  lines that end in terminal punctuation / nonblank_lines
 *   short_line_ratio        fineweb                  lines of short_line_length characters or fewer / nonblank_lines
 *   char_dup_ratio          fineweb                  characters of lines seen before / characters without newlines
 *   list_ratio              fineweb                  newlines / words
 */
#ifndef QFILTER_RULES_FEATURES_H
#define QFILTER_RULES_FEATURES_H

#include "tools/qfilter/rules/rules.h"

int feature_count(void);
const char *feature_name(int f);    /* 0 .. feature_count() - 1 */
int feature_find(struct slice name); /* -1 when there is none */

/* Of the text that `m` was begun with; computed on first use. */
double feature_value(int f, const struct rules *r, struct measures *m);

/* The columns that --explain shows of a set: those of n-grams only with a threshold. */
bool feature_explained(int f, enum rule_set set, const struct rules *r);
const char *feature_column(int f); /* without its set */

#endif
