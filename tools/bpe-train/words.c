/* SPDX-License-Identifier: MIT
 *
 * One counter takes in the others while it stays small; otherwise all that they hold becomes runs, and those one run, which is read
 * from the scratch file.
 */
#include "tools/bpe-train/words.h"

#include <stdlib.h>

#include "common/base/memory.h"

struct words {
  uint64_t distinct, bytes;
  struct counter *counter; /* all pieces, or NULL */
  struct counter_cursor cursor;
  struct runs runs;        /* else one run */
  struct run_reader reader;
  int freed;               /* of the counters */
};

static int merge(struct words *w, struct counter *const *counters, int count, size_t memory, bool sorted, struct err *e) {
  struct counter *first = counters[0];
  size_t small = memory / 8;
  bool spilled = false;
  for (int i = 0; i < count; i++) spilled = spilled || counter_runs(counters[i])->count;
  counter_limit(first, small);
  for (int i = 1; i < count; i++) {
    if (!spilled && counter_memory(first) <= small && counter_absorb(first, counters[i], e)) return -1;
    if (counter_spill(counters[i], e)) return -1; /* what was not absorbed, though the first be empty */
    spilled = spilled || counter_runs(first)->count || counter_runs(counters[i])->count;
  }
  if (!spilled && counter_memory(first) <= (small < COUNTER_LEAST ? COUNTER_LEAST : small)) {
    if (sorted) counter_sort(first);
    w->counter = first;
    w->distinct = counter_distinct(first);
    w->bytes = counter_bytes(first);
    return 0;
  }
  for (int i = 0; i < count; i++) {
    if (counter_spill(counters[i], e)) return -1;
    runs_take(&w->runs, counter_runs(counters[i]));
    counter_free(counters[i]);
    w->freed++;
  }
  if (runs_merge(&w->runs, memory / 2, &w->distinct, &w->bytes, e)) return -1;
  run_open(&w->reader, &w->runs, w->runs.items[0], false);
  return 0;
}

int words_new(struct words **out, struct counter *const *counters, int count, size_t memory, bool sorted, struct err *e) {
  struct words *w = NEW(struct words);
  int status = merge(w, counters, count, memory, sorted, e);
  for (int i = w->freed; i < count; i++)
    if (counters[i] != w->counter) counter_free(counters[i]);
  if (status) words_free(w), w = NULL;
  *out = w;
  return status;
}

void words_free(struct words *w) {
  if (!w) return;
  counter_free(w->counter);
  run_close(&w->reader);
  runs_release(&w->runs);
  free(w);
}

uint64_t words_distinct(const struct words *w) { return w->distinct; }
uint64_t words_bytes(const struct words *w) { return w->bytes; }
uint64_t words_spilled(const struct words *w) { return w->runs.written; }

int words_next(struct words *w, struct slice *piece, uint64_t *count, struct err *e) {
  if (w->counter) return counter_next(w->counter, &w->cursor, piece, count);
  int got = run_next(&w->reader, e);
  if (got > 0) *piece = buffer_slice(&w->reader.piece), *count = w->reader.count;
  return got;
}

int words_rewind(struct words *w, struct err *e) {
  (void)e;
  if (w->counter) w->cursor = (struct counter_cursor){0};
  else {
    run_close(&w->reader);
    run_open(&w->reader, &w->runs, w->runs.items[0], false);
  }
  return 0;
}
