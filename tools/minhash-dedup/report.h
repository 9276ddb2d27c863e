/* SPDX-License-Identifier: MIT
 *
 * What was removed, by source, and how large the clusters were: the table of --report.
 *
 *   kind    name  documents  removed
 *   total   -     all sound documents, and those removed as near-duplicates
 *   source  NAME  those of a source; most removed first, then by name
 *   size    N     those in clusters of N documents; ascending; `1` are all others
 *
 * A source is, as --source-field says: `host`, the host of the url (lower case, without user and port), or the url up to its
 * first slash where it is no URL; `input`, the name of the file; else the value of a metadata field KEY=value.  `-` where a
 * document has none.  Beyond SOURCES_MOST different ones the rest count as `(others)`, in the order of the stream.
 */
#ifndef MINHASH_DEDUP_REPORT_H
#define MINHASH_DEDUP_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/io/documents.h"
#include "common/io/output.h"

enum { SOURCES_MOST = 1 << 20 };

struct report;

struct report *report_new(void);
void report_free(struct report *r);

/* Appends what report_documents() takes; any thread. */
void report_note(struct buffer *notes, const char *field, const struct document *document, const char *input, bool removed);
void report_documents(struct report *r, struct slice notes); /* in the order of the stream */
void report_cluster(struct report *r, uint64_t size);        /* one of at least two */

int report_write(const struct report *r, struct output *out, struct err *e);

#endif
