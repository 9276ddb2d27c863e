/* SPDX-License-Identifier: MIT
 *
 * A grid of points where descents of a curve may start.  The most promising are its local minima, the lowest first, then the
 * lowest of the rest, cells that only repeat a neighbour at the very end: two starts in one basin would tell no more than one.
 */
#ifndef FIT_SCALING_GRID_H
#define FIT_SCALING_GRID_H

#include "tools/fit-scaling/fitting/curve.h"

enum { AXES_MAX = 4 };

struct grid {
  int axes, size[AXES_MAX]; /* cells are in row-major order: the last axis runs fastest */
  int cells;
  double *value;                   /* [cells] the objective there, or something like it; infinite: no start */
  double (*theta)[PARAMETERS_MAX]; /* [cells] */
};

void grid_init(struct grid *g, int axes, const int size[]); /* every cell infinite */
void grid_release(struct grid *g);

/* Where the cell stands on each axis. */
void grid_position(const struct grid *g, int cell, int position[]);

/* Sets the most promising start[max]; returns how many. */
int grid_starts(const struct grid *g, double (*start)[PARAMETERS_MAX], int max);

#endif
