/* SPDX-License-Identifier: MIT
 *
 * Intervals by the pairs bootstrap (Efron 1979): runs are drawn with replacement, the law is fitted to each resample, and
 * the 2.5th and 97.5th percentiles over resamples of any number that follows from a law bound it with 95% confidence.
 * Resamples that do not determine five parameters are left out and counted.  The result depends on the seed and the
 * number of resamples, not on the number of threads.
 */
#ifndef FIT_SCALING_BOOTSTRAP_H
#define FIT_SCALING_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include "tools/fit-scaling/fit.h"

struct bootstrap {
  struct law *laws;  /* of the resamples that could be fitted, in the order they were drawn */
  size_t count;
  size_t drawn, degenerate, unconverged, at_bound; /* at_bound: kept, though a parameter ran to its bound */
};

/* Sets weight[0..n) (cleared before) to how often resample number `resample` holds each point.  Called from any thread. */
typedef void bootstrap_draw(void *context, size_t resample, double *weight, size_t n);

/* best: the fit of all points, from which large resamples start.  draw NULL: uniformly at random from `seed`. */
void bootstrap_run(struct bootstrap *b, const struct points *p, const struct fit *best, const struct fit_options *options,
                   size_t resamples, uint64_t seed, int jobs, bootstrap_draw *draw, void *context);
void bootstrap_release(struct bootstrap *b);

enum { BOOTSTRAP_LEAST = 20 }; /* fewer resamples give no interval */

struct interval {
  double low, high, stderr_; /* not a number: unknown */
};

/* Of value(context, law) over the resamples; percentiles interpolate linearly, stderr_ is the standard deviation. */
struct interval bootstrap_interval(const struct bootstrap *b, double (*value)(const void *context, const struct law *law), const void *context);

#endif
