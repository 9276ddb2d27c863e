/* SPDX-License-Identifier: MIT
 *
 * Quantiles against scipy.stats (norm.ppf, norm.cdf, t.ppf, t.cdf).
 */
#include "tools/fit-scaling/intervals/distribution.h"

#include <math.h>

#include "tests/tap.h"

int main(void) {
  ok_near(normal_quantile(.975), 1.959963984540054, 1e-9, "the normal quantile of .975");
  ok_near(normal_quantile(1e-6), -4.753424308822899, 1e-8, "and of 1e-6");
  ok_near(normal_cdf(-2.5), .006209665325776132, 1e-12, "the normal distribution function");
  ok_near(student_quantile(.975, 1), 12.706204736432095, 1e-9, "Student's quantile of .975, 1 degree of freedom");
  ok_near(student_quantile(.975, 2), 4.302652729911275, 1e-9, "2");
  ok_near(student_quantile(.975, 15), 2.131449545559323, 1e-9, "15");
  ok_near(student_quantile(.025, 8), -2.306004135033371, 1e-9, "the lower quantile of 8");
  ok_near(student_quantile(.975, 235), 1.970110, 1e-6, "235");
  ok_near(student_cdf(1.5, 7), .911350756505015, 1e-12, "Student's distribution function of 7");
  ok(student_quantile(.5, 3) == 0 || fabs(student_quantile(.5, 3)) < 1e-12, "the median is 0");
  ok(isinf(student_quantile(1, 3)) && isinf(normal_quantile(0)), "the ends are infinite");
  return tap_done();
}
