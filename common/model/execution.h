/* SPDX-License-Identifier: MIT
 *
 * What the ops of a running plan see.  Private to op*.c and execute.c.
 */
#ifndef MODEL_EXECUTION_H
#define MODEL_EXECUTION_H

#include "common/model/cache.h"
#include "common/model/execute.h"
#include "common/model/parameters.h"
#include "common/model/plan.h"

/* A training pass that the device has recorded, with what it holds for. */
struct recorded_pass {
  void *graph;                /* NULL: none */
  bool seen;                  /* it has run step by step, so that the ops have the memory they want */
  real gradient_scale;
  double z;
  enum matmul_type type;
};

struct execution {
  const struct plan *plan;
  struct parameters *parameters;
  const struct backend *backend;
  enum matmul_type type;
  char *arena;
  char *host;                 /* what leaves the arena; NULL: nothing does */
  real *losses;               /* [rows] */
  real *cosine, *sine;        /* [positions][rope_dim / 2]; NULL without rotary layers */
  stored *sinusoids;          /* [positions][C]; NULL unless that is how positions are told */
  stored **filters;           /* of Hyena layers, [positions][C], made when a generation first asks; NULL: not yet */
  int32_t *ids, *targets;     /* [rows] */
  int64_t *past;              /* [rows]: positions that a cache holds of each sequence of this pass */
  int64_t positions;
  stored *scratch;             /* for generations with latent attention or Hyena */
  size_t scratch_bytes;
  real *host_losses;          /* [rows] */
  bool *cleared;              /* of each tensor: its gradient is added to from zero, not overwritten by one product */
  double z;                   /* coefficient of z-loss */
  uint64_t dropout_key;
  struct profile *profile;
  struct recorded_pass recorded[2]; /* of a training pass that adds to the gradients, of one that begins them */
  bool fixed;                 /* no op of a training pass has arguments that change from one to the next */
  struct kernel_error error;
};

/* What one pass does: how many rows, and what stands in for the training defaults. */
struct pass {
  int64_t B, T;
  bool gradient, first;       /* first: gradients are overwritten where one node alone writes them */
  real gradient_scale;
  struct cache *cache;        /* NULL: none */
  int64_t first_slot, longest; /* of the cache; positions that the longest of the sequences has after this pass */
  struct cache_pages pages;   /* of the first of them */
  double *losses;             /* NULL: no loss, then: */
  real *logits;               /* host; NULL: none */
  stored *left;               /* on the device, where logits stay; NULL: none */
  bool last_only;
  bool again;                 /* values are read and written where the backward pass has them */
};

/* Where a value of this pass lies, its gradient, a kept buffer; NULL for -1. */
stored *execution_value(const struct execution *x, const struct pass *pass, int value);
stored *execution_gradient(const struct execution *x, int value);
real *execution_saved(const struct execution *x, int buffer);
stored *execution_logits(const struct execution *x);
/* One step of the plan; a pass without gradient runs the forward ones. */
int execution_step(struct execution *x, const struct plan_step *s, struct pass *pass);
/* At least this many stored elements, valid until the next call. */
stored *execution_scratch(struct execution *x, int64_t elements);

#endif
