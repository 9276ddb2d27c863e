/* SPDX-License-Identifier: MIT
 *
 * The sample is drawn by a hash of the row's number: every k-th row might fall on one budget of a regular table.
 */
#include "tools/fit-scaling/forms/estimate.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"

enum { LARGE_TABLE = 50000, SAMPLE = 20000 };

static void select_sample(struct runs *sample, const struct runs *runs) {
  bool *keep = NEW_ARRAY(bool, runs->count);
  for (size_t i = 0; i < runs->count; i++) keep[i] = splitmix64(i) % runs->count < SAMPLE;
  runs_select(sample, runs, keep);
  free(keep);
}

/* The coordinates of the sample's curve may be centred a little elsewhere: its optimum is near that of all all the same. */
static bool estimate_sample(struct fit *fit, const struct form_data *d, const struct runs *runs) {
  struct runs sample;
  struct form_data part;
  struct err ignored;
  select_sample(&sample, runs);
  bool found = form_bind(&part, d->form, &d->options, &sample, &ignored) == 0 && !d->form->undetermined(&part, NULL);
  if (found) d->form->estimate(fit, &part, NULL, NULL);
  form_release(&part);
  runs_release(&sample);
  return found && fit->converged;
}

void form_estimate(struct fit *fit, const struct form_data *d, const struct runs *runs) {
  struct fit sample = {0};
  if (d->count > LARGE_TABLE && d->curve && estimate_sample(&sample, d, runs)) {
    d->form->estimate(fit, d, NULL, sample.theta);
    fit->starts = sample.starts;
    fit->reached = sample.reached;
    fit->condition = sample.condition;
    if (fit->converged) return;
  }
  d->form->estimate(fit, d, NULL, NULL);
}
