/* SPDX-License-Identifier: MIT
 *
 * Robust standard deviations tell outliers; nothing is left out because of them.
 */
#include "tools/fit-scaling/validation/outliers.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/fit-scaling/study/residuals.h"
#include "tools/fit-scaling/table/fields.h"
#include "tools/fit-scaling/table/lowest.h"

static void put_run(const struct study *s, struct buffer *out, const struct runs *runs, size_t row, const struct residuals *r) {
  struct run run = runs_row(runs, row);
  enum run_column explains = s->data.form->explains;
  double predicted = s->data.form->predict(&s->data, s->fit.parameter, &run);
  fields_numbers(out, (double[]){run.value[RUN_PARAMS], run.value[RUN_TOKENS], run.value[RUN_FLOPS], run.value[explains], predicted,
                                 100 * form_residual(s->data.form, run.value[explains], predicted), r ? r->z[row] : NAN}, 7);
  buffer_printf(out, "\t%d\t%d\n", r && fabs(r->z[row]) > OUTLIER_Z, r == NULL);
}

/* Of a search only the best runs are explained. */
static void best_of(struct runs *best, const struct runs *runs) {
  bool *keep = NEW_ARRAY(bool, runs->count + 1);
  for (size_t i = 0; i < runs->count; i++) keep[i] = true;
  runs_select(best, runs, keep);
  lowest_keep(best, 1 << RUN_PARAMS | 1 << RUN_TOKENS);
  free(keep);
}

void outliers_table(const struct study *s, struct buffer *out) {
  struct residuals r;
  struct runs best = {0};
  const struct runs *fitted = &s->fitted;
  if (s->data.form->searches) best_of(&best, fitted), fitted = &best;
  residuals_init(&r, s);
  buffer_printf(out, "params\ttokens\tflops\t%s\tpredicted\tresidual\tz\toutlier\theld_out\n", run_column_name(s->data.form->explains));
  for (size_t i = 0; i < fitted->count; i++) put_run(s, out, fitted, i, &r);
  for (size_t i = 0; i < s->held_out.count; i++) put_run(s, out, &s->held_out, i, NULL);
  runs_release(&best);
  residuals_release(&r);
}

bool outliers_warning(const struct study *s, struct buffer *out) {
  struct residuals r;
  residuals_init(&r, s);
  size_t worst = 0, outliers = r.outliers;
  for (size_t i = 1; i < r.count; i++)
    if (fabs(r.z[i]) > fabs(r.z[worst])) worst = i;
  if (outliers > 0) {
    struct run run = runs_row(&s->fitted, worst);
    char n[NUMBER_TEXT], d[NUMBER_TEXT];
    buffer_printf(out, "%zu of %zu runs lie more than %g robust standard deviations (%.2g%% each) from the law; the farthest: ", outliers, r.count, OUTLIER_Z, 100 * r.scale);
    if (isfinite(run.value[RUN_PARAMS]) && isfinite(run.value[RUN_TOKENS]))
      buffer_printf(out, "params %s, tokens %s", number_short(run.value[RUN_PARAMS], n), number_short(run.value[RUN_TOKENS], d));
    else buffer_printf(out, "run %zu", worst + 1);
    buffer_printf(out, ", %.3g%% %s it; --residuals shows all", 100 * fabs(s->data.form->explains == RUN_ACCURACY ? r.value[worst] : expm1(r.value[worst])),
                  r.value[worst] > 0 ? "above" : "below");
  }
  residuals_release(&r);
  return outliers > 0;
}
