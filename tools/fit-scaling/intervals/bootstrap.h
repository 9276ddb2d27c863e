/* SPDX-License-Identifier: MIT
 *
 * Intervals by the bootstrap (Efron 1979): the law is fitted to many tables that might as well have been seen, and percentiles
 * over those fits bound any number that follows from a law.
 *
 *   pairs     the runs are drawn with replacement: nothing is assumed of the scatter or of the law
 *   residual  the runs stay, their losses are the law's with residuals drawn anew (scatter.h: corrected for leverage, of a
 *             scale that may depend on params and tokens, and smoothed: a fit of l1 passes through as many runs as there are
 *             parameters, and their residuals of 0 would make it look too sure); percentiles are widened for few runs
 *             (Hesterberg 2015)
 *   budget    whole budgets (runs of the same compute within 20%) are drawn with replacement: runs of one budget may share what
 *             moved them; percentiles are widened for few budgets
 *   normal    laws drawn from the sandwich covariance (covariance.h), which pairs tend to with many runs
 *   auto      of a form that fits one curve: residual below 100 runs, pairs from there, normal above 50,000; of one that
 *             searches (step-law) budget, as the scatter of the optima moves it, not that of the trials around each; else pairs.
 *             Simulated tables of 20 to 240 runs decided (tests/oracle/fit_scaling_coverage.py): where the objective has kinks,
 *             95% intervals of pairs hold the truth in up to 100% of small tables, those of redrawn residuals in 91-98%
 *
 * Resamples that do not determine the parameters are left out and counted.  The result depends on the seed and the number of
 * resamples, not on the number of threads.
 */
#ifndef FIT_SCALING_BOOTSTRAP_H
#define FIT_SCALING_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include "tools/fit-scaling/forms/form.h"
#include "tools/fit-scaling/intervals/scatter.h"

/* profile (profile.h) is a way to intervals, not to laws: its laws are those of auto. */
enum interval_kind { INTERVALS_AUTO, INTERVALS_PAIRS, INTERVALS_RESIDUAL, INTERVALS_BUDGET, INTERVALS_PROFILE, INTERVALS_NORMAL };

struct bootstrap_options {
  size_t resamples;
  uint64_t seed;
  int jobs;
  enum interval_kind kind;
  double level;            /* confidence, such as .95; 0: .95 */
  const struct runs *runs; /* those that the form is bound to; NULL: pairs only, and no further runs */
};

struct bootstrap {
  int parameters;
  double *law; /* [count][parameters], of the resamples that could be fitted, in the order they were drawn */
  size_t count;
  size_t drawn, degenerate, unconverged, at_bound; /* at_bound: kept, though a parameter ran to its bound */
  enum interval_kind kind; /* how the laws were drawn */
  const char *note;        /* NULL, or why not as the options said */
  double level, tail;      /* percentiles tail and 1 - tail bound numbers with this confidence */
  uint64_t seed;
  bool has_scatter;
  struct scatter scatter;
};

/* Sets weight[0..n) (cleared before) to how often resample number `resample` holds each point.  Called from any thread. */
typedef void bootstrap_draw(void *context, size_t resample, double *weight, size_t n);

/* best: the fit of all points, from which resamples start.  draw, when not NULL, is what pairs draw. */
void bootstrap_run(struct bootstrap *b, const struct form_data *d, const struct fit *best, const struct bootstrap_options *options,
                   bootstrap_draw *draw, void *context);
void bootstrap_release(struct bootstrap *b);

const char *interval_kind_name(enum interval_kind kind);

enum { BOOTSTRAP_LEAST = 20 }; /* fewer resamples give no interval */

struct interval {
  double low, high, stderr_; /* not a number: unknown */
};

/* Of value(context, law) over the resamples; percentiles interpolate linearly, stderr_ is the standard deviation. */
struct interval bootstrap_interval(const struct bootstrap *b, double (*value)(const void *context, const double *law), const void *context);

/* Where one further run falls: value(context, law) over the resamples, each with a residual of its own (scatter_draw).  For
 * few runs both are stretched by what is not known of the scatter's scale; `best` is the fitted law. */
struct interval bootstrap_run_interval(const struct bootstrap *b, double (*value)(const void *context, const double *law), const void *context,
                                       const double *best, const struct run *at);

/* Of draws that are there already, bounded by their percentiles `tail` and 1 - tail; those that are not finite are left out, the
 * others reordered. */
struct interval interval_of_draws(double *draws, size_t count, double tail);

#endif
