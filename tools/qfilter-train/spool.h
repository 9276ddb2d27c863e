/* SPDX-License-Identifier: MIT
 *
 * Bytes that are appended to an unnamed scratch file and, when all are there, mapped to be read in any order.
 */
#ifndef QFILTER_TRAIN_SPOOL_H
#define QFILTER_TRAIN_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct spool {
  int fd;                /* 0: none, as in a struct of zeros */
  struct buffer pending;
  uint64_t written;      /* pending included */
  const char *data;      /* after spool_map() */
};

int spool_open(struct spool *s, const char *folder, struct err *e);
int spool_append(struct spool *s, const void *data, size_t n, struct err *e);
/* Rounds what was written up to a multiple of eight bytes, so that records start where any type may. */
int spool_align(struct spool *s, struct err *e);
int spool_map(struct spool *s, struct err *e);
void spool_release(struct spool *s);

#endif
