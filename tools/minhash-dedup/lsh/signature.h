/* SPDX-License-Identifier: MIT
 *
 * MinHash signatures and their band keys.
 *
 * A signature is, for each of bands x rows permutations, the minimum over the shingles (Broder 1997) of
 *
 *   SIGNATURE_CRAWL2LM   a_i (x xor b_i) mod 2^32, x the low half of the shingle's hash, a_i odd
 *   SIGNATURE_DATATROVE  (a_i x + b_i mod 2^64) mod 2^61 - 1, as datatrove computes it; seed 0 stands for its default, 1
 *
 * Two texts agree in one place with probability J, their Jaccard similarity.  The key of a band is XXH3-64 of its rows:
 * two texts share at least one of b keys of r rows with probability 1 - (1 - J^r)^b (Leskovec, Rajaraman, Ullman,
 * chapter 3).  The same bits at every simd_level().
 */
#ifndef MINHASH_DEDUP_LSH_SIGNATURE_H
#define MINHASH_DEDUP_LSH_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

enum signature_kind { SIGNATURE_CRAWL2LM, SIGNATURE_DATATROVE };

struct permutations {
  enum signature_kind kind;
  int bands, rows;
  size_t count;  /* bands x rows, rounded up to whole vectors: places of a signature */
  size_t place;  /* bytes of each: uint32_t, or uint64_t of SIGNATURE_DATATROVE */
  void *a, *b;   /* count places */
  void (*update)(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n);
};

void permutations_init(struct permutations *p, enum signature_kind kind, int bands, int rows, uint64_t seed);
void permutations_release(struct permutations *p);

static inline size_t signature_size(const struct permutations *p) { return p->count * p->place; } /* bytes */
void signature_clear(const struct permutations *p, void *signature);
static inline void signature_update(const struct permutations *p, void *signature, const uint64_t *hashes, size_t n) {
  p->update(p, signature, hashes, n);
}
void signature_keys(const struct permutations *p, const void *signature, uint64_t *keys); /* of `bands` */

/* Probability that a pair of similarity J shares a key. */
double signature_recall(double jaccard, int bands, int rows);

#endif
