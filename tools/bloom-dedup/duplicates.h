/* SPDX-License-Identifier: MIT
 *
 * Units that occurred before go, or with `keep_none` all that occur more than once.
 *
 *   filter     the first of its hash stays; one pass; a false positive is a unit wrongly taken for known
 *   exact      the same without false positives: a set of hashes in memory.  When it outgrows its memory, hashes and places
 *              of what follows are sorted on disk, and a second pass writes the rest
 *   keep none  a first pass finds what comes again: two filters (seen, seen again), or the set with marks, or the sort
 */
#ifndef BLOOM_DEDUP_DUPLICATES_H
#define BLOOM_DEDUP_DUPLICATES_H

#include "tools/bloom-dedup/filter.h"
#include "tools/bloom-dedup/stream.h"

struct duplicates_options {
  struct filter *filter;   /* NULL: exact */
  bool frozen;             /* nothing is added to the filter */
  bool keep_none, normalize;
  uint64_t seed;
  size_t memory;           /* for the set and the sort */
};

int duplicates_run(struct stream *s, const struct duplicates_options *o, struct err *e);

#endif
