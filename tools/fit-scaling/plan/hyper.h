/* SPDX-License-Identifier: MIT
 *
 * Learning rate and batch for N parameters and D tokens: by the published step law, or by one fitted to a table of runs that
 * searched for both.
 */
#ifndef FIT_SCALING_HYPER_H
#define FIT_SCALING_HYPER_H

#include <stdbool.h>

#include "common/base/err.h"

struct hyper {
  double lr, batch; /* tokens a step */
  bool far;         /* N or D is far from the runs of the law */
};

/* table NULL: the published law, whose rate is never above 2^-7, the highest that its runs tried. */
int hyper_choose(struct hyper *h, double params, double tokens, const char *table, struct err *e);

#endif
