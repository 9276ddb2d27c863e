/* SPDX-License-Identifier: MIT
 *
 * Counts the pieces of a corpus: documents, or raw files, cut at specials, split by a pattern, on many threads.
 */
#ifndef BPE_TRAIN_CORPUS_H
#define BPE_TRAIN_CORPUS_H

#include <stdbool.h>

#include "common/io/program.h"
#include "common/token/pretokenize.h"
#include "common/token/specials.h"
#include "tools/bpe-train/words.h"

struct corpus_options {
  bool raw;            /* each operand is one document of any bytes */
  bool words;          /* leave out white space */
};

/* Reads the program's operands on its threads, within its memory.  Free *out with words_free(); NULL on failure.  Also sets the
 * program's stats in, out, rejected, bad, bytes, pieces, distinct and time.spilled. */
int corpus_count(struct words **out, struct program *p, const struct pretokenizer *pattern, const struct specials *specials,
                 const struct corpus_options *options, struct err *e);

#endif
