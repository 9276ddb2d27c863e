/* SPDX-License-Identifier: MIT
 *
 * Panels of the bootstrap's laws: two parameters against each other, and the decision at the first budget that was asked for.
 * N and D of one budget determine each other (C = 6 N D), so the decision is drawn as N against the loss that it buys.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/fitting/order.h"
#include "tools/fit-scaling/plot/density.h"
#include "tools/fit-scaling/plot/panel.h"

enum { DRAWN = 1500 };

static int parameter_named(const struct form_data *d, const char *name) {
  for (int i = 0; i < d->parameters; i++)
    if (strcmp(d->names[i], name) == 0) return i;
  return -1;
}

/* The correlation of two parameters over the draws; not a number when one of them does not vary. */
static double correlation(const struct bootstrap *b, int first, int second) {
  double mean[2] = {0}, sum[3] = {0};
  const int pair[2] = {first, second};
  for (size_t i = 0; i < b->count; i++)
    for (int k = 0; k < 2; k++) mean[k] += b->law[i * (size_t)b->parameters + (size_t)pair[k]] / (double)b->count;
  for (size_t i = 0; i < b->count; i++) {
    const double *law = b->law + i * (size_t)b->parameters;
    double x = law[first] - mean[0], y = law[second] - mean[1];
    sum[0] += x * x, sum[1] += x * y, sum[2] += y * y;
  }
  return sum[1] / sqrt(sum[0] * sum[2]);
}

/* Standard deviation over mean, of the draws. */
static double relative_spread(const struct bootstrap *b, int parameter) {
  double mean = 0, sum = 0;
  for (size_t i = 0; i < b->count; i++) mean += b->law[i * (size_t)b->parameters + (size_t)parameter] / (double)b->count;
  for (size_t i = 0; i < b->count; i++) sum += pow(b->law[i * (size_t)b->parameters + (size_t)parameter] - mean, 2) / (double)b->count;
  return sqrt(sum) / fabs(mean);
}

/* alpha and beta where the form has them; else the two that are known best (exponents, not factors) of those that vary and do
 * not determine each other. */
static bool two_parameters(const struct study *s, int pair[2]) {
  const struct bootstrap *b = &s->bootstrap;
  int alpha = parameter_named(&s->data, "alpha"), beta = parameter_named(&s->data, "beta");
  double best = INFINITY;
  if (alpha >= 0 && beta >= 0 && isfinite(correlation(b, alpha, beta))) {
    pair[0] = alpha, pair[1] = beta;
    return true;
  }
  for (int i = 0; i < s->data.parameters; i++)
    for (int k = i + 1; k < s->data.parameters; k++) {
      double spread = relative_spread(b, i) + relative_spread(b, k);
      if (!(fabs(correlation(b, i, k)) < .99) || !(spread < best)) continue;
      best = spread;
      pair[0] = i, pair[1] = k;
    }
  return best < INFINITY;
}

static void finite_range(struct axis *a, double *values, size_t n) {
  double *sorted = NEW_ARRAY(double, n + 1);
  size_t count = 0;
  for (size_t i = 0; i < n; i++)
    if (isfinite(values[i]) && (a->scale == AXIS_LINEAR || values[i] > 0)) sorted[count++] = values[i];
  order_ascending(sorted, count);
  if (count > 0) {
    /* a draw in five hundred at either side may lie outside */
    axis_widen(a, sorted[count / 500]);
    axis_widen(a, sorted[count - 1 - count / 500]);
  }
  free(sorted);
}

/* The draws, the area that holds 95% and half of them where they are densest, and the fitted law. */
static void draw_cloud(struct panel *p, struct scene *s, const struct question question[2], const char *title) {
  size_t n = s->study->bootstrap.count;
  double *draws[2], fitted[2];
  struct axis *axis[2] = {&p->x, &p->y};
  for (int k = 0; k < 2; k++) {
    draws[k] = NEW_ARRAY(double, n + 1);
    study_draws(s->study, &question[k], draws[k]);
    fitted[k] = study_value(s->study, s->study->fit.parameter, &question[k]);
    finite_range(axis[k], draws[k], n);
    axis_widen(axis[k], fitted[k]);
    double width = axis[k]->high - axis[k]->low;
    axis_margin(axis[k], fmax(1.12 * width, 1e-9));
  }
  panel_begin(p, title);
  size_t step = (n + DRAWN - 1) / DRAWN;
  for (size_t i = 0; i < n; i += step) svg_mark(p->out, 0, axis_place(&p->x, draws[0][i]), axis_place(&p->y, draws[1][i]), 1.6, "draw", NULL);
  for (size_t i = 0; i < n; i++) { /* from here on in pixels */
    draws[0][i] = axis_place(&p->x, draws[0][i]);
    draws[1][i] = axis_place(&p->y, draws[1][i]);
  }
  density_contour(p->out, "region", draws[0], draws[1], n, .95);
  density_contour(p->out, "region half", draws[0], draws[1], n, .5);
  panel_cross(p, fitted[0], fitted[1], "the fitted law");
  s->legend |= LEGEND_REGION;
  panel_end(p);
  free(draws[0]);
  free(draws[1]);
}

static const char *no_draws(const struct scene *s) {
  int pair[2];
  if (s->study->bootstrap.count < BOOTSTRAP_LEAST) return "it needs the resamples of a bootstrap";
  return two_parameters(s->study, pair) ? NULL : "fewer than two parameters vary";
}

static void draw_parameters(struct panel *p, struct scene *s) {
  int pair[2];
  struct question question[2] = {0};
  if (!two_parameters(s->study, pair)) return;
  for (int k = 0; k < 2; k++) question[k] = (struct question){.quantity = QUANTITY_PARAMETER, .parameter = pair[k], .at = run_of(NAN, NAN)};
  p->x = axis_of(s->study->data.names[pair[0]], AXIS_LINEAR, AXIS_PLAIN);
  p->y = axis_of(s->study->data.names[pair[1]], AXIS_LINEAR, AXIS_PLAIN);
  draw_cloud(p, s, question, "Bootstrap: parameters");
}

static const struct plot_prediction *first_optimum(const struct scene *s) {
  for (size_t i = 0; i < s->plot->prediction_count; i++)
    if (s->plot->predictions[i].optimum && isfinite(s->plot->predictions[i].at.value[RUN_PARAMS])) return &s->plot->predictions[i];
  return NULL;
}

static const char *no_decision(const struct scene *s) {
  if (s->study->bootstrap.count < BOOTSTRAP_LEAST) return "it needs the resamples of a bootstrap";
  return first_optimum(s) ? NULL : "it needs a budget (--predict) and a form with a compute-optimal model";
}

static void draw_decision(struct panel *p, struct scene *s) {
  const struct plot_prediction *q = first_optimum(s);
  struct run at = run_of(NAN, NAN);
  at.value[RUN_FLOPS] = q->at.value[RUN_FLOPS];
  struct question question[2] = {{.quantity = QUANTITY_N_OPT, .at = at}, {.quantity = QUANTITY_LOSS_OPT, .at = at}};
  struct buffer title = {0};
  p->x = axis_of("best parameters N", AXIS_LOG, AXIS_COUNTS);
  p->y = axis_of("its loss L, nats per token", AXIS_LOG, AXIS_PLAIN);
  buffer_append_string(&title, "Bootstrap: the decision at ");
  char label[AXIS_LABEL];
  axis_power_label(q->at.value[RUN_FLOPS], 3, label);
  buffer_printf(&title, "%s FLOPs", label);
  draw_cloud(p, s, question, buffer_string(&title));
  buffer_release(&title);
}

const struct panel_kind panel_parameters = {"cloud", "two parameters over the bootstrap's laws", no_draws, draw_parameters};
const struct panel_kind panel_decision = {"decision", "best params and loss of the first budget over the bootstrap's laws", no_decision, draw_decision};
