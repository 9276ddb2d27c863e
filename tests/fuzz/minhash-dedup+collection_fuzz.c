/* SPDX-License-Identifier: MIT
 *
 * Cluster lists and tables of inputs: the bytes as they are, then as a text with a right last line and checksum; rows of every
 * shard are read.  What was read and is written again reads the same.
 */
#include "tools/minhash-dedup/steps/collection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "tools/minhash-dedup/steps/removed_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *put(const void *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  return path;
}

static void read_list(const char *path) {
  struct collection c = {0}, again = {0};
  struct err e;
  uint64_t rows, same_rows;
  if (collection_read(&c, path, &rows, &e) != 0) {
    collection_release(&c);
    return;
  }
  for (size_t i = 0; i < c.count; i++) {
    uint32_t *lines;
    size_t n;
    if (collection_shard(&c, slice_of(c.shards[i].name)) != &c.shards[i]) abort();
    if (c.shards[i].lines && collection_shard_of(&c, c.shards[i].first) != &c.shards[i]) abort();
    if (removed_lines_read(&c, path, rows, &c.shards[i], &lines, &n, &e) == 0) {
      if (n != c.shards[i].rows || (n && lines[n - 1] >= c.shards[i].lines)) abort();
      free(lines);
    }
  }
  struct buffer text = {0};
  buffer_append_string(&text, collection_columns);
  uint64_t start = text.len;
  collection_text(&c, start, &text);
  if (collection_read(&again, put(text.data, text.len), &same_rows, &e) != 0 || same_rows != start || again.count != c.count ||
      collection_identity(&again) != collection_identity(&c))
    abort();
  buffer_release(&text);
  collection_release(&c);
  collection_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_list(put(data, size));
  /* what stands before the first #parameters is rows */
  struct buffer b = {0};
  struct slice all = {(const char *)data, size};
  const char *parameters = slice_find(all, SLICE("#parameters"));
  const char *end = slice_find(all, SLICE("#end"));
  size_t rows = parameters ? (size_t)(parameters - all.data) : 0, stop = end && end >= all.data + rows ? (size_t)(end - all.data) : size;
  if (rows < strlen(collection_columns)) {
    buffer_append_string(&b, collection_columns);
    rows = 0;
  } else {
    buffer_append(&b, data, rows);
  }
  uint64_t offset = b.len;
  buffer_append(&b, data + rows, stop - rows);
  buffer_printf(&b, "#end\t%016" PRIx64 "\t", offset);
  buffer_printf(&b, "%016" PRIx64 "\n", (uint64_t)XXH3_64bits(b.data + offset, b.len - offset));
  read_list(put(b.data, b.len));
  buffer_release(&b);
  return 0;
}
