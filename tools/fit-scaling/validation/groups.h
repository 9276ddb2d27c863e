/* SPDX-License-Identifier: MIT
 *
 * A law for each group of runs (data recipes, architectures, ...) and whether the groups differ: where one law for all of them
 * stands against one law each (AICc, compare.h), and the difference of every prediction between two groups, with the interval
 * that independent bootstraps of the two give.
 */
#ifndef FIT_SCALING_GROUPS_H
#define FIT_SCALING_GROUPS_H

#include "tools/fit-scaling/study/study.h"

struct group_study {
  const char *name;   /* lives as long as the runs */
  struct study study;
  struct err failure; /* message "" when the law could be fitted */
};

struct groups {
  struct group_study *items;
  size_t count, fitted;
  double aicc_common, aicc_each; /* not a number when a group could not be fitted */
};

/* `runs` must have groups.  -1: no group could be fitted. */
int groups_run(struct groups *g, const struct study_options *options, const struct runs *runs, double above, struct err *e);
void groups_release(struct groups *g);

/* 100 (second / first - 1): by how many % the second group's answer is above the first's. */
struct answer groups_difference(const struct study *first, const struct study *second, const struct question *q);

/* The largest compute that every fitted group reaches: where their laws are compared when nothing is asked for. */
double groups_common_flops(const struct groups *g);

#endif
