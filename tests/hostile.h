/* SPDX-License-Identifier: MIT
 *
 * Pages that no person writes, for tests of parsers.
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <time.h>

#include "common/base/buffer.h"

/* Appends s so many times. */
static inline void repeat(struct buffer *b, const char *s, int times) {
  for (int i = 0; i < times; i++) buffer_append_string(b, s);
}

/* CPU time of the process, to tell in a note: a page that took quadratic time would take hours and meet the limit of tests/run. */
static inline double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif
