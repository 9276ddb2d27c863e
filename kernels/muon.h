/* SPDX-License-Identifier: MIT
 *
 * Muon (K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/), in the order of torch.optim.Muon.  For a matrix
 * parameter p, [rows][columns] with rows = outputs, and g = gradient * gradient_scale:
 *   momentum = lerp(momentum, g, 1 - mu)                        kept: [rows][columns], zero at first
 *   u = nesterov ? lerp(g, momentum, mu) : momentum
 *   x = u / max(|u|, 1e-7), then `steps` times, for the smaller Gram matrix A = x x^T (or x^T x):
 *     x = a x + (b A + c A A) x,  a, b, c = 3.4445, -4.7750, 2.0315
 *   p = (1 - lr weight_decay) p - lr adjust x
 * All arrays contiguous, not overlapping.
 *
 * MATMUL_FP32: all of it in `real`.  MATMUL_BF16: u, |u|, x, A and b A + c A A are rounded to bfloat16 where PyTorch's
 * tensors are; sums stay float.  In a double build both are exact.
 *
 * The usual factors by shape: MUON_ORIGINAL sqrt(max(1, rows / columns)); MUON_MATCH_ADAMW 0.2 sqrt(max(rows, columns)),
 * which gives the update the size of AdamW's, so that AdamW's lr serves (arXiv 2502.16982).
 */
#ifndef KERNELS_MUON_H
#define KERNELS_MUON_H

#include "kernels/backend.h"

enum muon_adjust { MUON_ORIGINAL, MUON_MATCH_ADAMW };
double muon_adjust(enum muon_adjust rule, int64_t rows, int64_t columns);

int muon(real *parameter, const real *gradient, real *momentum, int64_t rows, int64_t columns, const struct muon_settings *s, struct kernel_error *e);

#endif
