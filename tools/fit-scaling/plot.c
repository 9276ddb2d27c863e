/* SPDX-License-Identifier: MIT
 *
 * SVG 1.1 by hand: two panels with logarithmic axes.  Budgets are clusters of the runs' FLOPs (neighbours less than 20%
 * apart); a table with more than twelve of them, or with one that is wider than a factor of two, gets eight curves spread
 * over its range instead.
 */
#include "tools/fit-scaling/plot.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"

enum { WIDTH = 1080, HEIGHT = 520, TOP = 64, BOTTOM = 452, MAX_BUDGETS = 12, SPREAD_BUDGETS = 8, CURVE = 96 };

struct axis {
  double low, high; /* natural logarithms */
  double from, to;  /* pixels */
};

struct panel {
  struct axis x, y;
};

static double place(const struct axis *a, double log_value) { return a->from + (log_value - a->low) / (a->high - a->low) * (a->to - a->from); }

static void widen(struct axis *a, double log_value) {
  if (!isfinite(log_value)) return;
  a->low = fmin(a->low, log_value);
  a->high = fmax(a->high, log_value);
}

static void margin(struct axis *a, double least) {
  if (!(a->low <= a->high)) a->low = 0, a->high = 1;
  double more = fmax(.05 * (a->high - a->low), .5 * (least - (a->high - a->low)));
  a->low -= more;
  a->high += more;
}

void plot_escape(struct buffer *out, const char *s) {
  struct buffer text = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&text, s, strlen(s), &invalid, &nul);
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c == '&') buffer_append_string(out, "&amp;");
    else if (c == '<') buffer_append_string(out, "&lt;");
    else if (c == '>') buffer_append_string(out, "&gt;");
    else if (c == '"') buffer_append_string(out, "&quot;");
    else if (c == '\'') buffer_append_string(out, "&#39;");
    else if ((unsigned char)c < 0x20 && c != '\t' && c != '\n' && c != '\r') utf8_append(out, 0xfffd);
    else buffer_put(out, c);
  }
  buffer_release(&text);
}

/* From dark blue to yellow by compute. */
static void color(struct buffer *out, double fraction) {
  static const unsigned char stops[5][3] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {232, 190, 20}};
  double at = fmin(fmax(fraction, 0), 1) * 4;
  int k = at >= 4 ? 3 : (int)at;
  double t = at - k;
  buffer_printf(out, "#%02x%02x%02x", (int)lround(stops[k][0] + t * (stops[k + 1][0] - stops[k][0])),
                (int)lround(stops[k][1] + t * (stops[k + 1][1] - stops[k][1])), (int)lround(stops[k][2] + t * (stops[k + 1][2] - stops[k][2])));
}

static void text(struct buffer *out, double x, double y, const char *anchor, const char *class, const char *s) {
  buffer_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s%s%s>", x, y, anchor, class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
  plot_escape(out, s);
  buffer_append_string(out, "</text>\n");
}

static void tick(struct buffer *out, const struct panel *p, bool horizontal, double value, const char *label) {
  if (horizontal) {
    double x = place(&p->x, log(value));
    buffer_printf(out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x, p->y.from, x, p->y.to);
    text(out, x, p->y.from + 18, "middle", NULL, label);
  } else {
    double y = place(&p->y, log(value));
    buffer_printf(out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", p->x.from, y, p->x.to, y);
    text(out, p->x.from - 8, y + 4, "end", NULL, label);
  }
}

static bool inside(const struct axis *a, double value) { return value > 0 && log(value) >= a->low && log(value) <= a->high; }

/* Powers of ten, with 2 and 5 times them when the axis is short. */
static void ticks_counts(struct buffer *out, const struct panel *p) {
  double decades = (p->x.high - p->x.low) / log(10);
  int step = decades > 8 ? (int)ceil(decades / 8) : 1;
  for (int k = (int)floor(p->x.low / log(10)); k <= (int)ceil(p->x.high / log(10)); k++)
    for (int m = 1; m <= 5; m = m == 1 ? 2 : m + 3) {
      double value = m * pow(10, k);
      char label[NUMBER_TEXT];
      if ((m > 1 && decades > 2) || (m == 1 && step > 1 && k % step != 0) || !inside(&p->x, value)) continue;
      tick(out, p, true, value, value < 1e15 ? number_short(value, label) : number_format(value, label));
    }
}

static void ticks_loss(struct buffer *out, const struct panel *p) {
  double low = exp(p->y.low), high = exp(p->y.high), rough = (high - low) / 6, power = pow(10, floor(log10(rough)));
  double step = rough / power > 5 ? 10 * power : rough / power > 2 ? 5 * power : rough / power > 1 ? 2 * power : power;
  for (double k = ceil(low / step); k * step <= high; k++) {
    char label[NUMBER_TEXT];
    if (inside(&p->y, k * step)) tick(out, p, false, k * step, number_format(k * step, label));
  }
}

static void frame(struct buffer *out, const struct panel *p, const char *x_label) {
  ticks_counts(out, p);
  ticks_loss(out, p);
  buffer_printf(out, "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", p->x.from, p->y.to, p->y.from, p->x.to);
  text(out, (p->x.from + p->x.to) / 2, p->y.from + 42, "middle", NULL, x_label);
  buffer_printf(out, "<text transform=\"translate(%.1f %.1f) rotate(-90)\" text-anchor=\"middle\">loss, nats per token</text>\n", p->x.from - 50, (p->y.from + p->y.to) / 2);
}

static void clip(struct buffer *out, const struct panel *p, int id) {
  buffer_printf(out, "<clipPath id=\"panel%d\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/></clipPath>\n", id, p->x.from, p->y.to,
                p->x.to - p->x.from, p->y.from - p->y.to);
}

static void curve_point(struct buffer *out, const struct panel *p, bool *begun, double log_x, double loss) {
  if (!(loss > 0) || !isfinite(loss) || !isfinite(log_x)) return;
  double x = place(&p->x, log_x), y = place(&p->y, log(loss));
  if (fabs(x) > 1e5 || fabs(y) > 1e5) return;
  buffer_printf(out, "%c%.1f %.1f", *begun ? 'L' : 'M', x, y);
  *begun = true;
}

static int ascending(const void *x, const void *y) {
  double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

/* Logarithms of 6 N D of the budgets to draw; returns how many. */
static int find_budgets(const struct plot *plot, double budget[MAX_BUDGETS]) {
  size_t n = plot->run_count;
  double *c = NEW_ARRAY(double, n + 1), sum = 0;
  for (size_t i = 0; i < n; i++) c[i] = log(6) + log(plot->runs[i].params) + log(plot->runs[i].tokens);
  qsort(c, n, sizeof *c, ascending);
  int count = 0;
  bool smeared = false;
  for (size_t i = 0, first = 0; i < n && count <= MAX_BUDGETS; i++) {
    sum += c[i];
    if (i + 1 < n && c[i + 1] - c[i] <= log(1.2)) continue;
    smeared |= c[i] - c[first] > log(2);
    if (count < MAX_BUDGETS) budget[count] = sum / (double)(i + 1 - first);
    count++;
    sum = 0;
    first = i + 1;
  }
  if (count > MAX_BUDGETS || smeared) {
    count = SPREAD_BUDGETS;
    for (int i = 0; i < count; i++) budget[i] = c[0] + (c[n - 1] - c[0]) * i / (count - 1);
  }
  free(c);
  return count;
}

static double compute_of(const struct run *r) { return log(r->flops); }

static void dot(struct buffer *out, const struct panel *p, const struct run *r, double log_x, double fraction, bool hollow) {
  char n[NUMBER_TEXT], d[NUMBER_TEXT], c[NUMBER_TEXT], l[NUMBER_TEXT];
  buffer_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" ", place(&p->x, log_x), place(&p->y, log(r->loss)));
  buffer_append_string(out, hollow ? "fill=\"none\" stroke=\"" : "fill=\"");
  color(out, fraction);
  buffer_printf(out, "\"><title>%s parameters, %s tokens, %s FLOPs: loss %s%s</title></circle>\n", number_short(r->params, n), number_short(r->tokens, d),
                number_format(r->flops, c), number_format(r->loss, l), hollow ? " (held out)" : "");
}

static void cross(struct buffer *out, const struct panel *p, const struct plot_prediction *q, double log_x) {
  char loss[NUMBER_TEXT];
  if (!isfinite(log_x) || !(q->loss > 0) || !isfinite(q->loss)) return;
  double x = place(&p->x, log_x), y = place(&p->y, log(q->loss));
  if (q->interval.low > 0 && isfinite(q->interval.high))
    buffer_printf(out, "<path class=\"whisker\" d=\"M%.1f %.1fV%.1f\"/>\n", x, place(&p->y, log(q->interval.low)), place(&p->y, log(q->interval.high)));
  buffer_printf(out, "<path class=\"cross\" d=\"M%.1f %.1fl10 10m0 -10l-10 10\"><title>", x - 5, y - 5);
  plot_escape(out, q->label);
  buffer_printf(out, ": loss %s</title></path>\n", number_format(q->loss, loss));
}

static void widen_run(struct panel *left, struct panel *right, const struct run *r) {
  widen(&left->x, log(r->params));
  widen(&left->y, log(r->loss));
  widen(&right->x, compute_of(r));
}

void plot_svg(struct buffer *out, const struct plot *plot) {
  struct axis empty = {INFINITY, -INFINITY, 0, 0};
  struct panel left = {empty, empty}, right = {empty, empty};
  double low = INFINITY, high = -INFINITY, budget[MAX_BUDGETS];
  for (size_t i = 0; i < plot->run_count; i++) widen_run(&left, &right, &plot->runs[i]);
  for (size_t i = 0; i < plot->held_out_count; i++) widen_run(&left, &right, &plot->held_out[i]);
  low = right.x.low;
  high = right.x.high;
  for (size_t i = 0; i < plot->prediction_count; i++) {
    const struct plot_prediction *q = &plot->predictions[i];
    widen(&left.x, log(q->params));
    widen(&right.x, log(q->flops));
    if (q->loss > 0) widen(&left.y, log(q->loss));
    if (q->interval.low > 0) widen(&left.y, fmax(log(q->interval.low), log(q->loss) - 1));
    if (q->interval.high > 0) widen(&left.y, fmin(log(q->interval.high), log(q->loss) + 1));
  }
  margin(&left.x, log(4));
  margin(&right.x, log(4));
  margin(&left.y, .02);
  right.y = left.y;
  left.x.from = 76, left.x.to = 530, right.x.from = 616, right.x.to = 1060;
  left.y.from = right.y.from = BOTTOM, left.y.to = right.y.to = TOP;

  buffer_printf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
                "<style>.grid{stroke:#ddd;stroke-width:1}.axis{stroke:#333;fill:none}.curve{fill:none;stroke-width:1.3}"
                ".frontier{fill:none;stroke:#c0392b;stroke-width:2}.beyond{stroke-dasharray:6 4}.cross{stroke:#c0392b;stroke-width:2;fill:none}"
                ".whisker{stroke:#c0392b;stroke-width:1.5}.title{font-size:15px;font-weight:bold}</style>\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                WIDTH, HEIGHT, WIDTH, HEIGHT);
  text(out, left.x.from, 26, "start", "title", plot->title);
  struct buffer legend = {0};
  buffer_printf(&legend, "L(N, D) = %.4g + %.4g / N^%.4g + %.4g / D^%.4g", plot->law->E, plot->law->A, plot->law->alpha, plot->law->B, plot->law->beta);
  text(out, left.x.from, 46, "start", NULL, buffer_string(&legend));
  buffer_release(&legend);
  frame(out, &left, "parameters");
  frame(out, &right, "training FLOPs");
  clip(out, &left, 0);
  clip(out, &right, 1);

  buffer_append_string(out, "<g clip-path=\"url(#panel0)\">\n");
  int budgets = find_budgets(plot, budget);
  for (int k = 0; k < budgets; k++) {
    bool begun = false;
    buffer_append_string(out, "<path class=\"curve\" stroke=\"");
    color(out, high > low ? (budget[k] - low) / (high - low) : .5);
    buffer_append_string(out, "\" d=\"");
    for (int i = 0; i <= CURVE; i++) {
      double log_n = left.x.low + (left.x.high - left.x.low) * i / CURVE;
      curve_point(out, &left, &begun, log_n, law_loss(plot->law, exp(log_n), exp(budget[k] - log(6) - log_n)));
    }
    buffer_append_string(out, "\"/>\n");
  }
  for (size_t i = 0; i < plot->run_count + plot->held_out_count; i++) {
    bool held_out = i >= plot->run_count;
    const struct run *r = held_out ? &plot->held_out[i - plot->run_count] : &plot->runs[i];
    dot(out, &left, r, log(r->params), high > low ? (compute_of(r) - low) / (high - low) : .5, held_out);
  }
  for (int side = 0; side < 2; side++) { /* the frontier, solid over the runs, dashed beyond them */
    const struct panel *p = side ? &right : &left;
    if (side) {
      for (size_t i = 0; i < plot->prediction_count; i++) cross(out, &left, &plot->predictions[i], log(plot->predictions[i].params));
      buffer_append_string(out, "</g>\n<g clip-path=\"url(#panel1)\">\n");
    }
    for (int beyond = 0; beyond < 2; beyond++) {
      bool begun = false;
      double from = beyond ? high : low, to = beyond ? right.x.high : high;
      buffer_printf(out, "<path class=\"frontier%s\" d=\"", beyond ? " beyond" : "");
      for (int i = 0; i <= CURVE; i++) {
        double log_c = from + (to - from) * i / CURVE;
        struct law_optimum o = law_optimum(plot->law, exp(log_c));
        curve_point(out, p, &begun, side ? log_c : log(o.N), o.loss);
      }
      buffer_append_string(out, "\"/>\n");
    }
  }
  for (size_t i = 0; i < plot->run_count + plot->held_out_count; i++) {
    bool held_out = i >= plot->run_count;
    const struct run *r = held_out ? &plot->held_out[i - plot->run_count] : &plot->runs[i];
    dot(out, &right, r, compute_of(r), high > low ? (compute_of(r) - low) / (high - low) : .5, held_out);
  }
  for (size_t i = 0; i < plot->prediction_count; i++) cross(out, &right, &plot->predictions[i], log(plot->predictions[i].flops));
  buffer_append_string(out, "</g>\n");
  text(out, right.x.from, 26, "start", NULL, "dots: runs (rings: held out); lines: the law at each budget");
  text(out, right.x.from, 46, "start", NULL, "red: compute-optimal, dashed beyond the runs; crosses: predictions");
  buffer_append_string(out, "</svg>\n");
}
