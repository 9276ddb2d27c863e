/* SPDX-License-Identifier: MIT
 *
 * MinHash signatures and their band keys.
 *
 * A signature is, for each of bands x rows permutations, the minimum over the shingles of a_i x + b_i mod 2^32, where x
 * is the low half of the shingle's hash and a_i (odd), b_i come from the seed (Broder 1997).  Two texts agree in one
 * place with probability J, their Jaccard similarity.  The key of a band is XXH3-64 of its rows: two texts share at
 * least one of b keys of r rows with probability 1 - (1 - J^r)^b (Leskovec, Rajaraman, Ullman, chapter 3).
 */
#ifndef MINHASH_DEDUP_LSH_SIGNATURE_H
#define MINHASH_DEDUP_LSH_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

enum signature_variant { SIGNATURE_BEST, SIGNATURE_SCALAR, SIGNATURE_AVX2, SIGNATURE_AVX512 };

struct permutations {
  int bands, rows;
  size_t count;    /* bands x rows, rounded up to whole vectors: length of a signature */
  uint32_t *a, *b;
  void (*update)(const struct permutations *p, uint32_t *signature, const uint64_t *hashes, size_t n);
};

/* A variant that this CPU lacks becomes the next simpler one; all give the same bits. */
void permutations_init(struct permutations *p, int bands, int rows, uint64_t seed, enum signature_variant variant);
void permutations_release(struct permutations *p);

void signature_clear(const struct permutations *p, uint32_t *signature); /* of `count` */
static inline void signature_update(const struct permutations *p, uint32_t *signature, const uint64_t *hashes, size_t n) {
  p->update(p, signature, hashes, n);
}
void signature_keys(const struct permutations *p, const uint32_t *signature, uint64_t *keys); /* of `bands` */

/* Probability that a pair of similarity J shares a key. */
double signature_recall(double jaccard, int bands, int rows);

#endif
