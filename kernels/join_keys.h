/* SPDX-License-Identifier: MIT
 *
 * Keys of multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, equations 13-19): a head's key is its own part, made
 * with the values from the latent vector, followed by the rotated part that all heads share.
 *
 *   kv      [rows][H][Dn + Dv], rows ld_kv apart: of each head Dn elements of its key, then its value (not touched here)
 *   k_rope  [rows][Dr], rows ld_rope apart
 *   k, dk   [rows][H][Dn + Dr]
 *
 * forward:   k[r][h] = kv[r][h][0..Dn-1], k_rope[r]
 * backward:  the Dn columns of each head of d_kv = those of dk; d_k_rope[r] = sum over h of dk[r][h][Dn..], in the order of h,
 *            in real.  Both are overwritten, the values' columns of d_kv and what lies between rows are left alone.
 */
#ifndef KERNELS_JOIN_KEYS_H
#define KERNELS_JOIN_KEYS_H

#include "kernels/backend.h"

int join_keys(real *k, const real *kv, int64_t ld_kv, const real *k_rope, int64_t ld_rope, int64_t rows, int64_t H, int64_t Dn, int64_t Dv,
              int64_t Dr, struct kernel_error *e);
int join_keys_backward(real *d_kv, int64_t ld_kv, real *d_k_rope, int64_t ld_rope, const real *dk, int64_t rows, int64_t H, int64_t Dn,
                       int64_t Dv, int64_t Dr, struct kernel_error *e);
int join_keys_check(int64_t ld_kv, int64_t ld_rope, int64_t rows, int64_t H, int64_t Dn, int64_t Dv, int64_t Dr, struct kernel_error *e); /* -1 for what no backend can do */

#endif
