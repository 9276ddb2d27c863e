/* SPDX-License-Identifier: MIT
 *
 * Small non-negative least squares: against the best of a fine grid, with unknowns held, and without a solution.
 */
#include "tools/fit-scaling/fitting/least_squares.h"

#include <math.h>

#include "common/base/rng.h"
#include "tests/tap.h"

enum { K = 3, ROWS = 9 };

static double squares(const double a[ROWS][K], const double y[ROWS], const double x[K]) {
  double sum = 0;
  for (int i = 0; i < ROWS; i++) {
    double r = y[i];
    for (int k = 0; k < K; k++) r -= a[i][k] * x[k];
    sum += r * r;
  }
  return sum;
}

/* No small step from x, along one or two unknowns that are not held, lowers the sum: the problem is convex. */
static bool is_lowest(const double a[ROWS][K], const double y[ROWS], const double x[K], const double held[K]) {
  double here = squares(a, y, x);
  for (int code = 0; code < 27; code++) {
    double trial[K];
    int rest = code;
    bool inside = true;
    for (int k = 0; k < K; k++, rest /= 3) {
      trial[k] = x[k] + (isnan(held[k]) ? 1e-4 * (rest % 3 - 1) : 0);
      inside &= trial[k] >= 0 || !isnan(held[k]);
    }
    if (inside && squares(a, y, trial) < here - 1e-12) return false;
  }
  return true;
}

int main(void) {
  struct rng rng;
  rng_init(&rng, 3);
  int lowest = 0, at_zero = 0, kept = 0, cases = 200;
  for (int c = 0; c < cases; c++) {
    double a[ROWS][K], y[ROWS], x[K] = {0}, m[UNKNOWNS_MAX][UNKNOWNS_MAX] = {{0}}, r[UNKNOWNS_MAX] = {0}, held[K] = {NAN, NAN, NAN};
    if (c % 2) held[c / 2 % K] = .7;
    for (int i = 0; i < ROWS; i++) {
      y[i] = rng_normal(&rng);
      for (int k = 0; k < K; k++) a[i][k] = rng_normal(&rng);
      for (int k = 0; k < K; k++) {
        r[k] += a[i][k] * y[i];
        for (int j = 0; j < K; j++) m[k][j] += a[i][k] * a[i][j];
      }
    }
    if (!held_least_squares(K, x, m, r, held)) { /* then zero is the answer for all that are free */
      for (int k = 0; k < K; k++) x[k] = isnan(held[k]) ? 0 : held[k];
    }
    lowest += is_lowest((const double(*)[K])a, y, x, held);
    for (int k = 0; k < K; k++) at_zero += isnan(held[k]) && x[k] == 0, kept += !isnan(held[k]) && x[k] == .7;
  }
  ok_int(lowest, cases, "every solution is the lowest point among those that are not negative");
  ok(at_zero > cases / 4, "many have unknowns at 0: %d", at_zero);
  ok_int(kept, cases / 2, "held unknowns keep their value");
  double flat[UNKNOWNS_MAX][UNKNOWNS_MAX] = {{0}}, none[UNKNOWNS_MAX] = {0}, x[K], all[K] = {1, 2, 3}, no[K] = {NAN, NAN, NAN};
  ok(!held_least_squares(K, x, flat, none, no), "a matrix of zeros has no solution");
  ok(held_least_squares(K, x, flat, none, all) && x[0] == 1 && x[1] == 2 && x[2] == 3, "with all held there is nothing to solve");
  return tap_done();
}
