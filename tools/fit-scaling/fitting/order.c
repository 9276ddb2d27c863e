/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/fitting/order.h"

#include <stdlib.h>

static int by_value(const void *x, const void *y) {
  double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

void order_ascending(double *values, size_t n) { qsort(values, n, sizeof *values, by_value); }

double order_quantile(const double *sorted, size_t n, double fraction) {
  double at = fraction * (double)(n - 1);
  size_t below = (size_t)at;
  if (below + 1 >= n) return sorted[n - 1];
  return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

double order_median(double *values, size_t n) {
  order_ascending(values, n);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
