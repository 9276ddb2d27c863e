/* SPDX-License-Identifier: MIT
 *
 * Which further runs would tell most about the loss of a planned run: a c-optimal design (Elfving 1952; Pukelsheim 2006).
 *
 * Around the fitted law the variance of the predicted log loss is c' M^-1 c times that of one run's scatter, M the sum of
 * g g' over the runs, g and c the gradients of the predicted log loss by the law's parameters at a run and at the plan.
 * Among runs that can be afforded those are chosen, one after the other and then exchanged one by one as long as it helps
 * (Fedorov 1972), that make it smallest.  Two of them are never nearly the same, though repeating one may look best: the law is
 * only nearly true.  The ratio of the new to the old deviation also tells how much narrower the
 * interval will be.
 */
#ifndef FIT_SCALING_DESIGN_H
#define FIT_SCALING_DESIGN_H

#include "tools/fit-scaling/study/study.h"

enum { DESIGN_MOST = 16 };

struct design_options {
  int runs;              /* at most DESIGN_MOST */
  double flops;          /* of each of them at most */
  double tokens;         /* of each at most: the data there is, INFINITY: no limit */
};

struct design {
  int count;             /* 0: no run helps, or none is affordable */
  double N[DESIGN_MOST], D[DESIGN_MOST];
  double shrink;         /* deviation of the prediction after all of them, over the one now */
};

/* Candidates have at least the smallest size and length of the fitted runs, as many or few tokens a parameter, and any size and
 * length that the FLOPs allow.  Of those within 1% of the best the cheapest is taken. */
void design_next(struct design *design, const struct study *s, const struct run *target, const struct design_options *options);

#endif
