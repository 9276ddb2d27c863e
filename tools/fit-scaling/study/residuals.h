/* SPDX-License-Identifier: MIT
 *
 * How far each fitted run lies from the law: log(measured) - log(predicted), and the same in robust standard deviations.
 */
#ifndef FIT_SCALING_RESIDUALS_H
#define FIT_SCALING_RESIDUALS_H

#include <stddef.h>

#include "tools/fit-scaling/study/study.h"

/* Above this many robust standard deviations a run is an outlier: of normal scatter 1 run in 2,000 lies there. */
#define OUTLIER_Z 3.5

struct residuals {
  size_t count;
  double *value, *z; /* [count]; z = (value - median) / scale, 0 where the scale is 0 */
  double median, scale; /* scale: 1.4826 times the median absolute deviation, the standard deviation where the scatter is normal */
  size_t outliers;
};

/* Of the study's fitted runs.  A noise-free table, scale below 1e-9, has no outliers. */
void residuals_init(struct residuals *r, const struct study *s);
void residuals_release(struct residuals *r);

#endif
