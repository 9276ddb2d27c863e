/* SPDX-License-Identifier: MIT */
#include "common/train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/base/rng.h"
#include "common/model/execute.h"
#include "common/train/objective.h"

#define MICRO_BATCH_ELEMENTS (1 << 20) /* of the residual stream: a layer's activations stay near the last-level cache */
#define NORM_DECAY 0.98  /* the running average of the norm looks back over about 50 steps ... */
#define NORM_STEPS 20    /* ... and judges nothing before this many */
#define NOISE_DECAY 0.99

struct average { /* exponential; weights of the first steps are those of a plain mean (Adam's correction) */
  double sum;
  int64_t count;
};

struct trainer {
  struct parameters *parameters;
  struct optimizer *optimizer;
  struct loader *loader;
  const struct comm *comm;
  struct recipe recipe;
  struct execution *execution;
  struct profile *profile;
  uint32_t *windows;      /* [batch][seq+1] */
  int32_t *ids, *targets; /* [micro_batch][seq] */
  int32_t *sources;       /* [batch] */
  double *sequence_losses;            /* [batch] */
  double *source_losses, *set_losses; /* [loader_sources], [loader_validation_sets]: means of the last step, evaluation */
  int64_t done;
  int64_t skips, skipped; /* in a row, in all */
  struct average norm, noise_trace, noise_signal;
  double best_loss;       /* INFINITY: none */
  int64_t best_step;      /* -1: none */
};

static void average_add(struct average *a, double decay, double x) {
  a->sum = decay * a->sum + (1 - decay) * x;
  a->count++;
}

static double average_value(const struct average *a, double decay) { return a->count ? a->sum / (1 - pow(decay, (double)a->count)) : NAN; }

int64_t recipe_micro_batch(int64_t batch, int64_t seq, int64_t hidden_size) {
  int64_t best = 1;
  for (int64_t b = 1; b <= batch && b * seq <= MICRO_BATCH_ELEMENTS / hidden_size; b++)
    if (batch % b == 0) best = b;
  return best;
}

int trainer_new(struct trainer **out, struct parameters *p, struct optimizer *optimizer, const struct plan *plan, struct loader *l, const struct comm *comm, const struct recipe *r, struct err *e) {
  struct trainer *t = NEW(struct trainer);
  *t = (struct trainer){.parameters = p, .optimizer = optimizer, .loader = l, .comm = comm, .recipe = *r, .best_loss = INFINITY, .best_step = -1};
  if (execution_new(&t->execution, plan, p, r->seq, e) < 0) {
    free(t);
    return -1;
  }
  execution_type(t->execution, r->dtype);
  execution_z_loss(t->execution, r->z_loss);
  t->windows = NEW_ARRAY(uint32_t, (size_t)(r->batch * (r->seq + 1)));
  t->ids = NEW_ARRAY(int32_t, (size_t)(r->micro_batch * r->seq));
  t->targets = NEW_ARRAY(int32_t, (size_t)(r->micro_batch * r->seq));
  t->sources = NEW_ARRAY(int32_t, (size_t)r->batch);
  t->sequence_losses = NEW_ARRAY(double, (size_t)r->batch);
  t->source_losses = NEW_ARRAY(double, l ? (size_t)loader_sources(l) : 1);
  t->set_losses = NEW_ARRAY(double, l ? (size_t)loader_validation_sets(l) : 1);
  *out = t;
  return 0;
}

void trainer_free(struct trainer *t) {
  if (!t) return;
  execution_free(t->execution);
  free(t->windows), free(t->ids), free(t->targets), free(t->sources);
  free(t->sequence_losses), free(t->source_losses), free(t->set_losses);
  free(t);
}

void trainer_profile(struct trainer *t, struct profile *profile) {
  t->profile = profile;
  execution_profile(t->execution, profile);
}

int64_t trainer_steps_done(const struct trainer *t) { return t->done; }
int64_t trainer_steps_skipped(const struct trainer *t) { return t->skipped; }
int64_t trainer_best_step(const struct trainer *t) { return t->best_step; }
void trainer_forget_best(struct trainer *t) { t->best_loss = INFINITY, t->best_step = -1; }

double trainer_noise_scale(const struct trainer *t) {
  double trace = average_value(&t->noise_trace, NOISE_DECAY), signal = average_value(&t->noise_signal, NOISE_DECAY);
  return signal > 0 && trace > 0 ? trace / signal : NAN; /* neither is known to be positive: they are differences */
}

static void window_pairs(struct trainer *t, const uint32_t *windows, int64_t count, int64_t T) {
  for (int64_t i = 0; i < count; i++) objective_next_token(windows + i * (T + 1), T, t->ids + i * T, t->targets + i * T);
}

/* ---- a step */

static void account(struct trainer *t, const char *name, double began, struct plan_cost cost) {
  struct kernel_error unheard; /* the next op tells */
  if (!t->profile) return;
  t->parameters->backend->synchronize(&unheard);
  profile_add(t->profile, name, name, "step", progress_clock() - began, cost);
}

static struct plan_cost one_pass(const struct trainer *t) {
  double n = (double)t->parameters->layout.total;
  return (struct plan_cost){n, n * sizeof(real)};
}

static int update(struct trainer *t, double lr, double gradient_scale, struct err *e) {
  static const char *const names[] = {"adamw", "muon", "soap"};
  double began = progress_clock();
  if (optimizer_step(t->optimizer, t->done + 1, lr, gradient_scale, e) < 0) return -1;
  account(t, names[t->recipe.optimizer.kind], began, optimizer_cost(t->optimizer));
  return 0;
}

static int gradient_squares(struct trainer *t, double *squares, struct err *e) {
  double began = progress_clock();
  *squares = 0;
  if (optimizer_gradient_squares(t->optimizer, squares, e) < 0) return -1;
  account(t, "norm", began, one_pass(t));
  return 0;
}

/* Mean loss of the sequences of each source. */
static void source_losses(struct trainer *t, const int32_t *sources) {
  for (int i = 0; i < loader_sources(t->loader); i++) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t b = 0; b < t->recipe.batch; b++)
      if (sources[b] == i) sum += t->sequence_losses[b], count++;
    t->source_losses[i] = count ? sum / (double)(count * t->recipe.seq) : NAN;
  }
}

static enum trainer_skip judge(const struct trainer *t, double loss, double norm) {
  if (!isfinite(loss)) return TRAINER_SKIP_LOSS;
  if (!isfinite(norm)) return TRAINER_SKIP_NORM;
  bool spike = t->recipe.spike > 0 && t->norm.count >= NORM_STEPS && norm > t->recipe.spike * average_value(&t->norm, NORM_DECAY);
  return spike ? TRAINER_SKIP_SPIKE : TRAINER_TAKEN;
}

/* first, all: squared norms of the gradient after the first micro-batch and after all of them, both scaled for the batch. */
static void measure_noise(struct trainer *t, double first, double all) {
  double b = (double)(t->recipe.micro_batch * t->recipe.seq), B = (double)(t->recipe.batch * t->recipe.seq), alone = first * (B / b) * (B / b);
  if (!isfinite(alone)) return;
  average_add(&t->noise_signal, NOISE_DECAY, (B * all - b * alone) / (B - b));
  average_add(&t->noise_trace, NOISE_DECAY, (alone - all) / (1 / b - 1 / B));
}

int trainer_step(struct trainer *t, const uint32_t *windows, const int32_t *sources, struct trainer_report *report, struct err *e) {
  const struct recipe *r = &t->recipe;
  int64_t T = r->seq;
  bool several = r->micro_batch < r->batch;
  if (t->profile) profile_step(t->profile, t->done + 1);
  double began = progress_clock(), loss = 0, first = 0, all, positions = (double)(r->batch * T);
  for (int64_t b = 0; b < r->batch; b++) t->sequence_losses[b] = 0;
  for (int64_t b = 0; b < r->batch; b += r->micro_batch) {
    window_pairs(t, windows + b * (T + 1), r->micro_batch, T);
    execution_dropout_key(t->execution, splitmix64(t->recipe.seed ^ splitmix64((uint64_t)(t->done * r->batch + b))));
    if (execute_train(t->execution, t->ids, t->targets, 1 / positions, b == 0, t->sequence_losses + b, e) < 0) return -1;
    if (b == 0 && several && gradient_squares(t, &first, e) < 0) return -1;
  }
  for (int64_t b = 0; b < r->batch; b++) loss += t->sequence_losses[b];
  if (t->comm->all_reduce(t->comm, t->parameters->gradients, t->parameters->layout.total, e) < 0 || t->comm->all_reduce_double(t->comm, &loss, 1, e) < 0 || gradient_squares(t, &all, e) < 0)
    return -1;
  loss /= positions;
  if (isnan(loss)) loss = NAN; /* without a sign */
  double norm = isnan(all) ? NAN : sqrt(all), lr = schedule_lr(&r->schedule, t->done), scale = r->clip > 0 && norm > r->clip ? r->clip / (norm + 1e-6) : 1;
  enum trainer_skip skipped = judge(t, loss, norm);
  if (skipped == TRAINER_TAKEN) {
    if (update(t, lr, scale, e) < 0) return -1;
    average_add(&t->norm, NORM_DECAY, norm);
    if (several) measure_noise(t, first, all);
    t->skips = 0;
  } else {
    t->skips++, t->skipped++;
  }
  t->done++;
  bool named = t->loader && sources && loader_sources(t->loader) > 1;
  if (named) source_losses(t, sources);
  *report = (struct trainer_report){.step = t->done, .lr = lr, .loss = loss, .grad_norm = norm, .skipped = skipped, .skips = t->skips, .norm_average = average_value(&t->norm, NORM_DECAY),
                                    .noise_trace = several ? average_value(&t->noise_trace, NOISE_DECAY) : NAN, .noise_signal = several ? average_value(&t->noise_signal, NOISE_DECAY) : NAN,
                                    .noise_scale = several ? trainer_noise_scale(t) : NAN, .val_loss = NAN, .losses = named ? t->source_losses : NULL, .seconds = progress_clock() - began};
  return 0;
}

/* ---- evaluation */

struct evaluation { /* sums over the predictions of each set */
  double *losses;
  int64_t *predictions;
};

static int evaluate_windows(struct trainer *t, const struct evaluation *v, const uint32_t *windows, const int *sets, int64_t count, int64_t T, struct err *e) {
  for (int64_t b = 0; b < count; b++) t->sequence_losses[b] = 0;
  window_pairs(t, windows, count, T);
  if (execute_evaluate(t->execution, count, T, t->ids, t->targets, t->sequence_losses, e) < 0) return -1;
  for (int64_t b = 0; b < count; b++) v->losses[sets[b]] += t->sequence_losses[b], v->predictions[sets[b]] += T;
  return 0;
}

/* Whole windows wait for a micro-batch of them; a shorter one goes alone. */
static int evaluate_sets(struct trainer *t, const struct evaluation *v, struct err *e) {
  const struct recipe *r = &t->recipe;
  int64_t T = r->seq, held = 0, n = 0;
  uint32_t *windows = NEW_ARRAY(uint32_t, (size_t)((r->micro_batch + 1) * (T + 1)));
  int *sets = NEW_ARRAY(int, (size_t)r->micro_batch + 1), result = 0;
  for (int64_t i = 0; result == 0; i++) {
    if ((n = loader_validation(t->loader, i, windows + held * (T + 1), &sets[held], e)) < 0) result = -1;
    if (result == 0 && n > 0 && n < T) result = evaluate_windows(t, v, windows + held * (T + 1), &sets[held], 1, n, e);
    if (result == 0 && n == T) held++;
    if (result == 0 && held && (n == 0 || held == r->micro_batch)) result = evaluate_windows(t, v, windows, sets, held, T, e), held = 0;
    if (n <= 0) break;
  }
  free(windows);
  free(sets);
  return result;
}

int trainer_evaluate(struct trainer *t, double *loss, double *losses, struct err *e) {
  int sets = loader_validation_sets(t->loader);
  struct evaluation v = {NEW_ARRAY(double, (size_t)sets), NEW_ARRAY(int64_t, (size_t)sets)};
  double sum = 0;
  int64_t predictions = 0;
  int result = evaluate_sets(t, &v, e);
  for (int k = 0; k < sets; k++) {
    sum += v.losses[k], predictions += v.predictions[k];
    if (losses) losses[k] = v.predictions[k] ? v.losses[k] / (double)v.predictions[k] : NAN;
  }
  free(v.losses);
  free(v.predictions);
  *loss = sum / (double)predictions;
  if (result == 0 && !isfinite(*loss)) return err_set(e, "step %lld: the validation loss is %g", (long long)t->done, *loss);
  return result;
}

/* ---- the loop */

static bool due(int64_t every, int64_t step) { return every > 0 && step % every == 0; }

static int too_many_skips(const struct trainer *t, const struct trainer_report *r, struct err *e) {
  if (r->skips < t->recipe.max_skips) return 0;
  long long step = (long long)r->step, skips = (long long)r->skips;
  if (r->skipped == TRAINER_SKIP_LOSS || r->skipped == TRAINER_SKIP_NORM)
    return err_set(e, "step %lld: %s is %g, and %lld steps in a row were skipped: go on from a checkpoint with a lower --lr or more --warmup, or look at the data", step,
                   r->skipped == TRAINER_SKIP_LOSS ? "the loss" : "the gradient's norm", r->skipped == TRAINER_SKIP_LOSS ? r->loss : r->grad_norm, skips);
  return err_set(e, "step %lld: the gradient's norm is %g, its average %g, and %lld steps in a row were skipped: raise --spike or --max-skips when it is to stay so high, else lower --lr", step,
                 r->grad_norm, r->norm_average, skips);
}

int trainer_run(struct trainer *t, const struct trainer_observer *o, double *val_loss, double *val_losses, struct err *e) {
  const struct recipe *r = &t->recipe;
  int64_t saved = t->done, steps = r->schedule.steps;
  bool stopped = false, owed = false, sound = true; /* owed: a save was due; sound: the last step's numbers were finite */
  double last = NAN;                                /* validation loss of the current weights */
  int sets = loader_validation_sets(t->loader);
  while (t->done < steps && !stopped) {
    struct trainer_report report;
    if (loader_next(t->loader, r->batch, t->windows, t->sources, e) < 0 || trainer_step(t, t->windows, t->sources, &report, e) < 0) return -1;
    sound = report.skipped != TRAINER_SKIP_LOSS && report.skipped != TRAINER_SKIP_NORM;
    stopped = o->stop && o->stop(o->context);
    last = NAN;
    bool many = report.skips >= r->max_skips && report.skips > 0, best = false;
    if (!stopped && !many && (due(r->eval_every, t->done) || t->done == steps)) {
      if (trainer_evaluate(t, &last, t->set_losses, e) < 0) return -1;
      report.val_loss = last, sound = true;
      if (sets > 1) report.val_losses = t->set_losses;
      best = r->keep_best && last < t->best_loss;
      if (best) t->best_loss = last, t->best_step = t->done;
    }
    if (o->report && o->report(o->context, &report, e) < 0) return -1;
    if (many) return too_many_skips(t, &report, e);
    owed |= due(r->save_every, t->done) || best;
    if (o->save && !stopped && t->done < steps && owed && sound) {
      if (o->save(o->context, saved = t->done, e) < 0) return -1;
      owed = false;
    }
  }
  if (!stopped && isnan(last) && trainer_evaluate(t, &last, t->set_losses, e) < 0) return -1;
  if (o->save && saved < t->done && (sound || !stopped) && o->save(o->context, t->done, e) < 0) return -1;
  for (int k = 0; val_losses && k < sets; k++) val_losses[k] = stopped ? NAN : t->set_losses[k];
  *val_loss = last;
  return stopped;
}

/* ---- resuming */

static json_t *average_state(const struct average *a) { return json_pack("{s:f,s:I}", "sum", a->sum, "count", (json_int_t)a->count); }

json_t *trainer_state(const struct trainer *t) {
  json_t *state = json_object(), *draws = json_array(), *windows = json_array();
  for (int i = 0; i < loader_sources(t->loader); i++) {
    json_array_append_new(draws, json_integer(loader_draws(t->loader, i)));
    json_array_append_new(windows, json_integer(loader_windows(t->loader, i)));
  }
  json_object_set_new(state, "step", json_integer(t->done));
  json_object_set_new(state, "batch", json_integer(t->recipe.batch));
  json_object_set_new(state, "seq", json_integer(t->recipe.seq));
  json_object_set_new(state, "draws", draws);
  json_object_set_new(state, "windows", windows);
  json_object_set_new(state, "skips", json_integer(t->skips));
  json_object_set_new(state, "skipped", json_integer(t->skipped));
  json_object_set_new(state, "norm", average_state(&t->norm));
  json_object_set_new(state, "noise_trace", average_state(&t->noise_trace));
  json_object_set_new(state, "noise_signal", average_state(&t->noise_signal));
  if (t->best_step >= 0) json_object_set_new(state, "best", json_pack("{s:I,s:f}", "step", (json_int_t)t->best_step, "loss", t->best_loss));
  return state;
}

static int restore_average(struct average *a, const json_t *state, const char *key, struct err *e) {
  const json_t *object = json_object_get(state, key);
  struct average read = {0};
  if (object && (json_get_double(object, "sum", &read.sum, e) < 0 || json_get_int(object, "count", &read.count, e) < 0)) return err_prefix(e, "%s", key);
  if (read.count < 0) return err_set(e, "%s: a count below 0", key);
  *a = read;
  return 0;
}

/* What checkpoints of earlier versions do not hold begins anew. */
static int restore_guards(struct trainer *t, const json_t *state, struct err *e) {
  const json_t *best = json_object_get(state, "best");
  int64_t skips = 0, skipped = 0, step = -1;
  double loss = INFINITY;
  if (json_get_int(state, "skips", &skips, e) < 0 || json_get_int(state, "skipped", &skipped, e) < 0) return -1;
  if (best && (json_get_int(best, "step", &step, e) < 0 || json_get_double(best, "loss", &loss, e) < 0)) return err_prefix(e, "best");
  if (restore_average(&t->norm, state, "norm", e) < 0 || restore_average(&t->noise_trace, state, "noise_trace", e) < 0 || restore_average(&t->noise_signal, state, "noise_signal", e) < 0) return -1;
  t->skips = skips, t->skipped = skipped, t->best_step = step, t->best_loss = loss;
  return 0;
}

int trainer_restore(struct trainer *t, const json_t *state, struct err *e) {
  const json_t *draws = json_object_get(state, "draws"), *windows = json_object_get(state, "windows");
  int64_t step = -1, seq = -1, batch = -1;
  if (json_get_int(state, "step", &step, e) < 0 || json_get_int(state, "seq", &seq, e) < 0 || json_get_int(state, "batch", &batch, e) < 0) return -1;
  if (step < 0 || !json_is_array(draws) || !json_is_array(windows)) return err_set(e, "step, draws or windows is missing");
  if (seq != t->recipe.seq) return err_set(e, "the run has --seq %lld, which cannot change", (long long)seq);
  if (batch != t->recipe.batch) return err_set(e, "the run has --batch %lld, which cannot change", (long long)batch);
  if ((int)json_array_size(draws) != loader_sources(t->loader) || json_array_size(windows) != json_array_size(draws))
    return err_set(e, "the run reads %zu sources, now %d are given", json_array_size(draws), loader_sources(t->loader));
  for (int i = 0; i < loader_sources(t->loader); i++) {
    int64_t position = json_integer_value(json_array_get(draws, (size_t)i));
    if (json_integer_value(json_array_get(windows, (size_t)i)) != loader_windows(t->loader, i) || position < 0)
      return err_set(e, "source %d has another length than when the run began, so its position means nothing: give the same shards, and -V as it was given then", i + 1);
    loader_seek(t->loader, i, position);
  }
  t->done = step;
  return restore_guards(t, state, e);
}
