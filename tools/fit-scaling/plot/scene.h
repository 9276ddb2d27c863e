/* SPDX-License-Identifier: MIT
 *
 * What all panels of a plot share: which runs are drawn, and the budgets that give them shape and shade.
 *
 * Budgets are clusters of the runs' compute, 6 N D (neighbours less than 20% apart).  Runs with more than twelve of them, or
 * with one that is wider than a factor of two, get eight spread evenly over the logarithm of the range instead, and a run
 * belongs to the nearest.
 */
#ifndef FIT_SCALING_SCENE_H
#define FIT_SCALING_SCENE_H

#include "common/base/buffer.h"
#include "tools/fit-scaling/plot/plot.h"
#include "tools/fit-scaling/study/residuals.h"

enum { BUDGETS_MAX = 12 };

enum legend { /* what a panel drew and the legend explains */
  LEGEND_RUNS = 1,
  LEGEND_HELD_OUT = 2,
  LEGEND_LAW = 4,
  LEGEND_FRONTIER = 8,
  LEGEND_BAND = 16,
  LEGEND_PREDICTION = 32,
  LEGEND_OUTLIER = 64,
  LEGEND_REGION = 128,
  LEGEND_MINIMUM = 256,
  LEGEND_RESIDUALS = 512,
  LEGEND_RUN_BAND = 1024,
};

struct scene {
  const struct plot *plot;
  const struct study *study;
  size_t total, drawn;         /* runs that count, fitted and held out; of them every step-th is drawn */
  size_t step;
  size_t *best;                /* of a search: the fitted runs of lowest loss for their params and tokens, `total` of them; NULL: all runs */
  double marks;                /* radius of a run's mark */
  int budgets;                 /* 0: the runs' compute is not known */
  double budget[BUDGETS_MAX];  /* FLOPs, ascending */
  bool exact;                  /* they are the runs' own, not spread over the range */
  double lowest, highest;      /* FLOPs of the runs; not a number where unknown */
  struct residuals residuals;
  unsigned legend;             /* panels add to it */
  bool beyond;                 /* a panel drew the frontier beyond the runs */
};

void scene_init(struct scene *s, const struct plot *plot);
void scene_release(struct scene *s);

/* The i-th drawn run, i < drawn; *number is its index among the fitted, then the held-out ones. */
struct run scene_run(const struct scene *s, size_t i, size_t *number);
bool scene_held_out(const struct scene *s, size_t number);
int scene_budget(const struct scene *s, const struct run *run); /* the nearest budget's index */
double scene_compute(const struct run *run);                    /* FLOPs; 6 N D where they are missing */

double scene_predict(const struct scene *s, const struct run *at); /* by the fitted law; not a number where it says nothing */
struct optimum scene_optimum(const struct scene *s, double flops);

const char *scene_title(enum run_column column); /* of an axis, with the unit */
const char *scene_name(enum run_column column);  /* "Loss", to begin a title with */
bool scene_explains(const struct scene *s, enum run_column column);

/* "l3": the class of a budget's line or mark, in a caller's array. */
const char *scene_class(char kind, int budget, char class[16]);

/* CSS of the classes that panels use: m0.. and h0.. fill and outline a mark of a budget, l0.. are its line. */
void scene_style(const struct scene *s, struct buffer *out);

#endif
