/* SPDX-License-Identifier: MIT
 *
 * The frame of a panel and what is drawn at values rather than pixels.
 */
#include "tools/fit-scaling/plot/panel.h"

#include <math.h>

#include "common/base/number.h"

enum { LEFT = 80, RIGHT = 18, TOP = 34, BOTTOM = 56 };

/* Into `text`, which is cleared. */
static void axis_title(struct buffer *text, const struct axis *a) {
  struct axis_offset o = axis_offset(a);
  char number[AXIS_LABEL];
  buffer_clear(text);
  buffer_append_string(text, a->title);
  axis_power_label(o.base, 12, number);
  if (o.base != 0) buffer_printf(text, ", less %s", number);
  if (o.power != 0) buffer_printf(text, ", in 10^%d", o.power);
}

void panel_begin(struct panel *p, const char *title) {
  struct tick ticks[AXIS_TICKS];
  struct buffer text = {0};
  struct axis *x = &p->x, *y = &p->y;
  x->from = p->left + LEFT, x->to = p->left + PANEL_WIDTH - RIGHT;
  y->from = p->top + PANEL_HEIGHT - BOTTOM, y->to = p->top + TOP;
  buffer_printf(&text, "(%c) %s", 'a' + p->number % 26, title);
  buffer_append_string(p->out, "<g>\n<title>");
  svg_escape(p->out, title);
  buffer_append_string(p->out, "</title>\n");
  svg_formula(p->out, x->from, p->top + TOP - 12, ANCHOR_START, "name", buffer_string(&text));
  int count = axis_ticks(x, false, ticks);
  for (int i = 0; i < count; i++) {
    double at = axis_place(x, ticks[i].value);
    svg_line(p->out, "grid", at, y->from, at, y->to);
    svg_line(p->out, "axis", at, y->from, at, y->from + 4);
    svg_formula(p->out, at, y->from + 19, ANCHOR_MIDDLE, NULL, ticks[i].label);
  }
  count = axis_ticks(y, true, ticks);
  for (int i = 0; i < count; i++) {
    double at = axis_place(y, ticks[i].value);
    svg_line(p->out, "grid", x->from, at, x->to, at);
    svg_line(p->out, "axis", x->from - 4, at, x->from, at);
    svg_formula(p->out, x->from - 7, at + 4.5, ANCHOR_END, NULL, ticks[i].label);
  }
  axis_title(&text, x);
  svg_formula(p->out, (x->from + x->to) / 2, y->from + 42, ANCHOR_MIDDLE, NULL, buffer_string(&text));
  axis_title(&text, y);
  svg_formula_upright(p->out, p->left + 15, (y->from + y->to) / 2, buffer_string(&text));
  buffer_release(&text);
  buffer_printf(p->out, "<clipPath id=\"box%d\"><rect x=\"", p->number);
  svg_number(p->out, x->from);
  buffer_append_string(p->out, "\" y=\"");
  svg_number(p->out, y->to);
  buffer_printf(p->out, "\" width=\"%d\" height=\"%d\"/></clipPath>\n<g clip-path=\"url(#box%d)\">\n", PANEL_WIDTH - LEFT - RIGHT,
                PANEL_HEIGHT - TOP - BOTTOM, p->number);
}

void panel_end(struct panel *p) {
  buffer_append_string(p->out, "</g>\n");
  struct svg_path box = svg_path_begin(p->out, "axis");
  svg_path_to(&box, p->x.from, p->y.to);
  svg_path_to(&box, p->x.from, p->y.from);
  svg_path_to(&box, p->x.to, p->y.from);
  svg_path_to(&box, p->x.to, p->y.to);
  svg_path_end(&box, true);
  buffer_append_string(p->out, "</g>\n");
}

void panel_line(struct panel *p, const char *class, double x1, double y1, double x2, double y2) {
  svg_line(p->out, class, axis_place(&p->x, x1), axis_place(&p->y, y1), axis_place(&p->x, x2), axis_place(&p->y, y2));
}

void panel_curve(struct panel *p, const char *class, const double *x, const double *y, int count) {
  struct svg_path path = svg_path_begin(p->out, class);
  for (int i = 0; i < count; i++) {
    double px = axis_place(&p->x, x[i]), py = axis_place(&p->y, y[i]);
    if (isfinite(px) && isfinite(py) && fabs(py) < 1e4 && fabs(px) < 1e4) svg_path_to(&path, px, py);
    else svg_path_lift(&path);
  }
  svg_path_end(&path, false);
}

void panel_band(struct panel *p, const char *class, const double *x, const double *low, const double *high, int count) {
  struct svg_path path = svg_path_begin(p->out, class);
  for (int i = 0; i < 2 * count; i++) {
    int k = i < count ? i : 2 * count - 1 - i;
    double px = axis_place(&p->x, x[k]), a = axis_place(&p->y, low[k]), b = axis_place(&p->y, high[k]);
    if (isfinite(px) && isfinite(a) && isfinite(b)) svg_path_to(&path, px, i < count ? a : b);
  }
  svg_path_end(&path, true);
}

static void put(struct buffer *out, const char *before, double value, const char *after) {
  char label[AXIS_LABEL];
  if (!isfinite(value)) return;
  axis_count_label(value, 4, label);
  buffer_printf(out, "%s%s%s", before, label, after);
}

static void describe(struct buffer *out, const struct scene *s, const struct run *run, size_t number) {
  bool held_out = scene_held_out(s, number);
  enum run_column explains = s->study->data.form->explains;
  char value[NUMBER_TEXT];
  buffer_printf(out, "%s run %zu: ", held_out ? "held-out" : "fitted", 1 + (held_out ? number - s->study->fitted.count : number));
  put(out, "N ", run->value[RUN_PARAMS], ", ");
  put(out, "D ", run->value[RUN_TOKENS], ", ");
  put(out, "C ", scene_compute(run), ", ");
  if (isfinite(run->value[explains])) buffer_printf(out, "%s %s", run_column_name(explains), number_format(run->value[explains], value));
}

void panel_mark(struct panel *p, const struct scene *s, const struct run *run, size_t number, double x, double y) {
  enum { TOOLTIPS = 500 }; /* runs; more of them would make most of the file */
  char class[16];
  struct buffer tooltip = {0};
  int budget = scene_budget(s, run);
  if (s->drawn <= TOOLTIPS) describe(&tooltip, s, run, number);
  scene_class(scene_held_out(s, number) ? 'h' : 'm', budget, class);
  svg_mark(p->out, budget, axis_place(&p->x, x), axis_place(&p->y, y), s->marks, class, tooltip.len ? buffer_string(&tooltip) : NULL);
  buffer_release(&tooltip);
}

void panel_cross(struct panel *p, double x, double y, const char *tooltip) {
  double px = axis_place(&p->x, x), py = axis_place(&p->y, y);
  if (!isfinite(px) || !isfinite(py)) return;
  for (int under = 1; under >= 0; under--) { /* a white edge, for crosses on marks */
    buffer_printf(p->out, "<path class=\"%s\" d=\"M", under ? "under" : "cross");
    svg_number(p->out, px - 5);
    buffer_put(p->out, ' ');
    svg_number(p->out, py - 5);
    buffer_append_string(p->out, "l10 10m0 -10l-10 10\">");
    if (!under) {
      buffer_append_string(p->out, "<title>");
      svg_escape(p->out, tooltip);
      buffer_append_string(p->out, "</title>");
    }
    buffer_append_string(p->out, "</path>\n");
  }
}

void panel_whisker(struct panel *p, const char *class, bool upright, double at, double low, double high) {
  const struct axis *along = upright ? &p->y : &p->x;
  double place = axis_place(upright ? &p->x : &p->y, at), end[2] = {axis_place(along, low), axis_place(along, high)};
  if (!isfinite(place) || !isfinite(end[0]) || !isfinite(end[1])) return;
  struct svg_path path = svg_path_begin(p->out, class);
  for (int i = 0; i < 3; i++) { /* the line, its ends */
    double from = i == 0 ? end[0] : end[i - 1], to = i == 0 ? end[1] : from, wide = i == 0 ? 0 : 4;
    svg_path_lift(&path);
    svg_path_to(&path, upright ? place - wide : from, upright ? from : place - wide);
    svg_path_to(&path, upright ? place + wide : to, upright ? to : place + wide);
  }
  svg_path_end(&path, false);
}

static bool is_free(const struct panel *p, const double box[4]) {
  if (box[0] < p->x.from || box[2] > p->x.to || box[1] < p->y.to || box[3] > p->y.from) return false;
  for (int i = 0; i < p->notes; i++) {
    const double *other = p->taken[i];
    if (box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]) return false;
  }
  return true;
}

void panel_note(struct panel *p, double x, double y, double distance, const char *text) {
  static const double side[][2] = {{1, -.7}, {1, 0}, {-1, -.7}, {-1, 0}, {1, .7}, {-1, .7}};
  double px = axis_place(&p->x, x), py = axis_place(&p->y, y), width = svg_formula_width(text), high = SVG_FONT + 2;
  if (!isfinite(px) || !isfinite(py) || p->notes == PANEL_NOTES) return;
  py = fmin(fmax(py, p->y.to + high / 2), p->y.from - high / 2);
  for (size_t i = 0; i < sizeof side / sizeof *side; i++) {
    double left = side[i][0] > 0 ? px + distance : px - distance - width, middle = py + side[i][1] * high;
    double box[4] = {left, middle - high / 2, left + width, middle + high / 2};
    if (!is_free(p, box)) continue;
    for (int k = 0; k < 4; k++) p->taken[p->notes][k] = box[k];
    p->notes++;
    for (int halo = 1; halo >= 0; halo--) /* a white edge, then the text: paint-order is not in SVG 1.1 */
      svg_text(p->out, px + side[i][0] * distance, middle + 4.5, side[i][0] > 0 ? ANCHOR_START : ANCHOR_END, halo ? "note halo" : "note", text);
    return;
  }
}
