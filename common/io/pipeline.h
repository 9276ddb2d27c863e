/* SPDX-License-Identifier: MIT
 *
 * reader -> workers -> ordered writer (minimap2's shape).  One thread reads batches, `jobs` threads work on them, and
 * they are written in the order in which they were read: the output does not depend on `jobs`.  At most 2 x jobs + 2
 * batches are in flight.  With jobs == 1 everything runs on the caller's thread.
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

#endif
