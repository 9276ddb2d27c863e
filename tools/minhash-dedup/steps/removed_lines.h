/* SPDX-License-Identifier: MIT
 *
 * A shard's rows of a cluster list (collection.h): which of its lines are removed.
 */
#ifndef MINHASH_DEDUP_STEPS_REMOVED_LINES_H
#define MINHASH_DEDUP_STEPS_REMOVED_LINES_H

#include "tools/minhash-dedup/steps/collection.h"

/* *lines: ascending, from 0, freed by the caller; *count of them.  rows: of collection_read() on `path`. */
int removed_lines_read(const struct collection *c, const char *path, uint64_t rows, const struct shard *shard, uint32_t **lines, size_t *count, struct err *e);

#endif
