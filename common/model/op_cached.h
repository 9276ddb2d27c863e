/* SPDX-License-Identifier: MIT
 *
 * Ops that see earlier positions, when those come from a cache: T new positions of each sequence behind the `past` ones.
 */
#ifndef MODEL_OP_CACHED_H
#define MODEL_OP_CACHED_H

#include "common/model/execution.h"

int op_cached_attention(struct execution *x, const struct plan_node *n, const struct pass *pass, struct attention_shape *s);
/* The cache holds [latent | rotated key]; queries and outputs go through kv_b instead of keys and values (the "absorbed" form,
 * arXiv 2405.04434 section 2.1.2): one key head of kv_rank + rope_dim, whose first kv_rank columns are the value. */
int op_cached_latent_attention(struct execution *x, const struct plan_node *n, const struct pass *pass, struct attention_shape *s);
int op_cached_short_convolution(struct execution *x, const struct plan_node *n, const struct pass *pass);
int op_cached_filter(struct execution *x, const struct plan_node *n);
int op_cached_long_convolution(struct execution *x, const struct plan_node *n, const struct pass *pass);

#endif
