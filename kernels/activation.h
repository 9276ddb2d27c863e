/* SPDX-License-Identifier: MIT
 *
 * Activations f, plain or gated:   y = f(gate)   or   y = f(gate) * up   (Shazeer 2020, arXiv:2002.05202).
 *   silu       g * s(g),  s(g) = 1 / (1 + exp(-g))                     gated: SwiGLU.  arXiv:1702.03118
 *   relu       max(g, 0)                                                gated: ReGLU
 *   gelu       g * P(g),  P(g) = erfc(-g / sqrt 2) / 2                  gated: GEGLU.  arXiv:1606.08415
 *   gelu_tanh  g * s(2 u),  u = sqrt(2 / pi) (g + 0.044715 g^3); this is g/2 (1 + tanh u).  The same paper; GPT-2
 *   relu2      max(g, 0)^2                                              arXiv:2109.08668
 * Slopes:  silu s + g s (1 - s);  gelu P + g exp(-g^2 / 2) / sqrt(2 pi);  gelu_tanh s + g s (1 - s) 2 u';  relu 1 where
 * g > 0, else 0;  relu2 2 max(g, 0).   d_gate = dy * up * f'(gate),  d_up = dy * f(gate).
 *
 * gate, up, d_gate, d_up: [rows][ld] of which F are used (two halves of one matrix, or two matrices); y, dy: [rows][F].
 * up NULL: not gated, d_up is not looked at.  Gradients are overwritten; d_gate may be gate and d_up may be up; y may be
 * gate where ld is F.  NaN stays in its element, except that a slope of relu at NaN is 0.  Vector values of silu and gelu
 * are within 6 ulp wherever they are no denormals, tails too: none is a difference of two near numbers.  Those of gelu_tanh
 * are within 2 ulp times 1 + |2 u|, as 2 u is rounded before its exponential.
 * One more activation is one more row of ACTIVATIONS and its case in activation.c and activation_vector.h.
 */
#ifndef KERNELS_ACTIVATION_H
#define KERNELS_ACTIVATION_H

#include <stdint.h>

#include "kernels/real.h"

struct kernel_error;

/* Our name, and between spaces those that config files of Hugging Face transformers use for it (ACT2FN). */
#define ACTIVATIONS(ROW) \
  ROW(SILU, "silu", " silu swish ") \
  ROW(RELU, "relu", " relu ") \
  ROW(GELU, "gelu", " gelu gelu_python ") \
  ROW(GELU_TANH, "gelu_tanh", " gelu_tanh gelu_new gelu_fast gelu_pytorch_tanh ") \
  ROW(RELU2, "relu2", " relu2 ")

/* erfc without loss in its tail, for vector code and GPUs: for h >= 0, erfc(h / sqrt 2) / 2 = exp(-h^2 / 2) W(h), and W(h) (h + 4)
 * is a polynomial of degree 9 in t = (h - 4) / (h + 4) = 1 - 8 / (h + 4), within 1e-8 of its value for all h up to 15, where the
 * exponential is 0 in float.  (The variable is that of Shepherd and Laframboise 1981, Math. Comp. 36; the coefficients are a
 * weighted least-squares fit.)  The highest power first. */
#define GELU_TERMS(FIRST, NEXT) \
  FIRST(-1.34196409e-4f) NEXT(1.7465913e-4f) NEXT(1.56840833e-3f) NEXT(-3.5102109e-3f) NEXT(-7.52400421e-3f) NEXT(6.04034886e-2f) \
  NEXT(-0.186523661f) NEXT(0.387136906f) NEXT(-0.607896566f) NEXT(0.755285144f)

#define ACTIVATION_VALUE(NAME, name, names) ACTIVATION_##NAME,
enum activation { ACTIVATIONS(ACTIVATION_VALUE) };
#undef ACTIVATION_VALUE

const char *activation_name(enum activation f);
int activation_find(const char *name); /* enum activation, or -1 for a name that is none */

int activation_check(enum activation f, struct kernel_error *e); /* -1 for what no backend can do */
int activation_forward(enum activation f, real *y, const real *gate, const real *up, int64_t ld, int64_t rows, int64_t F,
                       struct kernel_error *e);
int activation_backward(enum activation f, real *d_gate, real *d_up, const real *dy, const real *gate, const real *up, int64_t ld,
                        int64_t rows, int64_t F, struct kernel_error *e);

#endif
