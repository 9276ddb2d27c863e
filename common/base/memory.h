/* SPDX-License-Identifier: MIT
 *
 * Memory that is there or the program ends: exhausted host memory aborts with file and line, so that callers carry
 * no error path that no test can reach.  Everything is freed with free().
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

void *memory_alloc(size_t n, const char *file, int line);            /* not cleared */
void *memory_calloc(size_t count, size_t size, const char *file, int line); /* cleared; refuses overflow */
void *memory_realloc(void *p, size_t count, size_t size, const char *file, int line);
char *memory_strdup(const char *s, const char *file, int line);
void *memory_copy(const void *p, size_t n, const char *file, int line); /* n bytes, then a NUL not counted in n */
void *memory_aligned(size_t alignment, size_t n, const char *file, int line); /* not cleared; free() */

#define NEW(type) ((type *)memory_calloc(1, sizeof(type), __FILE__, __LINE__))
#define NEW_ARRAY(type, n) ((type *)memory_calloc((n), sizeof(type), __FILE__, __LINE__))
#define RESIZE(p, n) memory_realloc((p), (n), sizeof *(p), __FILE__, __LINE__)
#define MALLOC(n) memory_alloc((n), __FILE__, __LINE__)
#define STRDUP(s) memory_strdup((s), __FILE__, __LINE__)
#define COPY(p, n) memory_copy((p), (n), __FILE__, __LINE__)
#define ALIGNED(alignment, n) memory_aligned((alignment), (n), __FILE__, __LINE__)

/* Grows `array` (capacity variable `capacity`) so that index `need - 1` exists. */
#define GROW(array, capacity, need)                                            \
  do {                                                                         \
    if ((size_t)(need) > (size_t)(capacity)) {                                 \
      size_t grow_to = (size_t)(capacity) < 16 ? 16 : (size_t)(capacity) * 2;  \
      if (grow_to < (size_t)(need)) grow_to = (size_t)(need);                  \
      (array) = RESIZE(array, grow_to);                                        \
      (capacity) = grow_to;                                                    \
    }                                                                          \
  } while (0)

#endif
