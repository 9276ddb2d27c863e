/* SPDX-License-Identifier: MIT
 *
 * Activations that leave to host memory: a rewriting of a training plan's steps.
 *
 * What the backward pass reads of a block's values, but for the last two blocks', goes out when the block is done forward, beside
 * the next block, and comes back beside the backward pass of the block behind it:
 *
 *   forward    0 | leave 0 | 1 | left 0, leave 1 | 2 | left 1, leave 2 | ... | L-1
 *   backward   L-1 | return L-3 | L-2 | returned L-3, return L-4 | L-3 | returned L-4, return L-5 | ...
 *
 * So the device holds the values of two blocks instead of L, and the two at the turn never move.  A value of whose memory the
 * first use in the backward pass lies elsewhere is cut by where its uses are, not by whose it is.  Statistics (a number a head or
 * row) and the integers of routing stay.  The result has the same bits.
 *
 * Bytes: with --recompute none a Llama block of width C keeps about 16 C numbers a token, with block C, against 24 C^2 FLOPs of
 * its forward pass.  At 50 GB/s a direction and 500 TFLOP/s the copies of bfloat16 hide behind blocks of C > 830 with block, and
 * of C > 13,000 with none.
 */
#ifndef MODEL_PLAN_OFFLOAD_H
#define MODEL_PLAN_OFFLOAD_H

#include "common/model/plan.h"

/* Between memory_schedule() and memory_layout(). */
void plan_offload(struct plan *p);

#endif
