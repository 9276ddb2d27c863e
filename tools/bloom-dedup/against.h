/* SPDX-License-Identifier: MIT
 *
 * Decontamination: units that share word n-grams with evaluation sets go, or are reported.
 */
#ifndef BLOOM_DEDUP_AGAINST_H
#define BLOOM_DEDUP_AGAINST_H

#include "tools/bloom-dedup/evaluations.h"
#include "tools/bloom-dedup/stream.h"

struct against_options {
  const struct evaluations *evaluations; /* closed */
  double share; /* of an item's n-grams that must be in a unit; 0: one is enough */
};

/* Writes rows `id item ngrams share` to stream->report, where there is one: one for each item of which a document has
 * n-grams: how many different ones, and what share of the item's. */
int against_run(struct stream *s, const struct against_options *o, struct err *e);

#endif
