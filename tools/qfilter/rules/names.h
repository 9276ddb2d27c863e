/* SPDX-License-Identifier: MIT
 *
 * Sets of strings for look-ups only: millions of domains, URLs or words.  A string is held as its 64-bit hash (XXH3-64),
 * 10 bytes each, 26 while it is read; a string that is not in a set of n is taken for one of it with a chance of n / 2^64.
 */
#ifndef QFILTER_RULES_NAMES_H
#define QFILTER_RULES_NAMES_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct name_set { /* zero to start */
  uint64_t *hashes; /* what was added, before names_finish() */
  size_t added, capacity;
  uint64_t *slots; /* open addressing, 0 empty */
  size_t size;     /* slots */
  size_t count;    /* different strings */
  uint64_t lengths, first[4]; /* bits: lengths (63: more) and first bytes that occur, so that most words need no hash */
};

void names_add(struct name_set *set, struct slice name);
void names_finish(struct name_set *set); /* once, after the last names_add() */
void names_release(struct name_set *set);

/* The slot of the name, below set->size, or -1: two names have the same one when they are equal. */
int64_t names_find(const struct name_set *set, struct slice name);

/* The lines of a file (or URL, gzip, zstd), without white space at both ends; empty ones and those that start with # are
 * left out.  The error names the file. */
int names_each_line(const char *path, void (*take)(void *context, struct slice line), void *context, struct err *e);
int names_read(struct name_set *set, const char *path, struct err *e); /* names_each_line() into the set, names_finish() */

#endif
