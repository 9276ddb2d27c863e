/* SPDX-License-Identifier: MIT
 *
 * A split-block Bloom filter: one cache line a unit.
 *
 *     block  512 bits, eight words of 64; number floor(low * blocks / 2^64) of the hash's low half
 *     bits   z in each word (z = 1..4), each the six bits w*6..w*6+5 of a 64-bit mix of the high half, w the word
 *
 * Sources: F. Putze, P. Sanders, J. Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007 (blocks); Apache
 * Parquet's split-block filter (a bit a word).
 *
 * The rate of false positives.  With n units in B blocks, a block holds i of them with probability Poisson(i; n/B).  The z
 * bits asked for in a word are c different ones with probability q(c) (64 to choose from, z draws), and all of them are
 * among the i*z bits set with probability sum_j (-1)^j C(c,j) (1 - j/64)^(i*z); the words are independent, so
 *
 *     rate(n) = sum_i Poisson(i; n/B) * ( sum_c q(c) sum_j (-1)^j C(c,j) (1 - j/64)^(i*z) )^8
 *
 * Blocks are loaded unevenly, so this is more than the classic formula gives for as many bits: 10.1 bits a unit instead of
 * 9.6 for .01, 15.7 instead of 14.4 for .001, 22.9 instead of 19.2 for .0001.  filter_plan() solves it for B.
 */
#ifndef BLOOM_DEDUP_FILTER_H
#define BLOOM_DEDUP_FILTER_H

#include <stdbool.h>

#include "common/base/err.h"
#include "tools/bloom-dedup/hashes.h"

enum { FILTER_WORDS = 8, FILTER_BLOCK = 64, FILTER_MOST_BITS = 4 };

struct filter_plan {
  uint64_t capacity;  /* units for which the rate is `rate` */
  double rate;
  uint64_t blocks;
  int bits;           /* z: of a word */
};

struct filter {
  struct filter_plan plan;
  uint64_t *words;     /* [blocks][8], on a boundary of 64 bytes */
  uint64_t inserted;   /* units that changed it: different ones, without those wrongly taken for known */
  void *mapping;       /* of a file, read-only: filter_add_all() must not be called */
  size_t mapping_size;
};

/* The formula above; units may be no whole number. */
double filter_rate(double units, uint64_t blocks, int bits);
/* How many different units were added when `inserted` of them changed the filter: those that it wrongly took for known ones
 * are the difference, in the mean. */
double filter_units(uint64_t inserted, uint64_t blocks, int bits);
/* The other way: how many of so many different units changed it. */
double filter_changes(double units, uint64_t blocks, int bits);

/* The smallest filter for so many units at that rate (0 < rate < 1).  -1 when no memory could hold it. */
int filter_plan(uint64_t capacity, double rate, struct filter_plan *plan);
/* The filter of at most so many bytes that takes most units at that rate; at least one block. */
void filter_plan_memory(uint64_t bytes, double rate, struct filter_plan *plan);
static inline uint64_t filter_bytes(const struct filter_plan *plan) { return plan->blocks * FILTER_BLOCK; }

int filter_init(struct filter *f, const struct filter_plan *plan, struct err *e); /* empty */
void filter_release(struct filter *f);

static inline uint64_t *filter_block(const struct filter *f, struct hash128 h) {
  return f->words + (uint64_t)((unsigned __int128)h.low * f->plan.blocks >> 64) * FILTER_WORDS;
}
static inline void filter_prefetch(const struct filter *f, struct hash128 h) { __builtin_prefetch(filter_block(f, h), 1); }

/* known[i] = 1 when the filter has hashes[i], 0 when not; then it is added.  In that order for i = 0, 1, ...: the second of
 * two equal hashes is known. */
void filter_add_all(struct filter *f, const struct hash128 *hashes, size_t count, unsigned char *known);
/* The same without adding. */
void filter_find_all(const struct filter *f, const struct hash128 *hashes, size_t count, unsigned char *known);

#endif
