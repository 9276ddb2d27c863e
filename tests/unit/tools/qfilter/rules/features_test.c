/* SPDX-License-Identifier: MIT
 *
 * The table of features: names, columns of --explain, values of a small text.
 */
#include "tools/qfilter/rules/features.h"

#include <math.h>
#include <stdio.h>

#include "tests/tap.h"

static void check_names(void) {
  int found = 0, unique = 0, columns = 0;
  for (int f = 0; f < feature_count(); f++) {
    found += feature_find(slice_of(feature_name(f))) == f;
    int same = 0;
    for (int g = 0; g < feature_count(); g++) same += strcmp(feature_name(f), feature_name(g)) == 0;
    unique += same == 1;
  }
  ok(found == feature_count() && unique == feature_count(), "every feature is found by its name (%d)", found);
  struct rules r;
  rules_init(&r);
  int expected = 0;
  for (int set = 0; set < RULE_SETS; set++) {
    for (int f = 0; f < feature_count(); f++) {
      if (!feature_explained(f, (enum rule_set)set, &r)) continue;
      char name[100];
      snprintf(name, sizeof name, "%s.%s", rule_set_names[set], feature_column(f));
      expected++;
      columns += feature_find(slice_of(name)) == f;
    }
  }
  ok(columns == expected && columns == 10 + 13 + 9 + 1 + 5, "and by its column (%d of %d)", columns, expected);
  ok(feature_find(SLICE("line")) == -1 && feature_find(SLICE("fineweb.")) == -1 && feature_find(SLICE("c4.c4_lines")) == -1 && feature_find(SLICE("")) == -1, "other names are not");
  rules_release(&r);
}

static void check_values(void) {
  static const struct {
    const char *name;
    double value;
  } expected[] = {
      {"bytes", 74}, {"characters", 73}, {"words", 15}, {"non_symbol_words", 14}, {"avg_word_length", 56. / 14}, {"hash_word_ratio", 1. / 15}, {"ellipsis_word_ratio", 2. / 15},
      {"lines", 5}, {"bullet_lines_ratio", 1. / 5}, {"ellipsis_lines_ratio", 1. / 5}, {"alpha_words_ratio", 13. / 15}, {"stop_words", 1}, {"longest_word", 8}, {"distinct_word_ratio", 12. / 15},
      {"letter_ratio", 44. / 73}, {"digit_ratio", 2. / 73}, {"upper_ratio", 3. / 73}, {"punctuation_ratio", 11. / 73}, {"space_ratio", 16. / 73}, {"paragraphs", 2},
      {"dup_para_frac", 0}, {"dup_line_frac", 1. / 4}, {"dup_line_char_frac", 15. / 73}, {"top_1_gram", 6. / 73}, {"top_2_gram", 16. / 73}, {"duplicated_2_n_grams", 7. / 73}, {"c4_lines", 5}, {"kept_lines", 2},
      {"no_terminal_punct_lines", 3}, {"sentences", 2}, {"long_lines", 0}, {"nonblank_lines", 4}, {"line_punct_ratio", 3. / 4}, {"short_line_ratio", 1}, {"char_dup_ratio", 15. / 69}, {"list_ratio", 4. / 15}};
  struct rules r;
  struct measures m = {0};
  rules_init(&r);
  measures_begin(&m, WORDS_SPACE, SLICE("One of #the caf\xC3\xA9s...\nThe same again.\n\nThe same again.\n - no 42 more.... x"));
  int n = sizeof expected / sizeof *expected, equal = 0;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < n; i++) {
      double got = feature_value(feature_find(slice_of(expected[i].name)), &r, &m);
      equal += got == expected[i].value;
      if (got != expected[i].value) note("%s is %.9g, not %.9g", expected[i].name, got, expected[i].value);
    }
  }
  ok(equal == 2 * n, "values of a text, the second time as well (%d of %d)", equal, 2 * n);
  measures_begin(&m, WORDS_SPACE, SLICE(""));
  int undefined = 0, finite = 0;
  for (int f = 0; f < feature_count(); f++) {
    double value = feature_value(f, &r, &m);
    undefined += isnan(value);
    finite += isfinite(value);
  }
  ok(undefined > 60 && undefined + finite == feature_count(), "ratios of an empty text are undefined, and no value is infinite");
  measures_release(&m);
  rules_release(&r);
}

int main(void) {
  check_names();
  check_values();
  return tap_done();
}
