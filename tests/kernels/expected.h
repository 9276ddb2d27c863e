/* SPDX-License-Identifier: MIT
 *
 * Tensors that others computed, for tests of kernels; and how far ours are from them.
 */
#ifndef KERNELS_EXPECTED_H
#define KERNELS_EXPECTED_H

#include "common/io/safetensors.h"
#include "tests/kernels/kernel_test.h"

/* The tensor NAME or, when `prefix` is given, PREFIX.NAME; ends the test where it is not of `count` elements.  The caller frees. */
static inline float *expected(const struct safetensors *s, const char *prefix, const char *name, int64_t count) {
  char full[200];
  struct err error;
  snprintf(full, sizeof full, "%s%s%s", prefix ? prefix : "", prefix ? "." : "", name);
  const struct tensor_info *t = safetensors_find(s, full);
  float *values = malloc((size_t)count * sizeof *values);
  if (!t || t->count != count || !values || safetensors_read_f32(s, t, 0, count, values, &error) < 0) {
    ok(false, "the expected tensor %s of %lld elements is there", full, (long long)count);
    exit(tap_done());
  }
  return values;
}

/* |got - want| / |want| */
static inline double relative_error(const real *got, const float *want, int64_t n) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < n; i++) {
    double d = (double)got[i] - want[i];
    error += d * d, size += (double)want[i] * want[i];
  }
  return sqrt(error / size);
}

static inline double largest_error(const real *got, const float *want, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)got[i] - want[i]));
  return most;
}

static const struct {
  const char *name;
  int64_t rows, columns;
} expected_shapes[] = {{"tall", 24, 16}, {"wide", 16, 24}, {"square", 20, 20}};

enum { EXPECTED_STEPS = 5 };
#define EXPECTED_FILE "tests/data/model/optimizers.safetensors" /* tests/oracle/optimizers.py */

#endif
