/* SPDX-License-Identifier: MIT */
#include "common/base/rng.h"

#include <math.h>

#include "tests/tap.h"

int main(void) {
  /* Vigna's splitmix64.c from state 0, the values that Java's SplittableRandom(0) gives. */
  ok(splitmix64(0) == 0xE220A8397B1DCDAFu && splitmix64(0x9E3779B97F4A7C15u) == 0x6E789E6AA1B965F4u, "splitmix64 is the published function");
  /* xoshiro256starstar.c from state 1 2 3 4 */
  struct rng r = {{1, 2, 3, 4}};
  static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240u};
  bool same = true;
  for (int i = 0; i < 4; i++) same &= rng_next(&r) == want[i];
  ok(same, "xoshiro256** is the published generator");
  struct rng a, b;
  rng_init(&a, 0), rng_init(&b, 0);
  ok(rng_next(&a) == rng_next(&b), "a seed gives the same stream");
  rng_init(&b, 1);
  ok(rng_next(&a) != rng_next(&b), "another seed another one");
  a.s[0] = b.s[0], a = b;
  ok(rng_next(&a) == rng_next(&b), "a copied state goes on the same");
  int count[7] = {0};
  for (int i = 0; i < 70000; i++) count[rng_below(&a, 7)]++;
  double chi = 0;
  for (int i = 0; i < 7; i++) chi += (count[i] - 10000.) * (count[i] - 10000.) / 10000;
  ok(chi < 22.5, "numbers below seven are uniform (chi-square %.1f, 6 degrees of freedom)", chi);
  bool inside = true;
  for (int i = 0; i < 1000; i++) inside &= rng_below(&a, 1) == 0 && rng_below(&a, (1ull << 63) + 1) <= 1ull << 63;
  ok(inside, "limits of 1 and 2^63 + 1");
  double sum = 0, low = 1, high = 0, normal = 0, squares = 0;
  for (int i = 0; i < 100000; i++) {
    double u = rng_double(&a), z = rng_normal(&a);
    sum += u, low = fmin(low, u), high = fmax(high, u), normal += z, squares += z * z;
  }
  ok(low >= 0 && high < 1 && fabs(sum / 1e5 - .5) < .005, "doubles fill [0, 1)");
  ok(fabs(normal / 1e5) < .015 && fabs(squares / 1e5 - 1) < .02, "normals have mean 0 and variance 1");
  return tap_done();
}
