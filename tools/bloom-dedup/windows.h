/* SPDX-License-Identifier: MIT
 *
 * The windows of a text: every so many words in a row, as 122 bits.
 *
 * With h the halves of XXH3-128 of a word, a window of words 0 .. n-1 is sum h_i B^(n-1-i) mod the prime 2^61 - 1, once for
 * each half with a B of its own; the next one follows from it by two multiplications (Karp and Rabin 1987).  (Mod 2^64 two
 * words in the order of the Thue-Morse sequence and in the opposite one come out the same from some hundreds of words on.)
 */
#ifndef BLOOM_DEDUP_WINDOWS_H
#define BLOOM_DEDUP_WINDOWS_H

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/text/words.h"
#include "tools/bloom-dedup/hashes.h"

struct windows { /* windows_init(); may be used for many texts */
  size_t length;            /* words of a window */
  uint64_t top[2];          /* -B^length */
  struct word_list list;
  struct hash128 *ring;     /* the last `length` words */
};

void windows_init(struct windows *w, size_t length);
void windows_release(struct windows *w);

/* Calls take() with blocks of windows in order, until it returns -1.  *words: how many words the text has.  Memory does
 * not grow with the text but for words without end. */
int windows_run(struct windows *w, struct slice text, int (*take)(void *context, const struct hash128 *windows, size_t count), void *context, uint64_t *words);

/* Words of a text. */
uint64_t windows_count_words(struct windows *w, struct slice text);

struct span { /* of words that go: first, behind the last; ascending, apart from each other */
  uint64_t from, to;
};

/* Appends the text without the words of `spans` to `out`.  Of the white space on both sides of what goes, that with more
 * newlines stays, of equals the longer one; none at the ends of the text. */
void windows_edit(struct windows *w, struct slice text, const struct span *spans, size_t count, struct buffer *out);

#endif
