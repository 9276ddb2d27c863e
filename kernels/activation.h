/* SPDX-License-Identifier: MIT
 *
 * SwiGLU (Shazeer 2020, arXiv:2002.05202):  y = silu(gate) * up,  silu(g) = g * s,  s = 1 / (1 + exp(-g)).
 *   d_up   = dy * silu(gate)
 *   d_gate = dy * up * s * (1 + gate * (1 - s))
 * gate, up, d_gate, d_up: [rows][ld] of which F are used (two halves of one matrix, or two matrices); y, dy: [rows][F].
 * Gradients are overwritten; d_gate may be gate and d_up may be up.
 */
#ifndef KERNELS_ACTIVATION_H
#define KERNELS_ACTIVATION_H

#include "kernels/backend.h"

int swiglu_forward(real *y, const real *gate, const real *up, int64_t ld, int64_t rows, int64_t F, struct kernel_error *e);
int swiglu_backward(real *d_gate, real *d_up, const real *dy, const real *gate, const real *up, int64_t ld, int64_t rows,
                    int64_t F, struct kernel_error *e);

#endif
