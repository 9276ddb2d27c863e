/* SPDX-License-Identifier: MIT
 *
 * Median and median absolute deviation: a few wild runs do not hide themselves by widening the scale.
 */
#include "tools/fit-scaling/study/residuals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/order.h"

void residuals_init(struct residuals *r, const struct study *s) {
  const struct form *form = s->data.form;
  size_t n = s->fitted.count;
  *r = (struct residuals){.count = n, .value = NEW_ARRAY(double, n + 1), .z = NEW_ARRAY(double, n + 1)};
  if (form->searches) return;
  for (size_t i = 0; i < n; i++) {
    struct run run = runs_row(&s->fitted, i);
    r->value[i] = form_residual(form, run.value[form->explains], form->predict(&s->data, s->fit.parameter, &run));
  }
  double *sorted = NEW_ARRAY(double, n + 1);
  memcpy(sorted, r->value, n * sizeof *sorted);
  r->median = order_median(sorted, n);
  for (size_t i = 0; i < n; i++) sorted[i] = fabs(r->value[i] - r->median);
  r->scale = 1.4826 * order_median(sorted, n);
  free(sorted);
  for (size_t i = 0; i < n && r->scale > 1e-9; i++) {
    r->z[i] = (r->value[i] - r->median) / r->scale;
    r->outliers += fabs(r->z[i]) > OUTLIER_Z;
  }
}

void residuals_release(struct residuals *r) {
  free(r->value);
  free(r->z);
  *r = (struct residuals){0};
}
