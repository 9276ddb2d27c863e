/* SPDX-License-Identifier: MIT
 *
 * What the tests of kernels share: numbers, the error measure, the loop over CPU variants, guarded arrays, timing.
 *
 * A test computes each case a second time, in double and in the plainest order, and bounds
 *   nmse = sum (got - want)^2 / sum want^2                      (ggml's test-backend-ops uses the same measure)
 * With the argument --time a test prints speeds instead; --cpu-time: those of one thread by its CPU time, for a machine that
 * others use.
 */
#ifndef KERNEL_TEST_H
#define KERNEL_TEST_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/backend.h"
#include "kernels/cpu.h"
#include "tests/tap.h"

#define FOR_EACH_VARIANT(v)                                                                                            \
  for (int v = CPU_SCALAR; v <= CPU_AVX512; v++)                                                                       \
    if (cpu_variant_force((enum cpu_variant)v) == (enum cpu_variant)v)

static inline double number(uint64_t *state) { /* uniform in [-1, 1) */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)*state / 9223372036854775808.0;
}

/* n numbers with 64 guard elements on both sides; guards_intact() sees whether something wrote there. */
enum { GUARD = 64 };
static inline real *array(int64_t n, uint64_t seed, double size) {
  real *p = aligned_alloc(64, ((size_t)(n + 2 * GUARD) * sizeof *p + 63) / 64 * 64);
  if (!p) abort();
  for (int64_t i = 0; i < n + 2 * GUARD; i++) p[i] = 12345;
  for (int64_t i = 0; i < n; i++) p[GUARD + i] = (real)(size * number(&seed));
  return p + GUARD;
}
static inline bool guards_intact(const real *p, int64_t n) {
  for (int i = 0; i < GUARD; i++)
    if (p[-1 - i] != 12345 || p[n + i] != 12345) return false;
  return true;
}
static inline void array_free(real *p) { free(p - GUARD); }

static inline real *array_copy(const real *p, int64_t n) {
  real *q = array(n, 1, 0);
  memcpy(q, p, (size_t)n * sizeof *q);
  return q;
}

static inline double *zeros(int64_t n) {
  double *p = calloc((size_t)(n > 0 ? n : 1), sizeof *p);
  if (!p) abort();
  return p;
}

static inline double nmse(const real *got, const double *want, int64_t n) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < n; i++) {
    double d = (double)got[i] - want[i];
    error += d * d;
    size += want[i] * want[i];
  }
  return size > 0 ? error / size : error;
}

static inline bool close_to(const real *got, const double *want, int64_t n, double bound, const char *what) {
  double e = nmse(got, want, n);
  if (!(e <= bound)) note("%s: nmse %.3g, bound %.3g", what, e, bound);
  return e <= bound;
}

static clockid_t time_source = CLOCK_MONOTONIC;
static inline double seconds(void) {
  struct timespec t;
  clock_gettime(time_source, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The fastest run of `statement`, of at least 5 and half a second, at most 100: what is left when others use the machine. */
#define TIME(result, statement)                                                                                        \
  do {                                                                                                                 \
    double times_[100], total_ = 0;                                                                                    \
    int runs_ = 0;                                                                                                     \
    statement;                                                                                                         \
    while (runs_ < 100 && (runs_ < 5 || total_ < 0.5)) {                                                               \
      double start_ = seconds();                                                                                       \
      statement;                                                                                                       \
      total_ += times_[runs_++] = seconds() - start_;                                                                  \
    }                                                                                                                  \
    qsort(times_, (size_t)runs_, sizeof times_[0], compare_doubles);                                                   \
    (result) = times_[0];                                                                                              \
  } while (0)

static inline bool wants_times(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--cpu-time") == 0) {
    backend_cpu()->set_threads(1);
    time_source = CLOCK_PROCESS_CPUTIME_ID;
    return true;
  }
  return argc > 1 && strcmp(argv[1], "--time") == 0;
}

#endif
