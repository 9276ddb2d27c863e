/* SPDX-License-Identifier: MIT
 *
 * The shape of a Llama with about N parameters: layers, width, heads, feed-forward width in sizes that run well.
 *
 * Loss hardly depends on the ratio of width to depth between 25 and 100 (Kaplan et al. 2020, figure 5), speed does: models
 * in use have 32 to 64 when small (llama2.c's stories, GPT-2 124M: 64) and 80 to 130 when large (Llama 65B: 102, Llama 7B: 128,
 * Llama 3 405B: 130), which 32 (d/128)^.4, at most 128, follows.  Widths are multiples of 64, from 1024 on of 128, from 2048
 * on of 512, from 4096 on of 1024; heads are 32 wide below a width of 256, 64 below 2048, else 128.  The feed-forward part is gated and 8/3 d wide,
 * rounded up to a multiple of 64, 128 or 256 (Shazeer 2020; Touvron et al. 2023).  From 1e9 parameters on up to eight heads
 * of keys and values serve all queries (Ainslie et al. 2023) and the head is not tied to the embedding.
 */
#ifndef FIT_SCALING_SHAPE_H
#define FIT_SCALING_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

struct shape {
  int64_t vocab, seq;
  int64_t layers, width, heads, kv_heads, head_dim, intermediate;
  bool tied;
};

/* vocab, seq 0: what suits the size.  -1 when the smallest or largest shape is far from N. */
int shape_for(struct shape *s, double params, int64_t vocab, int64_t seq, struct err *e);

/* As lm-train and run.tsv count: matrices that a token is multiplied with, the head once, no look-up. */
double shape_matmul_params(const struct shape *s);
double shape_params(const struct shape *s);          /* all: with norms and, when untied, the look-up */
double shape_flops_per_token(const struct shape *s); /* of training: 6 N + 6 L d T */

#endif
