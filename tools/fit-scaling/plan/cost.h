/* SPDX-License-Identifier: MIT
 *
 * The memory that training a shape takes on each of several machines, and an arrangement that fits.
 *
 * Weights, gradients and AdamW's state are 16 bytes a parameter in both precisions: 4 + 4 + 8 in single precision (what lm-train
 * does on a CPU), 2 + 2 + 12 mixed (Rajbhandari et al. 2020).  ZeRO over G data-parallel machines keeps 1/G of the optimiser's
 * share (stage 1), of the gradients too (2), of the weights too (3).
 * Activations, in elements a token: of a layer, what the backward pass reads: two residual inputs and two normed ones, q, attention's
 * output (6 d), k and v, and gate, up and their product (3 f); once, the gradients on the way (2.5 f); a chunk of logits.  With
 * recomputation of blocks only each layer's input stays (d), and one layer's elements at a time.  Attention's own matrix is
 * never kept (Dao et al. 2022).
 */
#ifndef FIT_SCALING_COST_H
#define FIT_SCALING_COST_H

#include "tools/fit-scaling/plan/shape.h"

enum precision { PRECISION_MIXED, PRECISION_SINGLE };

struct arrangement {
  int zero;            /* 0 to 3 */
  bool recompute;      /* blocks, for a third more arithmetic */
  int64_t micro_batch; /* sequences at a time on one machine */
  double bytes;        /* on one machine */
  bool fits;
};

/* zero, recompute and micro_batch given: bytes on each of `gpus` machines. */
double cost_bytes(const struct shape *s, enum precision precision, double gpus, const struct arrangement *a);

/* The first that fits `memory` bytes (not a number: no limit) with one sequence at a time, in the order ZeRO 0, 1, 2, 3, then 1,
 * 2, 3 with recomputation; then as many sequences, by powers of two, as fit and each machine's part of the batch has.
 * When nothing fits, the least there is. */
struct arrangement cost_arrange(const struct shape *s, enum precision precision, double gpus, double memory, int64_t batch);

#endif
