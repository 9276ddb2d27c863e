/* SPDX-License-Identifier: MIT
 *
 * A file's bytes as they are (no decompression), for tests; empty when it cannot be opened.
 */
#ifndef TESTS_READ_FILE_H
#define TESTS_READ_FILE_H

#include <stdio.h>

#include "common/base/buffer.h"

static inline struct buffer read_file(const char *path) {
  struct buffer b = {0};
  FILE *f = path ? fopen(path, "rb") : NULL;
  char part[65536];
  for (size_t n; f && (n = fread(part, 1, sizeof part, f)) > 0;) buffer_append(&b, part, n);
  if (f) fclose(f);
  buffer_string(&b);
  return b;
}

#endif
