/* SPDX-License-Identifier: MIT
 *
 * Filters as files.  Little-endian; the blocks start on a page, so that processes can share one mapping:
 *
 *     0  "c2lbloom"     8  u32 1 (version)     12  u32 4096 (where the blocks start)
 *    16  u64 blocks    24  u32 z               28  u32 8 (words of a block)
 *    32  u64 capacity  40  f64 rate            48  u64 units inserted
 *    56  u64 seed      64  u32 n of n-grams, 0: whole units
 *    68  u32 1: units were normalised, else 0  72  unit's name, 16 bytes, zeros behind it
 *    88  u64 XXH3-64 of the blocks             96  u64 XXH3-64 of bytes 0 to 95
 *   104  zeros up to 4096, then the blocks
 *
 * A file is somebody else's: its length must be what the header says before anything is allocated, and both checksums
 * must hold.
 */
#ifndef BLOOM_DEDUP_FILTER_FILE_H
#define BLOOM_DEDUP_FILTER_FILE_H

#include "tools/bloom-dedup/filter.h"

/* What a filter's hashes stand for: filters that differ in it know nothing of each other. */
struct filter_kind {
  uint64_t seed;
  uint32_t ngram, normalize;
  char unit[16]; /* with a NUL */
};

/* `flags` as for output_open(). */
int filter_save(const struct filter *f, const struct filter_kind *kind, const char *path, unsigned flags, struct err *e);

/* Fills *f (zeroed before).  When kind->unit is not empty the file's must be the same, else *kind becomes the file's.
 * `memory`: refuses a larger filter, 0: no limit.  `map`: read-only, in memory that other processes share.  The error
 * names the file. */
int filter_load(struct filter *f, struct filter_kind *kind, const char *path, uint64_t memory, bool map, struct err *e);

/* Adds what the file's filter knows to f, which must be of the same kind, size and plan.  f->inserted becomes what the
 * number of bits set tells, at most the sum of both. */
int filter_merge(struct filter *f, const struct filter_kind *kind, const char *path, struct err *e);

#endif
