/* SPDX-License-Identifier: MIT */
#include "common/train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/model/execute.h"
#include "common/train/objective.h"

#define MICRO_BATCH_ELEMENTS (1 << 20) /* of the residual stream: a layer's activations stay near the last-level cache */

struct trainer {
  struct parameters *parameters;
  struct loader *loader;
  const struct comm *comm;
  struct recipe recipe;
  struct execution *execution;
  struct profile *profile;
  uint32_t *windows;      /* [batch][seq+1] */
  int32_t *ids, *targets; /* [micro_batch][seq] */
  int64_t done;
};

int64_t recipe_micro_batch(int64_t batch, int64_t seq, int64_t hidden_size) {
  int64_t best = 1;
  for (int64_t b = 1; b <= batch && b * seq <= MICRO_BATCH_ELEMENTS / hidden_size; b++)
    if (batch % b == 0) best = b;
  return best;
}

int trainer_new(struct trainer **out, struct parameters *p, const struct plan *plan, struct loader *l, const struct comm *comm, const struct recipe *r, struct err *e) {
  struct trainer *t = NEW(struct trainer);
  *t = (struct trainer){.parameters = p, .loader = l, .comm = comm, .recipe = *r};
  if (execution_new(&t->execution, plan, p, r->seq, e) < 0) {
    free(t);
    return -1;
  }
  t->windows = NEW_ARRAY(uint32_t, (size_t)(r->batch * (r->seq + 1)));
  t->ids = NEW_ARRAY(int32_t, (size_t)(r->micro_batch * r->seq));
  t->targets = NEW_ARRAY(int32_t, (size_t)(r->micro_batch * r->seq));
  *out = t;
  return 0;
}

void trainer_free(struct trainer *t) {
  if (!t) return;
  execution_free(t->execution);
  free(t->windows), free(t->ids), free(t->targets);
  free(t);
}

void trainer_profile(struct trainer *t, struct profile *profile) {
  t->profile = profile;
  execution_profile(t->execution, profile);
}

int64_t trainer_steps_done(const struct trainer *t) { return t->done; }

static void window_pairs(struct trainer *t, const uint32_t *windows, int64_t count, int64_t T) {
  for (int64_t i = 0; i < count; i++) objective_next_token(windows + i * (T + 1), T, t->ids + i * T, t->targets + i * T);
}

/* ---- a step */

static void account(struct trainer *t, const char *name, double began, double passes) {
  double n = (double)t->parameters->layout.total;
  if (t->profile) profile_add(t->profile, name, name, "step", progress_clock() - began, (struct plan_cost){n * passes, n * passes * sizeof(real)});
}

static int update(struct trainer *t, double lr, double gradient_scale, struct err *e) {
  struct parameters *p = t->parameters;
  const struct recipe *r = &t->recipe;
  double began = progress_clock();
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *tensor = &p->layout.tensors[i];
    int64_t n = tensor->count; /* q, k, v and gate, up lie without gaps: one call */
    while (i + 1 < p->layout.count && p->layout.tensors[i + 1].rank == tensor->rank && p->layout.tensors[i + 1].offset == tensor->offset + n) n += p->layout.tensors[++i].count;
    struct adamw_settings s = {.lr = lr, .beta1 = r->beta1, .beta2 = r->beta2, .eps = r->eps, .weight_decay = tensor->rank == 2 ? r->weight_decay : 0,
                               .step = t->done + 1, .gradient_scale = gradient_scale};
    struct kernel_error k;
    int64_t at = tensor->offset;
    if (p->backend->adamw(p->values + at, p->gradients + at, p->m + at, p->v + at, n, &s, &k) < 0) return kernel_failed(e, &k);
  }
  account(t, "adamw", began, 7);
  return 0;
}

static int zero_gradients(struct trainer *t, struct err *e) {
  struct kernel_error k;
  double began = progress_clock();
  if (t->parameters->backend->zero(t->parameters->gradients, (size_t)t->parameters->layout.total * sizeof(real), &k) < 0) return kernel_failed(e, &k);
  account(t, "zero", began, 1);
  return 0;
}

static int gradient_norm(struct trainer *t, double *norm, struct err *e) {
  struct kernel_error k;
  double squares = 0, began = progress_clock();
  if (t->parameters->backend->sum_squares(&squares, t->parameters->gradients, t->parameters->layout.total, &k) < 0) return kernel_failed(e, &k);
  account(t, "norm", began, 1);
  *norm = sqrt(squares);
  return 0;
}

int trainer_step(struct trainer *t, const uint32_t *windows, struct trainer_report *report, struct err *e) {
  const struct recipe *r = &t->recipe;
  int64_t T = r->seq;
  double began = progress_clock(), loss = 0, norm, positions = (double)(r->batch * T);
  if (zero_gradients(t, e) < 0) return -1;
  for (int64_t b = 0; b < r->batch; b += r->micro_batch) {
    window_pairs(t, windows + b * (T + 1), r->micro_batch, T);
    if (execute_train(t->execution, t->ids, t->targets, 1 / positions, &loss, e) < 0) return -1;
  }
  if (t->comm->all_reduce(t->comm, t->parameters->gradients, t->parameters->layout.total, e) < 0 || t->comm->all_reduce_double(t->comm, &loss, 1, e) < 0 || gradient_norm(t, &norm, e) < 0)
    return -1;
  loss /= positions;
  if (!isfinite(loss) || !isfinite(norm))
    return err_set(e, "step %lld: %s is %g: lower --lr, give --warmup, or look at the data", (long long)t->done + 1, isfinite(loss) ? "the gradient's norm" : "the loss", isfinite(loss) ? norm : loss);
  double lr = schedule_lr(&r->schedule, t->done), scale = r->clip > 0 && norm > r->clip ? r->clip / (norm + 1e-6) : 1;
  if (update(t, lr, scale, e) < 0) return -1;
  t->done++;
  *report = (struct trainer_report){.step = t->done, .lr = lr, .loss = loss, .grad_norm = norm, .val_loss = NAN, .seconds = progress_clock() - began};
  return 0;
}

/* ---- evaluation */

int trainer_evaluate(struct trainer *t, double *loss, struct err *e) {
  const struct recipe *r = &t->recipe;
  int64_t T = r->seq, predictions = 0, held = 0, n;
  uint32_t *windows = NEW_ARRAY(uint32_t, (size_t)((r->micro_batch + 1) * (T + 1)));
  double sum = 0;
  int result = 0;
  for (int64_t i = 0; result == 0; i++) {
    uint32_t *at = windows + held * (T + 1);
    if ((n = loader_validation(t->loader, i, at, e)) < 0) result = -1;
    predictions += n;
    if (result == 0 && n == T) held++;
    if (result == 0 && held && (n < T || held == r->micro_batch)) { /* whole windows that wait */
      uint32_t *last = windows + held * (T + 1);
      window_pairs(t, windows, held, T);
      result = execute_evaluate(t->execution, held, T, t->ids, t->targets, &sum, e);
      held = 0;
      if (n > 0 && n < T) at = last;
    }
    if (result == 0 && n > 0 && n < T) {
      window_pairs(t, at, 1, n);
      result = execute_evaluate(t->execution, 1, n, t->ids, t->targets, &sum, e);
    }
    if (n <= 0) break;
  }
  free(windows);
  *loss = sum / (double)predictions;
  if (result == 0 && !isfinite(*loss)) return err_set(e, "step %lld: the validation loss is %g", (long long)t->done, *loss);
  return result;
}

/* ---- the loop */

static bool due(int64_t every, int64_t step) { return every > 0 && step % every == 0; }

int trainer_run(struct trainer *t, const struct trainer_observer *o, double *val_loss, struct err *e) {
  const struct recipe *r = &t->recipe;
  int64_t saved = t->done, steps = r->schedule.steps;
  bool stopped = false;
  double last = NAN; /* validation loss of the current weights */
  while (t->done < steps && !stopped) {
    struct trainer_report report;
    if (loader_next(t->loader, r->batch, t->windows, e) < 0 || trainer_step(t, t->windows, &report, e) < 0) return -1;
    stopped = o->stop && o->stop(o->context);
    last = NAN;
    if (!stopped && (due(r->eval_every, t->done) || t->done == steps)) {
      if (trainer_evaluate(t, &last, e) < 0) return -1;
      report.val_loss = last;
    }
    if (o->report && o->report(o->context, &report, e) < 0) return -1;
    if (o->save && !stopped && t->done < steps && due(r->save_every, t->done)) {
      if (o->save(o->context, saved = t->done, e) < 0) return -1;
    }
  }
  if (!stopped && isnan(last) && trainer_evaluate(t, &last, e) < 0) return -1;
  if (o->save && saved < t->done && o->save(o->context, t->done, e) < 0) return -1;
  *val_loss = last;
  return stopped;
}

/* ---- resuming */

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
  return state;
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
      return err_set(e, "source %d has another length than when the run began, so its position means nothing", i + 1);
    loader_seek(t->loader, i, position);
  }
  t->done = step;
  return 0;
}
