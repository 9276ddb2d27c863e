/* SPDX-License-Identifier: MIT
 *
 * Softmax cross-entropy on the CPU: rows in parallel, a row stays in cache between its passes.
 */
#include "kernels/cross_entropy.h"

#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"

/* One row; ld leads to the next, for variants that look ahead.  Returns the loss. */
static real row_scalar(real *logits, int64_t ld, int32_t target, int64_t V, real gradient_scale, real z, bool with_gradient) {
  (void)ld;
  real most = logits[0];
  for (int64_t v = 1; v < V; v++) most = logits[v] > most ? logits[v] : most;
  double sum = 0;
  for (int64_t v = 0; v < V; v++) sum += exp(logits[v] - most);
  real log_sum = (real)log(sum), loss = log_sum + (most - logits[target]);
  if (with_gradient) {
    real factor = gradient_scale * (1 + 2 * z * (log_sum + most)) / (real)sum;
    for (int64_t v = 0; v < V; v++) logits[v] = exp(logits[v] - most) * factor;
    logits[target] -= gradient_scale;
  }
  return loss;
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/cross_entropy_vector.h"
#include "kernels/vector_each.h"
#endif

int cross_entropy(real *losses, real *logits, int64_t ld, const int32_t *targets, int64_t rows, int64_t V,
                  real gradient_scale, real z, bool with_gradient, struct kernel_error *e) {
  for (int64_t r = 0; r < rows; r++)
    if (targets[r] >= V)
      return kernel_fail(e, "cross-entropy: target %d at row %lld is outside the vocabulary of %lld", targets[r],
                         (long long)r, (long long)V);
  real (*row)(real *, int64_t, int32_t, int64_t, real, real, bool) = CPU_PICK(row);
#pragma omp parallel for schedule(static) if (rows * V >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) {
    if (targets[r] >= 0) {
      losses[r] = row(logits + r * ld, ld, targets[r], V, gradient_scale, z, with_gradient);
    } else {
      losses[r] = 0;
      if (with_gradient) memset(logits + r * ld, 0, (size_t)V * sizeof *logits);
    }
  }
  return 0;
}
