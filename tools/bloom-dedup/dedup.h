/* SPDX-License-Identifier: MIT
 *
 * What the options ask for: which filter, which method, and what is said of both at the end.
 */
#ifndef BLOOM_DEDUP_DEDUP_H
#define BLOOM_DEDUP_DEDUP_H

#include "common/io/program.h"
#include "tools/bloom-dedup/units.h"

struct dedup_options {
  enum unit_kind kind;
  const char *unit;     /* its name */
  int keep;             /* 0: first, 1: none */
  bool exact, normalize, frozen, merge;
  int64_t capacity;     /* 0: what memory allows */
  double rate;          /* 0: the default */
  int64_t ngram;        /* 0: whole units, or 13 with --against */
  double threshold;     /* below 0: the default */
  int64_t least_words;  /* 0: the default */
  int64_t short_length;
  struct option_list load, against;
  const char *save, *report;
};

int dedup_run(struct program *p, const struct dedup_options *o, struct err *e);

#endif
