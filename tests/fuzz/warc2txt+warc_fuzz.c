/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an archive: every record is visited, its body read, and reading ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/warc2txt/archive/warc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int fd = memfd_create("fuzz", 0);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct input *in;
  struct err e;
  struct input_options options = {.members = true};
  if (input_open(&in, path, &options, &e) == 0) {
    struct warc_reader *r = warc_reader_new(in);
    struct warc_record record;
    size_t records = 0;
    int got;
    while ((got = warc_next(r, &record, &e)) > 0) {
      if (++records > size + 16) abort(); /* no record is empty, so there is an end */
      if (got == WARC_BAD || records % 3 == 0 || record.length > 1 << 20) continue;
      struct slice body;
      if (warc_body(r, &body, &e) == WARC_RECORD) {
        volatile char last = body.len ? body.data[body.len - 1] : 0;
        (void)last;
        if (body.len != record.length) abort();
        int64_t offset, length;
        warc_extent(r, &offset, &length); /* within the file, or not known */
        if (offset > (int64_t)size || (length >= 0 && offset + length > (int64_t)size)) abort();
      }
    }
    warc_reader_free(r);
    input_close(in);
  }
  close(fd);
  return 0;
}
