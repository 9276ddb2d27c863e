/* SPDX-License-Identifier: MIT
 *
 * The optimality conditions on random problems: where a share lies between its bounds the slope is the same, at 0 it is not
 * less, at its limit not more.
 */
#include "tools/fit-scaling/forms/shares.h"

#include <math.h>

#include "common/base/rng.h"
#include "tests/tap.h"

enum { LAWS = 6, SOURCES = 6 };

struct trial {
  int laws, sources;
  double u[LAWS], t[LAWS * SOURCES], limit[SOURCES], shares[SOURCES];
};

static void draw(struct trial *p, struct rng *rng, bool limited) {
  p->laws = 1 + (int)rng_below(rng, LAWS);
  p->sources = 1 + (int)rng_below(rng, SOURCES);
  double room = 0;
  for (int k = 0; k < p->laws; k++) p->u[k] = rng_normal(rng);
  for (int i = 0; i < p->laws * p->sources; i++) p->t[i] = 3 * rng_normal(rng);
  for (int j = 0; j < p->sources; j++) room += p->limit[j] = limited ? rng_double(rng) : 1;
  for (int j = 0; room < 1.01 && j < p->sources; j++) p->limit[j] = 1;
}

/* The largest violation, relative to F. */
static double violation(const struct trial *p) {
  double slope[SOURCES] = {0}, f = 0, worst = 0, sum = 0, high = -INFINITY, low = INFINITY;
  for (int k = 0; k < p->laws; k++) {
    double x = p->u[k];
    for (int j = 0; j < p->sources; j++) x += p->t[k * p->sources + j] * p->shares[j];
    f += exp(x);
    for (int j = 0; j < p->sources; j++) slope[j] += exp(x) * p->t[k * p->sources + j];
  }
  for (int j = 0; j < p->sources; j++) {
    double r = p->shares[j], most = fmin(p->limit[j], 1);
    sum += r;
    worst = fmax(worst, fmax(-r, r - most));
    if (r > 1e-9) high = fmax(high, slope[j]);       /* could be less */
    if (r < most - 1e-9) low = fmin(low, slope[j]);  /* could be more */
  }
  if (isfinite(high) && isfinite(low)) worst = fmax(worst, (high - low) / f);
  return fmax(worst, fabs(sum - 1));
}

int main(void) {
  struct rng rng;
  double worst[2] = {0};
  rng_init(&rng, 1);
  for (int i = 0; i < 4000; i++) {
    struct trial p;
    draw(&p, &rng, i % 2);
    shares_minimise(p.laws, p.sources, p.u, p.t, p.limit, p.shares);
    worst[i % 2] = fmax(worst[i % 2], violation(&p));
  }
  ok(worst[0] < 1e-9, "2,000 random problems are solved: %.2g", worst[0]);
  ok(worst[1] < 1e-9, "2,000 with limits: %.2g", worst[1]);
  double u[] = {0, 0}, t[] = {-1, 0, 0, -1}, both[2], tight[] = {.25, .75}, none[] = {0, 1};
  shares_minimise(2, 2, u, t, (const double[]){1, 1}, both);
  ok_near(both[0], .5, 1e-9, "two equal laws share evenly");
  shares_minimise(2, 2, u, t, tight, both);
  ok_near(both[0], .25, 1e-12, "limits that leave no choice are the answer");
  shares_minimise(2, 2, u, t, none, both);
  ok(both[0] == 0 && both[1] == 1, "a source that is out takes no share");
  return tap_done();
}
