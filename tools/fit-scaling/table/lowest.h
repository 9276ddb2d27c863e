/* SPDX-License-Identifier: MIT
 *
 * Of runs that differ only in what was searched over (learning rate, batch size, seed), the one of lowest loss: laws of loss
 * describe well-tuned runs.
 */
#ifndef FIT_SCALING_LOWEST_H
#define FIT_SCALING_LOWEST_H

#include "tools/fit-scaling/table/runs.h"

/* "params,tokens" -> bits 1 << RUN_...; -1: a name that is no column. */
int lowest_parse(unsigned *per, const char *columns, struct err *e);

/* Keeps, of all runs with the same values in the columns `per` (and the same group), the one of lowest loss, the first of
 * several; runs without a loss go.  The others keep their order, `rows` and `bad` their counts. */
void lowest_keep(struct runs *runs, unsigned per);

#endif
