/* SPDX-License-Identifier: MIT
 *
 * The rows, and the numbers that summary and warnings share with them.
 */
#include "tools/fit-scaling/plan/rows.h"

#include <math.h>
#include <stdio.h>

#include "tools/fit-scaling/table/fields.h"

/* The law compares at 6 N D; what attention and rounding cost the plan's own loss they cost these too. */
double plan_loss_beside(const struct plan *plan, double factor) {
  const struct law law = {&plan->study->data, plan->study->fit.parameter};
  const struct allocation_request *r = &plan->request;
  const struct allocation *a = &plan->allocation;
  double D = fmin(a->D / factor, r->unique * r->repeats), unique = a->data_binds ? fmin(r->unique, D) : INFINITY;
  return plan->answer[PLAN_LOSS].value * allocation_loss(&law, a->N * factor, D, unique) / a->loss;
}

double plan_gpus(const struct plan *plan) { return isnan(plan->options->machine.gpus) ? 1 : plan->options->machine.gpus; }
double plan_hours(const struct plan *plan) { return plan->flops / plan->budget.rate / 3600; }
double plan_epochs(const struct plan *plan) { return plan->tokens / plan->request.unique; }

struct interval plan_after_next_runs(const struct plan *plan) {
  const struct answer *loss = &plan->answer[PLAN_LOSS];
  double s = plan->design.shrink;
  return (struct interval){loss->value + s * (loss->interval.low - loss->value), loss->value + s * (loss->interval.high - loss->value), s * loss->interval.stderr_};
}

static void put_answer(const struct plan *plan, struct buffer *out, const char *name, const struct answer *a) {
  buffer_printf(out, "%s\t%s\t", plan->study->data.form->name, name);
  fields_numbers(out, (double[]){a->value, a->interval.low, a->interval.high, a->interval.stderr_}, 4);
  buffer_put(out, '\n');
}

static void put(const struct plan *plan, struct buffer *out, const char *name, double value) {
  struct answer a = {value, {NAN, NAN, NAN}};
  put_answer(plan, out, name, &a);
}

static void put_count(const struct plan *plan, struct buffer *out, const char *name, double value) { /* whole numbers are exact */
  buffer_printf(out, "%s\t%s\t%.0f\t\t\t\n", plan->study->data.form->name, name, value);
}

static void put_design(const struct plan *plan, struct buffer *out) {
  const struct design *d = &plan->design;
  for (int i = 0; i < d->count; i++) {
    char name[64];
    snprintf(name, sizeof name, "next_run_%d_params", i + 1), put_count(plan, out, name, round(d->N[i]));
    snprintf(name, sizeof name, "next_run_%d_tokens", i + 1), put_count(plan, out, name, round(d->D[i]));
    snprintf(name, sizeof name, "next_run_%d_flops", i + 1), put(plan, out, name, 6 * d->N[i] * d->D[i]);
  }
  struct answer after = {plan->answer[PLAN_LOSS].value, plan_after_next_runs(plan)};
  if (d->count) put_answer(plan, out, "loss_after_next_runs", &after);
}

void plan_report_rows(const struct plan *plan, struct buffer *out) {
  const struct allocation *a = &plan->allocation;
  const struct shape *s = &plan->shape;
  const struct recipe *r = &plan->recipe;
  buffer_append_string(out, "form\tname\tvalue\tlow\thigh\tstderr\n");
  put(plan, out, "plan_flops", isnan(plan->request.flops) ? a->flops : plan->request.flops);
  put_answer(plan, out, "N", &plan->answer[PLAN_N]);
  put_answer(plan, out, "D", &plan->answer[PLAN_D]);
  put_answer(plan, out, "tokens_per_param", &plan->answer[PLAN_TOKENS_PER_PARAM]);
  const struct {
    const char *name;
    double value;
  } counts[] = {{"layers", (double)s->layers}, {"hidden_size", (double)s->width}, {"heads", (double)s->heads}, {"kv_heads", (double)s->kv_heads}, 
                {"head_dim", (double)s->head_dim}, {"intermediate_size", (double)s->intermediate}, {"vocab_size", (double)s->vocab},
                {"params", shape_matmul_params(s)}, {"params_total", shape_params(s)}, {"seq", (double)s->seq}, {"batch", (double)r->batch},
                {"batch_tokens", (double)r->batch * (double)s->seq}, {"steps", (double)r->steps}, {"tokens", plan->tokens}};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) put_count(plan, out, counts[i].name, counts[i].value);
  if (!isinf(plan->request.unique)) put(plan, out, "epochs", plan_epochs(plan));
  put(plan, out, "lr", r->lr);
  put(plan, out, "flops", plan->flops);
  put_answer(plan, out, "loss", &plan->answer[PLAN_LOSS]);
  if (!plan->source) put_answer(plan, out, "run_loss", &plan->answer[PLAN_RUN_LOSS]);
  put(plan, out, "loss_half_params", plan_loss_beside(plan, .5));
  put(plan, out, "loss_double_params", plan_loss_beside(plan, 2));
  if (plan->request.served > 0) {
    double serving = 2 * shape_matmul_params(s) * plan->request.served;
    put(plan, out, "inference_flops", serving);
    put(plan, out, "total_flops", plan->flops + serving);
  }
  if (!isnan(plan->budget.rate)) put(plan, out, "hours", plan_hours(plan));
  put_count(plan, out, "gpu_memory_bytes", plan->arrangement.bytes);
  put_count(plan, out, "micro_batch", (double)plan->arrangement.micro_batch);
  put_count(plan, out, "zero_stage", plan->arrangement.zero);
  put_count(plan, out, "recompute", plan->arrangement.recompute);
  for (int zero = 0; zero <= 3 && plan_gpus(plan) > 1; zero++) {
    struct arrangement other = plan->arrangement;
    char name[64];
    other.zero = zero;
    snprintf(name, sizeof name, "gpu_memory_bytes_zero%d", zero);
    put_count(plan, out, name, cost_bytes(s, plan->options->precision > 0 ? PRECISION_SINGLE : PRECISION_MIXED, plan_gpus(plan), &other));
  }
  put_design(plan, out);
}
