/* SPDX-License-Identifier: MIT
 *
 * Inputs of any bytes, as they are and behind the magic of gzip and zstd; as a stream, member by member with resync
 * after damage, and as documents.  All of it ends, and never gives more than 64 MiB from 64 KiB without being asked.
 */
#include "common/io/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "common/io/documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 64 << 20 };

static void read_stream(const char *path) {
  struct input *in;
  struct err e;
  const char *data;
  size_t n, total = 0;
  if (input_open(&in, path, NULL, &e)) return;
  while (total < MOST && input_peek(in, 1 + total % 5000, &data, &n, &e) == 0 && n) {
    size_t take = 1 + n / 2;
    volatile char sum = 0;
    for (size_t i = 0; i < n; i += 100) sum = (char)(sum + data[i]);
    input_consume(in, take), total += take;
  }
  input_close(in);
}

static void read_members(const char *path, size_t size) {
  struct input *in;
  struct err e;
  const char *data;
  size_t n, total = 0, turns = 0;
  if (input_open(&in, path, &(struct input_options){.members = true}, &e)) return;
  int more = input_next_member(in, &e);
  while (more && total < MOST) {
    if (turns++ > 2 * size + 10) abort(); /* each turn must get ahead */
    while (more > 0 && total < MOST) {
      if (input_peek(in, 4096, &data, &n, &e)) more = -1;
      else if (!n) break;
      else input_consume(in, n), total += n;
    }
    more = more < 0 ? input_resync(in, &e) : input_next_member(in, &e);
    if (more < 0) more = input_resync(in, &e);
    if (more < 0) break;
  }
  input_close(in);
}

static void read_documents(const char *path) {
  char *operands[] = {(char *)path};
  struct document_reader *r = document_reader_new(operands, 1, &(struct document_reader_options){.batch_bytes = 100});
  struct document_batch batch = {0};
  struct err e;
  uint64_t lines = 0;
  while (lines < 100000 && document_reader_next(r, &batch, &e) == 1) lines += batch.lines;
  document_batch_release(&batch);
  document_reader_free(r);
}

static void read_all(const void *head, size_t head_size, const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate(fd, 0) || pwrite(fd, head, head_size, 0) != (ssize_t)head_size || pwrite(fd, data, size, (off_t)head_size) != (ssize_t)size) abort();
  read_stream(path);
  read_members(path, head_size + size);
  read_documents(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_all("", 0, data, size);
  read_all("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10, data, size); /* a gzip header, then deflate data */
  read_all("\x28\xB5\x2F\xFD", 4, data, size);
  if (size && size < 4096) { /* whole members of these bytes, damaged at a place that they choose */
    unsigned char file[3 * 8192];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
      z_stream z = {0};
      deflateInit2(&z, 1 + data[0] % 9, Z_DEFLATED, 31, 8, data[0] % 3);
      z.next_in = (void *)data, z.avail_in = (uInt)size, z.next_out = file + n, z.avail_out = 8192;
      if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
      n += z.total_out;
      deflateEnd(&z);
    }
    file[(data[size - 1] * 256u + data[size / 2]) % n] ^= data[0];
    read_all("", 0, file, n);
  }
  return 0;
}
