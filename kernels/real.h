/* SPDX-License-Identifier: MIT
 *
 * The types of what ops read and write.
 *
 *   real     parameters, their gradients and the optimiser's state, statistics kept for a backward pass, losses.  The whole of
 *            kernels/ and of the model tower is built a second time with KERNELS_DOUBLE for gradient checks by finite
 *            differences; vector variants exist for float only
 *   stored   activations, their gradients, caches, and the copy of the parameters that products read.  On the CPU it is real;
 *            a CUDA backend may keep them as bfloat16 (struct backend: stored_size), so a `stored *` in device memory is
 *            moved with stored_at() and read by ops only
 */
#ifndef KERNELS_REAL_H
#define KERNELS_REAL_H

#ifdef KERNELS_DOUBLE
typedef double real;
#else
typedef float real;
#endif

typedef real stored;

#endif
