/* SPDX-License-Identifier: MIT
 *
 * How much memory a run needs, how much there is, and which other settings would fit.  Plans are cheap: they are tried.
 */
#ifndef LM_TRAIN_MEMORY_PLAN_H
#define LM_TRAIN_MEMORY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/model/config.h"
#include "common/model/memory.h"
#include "common/train/trainer.h"

struct memory_choice { /* what the memory depends on, beside the model */
  int64_t micro_batch, seq;
  enum recompute recompute;
  bool offload;        /* the optimiser's state lies elsewhere: on a CPU in a folder, on a GPU in host memory */
  bool leave;          /* activations leave to host memory */
  bool fp8;            /* products have 8-bit copies of their factors */
  const struct backend *backend;
};

struct memory_need {
  int64_t bytes;       /* on the device */
  int64_t host;        /* beside a device that has memory of its own */
  double more_flops;   /* arithmetic that is done again, as a share of all other */
};

/* Bytes that this process may use: those of the machine, of its control group (version 2), of ulimit -v; or those that a GPU
 * has free, less what libraries want of them. */
double memory_of_device(const struct backend *b);
/* Bytes that may be pinned beside a GPU: what cannot be swapped out must leave room for everything else. */
double memory_to_pin(void);

void memory_need(struct memory_need *need, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice);

/* Bytes of the optimiser's state on the device, or of what it visits there; and in host memory. */
int64_t memory_optimizer(const struct parameter_layout *l, const struct optimizer_settings *s, const struct memory_choice *choice);
int64_t memory_optimizer_host(const struct parameter_layout *l, const struct optimizer_settings *s, const struct memory_choice *choice);

/* The largest divisor of `batch` that fits `memory` with all else as chosen; 0: none does. */
int64_t memory_micro_batch(const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory);
/* The longest of seq, seq/2, seq/4, ... that fits with micro-batches of one; 0: none from 16 on. */
int64_t memory_seq(const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, double memory);

/* Every setting that alone would fit, as options: "--micro-batch 4, --offload DIR"; else the least that all of them together need; then what is needed, by class. */
void memory_advice(struct buffer *out, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory);

/* Rows "quantity<tab>value" for --plan: the machine, and the other choices. */
void memory_rows(struct buffer *out, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory);

#endif
