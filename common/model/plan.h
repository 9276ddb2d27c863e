/* SPDX-License-Identifier: MIT
 *
 * A model compiled for B sequences of T positions: an array of op nodes in the order of the forward pass.  The backward
 * pass is the same array walked from its end; profile, cost and memory are walks too.
 *
 *   value    a matrix [rows][columns], rows = B T, that nodes read and write
 *   buffer   where a value (or its gradient, or statistics kept for the backward pass) lies in one arena.  Values may
 *            share a buffer when an op works in place; the residual stream has one gradient from end to start
 *   step     node i runs forward at step i and backward at step 2n-1-i; a buffer lives from its first to its last step
 *
 * What backward needs, per op:   embedding: ids | rmsnorm: input, 1/rms | matmul: input | rope: nothing |
 *   attention: q k v, output, log-sum-exp | swiglu: gate, up | add: nothing | classifier: nothing (its gradients are
 *   made chunk by chunk in the forward step, so that the logits never exist whole)
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/model/config.h"
#include "common/model/parameters.h"

enum plan_op { PLAN_EMBEDDING, PLAN_RMSNORM, PLAN_MATMUL, PLAN_ROPE, PLAN_ATTENTION, PLAN_SWIGLU, PLAN_ADD, PLAN_CLASSIFIER, PLAN_OPS };
const char *plan_op_name(enum plan_op op);

enum buffer_class { BUFFER_ACTIVATION, BUFFER_GRADIENT, BUFFER_STATISTICS, BUFFER_LOGITS, BUFFER_CLASSES };

struct plan_buffer {
  enum buffer_class class;
  int64_t elements;
  int first, last; /* steps; first -1: not used yet */
  int64_t offset;  /* elements from the start of the arena */
};

struct plan_value {
  int64_t columns;
  int buffer, gradient; /* gradient -1: none */
};

struct plan_node {
  enum plan_op op;
  const char *name;    /* "qkv": what the profile groups by */
  int layer;           /* -1: outside the layers */
  int input, second;   /* values; -1: none (the embedding reads ids).  second: the other summand of an add */
  int output;          /* value; -1 for the classifier */
  int64_t parameter;   /* offset in the flat arrays; -1: none */
  int saved;           /* buffer of statistics; -1: none */
  bool accumulate;     /* backward adds to the gradient of `input`, because somebody wrote it before */
};

struct plan {
  struct model_config config;
  int64_t B, T;
  bool training;
  struct plan_node *nodes;
  int count;
  struct plan_value *values;
  int value_count;
  struct plan_buffer *buffers;
  int buffer_count;
  int logits;           /* buffer of the classifier's chunk */
  int64_t chunk_rows;   /* positions whose logits exist at a time */
  int64_t arena;        /* elements */
};

/* Builds the array and lays out the arena; aborts only on our own bugs.  training false: no gradients, and buffers are
 * reused as soon as they are read. */
void plan_init(struct plan *p, const struct model_config *c, const struct parameter_layout *layout, int64_t B, int64_t T, bool training);
void plan_release(struct plan *p);

/* For architecture.c. */
int plan_value_add(struct plan *p, int64_t columns);
int plan_value_in_place(struct plan *p, int value); /* a new value in the buffer of an old one */
int plan_statistics_add(struct plan *p, int64_t columns);
struct plan_node *plan_node_add(struct plan *p, enum plan_op op, const char *name, int layer);

/* Cost of one pass of a node over `rows` positions in sequences of T: arithmetic, and bytes that must move at least. */
struct plan_cost {
  double flops, bytes;
};
struct plan_cost plan_node_cost(const struct plan *p, const struct plan_node *n, int64_t rows, int64_t T, bool backward);

#endif
