/* SPDX-License-Identifier: MIT
 *
 * The log: one move from memory to file, then writes of a megabyte.
 */
#include "common/io/scratch.h"

#include <errno.h>
#include <unistd.h>

#include "common/io/output.h"

enum { WRITE_SIZE = 1 << 20 };

void scratch_init(struct scratch *s, size_t limit, const char *folder) { *s = (struct scratch){.limit = limit, .folder = folder}; }

void scratch_release(struct scratch *s) {
  buffer_release(&s->memory);
  if (s->fd > 0) close(s->fd);
  s->fd = 0;
}

static int write_out(struct scratch *s, const char *data, size_t n, struct err *e) {
  while (n) {
    ssize_t done = pwrite(s->fd, data, n, (off_t)s->written);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return err_errno(e, "cannot write a scratch file; -T names a folder with more room");
    data += done;
    n -= (size_t)done;
    s->written += (uint64_t)done;
  }
  return 0;
}

static int flush(struct scratch *s, struct err *e) {
  if (write_out(s, s->memory.data, s->memory.len, e) != 0) return -1;
  buffer_clear(&s->memory);
  return 0;
}

int scratch_append(struct scratch *s, const void *data, size_t n, struct err *e) {
  if (s->fd == 0 && s->memory.len + n > s->limit) {
    int fd = output_scratch(s->folder, e);
    if (fd < 0) return -1;
    s->fd = fd;
    if (flush(s, e) != 0) return -1;
    buffer_release(&s->memory);
  }
  if (s->fd > 0 && s->memory.len + n > WRITE_SIZE) {
    if (flush(s, e) != 0) return -1;
    if (n >= WRITE_SIZE) return write_out(s, data, n, e);
  }
  buffer_append(&s->memory, data, n);
  return 0;
}

int scratch_read(struct scratch *s, uint64_t offset, size_t n, struct buffer *room, const void **data, struct err *e) {
  if (s->fd == 0) {
    *data = s->memory.data + offset;
    return 0;
  }
  if (offset + n > s->written && flush(s, e) != 0) return -1;
  buffer_clear(room);
  buffer_reserve(room, n);
  while (room->len < n) {
    ssize_t got = pread(s->fd, room->data + room->len, n - room->len, (off_t)(offset + room->len));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "cannot read a scratch file");
    if (got == 0) return err_set(e, "a scratch file is shorter than what was written to it");
    room->len += (size_t)got;
  }
  *data = room->data;
  return 0;
}
