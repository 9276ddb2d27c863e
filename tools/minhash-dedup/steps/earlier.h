/* SPDX-License-Identifier: MIT
 *
 * An index: the distinct keys of a collection, each with the first document that has it, and the signatures of its
 * documents.  A folder with `inputs.tsv`, a file of keys for each band and range, and `signatures`.
 */
#ifndef MINHASH_DEDUP_STEPS_EARLIER_H
#define MINHASH_DEDUP_STEPS_EARLIER_H

#include "tools/minhash-dedup/steps/collection.h"

/* ---- writing: by match, a band and range at a time */

struct index_writer;

/* Of a collection's shards and parameters, whatever it was matched against. */
uint64_t index_identity(const struct collection *c);
int index_writer_open(struct index_writer **w, const char *folder, const struct collection *c, uint64_t unit, struct err *e);
int index_writer_add(struct index_writer *w, uint64_t key, uint64_t document, struct err *e); /* keys ascend */
int index_writer_commit(struct index_writer *w, struct err *e); /* frees, as does: */
void index_writer_abort(struct index_writer *w); /* NULL is fine */
/* Whether a unit's keys are there: 1, 0, or -1 when they are another collection's. */
int index_has(const char *folder, const struct collection *c, uint64_t unit, struct err *e);
int index_write_signatures(const char *folder, const struct collection *c, bool again, struct err *e); /* nothing when they are there */

/* ---- reading */

struct index_reader;

/* Of unit `unit` of `folder`, which must have `parameters` and the identity found by index_find(). */
int index_find(const char *folder, const struct parameters *parameters, uint64_t *identity, struct err *e);
int index_reader_open(struct index_reader **r, const char *folder, const struct parameters *parameters, uint64_t identity, uint64_t unit, struct err *e);
void index_reader_close(struct index_reader *r); /* NULL is fine */
/* Keys are asked for in ascending order: 1 with its document, 0, -1. */
int index_reader_find(struct index_reader *r, uint64_t key, uint32_t *document, struct err *e);
int index_reader_finish(struct index_reader *r, struct err *e); /* reads on to the end, where the hash is checked */
int index_reader_signature(struct index_reader *r, uint32_t document, unsigned char *record, struct err *e);

#endif
