/* SPDX-License-Identifier: MIT
 *
 * Text -> the chunks between white space (Python's str.isspace()), and bitmaps of letters, digits and marks: bit
 * i % 64 of word i / 64 for byte i.
 */
#ifndef TEXT_WORDS_BLOCKS_H
#define TEXT_WORDS_BLOCKS_H

#include "common/text/words.h"

enum { WORDS_BLOCK = 64 };

struct words_bitmaps { /* a word for every 64 bytes begun and one more; zeros behind the end of the text */
  uint64_t *letter;       /* of ASCII, U+00C0..027F and U+0400..047F: all bytes of them */
  uint64_t *digit, *stop; /* ASCII digits, full stops */
  uint64_t *terminator;   /* . ! ? and the first bytes of spaCy's other punct_chars; other characters may share those */
};

/* Bits [at, at + 64) of a bitmap. */
static inline uint64_t words_bits(const uint64_t *map, size_t at) {
  size_t word = at / 64, bit = at % 64;
  return map[word] >> bit | map[word + 1] << 1 << (63 - bit);
}

static inline size_t words_blocks(size_t bytes) { return bytes / WORDS_BLOCK + 2; }

/* Appends the maximal runs of non-space: str.split().  Fills the bitmaps, of words_blocks(text.len) words each, unless maps is
 * NULL. */
void words_chunks(struct word_list *list, struct slice text, const struct words_bitmaps *maps);

/* The same in the list's scratch: the chunks, their number, and bitmaps that last until the list is used again.  The list
 * itself becomes empty. */
size_t words_chunks_and_bitmaps(struct word_list *list, struct slice text, const struct word **chunks, struct words_bitmaps *maps);

#endif
