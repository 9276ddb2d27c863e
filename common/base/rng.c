/* SPDX-License-Identifier: MIT */
#include "common/base/rng.h"

#include <math.h>

static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

void rng_init(struct rng *r, uint64_t seed) {
  for (int i = 0; i < 4; i++) r->s[i] = splitmix64(seed + (uint64_t)i * 0x9E3779B97F4A7C15u);
}

uint64_t rng_next(struct rng *r) {
  uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

uint64_t rng_below(struct rng *r, uint64_t n) {
  unsigned __int128 product = (unsigned __int128)rng_next(r) * n;
  if ((uint64_t)product < n) {
    uint64_t threshold = -n % n;
    while ((uint64_t)product < threshold) product = (unsigned __int128)rng_next(r) * n;
  }
  return (uint64_t)(product >> 64);
}

double rng_double(struct rng *r) { return (double)(rng_next(r) >> 11) * 0x1p-53; }

/* Box-Muller, the cosine half only: no state beside the generator's, so a saved rng is complete. */
double rng_normal(struct rng *r) {
  double u = 1 - rng_double(r), v = rng_double(r);
  return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}
