/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/plan/hyper.h"

#include <math.h>

#include "tools/fit-scaling/forms/step_law.h"
#include "tools/fit-scaling/study/study.h"

static const double highest_lr = 0x1p-7;

/* Far: more than a factor of 10 outside what the runs had. */
static bool is_far(double x, double low, double high) { return x < low / 10 || x > high * 10; }

static int by_table(struct hyper *h, double params, double tokens, const char *table, struct err *e) {
  const struct study_options options = {.form = &form_step_law, .fit.fit = {OBJECTIVE_HUBER, 1e-3}, .bootstrap = {0, 0, 1}};
  const struct runs_options read = {.needs = form_step_law.needs};
  struct runs runs = {0};
  struct study s = {0};
  int result = runs_read(&runs, &table, 1, &read, e);
  if (result == 0) {
    result = study_run(&s, &options, &runs, INFINITY, e);
    if (result != 0) err_prefix(e, "%s", table);
  }
  if (result == 0) {
    struct run at = run_of(params, tokens);
    double low[2] = {INFINITY, INFINITY}, high[2] = {0, 0}, here[2] = {params, tokens};
    for (size_t i = 0; i < s.fitted.count; i++)
      for (int k = 0; k < 2; k++) {
        double x = runs_row(&s.fitted, i).value[k ? RUN_TOKENS : RUN_PARAMS];
        low[k] = fmin(low[k], x), high[k] = fmax(high[k], x);
      }
    *h = (struct hyper){form_step_law.predict(&s.data, s.fit.parameter, &at), form_step_law.predict_too(&s.data, s.fit.parameter, &at),
                        is_far(here[0], low[0], high[0]) || is_far(here[1], low[1], high[1])};
    if (!(h->lr > 0 && h->batch > 0 && isfinite(h->lr) && isfinite(h->batch)))
      result = err_set(e, "%s: these runs give no learning rate and batch for %.3g parameters and %.3g tokens", table, params, tokens);
  }
  study_release(&s);
  runs_release(&runs);
  return result;
}

int hyper_choose(struct hyper *h, double params, double tokens, const char *table, struct err *e) {
  if (table) return by_table(h, params, tokens, table, e);
  *h = (struct hyper){fmin(step_law_lr(params, tokens), highest_lr), step_law_batch(tokens), is_far(params, 6e7, 1.1e9) || is_far(tokens, 2e9, 1e11)};
  return 0;
}
