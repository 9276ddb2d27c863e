/* SPDX-License-Identifier: MIT
 *
 * The steps, liveness and arena of a plan.
 */
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include "common/model/plan.h"

/* Orders the steps, decides what is computed again, gives every value that needs one a gradient, and sets first and last of
 * every buffer. */
void memory_schedule(struct plan *p);
/* The values whose memory a node reads or writes in a step of that kind, gradients aside: those that own it, each once or more
 * often.  Returns how many. */
enum { NODE_VALUES = PLAN_INPUTS + 2 };
int memory_values(const struct plan *p, const struct plan_node *n, enum step_kind kind, int values[NODE_VALUES]);
/* Places the buffers so that no two that live at one step overlap: largest first, each at the lowest free offset
 * (greedy by size, arXiv 2001.03288). */
void memory_layout(struct plan *p);

/* Bytes by class, for --plan, on the device.  arena <= the sum of the classes, because buffers share space. */
struct memory_report {
  int64_t parameters, gradients, optimizer;
  int64_t classes[BUFFER_CLASSES];      /* most that live at one step, each class for itself */
  int64_t arena;
  int64_t total;                        /* parameters + gradients + optimizer + arena */
  int64_t host;                         /* of host memory that activations leave to */
};
/* optimizer: bytes of the optimiser's state. */
void memory_report(const struct plan *p, const struct parameter_layout *layout, int64_t optimizer, struct memory_report *r);

#endif
