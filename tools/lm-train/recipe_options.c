/* SPDX-License-Identifier: MIT */
#include "tools/lm-train/recipe_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"

#define UNSET INT64_MIN
enum { DECAY_YES, DECAY_NO }; /* words of --decay-embeddings */
#define MOST_TOKENS 9e18 /* of a run: an int64 holds them */
#define MOST_STEP_TOKENS 1e11 /* of a step: an int64 holds the bytes of its activations */

void recipe_options_init(struct recipe_options *o) {
  *o = (struct recipe_options){.steps = UNSET, .tokens = UNSET, .flops = NAN, .batch = UNSET, .micro_batch = UNSET, .seq = UNSET, .warmup = UNSET,
                               .eval_every = UNSET, .eval_tokens = UNSET, .save_every = UNSET, .keep = UNSET, .lr = NAN, .min_lr = NAN, .decay = NAN,
                               .beta1 = NAN, .beta2 = NAN, .eps = NAN, .momentum = NAN, .matrix_lr = NAN, .weight_decay = NAN,
                               .clip = NAN, .spike = NAN, .z_loss = NAN, .soap_frequency = UNSET, .mup_base = UNSET,
                               .max_skips = UNSET, .schedule = -1, .optimizer = -1, .decay_embeddings = -1, .dtype = -1, .recompute = -1};
}

int recipe_options_table(struct recipe_options *o, struct option table[RECIPE_ROWS]) {
  const struct option rows[] = {
      {OPTION_COUNT, 0, "steps", &o->steps, "N", "train this many steps in all", .min = 1, .max = 9e18},
      {OPTION_COUNT, 0, "tokens", &o->tokens, "N", "... or this many tokens", .min = 1, .max = 9e18},
      {OPTION_DOUBLE, 0, "flops", &o->flops, "X", "... or this many FLOPs (6 N + 6 L d T a token)", .min = 1, .max = HUGE_VAL},
      {OPTION_COUNT, 0, "batch", &o->batch, "B", "sequences a step (default 16)", .min = 1, .max = 1e9},
      {OPTION_COUNT, 0, "micro-batch", &o->micro_batch, "b", "sequences at a time, divides B (default: to suit the caches)", .min = 1, .max = 1e9},
      {OPTION_COUNT, 0, "seq", &o->seq, "T", "tokens a sequence (default 256, or what the model takes)", .min = 1, .max = 1e9},
      {OPTION_DOUBLE, 0, "lr", &o->lr, "X", "peak learning rate (default by size: 2e-3 sqrt(256/d))", .min = 0, .max = 1e6},
      {OPTION_DOUBLE, 0, "min-lr", &o->min_lr, "X", "learning rate at the end (default 0.1 lr)", .min = 0, .max = 1e6},
      {OPTION_COUNT, 0, "warmup", &o->warmup, "N", "steps of linear warm-up (default 0)", .min = 0, .max = 9e18},
      {OPTION_CHOICE, 0, "schedule", &o->schedule, NULL, "shape of the learning rate (default cosine)", SCHEDULE_CHOICES},
      {OPTION_DOUBLE, 0, "decay", &o->decay, "X", "wsd: share of the steps that decay (default 0.2)", .min = 0, .max = 1},
      {OPTION_CHOICE, 0, "optimizer", &o->optimizer, NULL, "the optimiser (default adamw)", OPTIMIZER_CHOICES},
      {OPTION_DOUBLE, 0, "beta1", &o->beta1, "X", "decay of the first moment (default 0.9; soap 0.95)", .min = 0, .max = 1},
      {OPTION_DOUBLE, 0, "beta2", &o->beta2, "X", "decay of the second moment (default 0.95)", .min = 0, .max = 1},
      {OPTION_DOUBLE, 0, "eps", &o->eps, "X", "epsilon of AdamW and SOAP (default 1e-8)", .min = 0, .max = 1},
      {OPTION_DOUBLE, 0, "momentum", &o->momentum, "X", "Muon: decay of the momentum (default 0.95)", .min = 0, .max = 1},
      {OPTION_DOUBLE, 0, "matrix-lr", &o->matrix_lr, "X", "Muon, SOAP: learning rate of their matrices over --lr (default 1)", .min = 0, .max = 1e6},
      {OPTION_COUNT, 0, "soap-frequency", &o->soap_frequency, "N", "SOAP: steps between new bases (default 10)", .min = 1, .max = 9e18},
      {OPTION_COUNT, 0, "mup-base", &o->mup_base, "WIDTH", "muP: hidden_size that --lr was tuned at, 0: off (default 0)", .min = 0, .max = 1e9},
      {OPTION_DOUBLE, 0, "weight-decay", &o->weight_decay, "X", "decay of matrices (default 0.1)", .min = 0, .max = 1e6},
      {OPTION_CHOICE, 0, "decay-embeddings", &o->decay_embeddings, NULL, "whether embeddings decay too (default yes)", "yes|no"},
      {OPTION_DOUBLE, 0, "clip", &o->clip, "X", "largest norm of the gradient, 0: none (default 1)", .min = 0, .max = HUGE_VAL},
      {OPTION_DOUBLE, 0, "spike", &o->spike, "X", "skip steps whose norm is X times its average, 0: none (default 0)", .min = 0, .max = HUGE_VAL},
      {OPTION_COUNT, 0, "max-skips", &o->max_skips, "K", "steps skipped in a row that end the run (default 5)", .min = 1, .max = 9e18},
      {OPTION_DOUBLE, 0, "z-loss", &o->z_loss, "X", "coefficient of log(Z)^2, keeps the logits small (default 0)", .min = 0, .max = 1e6},
      {OPTION_CHOICE, 0, "dtype", &o->dtype, NULL, "type of the matrix products (default fp32)", DTYPE_CHOICES},
      {OPTION_CHOICE, 0, "recompute", &o->recompute, NULL, "what backward computes again to save memory (default none)", RECOMPUTE_CHOICES},
      {OPTION_COUNT, 0, "eval-every", &o->eval_every, "N", "validation loss every N steps (default 0: at the end)", .min = 0, .max = 9e18},
      {OPTION_COUNT, 0, "eval-tokens", &o->eval_tokens, "N", "validation tokens at most (default 131072)", .min = 1, .max = 9e18},
      {OPTION_COUNT, 0, "save-every", &o->save_every, "N", "checkpoint every N steps, 0: at the end (default 1000)", .min = 0, .max = 9e18},
      {OPTION_COUNT, 0, "keep", &o->keep, "N", "checkpoints that stay, 0: all (default 2)", .min = 0, .max = 9e18},
      {OPTION_FLAG, 0, "keep-best", &o->keep_best, NULL, "keep the checkpoint of the lowest validation loss: DIR/best"},
      {OPTION_END},
  };
  _Static_assert(sizeof rows / sizeof *rows <= RECIPE_ROWS, "the table has room");
  memcpy(table, rows, sizeof rows);
  return (int)(sizeof rows / sizeof *rows) - 1;
}

static bool is_set(const struct option *row) {
  if (row->type == OPTION_DOUBLE) return !isnan(*(const double *)row->value);
  if (row->type == OPTION_FLAG) return *(const bool *)row->value;
  if (row->type == OPTION_CHOICE) return *(const int *)row->value >= 0;
  return *(const int64_t *)row->value != UNSET;
}

static bool is_budget(const char *name) { return strcmp(name, "steps") == 0 || strcmp(name, "tokens") == 0 || strcmp(name, "flops") == 0; }
static bool has_budget(const struct recipe_options *o) { return o->steps != UNSET || o->tokens != UNSET || !isnan(o->flops); }

int recipe_options_fill(struct recipe_options *o, const json_t *object, const char *name, struct err *e) {
  struct option rows[RECIPE_ROWS];
  int count = recipe_options_table(o, rows);
  const char *key;
  json_t *value;
  bool budget = has_budget(o); /* a stronger source's budget, of whatever kind, replaces this one's */
  if (!json_is_object(object)) return err_set(e, "%s: not a JSON object", name);
  json_object_foreach((json_t *)object, key, value) {
    int i = 0;
    while (i < count && strcmp(rows[i].name, key) != 0) i++;
    if (i == count) return err_set(e, "%s: \"%s\" is no key of a recipe; an option from --steps on in --help is, without its dashes", name, key);
    if (is_set(&rows[i]) || (budget && is_budget(key))) continue;
    if (rows[i].type == OPTION_FLAG && !json_is_boolean(value)) return err_set(e, "%s: %s: expected true or false", name, key);
    if (rows[i].type == OPTION_FLAG) {
      *(bool *)rows[i].value = json_is_true(value);
      continue;
    }
    if (!json_is_string(value) && !json_is_number(value)) return err_set(e, "%s: %s: expected %s", name, key, rows[i].type == OPTION_CHOICE ? "a string" : "a number");
    struct buffer text = {0};
    buffer_printf(&text, "--%s=", key);
    if (json_is_string(value)) buffer_append_string(&text, json_string_value(value));
    else if (json_is_integer(value)) buffer_printf(&text, "%lld", (long long)json_integer_value(value));
    else buffer_printf(&text, "%.17g", json_real_value(value));
    char *argv[] = {"", buffer_string(&text), NULL};
    const struct option *const tables[] = {rows, NULL};
    int result = options_parse(tables, 2, argv, e);
    buffer_release(&text);
    if (result < 0) {
      e->kind = ERR_FAILED;
      return err_prefix(e, "%s", name);
    }
  }
  return 0;
}

json_t *recipe_options_to_json(const struct recipe_options *o) {
  struct recipe_options copy = *o;
  struct option rows[RECIPE_ROWS];
  int count = recipe_options_table(&copy, rows);
  json_t *object = json_object();
  for (int i = 0; i < count; i++) {
    if (!is_set(&rows[i]) || (is_budget(rows[i].name) && strcmp(rows[i].name, "steps") != 0)) continue;
    json_t *value;
    char word[OPTION_WORD];
    if (rows[i].type == OPTION_DOUBLE) value = json_real(*(double *)rows[i].value);
    else if (rows[i].type == OPTION_FLAG) value = json_true();
    else if (rows[i].type != OPTION_CHOICE) value = json_integer(*(int64_t *)rows[i].value);
    else value = json_string(option_word(rows[i].choices, *(int *)rows[i].value, word));
    json_object_set_new(object, rows[i].name, value);
  }
  return object;
}

static void fallback(int64_t *value, int64_t standard) {
  if (*value == UNSET) *value = standard;
}

static void fallback_double(double *value, double standard) {
  if (isnan(*value)) *value = standard;
}

static int budget_steps(struct recipe_options *o, const struct model_config *c, struct err *e) {
  int given = (o->steps != UNSET) + (o->tokens != UNSET) + !isnan(o->flops);
  if (given != 1) return err_usage(e, given ? "give one of --steps, --tokens and --flops" : "how long?  Give --steps, --tokens or --flops");
  double per_step = (double)o->batch * (double)o->seq, steps = 0;
  if (o->tokens != UNSET) steps = (double)o->tokens / per_step;
  if (!isnan(o->flops)) steps = o->flops / (config_flops_per_token(c, o->seq) * per_step);
  if (o->steps != UNSET) steps = (double)o->steps;
  if (steps * per_step > MOST_TOKENS) return err_usage(e, "%.3g steps of %.3g tokens are more than this program can count", steps, per_step);
  if (steps < 1) return err_usage(e, "%s is less than one step of %lld x %lld tokens: lower --batch or --seq", o->tokens != UNSET ? "--tokens" : "--flops", (long long)o->batch, (long long)o->seq);
  o->steps = o->steps == UNSET ? (int64_t)steps : o->steps;
  return 0;
}

int recipe_options_resolve(struct recipe_options *o, const struct model_config *c, struct recipe *r, struct err *e) {
  fallback(&o->batch, 16);
  fallback(&o->seq, c->max_positions < 256 ? c->max_positions : 256);
  fallback(&o->micro_batch, recipe_micro_batch(o->batch, o->seq, c->hidden_size));
  fallback(&o->warmup, 0);
  fallback(&o->eval_every, 0);
  fallback(&o->eval_tokens, 131072);
  fallback(&o->save_every, 1000);
  fallback(&o->keep, 2);
  fallback(&o->mup_base, 0);
  fallback_double(&o->lr, 2e-3 * sqrt(256.0 / (double)(o->mup_base ? o->mup_base : c->hidden_size)));
  fallback_double(&o->min_lr, 0.1 * o->lr);
  fallback_double(&o->decay, 0.2);
  if (o->optimizer < 0) o->optimizer = OPTIMIZER_ADAMW;
  const struct optimizer_settings standard = optimizer_defaults((enum optimizer_kind)o->optimizer);
  fallback_double(&o->beta1, standard.beta1);
  fallback_double(&o->beta2, standard.beta2);
  fallback_double(&o->eps, standard.eps);
  fallback_double(&o->weight_decay, standard.weight_decay);
  if (o->decay_embeddings < 0) o->decay_embeddings = standard.decay_embeddings ? DECAY_YES : DECAY_NO;
  fallback_double(&o->momentum, standard.momentum);
  fallback_double(&o->matrix_lr, standard.matrix_lr);
  fallback(&o->soap_frequency, standard.frequency);
  fallback_double(&o->clip, 1);
  fallback_double(&o->spike, 0);
  fallback(&o->max_skips, 5);
  fallback_double(&o->z_loss, 0);
  if (o->schedule < 0) o->schedule = SCHEDULE_COSINE;
  if (o->dtype < 0) o->dtype = MATMUL_FP32;
  if (o->recompute < 0) o->recompute = RECOMPUTE_NONE;
  if (o->keep_best && o->eval_every == 0) return err_usage(e, "--keep-best compares validation losses: give --eval-every");
  if (o->spike > 0 && o->spike <= 1) return err_usage(e, "--spike %g: half of all steps are above their average; give a factor above 1, such as 10", o->spike);
  if (o->seq > c->max_positions)
    return err_usage(e, "--seq %lld: the model takes %lld positions (max_position_embeddings); --set max_position_embeddings=%lld", (long long)o->seq, (long long)c->max_positions, (long long)o->seq);
  if (o->batch % o->micro_batch) return err_usage(e, "--micro-batch %lld does not divide --batch %lld", (long long)o->micro_batch, (long long)o->batch);
  if ((double)o->batch * (double)o->seq > MOST_STEP_TOKENS) return err_usage(e, "--batch %lld of --seq %lld: a step has %.0e tokens at most; lower --batch", (long long)o->batch, (long long)o->seq, MOST_STEP_TOKENS);
  if (o->beta1 >= 1 || o->beta2 >= 1 || o->momentum >= 1) return err_usage(e, "--beta1, --beta2 and --momentum must be below 1");
  if (o->min_lr > o->lr && o->schedule != SCHEDULE_CONSTANT) return err_usage(e, "--min-lr %g is above --lr %g", o->min_lr, o->lr);
  if (budget_steps(o, c, e) < 0) return -1;
  struct optimizer_settings *optimizer = &r->optimizer;
  *r = (struct recipe){.batch = o->batch, .micro_batch = o->micro_batch, .seq = o->seq, .optimizer = standard, .clip = o->clip,
                       .spike = o->spike, .max_skips = o->max_skips, .z_loss = o->z_loss, .dtype = (enum matmul_type)o->dtype, .recompute = (enum recompute)o->recompute,
                       .eval_every = o->eval_every, .save_every = o->save_every, .keep_best = o->keep_best,
                       .schedule = {.shape = (enum schedule_shape)o->schedule, .lr = o->lr, .min_lr = o->min_lr, .decay = o->decay, .warmup = o->warmup, .steps = o->steps}};
  optimizer->beta1 = o->beta1, optimizer->beta2 = o->beta2, optimizer->eps = o->eps, optimizer->weight_decay = o->weight_decay;
  optimizer->decay_embeddings = o->decay_embeddings == DECAY_YES, optimizer->momentum = o->momentum, optimizer->matrix_lr = o->matrix_lr;
  optimizer->frequency = o->soap_frequency, optimizer->width_base = o->mup_base;
  return 0;
}
