/* SPDX-License-Identifier: MIT
 *
 * The factor of a small matrix and the systems it solves; matrices that have none.
 */
#include "tools/fit-scaling/fitting/cholesky.h"

#include <math.h>

#include "tests/tap.h"

int main(void) {
  matrix_row m[3] = {{4}, {2, 5}, {-2, 3, 14}};
  double x[] = {2, 15, 49};
  const double full[3][3] = {{4, 2, -2}, {2, 5, 3}, {-2, 3, 14}}, right[] = {2, 15, 49};
  ok(cholesky_factor(3, m, 1e-12) && m[0][0] == 2 && m[1][0] == 1 && m[1][1] == 2 && m[2][0] == -1 && m[2][1] == 2 && m[2][2] == 3, "the factor");
  cholesky_forward(3, m, x);
  cholesky_backward(3, m, x);
  bool solved = true;
  for (int i = 0; i < 3; i++) solved &= fabs(full[i][0] * x[0] + full[i][1] * x[1] + full[i][2] * x[2] - right[i]) < 1e-12;
  ok(solved, "the solution: %g %g %g", x[0], x[1], x[2]);

  matrix_row tied[2] = {{1}, {1, 1 + 1e-10}};
  ok(!cholesky_factor(2, tied, 1e-9), "a row that follows from another one");
  matrix_row nearly[2] = {{1}, {1, 1 + 1e-10}};
  ok(cholesky_factor(2, nearly, 1e-12), "as strict as is asked for");
  ok(!cholesky_factor(2, (matrix_row[2]){{1}, {2, 1}}, 0), "an indefinite matrix");
  ok(!cholesky_factor(1, (matrix_row[1]){{NAN}}, 0) && !cholesky_factor(1, (matrix_row[1]){{INFINITY}}, 0), "what is not finite");
  return tap_done();
}
