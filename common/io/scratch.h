/* SPDX-License-Identifier: MIT
 *
 * An append-only log that stays in memory up to a limit and moves to an unnamed file beyond it.
 */
#ifndef IO_SCRATCH_H
#define IO_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct scratch {
  struct buffer memory; /* everything while fd is 0; then what has yet to be written */
  size_t limit;
  const char *folder;
  int fd;               /* 0: none yet */
  uint64_t written;     /* bytes in the file */
};

void scratch_init(struct scratch *s, size_t limit, const char *folder);
void scratch_release(struct scratch *s);

static inline uint64_t scratch_length(const struct scratch *s) { return s->written + s->memory.len; }
int scratch_append(struct scratch *s, const void *data, size_t n, struct err *e);
/* Makes n bytes at `offset`, which must have been appended, visible at *data: in the log itself or, read from the file,
 * in `room`.  Valid until the next append or the next use of `room`. */
int scratch_read(struct scratch *s, uint64_t offset, size_t n, struct buffer *room, const void **data, struct err *e);

#endif
