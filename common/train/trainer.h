/* SPDX-License-Identifier: MIT
 *
 * The training loop: batches of windows become steps of the optimiser, with gradients accumulated over micro-batches and
 * clipped by their global norm.
 *
 * Guards.  A step whose loss or norm of the gradient is not finite, or whose norm exceeds `spike` times its running
 * average, leaves the weights and the optimiser as they are; it counts, and the data move on.  max_skips of them in a row
 * end the run with an error.
 *
 * Gradient noise (McCandlish et al. 2018, arXiv 1812.06162, appendix A.1).  The gradients of the first micro-batch of b
 * tokens, g, and of the whole batch of B, G, give unbiased estimates of the squared norm of the true gradient and of the
 * trace of the covariance of the gradient of a token:
 *     signal = (B |G|^2 - b |g|^2) / (B - b)      trace = (|g|^2 - |G|^2) / (1/b - 1/B)
 * Both are noisy, so each is averaged exponentially over steps before trace / signal, the critical batch size in tokens,
 * is taken.  Gradients accumulate, so that after the first micro-batch their sum is g but for a factor: one more sum of
 * squares a step is all it costs.
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
#include "common/train/optimizer.h"
#include "common/train/schedule.h"

#define DTYPE_CHOICES "fp32|bf16|tf32|fp8" /* in the order of enum matmul_type */

struct recipe {
  int64_t batch, micro_batch, seq;  /* sequences a step, sequences at a time (divides batch), T */
  struct schedule schedule;         /* schedule.steps: the total */
  struct optimizer_settings optimizer;
  double clip;                      /* largest norm of the gradient; 0: no clipping */
  double spike;                     /* a norm above this many times its running average skips the step; 0: none does */
  int64_t max_skips;                /* steps skipped in a row that end the run */
  double z_loss;                    /* coefficient (arXiv 2204.02311) */
  enum matmul_type dtype;
  enum recompute recompute;         /* what the plan was made with */
  int64_t eval_every, save_every;   /* steps; 0: only at the end */
  uint64_t seed;                    /* of dropout */
  bool keep_best;                   /* save whenever the validation loss is the lowest yet */
};

/* Largest divisor of `batch` whose activations suit the caches of a CPU. */
int64_t recipe_micro_batch(int64_t batch, int64_t seq, int64_t hidden_size);

enum trainer_skip { TRAINER_TAKEN, TRAINER_SKIP_LOSS, TRAINER_SKIP_NORM, TRAINER_SKIP_SPIKE }; /* loss, norm: not finite */

struct trainer_report {
  int64_t step;             /* done, this one included */
  double lr, loss, grad_norm; /* loss: nats per token, before the update */
  enum trainer_skip skipped;
  int64_t skips;            /* in a row, this one included */
  double norm_average;      /* the running average that --spike compares with; NAN: no step yet */
  double noise_trace, noise_signal, noise_scale; /* averaged; NAN: the step has one micro-batch; noise_scale in tokens */
  double val_loss;          /* NAN: not evaluated */
  const double *losses;     /* of each source of the loader, NAN where none of its windows came; NULL: one source */
  const double *val_losses; /* of each validation set; NULL: one set, or not evaluated */
  double seconds;           /* this step, without evaluation */
};

struct trainer_observer {   /* any may be NULL; -1 ends the run */
  bool (*stop)(void *context);                                                       /* asked after each step */
  int (*report)(void *context, const struct trainer_report *r, struct err *e);       /* after each step */
  int (*save)(void *context, int64_t step, struct err *e);
  void *context;
};

struct trainer;

/* The parameters (with gradients), their optimiser, the plan of micro_batch x seq, and the loader (may be NULL when only
 * trainer_step is used) must outlive it. */
int trainer_new(struct trainer **t, struct parameters *p, struct optimizer *optimizer, const struct plan *plan, struct loader *l, const struct comm *comm, const struct recipe *r, struct err *e);
void trainer_free(struct trainer *t);
void trainer_profile(struct trainer *t, struct profile *profile);

int64_t trainer_steps_done(const struct trainer *t);
int64_t trainer_steps_skipped(const struct trainer *t); /* of them */
double trainer_noise_scale(const struct trainer *t);    /* NAN: unknown */
int64_t trainer_best_step(const struct trainer *t);     /* of the lowest validation loss that was saved; -1: none */

/* One step on `batch` windows of seq+1 tokens; sources: of each window, NULL when there is one.  What the guards skip is
 * reported, not an error. */
int trainer_step(struct trainer *t, const uint32_t *windows, const int32_t *sources, struct trainer_report *report, struct err *e);

/* Mean loss over the loader's validation tokens, and over those of each set (NULL: not wanted; NAN: a set without tokens). */
int trainer_evaluate(struct trainer *t, double *loss, double *losses, struct err *e);

/* Steps until the schedule's end or observer->stop; saves when due, at the best yet, and at the end (also when stopped),
 * but never while the last step's loss or gradient was not finite, for the weights may be to blame.  *val_loss: after the
 * last step, NAN when stopped; val_losses: of each set, may be NULL.  Returns 0 at the end, 1 when stopped, -1. */
int trainer_run(struct trainer *t, const struct trainer_observer *observer, double *val_loss, double *val_losses, struct err *e);

/* Everything but parameters and the optimiser's state that a resumed run needs: step, loader position, averages, best
 * step.  restore() refuses data other than those the position belongs to. */
json_t *trainer_state(const struct trainer *t);
int trainer_restore(struct trainer *t, const json_t *state, struct err *e);
void trainer_forget_best(struct trainer *t); /* for a run that goes on in another folder */

#endif
