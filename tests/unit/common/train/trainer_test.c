/* SPDX-License-Identifier: MIT */
#include "common/train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/model/execute.h"
#include "tests/tap.h"

enum { V = 50, T = 12, TOKENS = 3000 };

static struct err e;
static uint32_t tokens[TOKENS];

static struct loader *open_loader(void) {
  char path[256];
  snprintf(path, sizeof path, "%s/x.bin", tap_folder());
  struct shard_header h = {.token_bytes = 2, .count = TOKENS, .ours = true, .vocabulary_size = V, .end_of_text = -1};
  struct shard_writer *w;
  if (shard_writer_open(&w, path, &h, 0, 0, &e) < 0 || shard_writer_put(w, tokens, TOKENS, &e) < 0 || shard_writer_commit(w, &e) < 0) exit(1);
  struct loader *l = loader_new();
  if (loader_add_source(l, path, &e) < 0 || loader_start(l, T, V, 1, 100, &e) < 0) exit(1);
  return l;
}

struct job {
  struct parameters p;
  struct plan plan;
  struct loader *loader;
  struct trainer *t;
};

static void begin(struct job *j, int64_t micro_batch, int64_t steps) {
  struct model_config c = {.architecture = "LlamaForCausalLM", .model_type = "llama", .vocab_size = V, .hidden_size = 16, .intermediate_size = 32, .layers = 2, .heads = 2, .kv_heads = 1, .head_dim = 8,
                           .max_positions = 16, .rms_norm_eps = 1e-5, .rope_theta = 10000, .initializer_range = 0.02, .tied = true, .bos = -1, .eos = -1, .pad = -1};
  struct recipe r = {.batch = 4, .micro_batch = micro_batch, .seq = T, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .clip = 1,
                     .schedule = {.shape = SCHEDULE_CONSTANT, .lr = 1e-2, .min_lr = 1e-3, .steps = steps}};
  j->loader = open_loader();
  if (parameters_init(&j->p, &c, backend_cpu(), true, &e) < 0 || parameters_randomize(&j->p, 7, &e) < 0) exit(1);
  plan_init(&j->plan, &c, &j->p.layout, micro_batch, T, true);
  if (trainer_new(&j->t, &j->p, &j->plan, j->loader, comm_self(), &r, &e) < 0) exit(1);
}

static void end(struct job *j) {
  trainer_free(j->t);
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
  ok(trainer_run(whole.t, &observer, &loss, &e) == 0 && trainer_steps_done(whole.t) == 40, "a run takes the steps of its schedule");
  ok(save_count == 1 && saves[0] == 40, "and saves at its end");
  ok_near(first_loss, log(V), 0.05, "it begins at the entropy of a uniform guess");
  ok(last_loss < first_loss - 0.5, "and learns (%.3f to %.3f)", first_loss, last_loss);
  ok(trainer_evaluate(whole.t, &again, &e) == 0 && again == loss, "the validation loss of the end is that of the weights");

  /* the loss over all validation tokens, window by window */
  uint32_t window[T + 1];
  int32_t ids[T], targets[T];
  double sum = 0;
  int64_t n, count = 0;
  struct execution *x;
  if (execution_new(&x, &whole.plan, &whole.p, T, &e) < 0) return 1;
  for (int64_t i = 0; (n = loader_validation(whole.loader, i, window, &e)) > 0; i++, count += n)
    for (int64_t t = 0; t < n; t++) {
      ids[t] = (int32_t)window[t], targets[t] = (int32_t)window[t + 1];
      if (t == n - 1) execute_evaluate(x, 1, n, ids, targets, &sum, &e);
    }
  execution_free(x);
  ok_int(count, 100, "as many validation tokens as asked for");
  ok_near(loss, sum / 100, 1e-6, "their mean loss is what the trainer says, the short last window included");

  begin(&half, 4, 20);
  trainer_run(half.t, &observer, &loss, &e);
  json_t *state = trainer_state(half.t);
  begin(&rest, 4, 40);
  memcpy(rest.p.values, half.p.values, (size_t)half.p.layout.total * sizeof(real));
  memcpy(rest.p.m, half.p.m, (size_t)half.p.layout.total * sizeof(real));
  memcpy(rest.p.v, half.p.v, (size_t)half.p.layout.total * sizeof(real));
  ok(trainer_restore(rest.t, state, &e) == 0 && trainer_run(rest.t, &observer, &loss, &e) == 0, "a run goes on from another's state");
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
  trainer_run(split.t, &observer, &loss, &e);
  double difference = 0;
  for (int64_t i = 0; i < whole.p.layout.total; i++) difference = fmax(difference, fabs((double)whole.p.values[i] - split.p.values[i]));
  ok(difference < 2e-3, "micro-batches of one sequence give the same weights but for rounding (%.2g)", difference);
  end(&split);

  struct trainer_observer stopping = observer;
  stopping.stop = stop_now;
  begin(&half, 2, 40);
  save_count = 0;
  ok(trainer_run(half.t, &stopping, &loss, &e) == 1 && trainer_steps_done(half.t) == 1 && save_count == 1 && saves[0] == 1 && isnan(loss), "a run that is stopped ends after the step and saves");
  half.p.values[3] = NAN;
  ok(trainer_run(half.t, &observer, &loss, &e) < 0 && strstr(e.message, "step 2: the loss is nan"), "a loss that is not finite ends the run with a message");
  ok_int(save_count, 1, "and is not saved");
  end(&half);
  end(&whole);
  return tap_done();
}
