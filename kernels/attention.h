/* SPDX-License-Identifier: MIT
 *
 * Causal scaled dot-product attention, fused: scores are made tile by tile with a running maximum and sum (Milakov and
 * Gimelshein 2018, arXiv:1805.02867; Rabe and Staats 2021, arXiv:2112.05682; Dao et al. 2022, arXiv:2205.14135), never a
 * T x T matrix.
 *
 * struct attention_shape gives B, T, H, H_kv, the sizes of heads and the strides: head h of q starts at h*D of its row, head
 * g of k at g*D, of v at g*head_v, head h of out at h*D_v; query head h reads key head h / (H / H_kv) (grouped queries,
 * Ainslie et al. 2023).  D_v differs from D in multi-head latent attention (DeepSeek-V2, arXiv:2405.04434), whose absorbed
 * form reads one head of latent vectors both as keys and, their first D_v columns, as values: v may be k.  The query at
 * position t sees positions max(0, t - window + 1, starts[b][t]) .. t: with starts, documents packed into one sequence do not see
 * each other.
 *
 * forward:   out[t] = sum_u m[t][u] p[t][u] v[u],  p = softmax(scale q.k),  log_sum_exp[b][h][t] = log sum exp(scale q.k)
 * backward:  dq, dk, dv overwritten, strided as q, k, v; d_out strided as out
 * cached:    as forward for T new positions that stand behind past[b] older ones, a row every ld_k (ld_v) elements of the cache
 *            (struct cache_pages); no log_sum_exp, no dropout, no starts
 *
 * m is the dropout of probabilities: 0 with probability `dropout`, else 1 / (1 - dropout); 1 without dropout.  It is a hash of
 * (key, b, h, t, u), the same for float and double and every variant, and backward makes it again.
 *
 * Sums over the head and over keys are float (or double) with fused multiply-add where there is one.  With type MATMUL_BF16 and a
 * CPU that multiplies bfloat16 (AVX512_BF16), forward and backward round the factors of products to it: errors of 0.3% of the
 * outputs' size, 1.8 to 2.4 times the speed.  Elsewhere, in cached and in double the type is ignored.
 * A NaN or infinity in a key or value may also reach queries just before it, whose weight for it is an exact 0.
 * Outputs do not overlap inputs, except that q, k and v (dq, dk and dv) may be column ranges of one matrix.
 */
#ifndef KERNELS_ATTENTION_H
#define KERNELS_ATTENTION_H

#include "kernels/backend.h"

int attention_forward(real *out, real *log_sum_exp, const real *q, const real *k, const real *v,
                      const struct attention_shape *s, struct kernel_error *e);
int attention_backward(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k, const real *v,
                       const real *out, const real *log_sum_exp, const struct attention_shape *s, struct kernel_error *e);
int attention_cached(real *out, const real *q, const real *k_cache, const real *v_cache, const struct cache_pages *pages,
                     const int64_t *past, int64_t longest, const struct attention_shape *s, struct kernel_error *e);
int attention_check(const struct attention_shape *s, struct kernel_error *e); /* -1 for what no backend can do */

#endif
