/* SPDX-License-Identifier: MIT
 *
 * Rotary position embedding (Su et al. 2021, arXiv:2104.09864), pairs (i, i + D/2) of a head as in Hugging Face's
 * rotate_half:   x[i]       = x[i] cos - x[i + D/2] sin
 *                x[i + D/2] = x[i + D/2] cos + x[i] sin
 * x: [rows][ld], elements h*step .. h*step + D-1 of a row are rotated in place for each head h, the others stay; row r stands
 * at position past[r / T] + r % T, or r % T where past is NULL.  step is D where heads lie side by side, more where they have a part without positions.
 * cosine, sine: [positions][D/2].  inverse rotates back, which is the gradient.  D is even.
 */
#ifndef KERNELS_ROPE_H
#define KERNELS_ROPE_H

#include "kernels/backend.h"

int rope(real *x, int64_t ld, int64_t step, const real *cosine, const real *sine, int64_t rows, int64_t T, const int64_t *past,
         int64_t heads, int64_t D, bool inverse, struct kernel_error *e);
int rope_check(int64_t T, int64_t step, int64_t heads, int64_t D, struct kernel_error *e); /* -1 for what no backend can do */

#endif
