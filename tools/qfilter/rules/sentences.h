/* SPDX-License-Identifier: MIT
 *
 * Sentences, for c4.min_num_sentences and c4.split_paragraph: spaCy's "sentencizer" over its English tokenizer, which
 * is what datatrove counts with, reduced to what can move a sentence's end.  It is the same for every --words mode.
 */
#ifndef QFILTER_RULES_SENTENCES_H
#define QFILTER_RULES_SENTENCES_H

#include "common/base/buffer.h"

struct sentence_list { /* zero to start; may be used again */
  size_t *ends; /* bytes from the start of the text; sentence i is [ends[i - 1], ends[i]), white space included */
  size_t count, capacity;
};

void sentences_split(struct sentence_list *list, struct slice text);
void sentence_list_release(struct sentence_list *list);

#endif
