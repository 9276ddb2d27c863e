/* SPDX-License-Identifier: MIT
 *
 * The table of panels, the grid they stand in, and the legend under it.
 */
#include "tools/fit-scaling/plot/plot.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "tools/fit-scaling/plot/panel.h"

enum { COLUMNS = 2, MARGIN = 8, LINE = 20 };

static const struct panel_kind *const kinds[] = {
    &panel_isoflop,    &panel_loss_params, &panel_loss_tokens, &panel_loss_compute, &panel_allocation, &panel_accuracy_loss,
    &panel_loss_batch, &panel_measured,    &panel_residuals,   &panel_parameters,   &panel_decision,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- which panels */

static const struct panel_kind *kind_named(struct slice name) {
  for (int i = 0; i < KINDS; i++)
    if (slice_equal(slice_of(kinds[i]->name), name)) return kinds[i];
  return NULL;
}

/* The next name of a list at *list, which moves on. */
static struct slice next_name(const char **list) {
  struct slice name = {*list, strcspn(*list, ",")};
  *list += name.len + ((*list)[name.len] == ',');
  return name;
}

int plot_check_panels(const char *panels, struct err *e) {
  struct buffer names = {0};
  int count = 0, result = 0;
  for (const char *at = panels; (*at || at == panels) && result == 0; count++) {
    struct slice name = next_name(&at);
    if (count < KINDS && kind_named(name)) continue;
    for (int i = 0; i < KINDS; i++) buffer_printf(&names, "%s%s", i ? ", " : "", kinds[i]->name);
    result = count == KINDS ? err_usage(e, "--panels: there are only %d panels", KINDS)
                            : err_usage(e, "--panels: there is no panel '%.*s'; there are %s", (int)(name.len < 60 ? name.len : 60), name.data, buffer_string(&names));
  }
  buffer_release(&names);
  return result;
}

/* Of those that can be drawn, the ones that tell something that no other does. */
static bool by_default(const struct scene *s, const struct panel_kind *kind, int chosen) {
  bool budgets_first = strcmp(s->study->data.form->name, "isoflop") == 0;
  if (kind->absent(s)) return false;
  if (kind == &panel_isoflop) return budgets_first;
  unsigned needs = s->study->data.form->needs;
  if (kind == &panel_loss_params) return !budgets_first && needs >> RUN_PARAMS & 1;
  if (kind == &panel_loss_tokens) return !budgets_first && needs >> RUN_TOKENS & 1;
  if (kind == &panel_loss_compute) return s->study->data.form->optimum || scene_explains(s, RUN_LOSS);
  if (kind == &panel_measured) return s->study->held_out.count > 0 || chosen == 0;
  return true;
}

static int choose(const struct scene *s, const struct panel_kind *chosen[KINDS], struct err *e) {
  int count = 0;
  const char *list = s->plot->panels;
  if (!list) {
    for (int i = 0; i < KINDS; i++)
      if (by_default(s, kinds[i], count)) chosen[count++] = kinds[i];
    return count;
  }
  if (plot_check_panels(list, e) != 0) return -1;
  while (*list) {
    const struct panel_kind *kind = kind_named(next_name(&list));
    const char *why = kind->absent(s);
    if (why) return err_set(e, "the panel %s cannot be drawn: %s", kind->name, why);
    chosen[count++] = kind;
  }
  return count;
}

/* ---- the header */

/* The formula with the fitted numbers in place of the parameters' names. */
static void fitted_formula(const struct study *s, struct buffer *out) {
  const char *at = s->data.form->formula;
  while (*at) {
    size_t n = 0;
    int parameter = -1;
    while (isalnum((unsigned char)at[n]) || at[n] == '_') n++;
    for (int i = 0; i < s->data.parameters && n > 0; i++)
      if (strlen(s->data.names[i]) == n && strncmp(s->data.names[i], at, n) == 0) parameter = i;
    if (parameter >= 0 && isfinite(s->fit.parameter[parameter])) {
      char number[AXIS_LABEL];
      double value = s->fit.parameter[parameter];
      if (value < 0 && out->len > 1 && memcmp(out->data + out->len - 2, "+ ", 2) == 0) { /* not "+ -3" */
        out->data[out->len - 2] = '-';
        value = -value;
      }
      axis_power_label(value, 4, number);
      buffer_append_string(out, number);
    } else {
      buffer_append(out, at, n ? n : 1);
    }
    at += n ? n : 1;
  }
}

/* As many words of `text` as fit on each line; returns the y of the last. */
static double put_lines(struct buffer *out, const char *text, double y, double width) {
  struct buffer line = {0};
  while (*text) {
    size_t end = 0;
    for (size_t n = 0; end == 0 || text[n - 1]; n++) { /* the last place to break before the line is too long */
      if (text[n] && text[n] != ' ') continue;
      buffer_clear(&line);
      buffer_append(&line, text, n);
      if (end > 0 && svg_formula_width(buffer_string(&line)) > width) break;
      end = n;
      if (!text[n]) break;
    }
    buffer_clear(&line);
    buffer_append(&line, text, end);
    svg_formula(out, 20, y, ANCHOR_START, NULL, buffer_string(&line));
    text += end + strspn(text + end, " ");
    if (*text) y += LINE;
  }
  buffer_release(&line);
  return y;
}

/* Returns where the panels may begin. */
static double header(struct buffer *out, const struct plot *plot, double width) {
  struct buffer text = {0}, fitted = {0};
  double y = 24;
  if (plot->title) svg_text(out, 20, y, ANCHOR_START, "title", plot->title);
  buffer_append_string(&text, plot->study->data.form->formula);
  fitted_formula(plot->study, &fitted);
  bool told = slice_equal(buffer_slice(&fitted), buffer_slice(&text));
  double both = svg_formula_width(buffer_string(&text)) + svg_formula_width(buffer_string(&fitted)) + 40;
  if (!told && both < width - 40) {
    buffer_append_string(&text, ";   ");
    buffer_append_slice(&text, buffer_slice(&fitted));
    told = true;
  }
  y = put_lines(out, buffer_string(&text), y + 23, width - 40);
  if (!told) y = put_lines(out, buffer_string(&fitted), y + LINE, width - 40);
  buffer_release(&text);
  buffer_release(&fitted);
  return y + 15;
}

/* ---- the legend */

struct flow { /* entries one after another, in lines */
  struct buffer *out;
  double x, y, right;
};

static const double sample_width = 30;

/* Moves to where an entry with this text fits; the sample is centred `sample_width / 2` right of x. */
static void flow_to(struct flow *f, const char *label) {
  double width = sample_width + 6 + svg_formula_width(label);
  if (f->x > 20 && f->x + width > f->right) f->x = 20, f->y += LINE;
}

static void flow_past(struct flow *f, const char *label) {
  svg_formula(f->out, f->x + sample_width + 6, f->y + 4.5, ANCHOR_START, NULL, label);
  f->x += sample_width + 6 + svg_formula_width(label) + 16;
}

static void line_entry(struct flow *f, const char *class, const char *label) {
  flow_to(f, label);
  svg_line(f->out, class, f->x, f->y, f->x + sample_width, f->y);
  flow_past(f, label);
}

static void mark_entry(struct flow *f, int shape, double radius, const char *class, const char *label) {
  flow_to(f, label);
  svg_mark(f->out, shape, f->x + sample_width / 2, f->y, radius, class, NULL);
  flow_past(f, label);
}

static void area_entry(struct flow *f, const char *class, const char *label) {
  flow_to(f, label);
  struct svg_path path = svg_path_begin(f->out, class);
  for (int i = 0; i < 4; i++) svg_path_to(&path, f->x + (i == 1 || i == 2 ? sample_width : 0), f->y + (i < 2 ? -6 : 6));
  svg_path_end(&path, true);
  flow_past(f, label);
}

static void budget_entries(struct flow *f, const struct scene *s) {
  for (int k = 0; k < s->budgets; k++) {
    char label[AXIS_LABEL], power[AXIS_LABEL], class[16];
    axis_power_label(s->budget[k], 2, power);
    snprintf(label, sizeof label, "%.*s%s", AXIS_LABEL - 8, power, k + 1 == s->budgets ? " FLOPs" : "");
    flow_to(f, label);
    if (s->legend & LEGEND_LAW) svg_line(f->out, scene_class('l', k, class), f->x, f->y, f->x + sample_width, f->y);
    svg_mark(f->out, k, f->x + sample_width / 2, f->y, 4.2, scene_class('m', k, class), NULL);
    flow_past(f, label);
  }
  f->x = 20;
  f->y += s->budgets ? LINE : 0;
}

static void legend(struct flow *f, const struct scene *s) {
  unsigned used = s->legend;
  if (s->study->held_out.count) mark_entry(f, 0, 4.2, "h0", "hollow: held out");
  if (used & LEGEND_FRONTIER) line_entry(f, "frontier", "compute-optimal");
  if (used & LEGEND_FRONTIER && s->beyond) line_entry(f, "frontier beyond", "beyond the runs");
  if (used & LEGEND_MINIMUM) mark_entry(f, 0, 5.5, "minimum", "lowest of a budget");
  char percent[NUMBER_TEXT], text[128];
  snprintf(percent, sizeof percent, "%g%%", 100 * (s->study->bootstrap.level > 0 ? s->study->bootstrap.level : .95));
  snprintf(text, sizeof text, "%s interval of the law", percent);
  if (used & LEGEND_BAND) area_entry(f, "band", text);
  snprintf(text, sizeof text, "%s of further runs", percent);
  if (used & LEGEND_RUN_BAND) area_entry(f, "band further", text);
  if (used & LEGEND_RESIDUALS) area_entry(f, "band", "\u00b12 robust standard deviations of the residuals");
  if (used & LEGEND_PREDICTION) {
    snprintf(text, sizeof text, "prediction, %s interval (thin: one such run)", percent);
    const char *label = text;
    flow_to(f, label);
    double x = f->x + sample_width / 2;
    svg_line(f->out, "whisker", x, f->y - 9, x, f->y + 9);
    svg_line(f->out, "cross", x - 5, f->y - 5, x + 5, f->y + 5);
    svg_line(f->out, "cross", x - 5, f->y + 5, x + 5, f->y - 5);
    flow_past(f, label);
  }
  if (used & LEGEND_OUTLIER) mark_entry(f, 0, 6, "outlier", "outlier");
  if (used & LEGEND_REGION) {
    mark_entry(f, 0, 1.6, "draw", "law of a resample");
    line_entry(f, "region", "95% of them");
    line_entry(f, "region half", "half of them");
  }
  if (s->best) {
    if (f->x > 20) f->x = 20, f->y += LINE;
    svg_text(f->out, f->x, f->y + 4.5, ANCHOR_START, NULL, "Marks: of all trials with the same params and tokens, the one of lowest loss.");
    f->y += LINE;
  }
  if (s->step > 1) {
    char drawn[NUMBER_TEXT], total[NUMBER_TEXT];
    snprintf(text, sizeof text, "%s of %s runs are drawn, evenly spaced in the table.", number_thousands(s->drawn, drawn), number_thousands(s->total, total));
    if (f->x > 20) f->x = 20, f->y += LINE;
    svg_text(f->out, f->x, f->y + 4.5, ANCHOR_START, NULL, text);
  }
}

static const char style[] =
    "path{stroke-linejoin:round}.grid{stroke:#e4e4e4;fill:none}.axis{stroke:#333;fill:none}.law{stroke:#333;stroke-width:1.6;fill:none}"
    ".frontier{fill:none;stroke:#000;stroke-width:2.4}.beyond{stroke-dasharray:7 4}.band{fill:#000;fill-opacity:.12}.further{fill-opacity:.06}"
    ".cross{stroke:#b83c00;stroke-width:2.4;fill:none}.whisker{stroke:#b83c00;stroke-width:1.6;fill:none}"
    ".whisker.further{stroke-width:.9}.under{stroke:#fff;stroke-width:5;fill:none}.zero{stroke:#333;stroke-width:1.2;fill:none}"
    ".bound{stroke:#555;stroke-dasharray:5 3;fill:none}.outlier{fill:none;stroke:#b83c00;stroke-width:1.6}"
    ".draw{fill:#31688e;fill-opacity:.4}.region{fill:none;stroke:#000;stroke-width:1.8}.half{stroke-width:.9}"
    ".minimum{fill:#fff;stroke:#000;stroke-width:1.8}.note{font-size:12px}.halo{fill:#fff;stroke:#fff;stroke-width:3px}"
    ".name{font-weight:bold}.title{font-size:16px;font-weight:bold}";

int plot_svg(struct buffer *out, const struct plot *plot, struct err *e) {
  struct scene s;
  const struct panel_kind *chosen[KINDS];
  struct buffer body = {0}, about = {0}, css = {0};
  scene_init(&s, plot);
  int count = choose(&s, chosen, e);
  if (count >= 0) {
    int columns = count < COLUMNS ? 1 : COLUMNS, rows = (count + columns - 1) / columns;
    double width = columns * PANEL_WIDTH + 2 * MARGIN, top = header(&body, plot, width), bottom = top + rows * PANEL_HEIGHT;
    buffer_printf(&about, "%s, %s, fitted to %zu runs.", s.study->data.form->name, s.study->data.form->formula, s.study->fitted.count);
    for (int i = 0; i < count; i++) {
      struct panel panel = {.out = &body, .number = i, .left = MARGIN + i % columns * PANEL_WIDTH, .top = top + i / columns * PANEL_HEIGHT};
      chosen[i]->draw(&panel, &s);
      buffer_printf(&about, " (%c) %s.", 'a' + i, chosen[i]->about);
    }
    struct flow flow = {&body, 20, bottom + 14, width - 20};
    budget_entries(&flow, &s);
    legend(&flow, &s);
    buffer_append_string(&css, style);
    scene_style(&s, &css);
    svg_begin(out, width, flow.y + 24, plot->title ? plot->title : s.study->data.form->name, buffer_string(&about), buffer_string(&css));
    buffer_append_slice(out, buffer_slice(&body));
    svg_end(out);
  }
  buffer_release(&body);
  buffer_release(&about);
  buffer_release(&css);
  scene_release(&s);
  return count < 0 ? -1 : 0;
}
