/* SPDX-License-Identifier: MIT
 *
 * The table of ops a plan is made of: one line each.  A new op is a line here, its function in op.c (or op_cached.c when a
 * generation computes it from a cache), and a kernel.
 */
#ifndef MODEL_OP_H
#define MODEL_OP_H

#include "common/model/plan.h"

struct execution;
struct pass;

#define OP_OUTPUT (1u << PLAN_INPUTS)

struct op {
  const char *name;
  int (*forward)(struct execution *x, const struct plan_node *n, const struct pass *pass);
  int (*backward)(struct execution *x, const struct plan_node *n, const struct pass *pass); /* NULL: nothing to do */
  struct plan_cost (*cost)(const struct plan *p, const struct plan_node *n, double B, double T, bool backward);
  unsigned reads;           /* what backward reads: bit i for input i, OP_OUTPUT */
  unsigned gradients;       /* inputs that get a gradient */
  unsigned training_inputs; /* inputs that forward reads outside a generation */
  bool in_place;            /* the output lies in input 0, and the gradient is changed in place */
  bool accumulates;         /* backward can add to what is there */
};

extern const struct op ops[PLAN_OPS];

#endif
