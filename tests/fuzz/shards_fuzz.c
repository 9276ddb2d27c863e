/* SPDX-License-Identifier: MIT
 *
 * Token shards, as they are and behind a good header; as a stream and at random.  Both readers see the same tokens.
 */
#include "common/io/shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_shard(const char *path) {
  struct shard_reader *r;
  struct shard_file *f;
  struct err e;
  uint32_t ids[257], same[257];
  bool random = shard_file_open(&f, path, &e) == 0, stream = shard_reader_open(&r, path, &e) == 0;
  if (random && !stream) abort(); /* the other way: a length that only the file's size shows to be wrong */
  int64_t at = 0, n = 0;
  while (stream && (n = shard_reader_read(r, ids, 257, &e)) > 0) {
    if (random) {
      int status = shard_file_read(f, at, (size_t)n, same, &e);
      if (status || memcmp(ids, same, (size_t)n * 4) != 0) abort();
    }
    at += n;
  }
  if (random && n == 0 && at != shard_file_header(f)->count) abort();
  if (stream) shard_reader_close(r);
  if (random) shard_file_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  read_shard(path);
  for (int width = 2; width <= 4; width += 2) {
    uint32_t header[256] = {width == 2 ? 20240520 : 20240801, width == 2 ? 1 : 7, 0, 0x6332, 0, 0, 50257, 50256};
    if (size) header[data[0] % 12] ^= data[size / 2];
    if (ftruncate(fd, 0) || pwrite(fd, header, 1024, 0) != 1024 || pwrite(fd, data, size, 1024) != (ssize_t)size) abort();
    read_shard(path);
  }
  return 0;
}
