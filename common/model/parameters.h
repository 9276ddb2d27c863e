/* SPDX-License-Identifier: MIT
 *
 * Where every parameter lies.  Parameters, their gradients and the two moments of AdamW are flat arrays of one layout:
 *
 *   embedding [V][C] | per layer: input norm [C], q [H D][C] k [H_kv D][C] v [H_kv D][C], o [C][H D],
 *   post-attention norm [C], gate [F][C] up [F][C], down [C][F] | final norm [C] | head [V][C] unless tied
 *
 * q, k, v follow each other without a gap, as do gate and up, so that each group is one matrix to a matmul.  Groups
 * start at multiples of 16 elements; the gaps stay zero.  Names are those of Hugging Face's LlamaForCausalLM.
 */
#ifndef MODEL_PARAMETERS_H
#define MODEL_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/config.h"
#include "kernels/backend.h"

struct parameter_tensor {
  char *name;           /* model.layers.0.self_attn.q_proj.weight */
  int rank;             /* 1: norm weight; 2: matrix, and weight decay applies */
  int64_t shape[2];
  int64_t offset, count;
  double init;          /* standard deviation of its initial values; 0: all ones */
};

struct parameter_layer {
  int64_t input_norm, qkv, o, post_norm, gate_up, down; /* offsets */
};

struct parameter_layout {
  struct parameter_tensor *tensors; /* in order of offset */
  int count;
  int64_t embedding, final_norm, head; /* offsets; head == embedding when tied */
  struct parameter_layer *layers;
  int64_t total;        /* elements of a flat array, gaps included */
};

void parameter_layout_init(struct parameter_layout *l, const struct model_config *c);
void parameter_layout_release(struct parameter_layout *l);

struct parameters {
  struct model_config config;
  struct parameter_layout layout;
  const struct backend *backend;
  real *values;            /* on the backend's device, as are: */
  real *gradients, *m, *v; /* NULL unless for training */
};

int parameters_init(struct parameters *p, const struct model_config *c, const struct backend *backend, bool training, struct err *e);
void parameters_release(struct parameters *p);

/* Matrices: normal with their `init`; norms: ones.  Element i of tensor t depends on (seed, t, i) only. */
int parameters_randomize(struct parameters *p, uint64_t seed, struct err *e);

int kernel_failed(struct err *e, const struct kernel_error *k); /* copies the message, returns -1 */

#endif
