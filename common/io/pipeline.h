/* SPDX-License-Identifier: MIT
 *
 * reader -> workers -> ordered writer (minimap2's shape) on `jobs` threads in all, the caller's among them.  Each does
 * whatever is next: writes the oldest batch when it is done, works on the next one that was read, or reads one.  One
 * thread at a time reads and one at a time writes, in the order in which batches were read: the output does not depend
 * on `jobs`.  At most pipeline_batches(jobs) batches are in flight.  With jobs == 1 no thread is started.
 */
#ifndef IO_PIPELINE_H
#define IO_PIPELINE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct pipeline {
  void *context;                                                   /* passed to every function below */
  size_t batch_size;                                               /* bytes of one batch, zeroed before first use */
  int (*read)(void *context, void *batch, struct err *e);          /* 1 with a batch, 0 at the end, -1 */
  int (*work)(void *context, int worker, void *batch, struct err *e); /* worker in 0..jobs-1; 0 or -1 */
  int (*write)(void *context, void *batch, struct err *e);         /* 0, -1, or 1: enough, stop reading */
  void (*release)(void *batch);                                    /* frees what a batch holds; may be NULL */
  /* Batches that outgrow their usual size: no further one is read while those in flight weigh more than an eighth of
   * `memory` (-S), and one heavier than a sixteenth of that is released once written, one heavier than a quarter goes to
   * worker 0, so that no other worker's scratch memory grows.  NULL: all weigh nothing. */
  size_t (*weigh)(const void *batch);
  int64_t memory;
};

/* Batches are reused: read() finds what the last round left in one.  0, or -1 with the first error in input order. */
int pipeline_run(const struct pipeline *p, int jobs, struct err *e);

/* Called from work() by a batch that makes more output than memory should hold: waits until all batches before it are
 * written, then calls write() for it.  Afterwards work() fills it anew, and what it leaves is written as ever.  0 or -1
 * (also when nothing more is wanted: work() then returns -1). */
int pipeline_write_now(void *batch, struct err *e);

static inline int pipeline_batches(int jobs) { return jobs <= 1 ? 1 : 2 * jobs; }

#endif
