/* SPDX-License-Identifier: MIT
 *
 * Minima against numpy and scipy (tests/oracle/fit_scaling_minima.py), and points that have none.
 */
#include "tools/fit-scaling/fitting/minimum.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"

enum { N = 9 };

static const double x[N] = {-2.1, -1.625, -1.15, -0.675, -0.2, 0.275, 0.75, 1.225, 1.7};
static const double clean[N] = {3.528226973, 3.451852172, 3.403416139, 3.382310364, 3.388782103, 3.423971237, 3.489977003, 3.58995774, 3.728267965};
static const double noisy[N] = {3.521273907, 3.446505601, 3.397971712, 3.380903896, 3.379531776, 3.423215648, 3.486148087, 3.593532141, 3.732095354};

static void parabola(void) {
  struct minimum m;
  ok(minimum_find(&m, MINIMA_PARABOLA, false, x, clean, NULL, N) == NULL, "a parabola through points without noise");
  ok_near(m.x, -.5711232103, 1e-8, "its place is numpy's");
  ok_near(m.y, 3.379924467, 1e-9, "its height");
  ok_near(m.curvature, .06491430941, 1e-8, "its curvature");
  ok(minimum_find(&m, MINIMA_PARABOLA, false, x, noisy, NULL, N) == NULL, "a parabola through points with noise");
  ok_near(m.x, -.5822715023, 1e-8, "its place is numpy's");
  ok_near(m.curvature, .06576134094, 1e-8, "its curvature");
}

static void spline(void) {
  struct minimum m;
  ok(minimum_find(&m, MINIMA_SPLINE, false, x, clean, NULL, N) == NULL, "a spline through points without noise");
  ok_near(m.x, -.5467972348, 3e-3, "is nearly the natural spline: its place");
  ok_near(m.y, 3.381287747, 3e-4, "its height");
  ok(minimum_find(&m, MINIMA_SPLINE, false, x, noisy, NULL, N) == NULL, "a spline through points with noise");
  ok_near(m.x, -.5075757776, 1e-3, "it is scipy's of the same cross-validation: its place");
  ok_near(m.y, 3.37628295, 1e-5, "its height");
}

static void weights(void) {
  double twice_x[2 * N], twice_y[2 * N], two[N], some[N];
  for (int i = 0; i < N; i++) twice_x[2 * i] = twice_x[2 * i + 1] = x[i], twice_y[2 * i] = noisy[i] - .001, twice_y[2 * i + 1] = noisy[i] + .001, two[i] = 2;
  for (int i = 0; i < N; i++) some[i] = i != 4;
  for (int how = MINIMA_PARABOLA; how <= MINIMA_SPLINE; how++) {
    struct minimum a, b;
    minimum_find(&a, how, false, x, noisy, two, N);
    minimum_find(&b, how, false, twice_x, twice_y, NULL, 2 * N);
    ok(fabs(a.x - b.x) < 1e-9 && fabs(a.y - b.y) < 1e-12, "%s: two runs of one size count as one of weight 2", how ? "spline" : "parabola");
    double few_x[N], few_y[N];
    int n = 0;
    for (int i = 0; i < N; i++)
      if (some[i] > 0) few_x[n] = x[i], few_y[n++] = noisy[i];
    minimum_find(&a, how, true, x, noisy, some, N);
    minimum_find(&b, how, true, few_x, few_y, NULL, (size_t)n);
    ok(a.x == b.x && a.y == b.y, "%s: a run of weight 0 is not there", how ? "spline" : "parabola");
  }
}

static void outlier(void) {
  struct minimum before, plain, robust;
  double spoilt[N];
  memcpy(spoilt, noisy, sizeof spoilt);
  spoilt[5] += .08;
  minimum_find(&before, MINIMA_PARABOLA, true, x, noisy, NULL, N);
  minimum_find(&plain, MINIMA_PARABOLA, false, x, spoilt, NULL, N);
  minimum_find(&robust, MINIMA_PARABOLA, true, x, spoilt, NULL, N);
  ok(fabs(robust.x - before.x) < .4 * fabs(plain.x - before.x), "an outlier moves the robust minimum by %.3f, the plain one by %.3f", robust.x - before.x, plain.x - before.x);
}

static void none(void) {
  for (int how = MINIMA_PARABOLA; how <= MINIMA_SPLINE; how++) {
    struct minimum m;
    const char *name = how ? "spline" : "parabola", *why;
    double falling[N], rising[N], hill[N];
    for (int i = 0; i < N; i++) falling[i] = exp(-x[i]), rising[i] = exp(x[i]), hill[i] = -x[i] * x[i];
    why = minimum_find(&m, how, true, x, falling, NULL, N);
    ok(why && strstr(why, "largest"), "%s: losses that fall: %s", name, why);
    why = minimum_find(&m, how, true, x, rising, NULL, N);
    ok(why && strstr(why, "smallest"), "%s: losses that rise: %s", name, why);
    why = minimum_find(&m, how, true, x, hill, NULL, N);
    ok(why != NULL, "%s: a hill: %s", name, why);
    why = minimum_find(&m, how, true, (double[]){1, 1, 2, 2}, (double[]){4, 3, 4, 3}, NULL, 4);
    ok(why && strstr(why, "three"), "%s: two sizes: %s", name, why);
    ok(minimum_find(&m, how, true, x, noisy, NULL, 0) != NULL, "%s: no points", name);
    ok(minimum_find(&m, how, true, (double[]){0, 1, 2}, (double[]){1, 0, 1}, NULL, 3) == NULL && fabs(m.x - 1) < 1e-9, "%s: three points are enough", name);
    double flat[N] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    ok(minimum_find(&m, how, true, x, flat, NULL, N) != NULL, "%s: equal losses have no minimum", name);
  }
}

int main(void) {
  parabola();
  spline();
  weights();
  outlier();
  none();
  return tap_done();
}
