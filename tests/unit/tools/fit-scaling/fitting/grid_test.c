/* SPDX-License-Identifier: MIT
 *
 * Which cells of a grid descents start from: local minima first, diagonal neighbours and edges looked at.
 */
#include "tools/fit-scaling/fitting/grid.h"

#include <math.h>

#include "tests/tap.h"

static int ranked[32];

/* Sets `ranked` to the cells that start, of values in row-major order. */
static int rank(int axes, const int size[], const double value[], int max) {
  struct grid g;
  double start[32][PARAMETERS_MAX];
  grid_init(&g, axes, size);
  for (int c = 0; c < g.cells; c++) g.value[c] = value[c], g.theta[c][0] = c;
  int count = grid_starts(&g, start, max);
  for (int i = 0; i < count; i++) ranked[i] = (int)start[i][0];
  grid_release(&g);
  return count;
}

int main(void) {
  const double line[] = {5, 2, 3, 4, 1, 6};
  ok(rank(1, (int[]){6}, line, 32) == 6 && ranked[0] == 4 && ranked[1] == 1 && ranked[2] == 2, "local minima, the lowest first, stand before the rest");
  ok(rank(1, (int[]){6}, line, 2) == 2 && ranked[1] == 1, "no more than are asked for");

  const double square[] = {1, 9, 9, /**/ 9, 2, 9, /**/ 9, 9, 3};
  ok(rank(2, (int[]){3, 3}, square, 32) == 9 && ranked[0] == 0 && ranked[1] == 4 && ranked[2] == 8, "of a diagonal only its end is a local minimum");
  const double wrapped[] = {4, 4, 2, /**/ 1, 4, 4};
  ok(rank(2, (int[]){2, 3}, wrapped, 32) == 6 && ranked[0] == 3 && ranked[1] == 2, "the end of a row is no neighbour of the next one's beginning");

  const double holes[] = {INFINITY, NAN, 7, INFINITY};
  ok(rank(1, (int[]){4}, holes, 32) == 1 && ranked[0] == 2, "a cell without a finite value is no start");
  ok(rank(1, (int[]){1}, (double[]){INFINITY}, 32) == 0, "nor is there one in an empty grid");
  const double same[] = {3, 3, 3};
  ok(rank(1, (int[]){3}, same, 32) == 3 && ranked[0] == 0 && ranked[2] == 2, "equal values keep their order");

  struct grid g;
  int position[AXES_MAX];
  grid_init(&g, 3, (int[]){2, 3, 4});
  grid_position(&g, 23, position);
  ok(g.cells == 24 && position[0] == 1 && position[1] == 2 && position[2] == 3, "the last axis runs fastest");
  grid_release(&g);
  return tap_done();
}
