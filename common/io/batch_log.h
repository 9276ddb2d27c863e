/* SPDX-License-Identifier: MIT
 *
 * Batches of a stream that cannot be read again (a pipe, a URL), kept in a scratch log for a later pass.
 */
#ifndef IO_BATCH_LOG_H
#define IO_BATCH_LOG_H

#include "common/io/documents.h"
#include "common/io/scratch.h"

struct batch_log {
  struct scratch scratch;
  uint64_t at; /* of the next batch to be read; 0: from the start */
  struct buffer room;
};

/* Some operand is no regular file, so what is read of it has to be kept.  None is stdin. */
bool batch_log_needed(char *const *operands, int count);

void batch_log_init(struct batch_log *l, size_t memory, const char *folder); /* as scratch_init() */
void batch_log_release(struct batch_log *l);
/* Names of inputs are kept as pointers: they belong to the batch's reader. */
int batch_log_append(struct batch_log *l, const struct document_batch *b, struct err *e);
int batch_log_next(struct batch_log *l, struct document_batch *b, struct err *e); /* 1, 0 at the end, -1 */

#endif
