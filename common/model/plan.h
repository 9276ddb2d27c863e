/* SPDX-License-Identifier: MIT
 *
 * A model compiled for B sequences of T positions: an array of op nodes in the order of the forward pass, and the steps that
 * run them: all nodes forward, then backward from the end, with nodes run again where a policy lets their values go.  Profile,
 * cost and memory are walks over the same arrays.
 *
 *   value    a matrix that nodes read and write.  It owns a buffer, or lies inside another value: all of it (an op that works in
 *            place) or a range of its columns (q, k and v in the product that makes them).  Gradients lie likewise
 *   buffer   memory in one arena, from the first to the last step that touches it.  A value that is computed again, or leaves to
 *            host memory and returns, has a second buffer for the backward pass, so that the first one's room is free in between
 *   node     an op with its values, parameters and what it keeps for its backward pass; which of its values backward reads is
 *            said by the table of ops (op.c)
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/model/config.h"
#include "common/model/parameters.h"

enum plan_op {
  PLAN_EMBEDDING, PLAN_POSITION, PLAN_RMSNORM, PLAN_LAYERNORM, PLAN_MATMUL, PLAN_ROPE, PLAN_JOIN_KEYS, PLAN_ATTENTION, PLAN_ACTIVATION, PLAN_MULTIPLY, PLAN_ADD, PLAN_DROPOUT,
  PLAN_ROUTE, PLAN_GATHER, PLAN_EXPERTS, PLAN_COMBINE, PLAN_SHORT_CONVOLUTION, PLAN_FILTER, PLAN_LONG_CONVOLUTION, PLAN_CLASSIFIER, PLAN_OPS
};

enum recompute { RECOMPUTE_NONE, RECOMPUTE_NORM, RECOMPUTE_ATTENTION, RECOMPUTE_BLOCK };
#define RECOMPUTE_CHOICES "none|norm|attention|block"

enum buffer_class { BUFFER_ACTIVATION, BUFFER_GRADIENT, BUFFER_STATISTICS, BUFFER_LOGITS, BUFFER_CLASSES };

struct plan_buffer {
  enum buffer_class class;
  int64_t elements;
  int first, last; /* steps; first -1: not used */
  int64_t offset;  /* bytes from the start of the arena */
};

enum plan_rows { ROWS_POSITIONS, ROWS_SLOTS, ROWS_FILTER }; /* B T; B T times the experts of a token; T */

struct plan_value {
  enum plan_rows rows;
  int64_t columns, ld;         /* elements between rows */
  int base;                    /* the value it lies in; -1: none, it owns: */
  int64_t column;              /* where in base */
  int buffer, again, gradient; /* gradient -1: none; again == buffer unless it is computed again or returns */
  int64_t host;                /* bytes from the start of the host memory it leaves to; -1: it stays */
};

enum { PLAN_INPUTS = 5, PLAN_SAVED = 5 };

struct plan_node {
  enum plan_op op;
  const char *name;            /* "qkv": what the profile groups by */
  int layer;                   /* -1: outside the layers */
  bool mixer;                  /* between a layer's first norm and its output projection */
  int inputs[PLAN_INPUTS];     /* values; -1: none */
  int output;                  /* -1: none (the classifier) */
  int64_t parameter, bias;     /* offsets in the flat arrays; -1: none */
  int saved[PLAN_SAVED];       /* buffers kept for backward; -1: none */
  bool accumulate[PLAN_INPUTS]; /* backward adds to this input's gradient, because somebody wrote it before */
  bool again;                  /* may be run again in the backward pass; its value need not be kept */
  bool fused;                  /* the add before this RMSNorm runs with it */
  bool shared;                 /* an add whose three gradients are one */
  bool uncached;               /* what a generation from a cache does without */
  /* what else the op must know */
  int64_t heads, size, step;   /* rope, grouped norms: heads of `size` columns, `step` apart */
  int64_t stride;              /* experts: elements between their matrices */
  struct attention_shape attention;
  double probability;          /* dropout */
};

/* STEP_LEAVE, STEP_RETURN: a copy of a value to host memory and back begins; STEP_LEFT, STEP_RETURNED: what follows waits for those
 * that began with its slot (plan_offload.h) */
enum step_kind { STEP_FORWARD, STEP_AGAIN, STEP_BACKWARD, STEP_LEAVE, STEP_LEFT, STEP_RETURN, STEP_RETURNED };
struct plan_step {
  int node;             /* of a copy: that which makes the value; of a wait: the one before */
  enum step_kind kind;
  int value, slot;      /* of a copy */
};
static inline bool step_copies(enum step_kind kind) { return kind >= STEP_LEAVE; }

struct plan_settings {
  int64_t B, T;
  bool training;                 /* false: no gradients, and buffers are reused as soon as they are read */
  enum recompute recompute;
  bool offload;                  /* activations leave to host memory between their uses forward and backward */
  const struct backend *backend; /* which will run it: sizes of elements and of the classifier's chunk.  NULL: the CPU's */
};

struct plan {
  struct model_config config;
  int64_t B, T;
  bool training;
  enum recompute recompute;
  const struct backend *backend;
  struct plan_node *nodes;
  int count;
  struct plan_step *steps;
  int step_count;
  int forward_steps;    /* of them, which stand first */
  struct plan_value *values;
  int value_count;
  struct plan_buffer *buffers;
  int buffer_count;
  int logits;           /* buffer of the classifier's chunk */
  int64_t chunk_rows;   /* positions whose logits exist at a time */
  int64_t arena;        /* bytes */
  int64_t host;         /* bytes of host memory for what leaves; 0: nothing does */
};

/* Builds the arrays and lays out the arena; aborts only on our own bugs. */
void plan_init(struct plan *p, const struct model_config *c, const struct parameter_layout *layout, const struct plan_settings *s);
void plan_release(struct plan *p);

/* For architecture.c. */
int plan_value_add(struct plan *p, enum plan_rows rows, int64_t columns);
int plan_value_within(struct plan *p, int base, int64_t column, int64_t columns);
int plan_value_in_place(struct plan *p, int base); /* all of it */
int plan_saved_add(struct plan *p, int64_t elements);
struct plan_node *plan_node_add(struct plan *p, enum plan_op op, const char *name, int layer);

/* For memory.c. */
int plan_buffer_add(struct plan *p, enum buffer_class class, int64_t elements);
void plan_step_add(struct plan *p, int node, enum step_kind kind);
int plan_owner(const struct plan *p, int value, int64_t *column); /* the value that owns the memory, and where in its rows (may be NULL) */
int64_t plan_buffer_bytes(const struct plan *p, const struct plan_buffer *b); /* a multiple of 256 */
int64_t plan_rows(const struct plan *p, enum plan_rows rows, int64_t B, int64_t T);

/* Cost of one pass of a node over B sequences of T: arithmetic, and bytes that must move at least. */
struct plan_cost {
  double flops, bytes;
};
struct plan_cost plan_node_cost(const struct plan *p, const struct plan_node *n, int64_t B, int64_t T, bool backward);
/* Arithmetic of all nodes that run again, as a share of all other arithmetic of a training pass. */
double plan_recompute_share(const struct plan *p);

#endif
