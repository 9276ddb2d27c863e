/* SPDX-License-Identifier: MIT
 *
 * Cholesky's factorisation of the scaled normal matrix; a pivot below 1e-11 of its column means dependence.
 */
#include "tools/fit-scaling/fitting/linear.h"

#include <math.h>

#include "tools/fit-scaling/fitting/cholesky.h"

static const double dependent = 1e-11;

void linear_add(struct linear *l, const double x[], double y, double weight) {
  for (int i = 0; i < l->unknowns; i++) {
    double wx = weight * x[i];
    l->right[i] += wx * y;
    for (int j = 0; j <= i; j++) l->normal[i][j] += wx * x[j];
  }
}

bool linear_solve(const struct linear *l, double solution[]) {
  matrix_row factor[LINEAR_MAX];
  double length[LINEAR_MAX], y[LINEAR_MAX];
  int k = l->unknowns;
  for (int i = 0; i < k; i++) {
    if (!(l->normal[i][i] > 0)) return false;
    length[i] = sqrt(l->normal[i][i]);
    y[i] = l->right[i] / length[i];
    for (int j = 0; j <= i; j++) factor[i][j] = l->normal[i][j] / (length[i] * length[j]);
  }
  if (!cholesky_factor(k, factor, dependent)) return false;
  cholesky_forward(k, factor, y);
  cholesky_backward(k, factor, y);
  for (int i = 0; i < k; i++) solution[i] = y[i] / length[i];
  return true;
}

bool linear_line(double c[2], double *mean, const double *x, const double *y, const double *weight, int n) {
  struct linear l = {.unknowns = 2};
  double sum = 0, total = 0;
  for (int i = 0; i < n; i++) {
    double w = weight ? weight[i] : 1;
    sum += w * x[i];
    total += w;
  }
  *mean = sum / total;
  for (int i = 0; i < n; i++) linear_add(&l, (double[]){1, x[i] - *mean}, y[i], weight ? weight[i] : 1);
  return linear_solve(&l, c);
}
