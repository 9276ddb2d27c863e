/* SPDX-License-Identifier: MIT
 *
 * Random numbers that are the same on every machine.
 * splitmix64 (Steele, Lea, Flood 2014) hashes a counter: value i of stream s needs no state.
 * xoshiro256** (Blackman, Vigna 2018) is the sequential generator; its whole state is four words, saved for --resume.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
  uint64_t s[4];
};

static inline uint64_t splitmix64(uint64_t x) { /* the x-th value of the stream that starts at 0 */
  uint64_t z = x + 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n), unbiased (Lemire 2019); n > 0 */
double rng_double(struct rng *r);              /* [0, 1), 53 bits */
double rng_normal(struct rng *r);              /* mean 0, variance 1 */

#endif
