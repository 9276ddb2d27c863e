/* SPDX-License-Identifier: MIT
 *
 * Convolutions along the sequence, one filter a channel, as Hyena uses them (Poli et al. 2023, arXiv:2302.10866).
 * x, y, dx, dy: [B][T][C], contiguous.  Outputs never alias inputs.  Shapes with a zero do nothing (sums become 0).
 *
 * Short, explicit, causal:
 *   y[b,t,c] = bias[c] + sum_{k<K} weight[c][k] x[b, t-(K-1)+k, c]          x before the sequence is 0
 *   dx overwritten, or added to when accumulate; d_weight [C][K] and d_bias [C] added to.  bias and d_bias may be NULL.
 *
 * Long, h [T][C] with skip [C]:
 *   y[b,t,c] = sum_{s<=t} h[t-s][c] x[b,s,c] + skip[c] x[b,t,c]
 *   dx, dh overwritten; d_skip added to.
 * O(T log T): a causal product of T real coefficients needs no 2T-point transform.  Modulo X^2M + 1 = (X^M - i)(X^M + i),
 * M >= T, it is exact, and a real polynomial is given by its residue modulo X^M - i alone, which is x itself as long as
 * T <= M.  So, with w = exp(i pi / 2M),
 *   y[n] = Re(w^-n IFFT_M(FFT_M(x[n] w^n) FFT_M(h[n] w^n)))                 (the imaginary part is the tail, n+M)
 * with complex transforms of M points: half the work and memory of zero padding to 2T (Nussbaumer 1981, Fast Fourier Transform
 * and Convolution Algorithms; "right-angle convolution").  M is the next 2^k or 3 2^k.  The gradients are correlations: the
 * conjugate of a spectrum in its place.  LANES channels go side by side through each transform, forward by decimation in
 * frequency, back by decimation in time, depth first, so that no bits are reversed and a small transform, its product and its
 * inverse happen while its points lie in the first cache.
 *
 * Cached, for generation: T new positions of each sequence, the first at past[b]; x_cache (struct cache_pages), rows of C,
 * holds old and new ones; h has max(past) + T rows.  y: [B][T][C].  The long one is summed directly for few new positions,
 * by FFT for many; the two differ in the last bits.
 *
 * Sums over sequences are made of pieces whose bounds depend on the shape and the CPU variant only, added in order: the same
 * bits at any thread count.
 */
#ifndef KERNELS_CONVOLUTION_H
#define KERNELS_CONVOLUTION_H

#include "kernels/backend.h"

int short_convolution_forward(real *y, const real *x, const real *weight, const real *bias, int64_t B, int64_t T, int64_t C,
                              int64_t K, struct kernel_error *e);
int short_convolution_backward(real *dx, real *d_weight, real *d_bias, const real *dy, const real *x, const real *weight,
                               int64_t B, int64_t T, int64_t C, int64_t K, bool accumulate, struct kernel_error *e);

int long_convolution_forward(real *y, const real *x, const real *h, const real *skip, int64_t B, int64_t T, int64_t C,
                             struct kernel_error *e);
int long_convolution_backward(real *dx, real *dh, real *d_skip, const real *dy, const real *x, const real *h, const real *skip,
                              int64_t B, int64_t T, int64_t C, struct kernel_error *e);
int short_convolution_cached(real *y, const real *x_cache, const struct cache_pages *pages, const int64_t *past, const real *weight,
                             const real *bias, int64_t B, int64_t T, int64_t C, int64_t K, struct kernel_error *e);
int long_convolution_cached(real *y, const real *x_cache, const struct cache_pages *pages, const int64_t *past, int64_t longest,
                            const real *h, const real *skip, int64_t B, int64_t T, int64_t C, struct kernel_error *e);

#endif
