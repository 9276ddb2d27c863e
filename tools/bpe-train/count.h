/* SPDX-License-Identifier: MIT
 *
 * Counts of distinct pieces: one counter per thread, merged into one sorted list at the end.
 */
#ifndef BPE_TRAIN_COUNT_H
#define BPE_TRAIN_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct counter;

struct counter *counter_new(void);
void counter_free(struct counter *c);
void counter_add(struct counter *c, struct slice piece);

struct word_count {
  struct slice bytes; /* in `arena` */
  uint64_t count;
};

struct word_counts { /* sorted by bytes, so that nothing depends on the threads */
  struct word_count *items;
  size_t count;
  struct buffer arena;
};

void counter_collect(struct word_counts *out, struct counter *const *counters, int n);
void word_counts_release(struct word_counts *w);

#endif
