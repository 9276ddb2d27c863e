/* SPDX-License-Identifier: MIT
 *
 * A fitted law as a self-contained SVG: left, the runs by model size, coloured by compute, with the law's curve for each
 * budget and the line of compute-optimal models; right, loss against compute with the frontier, extended to the
 * predictions and their intervals.
 */
#ifndef FIT_SCALING_PLOT_H
#define FIT_SCALING_PLOT_H

#include <stddef.h>

#include "common/base/buffer.h"
#include "tools/fit-scaling/bootstrap.h"
#include "tools/fit-scaling/law.h"
#include "tools/fit-scaling/runs.h"

struct plot_prediction {
  const char *label;        /* any text */
  double params, tokens, flops, loss;
  struct interval interval; /* not a number: no whisker */
};

struct plot {
  const char *title;           /* any text */
  const struct law *law;
  const struct run *runs, *held_out;
  size_t run_count, held_out_count;
  const struct plot_prediction *predictions;
  size_t prediction_count;
};

void plot_svg(struct buffer *out, const struct plot *plot);

/* Appends s with & < > " ' as entities and what XML 1.0 forbids (control characters, invalid UTF-8) as U+FFFD. */
void plot_escape(struct buffer *out, const char *s);

#endif
