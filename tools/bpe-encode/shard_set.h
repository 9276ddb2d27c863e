/* SPDX-License-Identifier: MIT
 *
 * Where tokens go.  -o P.bin (or stdout) gives:
 *                      one side           with a validation fraction
 *   one shard          P.bin              P_train.bin, P_val.bin
 *   of N tokens each   P_000000.bin ...   P_train_000000.bin ..., P_val_000000.bin ...   and P_manifest.tsv (crawl2lm-shards(5))
 * A document lies on the side that the XXH3-64 of its text with the seed says: the same text is always on the same side,
 * whatever stands around it.
 *
 * Sets of shards can go on after an interruption.  A shard gets its name when it is whole; then a row is appended to
 * P_progress.tsv and synced:
 *   crawl2lm-shards-progress  1                  then the settings, a name and a value a line, those of the caller last
 *   file  tokens  bytes  xxh3  document  document_tokens  part       then a row for each full shard
 * `document` is the one (from 0) in which the shard ended, `document_tokens` how many of its tokens are in this shard and
 * those before it.  So documents before it need no encoding, and of that one as many tokens are dropped.  The manifest
 * replaces this file at the end.  Until a run has its first whole shard it leaves what an earlier one wrote as it is; then
 * the earlier one's manifest, progress and the shards that they list go.
 */
#ifndef BPE_ENCODE_SHARD_SET_H
#define BPE_ENCODE_SHARD_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/io/shards.h"

struct shard_set;

struct shard_set_options {
  const char *path;           /* NULL or "-": stdout, for one shard only; several need a name in .bin */
  struct shard_header header; /* token_bytes, vocabulary_size, end_of_text, tokenizer_hash */
  int64_t shard_tokens;       /* tokens a shard, 0: one shard */
  double validation;          /* fraction of the documents, 0: no split */
  uint64_t seed;              /* of the split */
  bool resume;                /* with shard_tokens */
  unsigned flags;             /* OUTPUT_FORCE */
  const char *inputs;         /* lines "name\tvalue\n" that must be equal for resume: operands, sizes, options; may be NULL */
};

/* 0; 1 when resume found a complete set, and *s is NULL; -1 (ERR_USAGE: the options do not go together). */
int shard_set_open(struct shard_set **s, const struct shard_set_options *o, struct err *e);
/* 0 train, 1 validation, by the hash of the text; pure, any thread. */
int shard_set_part(const struct shard_set *s, struct slice text);
/* false: all of this document (n-th of the stream, from 0) is already in finished shards.  Any thread, never changes. */
bool shard_set_wants(const struct shard_set *s, int part, uint64_t document);
/* true: every document needs a run of its own, with its number; else one run may hold a batch. */
bool shard_set_numbers(const struct shard_set *s);

/* Consecutive tokens of one document; a document may take several runs, over several calls.  Documents come in order; one
 * that is in finished shards in part is put from its start, and what is there is dropped here. */
struct shard_run {
  uint64_t document;
  uint32_t tokens;
  uint8_t part;
};
int shard_set_put(struct shard_set *s, const uint32_t *ids, const struct shard_run *runs, size_t count, struct err *e);
int64_t shard_set_count(const struct shard_set *s, int part); /* tokens in the set so far, those of the interrupted run included */

/* Both free s (NULL is fine for abort).  After abort whole shards of a set stay, with P_progress.tsv. */
int shard_set_commit(struct shard_set *s, struct err *e);
void shard_set_abort(struct shard_set *s);

#endif
