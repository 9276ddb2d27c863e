/* SPDX-License-Identifier: MIT
 *
 * Budget -> N and D -> shape -> batch, learning rate, steps -> time and memory -> next runs.
 */
#include "tools/fit-scaling/plan/plan.h"

#include <math.h>
#include <string.h>

void plan_options_init(struct plan_options *o) {
  *o = (struct plan_options){.flops = NAN, .tokens = NAN, .repeats = NAN, .inference_tokens = NAN, .spend = NAN, .next = -1, .serving = -1, .precision = -1,
                             .machine = {NAN, NAN, NAN, NAN, NAN}};
}

int plan_options_table(struct plan_options *o, struct option table[PLAN_ROWS]) {
  const struct option rows[] = {
      {OPTION_DOUBLE, 0, "flops", &o->flops, "X", "plan: the budget, in floating-point operations"},
      {OPTION_DOUBLE, 0, "gpus", &o->machine.gpus, "G", "plan: ... or of so many GPUs or CPUs (default 1)"},
      {OPTION_DOUBLE, 0, "tflops", &o->machine.tflops, "T", "plan: of which each computes T 1e12 FLOPs a second"},
      {OPTION_DOUBLE, 0, "mfu", &o->machine.mfu, "SHARE", "plan: of which this share is reached (default 1: T is what is reached)"},
      {OPTION_DOUBLE, 0, "hours", &o->machine.hours, "H", "plan: for so long"},
      {OPTION_SIZE, 0, "memory-per-gpu", &o->memory, "SIZE", "plan: what one of them holds"},
      {OPTION_DOUBLE, 0, "tokens", &o->tokens, "U", "plan: tokens of training data there are"},
      {OPTION_DOUBLE, 0, "repeats", &o->repeats, "R", "plan: passes over them at most (default 4; 1 without a budget)"},
      {OPTION_DOUBLE, 0, "inference-tokens", &o->inference_tokens, "I", "plan: tokens the model will read and write when it is used"},
      {OPTION_CHOICE, 0, "serving", &o->serving, "WHAT", "plan: loss: the budget's for the least in all (default); budget: it pays for both", "loss|budget"},
      {OPTION_COUNT, 0, "vocab", &o->vocab, "V", "plan: vocabulary size (default by size)", .min = 2, .max = 1 << 24},
      {OPTION_COUNT, 0, "seq", &o->seq, "T", "plan: tokens a sequence (default by size)", .min = 1, .max = 1 << 24},
      {OPTION_CHOICE, 0, "precision", &o->precision, "KIND", "plan: what memory is counted for: bf16 with fp32 masters, or fp32 (default mixed)", "mixed|single"},
      {OPTION_STRING, 0, "law", &o->law, "LAW", "plan: without runs, by a published law or the rows in a file"},
      {OPTION_STRING, 0, "hyper", &o->hyper, "TABLE", "plan: learning rate and batch from these runs instead of the published step law"},
      {OPTION_COUNT, 0, "next", &o->next, "K", "plan: how many further runs to propose (default 3)", .min = 0, .max = DESIGN_MOST},
      {OPTION_DOUBLE, 0, "spend", &o->spend, "SHARE", "plan: of the budget, for these runs together (default 0.1)"},
      {OPTION_STRING, 0, "config", &o->config, "FILE", "plan: write the model as config.json for lm-train -c"},
      {OPTION_STRING, 0, "recipe", &o->recipe, "FILE", "plan: write the rest for lm-train --recipe"},
      {OPTION_END}};
  _Static_assert(sizeof rows / sizeof *rows <= PLAN_ROWS, "the table has room");
  memcpy(table, rows, sizeof rows);
  return (int)(sizeof rows / sizeof *rows) - 1;
}

const char *plan_options_given(const struct plan_options *o) {
  const struct machine *m = &o->machine;
  const struct {
    const char *name;
    bool given;
  } all[] = {{"flops", !isnan(o->flops)}, {"gpus", !isnan(m->gpus)}, {"tflops", !isnan(m->tflops)}, {"mfu", !isnan(m->mfu)}, {"hours", !isnan(m->hours)},
             {"memory-per-gpu", o->memory}, {"tokens", !isnan(o->tokens)}, {"repeats", !isnan(o->repeats)}, {"inference-tokens", !isnan(o->inference_tokens)},
             {"serving", o->serving >= 0}, {"vocab", o->vocab}, {"seq", o->seq}, {"precision", o->precision >= 0}, {"law", o->law}, {"hyper", o->hyper},
             {"next", o->next >= 0}, {"spend", !isnan(o->spend)}, {"config", o->config}, {"recipe", o->recipe}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].given) return all[i].name;
  return NULL;
}

static int request(struct plan *plan, const struct plan_options *o, struct err *e) {
  struct machine machine = o->machine;
  if (o->memory) machine.memory = (double)o->memory;
  if (budget_resolve(&plan->budget, o->flops, &machine, e) != 0) return -1;
  bool budget = !isnan(plan->budget.flops);
  if (!budget && isnan(o->tokens)) return err_usage(e, "plan for what?  Give --flops, --tflops with --hours, or --tokens");
  if (!isnan(o->tokens) && (!(o->tokens >= 1) || isinf(o->tokens))) return err_usage(e, "--tokens must be at least 1");
  if (!isnan(o->repeats) && isnan(o->tokens)) return err_usage(e, "--repeats are passes over --tokens: give these too");
  if (!isnan(o->repeats) && (!(o->repeats >= 1) || isinf(o->repeats))) return err_usage(e, "--repeats must be at least 1: the first pass counts");
  if (!isnan(o->inference_tokens) && (!(o->inference_tokens >= 0) || isinf(o->inference_tokens))) return err_usage(e, "--inference-tokens must not be negative");
  if (o->serving >= 0 && isnan(o->inference_tokens)) return err_usage(e, "--serving says what --inference-tokens are paid from: give these too");
  if (o->serving == SERVING_IN_BUDGET && !budget) return err_usage(e, "--serving budget needs a budget: --flops, or --tflops with --hours");
  if (!isnan(o->spend) && !(o->spend > 0 && o->spend <= 1)) return err_usage(e, "--spend is a share of the budget, above 0 and at most 1");
  plan->request = (struct allocation_request){.flops = plan->budget.flops, .unique = isnan(o->tokens) ? INFINITY : o->tokens,
                                              .repeats = !isnan(o->repeats) ? o->repeats : budget ? 4 : 1,
                                              .served = isnan(o->inference_tokens) ? 0 : o->inference_tokens,
                                              .serving = o->serving == SERVING_IN_BUDGET ? SERVING_IN_BUDGET : SERVING_SAME_LOSS};
  return 0;
}

/* Where all passes are used, attention's FLOPs are taken off the parameters, not off the tokens. */
static int choose_shape(struct plan *plan, const struct plan_options *o, struct err *e) {
  const struct allocation *a = &plan->allocation;
  double N = a->N;
  if (shape_for(&plan->shape, N, o->vocab, o->seq, e) != 0) return -1;
  for (int i = 0; i < 3 && a->repeats_bind && !isnan(plan->request.flops) && plan->request.served <= 0; i++) {
    double excess = shape_flops_per_token(&plan->shape) * a->D / plan->request.flops;
    if (excess <= 1.02) break;
    if (shape_for(&plan->shape, N /= excess, o->vocab, o->seq, e) != 0) return -1;
  }
  return 0;
}

/* Tokens for the shape, whose N and whose attention differ a little from the law's N and 6 N. */
static double tokens_of_shape(const struct plan *plan, const struct law *law) {
  const struct allocation_request *r = &plan->request;
  const struct allocation *a = &plan->allocation;
  double N = shape_matmul_params(&plan->shape), per_token = shape_flops_per_token(&plan->shape), most = r->unique * r->repeats, tokens;
  if (r->served > 0 && r->serving == SERVING_SAME_LOSS) {
    tokens = allocation_tokens_for(law, N, a->loss, r->unique, most);
    if (isnan(tokens)) tokens = a->D;
  } else if (isnan(r->flops)) {
    tokens = a->D;
  } else {
    tokens = (r->flops - (r->serving == SERVING_IN_BUDGET ? 2 * N * r->served : 0)) / per_token;
  }
  return fmin(tokens, most);
}

static int choose_recipe(struct plan *plan, double tokens, struct err *e) {
  struct recipe *r = &plan->recipe;
  double N = shape_matmul_params(&plan->shape), seq = (double)plan->shape.seq;
  if (hyper_choose(&plan->hyper, N, tokens, plan->options->hyper, e) != 0) return -1;
  r->batch = (int64_t)exp2(fmin(fmax(round(log2(plan->hyper.batch / seq)), 0), 29));
  while (r->batch > 1 && tokens < (double)r->batch * seq) r->batch /= 2;
  double steps = floor(tokens / ((double)r->batch * seq));
  if (!(steps >= 1)) return err_set(e, "%.4g tokens are less than one sequence of %.0f: raise the budget, or lower --seq", tokens, seq);
  if (steps > 9e15) return err_set(e, "%.3g steps are more than can be counted", steps);
  r->steps = (int64_t)steps;
  r->warmup = (int64_t)fmin(2000, .05 * steps); /* the step law's runs had 2000 */
  r->lr = plan->hyper.lr;
  r->min_lr = fmin(1e-5, .1 * r->lr);
  plan->tokens = steps * (double)r->batch * seq;
  plan->flops = plan->tokens * shape_flops_per_token(&plan->shape);
  return 0;
}

struct asked {
  const struct plan *plan;
  enum plan_number number;
};

static double number_of(const void *context, const struct form_data *data, const double *parameter) {
  const struct asked *asked = context;
  const struct law law = {data, parameter};
  struct allocation a = allocate(&law, &asked->plan->request);
  return asked->number == PLAN_N ? a.N : asked->number == PLAN_D ? a.D : a.D / a.N;
}

static struct answer answer_to(const struct plan *plan, enum plan_number number) {
  struct asked asked = {plan, number};
  enum quantity quantity = number == PLAN_LOSS ? QUANTITY_PREDICTION : number == PLAN_RUN_LOSS ? QUANTITY_RUN : QUANTITY_FUNCTION;
  struct question q = {.quantity = quantity, .at = plan->seen, .function = number_of, .context = &asked};
  if (plan->study->fitted.count > 0) return study_answer(plan->study, &q);
  return (struct answer){study_value(plan->study, plan->study->fit.parameter, &q), {NAN, NAN, NAN}};
}

int plan_make(struct plan *plan, const struct study *s, const char *source, const struct plan_options *o, struct err *e) {
  struct law law = {&s->data, s->fit.parameter};
  const struct form *form = s->data.form;
  *plan = (struct plan){.study = s, .source = source, .options = o};
  if (!form->optimum || form->explains != RUN_LOSS)
    return err_usage(e, "plan: the form %s says nothing about the best use of a budget; take another --form", form->name);
  if (request(plan, o, e) != 0) return -1;
  struct allocation *a = &plan->allocation;
  *a = allocate(&law, &plan->request);
  if (!isfinite(a->N) || !isfinite(a->D) || !isfinite(a->loss)) {
    if (plan->request.served > 0 && isfinite(a->free_N)) return err_set(e, "the law has no plan with so many --inference-tokens");
    return err_set(e, "the law has no best number of parameters for this budget: more or other runs are needed");
  }
  if (choose_shape(plan, o, e) != 0) return -1;
  double tokens = tokens_of_shape(plan, &law);
  if (!(tokens >= 1)) return err_set(e, "serving the --inference-tokens takes the whole budget");
  if (choose_recipe(plan, tokens, e) != 0) return -1;
  plan->seen = allocation_run(&law, shape_matmul_params(&plan->shape), plan->tokens, plan->request.unique);
  for (int i = 0; i < PLAN_NUMBERS; i++) plan->answer[i] = answer_to(plan, (enum plan_number)i);
  double gpus = isnan(o->machine.gpus) ? 1 : o->machine.gpus, memory = o->memory ? (double)o->memory : NAN;
  plan->arrangement = cost_arrange(&plan->shape, o->precision > 0 ? PRECISION_SINGLE : PRECISION_MIXED, gpus, memory, plan->recipe.batch);
  plan->recipe.recompute = plan->arrangement.recompute;
  plan->recipe.micro_batch = o->memory && gpus <= 1 ? plan->arrangement.micro_batch : 0;
  if (s->fitted.count > 0 && o->next != 0) {
    struct design_options d = {o->next > 0 ? (int)o->next : 3, 0, plan->request.unique};
    d.flops = (isnan(o->spend) ? .1 : o->spend) * plan->flops / d.runs;
    design_next(&plan->design, s, &plan->seen, &d);
  }
  return 0;
}
