/* SPDX-License-Identifier: MIT
 *
 * A sentence ends before the first token that is neither punctuation nor a terminator and comes after a terminator (a
 * token that is exactly one of spaCy's punct_chars, such as "." or "?").  https://spacy.io/api/sentencizer
 *
 * White space beyond a single blank is such a token too, so the line break behind "end." opens the next sentence.
 */
#include "tools/qfilter/rules/sentences.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/text/unicode.h"
#include "common/text/words_reference.h"
#include "common/text/words_reference_tables.h"

static void add_end(struct sentence_list *list, size_t end) {
  GROW(list->ends, list->capacity, list->count + 1);
  list->ends[list->count++] = end;
}

static bool is_punctuation(const uint16_t *classes, const char *p, size_t n) {
  for (size_t i = 0; i < n;) {
    int length;
    if (!(words_reference_class(classes, unicode_decode(p + i, &length)) & WR_PUNCTUATION)) return false;
    i += (size_t)length;
  }
  return true;
}

/* Where white space between `end`, an end of a token or of the text, and `next` is a token of its own; `next` if none is. */
static size_t space_token(struct slice text, size_t end, size_t next) {
  end += end < next && text.data[end] == ' ';
  return end;
}

void sentences_of_words(struct sentence_list *list, struct slice text, const struct word_list *words) {
  const uint16_t *classes = words_reference_classes();
  const char *p = text.data;
  list->count = 0;
  if (text.len == 0) return;
  bool terminated = false;
  for (size_t i = 0, last = 0; i < words->count; i++) {
    size_t start = words->words[i].start, n = words->words[i].length;
    if (terminated) {
      size_t space = space_token(text, last, start);
      if (space < start) {
        add_end(list, space);
        terminated = false;
      }
    }
    int length;
    uint16_t class = words_reference_class(classes, unicode_decode(p + start, &length));
    if ((class & WR_TERMINATOR) && (size_t)length == n) {
      terminated = true;
    } else if (terminated && !is_punctuation(classes, p + start, n)) {
      add_end(list, start);
      terminated = false;
    }
    last = start + n;
    if (i + 1 == words->count && terminated) {
      size_t space = space_token(text, last, text.len);
      if (space < text.len) add_end(list, space);
    }
  }
  add_end(list, text.len);
}

void sentences_split(struct sentence_list *list, struct slice text) {
  words_reference_split_at_terminators(&list->words, text);
  sentences_of_words(list, text, &list->words);
}

void sentence_list_release(struct sentence_list *list) {
  free(list->ends);
  word_list_release(&list->words);
  *list = (struct sentence_list){0};
}
