/* SPDX-License-Identifier: MIT
 *
 * Order statistics.
 */
#ifndef FIT_SCALING_ORDER_H
#define FIT_SCALING_ORDER_H

#include <stddef.h>

void order_ascending(double *values, size_t n);

/* Of values in ascending order, n above 0; between two of them it interpolates linearly. */
double order_quantile(const double *sorted, size_t n, double fraction);

/* Sorts them; n above 0. */
double order_median(double *values, size_t n);

#endif
