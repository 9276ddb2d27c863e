/* SPDX-License-Identifier: MIT
 *
 * The optimiser: its state, and the step that turns gradients into parameters.
 *
 * Muon and SOAP take the matrices of hidden layers, each tensor by itself (q, k and v are three matrices); embeddings, head,
 * norms and biases are AdamW's, as everything is under OPTIMIZER_ADAMW.  A router's balance bias (PARAMETER_BALANCE) moves by
 * balance_rate * sign(mean count - count[e]) (arXiv 2408.15664) whatever the optimiser.
 *
 * Learning rates.  A tensor's is lr times a factor; decoupled weight decay applies to matrices, embeddings and the head.
 * Transfer across widths (muP, arXiv 2203.03466, tables 3 and 8, Adam) with w = width_base / hidden_size, where width_base
 * is the width at which lr was chosen:
 *   AdamW, SOAP   hidden matrices and head lr w (the entries of an update are of size 1, so its norm grows with the inputs);
 *                 embeddings (tied ones too), norms, biases lr
 *   Muon          MUON_ORIGINAL: lr, since all singular values of the update are sqrt(max(1, outputs / inputs)) lr at any width;
 *                 MUON_MATCH_ADAMW: lr sqrt(w), since they are 0.2 sqrt(max(outputs, inputs)) lr
 * w does not enter the product lr * weight_decay.  The initial values that muP asks for are parameters_randomize()'s.
 *
 * The state is one flat array with a layout of its own, whose tensors a checkpoint stores by these names:
 *   AdamW m.TENSOR v.TENSOR; Muon momentum.TENSOR; SOAP m. v. left. right. q_left. q_right. (kernels/soap.h)
 * It lies beside the parameters, or
 *   in host memory   on a GPU: pinned, and visits the device in pieces (kernels/offload.h), the next one comes and the last one
 *                    goes while a kernel works.  AdamW's tensors are cut, Muon's and SOAP's matrices come whole, bases included
 *   in a folder      on the CPU: in an unlinked file, mapped.  A step reads ahead one tensor, and what is done leaves this
 *                    process's memory, so that the state may be larger than it
 */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/parameters.h"
#include "common/model/plan.h"
#include "kernels/muon.h"

#define OPTIMIZER_CHOICES "adamw|muon|soap" /* in the order of: */
enum optimizer_kind { OPTIMIZER_ADAMW, OPTIMIZER_MUON, OPTIMIZER_SOAP };

struct optimizer_settings {
  enum optimizer_kind kind;
  double beta1, beta2, eps;     /* AdamW, SOAP */
  double weight_decay;
  bool decay_embeddings;        /* false: none on PARAMETER_EMBEDDING */
  double matrix_lr;             /* factor on lr for the matrices that Muon and SOAP take */
  double momentum;              /* Muon: */
  bool nesterov;
  enum muon_adjust adjust;
  enum matmul_type type;        /* of Newton-Schulz */
  double shampoo_beta;          /* SOAP: */
  int64_t frequency;
  int64_t longest;              /* sides above it get no basis */
  int64_t width_base;           /* 0: no transfer across widths */
  double balance_rate;
};

/* The published defaults: AdamW 0.9, 0.95, 1e-8, decay 0.1; Muon 0.95, Nesterov, lr matched to AdamW's, fp32;
 * SOAP 0.95, 0.95, bases every 10 steps up to 10,000; balance 1e-3. */
struct optimizer_settings optimizer_defaults(enum optimizer_kind kind);

enum optimizer_home { OPTIMIZER_WITH_PARAMETERS, OPTIMIZER_IN_HOST, OPTIMIZER_IN_FOLDER };
struct optimizer_place {
  enum optimizer_home home;
  const char *folder;           /* OPTIMIZER_IN_FOLDER */
  int64_t piece;                /* OPTIMIZER_IN_HOST: parameters that AdamW takes at a time; 0: as many as make copies efficient */
};

struct optimizer;

/* `p`, with gradients, must outlive it.  place: NULL for with the parameters. */
int optimizer_new(struct optimizer **o, struct parameters *p, const struct optimizer_settings *s, const struct optimizer_place *place, struct err *e);
void optimizer_free(struct optimizer *o);

/* step: 1 for the first.  gradient_scale: of every gradient (clipping); the gradients stay as they are. */
int optimizer_step(struct optimizer *o, int64_t step, double lr, double gradient_scale, struct err *e);

/* *sum += the squares of all gradients; a balance bias has none. */
int optimizer_gradient_squares(const struct optimizer *o, double *sum, struct err *e);

const struct parameter_layout *optimizer_layout(const struct optimizer *o);
real *optimizer_state(const struct optimizer *o);
/* The state is in host memory, which is whole when the backend's synchronize() has returned; false: where the parameters are. */
bool optimizer_in_host(const struct optimizer *o);
int64_t optimizer_bytes(const struct parameter_layout *l, const struct optimizer_settings *s);
/* Of device memory that a state in host memory visits. */
int64_t optimizer_visiting_bytes(const struct parameter_layout *l, const struct optimizer_settings *s);
/* A step without changes of bases, for --profile. */
struct plan_cost optimizer_cost(const struct optimizer *o);

#endif
