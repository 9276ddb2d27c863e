/* SPDX-License-Identifier: MIT
 *
 * Elimination over every subset of unknowns: exact, and k is at most 4.
 */
#include "tools/fit-scaling/fitting/least_squares.h"

#include <math.h>
#include <string.h>

/* Solves for the unknowns in `index`; false when the matrix is singular or a solution is negative. */
static bool solve(int k, const int index[], double y[], const double m[UNKNOWNS_MAX][UNKNOWNS_MAX], const double r[]) {
  double t[UNKNOWNS_MAX][UNKNOWNS_MAX + 1];
  for (int i = 0; i < k; i++) {
    for (int j = 0; j < k; j++) t[i][j] = m[index[i]][index[j]];
    t[i][k] = r[index[i]];
  }
  for (int i = 0; i < k; i++) { /* positive definite: no pivoting needed */
    if (!(t[i][i] > 1e-12 * m[index[i]][index[i]])) return false;
    for (int j = i + 1; j < k; j++) {
      double factor = t[j][i] / t[i][i];
      for (int c = i; c <= k; c++) t[j][c] -= factor * t[i][c];
    }
  }
  for (int i = k - 1; i >= 0; i--) {
    double sum = t[i][k];
    for (int c = i + 1; c < k; c++) sum -= t[i][c] * y[index[c]];
    y[index[i]] = sum / t[i][i];
    if (!(y[index[i]] >= 0)) return false;
  }
  return true;
}

bool nonnegative_least_squares(int k, double x[], const double m[UNKNOWNS_MAX][UNKNOWNS_MAX], const double r[]) {
  double best = INFINITY;
  for (int subset = (1 << k) - 1; subset > 0; subset--) {
    double y[UNKNOWNS_MAX] = {0}, value = 0;
    int index[UNKNOWNS_MAX], n = 0;
    for (int i = 0; i < k; i++)
      if (subset >> i & 1) index[n++] = i;
    if (!solve(n, index, y, m, r)) continue;
    for (int i = 0; i < k; i++) { /* the sum of squares less a constant */
      value -= 2 * y[i] * r[i];
      for (int j = 0; j < k; j++) value += y[i] * y[j] * m[i][j];
    }
    if (value < best) best = value, memcpy(x, y, sizeof *y * (size_t)k);
  }
  return best < INFINITY;
}

bool held_least_squares(int k, double x[], const double m[UNKNOWNS_MAX][UNKNOWNS_MAX], const double r[], const double held[]) {
  double open_m[UNKNOWNS_MAX][UNKNOWNS_MAX] = {{0}}, open_r[UNKNOWNS_MAX] = {0}, y[UNKNOWNS_MAX] = {0};
  int open[UNKNOWNS_MAX], n = 0;
  for (int i = 0; i < k; i++)
    if (isnan(held[i])) open[n++] = i;
  for (int i = 0; i < n; i++) {
    open_r[i] = r[open[i]];
    for (int j = 0; j < n; j++) open_m[i][j] = m[open[i]][open[j]];
    for (int j = 0; j < k; j++)
      if (!isnan(held[j])) open_r[i] -= m[open[i]][j] * held[j];
  }
  if (n > 0 && !nonnegative_least_squares(n, y, open_m, open_r) && n == k) return false; /* beside what is held, all may be 0 */
  for (int i = 0; i < k; i++) x[i] = held[i];
  for (int i = 0; i < n; i++) x[open[i]] = y[i];
  return true;
}
