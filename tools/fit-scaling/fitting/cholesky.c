/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/fitting/cholesky.h"

#include <math.h>

bool cholesky_factor(int n, matrix_row m[], double dependent) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double sum = m[i][j], whole = sum;
      for (int k = 0; k < j; k++) sum -= m[i][k] * m[j][k];
      if (i != j) m[i][j] = sum / m[j][j];
      else if (!(sum > dependent * fabs(whole)) || !isfinite(sum)) return false;
      else m[i][i] = sqrt(sum);
    }
  return true;
}

void cholesky_forward(int n, matrix_row l[], double x[]) {
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < i; k++) x[i] -= l[i][k] * x[k];
    x[i] /= l[i][i];
  }
}

void cholesky_backward(int n, matrix_row l[], double x[]) {
  for (int i = n - 1; i >= 0; i--) {
    for (int k = i + 1; k < n; k++) x[i] -= l[k][i] * x[k];
    x[i] /= l[i][i];
  }
}
