/* SPDX-License-Identifier: MIT
 *
 * Every reported number is a function of a law, evaluated at the fitted law for its value and at the bootstrap's laws
 * for its interval.
 */
#include "tools/fit-scaling/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/fit-scaling/plot.h"

static const char form[] = "chinchilla";
static const char *const objective_name[] = {"huber", "l1", "squares"};

/* Above this the fitted parameters stand for a direction, not a point: Besiroglu's 240 runs have 33, eight runs over
 * three budgets within a factor of 16 of compute have hundreds. */
static const double condition_limit = 200;

enum quantity { Q_E, Q_A, Q_B, Q_ALPHA, Q_BETA, Q_N_OPT, Q_D_OPT, Q_LOSS_OPT, Q_LOSS_AT, Q_HOLDOUT };

struct question {
  enum quantity quantity;
  const struct target *target;
  const struct report *report;
};

static double holdout_mape(const struct report *r, const struct law *law) {
  double sum = 0;
  for (size_t i = r->fitted; i < r->runs.count; i++) sum += fabs(law_loss(law, r->runs.items[i].params, r->runs.items[i].tokens) / r->runs.items[i].loss - 1);
  return 100 * sum / (double)(r->runs.count - r->fitted);
}

static double answer(const void *context, const struct law *law) {
  const struct question *q = context;
  switch (q->quantity) {
    case Q_E: return law->E;
    case Q_A: return law->A;
    case Q_B: return law->B;
    case Q_ALPHA: return law->alpha;
    case Q_BETA: return law->beta;
    case Q_N_OPT: return law_optimum(law, q->target->flops).N;
    case Q_D_OPT: return law_optimum(law, q->target->flops).D;
    case Q_LOSS_OPT: return law_optimum(law, q->target->flops).loss;
    case Q_LOSS_AT: return law_loss(law, q->target->params, q->target->tokens);
    case Q_HOLDOUT: return holdout_mape(q->report, law);
  }
  return NAN;
}

void report_hold_out(struct report *r, double above) {
  struct run *held_out = NEW_ARRAY(struct run, r->runs.count + 1);
  size_t kept = 0, held = 0;
  for (size_t i = 0; i < r->runs.count; i++) {
    if (r->runs.items[i].flops > above) held_out[held++] = r->runs.items[i];
    else r->runs.items[kept++] = r->runs.items[i];
  }
  for (size_t i = 0; i < held; i++) r->runs.items[kept + i] = held_out[i];
  r->fitted = kept;
  free(held_out);
}

int report_fit(struct report *r, struct err *e) {
  size_t n = r->fitted;
  if (n < LAW_PARAMETERS) return err_set(e, "%zu runs to fit, but the law has %d parameters: give more runs", n, LAW_PARAMETERS);
  double *column = NEW_ARRAY(double, 3 * n);
  for (size_t i = 0; i < n; i++) {
    column[i] = r->runs.items[i].params;
    column[n + i] = r->runs.items[i].tokens;
    column[2 * n + i] = r->runs.items[i].loss;
  }
  points_init(&r->points, column, column + n, column + 2 * n, n);
  free(column);
  if (!points_determine_law(&r->points, NULL))
    return err_set(e, "the runs do not determine the law: needed are %d different (params, tokens), with three different params and three different tokens", LAW_PARAMETERS);
  fit_global(&r->fit, &r->points, NULL, &r->options);
  if (!isfinite(r->fit.objective)) return err_set(e, "no start led to a finite fit");
  bootstrap_run(&r->bootstrap, &r->points, &r->fit, &r->options, r->resamples, r->seed, r->jobs, NULL, NULL);
  return 0;
}

/* ---- rows */

static void put_number(struct buffer *out, double value) {
  char text[NUMBER_TEXT];
  buffer_put(out, '\t');
  if (isfinite(value)) buffer_append_string(out, number_format(value, text));
}

static void put_row(const struct report *r, struct buffer *out, const char *name, const struct target *target, enum quantity quantity) {
  struct question q = {quantity, target, r};
  struct interval interval = bootstrap_interval(&r->bootstrap, answer, &q);
  buffer_printf(out, "%s\t%s%s", form, name, target ? "@" : "");
  for (const char *c = target ? target->typed : ""; *c; c++) buffer_put(out, *c == '\t' || *c == '\n' ? ' ' : *c);
  put_number(out, answer(&q, &r->fit.law));
  put_number(out, interval.low);
  put_number(out, interval.high);
  put_number(out, interval.stderr_);
  buffer_put(out, '\n');
}

void report_rows(const struct report *r, struct buffer *out) {
  buffer_append_string(out, "form\tname\tvalue\tlow\thigh\tstderr\n");
  put_row(r, out, "E", NULL, Q_E);
  put_row(r, out, "A", NULL, Q_A);
  put_row(r, out, "B", NULL, Q_B);
  put_row(r, out, "alpha", NULL, Q_ALPHA);
  put_row(r, out, "beta", NULL, Q_BETA);
  buffer_printf(out, "%s\tobjective", form);
  put_number(out, r->fit.objective);
  buffer_append_string(out, "\t\t\t\n");
  for (int i = 0; i < r->target_count; i++) {
    const struct target *t = &r->targets[i];
    if (t->flops > 0) {
      put_row(r, out, "N_opt", t, Q_N_OPT);
      put_row(r, out, "D_opt", t, Q_D_OPT);
      put_row(r, out, "loss", t, Q_LOSS_OPT);
    } else {
      put_row(r, out, "loss", t, Q_LOSS_AT);
    }
  }
  if (r->fitted < r->runs.count) put_row(r, out, "holdout_mape", NULL, Q_HOLDOUT);
}

/* ---- what people read */

static void say_interval(struct buffer *out, const struct interval *i, double value, const char *(*format)(double, char *)) {
  char a[NUMBER_TEXT], b[NUMBER_TEXT], c[NUMBER_TEXT];
  buffer_append_string(out, format(value, a));
  if (isfinite(i->low)) buffer_printf(out, " (%s to %s)", format(i->low, b), format(i->high, c));
}

static const char *five_digits(double value, char *text) {
  snprintf(text, NUMBER_TEXT, "%.5g", value);
  return text;
}

static const char *short_count(double value, char *text) { return number_short(value, text); }

static void say(const struct report *r, struct buffer *out, const char *name, const struct target *t, enum quantity quantity, const char *(*format)(double, char *)) {
  struct question q = {quantity, t, r};
  struct interval interval = bootstrap_interval(&r->bootstrap, answer, &q);
  buffer_append_string(out, name);
  say_interval(out, &interval, answer(&q, &r->fit.law), format);
}

void report_summary(const struct report *r, struct buffer *out) {
  const struct law *law = &r->fit.law;
  double relative = 0;
  for (size_t i = 0; i < r->fitted; i++) relative += fabs(law_loss(law, r->runs.items[i].params, r->runs.items[i].tokens) / r->runs.items[i].loss - 1);
  buffer_printf(out, "%zu runs, objective %s %.9g, mean error %.3g%%, %d of %d starts reach it", r->fitted, objective_name[r->options.objective], r->fit.objective,
                100 * relative / (double)r->fitted, r->fit.reached, r->fit.starts);
  say(r, out, "\n  E ", NULL, Q_E, five_digits);
  say(r, out, ", A ", NULL, Q_A, five_digits);
  say(r, out, ", alpha ", NULL, Q_ALPHA, five_digits);
  say(r, out, ", B ", NULL, Q_B, five_digits);
  say(r, out, ", beta ", NULL, Q_BETA, five_digits);
  buffer_printf(out, "\n  the best N grows as C^%.4g, the best D as C^%.4g", law->beta / (law->alpha + law->beta), law->alpha / (law->alpha + law->beta));
  for (int i = 0; i < r->target_count; i++) {
    const struct target *t = &r->targets[i];
    if (t->flops > 0) {
      buffer_printf(out, "\n  with %s FLOPs:", t->typed);
      say(r, out, " params ", t, Q_N_OPT, short_count);
      say(r, out, ", tokens ", t, Q_D_OPT, short_count);
      say(r, out, ", loss ", t, Q_LOSS_OPT, five_digits);
    } else {
      buffer_printf(out, "\n  at %s:", t->typed);
      say(r, out, " loss ", t, Q_LOSS_AT, five_digits);
    }
  }
  if (r->fitted < r->runs.count) {
    buffer_printf(out, "\n  %zu runs held out:", r->runs.count - r->fitted);
    say(r, out, " mean absolute error % ", NULL, Q_HOLDOUT, five_digits);
  }
}

static double farthest_compute(const struct report *r) {
  double farthest = 0;
  for (size_t i = 0; i < r->fitted; i++) farthest = fmax(farthest, 6 * r->runs.items[i].params * r->runs.items[i].tokens);
  return farthest;
}

bool report_warning(const struct report *r, int index, struct buffer *out) {
  const struct bootstrap *b = &r->bootstrap;
  switch (index) {
    case 0:
      if (!r->fit.at_bound) return false;
      if (r->fit.at_bound & FIT_NO_E) buffer_append_string(out, "E runs to 0, ");
      if (r->fit.at_bound & FIT_ALPHA) buffer_append_string(out, "alpha runs to its bound, ");
      if (r->fit.at_bound & FIT_BETA) buffer_append_string(out, "beta runs to its bound, ");
      buffer_append_string(out, "so these runs do not determine the law");
      return true;
    case 1:
      if (r->fit.condition <= condition_limit) return false;
      buffer_printf(out, "the runs can hardly tell the parameters apart (condition number %.3g): trust losses near the runs, not E, A, B, alpha, beta; "
                    "runs over a wider range of params and tokens help", r->fit.condition);
      return true;
    case 2:
      if (r->fit.reached * 2 >= r->fit.starts) return false;
      buffer_printf(out, "only %d of %d starts reach the best objective: there are other local minima", r->fit.reached, r->fit.starts);
      return true;
    case 3:
      if (r->resamples == 0 || b->degenerate + b->unconverged == 0) return false;
      buffer_printf(out, "%zu of %zu bootstrap resamples left out: %zu do not determine the law, %zu did not converge%s", b->degenerate + b->unconverged, b->drawn, b->degenerate,
                    b->unconverged, b->count < BOOTSTRAP_LEAST ? "; too few remain for intervals" : "");
      return true;
    case 4:
      if (b->at_bound * 20 <= b->count) return false;
      buffer_printf(out, "in %.0f%% of the resamples a parameter runs to its bound: the intervals are wide for want of data", 100.0 * (double)b->at_bound / (double)b->count);
      return true;
    case 5:
      for (int i = 0; i < r->target_count; i++) {
        const struct target *t = &r->targets[i];
        double factor = (t->flops > 0 ? t->flops : 6 * t->params * t->tokens) / farthest_compute(r);
        if (factor <= 1000) continue;
        buffer_printf(out, "%s is %.3g times the compute of the largest run: the interval holds only if the law does", t->typed, factor);
        return true;
      }
      return false;
  }
  return false;
}

void report_plot(const struct report *r, struct buffer *svg) {
  struct plot_prediction *predictions = NEW_ARRAY(struct plot_prediction, r->target_count + 1);
  for (int i = 0; i < r->target_count; i++) {
    const struct target *t = &r->targets[i];
    struct question q = {t->flops > 0 ? Q_LOSS_OPT : Q_LOSS_AT, t, r};
    struct law_optimum o = law_optimum(&r->fit.law, t->flops);
    predictions[i] = (struct plot_prediction){.label = t->typed, .params = t->flops > 0 ? o.N : t->params, .tokens = t->flops > 0 ? o.D : t->tokens,
                                              .flops = t->flops > 0 ? t->flops : 6 * t->params * t->tokens, .loss = answer(&q, &r->fit.law),
                                              .interval = bootstrap_interval(&r->bootstrap, answer, &q)};
  }
  struct buffer title = {0};
  buffer_printf(&title, "%zu runs, objective %s", r->fitted, objective_name[r->options.objective]);
  struct plot plot = {.title = buffer_string(&title), .law = &r->fit.law, .runs = r->runs.items, .held_out = r->runs.items + r->fitted, .run_count = r->fitted,
                      .held_out_count = r->runs.count - r->fitted, .predictions = predictions, .prediction_count = (size_t)r->target_count};
  plot_svg(svg, &plot);
  buffer_release(&title);
  free(predictions);
}

void report_release(struct report *r) {
  free(r->targets);
  runs_release(&r->runs);
  points_release(&r->points);
  bootstrap_release(&r->bootstrap);
}
