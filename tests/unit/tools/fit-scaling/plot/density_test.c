/* SPDX-License-Identifier: MIT
 *
 * The area of 95% of normal points is a disc of known size, and odd points make no trouble.
 */
#include "tools/fit-scaling/plot/density.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

/* Mean distance of the outline's points from (300, 200), and the largest departure from it. */
static double radius(struct buffer *b, double *departure) {
  double sum = 0, low = INFINITY, high = 0;
  int count = 0;
  for (const char *at = buffer_string(b); *at; at++) {
    double x, y;
    if ((*at != 'M' && *at != 'L') || sscanf(at + 1, "%lf %lf", &x, &y) != 2) continue;
    double r = hypot(x - 300, y - 200);
    sum += r;
    low = fmin(low, r);
    high = fmax(high, r);
    count++;
  }
  *departure = count ? (high - low) / 2 : NAN;
  return count ? sum / count : NAN;
}

int main(void) {
  enum { N = 20000 };
  double *x = NEW_ARRAY(double, N), *y = NEW_ARRAY(double, N), departure;
  struct rng rng;
  rng_init(&rng, 3);
  for (int i = 0; i < N; i++) {
    x[i] = 300 + 20 * rng_normal(&rng);
    y[i] = 200 + 20 * rng_normal(&rng);
  }
  struct buffer b = {0};
  density_contour(&b, "region", x, y, N, .95);
  double r = radius(&b, &departure);
  ok(fabs(r / (20 * sqrt(-2 * log(.05))) - 1) < .05, "95%% of normal points lie within sqrt(-2 log .05) standard deviations (%.4g)", r / 20);
  ok(departure < 8, "and the outline is round (within %.3g of %.3g)", departure, r);
  buffer_clear(&b);
  density_contour(&b, "region", x, y, N, .5);
  r = radius(&b, &departure);
  ok(fabs(r / (20 * sqrt(-2 * log(.5))) - 1) < .05, "half of them within sqrt(-2 log .5) (%.4g)", r / 20);
  buffer_clear(&b);
  x[0] = 1e300, y[1] = NAN, x[2] = -INFINITY;
  density_contour(&b, "region", x, y, N, .95);
  ok(fabs(radius(&b, &departure) / (20 * sqrt(-2 * log(.05))) - 1) < .05, "points far away or nowhere change nothing");
  buffer_clear(&b);
  for (int i = 0; i < N; i++) y[i] = 200;
  density_contour(&b, "region", x, y, N, .95);
  density_contour(&b, "region", x, y, 0, .95);
  density_contour(&b, "region", x, y, 1, .95);
  ok_int((int64_t)b.len, 0, "points on a line, one point and none have no area");
  buffer_release(&b);
  free(x);
  free(y);
  return tap_done();
}
