/* SPDX-License-Identifier: MIT
 *
 * A cell is a local minimum when none of its neighbours, along and across the axes, is lower.  Where a term is 0 its exponent
 * does not matter: of such equal neighbours one is enough, the others come last.
 */
#include "tools/fit-scaling/fitting/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

enum rank { LOCAL, DESCENDING, REPEATED }; /* a local minimum; none; as good as an earlier neighbour */

struct candidate {
  double value;
  enum rank rank;
  int cell;
};

typedef double theta_row[PARAMETERS_MAX];

void grid_init(struct grid *g, int axes, const int size[]) {
  *g = (struct grid){.axes = axes, .cells = 1};
  for (int a = 0; a < axes; a++) g->cells *= g->size[a] = size[a];
  g->value = NEW_ARRAY(double, g->cells);
  g->theta = NEW_ARRAY(theta_row, g->cells);
  for (int c = 0; c < g->cells; c++) g->value[c] = INFINITY;
}

void grid_release(struct grid *g) {
  free(g->value);
  free(g->theta);
  *g = (struct grid){0};
}

void grid_position(const struct grid *g, int cell, int position[]) {
  for (int a = g->axes - 1; a >= 0; a--) position[a] = cell % g->size[a], cell /= g->size[a];
}

static enum rank rank_of(const struct grid *g, int cell) {
  enum rank rank = LOCAL;
  int position[AXES_MAX], neighbours = 1;
  grid_position(g, cell, position);
  for (int a = 0; a < g->axes; a++) neighbours *= 3;
  for (int code = 0; code < neighbours; code++) {
    int other = 0, rest = code;
    bool inside = true;
    for (int a = 0; a < g->axes; a++, rest /= 3) {
      int at = position[a] + rest % 3 - 1;
      inside &= at >= 0 && at < g->size[a];
      other = other * g->size[a] + at;
    }
    if (!inside) continue;
    if (fabs(g->value[other] - g->value[cell]) <= 1e-9 * g->value[cell]) rank = other < cell ? REPEATED : rank;
    else if (g->value[other] < g->value[cell] && rank == LOCAL) rank = DESCENDING;
  }
  return rank;
}

static int by_promise(const void *x, const void *y) {
  const struct candidate *a = x, *b = y;
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  if (a->value != b->value) return a->value < b->value ? -1 : 1;
  return a->cell - b->cell;
}

int grid_starts(const struct grid *g, double (*start)[PARAMETERS_MAX], int max) {
  struct candidate *candidates = NEW_ARRAY(struct candidate, g->cells);
  int count = 0;
  for (int c = 0; c < g->cells; c++)
    if (g->value[c] < INFINITY) candidates[count++] = (struct candidate){g->value[c], rank_of(g, c), c};
  qsort(candidates, (size_t)count, sizeof *candidates, by_promise);
  if (count > max) count = max;
  for (int i = 0; i < count; i++) memcpy(start[i], g->theta[candidates[i].cell], sizeof start[i]);
  free(candidates);
  return count;
}
