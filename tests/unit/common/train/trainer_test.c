/* SPDX-License-Identifier: MIT */
#include "common/train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/model/execute.h"
#include "tests/llama.h"
#include "tests/tap.h"

enum { V = 50, T = 12, TOKENS = 3000 };

static struct err e;
static uint32_t tokens[TOKENS];

static void write_shard(const char *path) {
  struct shard_header h = {.token_bytes = 2, .count = TOKENS, .ours = true, .vocabulary_size = V, .end_of_text = -1};
  struct shard_writer *w;
  if (shard_writer_open(&w, path, &h, 0, &e) < 0 || shard_writer_put(w, tokens, TOKENS, &e) < 0 || shard_writer_commit(w, NULL, &e) < 0) exit(1);
}

static bool two_sources; /* for the next loader */

static struct loader *open_loader(void) {
  char path[256], other[256];
  snprintf(path, sizeof path, "%s/x.bin", tap_folder());
  snprintf(other, sizeof other, "3:%s/y.bin", tap_folder());
  write_shard(path);
  write_shard(other + 2);
  struct loader *l = loader_new();
  if (loader_add_source(l, path, &e) < 0 || (two_sources && loader_add_source(l, other, &e) < 0) || loader_start(l, T, V, 1, 100, &e) < 0) exit(1);
  return l;
}

struct job {
  struct parameters p;
  struct optimizer *o;
  struct plan plan;
  struct loader *loader;
  struct trainer *t;
};

static struct recipe changes; /* what begin() changes in the recipe */

static void begin(struct job *j, int64_t micro_batch, int64_t steps) {
  struct model_config c = llama(V, 16, 32, 2, 2, 1, 16);
  struct recipe r = {.batch = 4, .micro_batch = micro_batch, .seq = T, .optimizer = optimizer_defaults(OPTIMIZER_ADAMW), .clip = 1, .max_skips = 5,
                     .schedule = {.shape = SCHEDULE_CONSTANT, .lr = 1e-2, .min_lr = 1e-3, .steps = steps}};
  r.spike = changes.spike, r.keep_best = changes.keep_best, r.eval_every = changes.eval_every, r.save_every = changes.save_every;
  if (changes.max_skips) r.max_skips = changes.max_skips;
  if (changes.schedule.lr > 0) r.schedule.lr = changes.schedule.lr;
  j->loader = open_loader();
  if (parameters_init(&j->p, &c, backend_cpu(), true, &e) < 0 || parameters_randomize(&j->p, 7, 1, &e) < 0) exit(1);
  plan_init(&j->plan, &c, &j->p.layout, &(struct plan_settings){.B = micro_batch, .T = T, .training = true});
  if (optimizer_new(&j->o, &j->p, &r.optimizer, NULL, &e) < 0 || trainer_new(&j->t, &j->p, j->o, &j->plan, j->loader, comm_self(), &r, &e) < 0) exit(1);
}

static void end(struct job *j) {
  trainer_free(j->t);
  optimizer_free(j->o);
  plan_release(&j->plan);
  parameters_release(&j->p);
  loader_free(j->loader);
}

static int saves[8], save_count;
static double first_loss, last_loss;

static int on_save(void *context, int64_t step, struct err *error) {
  (void)context, (void)error;
  saves[save_count++] = (int)step;
  return 0;
}

static int on_report(void *context, const struct trainer_report *r, struct err *error) {
  (void)context, (void)error;
  if (r->step == 1) first_loss = r->loss;
  last_loss = r->loss;
  return 0;
}

/* ---- noise of the gradient: the estimates of one step, from two gradients computed here */

static double squares_of(struct job *j, const uint32_t *windows, int64_t count) {
  struct plan plan;
  struct execution *x;
  int32_t ids[4 * T], targets[4 * T];
  double losses[4] = {0}, sum = 0;
  for (int64_t b = 0; b < count; b++)
    for (int64_t i = 0; i < T; i++) ids[b * T + i] = (int32_t)windows[b * (T + 1) + i], targets[b * T + i] = (int32_t)windows[b * (T + 1) + i + 1];
  plan_init(&plan, &j->p.config, &j->p.layout, &(struct plan_settings){.B = count, .T = T, .training = true});
  if (execution_new(&x, &plan, &j->p, T, &e) < 0) exit(1);
  memset(j->p.gradients, 0, (size_t)j->p.layout.total * sizeof(real));
  if (execute_train(x, ids, targets, 1.0 / (double)(count * T), true, losses, &e) < 0) exit(1);
  for (int64_t i = 0; i < j->p.layout.total; i++) sum += (double)j->p.gradients[i] * j->p.gradients[i];
  execution_free(x);
  plan_release(&plan);
  return sum;
}

static void check_noise(void) {
  struct job j;
  struct trainer_report r;
  uint32_t windows[4 * (T + 1)];
  begin(&j, 1, 40);
  if (loader_next(j.loader, 4, windows, NULL, &e) < 0) exit(1);
  double b = T, B = 4 * T, small = squares_of(&j, windows, 1), big = squares_of(&j, windows, 4);
  double signal = (B * big - b * small) / (B - b), trace = (small - big) / (1 / b - 1 / B);
  ok(trainer_step(j.t, windows, NULL, &r, &e) == 0, "a step of four micro-batches");
  ok_near(r.noise_signal / signal, 1, 1e-4, "the squared norm of the true gradient is estimated as McCandlish et al. do");
  ok_near(r.noise_trace / trace, 1, 1e-4, "and the trace of the covariance of a token's gradient");
  ok(signal > 0 && trace > 0 && r.noise_scale == r.noise_trace / r.noise_signal, "their ratio is the noise scale (%.3g tokens)", r.noise_scale);
  end(&j);
  begin(&j, 4, 40);
  ok(trainer_step(j.t, windows, NULL, &r, &e) == 0 && isnan(r.noise_trace) && isnan(r.noise_scale), "one micro-batch tells nothing about the noise");
  end(&j);
}

/* ---- losses of several sources */

static double weighted, step_loss, val_weighted, val_all;
static int reports;

static int on_sources(void *context, const struct trainer_report *r, struct err *error) {
  (void)context, (void)error;
  if (!r->losses) return -1;
  weighted = (r->losses[0] + 3 * r->losses[1]) / 4, step_loss = r->loss; /* shares 1/4 and 3/4 of four windows */
  if (r->val_losses) val_weighted = (r->val_losses[0] * 25 + r->val_losses[1] * 75) / 100, val_all = r->val_loss;
  reports++;
  return 0;
}

static void check_sources(void) {
  struct job j;
  double loss, losses[2];
  const struct trainer_observer observer = {.report = on_sources};
  two_sources = true;
  begin(&j, 2, 3);
  ok(trainer_run(j.t, &observer, &loss, losses, &e) == 0 && reports == 3, "a run on two sources");
  ok_near(weighted, step_loss, 1e-9, "the losses of the sources add up to that of the step");
  ok_near(val_weighted, val_all, 1e-9, "and those of the validation sets to the validation loss");
  ok(losses[0] != losses[1] && fabs((losses[0] * 25 + losses[1] * 75) / 100 - loss) < 1e-9, "the end tells them too");
  two_sources = false;
  end(&j);
}

/* ---- guards */

static void check_guards(void) {
  struct job j;
  struct trainer_report r = {0};
  uint32_t windows[4 * (T + 1)];
  changes = (struct recipe){.spike = 4, .schedule = {.lr = 1e-4}};
  begin(&j, 2, 100);
  size_t bytes = (size_t)j.p.layout.total * sizeof(real);
  size_t state_bytes = (size_t)optimizer_layout(j.o)->total * sizeof(real);
  bool taken = true;
  for (int i = 0; i < 25; i++) {
    if (loader_next(j.loader, 4, windows, NULL, &e) < 0 || trainer_step(j.t, windows, NULL, &r, &e) < 0) exit(1);
    taken &= r.skipped == TRAINER_TAKEN;
  }
  ok(taken, "ordinary steps are taken");
  double average = r.norm_average;
  real *values = MALLOC(bytes), *bad = MALLOC(bytes), *m = MALLOC(state_bytes);
  memcpy(values, j.p.values, bytes);
  memcpy(m, optimizer_state(j.o), state_bytes);
  for (int64_t i = 0; i < j.p.layout.total; i++) j.p.values[i] *= 20;
  memcpy(bad, j.p.values, bytes);
  ok(trainer_step(j.t, windows, NULL, &r, &e) == 0 && r.skipped == TRAINER_SKIP_SPIKE && r.skips == 1 && r.grad_norm > 4 * average, "a norm of %.3g times the average skips the step", r.grad_norm / average);
  ok(memcmp(bad, j.p.values, bytes) == 0 && memcmp(m, optimizer_state(j.o), state_bytes) == 0, "which changes neither weights nor the optimiser");
  ok(r.norm_average == average && r.step == 26, "counts, and is left out of the average");
  j.p.values[0] = NAN;
  ok(trainer_step(j.t, windows, NULL, &r, &e) == 0 && (r.skipped == TRAINER_SKIP_LOSS || r.skipped == TRAINER_SKIP_NORM) && r.skips == 2, "so does what is not finite");
  json_t *state = trainer_state(j.t);
  char *text = json_dumps(state, JSON_SORT_KEYS);
  json_t *read = json_loads(text, 0, NULL);
  struct job other;
  begin(&other, 2, 100);
  ok(trainer_restore(other.t, read, &e) == 0, "the state is read back from its text");
  json_t *again = trainer_state(other.t);
  char *copy = json_dumps(again, JSON_SORT_KEYS);
  ok_string(copy, text, "and is the same to the last digit, averages and skips included");
  ok_int(trainer_steps_skipped(other.t), 2, "two steps were skipped in all");
  memcpy(j.p.values, values, bytes);
  ok(trainer_step(j.t, windows, NULL, &r, &e) == 0 && r.skipped == TRAINER_TAKEN && r.skips == 0, "the next sound step is taken");
  json_object_set_new(read, "skips", json_string("x"));
  ok(trainer_restore(other.t, read, &e) < 0 && strstr(e.message, "skips"), "a state with nonsense in it is refused");
  json_decref(state), json_decref(read), json_decref(again);
  free(text), free(copy), free(values), free(bad), free(m);
  end(&other), end(&j);
  changes = (struct recipe){0};
}

/* ---- the best checkpoint */

static double val_losses[64];
static int best_saves[64], best_count;

static int note_validation(void *context, const struct trainer_report *r, struct err *error) {
  (void)context, (void)error;
  val_losses[r->step] = r->val_loss;
  return 0;
}

static int note_best(void *context, int64_t step, struct err *error) {
  (void)error;
  struct job *j = context;
  if (trainer_best_step(j->t) == step) best_saves[best_count++] = (int)step;
  return 0;
}

static void check_best(void) {
  struct job j;
  double loss;
  changes = (struct recipe){.keep_best = true, .eval_every = 3, .schedule = {.lr = 0.1}}; /* too high: the loss goes up and down */
  begin(&j, 4, 40);
  struct trainer_observer observer = {.report = note_validation, .save = note_best, .context = &j};
  ok(trainer_run(j.t, &observer, &loss, NULL, &e) == 0, "a run that keeps the best");
  double lowest = INFINITY;
  int expected = 0, best = 0;
  bool right = true;
  for (int step = 1; step <= 40; step++)
    if (!isnan(val_losses[step]) && val_losses[step] < lowest) {
      lowest = val_losses[step], best = step;
      right &= expected < best_count && best_saves[expected] == step;
      expected++;
    }
  ok(right && expected == best_count && best_count > 1 && best_count < 14, "saves at every step whose validation loss is the lowest yet, %d of 14", best_count);
  ok_int(trainer_best_step(j.t), best, "and knows the best of all");
  trainer_forget_best(j.t);
  ok_int(trainer_best_step(j.t), -1, "until it forgets");
  end(&j);
  changes = (struct recipe){0};
}

static bool stop_now(void *context) {
  (void)context;
  return true;
}

int main(void) {
  for (int i = 0; i < TOKENS; i++) tokens[i] = (uint32_t)(i * i / 7 % V);
  const struct trainer_observer observer = {.save = on_save, .report = on_report};
  struct job whole, half, rest;
  double loss, again;

  begin(&whole, 4, 40);
  ok(trainer_run(whole.t, &observer, &loss, NULL, &e) == 0 && trainer_steps_done(whole.t) == 40, "a run takes the steps of its schedule");
  ok(save_count == 1 && saves[0] == 40, "and saves at its end");
  ok_near(first_loss, log(V), 0.05, "it begins at the entropy of a uniform guess");
  ok(last_loss < first_loss - 0.5, "and learns (%.3f to %.3f)", first_loss, last_loss);
  ok(trainer_evaluate(whole.t, &again, NULL, &e) == 0 && again == loss, "the validation loss of the end is that of the weights");

  /* the loss over all validation tokens, window by window */
  uint32_t window[T + 1];
  int32_t ids[T], targets[T];
  double sum = 0;
  int64_t n, count = 0;
  struct execution *x;
  if (execution_new(&x, &whole.plan, &whole.p, T, &e) < 0) return 1;
  for (int64_t i = 0; (n = loader_validation(whole.loader, i, window, NULL, &e)) > 0; i++, count += n)
    for (int64_t t = 0; t < n; t++) {
      ids[t] = (int32_t)window[t], targets[t] = (int32_t)window[t + 1];
      if (t == n - 1) execute_evaluate(x, 1, n, ids, targets, &sum, &e);
    }
  execution_free(x);
  ok_int(count, 100, "as many validation tokens as asked for");
  ok_near(loss, sum / 100, 1e-6, "their mean loss is what the trainer says, the short last window included");

  begin(&half, 4, 20);
  trainer_run(half.t, &observer, &loss, NULL, &e);
  json_t *state = trainer_state(half.t);
  begin(&rest, 4, 40);
  memcpy(rest.p.values, half.p.values, (size_t)half.p.layout.total * sizeof(real));
  memcpy(optimizer_state(rest.o), optimizer_state(half.o), (size_t)optimizer_layout(half.o)->total * sizeof(real));
  ok(trainer_restore(rest.t, state, &e) == 0 && trainer_run(rest.t, &observer, &loss, NULL, &e) == 0, "a run goes on from another's state");
  ok(memcmp(rest.p.values, whole.p.values, (size_t)whole.p.layout.total * sizeof(real)) == 0, "to the same bits");
  json_object_set_new(state, "seq", json_integer(8));
  ok(trainer_restore(rest.t, state, &e) < 0 && strstr(e.message, "--seq 8"), "a state of another length is refused");
  json_object_set_new(state, "seq", json_integer(T));
  json_array_set_new(json_object_get(state, "windows"), 0, json_integer(1));
  ok(trainer_restore(rest.t, state, &e) < 0 && strstr(e.message, "source 1"), "and of other data");
  json_decref(state);
  end(&rest), end(&half);

  struct job split;
  begin(&split, 1, 40);
  trainer_run(split.t, &observer, &loss, NULL, &e);
  double difference = 0;
  for (int64_t i = 0; i < whole.p.layout.total; i++) difference = fmax(difference, fabs((double)whole.p.values[i] - split.p.values[i]));
  ok(difference < 2e-3, "micro-batches of one sequence give the same weights but for rounding (%.2g)", difference);
  end(&split);

  struct trainer_observer stopping = observer;
  stopping.stop = stop_now;
  begin(&half, 2, 40);
  save_count = 0;
  ok(trainer_run(half.t, &stopping, &loss, NULL, &e) == 1 && trainer_steps_done(half.t) == 1 && save_count == 1 && saves[0] == 1 && isnan(loss), "a run that is stopped ends after the step and saves");
  half.p.values[3] = NAN;
  ok(trainer_run(half.t, &observer, &loss, NULL, &e) < 0 && strstr(e.message, "step 6: the loss is nan, and 5 steps"), "a loss that stays not finite ends the run with a message");
  ok_int(save_count, 1, "and is not saved");
  end(&half);
  end(&whole);
  check_noise();
  check_sources();
  check_guards();
  check_best();
  return tap_done();
}
