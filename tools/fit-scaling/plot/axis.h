/* SPDX-License-Identifier: MIT
 *
 * An axis of a plot: which values it holds, where they stand, and ticks whose labels do not touch.
 */
#ifndef FIT_SCALING_AXIS_H
#define FIT_SCALING_AXIS_H

#include <stdbool.h>

enum axis_scale { AXIS_LOG, AXIS_LINEAR };
enum axis_labels {
  AXIS_PLAIN,  /* 2.5, -0.1 */
  AXIS_COUNTS, /* 70M, 1.4B, 2T */
  AXIS_POWERS, /* 10^21, 3x10^18 */
};

struct axis {
  const char *title; /* as svg_formula() takes it, with the unit */
  enum axis_scale scale;
  enum axis_labels labels;
  double low, high; /* of log(value) or value; low > high: nothing seen yet */
  double from, to;  /* pixels of low and high */
};

struct axis axis_of(const char *title, enum axis_scale scale, enum axis_labels labels);
void axis_widen(struct axis *a, double value); /* values that it cannot hold (not finite; not positive on a log axis) are ignored */
/* Some air at both ends; at least `least` wide (of log(value) or value). */
void axis_margin(struct axis *a, double least);
double axis_place(const struct axis *a, double value); /* pixels; not a number for what the axis cannot hold */
double axis_at(const struct axis *a, double fraction); /* the value there, 0 to 1 */
bool axis_holds(const struct axis *a, double value);   /* between its ends */

enum { AXIS_TICKS = 16, AXIS_LABEL = 32 };

struct tick {
  double value;
  char label[AXIS_LABEL]; /* as svg_formula() takes it */
};

/* What labels leave out and the title must say: label = (value - base) / 10^power.  base is 0 unless all values agree in four
 * digits, power is 0 unless labels would be long. */
struct axis_offset {
  double base;
  int power;
};
struct axis_offset axis_offset(const struct axis *a);

/* Round numbers in ascending order: as many as fit, at most AXIS_TICKS.  upright: labels stand under each other. */
int axis_ticks(const struct axis *a, bool upright, struct tick ticks[AXIS_TICKS]);

/* A count with four digits and k M B T: 1.4B. */
void axis_count_label(double value, int digits, char label[AXIS_LABEL]);
/* 3×10^18; plain between 0.001 and 10,000. */
void axis_power_label(double value, int digits, char label[AXIS_LABEL]);

#endif
