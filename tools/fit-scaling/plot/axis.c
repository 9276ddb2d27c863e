/* SPDX-License-Identifier: MIT
 *
 * Ticks are chosen from sets of round numbers, the densest whose labels keep apart: steps of 1, 2 or 5 times a power of ten
 * where the axis is linear or nearly so; else 1 to 9, 1 2 5, 1 3, 1 times powers of ten, then every 2nd, 3rd, ... power.
 */
#include "tools/fit-scaling/plot/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/fit-scaling/plot/svg.h"

struct axis axis_of(const char *title, enum axis_scale scale, enum axis_labels labels) {
  return (struct axis){.title = title, .scale = scale, .labels = labels, .low = INFINITY, .high = -INFINITY};
}

static double inner(const struct axis *a, double value) { return a->scale == AXIS_LOG ? (value > 0 ? log(value) : NAN) : value; }
static double outer(const struct axis *a, double t) { return a->scale == AXIS_LOG ? exp(t) : t; }

void axis_widen(struct axis *a, double value) {
  double t = inner(a, value);
  if (!isfinite(t)) return;
  a->low = fmin(a->low, t);
  a->high = fmax(a->high, t);
}

void axis_margin(struct axis *a, double least) {
  if (!(a->low <= a->high)) a->low = 0, a->high = least;
  double more = fmax(.05 * (a->high - a->low), .5 * (least - (a->high - a->low)));
  a->low -= more;
  a->high += more;
}

double axis_place(const struct axis *a, double value) {
  double t = inner(a, value);
  return isfinite(t) ? a->from + (t - a->low) / (a->high - a->low) * (a->to - a->from) : NAN;
}

double axis_at(const struct axis *a, double fraction) { return outer(a, a->low + fraction * (a->high - a->low)); }

bool axis_holds(const struct axis *a, double value) {
  double t = inner(a, value), slack = 1e-9 * (a->high - a->low);
  return t >= a->low - slack && t <= a->high + slack;
}

/* ---- labels */

/* 1.25 with so many significant digits, without zeros at the end. */
static void plain_digits(double value, int digits, char label[AXIS_LABEL]) { snprintf(label, AXIS_LABEL, "%.*g", digits, value); }

void axis_power_label(double value, int digits, char label[AXIS_LABEL]) {
  double size = fabs(value);
  if (size == 0 || (size >= .001 && size < 9999.5)) {
    plain_digits(value, digits > 4 ? digits : 4, label);
    return;
  }
  int power = (int)floor(log10(size) + 1e-12);
  char factor[AXIS_LABEL];
  plain_digits(value / pow(10, power), digits, factor);
  if (strcmp(factor, "10") == 0) strcpy(factor, "1"), power++;
  if (strcmp(factor, "1") == 0) snprintf(label, AXIS_LABEL, "10^%d", power);
  else snprintf(label, AXIS_LABEL, "%.16s\u00d710^%d", factor, power);
}

void axis_count_label(double value, int digits, char label[AXIS_LABEL]) {
  static const char *const unit[] = {"", "k", "M", "B", "T"};
  double size = fabs(value);
  int u = 0;
  if (!(size < 9.995e14) || (size > 0 && size < 1e-2)) {
    axis_power_label(value, digits, label);
    return;
  }
  while (u < 4 && size * (1 + 1e-12) >= 1000) size /= 1000, value /= 1000, u++;
  char number[AXIS_LABEL];
  plain_digits(value, digits > 3 ? digits : 3, number);
  snprintf(label, AXIS_LABEL, "%.24s%s", number, unit[u]);
}

struct axis_offset axis_offset(const struct axis *a) {
  struct axis_offset o = {0, 0};
  double low = outer(a, a->low), high = outer(a, a->high), range = high - low, largest = fmax(fabs(low), fabs(high));
  if (low * high > 0 && range < 1e-4 * largest) {
    double unit = pow(10, ceil(log10(range)));
    o.base = round((low + high) / 2 / unit) * unit;
    largest = fmax(fabs(low - o.base), fabs(high - o.base));
  } else if (a->scale == AXIS_LOG || a->labels != AXIS_PLAIN) {
    return o;
  }
  if (largest < 1e-3 || largest >= 1e5) o.power = (int)floor(log10(largest));
  return o;
}

static void put_label(const struct axis *a, struct tick *t, double step) {
  struct axis_offset o = axis_offset(a);
  if (o.base != 0 || o.power != 0) {
    plain_digits(fabs(t->value - o.base) < 1e-6 * step ? 0 : (t->value - o.base) / pow(10, o.power), 4, t->label);
    return;
  }
  int digits = step > 0 && t->value != 0 ? (int)fmin(fmax(ceil(log10(fabs(t->value) / step) - 1e-9) + 1, 1), 12) : 3;
  if (a->labels == AXIS_COUNTS) axis_count_label(t->value, digits, t->label);
  else if (a->labels == AXIS_POWERS) axis_power_label(t->value, digits, t->label);
  else if (fabs(t->value) < 1e6 && (t->value == 0 || fabs(t->value) >= 1e-4)) plain_digits(t->value, digits > 6 ? digits : 6, t->label);
  else axis_power_label(t->value, digits, t->label);
}

/* ---- sets of round numbers; those that would not fit into `ticks` are only counted */

enum { LEGIBLE = 9 };

static int add(const struct axis *a, struct tick *ticks, int count, double value, double step) {
  if (!axis_holds(a, value)) return count;
  if (count >= AXIS_TICKS) return count + 1;
  ticks[count].value = value;
  put_label(a, &ticks[count], step);
  return count + 1;
}

static int by_steps(const struct axis *a, struct tick *ticks, int wanted) {
  double low = outer(a, a->low), high = outer(a, a->high), rough = (high - low) / wanted;
  if (!(rough > 0) || !isfinite(rough) || !(rough > 1e-13 * fmax(fabs(low), fabs(high)))) return 0;
  double power = pow(10, floor(log10(rough))), step = rough / power > 5 ? 10 * power : rough / power > 2 ? 5 * power : rough / power > 1 ? 2 * power : power;
  double first = ceil(low / step - 1e-9);
  int count = 0;
  for (int k = 0; k <= 4 * AXIS_TICKS && (first + k) * step <= high + 1e-9 * step; k++) {
    double value = (first + k) * step;
    count = add(a, ticks, count, fabs(value) < 1e-9 * step ? 0 : value, step);
  }
  return count;
}

static int by_powers(const struct axis *a, struct tick *ticks, const char *factors, int every) {
  double low = a->low / log(10), high = a->high / log(10);
  int count = 0;
  for (double k = fmax(floor(low - 1e-9), -300); k <= fmin(high + 1e-9, 300) && count <= AXIS_TICKS; k++)
    for (const char *f = factors; *f && fmod(k, every) == 0; f++) count = add(a, ticks, count, (*f - '0') * pow(10, k), 0);
  return count;
}

/* They keep apart, and are not too many to read. */
static bool legible(const struct axis *a, bool upright, const struct tick *ticks, int count) {
  double last = -INFINITY;
  if (count < 1 || count > LEGIBLE) return false;
  for (int i = 0; i < count; i++) {
    double at = fabs(axis_place(a, ticks[i].value) - a->from), half = upright ? SVG_FONT * .7 : svg_formula_width(ticks[i].label) / 2 + 7;
    if (at - half < last) return false;
    last = at + half;
  }
  return true;
}

int axis_ticks(const struct axis *a, bool upright, struct tick ticks[AXIS_TICKS]) {
  static const char *const factors[] = {"123456789", "125", "13", "1"};
  int count;
  if (a->scale == AXIS_LINEAR || a->high - a->low < log(4))
    for (int wanted = 7; wanted >= 2; wanted--)
      if (legible(a, upright, ticks, count = by_steps(a, ticks, wanted)) && count > 1) return count;
  if (a->scale == AXIS_LINEAR) return 0;
  for (int i = 0; i < 4; i++)
    if (legible(a, upright, ticks, count = by_powers(a, ticks, factors[i], 1))) return count;
  for (int every = 2; every < 300; every++)
    if (legible(a, upright, ticks, count = by_powers(a, ticks, "1", every))) return count;
  return 0;
}
