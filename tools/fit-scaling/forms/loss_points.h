/* SPDX-License-Identifier: MIT
 *
 * Runs as the laws of loss see them: logarithms of params, tokens and loss; and what those laws have in common.
 */
#ifndef FIT_SCALING_LOSS_POINTS_H
#define FIT_SCALING_LOSS_POINTS_H

#include <stddef.h>

#include "tools/fit-scaling/fitting/curve.h"
#include "tools/fit-scaling/forms/form.h"
#include "tools/fit-scaling/table/runs.h"

struct loss_points {
  size_t count;
  double *log_params, *log_tokens; /* [count], less the centres: this takes most of the correlation out of factors and exponents */
  double *log_loss;
  double centre_params, centre_tokens; /* the means of the logarithms, until moved */
  double lowest, highest;              /* of log_loss */
};

void loss_points_init(struct loss_points *p, const struct runs *runs);
void loss_points_release(struct loss_points *p);

/* Moves a centre: to 0 the factor of a power law is itself a coordinate, and can be fixed while its exponent is free. */
void loss_points_centre_params(struct loss_points *p, double centre);
void loss_points_centre_tokens(struct loss_points *p, double centre);

/* NULL when the points of weight above 0 hold at least so many different (params, tokens), params and tokens; else what is missing. */
const char *loss_points_missing(const struct loss_points *p, const double *weight, int pairs, int params, int tokens);

/* Whether all points of weight above 0 lie on one line of log params and log tokens, as with equal tokens per parameter. */
bool loss_points_on_a_line(const struct loss_points *p, const double *weight);

/* Whether they all have nearly the same tokens per parameter. */
bool loss_points_equal_ratio(const struct loss_points *p, const double *weight);

/* ---- coordinates */

/* The irreducible loss is zero for all purposes where log E is this much below the lowest log loss. */
enum { LOG_E_BELOW = 25 };

/* E of the fit's coordinate log E: where it is 0 for all purposes, 0 if it was fixed there, else marked as at its bound, for the
 * slope is 0 long before the bound. */
double loss_points_irreducible(const struct loss_points *p, const struct curve *c, struct fit *fit, int coordinate);

/* The own data of a form that is one curve through loss points and nothing more, and its release(). */
struct loss_curve {
  struct loss_points runs;
  struct curve curve;
};
void loss_curve_release(struct form_data *d);

/* ---- the estimate of a form that fits one curve (d->curve) to loss points */

enum { LOSS_STARTS_MAX = 24, NO_LOG_E = -1 };

/* Sets from[] to thetas where descents start, LOSS_STARTS_MAX at most; returns how many. */
typedef int loss_points_starts(double (*from)[PARAMETERS_MAX], const struct form_data *d, const double *weight);

/* As the form's estimate().  log_e: the coordinate of log E, or NO_LOG_E. */
void loss_points_estimate(struct fit *fit, const struct form_data *d, const double *weight, const double *start, const struct loss_points *p, int log_e,
                          loss_points_starts *starts);

#endif
