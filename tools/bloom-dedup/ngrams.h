/* SPDX-License-Identifier: MIT
 *
 * Units that repeat what was seen, by their word n-grams: the rules of BFF (Allen Institute's big friendly filter), which
 * DCLM ran with 13-grams, threshold .8 and a rate of .01.
 *
 *   - A unit's n-grams are looked up in the filter as it was before the unit.
 *   - When at least `threshold` of them are known (repetitions counted), the unit goes, and adds nothing to the filter.
 *   - Otherwise it stays, and all of its n-grams are added.
 *   - A unit of fewer than n words, but at least `least_words`, has one n-gram: all of it.  A shorter one stays and adds
 *     nothing.
 *
 * Where BFF differs: its words are those of Unicode's annex 29, punctuation included (ours are shingles.h's), and it
 * removes above the threshold, not at it.
 */
#ifndef BLOOM_DEDUP_NGRAMS_H
#define BLOOM_DEDUP_NGRAMS_H

#include "tools/bloom-dedup/filter.h"
#include "tools/bloom-dedup/stream.h"

struct ngrams_options {
  struct filter *filter;
  bool frozen;
  int ngram, least_words;
  double threshold;
  uint64_t seed;
};

int ngrams_run(struct stream *s, const struct ngrams_options *o, struct err *e);

/* Words of the text, as shingles.h counts them, at most `most`. */
size_t count_words(struct slice text, size_t most);

#endif
