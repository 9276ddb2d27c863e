/* SPDX-License-Identifier: MIT
 *
 * The C4 rules (Raffel et al. 2020), as datatrove's C4QualityFilter applies them: they drop lines, take citations out
 * of lines, and drop documents.
 */
#ifndef QFILTER_RULES_C4_H
#define QFILTER_RULES_C4_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "tools/qfilter/rules/scan.h"
#include "tools/qfilter/rules/sentences.h"

struct c4_settings { /* the constructor's parameters; a number is off at -1 */
  bool split_paragraph, remove_citations, filter_no_terminal_punct;
  double min_num_sentences, min_words_per_line, max_word_length;
  bool filter_lorem_ipsum, filter_javascript, filter_curly_bracket, filter_policy;
};

struct c4_values {
  size_t lines, kept_lines, citations;
  size_t long_word, no_terminal_punct, few_words, javascript, policy; /* lines dropped */
  size_t sentences;                                                   /* in the lines kept */
};

struct c4_paragraph_settings { /* of C4ParagraphFilter, whose numbers are constants */
  double min_paragraphs, min_paragraph_len;
};

struct c4_scratch { /* zero to start */
  struct buffer out, line, folded;
  struct sentence_list sentences, parts;
};

/* Reason of rejection of the text that was scanned, or NULL with the edited text in *edited (in the scratch, until the next call).  Unless
 * `complete`, sentences are counted only until there are enough of them. */
const char *c4_apply(const struct c4_settings *settings, struct c4_scratch *scratch, const struct scan *scan, bool complete, struct slice *edited,
                     struct c4_values *values);

/* Lines of split("\n") with `least` code points or more. */
size_t c4_long_lines(const struct scan *scan, double least);
void c4_scratch_release(struct c4_scratch *scratch);

#endif
