/* SPDX-License-Identifier: MIT
 *
 * Every run with its prediction, and the few that lie far from the law.
 */
#ifndef FIT_SCALING_OUTLIERS_H
#define FIT_SCALING_OUTLIERS_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "tools/fit-scaling/study/study.h"

/* `params tokens flops MEASURED predicted residual z outlier held_out`, a row a run, the fitted ones first: residual is
 * log(measured) - log(predicted) in %, z the same in robust standard deviations (residuals.h), empty for held-out runs. */
void outliers_table(const struct study *s, struct buffer *out);

/* Names the worst of them; false: there are none. */
bool outliers_warning(const struct study *s, struct buffer *out);

#endif
