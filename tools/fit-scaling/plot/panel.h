/* SPDX-License-Identifier: MIT
 *
 * One panel of a plot: a box with two axes, and what is drawn in it.
 */
#ifndef FIT_SCALING_PANEL_H
#define FIT_SCALING_PANEL_H

#include "tools/fit-scaling/plot/axis.h"
#include "tools/fit-scaling/plot/scene.h"
#include "tools/fit-scaling/plot/svg.h"

enum { PANEL_WIDTH = 460, PANEL_HEIGHT = 370, PANEL_NOTES = 32 };

struct panel {
  struct buffer *out;
  int number;       /* from 0, in the order of the plot */
  double left, top; /* pixels */
  struct axis x, y;
  double taken[PANEL_NOTES][4]; /* boxes of the notes so far: left, top, right, bottom */
  int notes;
};

/* The title with its letter, the axes (which must be widened and have their margins) and their ticks; what follows is clipped to
 * the box. */
void panel_begin(struct panel *p, const char *title);
void panel_end(struct panel *p);

void panel_line(struct panel *p, const char *class, double x1, double y1, double x2, double y2); /* values */
void panel_curve(struct panel *p, const char *class, const double *x, const double *y, int count); /* gaps where a value is not a number */
/* The area between low and high; points without both are left out. */
void panel_band(struct panel *p, const char *class, const double *x, const double *low, const double *high, int count);
void panel_mark(struct panel *p, const struct scene *s, const struct run *run, size_t number, double x, double y);
void panel_cross(struct panel *p, double x, double y, const char *tooltip);
void panel_whisker(struct panel *p, const char *class, bool upright, double at, double low, double high);
/* The interval of a quantity over compute, from end to end of the panel's x axis. */
void panel_answer_band(struct panel *p, struct scene *s, enum quantity quantity, const char *class);
/* Text beside a place in the box, where there is room between the notes before it; nowhere: left out. */
void panel_note(struct panel *p, double x, double y, double distance, const char *text);

struct axis panel_axis(enum run_column column);

struct panel_kind {
  const char *name, *about;                      /* what it shows, for the list of panels */
  const char *(*absent)(const struct scene *s); /* NULL: it can be drawn; else why not */
  void (*draw)(struct panel *p, struct scene *s);
};

extern const struct panel_kind panel_loss_params, panel_loss_tokens, panel_loss_compute, panel_loss_batch, panel_accuracy_loss; /* against.c */
extern const struct panel_kind panel_isoflop, panel_allocation;                                               /* allocation.c */
extern const struct panel_kind panel_residuals, panel_measured;                                               /* scatter.c */
extern const struct panel_kind panel_parameters, panel_decision;                                              /* cloud.c */

#endif
