/* SPDX-License-Identifier: MIT
 *
 * Fits a family of smooth curves to weighted points by minimising the sum over points of weight * rho(target - value).
 *
 *   huber    rho(r) = r^2/2 where |r| <= delta, else delta (|r| - delta/2); delta 1e-3 as in Hoffmann et al. 2022
 *   l1       rho(r) = |r|
 *   squares  rho(r) = r^2
 *
 * A form of law (forms/) says what a curve is: its coordinates theta, chosen so that they are nearly independent, the value
 * at a point with exact first and second derivatives, and bounds.  A coordinate whose bounds are equal is fixed.
 */
#ifndef FIT_SCALING_CURVE_H
#define FIT_SCALING_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARAMETERS_MAX = 64, HESSIAN_MAX = PARAMETERS_MAX * (PARAMETERS_MAX + 1) / 2 };

enum objective { OBJECTIVE_HUBER, OBJECTIVE_L1, OBJECTIVE_SQUARES };

struct fit_options {
  enum objective objective;
  double delta; /* of huber */
  int jobs;     /* threads for sums over many points; they do not change the sums.  0 stands for 1 */
};

struct curve {
  int parameters;
  size_t count;
  const double *target; /* [count] */
  double low[PARAMETERS_MAX], high[PARAMETERS_MAX];
  double longest[PARAMETERS_MAX]; /* a descent's longest step in each coordinate: where the quadratic says nothing any more */
  /* The value at point i.  gradient NULL: only that.  Else gradient[parameters] and the lower triangle of the Hessian by
   * rows, hessian[i (i + 1) / 2 + j] for j <= i, are set. */
  double (*value)(const void *context, size_t i, const double theta[], double gradient[], double hessian[]);
  const void *context;
  /* NULL, or a function of theta that descents add to the objective: its value, with its derivatives added to gradient and
   * hessian.  A fit's `objective` is without it. */
  double (*term)(const void *term_context, const double theta[], double gradient[], double hessian[]);
  const void *term_context;
};

struct fit {
  double theta[PARAMETERS_MAX];     /* a start for other weights of the same points */
  double parameter[PARAMETERS_MAX]; /* as the form names them; set by the form */
  double objective;
  bool converged;
  uint64_t at_bound;   /* bit i: parameter i lies on a bound that is not a fixed one: the data do not determine it */
  int starts, reached; /* polished starts, and how many of them ended at this optimum (relative 1e-6) */
  double condition;    /* ratio of the singular values of the values' Jacobian with unit columns; 1 where unknown */
};

/* Fixes a coordinate, unless theta is not a number. */
void curve_fix(struct curve *c, int coordinate, double theta);
bool curve_is_free(const struct curve *c, int coordinate);
int curve_free_count(const struct curve *c);

/* weight NULL: 1 each.  Points of weight 0 are not looked at. */
double curve_objective(const struct curve *c, const double theta[], const double *weight, const struct fit_options *options);

/* Descends from `start` alone: sets theta, objective, converged and at_bound (of coordinates). */
void curve_polish(struct fit *fit, const struct curve *c, const double *weight, const struct fit_options *options, const double start[]);

/* Polishes the starts start[count][PARAMETERS_MAX], keeps the best, sets all but `parameter`. */
void curve_fit(struct fit *fit, const struct curve *c, const double *weight, const struct fit_options *options,
               const double (*start)[PARAMETERS_MAX], int count);

#endif
