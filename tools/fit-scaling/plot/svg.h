/* SPDX-License-Identifier: MIT
 *
 * Scalable Vector Graphics 1.1 (W3C 2011) by hand: a document, text, paths, marks.  Coordinates are pixels, y downwards.
 * A coordinate that is not finite is never written: paths leave the point out, texts and marks are not drawn.
 */
#ifndef FIT_SCALING_SVG_H
#define FIT_SCALING_SVG_H

#include <stdbool.h>

#include "common/base/buffer.h"

enum { SVG_FONT = 13, SVG_SMALL = 11 }; /* pixels: text, and raised or lowered text */

/* title and description are for readers that do not look; style is CSS.  All but style may hold any bytes. */
void svg_begin(struct buffer *out, double width, double height, const char *title, const char *description, const char *style);
void svg_end(struct buffer *out);

/* Appends s with & < > " ' as entities and what XML 1.0 forbids (control characters, invalid UTF-8) as U+FFFD. */
void svg_escape(struct buffer *out, const char *s);

/* ", 12.5": a coordinate with one decimal, within +-1e5. */
void svg_number(struct buffer *out, double value);

enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

/* Any text, as it is.  class may be NULL. */
void svg_text(struct buffer *out, double x, double y, enum anchor anchor, const char *class, const char *s);

/* A formula or a number: names of Greek letters become letters, what follows ^ is raised and what follows _ lowered (a word, a
 * number or what stands in parentheses), - before a digit or a space becomes a minus sign. */
void svg_formula(struct buffer *out, double x, double y, enum anchor anchor, const char *class, const char *s);
void svg_formula_upright(struct buffer *out, double x, double y, const char *s); /* turned to read upwards, centred at x, y */

/* How wide svg_formula() may come out: fonts differ, so this is on the wide side. */
double svg_formula_width(const char *s);

struct svg_path {
  struct buffer *out;
  bool begun;
};
struct svg_path svg_path_begin(struct buffer *out, const char *class);
void svg_path_to(struct svg_path *path, double x, double y); /* a line from the last point, or the first point */
void svg_path_lift(struct svg_path *path);                   /* the next point begins a new line */
void svg_path_end(struct svg_path *path, bool close);

void svg_line(struct buffer *out, const char *class, double x1, double y1, double x2, double y2);

/* Shapes that differ without colour. */
enum { SVG_SHAPES = 8 };
void svg_mark(struct buffer *out, int shape, double x, double y, double radius, const char *class, const char *tooltip); /* tooltip: NULL none */

/* A lightness-ordered colour, dark at 0, light at 1 (viridis of van der Walt and Smith 2015 without its yellow end, which paper
 * does not hold). */
void svg_color(struct buffer *out, double fraction);

#endif
