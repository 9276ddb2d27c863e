/* SPDX-License-Identifier: MIT
 *
 * Sentences, for c4.min_num_sentences and c4.split_paragraph: those of spaCy's "sentencizer" over its English tokenizer,
 * as datatrove's split_into_sentences counts them.  They are the same for every --words mode.
 */
#ifndef QFILTER_RULES_SENTENCES_H
#define QFILTER_RULES_SENTENCES_H

#include "common/base/buffer.h"
#include "common/text/words.h"

struct sentence_list { /* zero to start; may be used again */
  size_t *ends; /* bytes from the start of the text; sentence i is [ends[i - 1], ends[i]), white space included */
  size_t count, capacity;
  struct word_list words; /* scratch */
};

void sentences_split(struct sentence_list *list, struct slice text);
/* The same for a text whose words of WORDS_REFERENCE are there already. */
void sentences_of_words(struct sentence_list *list, struct slice text, const struct word_list *words);
void sentence_list_release(struct sentence_list *list);

#endif
