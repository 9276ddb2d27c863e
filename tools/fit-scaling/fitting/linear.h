/* SPDX-License-Identifier: MIT
 *
 * Weighted linear least squares with a few unknowns, by normal equations with unit columns: columns should be centred by whoever adds them.
 */
#ifndef FIT_SCALING_LINEAR_H
#define FIT_SCALING_LINEAR_H

#include <stdbool.h>

enum { LINEAR_MAX = 8 };

struct linear { /* zeroed, then unknowns is set */
  int unknowns;
  double normal[LINEAR_MAX][LINEAR_MAX], right[LINEAR_MAX];
};

void linear_add(struct linear *l, const double x[], double y, double weight);
/* false: the rows do not determine the unknowns. */
bool linear_solve(const struct linear *l, double solution[]);

/* y = c[0] + c[1] (x - *mean) over n points; weight NULL: 1 each, points of weight 0 do not count. */
bool linear_line(double c[2], double *mean, const double *x, const double *y, const double *weight, int n);

#endif
