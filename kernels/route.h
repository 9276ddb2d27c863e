/* SPDX-License-Identifier: MIT
 *
 * Routing of a mixture of experts (Shazeer et al. 2017, arXiv:1701.06538), dropless: each row goes to `top` of `experts`
 * experts, however many rows an expert gets.
 *
 * Forward, for each row:
 *   scores   = softmax(logits), or sigmoid(logits) of each expert alone (DeepSeek-V3, arXiv:2412.19437)
 *   choice   = scores + bias; bias [experts] or NULL takes part in the choice only (arXiv:2408.15664)
 *   groups   > 0: experts in `groups` equal consecutive groups; only experts of the `top_groups` best groups may be chosen.
 *              A group is as good as its best expert (GROUP_BEST; DeepSeek-V2, arXiv:2405.04434), or as the sum of its two
 *              best (GROUP_BEST_TWO; DeepSeek-V3), by choice.
 *   chosen   = the `top` experts of highest choice, best first; equal ones: the lower number first; NaN last
 *   weights  = scores of the chosen; normalize: each divided by (their sum + 1e-20); all times scale
 * Mixtral: softmax, normalize, scale 1.  DeepSeek-V2: softmax, scale routed_scaling_factor, GROUP_BEST when grouped.
 * DeepSeek-V3: sigmoid, bias, GROUP_BEST_TWO, normalize, scale.
 *
 * The route: the j-th choice of row r stands in slots[r*top + j] of an array sorted by expert; expert e owns the slots
 * starts[e] .. starts[e+1]-1, in the order of rows; sources[slot] = r.
 *
 * Backward: d_logits overwritten from d_weights [rows][top] and, times `balance`, the load-balance loss
 *   experts * rows * sum over e of f_e P_e     (Fedus et al. 2021, arXiv:2101.03961)
 * f_e: share of all rows*top choices that went to e, held constant; P_e: mean over rows of the score, for sigmoid of the
 * score divided by (the row's sum + 1e-20).
 *
 * logits, scores, d_logits: [rows][experts].  d_logits may be scores.  Sums are of type real; the same bits at any thread
 * count.  rows of 0 give an empty route.
 */
#ifndef KERNELS_ROUTE_H
#define KERNELS_ROUTE_H

#include "kernels/backend.h"

int route_forward(real *weights, real *scores, const struct route *route, const real *logits, const real *bias,
                  const struct route_shape *s, struct kernel_error *e);
int route_backward(real *d_logits, const real *d_weights, const real *weights, const real *scores, const struct route *route,
                   real balance, const struct route_shape *s, struct kernel_error *e);
/* counts[e] += number of slots of e */
int route_check(const struct route_shape *s, struct kernel_error *e); /* -1 for what no backend can do */
int route_count(real *counts, const int32_t *starts, int64_t experts, struct kernel_error *e);

#endif
