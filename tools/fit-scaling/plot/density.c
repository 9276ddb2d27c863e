/* SPDX-License-Identifier: MIT
 *
 * Points are spread bilinearly over a grid, which a normal kernel then smooths along both axes (Silverman's bandwidth, from the
 * interquartile range).  The level is the density that the given share of the points reach; marching squares draws it.
 */
#include "tools/fit-scaling/plot/density.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/order.h"
#include "tools/fit-scaling/plot/svg.h"

enum { GRID = 96 };

struct field {
  double low[2], step[2];
  double density[GRID][GRID]; /* [y][x] */
};

/* Silverman 1986, section 4.3, two dimensions: n^(-1/6) times the scale. */
static double bandwidth(const double *sorted, size_t n) {
  double scale = (sorted[(n - 1) * 3 / 4] - sorted[(n - 1) / 4]) / 1.349;
  return scale * pow((double)n, -1.0 / 6);
}

static void smooth(struct field *f, double width, int axis) {
  double kernel[GRID], line[GRID];
  for (int i = 0; i < GRID; i++) kernel[i] = exp(-.5 * pow(i / width, 2));
  for (int a = 0; a < GRID; a++) {
    for (int i = 0; i < GRID; i++) line[i] = axis ? f->density[i][a] : f->density[a][i];
    for (int i = 0; i < GRID; i++) {
      double sum = 0;
      for (int j = 0; j < GRID; j++) sum += kernel[abs(i - j)] * line[j];
      *(axis ? &f->density[i][a] : &f->density[a][i]) = sum;
    }
  }
}

/* The cell of a point and its place in it, 0 to 1; false outside the grid. */
static bool locate(const struct field *f, int axis, double value, int *cell, double *part) {
  double at = (value - f->low[axis]) / f->step[axis];
  if (!(at >= 0 && at < GRID - 1)) return false;
  *cell = (int)at;
  *part = at - *cell;
  return true;
}

static double density_at(const struct field *f, double x, double y) {
  int i, j;
  double u, v;
  if (!locate(f, 0, x, &i, &u) || !locate(f, 1, y, &j, &v)) return 0;
  return (1 - v) * ((1 - u) * f->density[j][i] + u * f->density[j][i + 1]) + v * ((1 - u) * f->density[j + 1][i] + u * f->density[j + 1][i + 1]);
}

static void spread(struct field *f, const double *x, const double *y, size_t n) {
  for (size_t k = 0; k < n; k++) {
    int i, j;
    double u, v;
    if (!locate(f, 0, x[k], &i, &u) || !locate(f, 1, y[k], &j, &v)) continue;
    f->density[j][i] += (1 - u) * (1 - v);
    f->density[j][i + 1] += u * (1 - v);
    f->density[j + 1][i] += (1 - u) * v;
    f->density[j + 1][i + 1] += u * v;
  }
}

/* Marching squares: in each cell, the points where the level crosses its edges, in order, joined two by two. */
static void outline(struct buffer *out, const char *class, const struct field *f, double level) {
  struct svg_path path = svg_path_begin(out, class);
  for (int j = 0; j + 1 < GRID; j++)
    for (int i = 0; i + 1 < GRID; i++) {
      static const int corner[5][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}};
      double crossing[4][2];
      int count = 0;
      for (int e = 0; e < 4; e++) {
        const int *a = corner[e], *b = corner[e + 1];
        double from = f->density[j + a[1]][i + a[0]] - level, to = f->density[j + b[1]][i + b[0]] - level;
        if ((from < 0) == (to < 0)) continue;
        double t = from / (from - to);
        crossing[count][0] = f->low[0] + f->step[0] * (i + a[0] + t * (b[0] - a[0]));
        crossing[count++][1] = f->low[1] + f->step[1] * (j + a[1] + t * (b[1] - a[1]));
      }
      for (int c = 0; c + 1 < count; c += 2) {
        svg_path_lift(&path);
        svg_path_to(&path, crossing[c][0], crossing[c][1]);
        svg_path_to(&path, crossing[c + 1][0], crossing[c + 1][1]);
      }
    }
  svg_path_end(&path, false);
}

void density_contour(struct buffer *out, const char *class, const double *x, const double *y, size_t n, double share) {
  struct field *f = NEW(struct field);
  double *point[2] = {NEW_ARRAY(double, n + 1), NEW_ARRAY(double, n + 1)}, *sorted = NEW_ARRAY(double, n + 1), width[2] = {0};
  size_t count = 0;
  for (size_t i = 0; i < n; i++)
    if (isfinite(x[i]) && isfinite(y[i])) point[0][count] = x[i], point[1][count++] = y[i];
  for (int axis = 0; axis < 2 && count > 0; axis++) {
    memcpy(sorted, point[axis], count * sizeof *sorted);
    order_ascending(sorted, count);
    width[axis] = bandwidth(sorted, count);
    double low = sorted[count / 200], high = sorted[count - 1 - count / 200]; /* a stray draw must not coarsen the grid */
    f->low[axis] = low - 4 * width[axis];
    f->step[axis] = (high - low + 8 * width[axis]) / (GRID - 1);
  }
  if (width[0] > 0 && width[1] > 0) {
    spread(f, point[0], point[1], count);
    for (int axis = 0; axis < 2; axis++) smooth(f, width[axis] / f->step[axis], axis);
    for (size_t i = 0; i < count; i++) sorted[i] = density_at(f, point[0][i], point[1][i]);
    order_ascending(sorted, count);
    double at = (1 - share) * (double)(count - 1);
    outline(out, class, f, sorted[(size_t)at]);
  }
  free(point[0]);
  free(point[1]);
  free(sorted);
  free(f);
}
