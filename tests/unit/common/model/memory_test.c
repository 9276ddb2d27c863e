/* SPDX-License-Identifier: MIT
 *
 * Liveness: whatever a plan says is dead is NaN.  Before every step all of the arena is overwritten but the buffers that an
 * earlier step has touched and that this or a later one still touches.  Results must be the same bits as without, and nothing
 * may be written where no buffer lives.  The same when activations leave to host memory and return.
 */
#include "common/model/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/model/execution.h"
#include "tests/architectures.h"
#include "tests/tap.h"

enum { B = 2, T = 7, V = 19, SEEDS = 40 };

static struct err e;
static int32_t ids[B * T], targets[B * T];

enum { DEAD = 0xFF }; /* all bytes: a NaN */

/* Marks the bytes of buffers that live at a step; `fresh` false: only those that an earlier step has touched too. */
static bool *living(const struct plan *p, int step, bool fresh) {
  bool *alive = NEW_ARRAY(bool, (size_t)p->arena);
  for (int i = 0; i < p->buffer_count; i++) {
    const struct plan_buffer *b = &p->buffers[i];
    if (b->first >= 0 && b->first < step + fresh && step <= b->last) memset(alive + b->offset, 1, (size_t)b->elements * sizeof(real));
  }
  return alive;
}

static void poison(struct execution *x, int step) {
  bool *alive = living(x->plan, step, false);
  for (int64_t i = 0; i < x->plan->arena; i++)
    if (!alive[i]) x->arena[i] = (char)DEAD;
  free(alive);
}

static bool kept_within(const struct execution *x, int step) {
  bool *alive = living(x->plan, step, true), fine = true;
  for (int64_t i = 0; i < x->plan->arena; i++) fine &= alive[i] || x->arena[i] == (char)DEAD;
  free(alive);
  if (!fine) note("step %d (%s) writes outside of its buffers", step, x->plan->nodes[x->plan->steps[step].node].name);
  return fine;
}

/* What execute.c does, with poison between the steps; gradients are added. */
static bool run(struct execution *x, struct pass *pass, const int32_t *first_id) {
  size_t bytes = (size_t)(pass->B * pass->T) * sizeof *ids;
  memcpy(x->ids, first_id, bytes);
  if (pass->losses) memcpy(x->targets, targets, bytes);
  for (int i = 0; i < (pass->gradient ? x->plan->step_count : x->plan->forward_steps); i++) {
    poison(x, i);
    if (execution_step(x, &x->plan->steps[i], pass) < 0 || !kept_within(x, i)) return false;
  }
  poison(x, x->plan->step_count); /* nothing is handed on to the next pass */
  return true;
}

static bool train(const struct architecture *a, struct parameters *p, enum recompute policy, bool offload, bool poisoned) {
  struct plan plan;
  struct execution *x;
  double losses[B] = {0}, evaluated[B] = {0};
  plan_init(&plan, &a->config, &p->layout, &(struct plan_settings){.B = B, .T = T, .training = true, .recompute = policy, .offload = offload});
  plan.chunk_rows = 5;
  if (offload && plan.host == 0) return note("nothing leaves"), false;
  if (execution_new(&x, &plan, p, T, &e) < 0) return false;
  execution_dropout_key(x, 11);
  execution_z_loss(x, 0.01);
  execution_type(x, policy == RECOMPUTE_ATTENTION ? MATMUL_BF16 : MATMUL_FP32); /* other kernels */
  memset(p->gradients, 0, (size_t)p->layout.total * sizeof(real));
  struct pass training = {.B = B, .T = T, .gradient = true, .gradient_scale = (real)0.25, .losses = losses}, evaluation = {.B = B, .T = T, .losses = evaluated}, shorter = {.B = B, .T = T - 2, .losses = evaluated};
  bool fine = poisoned ? run(x, &training, ids) && run(x, &evaluation, ids) && run(x, &shorter, ids) : execute_train(x, ids, targets, 0.25, false, losses, &e) == 0;
  execution_free(x);
  plan_release(&plan);
  return fine && isfinite(losses[0] + losses[1] + evaluated[0] + evaluated[1]);
}

/* offload: the poisoned run's activations leave. */
static bool trains(const struct architecture *a, struct parameters *p, enum recompute policy, bool offload) {
  if (!train(a, p, policy, false, false)) return false;
  real *expected = COPY(p->gradients, (size_t)p->layout.total * sizeof(real));
  bool same = train(a, p, policy, offload, true) && (!offload || train(a, p, policy, true, false));
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    bool equal = memcmp(expected + t->offset, p->gradients + t->offset, (size_t)t->count * sizeof(real)) == 0;
    if (!equal) note("%s, policy %d: the gradient of %s differs", a->name, policy, t->name);
    same &= equal;
  }
  free(expected);
  return same;
}

static bool infers(const struct architecture *a, struct parameters *p) {
  static real expected[B * T * V], logits[B * T * V], last[B * V];
  struct plan plan;
  struct execution *x;
  struct cache cache;
  plan_init(&plan, &a->config, &p->layout, &(struct plan_settings){.B = B, .T = T});
  plan.chunk_rows = 5;
  if (execution_new(&x, &plan, p, T, &e) < 0 || cache_init(&cache, &a->config, backend_cpu(), B, T, &e) < 0) return false;
  struct pass whole = {.B = B, .T = T, .logits = logits};
  bool fine = execute_logits(x, B, T, ids, false, expected, &e) == 0 && run(x, &whole, ids) && memcmp(expected, logits, sizeof logits) == 0;
  int32_t part[B * T];
  for (int64_t at = 0, n = T - 2; at < T && fine; at += n, n = 1) { /* a prompt, then one by one */
    for (int64_t b = 0; b < B; b++) memcpy(part + b * n, ids + b * T + at, (size_t)n * sizeof *part);
    struct pass extension = {.B = B, .T = n, .cache = &cache, .logits = last, .last_only = true};
    fine = cache_reserve(&cache, 0, B, n, &extension.pages, &e) == 0;
    memcpy(x->past, cache.past, sizeof *x->past * B);
    extension.longest = at + n;
    fine = fine && run(x, &extension, part);
    for (int b = 0; b < B; b++) {
      cache.past[b] += n;
      for (int v = 0; v < V; v++) fine &= fabs((double)last[b * V + v] - (double)expected[(b * T + at + n - 1) * V + v]) < 1e-3;
    }
  }
  cache_release(&cache);
  execution_free(x);
  plan_release(&plan);
  return fine;
}

static void check(const struct architecture *a) {
  static const char *const policies[] = {"none", "norm", "attention", "block"};
  struct parameters p;
  if (!ok(parameters_init(&p, &a->config, backend_cpu(), true, &e) == 0 && architecture_values(&p, 3, 0.2, &e) == 0, "%s: parameters are there", a->name)) return;
  for (int policy = RECOMPUTE_NONE; policy <= RECOMPUTE_BLOCK; policy++) ok(trains(a, &p, (enum recompute)policy, false), "%s: training reads nothing that is dead, recomputing %s", a->name, policies[policy]);
  ok(infers(a, &p), "%s: nor does inference, whole or through a cache", a->name);
  parameters_release(&p);
  struct architecture deep = *a; /* layers of the same kinds in turn, enough for some to leave */
  deep.config.layers = 5;
  for (int l = 2; l < 5; l++) deep.config.mixer[l] = deep.config.mixer[l % 2];
  if (!ok(parameters_init(&p, &deep.config, backend_cpu(), true, &e) == 0 && architecture_values(&p, 3, 0.2, &e) == 0, "%s: parameters of five layers are there", a->name)) return;
  for (int policy = RECOMPUTE_NONE; policy <= RECOMPUTE_BLOCK; policy++) ok(trains(&deep, &p, (enum recompute)policy, true), "%s: nor does it when activations leave, recomputing %s", a->name, policies[policy]);
  parameters_release(&p);
}

int main(int argc, char **argv) {
  struct rng rng;
  rng_init(&rng, 5);
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)rng_below(&rng, V), targets[i] = i % 5 == 3 ? -1 : (int32_t)rng_below(&rng, V);
  for (int i = 0; i < ARCHITECTURES; i++) {
    struct architecture a = architecture_kind(i, V);
    check(&a);
  }
  int seeds = argc > 1 ? atoi(argv[1]) : SEEDS;
  for (int seed = 1; seed <= seeds; seed++) {
    struct architecture a = architecture_random((uint64_t)seed, V);
    check(&a);
  }
  return tap_done();
}
