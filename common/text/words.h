/* SPDX-License-Identifier: MIT
 *
 * Text -> words.
 *
 * WORDS_REFERENCE: what datatrove's split_into_words(text, "english") returns: the tokens of spaCy's English tokenizer,
 * white space left out (common/text/words_reference.h).
 *
 * WORDS_UNICODE: the default word boundaries of Unicode Standard Annex 29 (rules WB3 to WB16), each segment stripped
 * of white space, empty ones left out.  So a run of letters and digits is one word, with an apostrophe or full stop
 * between two letters and a comma or full stop between two digits inside it (don't, e.g, 3.14, 1,000); every
 * punctuation mark, symbol and emoji sequence is a word of its own, a run of the same one (..., ----) a single word
 * (this goes beyond the annex: without it rules of text would decide on the number of words); so is every Han ideograph, every Hiragana letter
 * and, with its marks, every letter of Thai, Lao, Khmer and Myanmar, while Katakana and Hangul stay together.
 *
 * WORDS_SPACE: Python's str.split(): maximal runs of non-space.
 */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum words_mode { WORDS_REFERENCE, WORDS_UNICODE, WORDS_SPACE };

struct word {
  uint32_t start, length; /* bytes in the text */
};

struct word_list { /* zero to start; may be used again and again */
  struct word *words;
  size_t count, capacity;
  struct word *spare; /* scratch of WORDS_REFERENCE, as is what follows */
  size_t spare_capacity;
  uint64_t *bits;
  size_t bits_capacity;
};

/* Replaces what the list held.  text.len < 2^32. */
void words_split(struct word_list *list, enum words_mode mode, struct slice text);
void word_list_release(struct word_list *list);

#endif
