/* SPDX-License-Identifier: MIT
 *
 * A plan as files that lm-train takes: a Hugging Face config.json of a Llama (lm-train -c), and a recipe (lm-train --recipe).
 */
#ifndef FIT_SCALING_CONFIG_H
#define FIT_SCALING_CONFIG_H

#include "common/base/buffer.h"
#include "tools/fit-scaling/plan/cost.h"

struct recipe {
  int64_t steps, batch, micro_batch; /* sequences; micro_batch 0: lm-train chooses */
  int64_t warmup;                    /* steps */
  double lr, min_lr;
  bool recompute;
};

/* Appended, indented, with sorted keys. */
void config_json(struct buffer *out, const struct shape *s);
void recipe_json(struct buffer *out, const struct shape *s, const struct recipe *r);

#endif
