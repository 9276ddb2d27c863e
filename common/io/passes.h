/* SPDX-License-Identifier: MIT
 *
 * A stream of documents that is read more than once.  Regular files are opened again for each pass; anything else is
 * kept, decompressed, in a scratch file by the first pass.
 */
#ifndef IO_PASSES_H
#define IO_PASSES_H

#include "common/io/documents.h"

struct passes;

/* Operands as document_reader_new() takes them, which must outlive this; up to `memory` bytes of what has to be kept
 * stay in memory, the rest goes to an unnamed file in `folder`. */
struct passes *passes_new(char *const *operands, int count, size_t memory, const char *folder);
void passes_free(struct passes *p);
int64_t passes_size(const struct passes *p); /* bytes of all input files, -1 when some are no regular files */

/* The next batch of this pass: 1, 0 at the end, -1.  The batch's `input` lives as long as `p`.  One thread at a time. */
int passes_next(struct passes *p, struct document_batch *batch, struct err *e);
/* After the end of each pass, the last one too: the next passes_next() starts again.  -1 when this pass did not have the
 * first one's lines. */
int passes_again(struct passes *p, struct err *e);

#endif
