/* SPDX-License-Identifier: MIT
 *
 * --words: the most frequent pieces, one a line.
 */
#ifndef BPE_TRAIN_WORDS_LIST_H
#define BPE_TRAIN_WORDS_LIST_H

#include "common/io/output.h"
#include "tools/bpe-train/words.h"

/* Writes at most `most` pieces, most frequent first, equally frequent ones by their bytes; *written says how many.  Takes `words` and
 * frees it.  Holds at most `memory` bytes, what `words` holds included; tmpdir as counter_new(). */
int words_list(struct output *out, struct words *words, uint64_t most, size_t memory, const char *tmpdir, uint64_t *written, struct err *e);

#endif
