/* SPDX-License-Identifier: MIT */
#include "common/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p, size_t n, const char *file, int line) {
  if (p) return p;
  fprintf(stderr, "%s:%d: out of memory (%zu bytes asked for)\n", file, line, n);
  abort();
}

void *memory_alloc(size_t n, const char *file, int line) { return check(malloc(n ? n : 1), n, file, line); }

void *memory_calloc(size_t count, size_t size, const char *file, int line) {
  return check(calloc(count ? count : 1, size ? size : 1), count * size, file, line);
}

void *memory_realloc(void *p, size_t count, size_t size, const char *file, int line) {
  if (size && count > SIZE_MAX / size) check(NULL, SIZE_MAX, file, line);
  size_t n = count * size;
  return check(realloc(p, n ? n : 1), n, file, line);
}

char *memory_strdup(const char *s, const char *file, int line) { return memory_copy(s, strlen(s), file, line); }

void *memory_copy(const void *p, size_t n, const char *file, int line) {
  char *copy = memory_alloc(n + 1, file, line);
  if (n) memcpy(copy, p, n);
  copy[n] = 0;
  return copy;
}

void *memory_aligned(size_t alignment, size_t n, const char *file, int line) {
  void *p = NULL;
  if (posix_memalign(&p, alignment, n ? n : 1)) p = NULL;
  return check(p, n, file, line);
}
