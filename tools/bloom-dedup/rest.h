/* SPDX-License-Identifier: MIT
 *
 * What a first pass has to leave to a second one: the documents of a stream from some place on.  Regular files are opened
 * again and read up to that place; of anything else the first pass hands over the batches, which are kept in a scratch log.
 */
#ifndef BLOOM_DEDUP_REST_H
#define BLOOM_DEDUP_REST_H

#include "common/io/documents.h"

struct rest;

/* `ordinal` is that of the first document of the rest, which starts a batch. */
struct rest *rest_new(char *const *operands, int count, uint64_t ordinal, size_t memory, const char *folder);
void rest_free(struct rest *r);
/* First pass: takes note of the next batch. */
int rest_keep(struct rest *r, const struct document_batch *batch, struct err *e);
/* Second pass: a stream_source. */
int rest_next(void *rest, struct document_batch *batch, struct err *e);

#endif
