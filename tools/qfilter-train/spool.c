/* SPDX-License-Identifier: MIT */
#include "tools/qfilter-train/spool.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/io/output.h"

enum { PENDING = 1 << 20 };

int spool_open(struct spool *s, const char *folder, struct err *e) {
  int fd = output_scratch(folder, e);
  *s = (struct spool){.fd = fd < 0 ? 0 : fd};
  return fd < 0 ? -1 : 0;
}

static int flush(struct spool *s, struct err *e) {
  for (size_t done = 0; done < s->pending.len;) {
    ssize_t n = write(s->fd, s->pending.data + done, s->pending.len - done);
    if (n < 0) return err_errno(e, "scratch file");
    done += (size_t)n;
  }
  buffer_clear(&s->pending);
  return 0;
}

int spool_append(struct spool *s, const void *data, size_t n, struct err *e) {
  buffer_append(&s->pending, data, n);
  s->written += n;
  return s->pending.len > PENDING ? flush(s, e) : 0;
}

int spool_align(struct spool *s, struct err *e) {
  static const char zeros[8];
  return spool_append(s, zeros, (size_t)(-s->written & 7), e);
}

int spool_map(struct spool *s, struct err *e) {
  if (flush(s, e) != 0) return -1;
  if (s->written == 0) return 0;
  void *data = mmap(NULL, s->written, PROT_READ, MAP_SHARED, s->fd, 0);
  if (data == MAP_FAILED) return err_errno(e, "scratch file");
  s->data = data;
  return 0;
}

void spool_release(struct spool *s) {
  if (s->data) munmap((void *)s->data, s->written);
  if (s->fd) close(s->fd);
  buffer_release(&s->pending);
  *s = (struct spool){0};
}
