/* SPDX-License-Identifier: MIT
 *
 * The training loop: batches of windows become steps of AdamW (arXiv 1711.05101, decay on matrices only), with
 * gradients accumulated over micro-batches and clipped by their global norm.
 */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/comm/comm.h"
#include "common/model/parameters.h"
#include "common/model/plan.h"
#include "common/model/profile.h"
#include "common/train/loader.h"
#include "common/train/schedule.h"

struct recipe {
  int64_t batch, micro_batch, seq;  /* sequences a step, sequences at a time (divides batch), T */
  struct schedule schedule;         /* schedule.steps: the total */
  double beta1, beta2, eps, weight_decay;
  double clip;                      /* largest norm of the gradient; 0: no clipping */
  int64_t eval_every, save_every;   /* steps; 0: only at the end */
};

/* Largest divisor of `batch` whose activations suit the caches of a CPU. */
int64_t recipe_micro_batch(int64_t batch, int64_t seq, int64_t hidden_size);

struct trainer_report {
  int64_t step;             /* done, this one included */
  double lr, loss, grad_norm; /* loss: nats per token, before the update */
  double val_loss;          /* NAN: not evaluated */
  double seconds;           /* this step, without evaluation */
};

struct trainer_observer {   /* any may be NULL; -1 ends the run */
  bool (*stop)(void *context);                                                       /* asked after each step */
  int (*report)(void *context, const struct trainer_report *r, struct err *e);       /* after each step */
  int (*save)(void *context, int64_t step, struct err *e);
  void *context;
};

struct trainer;

/* The parameters (with gradients and moments), the plan of micro_batch x seq, and the loader (may be NULL when only
 * trainer_step is used) must outlive it. */
int trainer_new(struct trainer **t, struct parameters *p, const struct plan *plan, struct loader *l, const struct comm *comm, const struct recipe *r, struct err *e);
void trainer_free(struct trainer *t);
void trainer_profile(struct trainer *t, struct profile *profile);

int64_t trainer_steps_done(const struct trainer *t);

/* One step on `batch` windows of seq+1 tokens.  A loss or gradient that is not finite is an error. */
int trainer_step(struct trainer *t, const uint32_t *windows, struct trainer_report *report, struct err *e);

/* Mean loss over the loader's validation tokens. */
int trainer_evaluate(struct trainer *t, double *loss, struct err *e);

/* Steps until the schedule's end or observer->stop; saves when due and at the end (also when stopped).  *val_loss: after
 * the last step, NAN when stopped.  Returns 0 at the end, 1 when stopped, -1. */
int trainer_run(struct trainer *t, const struct trainer_observer *observer, double *val_loss, struct err *e);

/* Everything but parameters and moments that a resumed run needs: step, loader position.  restore() refuses data
 * other than those the position belongs to. */
json_t *trainer_state(const struct trainer *t);
int trainer_restore(struct trainer *t, const json_t *state, struct err *e);

#endif
