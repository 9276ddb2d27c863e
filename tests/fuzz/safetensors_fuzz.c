/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a safetensors file: what opens can be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err e;
  char path[64];
  struct safetensors *s;
  int fd = memfd_create("fuzz", 0);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (safetensors_open(&s, path, &e) == 0) {
    for (int i = 0; i < safetensors_count(s); i++) {
      const struct tensor_info *t = safetensors_at(s, i);
      int64_t n = t->count < 64 ? t->count : 64;
      float values[64];
      double doubles[64];
      if (safetensors_find(s, t->name) != t) abort();
      if (safetensors_read_f32(s, t, t->count - n, n, values, &e) < 0 || safetensors_read_f64(s, t, 0, n, doubles, &e) < 0) abort();
    }
    safetensors_close(s);
  }
  close(fd);
  return 0;
}
