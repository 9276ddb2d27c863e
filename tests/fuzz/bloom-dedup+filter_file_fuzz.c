/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a filter file, as they are, and with magic, version and checksums put right so that what lies behind them is
 * reached: what loads can be looked up in, and its size is the file's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tools/bloom-dedup/filter_file.h"

enum { HEADER = 4096, BLOCKS_SUM = 88, SUM = 96 };

static void load(const char *bytes, size_t size) {
  struct err e;
  char path[64];
  int fd = memfd_create("fuzz", 0);
  if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  for (int map = 0; map < 2; map++) {
    struct filter f = {0};
    struct filter_kind kind = {0};
    if (filter_load(&f, &kind, path, 0, map, &e) != 0) {
      if (!strstr(e.message, path) || f.words) abort();
      continue;
    }
    struct hash128 hashes[3] = {{0, 0}, {UINT64_MAX, UINT64_MAX}, {1, 2}};
    unsigned char known[3];
    filter_find_all(&f, hashes, 3, known);
    if (filter_bytes(&f.plan) + HEADER != size || !memchr(kind.unit, 0, sizeof kind.unit)) abort();
    if (!map && filter_merge(&f, &kind, path, &e) != 0) abort();
    filter_release(&f);
  }
  close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  load((const char *)data, size);
  /* the input as bytes 16 to 87 of a header, and as blocks */
  enum { FIELDS = 72 };
  if (size < FIELDS) return 0;
  size_t length = HEADER + (size - FIELDS) / 64 * 64;
  char *file = calloc(length, 1);
  uint32_t version[2] = {1, HEADER};
  uint64_t sum;
  if (!file) abort();
  memcpy(file, "c2lbloom", 8);
  memcpy(file + 8, version, sizeof version);
  memcpy(file + 16, data, FIELDS);
  memcpy(file + HEADER, data + FIELDS, length - HEADER);
  if (data[0] & 1) { /* half of them say how long they are, and of a layout that is known */
    uint64_t blocks = (length - HEADER) / 64;
    uint32_t layout[2] = {data[1] % 5u, 8};
    double rate = .01;
    memcpy(file + 16, &blocks, sizeof blocks);
    memcpy(file + 24, layout, sizeof layout);
    memcpy(file + 40, &rate, sizeof rate);
  }
  sum = XXH3_64bits(file + HEADER, length - HEADER);
  memcpy(file + BLOCKS_SUM, &sum, sizeof sum);
  sum = XXH3_64bits(file, SUM);
  memcpy(file + SUM, &sum, sizeof sum);
  load(file, length);
  free(file);
  return 0;
}
