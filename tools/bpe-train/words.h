/* SPDX-License-Identifier: MIT
 *
 * The distinct pieces of a corpus with their exact counts, as a stream: out of the counters' tables when they held
 * everything, else out of a scratch file.
 */
#ifndef BPE_TRAIN_WORDS_H
#define BPE_TRAIN_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/bpe-train/count.h"

struct words;

/* Merges the counters into one stream and frees them, also on failure.  Holds at most `memory` bytes while it works and, when the
 * pieces were spilled, an eighth of that afterwards.  sorted: the stream goes by bytes (memcmp, the shorter first); else its order
 * says nothing and no result may depend on it. */
int words_new(struct words **w, struct counter *const *counters, int count, size_t memory, bool sorted, struct err *e);
void words_free(struct words *w); /* NULL is fine */

uint64_t words_distinct(const struct words *w); /* exact */
uint64_t words_bytes(const struct words *w);    /* sum of the distinct pieces' lengths, exact */
uint64_t words_spilled(const struct words *w);  /* bytes written to scratch files, merges too */

/* 1 with a piece, valid until the next call; 0 at the end; -1: a scratch file cannot be read or is damaged. */
int words_next(struct words *w, struct slice *piece, uint64_t *count, struct err *e);
int words_rewind(struct words *w, struct err *e); /* to the first piece */

#endif
