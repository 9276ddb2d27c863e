/* SPDX-License-Identifier: MIT
 *
 * Exact lines and planes come back; dependent columns are refused.
 */
#include "tools/fit-scaling/fitting/linear.h"

#include <math.h>

#include "tests/tap.h"

int main(void) {
  struct linear l = {.unknowns = 3}, dependent = {.unknowns = 3}, none = {.unknowns = 2};
  double c[LINEAR_MAX], line[2], mean;
  for (int i = 0; i < 12; i++) {
    double x = i - 5.5, y = (i * 7) % 12 - 5.5;
    linear_add(&l, (double[]){1, x, y}, 3 - 2 * x + .5 * y, 1 + i % 3);
    linear_add(&dependent, (double[]){1, x, 2 * x}, x, 1);
  }
  ok(linear_solve(&l, c), "a plane through twelve points");
  ok_near(c[0], 3, 1e-13, "its height");
  ok_near(c[1], -2, 1e-13, "its first slope");
  ok_near(c[2], .5, 1e-13, "its second slope");
  ok(!linear_solve(&dependent, c), "columns in proportion are refused");
  ok(!linear_solve(&none, c), "no rows are refused");
  ok(linear_line(line, &mean, (double[]){1, 2, 4, 50}, (double[]){5, 7, 11, 0}, (double[]){1, 1, 2, 0}, 4), "a line; a point of weight 0 does not count");
  ok_near(mean, 2.75, 1e-14, "the weighted mean of x");
  ok_near(line[1], 2, 1e-13, "the slope");
  ok_near(line[0], 8.5, 1e-13, "the height at the mean");
  ok(!linear_line(line, &mean, (double[]){3, 3}, (double[]){1, 2}, NULL, 2), "two points one above the other are no line");
  return tap_done();
}
