/* SPDX-License-Identifier: MIT
 *
 * A study as a self-contained SVG: panels in two columns, each one view of the runs and the law (plot.c has the table of them).
 * Made for paper: colours are ordered by lightness and never the only sign, no text is below 11 pixels, and a table of any size
 * gives a file of bounded size.
 */
#ifndef FIT_SCALING_PLOT_H
#define FIT_SCALING_PLOT_H

#include <stddef.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/fit-scaling/study/study.h"

struct plot_prediction { /* numbers that are not known are not drawn */
  const char *label;     /* any text */
  struct run at;         /* the run that was asked for, or the best one for its FLOPs */
  bool optimum;
  struct answer value;   /* of the column that the law explains */
  struct interval run;   /* where one such run falls */
  struct interval params; /* of the best N */
};

struct plot {
  const char *title;         /* any text; NULL: none */
  const struct study *study; /* its runs, those held out, and its law */
  const struct plot_prediction *predictions;
  size_t prediction_count;
  const char *panels;        /* names with commas between; NULL: all that the form and the runs allow */
};

/* -1 when the list names a panel that there is not. */
int plot_check_panels(const char *panels, struct err *e);

/* -1, and nothing in `out`, when a panel that the list names cannot be drawn of this study. */
int plot_svg(struct buffer *out, const struct plot *plot, struct err *e);

#endif
