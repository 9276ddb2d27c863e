/* SPDX-License-Identifier: MIT
 *
 * An op of a device's backend against the same op of the CPU's, on the same numbers.  Each test is linked twice: with the
 * emulator (`make check`) and for the GPU (`make gpu-check`).
 *
 * A test puts its inputs into arrays, calls the op of the device and then the op of the CPU with the same code (a function of
 * the backend and of where pointers point), and compares.  Inputs are rounded to what the device stores first, so that the
 * difference is that of the op alone.
 *   nmse = sum (got - want)^2 / sum want^2     bfloat16 results: 1e-5 is rounding alone (2^-9 each)
 * The emulator's order of execution is shuffled by CUDA_CPU_SEED; tests/run runs every test with several, and once as a
 * sanitized build, for which device_small() asks for one shape of each kernel.
 */
#ifndef DEVICE_TEST_H
#define DEVICE_TEST_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/backend.h"
#include "tests/tap.h"

enum { DEVICE_GUARD = 64 }; /* elements before and behind an array that must stay as they are */

struct device_array {
  int64_t n;
  bool is_stored;    /* stored elements, else real */
  real *host;        /* [n]: what the CPU's op works on */
  stored *device;    /* [n], behind a guard */
};

static const struct backend *device; /* the one under test */
static struct kernel_error device_error;

static inline bool device_small(void) { return getenv("DEVICE_TEST_SMALL") != NULL; } /* leave out what only more of the same proves */

static inline int64_t device_bytes(const struct device_array *a, int64_t n) { return n * (int64_t)(a->is_stored ? device->stored_size : sizeof(real)); }

static inline int device_put(const struct device_array *a, stored *to, const real *from, int64_t n) {
  return a->is_stored ? device->upload(to, from, n, &device_error) : device->to_device(to, from, (size_t)n * sizeof(real), &device_error);
}
static inline int device_get(const struct device_array *a, real *to, const stored *from, int64_t n) {
  return a->is_stored ? device->download(to, from, n, &device_error) : device->to_host(to, from, (size_t)n * sizeof(real), &device_error);
}

static inline void device_must(int result) {
  if (result == 0) return;
  note("%s", device_error.message);
  abort();
}

static inline double device_number(uint64_t *state) { /* uniform in [-1, 1) */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)*state / 9223372036854775808.0;
}

/* n elements of size * [-1, 1) on both sides, equal, between guards of 123 on the device. */
static inline struct device_array device_array(int64_t n, bool is_stored, uint64_t seed, double size) {
  struct device_array a = {.n = n, .is_stored = is_stored, .host = (real *)malloc((size_t)(n + 2 * DEVICE_GUARD) * sizeof(real))};
  int64_t all = n + 2 * DEVICE_GUARD;
  for (int64_t i = 0; i < all; i++) a.host[i] = 123;
  for (int64_t i = 0; i < n; i++) a.host[DEVICE_GUARD + i] = (real)(size * device_number(&seed));
  stored *start = (stored *)device->alloc((size_t)device_bytes(&a, all), &device_error);
  device_must(start ? 0 : -1);
  device_must(device_put(&a, start, a.host, all));
  device_must(device_get(&a, a.host, start, all)); /* rounded */
  memmove(a.host, a.host + DEVICE_GUARD, (size_t)n * sizeof(real));
  a.device = (stored *)((char *)start + device_bytes(&a, DEVICE_GUARD));
  return a;
}

static inline void device_array_free(struct device_array *a) {
  device->release((char *)a->device - device_bytes(a, DEVICE_GUARD));
  free(a->host);
}

/* The device's elements against those of the host, and its guards against 123. */
static inline bool device_close(const struct device_array *a, double bound, const char *what) {
  int64_t all = a->n + 2 * DEVICE_GUARD;
  real *got = (real *)malloc((size_t)all * sizeof(real));
  device_must(device_get(a, got, (stored *)((char *)a->device - device_bytes(a, DEVICE_GUARD)), all));
  double error = 0, size = 0;
  bool good = true;
  for (int64_t i = 0; i < a->n; i++) {
    double want = (double)a->host[i], d = (double)got[DEVICE_GUARD + i] - want;
    if (isnan(want) && isnan(got[DEVICE_GUARD + i])) continue;
    if (isinf(want) && want == (double)got[DEVICE_GUARD + i]) continue;
    error += d * d, size += want * want;
  }
  double e = size > 0 ? error / size : error;
  if (!(e <= bound)) note("%s: nmse %.3g, bound %.3g", what, e, bound), good = false;
  for (int64_t i = 0; i < DEVICE_GUARD; i++)
    if (got[i] != 123 || got[all - 1 - i] != 123) good = false, note("%s: written outside, element %lld", what, (long long)(got[i] != 123 ? i - DEVICE_GUARD : a->n + DEVICE_GUARD - 1 - i)), i = DEVICE_GUARD;
  free(got);
  return good;
}

/* Two arrays of the device, bit for bit. */
static inline bool device_same(const struct device_array *a, const struct device_array *b, const char *what) {
  size_t bytes = (size_t)device_bytes(a, a->n);
  char *p = (char *)malloc(2 * bytes);
  device_must(device->to_host(p, a->device, bytes, &device_error));
  device_must(device->to_host(p + bytes, b->device, bytes, &device_error));
  bool same = memcmp(p, p + bytes, bytes) == 0;
  if (!same) note("%s: other bits", what);
  free(p);
  return same;
}

/* Integers (ids, routes), the same on both sides. */
static inline int32_t *device_integers(const int32_t *host, int64_t n) {
  int32_t *p = (int32_t *)device->alloc((size_t)n * sizeof *p, &device_error);
  device_must(p ? 0 : -1);
  device_must(device->to_device(p, host, (size_t)n * sizeof *p, &device_error));
  return p;
}

/* Runs test() for both kinds of stored elements; bounds: nmse for results that are stored, and for those that are real. */
static inline int device_test_run(void (*test)(double stored_bound, double real_bound)) {
  static const enum matmul_type types[] = {MATMUL_FP32, MATMUL_BF16};
  for (int i = 0; i < 2; i++) {
    device = backend_cuda(types[i], &device_error);
    if (!ok(device != NULL, "%s: a backend", i ? "bf16" : "fp32")) {
      note("%s", device_error.message);
      continue;
    }
    test(i ? 1e-5 : 1e-10, i ? 1e-5 : 1e-10);
  }
  return tap_done();
}

#endif
