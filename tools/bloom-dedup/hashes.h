/* SPDX-License-Identifier: MIT
 *
 * The 128 bits that stand for a unit of text: XXH3-128 of its canonical bytes (units.h), or an n-gram's 64 bits spread over
 * 128.  Two different units share them with a probability of 2^-128, so sets of such hashes count as exact.
 */
#ifndef BLOOM_DEDUP_HASHES_H
#define BLOOM_DEDUP_HASHES_H

#include <stddef.h>
#include <stdint.h>

struct hash128 {
  uint64_t low, high;
};

/* Bytes on a boundary of 64, zeroed, in huge pages where the system gives them (madvise); NULL when it has no such
 * memory.  pages_free() takes the same size. */
void *pages_new(size_t size);
void pages_free(void *pages, size_t size);

#endif
