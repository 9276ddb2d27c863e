/* SPDX-License-Identifier: MIT
 *
 * Ticks: round numbers inside the axis whose labels keep apart, whatever the range.
 */
#include "tools/fit-scaling/plot/axis.h"

#include <math.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/tap.h"
#include "tools/fit-scaling/plot/svg.h"

static struct axis axis_between(enum axis_scale scale, enum axis_labels labels, double low, double high, double from, double to) {
  struct axis a = axis_of("x", scale, labels);
  axis_widen(&a, low);
  axis_widen(&a, high);
  a.from = from, a.to = to;
  return a;
}

/* Labels with a bar between. */
static const char *labels_of(const struct axis *a, bool upright) {
  static char text[512];
  struct tick ticks[AXIS_TICKS];
  int count = axis_ticks(a, upright, ticks);
  text[0] = 0;
  for (int i = 0; i < count; i++) {
    strcat(text, i ? "|" : "");
    strcat(text, ticks[i].label);
  }
  return text;
}

static void known_axes(void) {
  struct axis a = axis_between(AXIS_LOG, AXIS_POWERS, 1e18, 1e24, 0, 330);
  ok_string(labels_of(&a, false), "10^18|10^19|10^20|10^21|10^22|10^23|10^24", "decades of compute");
  a = axis_between(AXIS_LOG, AXIS_POWERS, 1e-40, 1e60, 0, 330);
  ok_string(labels_of(&a, false), "10^-30|10^-15|1|10^15|10^30|10^45|10^60", "every fifteenth decade of a hundred");
  a = axis_between(AXIS_LOG, AXIS_COUNTS, 5e7, 2e10, 0, 330);
  ok_string(labels_of(&a, false), "100M|300M|1B|3B|10B", "counts");
  a = axis_between(AXIS_LOG, AXIS_PLAIN, 2.1, 2.6, 280, 0);
  ok_string(labels_of(&a, true), "2.1|2.2|2.3|2.4|2.5|2.6", "even steps where a logarithm is nearly straight");
  a = axis_between(AXIS_LINEAR, AXIS_PLAIN, -2.2, 4, 280, 0);
  ok_string(labels_of(&a, true), "-2|-1|0|1|2|3|4", "a linear axis");
  a = axis_between(AXIS_LOG, AXIS_PLAIN, 3.564966061, 3.564966066, 280, 0);
  struct axis_offset o = axis_offset(&a);
  ok(fabs(o.base - 3.56496606) < 1e-8 && o.power == -9, "what all values share goes into the title (less %.9g, in 10^%d)", o.base, o.power);
  a = axis_between(AXIS_LOG, AXIS_PLAIN, 3, 3, 280, 0);
  axis_margin(&a, .02);
  ok(strlen(labels_of(&a, true)) > 3, "one value has an axis");
  a = axis_of("x", AXIS_LOG, AXIS_COUNTS);
  axis_widen(&a, NAN);
  axis_widen(&a, -1);
  axis_widen(&a, INFINITY);
  axis_margin(&a, log(4));
  a.from = 0, a.to = 300;
  ok(isfinite(a.low) && isfinite(a.high) && isnan(axis_place(&a, 0)) && isfinite(axis_place(&a, 2)), "so has none: values that an axis cannot hold are not placed");
}

static void any_axes(void) {
  struct rng rng;
  rng_init(&rng, 7);
  int overlapping = 0, outside = 0, empty = 0;
  for (int k = 0; k < 20000; k++) {
    double middle = pow(10, 40 * rng_double(&rng) - 20), spread = pow(10, 14 * rng_double(&rng) - 10);
    bool upright = k & 1, linear = k & 2;
    double low = linear ? middle * (1 - spread) : middle / (1 + spread), high = middle * (1 + spread);
    struct axis a = axis_between(linear ? AXIS_LINEAR : AXIS_LOG, (enum axis_labels)(k % 3), low, high, upright ? 280 : 80, upright ? 0 : 440);
    struct tick ticks[AXIS_TICKS];
    int count = axis_ticks(&a, upright, ticks);
    double last = -INFINITY;
    empty += count == 0;
    for (int i = 0; i < count; i++) {
      double at = fabs(axis_place(&a, ticks[i].value) - a.from), half = upright ? 7 : svg_formula_width(ticks[i].label) / 2;
      overlapping += at - half < last;
      outside += !axis_holds(&a, ticks[i].value);
      last = at + half;
    }
  }
  ok_int(overlapping, 0, "labels of 20,000 axes at random never touch");
  ok_int(outside, 0, "nor leave their axis");
  ok(empty < 200, "and hardly an axis is without (%d)", empty);
}

static const char *formula(const char *s) {
  static struct buffer b;
  buffer_clear(&b);
  svg_formula(&b, 1, 2, ANCHOR_START, NULL, s);
  b.len -= strlen("</text>\n");
  return buffer_string(&b) + strlen("<text x=\"1\" y=\"2\">");
}

static void formulas(void) {
  ok_string(formula("L = E - A/N^alpha"), "L = E \u2212 A/N<tspan dy=\"-5\" font-size=\"11\">\u03b1</tspan>", "a Greek letter raised, a minus sign");
  ok_string(formula("D' = e^(-(D/U - 1)/R_D) + 1"), "D&#39; = e<tspan dy=\"-5\" font-size=\"11\">\u2212(D/U \u2212 1)/R_D</tspan><tspan dy=\"5\"> + 1</tspan>", "parentheses raised, and back to the line");
  ok_string(formula("N_opt <10^-3"), "N<tspan dy=\"4\" font-size=\"11\">opt</tspan><tspan dy=\"-4\"> &lt;10</tspan><tspan dy=\"-5\" font-size=\"11\">\u22123</tspan>", "lowered, then raised");
  ok_string(formula("a^"), "a^", "nothing to raise");
  ok_string(formula("^("), "^(", "nor here");
  struct buffer b = {0};
  svg_text(&b, NAN, 3, ANCHOR_END, NULL, "x");
  svg_line(&b, "grid", 0, 0, INFINITY, 0);
  svg_mark(&b, 3, 0, NAN, 4, "m0", NULL);
  ok_int((int64_t)b.len, 0, "what has no place is not drawn");
  svg_number(&b, -0.04);
  svg_number(&b, 1e300);
  ok_string(buffer_string(&b), "0100000", "coordinates have one decimal, and bounds");
  buffer_clear(&b);
  svg_escape(&b, "\xef\xbf\xbf\x7f]]>");
  ok_string(buffer_string(&b), "\xef\xbf\xbd\x7f]]&gt;", "U+FFFF is no character of XML");
  buffer_release(&b);
}

int main(void) {
  known_axes();
  any_axes();
  formulas();
  return tap_done();
}
