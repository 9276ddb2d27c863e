/* SPDX-License-Identifier: MIT
 *
 * What is doubtful about a plan, and what helps.
 */
#include <math.h>

#include "common/base/number.h"
#include "tools/fit-scaling/plan/rows.h"

/* The plan's compute over that of the largest run, or below 1 over that of the smallest. */
static double beyond(const struct plan *plan) {
  const struct runs *runs = &plan->study->fitted;
  double least = INFINITY, most = 0;
  for (size_t i = 0; i < runs->count; i++) {
    double flops = runs_row(runs, i).value[RUN_FLOPS];
    least = fmin(least, flops), most = fmax(most, flops);
  }
  return plan->flops > most ? plan->flops / most : fmin(plan->flops / least, 1);
}

/* Above this batch tokens are wasted (Kaplan et al. 2020, equation 5.3). */
static double critical_batch(double loss) { return 2e8 / pow(loss, 1 / .21); }

bool plan_report_warning(const struct plan *plan, int index, struct buffer *out) {
  const struct allocation *a = &plan->allocation;
  const struct shape *s = &plan->shape;
  double N = shape_matmul_params(s), batch = (double)plan->recipe.batch * (double)s->seq;
  char x[NUMBER_TEXT], y[NUMBER_TEXT];
  const struct answer *n = &plan->answer[PLAN_N];
  switch (index) {
    case 0:
      if (plan->source || (beyond(plan) <= 1000 && beyond(plan) >= .1)) return false;
      buffer_printf(out, "the plan is %.3g times the compute of the %s run: the interval holds only if the law does",
                    beyond(plan), beyond(plan) > 1 ? "largest" : "smallest");
      return true;
    case 1:
      if (!a->data_binds) return false;
      buffer_append_string(out, "the data is the limit");
      if (plan->request.served <= 0)
        buffer_printf(out, ": with more of it %s parameters and %s tokens would be best, loss %.5g", plan_count(a->free_N, x), plan_count(a->free_D, y), a->free_loss);
      if (a->repeats_bind && a->flops < .99 * plan->request.flops) buffer_printf(out, "; what is left of the budget would lower the loss by less than 0.1%%");
      return true;
    case 2:
      if (isinf(plan->request.unique) || !(plan_epochs(plan) > 4 * (1 + 1e-6))) return false;
      buffer_printf(out, "%.3g passes over the data: beyond 4 a repeated token is worth much less than a new one, beyond 16 next to nothing", plan_epochs(plan));
      return true;
    case 3:
      if (!plan->options->memory || plan->arrangement.fits) return false;
      buffer_printf(out, "%s a GPU are needed with one sequence at a time%s, %s are there: %s", number_bytes(plan->arrangement.bytes, x),
                    plan_gpus(plan) > 1 ? ", ZeRO 3 and blocks computed again" : " and blocks computed again", number_bytes((double)plan->options->memory, y),
                    "take more GPUs, a shorter --seq, or tensor and pipeline parallelism");
      return true;
    case 4:
      if (!(n->interval.high > 2 * n->interval.low) || a->repeats_bind) return false;
      buffer_printf(out, "the best number of parameters is uncertain (%s to %s), but the optimum is flat: for the same FLOPs half of them cost %.2g%% of loss, "
                    "twice as many %.2g%%",
                    plan_count(n->interval.low, x), plan_count(n->interval.high, y), 100 * (plan_loss_beside(plan, .5) / plan->answer[PLAN_LOSS].value - 1),
                    100 * (plan_loss_beside(plan, 2) / plan->answer[PLAN_LOSS].value - 1));
      return true;
    case 5:
      if (!((double)s->vocab * (double)s->width > .5 * N)) return false;
      buffer_printf(out, "%.0f%% of the parameters are the vocabulary's: a smaller tokenizer and --vocab leave more to the layers",
                    100 * (double)s->vocab * (double)s->width / N);
      return true;
    case 6:
      if (!(batch > critical_batch(plan->answer[PLAN_LOSS].value))) return false;
      buffer_printf(out, "a batch of %s tokens is above the critical one, about %s at this loss: compare noise_scale of a short lm-train", plan_count(batch, x),
                    plan_count(critical_batch(plan->answer[PLAN_LOSS].value), y));
      return true;
    case 7:
      if (!((double)plan->recipe.batch < plan_gpus(plan))) return false;
      buffer_printf(out, "a batch of %lld sequences does not keep %.0f GPUs busy: fewer of them, a shorter --seq, or parallelism within the model",
                    (long long)plan->recipe.batch, plan_gpus(plan));
      return true;
    case 8:
      if (!plan->hyper.far) return false;
      buffer_printf(out, "learning rate %.3g and batch are far from %s: try half and twice as much in short runs", plan->recipe.lr,
                    plan->options->hyper ? "the runs of --hyper" : "the step law's runs (6e7 to 1.1e9 parameters, 2e9 to 1e11 tokens)");
      return true;
    case 9: {
      double share = 1 - 6 * N / shape_flops_per_token(s);
      if (!(share > .4)) return false;
      buffer_printf(out, "attention over %lld tokens takes %.0f%% of the FLOPs: a shorter --seq leaves more for tokens", (long long)s->seq, 100 * share);
      return true;
    }
    case 10:
      if (!plan->budget.time_binds || !(plan_hours(plan) > plan->options->machine.hours * 1.01)) return false;
      buffer_printf(out, "training longer, to serve for less, takes %s of the %s there are: --serving budget keeps to them", number_duration(plan_hours(plan) * 3600, x),
                    number_duration(plan->options->machine.hours * 3600, y));
      return true;
    case 11: {
      const char *name = isnan(plan->options->machine.mfu) ? budget_peak_of(plan->options->machine.tflops) : NULL;
      if (!name) return false;
      buffer_printf(out, "%.4g TFLOP/s is the peak of %s; training reaches about 0.4 of it: --mfu 0.4", plan->options->machine.tflops, name);
      return true;
    }
  }
  return false;
}
