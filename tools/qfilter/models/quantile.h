/* SPDX-License-Identifier: MIT
 *
 * Ranks in a stream of numbers within fixed memory: the deterministic form of the compactors of Manku, Rajagopalan and
 * Lindsay (1998) and of KLL (Karnin, Lang and Liberty 2016).  Level h holds up to QUANTILE_BUFFER values that stand for
 * 2^h each; a full level is sorted and every second value, of even and odd places in turn, moves up.
 *
 * A move changes the rank of any number by at most 2^h, and level h is emptied at most n / (QUANTILE_BUFFER 2^h) times,
 * so a share is wrong by at most quantile_error(n) = log2(n / QUANTILE_BUFFER) / QUANTILE_BUFFER, rounded up to whole
 * levels: 0 below 65,536 numbers, 0.00022 at 10^9.  Half a megabyte a level.  The same numbers in the same order give the
 * same ranks everywhere.
 */
#ifndef QFILTER_MODELS_QUANTILE_H
#define QFILTER_MODELS_QUANTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUANTILE_BUFFER = 1 << 16, QUANTILE_LEVELS = 48 };

struct quantile { /* zero to start */
  double *levels[QUANTILE_LEVELS];
  size_t counts[QUANTILE_LEVELS];
  bool odd[QUANTILE_LEVELS];
  uint64_t total; /* numbers added */
  /* after quantile_finish(): values in order, and the weight of those before each */
  struct quantile_step {
    double value;
    uint64_t weight;
  } *steps;
  size_t step_count;
  uint64_t weight;
};

void quantile_add(struct quantile *q, double value); /* NAN is left out */
void quantile_finish(struct quantile *q);
void quantile_release(struct quantile *q);

/* The shares of numbers below and above; NAN for NAN. */
double quantile_below(const struct quantile *q, double value);
double quantile_above(const struct quantile *q, double value);
double quantile_error(uint64_t n);

/* The least number that fewer than `fraction` of all are above; NAN when there is none. */
double quantile_top(const struct quantile *q, double fraction);

#endif
