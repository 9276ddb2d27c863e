/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/fitting/projection.h"

#include <math.h>

void projection_even_axis(struct projection *p, int axis, double low, double high, int size, double fixed) {
  p->size[axis] = isnan(fixed) ? size : 1;
  for (int i = 0; i < size; i++) p->axis[axis][i] = low + (high - low) * i / (size - 1);
  if (!isnan(fixed)) p->axis[axis][0] = fixed;
}

void projection_axis(struct projection *p, int axis, double low, double high, int size, double fixed) {
  projection_even_axis(p, axis, log(low), log(high), size, NAN);
  for (int i = 0; i < size; i++) p->axis[axis][i] = exp(p->axis[axis][i]);
  if (isnan(fixed)) return;
  p->size[axis] = 1;
  p->axis[axis][0] = fixed;
}

/* Minimises the sum of w (sum_k factor_k term_k - target)^2, relative to the target, over the factors that are not held. */
static bool solve(const struct projection *p, const double exponent[], const double *w, double factor[]) {
  double m[UNKNOWNS_MAX][UNKNOWNS_MAX] = {{0}}, r[UNKNOWNS_MAX] = {0}, term[UNKNOWNS_MAX];
  int k = p->factors;
  for (size_t i = 0; i < p->curve->count; i++) {
    if (w && !(w[i] > 0)) continue;
    double target = p->terms(p->context, i, exponent, term), wi = (w ? w[i] : 1) / (target * target);
    for (int a = 0; a < k; a++) {
      r[a] += wi * term[a] * target;
      for (int b = 0; b <= a; b++) m[a][b] += wi * term[a] * term[b];
    }
  }
  for (int a = 0; a < k; a++)
    for (int b = a + 1; b < k; b++) m[a][b] = m[b][a];
  return held_least_squares(k, factor, m, r, p->held);
}

int projection_starts(const struct projection *p, const double *weight, const struct fit_options *options, double (*start)[PARAMETERS_MAX], int max) {
  const struct curve *curve = p->curve;
  struct grid grid;
  grid_init(&grid, p->axes, p->size);
  for (int c = 0; c < grid.cells; c++) {
    int position[AXES_MAX];
    double exponent[AXES_MAX], factor[UNKNOWNS_MAX], *theta = grid.theta[c];
    grid_position(&grid, c, position);
    for (int a = 0; a < p->axes; a++) exponent[a] = p->axis[a][position[a]];
    if (!solve(p, exponent, weight, factor)) continue;
    p->theta(p->context, exponent, factor, theta);
    for (int i = 0; i < curve->parameters; i++) theta[i] = fmin(fmax(theta[i], curve->low[i]), curve->high[i]); /* the log of a factor 0 is brought to the bound */
    grid.value[c] = curve_objective(curve, theta, weight, options);
  }
  int count = grid_starts(&grid, start, max);
  grid_release(&grid);
  return count;
}
