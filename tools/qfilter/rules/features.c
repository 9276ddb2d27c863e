/* SPDX-License-Identifier: MIT
 *
 * One table; each entry reads a group of measures.h, which remembers what it has computed.
 */
#include "tools/qfilter/rules/features.h"

#include <math.h>
#include <stdlib.h>

typedef double feature_function(const struct rules *r, struct measures *m, int n);

static double ratio(size_t a, size_t b) { return b ? (double)a / (double)b : NAN; }

#define WORDS_OF measures_words(m)
#define FINEWEB_OF measures_fineweb(m, &r->fineweb.stop_chars, isnan(r->fineweb.short_line_length) ? -1 : r->fineweb.short_line_length)
#define C4_OF measures_c4(m, &r->c4, true)
#define VALUE(name, expression)                                              \
  static double name(const struct rules *r, struct measures *m, int n) {     \
    (void)r, (void)m, (void)n;                                               \
    return expression;                                                       \
  }
VALUE(bytes, (double)m->text.len)
VALUE(characters, (double)measures_length(m))
VALUE(words, (double)WORDS_OF->words)
VALUE(non_symbol_words, (double)WORDS_OF->non_symbol_words)
VALUE(avg_word_length, ratio(WORDS_OF->non_symbol_characters, WORDS_OF->non_symbol_words))
VALUE(hash_word_ratio, ratio(WORDS_OF->hashes, WORDS_OF->words))
VALUE(ellipsis_word_ratio, ratio(WORDS_OF->ellipses, WORDS_OF->words))
VALUE(lines, (double)measures_lines(m)->lines)
VALUE(bullet_lines_ratio, ratio(measures_lines(m)->bullets, measures_lines(m)->lines))
VALUE(ellipsis_lines_ratio, ratio(measures_lines(m)->ellipsis_ends, measures_lines(m)->lines))
VALUE(alpha_words_ratio, ratio(WORDS_OF->alphabetic_words, WORDS_OF->words))
VALUE(stop_words, (double)measures_stop_words(m, &r->quality.stop_words, HUGE_VAL))
VALUE(longest_word, (double)measures_longest_word(m))
VALUE(distinct_word_ratio, ratio(measures_distinct_words(m), WORDS_OF->words))
VALUE(letter_ratio, ratio(measures_characters(m)->letters, measures_length(m)))
VALUE(digit_ratio, ratio(measures_characters(m)->digits, measures_length(m)))
VALUE(upper_ratio, ratio(measures_characters(m)->uppers, measures_length(m)))
VALUE(punctuation_ratio, ratio(measures_characters(m)->punctuation, measures_length(m)))
VALUE(space_ratio, ratio(measures_characters(m)->spaces, measures_length(m)))
VALUE(paragraphs, (double)measures_paragraph_repeats(m)->parts)
VALUE(dup_para_frac, ratio(measures_paragraph_repeats(m)->duplicates, measures_paragraph_repeats(m)->parts))
VALUE(dup_para_char_frac, ratio(measures_paragraph_repeats(m)->duplicate_characters, measures_length(m)))
VALUE(dup_line_frac, ratio(measures_line_repeats(m)->duplicates, measures_line_repeats(m)->parts))
VALUE(dup_line_char_frac, ratio(measures_line_repeats(m)->duplicate_characters, measures_length(m)))
VALUE(top_gram, ratio(grams_top(measures_grams(m), n), measures_length(m)))
VALUE(duplicated_grams, ratio(grams_duplicates(measures_grams(m), n), measures_length(m)))
VALUE(c4_lines, (double)C4_OF->lines)
VALUE(kept_lines, (double)C4_OF->kept_lines)
VALUE(long_word_lines, (double)C4_OF->long_word)
VALUE(no_terminal_punct_lines, (double)C4_OF->no_terminal_punct)
VALUE(few_words_lines, (double)C4_OF->few_words)
VALUE(javascript_lines, (double)C4_OF->javascript)
VALUE(policy_lines, (double)C4_OF->policy)
VALUE(citations, (double)C4_OF->citations)
VALUE(sentences, (double)C4_OF->sentences)
VALUE(long_lines, (double)measures_long_lines(m, r->c4_paragraph.min_paragraph_len))
VALUE(nonblank_lines, (double)FINEWEB_OF->lines)
VALUE(line_punct_ratio, ratio(FINEWEB_OF->punctuated, FINEWEB_OF->lines))
VALUE(short_line_ratio, ratio(FINEWEB_OF->short_lines, FINEWEB_OF->lines))
VALUE(char_dup_ratio, ratio(FINEWEB_OF->duplicate_characters, FINEWEB_OF->characters_without_newlines))
VALUE(list_ratio, ratio(FINEWEB_OF->newlines, WORDS_OF->words))

static const struct feature {
  const char *name;
  int set; /* whose column it is in --explain; -1: nobody's */
  const char *column;
  feature_function *value;
  int n; /* of n-grams */
} features[] = {
#define OWN(set, name) {#name, set, #name, name, 0}
    OWN(-1, bytes),
    OWN(-1, characters),
    OWN(RULES_GOPHER_QUALITY, words),
    OWN(RULES_GOPHER_QUALITY, non_symbol_words),
    OWN(RULES_GOPHER_QUALITY, avg_word_length),
    OWN(RULES_GOPHER_QUALITY, hash_word_ratio),
    OWN(RULES_GOPHER_QUALITY, ellipsis_word_ratio),
    OWN(RULES_GOPHER_QUALITY, lines),
    OWN(RULES_GOPHER_QUALITY, bullet_lines_ratio),
    OWN(RULES_GOPHER_QUALITY, ellipsis_lines_ratio),
    OWN(RULES_GOPHER_QUALITY, alpha_words_ratio),
    OWN(RULES_GOPHER_QUALITY, stop_words),
    OWN(-1, longest_word),
    OWN(-1, distinct_word_ratio),
    OWN(-1, letter_ratio),
    OWN(-1, digit_ratio),
    OWN(-1, upper_ratio),
    OWN(-1, punctuation_ratio),
    OWN(-1, space_ratio),
    OWN(-1, paragraphs),
    OWN(RULES_GOPHER_REPETITION, dup_para_frac),
    OWN(RULES_GOPHER_REPETITION, dup_para_char_frac),
    OWN(RULES_GOPHER_REPETITION, dup_line_frac),
    OWN(RULES_GOPHER_REPETITION, dup_line_char_frac),
#define TOP(n) {"top_" #n "_gram", RULES_GOPHER_REPETITION, "top_" #n "_gram", top_gram, n}
#define DUPLICATED(n) {"duplicated_" #n "_n_grams", RULES_GOPHER_REPETITION, "duplicated_" #n "_n_grams", duplicated_grams, n}
#define EACH(f)                                                                                                             \
  f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12), f(13), f(14), f(15), f(16), f(17), f(18), f(19), \
      f(20), f(21), f(22), f(23), f(24), f(25), f(26), f(27), f(28), f(29), f(30), f(31), f(32)
    EACH(TOP),
    EACH(DUPLICATED),
    {"c4_lines", RULES_C4, "lines", c4_lines, 0},
    OWN(RULES_C4, kept_lines),
    OWN(RULES_C4, long_word_lines),
    OWN(RULES_C4, no_terminal_punct_lines),
    OWN(RULES_C4, few_words_lines),
    OWN(RULES_C4, javascript_lines),
    OWN(RULES_C4, policy_lines),
    OWN(RULES_C4, citations),
    OWN(RULES_C4, sentences),
    OWN(RULES_C4_PARAGRAPH, long_lines),
    {"nonblank_lines", RULES_FINEWEB, "lines", nonblank_lines, 0},
    OWN(RULES_FINEWEB, line_punct_ratio),
    OWN(RULES_FINEWEB, short_line_ratio),
    OWN(RULES_FINEWEB, char_dup_ratio),
    OWN(RULES_FINEWEB, list_ratio),
};
enum { FEATURES = sizeof features / sizeof *features };

int feature_count(void) { return FEATURES; }
const char *feature_name(int f) { return features[f].name; }
const char *feature_column(int f) { return features[f].column; }

int feature_find(struct slice name) {
  for (int f = 0; f < FEATURES; f++)
    if (slice_equal(name, slice_of(features[f].name))) return f;
  for (int f = 0; f < FEATURES; f++) { /* SET.column */
    if (features[f].set < 0) continue;
    struct slice set = slice_of(rule_set_names[features[f].set]);
    if (!slice_starts(name, set) || name.len == set.len || name.data[set.len] != '.') continue;
    if (slice_equal((struct slice){name.data + set.len + 1, name.len - set.len - 1}, slice_of(features[f].column))) return f;
  }
  return -1;
}

double feature_value(int f, const struct rules *r, struct measures *m) { return features[f].value(r, m, features[f].n); }

bool feature_explained(int f, enum rule_set set, const struct rules *r) {
  if (features[f].set != (int)set) return false;
  if (features[f].value == top_gram) return !isnan(r->repetition.top[features[f].n]);
  if (features[f].value == duplicated_grams) return !isnan(r->repetition.duplicated[features[f].n]);
  return true;
}
