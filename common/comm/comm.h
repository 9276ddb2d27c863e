/* SPDX-License-Identifier: MIT
 *
 * What the ranks of one job say to each other.  A communicator knows its rank and the number of ranks, and sums over
 * all of them; every rank gets the same bits.  `self` is the job of one rank, where sums are what they were.
 */
#ifndef COMM_COMM_H
#define COMM_COMM_H

#include <stdint.h>

#include "common/base/err.h"
#include "kernels/real.h"

struct comm {
  const char *name; /* "self" */
  int rank, world_size;
  /* Replace x by the sum over all ranks. */
  int (*all_reduce)(const struct comm *c, real *x, int64_t n, struct err *e);
  int (*all_reduce_double)(const struct comm *c, double *x, int64_t n, struct err *e);
};

const struct comm *comm_self(void);

#endif
