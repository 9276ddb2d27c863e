/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an index: every line is given once, and ranges can be added up.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/warc2txt/archive/cdx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int fd = memfd_create("fuzz", 0);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct cdx *c;
  struct err e;
  if (cdx_open(&c, path, &e) == 0) {
    struct cdx_range range;
    uint64_t line = 0;
    for (int got; (got = cdx_next(c, &range, &e)) > 0;) {
      if (range.line <= line) abort();
      line = range.line;
      if (got == CDX_BAD) continue;
      if (range.offset > INT64_MAX || range.length > INT64_MAX - range.offset || range.records == 0 || strlen(range.filename.data) != range.filename.len) abort();
      line += range.records - 1;
    }
    cdx_close(c);
  }
  close(fd);
  return 0;
}
