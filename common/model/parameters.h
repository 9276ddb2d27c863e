/* SPDX-License-Identifier: MIT
 *
 * Where every parameter lies.  Parameters and their gradients are flat arrays of one layout: the embedding, each layer's
 * tensors in the order in which they are used, the final norm, the head unless tied.  Matrices that one product reads (q, k, v;
 * gate, up; the experts of a layer) follow each other without a gap.  Such groups start at multiples of 16 elements; the gaps
 * stay zero.  A matrix lies [out][in].  Names and on-disk forms are those of the model's class in Hugging Face transformers.
 */
#ifndef MODEL_PARAMETERS_H
#define MODEL_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/config.h"
#include "kernels/backend.h"

enum parameter_kind {
  PARAMETER_MATRIX,    /* of a hidden layer */
  PARAMETER_EMBEDDING, /* of tokens or positions; a tied head is one */
  PARAMETER_HEAD,
  PARAMETER_VECTOR,    /* norm weights, biases, what acts channel by channel: no weight decay */
  PARAMETER_BALANCE,   /* an MoE router's bias for choosing: its "gradient" counts the positions each expert got */
};

struct parameter_tensor {
  char *name;           /* model.layers.0.self_attn.q_proj.weight */
  enum parameter_kind kind;
  int rank;             /* 1, 2 or 3; on disk */
  int64_t shape[3];     /* on disk, but for `transposed`; 1 beyond its rank */
  int64_t offset, count;
  double init, mean;    /* standard deviation of its initial values; 0: all are `mean` */
  bool transposed;      /* files hold [in][out] (GPT-2's Conv1D) */
  int64_t head, pairs;  /* pairs > 0: of every `head` rows, the last `pairs` are rotated and lie interleaved in files */
};

struct parameter_layer { /* offsets; -1: this layer has none */
  int64_t input_norm, input_norm_bias, post_norm, post_norm_bias;
  int64_t qkv, qkv_bias, q_norm, k_norm, o, o_bias;
  int64_t q_a, q_a_norm, q_b, kv_a, kv_a_norm, kv_b;                 /* latent attention; q_b is q without q_rank */
  int64_t in, short_weight, short_bias, filter, skip;                /* Hyena; its output projection is o */
  int64_t gate_up, gate_up_bias, down, down_bias;                    /* ungated: gate_up is up alone */
  int64_t router, correction, experts_gate_up, experts_down, shared_gate_up, shared_down;
  int64_t expert_gate_up_stride, expert_down_stride;
};

struct parameter_layout {
  struct parameter_tensor *tensors; /* in order of offset */
  int count;
  size_t capacity;
  int64_t embedding, positions, final_norm, final_norm_bias, head; /* offsets; -1: none; head == embedding when tied */
  struct parameter_layer *layers;
  int64_t total;                    /* elements of a flat array, gaps included */
};

void parameter_layout_init(struct parameter_layout *l, const struct model_config *c);
void parameter_layout_release(struct parameter_layout *l);

/* For layouts that others make (the optimiser's state): appends a tensor, and rounds the end up to a multiple of 16. */
struct parameter_tensor *parameter_layout_add(struct parameter_layout *l, const char *name, enum parameter_kind kind, double init, int rank, const int64_t *shape);
void parameter_layout_align(struct parameter_layout *l);

/* On the backend's device.  Where it stores what is real, `working` is `values` and `small` is not there.  Elsewhere products read
 * `working`, which a training run makes anew from `values` after each step, and a model that is only run has no values but those
 * of the vectors, which all other ops read as real.  With quantised matrices `values` and `working` hold the other tensors only. */
struct quantized_weights;
struct parameters {
  struct model_config config;
  struct parameter_layout layout;
  const struct backend *backend;
  real *values;
  real *gradients;        /* NULL unless for training */
  stored *working;
  real *small;            /* vectors one behind the other: */
  int64_t *small_offsets; /* [layout.count]: where; -1: not a vector */
  struct quantized_weights *quantized; /* quantized.h; NULL: none */
};

int parameters_init(struct parameters *p, const struct model_config *c, const struct backend *backend, bool training, struct err *e);
/* For running only, with the weights of products in blocks of 8 or 4 bits. */
int parameters_init_quantized(struct parameters *p, const struct model_config *c, const struct backend *backend, enum quantization kind, struct err *e);
void parameters_release(struct parameters *p);

/* Where the parameter at `offset` lies; NULL for offset -1.  working: as products read it.  exact: real; without values only a
 * vector's.  blocks: the rows of quantised matrices from there on, and their kind; NULL: they are not quantised, see working. */
const stored *parameters_working(const struct parameters *p, int64_t offset);
const real *parameters_exact(const struct parameters *p, int64_t offset);
const void *parameters_blocks(const struct parameters *p, int64_t offset, enum quantization *kind);
/* Elements at .. at + n - 1 of tensor t become those of `from`, in host memory. */
int parameters_put(struct parameters *p, int t, int64_t at, const real *from, int64_t n, struct err *e);
/* Makes the working copy anew from the values, when ops have changed them. */
int parameters_refresh(struct parameters *p, struct err *e);

/* Normal with the tensor's `init`, or constant.  Element i of tensor t depends on (seed, t, i) only.  width_ratio: hidden
 * size over the width for which initializer_range was chosen (1: this one); hidden matrices get init / sqrt(ratio), the head
 * init / ratio (muP, arXiv 2203.03466 table 8). */
int parameters_randomize(struct parameters *p, uint64_t seed, double width_ratio, struct err *e);

int kernel_failed(struct err *e, const struct kernel_error *k); /* copies the message, returns -1 */

#endif
