/* SPDX-License-Identifier: MIT
 *
 * Near-duplicates of collections of any size, in four steps with files between them (crawl2lm-sketch(5)):
 *
 *     sketch   each shard on its own: band keys, sorted by band and range of keys, and signatures
 *     match    each band and range of keys on its own, all shards: buckets of documents that share a key
 *     cluster  pairs of a bucket compared, components found: a list of what is removed
 *     drop     each shard on its own: what stays
 *
 * Memory is bounded, each step's files are whole or absent, a restart makes only those that are absent, and the decisions
 * are those of one process that reads all shards in the order of their names.
 */
#ifndef MINHASH_DEDUP_STEPS_STEPS_H
#define MINHASH_DEDUP_STEPS_STEPS_H

#include <stdbool.h>

#include "common/io/program.h"
#include "tools/minhash-dedup/lsh/signature.h"

enum steps_compare { COMPARE_EXACT, COMPARE_SIGNATURE };

struct steps_options {
  int64_t ngram, bands, rows;
  enum signature_kind signature;
  double verify;
  bool keep_longest, connect_earlier;
  int compare;                /* enum steps_compare */
  const char *clusters;       /* drop: the list */
  const char *index;          /* match: folder to write, NULL: none */
  const char *part;           /* match: "K/N", NULL: all */
  struct option_list earlier; /* match: folders of indexes */
};

bool steps_is_step(const char *name);
/* Runs the step on the operands after its name. */
int steps_run(const char *name, struct program *p, const struct steps_options *o, struct err *e);

#endif
