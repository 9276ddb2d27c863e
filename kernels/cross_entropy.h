/* SPDX-License-Identifier: MIT
 *
 * Softmax cross-entropy:  losses[r] = log(sum exp(logits[r])) - logits[r][target].
 *
 * logits: [rows][ld] of which V are used, the rest is neither read nor written; targets: [rows], each below V; a negative
 * one is left out: loss 0, gradient 0.  With with_gradient, logits[r][v] becomes gradient_scale * (p[v] - (v == target)),
 * p = softmax(logits[r]): the gradient of losses[r].  z adds z-loss (PaLM, arXiv:2204.02311), which keeps the softmax's sum
 * Z = sum exp(logits[r]) near 1: the gradient is that of losses[r] + z * log(Z)^2, gradient_scale * (p[v] (1 + 2 z log Z) -
 * (v == target)); losses[r] stay the cross-entropy alone.  The largest logit is subtracted first, so no finite input overflows; -inf logits have p = 0;
 * NaN, +inf, or nothing but -inf gives NaN in that row.  Sums: double in scalar code, float lanes in vector code.
 */
#ifndef KERNELS_CROSS_ENTROPY_H
#define KERNELS_CROSS_ENTROPY_H

#include "kernels/backend.h"

int cross_entropy(real *losses, real *logits, int64_t ld, const int32_t *targets, int64_t rows, int64_t V,
                  real gradient_scale, real z, bool with_gradient, struct kernel_error *e);

#endif
