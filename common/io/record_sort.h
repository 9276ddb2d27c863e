/* SPDX-License-Identifier: MIT
 *
 * Fixed-size records sorted within a memory budget, for any number of them.
 *
 * Records gather in memory until the budget is full, are sorted there (radix, in place) and appended to an unnamed scratch
 * file as a run; at the end the runs are merged with a loser tree (Knuth, volume 3, 5.4.1), as many at once as there are
 * read buffers of a useful size in the budget, in several passes when there are more.  What fits is never written.  Two
 * descriptors at most, however many runs there are; scratch space is that of the records, twice that while passes are made.
 *
 * Records compare as big-endian bytes (memcmp) over their whole length, so equal ones cannot be told apart and the order
 * depends on nothing but the records.
 */
#ifndef IO_RECORD_SORT_H
#define IO_RECORD_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct record_sort;

/* folder NULL: $TMPDIR, else /tmp; it must outlive this.  A budget too small for two read buffers of 16 records is exceeded. */
struct record_sort *record_sort_new(size_t record_size, size_t memory, const char *folder);
void record_sort_free(struct record_sort *s); /* NULL is fine */

int record_sort_add(struct record_sort *s, const void *record, struct err *e);
/* No more records: then record_sort_next() gives them in order, 1 with *record (valid until the next call), 0 at the end, -1. */
int record_sort_finish(struct record_sort *s, int jobs, struct err *e);
int record_sort_next(struct record_sort *s, const void **record, struct err *e);

uint64_t record_sort_count(const struct record_sort *s);   /* added so far */
uint64_t record_sort_spilled(const struct record_sort *s); /* bytes written to scratch files so far, those of merging passes included */

/* The sort in memory alone: n records of `size` bytes each, on up to `jobs` threads. */
void record_sort_array(void *records, size_t n, size_t size, int jobs);

#endif
