/* SPDX-License-Identifier: MIT
 *
 * Runs a plan: owns its arena, the position tables and the token ids on the device, and walks the steps.
 * ids: [B][T] token ids; targets: [B][T], the id that should follow each, -1 where no loss counts.  B and T may be
 * smaller than the plan's in every call but execute_train(); more is an error.  Through a cache B may be larger and T smaller, or
 * the other way round, as long as B T is not.
 */
#ifndef MODEL_EXECUTE_H
#define MODEL_EXECUTE_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/model/cache.h"
#include "common/model/parameters.h"
#include "common/model/plan.h"
#include "common/model/profile.h"

struct execution;

enum { EXECUTION_SLOTS = 4 }; /* the first ones of struct backend's copies belong to activations that leave */

/* `positions`: length of the position tables, at least T.  The plan and the parameters must outlive it.  Products are fp32. */
int execution_new(struct execution **x, const struct plan *plan, struct parameters *p, int64_t positions, struct err *e);
void execution_free(struct execution *x);
void execution_profile(struct execution *x, struct profile *profile); /* NULL: none */
void execution_type(struct execution *x, enum matmul_type type);      /* of the products */
void execution_z_loss(struct execution *x, double coefficient);       /* the gradient is that of loss + coefficient log(Z)^2 */
void execution_dropout_key(struct execution *x, uint64_t key);        /* of the next execute_train(): which elements are dropped */

/* Forward and backward: gradient_scale times the gradient of the summed loss is added to the gradients of the parameters, or,
 * with `first`, replaces them.  The summed loss (nats) of sequence b is added to losses[b]. */
int execute_train(struct execution *x, const int32_t *ids, const int32_t *targets, double gradient_scale, bool first, double *losses, struct err *e);

/* Adds the summed loss of sequence b to losses[b]. */
int execute_evaluate(struct execution *x, int64_t B, int64_t T, const int32_t *ids, const int32_t *targets, double *losses, struct err *e);

/* logits: host memory [B][T][V], or [B][V] of the last position when last_only. */
int execute_logits(struct execution *x, int64_t B, int64_t T, const int32_t *ids, bool last_only, real *logits, struct err *e);

/* T more positions of the B sequences in the slots first_slot .. first_slot + B - 1 of the cache, whose `past` grows.
 * logits: host memory [B][V] of the last position; NULL: not wanted. */
int execute_extend(struct execution *x, struct cache *cache, int64_t first_slot, int64_t B, int64_t T, const int32_t *ids, real *logits, struct err *e);
/* The same, with the logits on the device. */
int execute_extend_left(struct execution *x, struct cache *cache, int64_t first_slot, int64_t B, int64_t T, const int32_t *ids, stored *logits, struct err *e);

#endif
