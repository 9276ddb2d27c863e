/* SPDX-License-Identifier: MIT
 *
 * Starts by variable projection on y = c0 + c1 exp(-k t): on the grid the factors are exact, and the best start comes first.
 */
#include "tools/fit-scaling/fitting/projection.h"

#include <math.h>

#include "tests/tap.h"

enum { POINTS = 12 };

static double target[POINTS];

static double value(const void *context, size_t i, const double theta[], double gradient[], double hessian[]) {
  (void)context, (void)gradient, (void)hessian;
  return log(exp(theta[0]) + exp(theta[1] - theta[2] * (double)i));
}

static double terms(const void *context, size_t i, const double exponent[], double term[]) {
  (void)context;
  term[0] = 1;
  term[1] = exp(-exponent[0] * (double)i);
  return exp(target[i]);
}

static void theta_of(const void *context, const double exponent[], const double factor[], double theta[]) {
  (void)context;
  theta[0] = log(factor[0]), theta[1] = log(factor[1]), theta[2] = exponent[0];
}

int main(void) {
  struct curve c = {.parameters = 3, .count = POINTS, .target = target, .low = {-20, -20, 1e-3}, .high = {20, 20, 5}, .value = value};
  struct projection p = {.curve = &c, .axes = 1, .factors = 2, .held = {NAN, NAN}, .terms = terms, .theta = theta_of};
  struct fit_options options = {OBJECTIVE_SQUARES, 1e-3};
  double start[40][PARAMETERS_MAX];
  for (int i = 0; i < POINTS; i++) target[i] = log(2 + 3 * exp(-.4 * i));

  projection_axis(&p, 0, .1, 1.6, 5, NAN); /* .1 .2 .4 .8 1.6 */
  ok(p.size[0] == 5 && fabs(p.axis[0][2] - .4) < 1e-12, "an axis has equal ratios");
  int count = projection_starts(&p, NULL, &options, start, 40);
  ok_int(count, 5, "all cells of the grid are starts when there is room");
  ok(fabs(start[0][0] - log(2)) < 1e-9 && fabs(start[0][1] - log(3)) < 1e-9 && fabs(start[0][2] - .4) < 1e-12, "the first start is the exact law");
  ok_int(projection_starts(&p, NULL, &options, start, 2), 2, "no more starts than asked for");
  double only[POINTS] = {1, 1, 1};
  ok(projection_starts(&p, only, &options, start, 1) == 1 && fabs(start[0][2] - .4) < 1e-12, "points of weight 0 do not count");

  p.held[0] = 2;
  projection_starts(&p, NULL, &options, start, 1);
  ok(fabs(start[0][0] - log(2)) < 1e-12 && fabs(start[0][1] - log(3)) < 1e-9, "a factor can be held");
  projection_axis(&p, 0, .1, 1.6, 5, .8);
  ok(p.size[0] == 1 && projection_starts(&p, NULL, &options, start, 40) == 1 && start[0][2] == .8, "a fixed exponent is an axis of one value");
  projection_even_axis(&p, 0, -1, 1, 5, NAN);
  ok(p.size[0] == 5 && p.axis[0][0] == -1 && p.axis[0][2] == 0 && p.axis[0][4] == 1, "an even axis has equal differences");

  p.held[0] = NAN; /* falling values cannot come from exp(+t): its factor is 0, and its log the bound */
  projection_even_axis(&p, 0, -2, -1, 2, NAN);
  ok(projection_starts(&p, NULL, &options, start, 1) == 1 && start[0][1] == c.low[1], "the logarithm of a factor 0 is at the bound");
  return tap_done();
}
