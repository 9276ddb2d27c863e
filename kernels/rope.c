/* SPDX-License-Identifier: MIT
 *
 * Rotary position embedding on the CPU; bound by memory bandwidth.
 */
#include "kernels/rope.h"

#include "kernels/cpu.h"

/* One row; ld leads to the next, for variants that look ahead. */
static void rotate_scalar(real *restrict x, int64_t ld, int64_t step, const real *restrict cosine, const real *restrict sine,
                          int64_t heads, int64_t D, real sign) {
  (void)ld;
  int64_t half = D / 2;
  for (int64_t h = 0; h < heads; h++, x += step)
    for (int64_t i = 0; i < half; i++) {
      real a = x[i], b = x[i + half], s = sign * sine[i];
      x[i] = a * cosine[i] - b * s;
      x[i + half] = b * cosine[i] + a * s;
    }
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/rope_vector.h"
#include "kernels/vector_each.h"
#endif

int rope_check(int64_t T, int64_t step, int64_t heads, int64_t D, struct kernel_error *e) {
  if (D % 2 != 0 || T < 1) return kernel_fail(e, "rope: head size %lld is odd or T is 0", (long long)D);
  if (heads > 1 && step < D) return kernel_fail(e, "rope: heads of %lld elements, %lld apart", (long long)D, (long long)step);
  return 0;
}

int rope(real *x, int64_t ld, int64_t step, const real *cosine, const real *sine, int64_t rows, int64_t T, const int64_t *past,
         int64_t heads, int64_t D, bool inverse, struct kernel_error *e) {
  if (rope_check(T, step, heads, D, e) != 0) return -1;
  void (*rotate)(real *restrict, int64_t, int64_t, const real *restrict, const real *restrict, int64_t, int64_t,
                 real) = CPU_PICK(rotate);
#pragma omp parallel for schedule(static) if (rows * heads * D >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) {
    int64_t at = ((past ? past[r / T] : 0) + r % T) * (D / 2);
    rotate(x + r * ld, ld, step, cosine + at, sine + at, heads, D, inverse ? -1 : 1);
  }
  return 0;
}
