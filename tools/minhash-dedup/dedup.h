/* SPDX-License-Identifier: MIT
 *
 * The passes over the stream:
 *
 *   1  every document -> signature -> band keys; buckets of equal keys give the candidates
 *   2  every candidate -> its set of shingles; buckets are compared and connected
 *   3  what is not removed is written, byte for byte, in input order
 *
 * Pass 2 is left out where nothing needs the sets.  Regular files are read again for each pass; anything else is kept,
 * decompressed, in a scratch file by the first.
 */
#ifndef MINHASH_DEDUP_DEDUP_H
#define MINHASH_DEDUP_DEDUP_H

#include "common/io/program.h"
#include "tools/minhash-dedup/lsh/signature.h"

struct dedup_options {
  int64_t ngram, bands, rows;
  enum signature_kind signature;
  double verify; /* 0: off */
  bool keep_longest, connect_earlier;
  const char *clusters, *report; /* NULL: none */
  const char *source_field;      /* of the report: "host", "input" or a metadata key */
};

/* Reads p->operand, writes p->output, p->rejects_path and the clusters, and counts into p->stats. */
int dedup_run(struct program *p, const struct dedup_options *options, struct err *e);

#endif
