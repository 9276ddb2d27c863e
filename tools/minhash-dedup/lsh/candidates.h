/* SPDX-License-Identifier: MIT
 *
 * The documents that share a band key with another one, their shingle sets, and the components they form.
 *
 * Life: candidates_add_bucket() for every bucket, candidates_close(), candidates_put() for each candidate document in
 * order, candidates_connect(); then the questions.
 *
 * What connects: two documents of a bucket whose shingle sets have Jaccard similarity >= verify (exact, up to collisions
 * of 64-bit hashes), or all of a bucket when verify is 0.  Pairs of a bucket that are connected already are not compared.
 * Otherwise a document is compared with the earlier documents of its bucket, component by component, the oldest 64 of
 * each and 256 in all: a bucket of a million pages of one template costs no more than 256 comparisons a page.  The order
 * of buckets and of their documents is fixed, so the result depends on the input and the options alone.
 */
#ifndef MINHASH_DEDUP_LSH_CANDIDATES_H
#define MINHASH_DEDUP_LSH_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct candidates;

struct candidate_counts {
  uint64_t candidates, buckets, compared, alike, clusters, removed;
};

struct candidates *candidates_new(size_t memory, const char *folder);
void candidates_free(struct candidates *c);

/* count documents, ascending; one alone becomes a candidate that nothing is compared with. */
int candidates_add_bucket(struct candidates *c, const uint32_t *documents, size_t count, struct err *e);
/* No more buckets; total: documents in the stream. */
void candidates_close(struct candidates *c, uint64_t total);
bool candidates_has(const struct candidates *c, uint64_t document); /* any thread */
size_t candidates_count(const struct candidates *c);

/* Candidates in ascending order, each once.  hashes: its shingles, sorted, each once. */
int candidates_put(struct candidates *c, struct slice id, uint64_t text_length, const uint64_t *hashes, size_t count, struct err *e);

/* Before candidates_connect(): a document is connected with an earlier one alone, the first that is found, and two groups
 * never become one by a later document that is like both: whatever goes is then itself like an earlier document. */
void candidates_connect_earlier(struct candidates *c);
/* Finds components and decides: the first document of each stays, or the longest (the first of the longest). */
int candidates_connect(struct candidates *c, double verify, bool keep_longest, struct err *e);
bool candidates_removed(const struct candidates *c, uint64_t document); /* any thread; false for what is no candidate */

/* Calls take() for every removed document in order, with its id, the id of the one kept for it, their similarity. */
int candidates_each_removed(struct candidates *c, int (*take)(void *context, struct slice id, struct slice kept, double jaccard, struct err *e), void *context, struct err *e);
/* Calls take() with the size of every cluster, in order of their first documents. */
void candidates_each_cluster(struct candidates *c, void (*take)(void *context, uint64_t size), void *context);
/* Candidates are numbered in ascending order, from 0.  The one that stays in the component of `candidate`; then, for two of them
 * (put, both), their ids, valid until the next call, and similarity. */
size_t candidates_kept(const struct candidates *c, size_t candidate);
int candidates_compare(struct candidates *c, size_t candidate, size_t kept, struct slice *id, struct slice *kept_id, double *jaccard, struct err *e);
struct candidate_counts candidates_counts(const struct candidates *c);

/* Common elements of two sorted sets; stops with some number below `least` once `least` cannot be reached. */
size_t sets_common(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count, size_t least);

#endif
