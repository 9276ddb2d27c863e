/* SPDX-License-Identifier: MIT
 *
 * The type of activations, parameters and gradients.  The whole of kernels/ and of the model tower is built a second
 * time with KERNELS_DOUBLE for gradient checks by finite differences; vector variants exist for float only.
 */
#ifndef KERNELS_REAL_H
#define KERNELS_REAL_H

#ifdef KERNELS_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
