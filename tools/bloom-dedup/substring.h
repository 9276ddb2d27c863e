/* SPDX-License-Identifier: MIT
 *
 * Exact substrings: text of at least `words` words in a row that occurred before is taken out of its document (Lee et al. 2022,
 * "Deduplicating Training Data Makes Language Models Better", https://arxiv.org/abs/2107.06499, with 50 tokens).
 *
 * Words are runs of non-space (words.h, WORDS_SPACE), compared byte for byte; how much white space parts them does not
 * matter.  A window is `words` words in a row.  A window goes when an equal one stands earlier in the stream, in the same
 * document too; what goes of a document are the words of all its windows that go.  So the first occurrence stays, and of text
 * that repeats itself one period.  With `keep_none` every window goes that has an equal one anywhere.
 *
 * Three passes, whose memory does not grow with the stream:
 *
 *   1  windows into a Bloom filter; those that it knew already into a second one
 *   2  windows that the second filter knows, with their numbers, are sorted: of equal ones all but the first go
 *   3  what stays is written
 *
 * So the filters decide how much is sorted, never what goes.  Windows are told apart by 122 bits, two rolling polynomials
 * over the halves of XXH3-128 of the words (windows.h).
 */
#ifndef BLOOM_DEDUP_SUBSTRING_H
#define BLOOM_DEDUP_SUBSTRING_H

#include "common/io/program.h"

struct substring_options {
  int64_t words;     /* of a window */
  bool keep_none;
};

int substring_run(struct program *p, const struct substring_options *o, struct err *e);

#endif
