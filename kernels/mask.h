/* SPDX-License-Identifier: MIT
 *
 * Where dropout drops: functions of a key and a place, which give the same bits on every device.
 *
 *   elements        Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), four words a counter
 *   probabilities   of attention: two words for a row by splitmix64 (Steele, Lea and Flood 2014), and of these and the key's
 *                   position a 32-bit hash with the multipliers of lowbias32 (C. Wellons, hash-prospector)
 */
#ifndef KERNELS_MASK_H
#define KERNELS_MASK_H

#include <stdint.h>

#ifdef KERNELS_CUDA_CPU_H
#define MASK_FUNCTION static __device__ __forceinline__
#else
#define MASK_FUNCTION static inline
#endif

/* Philox's multipliers and what its key grows by each round; of the hash */
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u
#define MASK_FIRST 0x7feb352d
#define MASK_SECOND 0x846ca68bu

MASK_FUNCTION void philox(uint32_t word[4], uint64_t counter, uint64_t key) {
  uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32), c2 = 0, c3 = 0, k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++, k0 += PHILOX_W0, k1 += PHILOX_W1) {
    uint64_t p0 = (uint64_t)PHILOX_M0 * c0, p1 = (uint64_t)PHILOX_M1 * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1, c3 = (uint32_t)p0;
  }
  word[0] = c0, word[1] = c1, word[2] = c2, word[3] = c3;
}

MASK_FUNCTION uint64_t mask_splitmix(uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}
/* Both words of a row of log_sum_exp, the first below. */
MASK_FUNCTION uint64_t mask_words(uint64_t key, int64_t row) { return mask_splitmix(mask_splitmix(key) + (uint64_t)row); }
/* Of position u of a row; what is below the threshold is dropped. */
MASK_FUNCTION uint32_t mask_hash(uint32_t first, uint32_t second, uint32_t u) {
  uint32_t x = u ^ first;
  x = (x ^ x >> 16) * MASK_FIRST + second;
  x = (x ^ x >> 15) * MASK_SECOND;
  return x ^ x >> 16;
}

#endif
