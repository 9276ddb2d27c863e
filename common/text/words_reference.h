/* SPDX-License-Identifier: MIT
 *
 * Text -> the tokens of spaCy's English tokenizer (spacy.blank("en"), 3.8), white space left out: what datatrove's
 * split_into_words(text, "english") returns, as byte ranges of the text.
 * https://spacy.io/usage/linguistic-features#how-tokenizer-works
 *
 * Text is cut at white space.  From each chunk prefixes and suffixes come off, one of each in turn, until an exception
 * (Mr., don't, :-)) or nothing more to take off is left; that is a token if it is a URL and is cut at its infixes
 * otherwise.  At last a row of tokens that spells an exception without a blank in it becomes that exception.
 *
 * No text is known whose words differ; 20,000 documents in many languages and 300,000 texts thrown together from exceptions,
 * marks and parts of URLs (tests/oracle/spacy_words.py) have the same.  Linear in the length of the text.
 */
#ifndef TEXT_WORDS_REFERENCE_H
#define TEXT_WORDS_REFERENCE_H

#include <string.h>

#include "common/text/words.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "little-endian only"
#endif

void words_reference_split(struct word_list *list, struct slice text);
/* The same without chunks that cannot matter to where sentences end: those of a row without any of the sentencizer's
 * punct_chars, but for the first word behind one. */
void words_reference_split_at_terminators(struct word_list *list, struct slice text);

/* Classes of words_reference_tables.h: 65536 entries, indexed by code point; computed on the first call. */
const uint16_t *words_reference_classes(void);
uint16_t words_reference_classes_supplementary(uint32_t code_point);

static inline uint16_t words_reference_class(const uint16_t *table, uint32_t code_point) {
  return code_point < 0x10000 ? table[code_point] : words_reference_classes_supplementary(code_point);
}

/* The exception that [p, p + n) is: its number of tokens, their lengths in bytes in lengths; 0 if it is none. */
int words_reference_exception(const char *p, size_t n, const uint8_t **lengths);

/* A quick no: false when the chunk of n bytes with this key is no exception; sometimes true when it is none. */
extern uint64_t words_reference_filter[1024];

/* The first 8 bytes of p, zeros behind the n-th; `readable` bytes can be read from p. */
static inline uint64_t words_reference_key_cut(uint64_t key, size_t n) { return n < 8 ? key & (((uint64_t)1 << 8 * n) - 1) : key; }
static inline uint64_t words_reference_key(const char *p, size_t n, size_t readable) {
  uint64_t key = 0;
  if (readable < 8) return memcpy(&key, p, n < readable ? n : readable), key;
  memcpy(&key, p, 8);
  return words_reference_key_cut(key, n);
}
static inline uint64_t words_reference_filter_hash(uint64_t key, size_t n) { return (key ^ (uint64_t)n << 56) * 0x9E3779B97F4A7C15u; }
static inline bool words_reference_may_be_exception(uint64_t key, size_t n) {
  uint64_t h = words_reference_filter_hash(key, n), word = words_reference_filter[h >> 54]; /* two bits of it */
  return word >> (h >> 48 & 63) & word >> (h >> 42 & 63) & 1;
}

/* Walks through the phrases (words_reference_tables.h) by the keys of tokens of up to 8 bytes: the state after `state` and
 * one more token, 0 when no phrase goes on so.  State 0 is where every phrase begins. */
unsigned words_reference_phrase_next(unsigned state, uint64_t token);
bool words_reference_phrase_ends(unsigned state);
enum { WORDS_REFERENCE_PHRASE_MAX = 11 }; /* tokens */

/* Where in a phrase a token may stand; without a bit it does not stand there in any. */
enum { WORDS_REFERENCE_FIRST = 1, WORDS_REFERENCE_LATER = 2 };
extern uint8_t words_reference_places[4096];
static inline uint64_t words_reference_place_slot(uint64_t token) { return (token * 0x9E3779B97F4A7C15u) >> 52; }

/* Whether two of these tokens or more, all of one chunk, spell an exception. */
bool words_reference_spells(struct slice text, const struct word *words, size_t count);
/* Puts exceptions in the place of the tokens that spell them.  rows: every run of words (index of the first, number) for which
 * words_reference_spells was true, in order. */
void words_reference_join(struct word_list *list, struct slice text, const struct word *rows, size_t row_count);

/* spaCy's URL_MATCH on a chunk without white space. */
bool words_reference_is_url(const char *p, const char *end);

#endif
