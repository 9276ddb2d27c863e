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

struct execution {
  const struct plan *plan;
  struct parameters *parameters;
  const struct backend *backend;
  enum matmul_type type;
  real *arena, *losses;       /* losses: [rows] */
  real *cosine, *sine;        /* [positions][rope_dim / 2]; NULL without rotary layers */
  real *sinusoids;            /* [positions][C]; NULL unless that is how positions are told */
  real **filters;             /* of Hyena layers, [positions][C], made when a generation first asks; NULL: not yet */
  int32_t *ids, *targets;     /* [rows] */
  int64_t positions;
  real *scratch;              /* for generations with latent attention or Hyena */
  size_t scratch_bytes;
  real *host_losses;          /* [rows] */
  bool *cleared;              /* of each tensor: its gradient is added to from zero, not overwritten by one product */
  double z;                   /* coefficient of z-loss */
  uint64_t dropout_key;
  struct profile *profile;
  struct kernel_error error;
};

/* What one pass does: how many rows, and what stands in for the training defaults. */
struct pass {
  int64_t B, T;
  bool gradient, first;       /* first: gradients are overwritten where one node alone writes them */
  real gradient_scale;
  struct cache *cache;        /* NULL: none */
  int64_t first_slot;
  double *losses;             /* NULL: no loss, then: */
  real *logits;               /* host; NULL: none */
  bool last_only;
  bool again;                 /* values are read and written where the backward pass has them */
};

/* Where a value of this pass lies, its gradient, a kept buffer; NULL for -1. */
real *execution_value(const struct execution *x, const struct pass *pass, int value);
real *execution_gradient(const struct execution *x, int value);
real *execution_saved(const struct execution *x, int buffer);
/* At least this many bytes, valid until the next call. */
real *execution_scratch(struct execution *x, size_t bytes);

#endif
