/* SPDX-License-Identifier: MIT
 *
 * Hyena's implicit filter (Poli et al. 2023, arXiv:2302.10866, section 3.3 and appendix D): a long convolution's filter h [T][C]
 * is a small network of the position, so its parameters do not grow with its length.  For t < T and u = t / L:
 *
 *   p     = [u, cos(2 pi f_1 u) ... cos(2 pi f_bands u), -sin(2 pi f_1 u) ... -sin(2 pi f_bands u)]       E = 1 + 2 bands features
 *           f_1 ... f_bands evenly from 1e-4 to bands - 1 (one band: 1e-4)
 *   a_0   = in.weight p + in.bias            s_l = sin(frequency * a_l), elementwise; the frequencies are trained and shared
 *   a_l+1 = inner.l.weight s_l + inner.l.bias, l = 0, 1
 *   h[c]  = (out.weight s_2)[c] * (exp(-rate_c u) + 0.05)
 *           rate_c evenly over the channels from ln(100)/1.5 (falls to 1% at u = 1.5) to ln(100)/0.3; not trained
 *
 * L is the longest length the model is meant for, so that h[t] does not depend on T.  Depth, decay and features are those of the
 * authors' code (github.com/HazyResearch/safari, src/models/sequence/hyena.py).  Here u is t/L throughout, where that code takes
 * t/(L-1) outside the sines; the shift 0.05 is that of its stand-alone version.
 *
 * Parameters lie in one block, piece behind piece in the order of the table that filter_pieces fills:
 *   in.weight [width][E], in.bias [width], frequency [width], inner.0.weight [width][width], inner.0.bias [width],
 *   inner.1.weight [width][width], inner.1.bias [width], out.weight [C][width]
 * Initially uniform or normal with the given mean and standard deviation: 1/sqrt(3 inputs) for weights and biases (as
 * PyTorch's Linear), 10 without deviation for the frequencies.
 *
 * forward keeps p, a_l and s_l in saved.  backward adds to d_parameters; dh is read only.  Sums over positions are made of
 * pieces whose bounds depend on T only: the same bits at any thread count.
 */
#ifndef KERNELS_FILTER_H
#define KERNELS_FILTER_H

#include "kernels/backend.h"

enum { FILTER_PIECES = 8 };

struct filter_piece {
  const char *name;
  int64_t rows, columns; /* columns 0: a vector of `rows` */
  int64_t offset;        /* in the block, in elements */
  double mean, deviation;
};

void filter_pieces(struct filter_piece pieces[FILTER_PIECES], const struct filter_shape *s);
int64_t filter_parameters(const struct filter_shape *s); /* elements of the block */
int64_t filter_saved(const struct filter_shape *s);      /* elements of saved */

int filter_forward(real *h, real *saved, const real *parameters, const struct filter_shape *s, struct kernel_error *e);
int filter_backward(real *d_parameters, const real *dh, const real *saved, const real *parameters, const struct filter_shape *s,
                    struct kernel_error *e);

#endif
