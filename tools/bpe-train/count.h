/* SPDX-License-Identifier: MIT
 *
 * Counts of distinct pieces within bounded memory: one counter per thread; words_new() merges them.
 */
#ifndef BPE_TRAIN_COUNT_H
#define BPE_TRAIN_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/bpe-train/runs.h"

struct counter;

enum { COUNTER_LEAST = 128 << 10 };

/* Holds at most `memory` bytes, not fewer than COUNTER_LEAST; what does not fit goes as a sorted run to an unnamed scratch file
 * in tmpdir (NULL: $TMPDIR, else /tmp), and counting goes on from nothing. */
struct counter *counter_new(size_t memory, const char *tmpdir);
void counter_free(struct counter *c); /* NULL is fine */

/* Adds `count` >= 1 to a piece of 1 byte to 4 GiB.  -1 when the scratch file cannot be written. */
int counter_add(struct counter *c, struct slice piece, uint64_t count, struct err *e);
/* Adds 1 to each of the `count` pieces of text that begin at `from` and end at from + ends[i]: what pretokenize() found. */
int counter_add_pieces(struct counter *c, struct slice text, size_t from, const uint32_t *ends, int count, struct err *e);

/* ---- for words.c */

void counter_limit(struct counter *c, size_t memory); /* from now on */
size_t counter_memory(const struct counter *c);       /* bytes held */
uint64_t counter_distinct(const struct counter *c);   /* in memory */
uint64_t counter_bytes(const struct counter *c);      /* sum of their lengths */
/* What is in memory becomes a run, if there is anything, and leaves memory. */
int counter_spill(struct counter *c, struct err *e);
struct runs *counter_runs(struct counter *c);
/* Adds what `from` holds in memory, and empties it; where both are more than the memory of c, c spills instead and `from` stays. */
int counter_absorb(struct counter *c, struct counter *from, struct err *e);
/* Puts what is in memory in order of bytes; nothing may be added any more. */
void counter_sort(struct counter *c);

struct counter_cursor { /* zero: the first one */
  size_t at, way, longer;
  char bytes[16];
};

/* The pieces in memory, in order when sorted; `piece` is valid until the next call and the counter's next change. */
bool counter_next(const struct counter *c, struct counter_cursor *cursor, struct slice *piece, uint64_t *count);

#endif
