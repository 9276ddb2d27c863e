/* SPDX-License-Identifier: MIT
 *
 * Quantiles and medians of a few values.
 */
#include "tools/fit-scaling/fitting/order.h"

#include "tests/tap.h"

int main(void) {
  double values[] = {5, -1, 3, 1};
  order_ascending(values, 4);
  ok(values[0] == -1 && values[1] == 1 && values[2] == 3 && values[3] == 5, "ascending");
  ok(order_quantile(values, 4, 0) == -1 && order_quantile(values, 4, 1) == 5, "the ends");
  ok(order_quantile(values, 4, .5) == 2 && order_quantile(values, 4, .25) == .5, "between values it interpolates");
  ok(order_quantile(values, 1, .3) == -1, "of one value every quantile is that value");
  ok(order_median((double[]){9, 2, 4}, 3) == 4 && order_median((double[]){9, 2, 4, 5}, 4) == 4.5, "medians of an odd and an even number");
  return tap_done();
}
