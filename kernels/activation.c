/* SPDX-License-Identifier: MIT
 *
 * Activations on the CPU: rows in parallel.
 */
#include "kernels/activation.h"

#include <tgmath.h>

#include "kernels/cpu.h"

/* One row; ld leads to the next, for variants that look ahead. */
static void forward_scalar(real *y, const real *gate, const real *up, int64_t ld, int64_t F) {
  (void)ld;
  for (int64_t i = 0; i < F; i++) y[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
}

static void backward_scalar(real *d_gate, real *d_up, const real *dy, const real *gate, const real *up, int64_t ld,
                            int64_t F) {
  (void)ld;
  for (int64_t i = 0; i < F; i++) {
    real g = gate[i], u = up[i], s = 1 / (1 + exp(-g));
    d_up[i] = dy[i] * g * s;
    d_gate[i] = dy[i] * u * s * (1 + g * (1 - s));
  }
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/activation_vector.h"
#include "kernels/vector_each.h"
#endif

int swiglu_forward(real *y, const real *gate, const real *up, int64_t ld, int64_t rows, int64_t F, struct kernel_error *e) {
  (void)e;
  void (*forward)(real *, const real *, const real *, int64_t, int64_t) = CPU_PICK(forward);
#pragma omp parallel for schedule(static) if (rows * F >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) forward(y + r * F, gate + r * ld, up + r * ld, ld, F);
  return 0;
}

int swiglu_backward(real *d_gate, real *d_up, const real *dy, const real *gate, const real *up, int64_t ld, int64_t rows,
                    int64_t F, struct kernel_error *e) {
  (void)e;
  void (*backward)(real *, real *, const real *, const real *, const real *, int64_t, int64_t) = CPU_PICK(backward);
#pragma omp parallel for schedule(static) if (rows * F >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++)
    backward(d_gate + r * ld, d_up + r * ld, dy + r * F, gate + r * ld, up + r * ld, ld, F);
  return 0;
}
