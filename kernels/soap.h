/* SPDX-License-Identifier: MIT
 *
 * SOAP (N. Vyas et al. 2024, arXiv 2409.11321): Adam in the eigenbases of Shampoo's covariances, in the order of
 * pytorch_optimizer's SOAP.  For a matrix parameter p, [rows][columns], g = gradient * gradient_scale, k = step - 1:
 *
 *   step 1:  left = (1 - b) g g^T, right = (1 - b) g^T g, q_left and q_right their eigenvectors; p stays
 *   later:   g' = q_left g q_right^T                               (g in the bases)
 *            m = lerp(m, g', 1 - beta1);  v = lerp(v, g'^2, 1 - beta2)
 *            u = q_left^T (m / (sqrt(v) + eps)) q_right            (normalize: u /= rms(u) + eps)
 *            p = (1 - lr weight_decay) (p - lr sqrt(1 - beta2^k) / (1 - beta1^k) u)
 *            left = lerp(left, g g^T, 1 - b);  right = lerp(right, g^T g, 1 - b)
 *            where k is a multiple of `frequency`: one power iteration, q = the Q of QR(left q), its columns in order of
 *            falling eigenvalue; v is permuted alike and m carried into the new bases
 *
 * b = shampoo_beta.  left, q_left: [rows][rows]; right, q_right: [columns][columns]; row i of a base is its i-th
 * eigenvector, largest eigenvalue first.  m, v: [rows][columns], in the bases (m as well: the authors keep it outside and
 * project it at every step, which gives the same numbers for a third more work).  All start at zero.
 * left == q_left == NULL: identity on that side, for sides too long for a square matrix; likewise right.
 * The eigenvectors of equal eigenvalues, as those of the null space of the first covariance of a side that is longer than
 * the other one, are any orthogonal basis: there results depend on the LAPACK at hand.
 */
#ifndef KERNELS_SOAP_H
#define KERNELS_SOAP_H

#include "kernels/backend.h"

int soap(real *parameter, const real *gradient, real *m, real *v, real *left, real *right, real *q_left, real *q_right, int64_t rows, int64_t columns,
         const struct soap_settings *s, struct kernel_error *e);
int soap_check(const real *left, const real *right, const real *q_left, const real *q_right,
               int64_t rows, int64_t columns, const struct soap_settings *s, struct kernel_error *e); /* -1 for what no backend can do */

#endif
