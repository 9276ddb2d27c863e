/* SPDX-License-Identifier: MIT
 *
 *   plan for 2.765e+20 FLOPs: 8 x 400 TFLOP/s x 24 h
 *     by the law chinchilla, fitted to 240 runs
 *
 *     best       1.44B parameters (1.3B to 1.61B)
 *                32B tokens (28.7B to 35.4B)
 *     model      1.46B parameters in products, 1.54B in all
 *     ...
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "tools/fit-scaling/plan/rows.h"

enum { RUNS_A_LINE = 3 };

const char *plan_count(double value, char *text) {
  if (!(value < 1e15)) {
    snprintf(text, NUMBER_TEXT, "%.3g", value);
    return text;
  }
  number_short(value, text);
  size_t n = strlen(text);
  if (n > 0 && text[n - 1] == 'G') text[n - 1] = 'B'; /* as the field counts parameters and tokens */
  return text;
}

static const char *five_digits(double value, char *text) {
  snprintf(text, NUMBER_TEXT, "%.5g", value);
  return text;
}

static const char *three_digits(double value, char *text) {
  snprintf(text, NUMBER_TEXT, "%.3g", value);
  return text;
}

/* A line under a label, or, with "", under the line before. */
static void line(struct buffer *out, const char *label) { buffer_printf(out, "\n  %-11s", label); }

static void say(struct buffer *out, const struct answer *a, const char *unit, const char *(*format)(double, char *)) {
  char value[NUMBER_TEXT], low[NUMBER_TEXT], high[NUMBER_TEXT];
  buffer_printf(out, "%s%s", format(a->value, value), unit);
  if (!isfinite(a->interval.low) || !isfinite(a->interval.high)) return;
  format(a->interval.low, low), format(a->interval.high, high);
  if (strcmp(low, high) != 0) buffer_printf(out, " (%s to %s)", low, high);
}

static void say_budget(const struct plan *plan, struct buffer *out) {
  const struct allocation_request *r = &plan->request;
  char a[NUMBER_TEXT];
  buffer_append_string(out, "plan for ");
  if (!isnan(r->flops)) buffer_printf(out, "%.4g FLOPs", r->flops);
  else buffer_printf(out, "%s tokens of data", plan_count(r->unique, a));
  if (plan->budget.time_binds)
    buffer_printf(out, ": %.0f x %.4g TFLOP/s x %.4g h", plan_gpus(plan), plan->budget.rate / plan_gpus(plan) / 1e12, plan->options->machine.hours);
  buffer_printf(out, "\n  by the law %s", plan->study->data.form->name);
  if (plan->source) buffer_printf(out, ": %s", plan->source);
  else buffer_printf(out, ", fitted to %zu runs", plan->study->fitted.count);
  if (!isinf(r->unique)) buffer_printf(out, "\n  with %s tokens of data, each used at most %.3g time%s", plan_count(r->unique, a), r->repeats, r->repeats > 1 ? "s" : "");
  if (r->served > 0) buffer_printf(out, "\n  with %s tokens of inference%s", plan_count(r->served, a), r->serving == SERVING_IN_BUDGET ? ", paid from the budget" : "");
}

static void say_model(const struct plan *plan, struct buffer *out) {
  const struct shape *s = &plan->shape;
  char a[NUMBER_TEXT], b[NUMBER_TEXT];
  line(out, "best");
  say(out, &plan->answer[PLAN_N], " parameters", plan_count);
  line(out, "");
  say(out, &plan->answer[PLAN_D], " tokens", plan_count);
  line(out, "");
  say(out, &plan->answer[PLAN_TOKENS_PER_PARAM], " tokens a parameter", three_digits);
  line(out, "model");
  buffer_printf(out, "%s parameters in products, %s in all", plan_count(shape_matmul_params(s), a), plan_count(shape_params(s), b));
  line(out, "");
  buffer_printf(out, "%lld layers of width %lld, feed-forward %lld", (long long)s->layers, (long long)s->width, (long long)s->intermediate);
  line(out, "");
  buffer_printf(out, "%lld heads of %lld, %lld of keys and values, vocabulary %lld",
                (long long)s->heads, (long long)s->head_dim, (long long)s->kv_heads, (long long)s->vocab);
}

static void say_training(const struct plan *plan, struct buffer *out) {
  const struct recipe *r = &plan->recipe;
  char a[NUMBER_TEXT];
  line(out, "training");
  buffer_printf(out, "%s tokens", plan_count(plan->tokens, a));
  if (!isinf(plan->request.unique)) buffer_printf(out, ", %.3g times the data", plan_epochs(plan));
  line(out, "");
  buffer_printf(out, "%lld steps of %lld x %lld tokens", (long long)r->steps, (long long)r->batch, (long long)plan->shape.seq);
  line(out, "");
  buffer_printf(out, "learning rate %.3g after %lld steps of warm-up", r->lr, (long long)r->warmup);
}

static void say_loss(const struct plan *plan, struct buffer *out) {
  const struct answer *loss = &plan->answer[PLAN_LOSS];
  const struct interval *run = &plan->answer[PLAN_RUN_LOSS].interval;
  line(out, "loss");
  say(out, loss, "", five_digits);
  if (isfinite(run->low)) buffer_printf(out, ", of one run %.5g to %.5g", run->low, run->high);
  line(out, "");
  double half = plan_loss_beside(plan, .5) / loss->value - 1, twice = plan_loss_beside(plan, 2) / loss->value - 1;
  buffer_printf(out, "%+.2g%% with half the parameters, %+.2g%% with twice as many,", 100 * half, 100 * twice);
  line(out, "");
  buffer_append_string(out, plan->allocation.repeats_bind ? "as long as the data lasts" : "for the same FLOPs");
}

static void say_costs(const struct plan *plan, struct buffer *out) {
  const struct arrangement *a = &plan->arrangement;
  const struct allocation *n = &plan->allocation;
  double gpus = plan_gpus(plan), served = plan->request.served;
  char x[NUMBER_TEXT], y[NUMBER_TEXT];
  if (!isnan(plan->budget.rate)) {
    line(out, "time");
    buffer_printf(out, "%s on %.0f at %.4g TFLOP/s", number_duration(plan_hours(plan) * 3600, x), gpus, plan->budget.rate / gpus / 1e12);
  }
  line(out, "memory");
  buffer_append_string(out, number_bytes(a->bytes, x));
  if (gpus > 1) buffer_printf(out, " on each of %.0f, ZeRO %d", gpus, a->zero);
  buffer_printf(out, ", %lld sequence%s at a time%s", (long long)a->micro_batch, a->micro_batch > 1 ? "s" : "", a->recompute ? ", blocks computed again" : "");
  if (!(served > 0)) return;
  line(out, "serving");
  buffer_printf(out, "6 N D + 2 N I = %.4g FLOPs", n->flops + n->serving_flops);
  line(out, "");
  buffer_printf(out, "%.4g for the loss %.5g with the best for training alone,", 6 * n->free_N * n->free_D + 2 * n->free_N * served, n->free_loss);
  line(out, "");
  buffer_printf(out, "%s parameters and %s tokens", plan_count(n->free_N, x), plan_count(n->free_D, y));
}

static void say_design(const struct plan *plan, struct buffer *out) {
  const struct design *d = &plan->design;
  const struct interval after = plan_after_next_runs(plan);
  char n[NUMBER_TEXT], t[NUMBER_TEXT];
  for (int i = 0; i < d->count; i++) {
    if (i % RUNS_A_LINE == 0) line(out, i == 0 ? "next runs" : "");
    else buffer_put(out, ' ');
    buffer_printf(out, "%s x %s%s", plan_count(d->N[i], n), plan_count(d->D[i], t), i + 1 < d->count ? "," : "");
  }
  if (d->count == 0) return;
  line(out, "");
  if (d->shrink > .98) buffer_append_string(out, "(parameters x tokens) tell most, but the loss is known: its error would hardly shrink");
  else if (isfinite(after.low)) buffer_printf(out, "(parameters x tokens) would narrow the loss to %.5g to %.5g", after.low, after.high);
  else buffer_printf(out, "(parameters x tokens) would shrink the error of the loss by %.3g%%", 100 * (1 - d->shrink));
}

void plan_report_summary(const struct plan *plan, struct buffer *out) {
  say_budget(plan, out);
  buffer_put(out, '\n');
  say_model(plan, out);
  say_training(plan, out);
  say_loss(plan, out);
  say_costs(plan, out);
  say_design(plan, out);
}
