/* SPDX-License-Identifier: MIT
 *
 * The gradient of small models of every architecture against central differences of their loss, everything in double
 * precision.  Directions are random, one per tensor: the derivative along a direction is its product with the gradient.
 * Nodes run again, and gradients that replace instead of adding, must give the same bits.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/model/execute.h"
#include "tests/architectures.h"
#include "tests/tap.h"

enum { B = 2, T = 7, V = 19, SEEDS = 24 };

static struct err e;
static int32_t ids[B * T], targets[B * T];

/* The loss of a training pass, which also drops out; gradients are lost. */
static double loss_at(struct execution *x) {
  double losses[B] = {0}, loss = 0;
  if (execute_train(x, ids, targets, 1, true, losses, &e) < 0) return NAN;
  for (int b = 0; b < B; b++) loss += losses[b];
  return loss;
}

static void check_directions(const char *name, struct parameters *p, struct execution *x, double scale, struct rng *rng) {
  double worst = 0;
  size_t bytes = (size_t)p->layout.total * sizeof(real);
  real *saved = COPY(p->values, (size_t)p->layout.total * sizeof(real)), *gradients = COPY(p->gradients, (size_t)p->layout.total * sizeof(real)), *direction = NEW_ARRAY(real, (size_t)p->layout.total);
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    if (t->kind == PARAMETER_BALANCE) continue;
    double product = 0, h = strstr(t->name, "filter") ? 2e-6 : 2e-5, sides[4]; /* the filter's sines turn quickly */
    for (int64_t k = 0; k < t->count; k++) {
      direction[k] = rng_normal(rng);
      product += direction[k] * gradients[t->offset + k] / scale;
    }
    for (int side = 0; side < 4; side++) {
      double distance = (side < 2 ? h : 2 * h) * (side % 2 ? -1 : 1);
      for (int64_t k = 0; k < t->count; k++) p->values[t->offset + k] = saved[t->offset + k] + distance * direction[k];
      sides[side] = loss_at(x);
    }
    memcpy(p->values, saved, bytes);
    double difference = (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12 * h), error = fabs(difference - product) / fmax(fabs(difference), 0.5);
    if (error > worst) worst = error;
    if (!(error < 1e-6)) note("%s: by differences %.12g, by the backward pass %.12g", t->name, difference, product);
    if (isnan(error)) worst = 1;
  }
  ok(worst < 1e-6, "%s: the gradient of every tensor is that of finite differences", name);
  note("largest relative error %.2g", worst);
  memcpy(p->gradients, gradients, bytes);
  free(saved), free(gradients), free(direction);
}

/* The gradients of p with another policy, or accumulated on zeros. */
static bool same_gradients(struct parameters *p, enum recompute policy, bool first, double scale) {
  size_t bytes = (size_t)p->layout.total * sizeof(real);
  real *expected = COPY(p->gradients, (size_t)p->layout.total * sizeof(real));
  struct plan plan;
  struct execution *x;
  double losses[B] = {0};
  plan_init(&plan, &p->config, &p->layout, &(struct plan_settings){.B = B, .T = T, .training = true, .recompute = policy});
  plan.chunk_rows = 5;
  if (execution_new(&x, &plan, p, T, &e) < 0) return false;
  execution_dropout_key(x, 11);
  for (int64_t i = 0; i < p->layout.total; i++) p->gradients[i] = first ? 5 : 0; /* what stood there must not matter */
  bool same = execute_train(x, ids, targets, scale, first, losses, &e) == 0;
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    bool equal = memcmp(expected + t->offset, p->gradients + t->offset, (size_t)t->count * sizeof(real)) == 0;
    if (!equal) note("%s differs", t->name);
    same &= equal;
  }
  memcpy(p->gradients, expected, bytes);
  execution_free(x);
  plan_release(&plan);
  free(expected);
  return same;
}

static void check(const char *name, const struct model_config *c) {
  static const char *const policies[] = {"none", "norm", "attention", "block"};
  struct parameters p;
  struct plan plan;
  struct execution *x;
  struct rng rng;
  rng_init(&rng, 5);
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)rng_below(&rng, V), targets[i] = i % 5 == 3 ? -1 : (int32_t)rng_below(&rng, V);
  ok(parameters_init(&p, c, backend_cpu(), true, &e) == 0 && architecture_values(&p, 1, 0.2, &e) == 0, "%s: parameters are there", name);
  plan_init(&plan, c, &p.layout, &(struct plan_settings){.B = B, .T = T, .training = true});
  ok(plan.chunk_rows == B * T && execution_new(&x, &plan, &p, T, &e) == 0, "%s: a plan is there", name);
  plan.chunk_rows = 5; /* several chunks, the last one shorter */
  execution_dropout_key(x, 11);

  double losses[B] = {0}, evaluated[B] = {0}, scale = 0.25;
  ok(execute_train(x, ids, targets, scale, true, losses, &e) == 0, "%s: a training pass runs", name);
  if (c->dropout == 0 && c->attention_dropout == 0) {
    execute_evaluate(x, B, T, ids, targets, evaluated, &e);
    ok(fabs(losses[0] - evaluated[0]) < 1e-12 && fabs(losses[1] - evaluated[1]) < 1e-12, "%s: evaluation gives the loss of training, sequence by sequence", name);
  }
  check_directions(name, &p, x, scale, &rng);
  ok(same_gradients(&p, RECOMPUTE_NONE, false, scale), "%s: gradients replace or add to zeros with the same bits", name);
  for (int policy = RECOMPUTE_NORM; policy <= RECOMPUTE_BLOCK; policy++) ok(same_gradients(&p, (enum recompute)policy, true, scale), "%s: recomputing %s gives the same bits", name, policies[policy]);

  double first = 0, second = 0;
  for (int64_t i = 0; i < p.layout.total; i++) first += p.gradients[i] * p.gradients[i];
  ok(execute_train(x, ids, targets, scale, false, losses, &e) == 0, "%s: a second pass runs", name);
  for (int64_t i = 0; i < p.layout.total; i++) second += p.gradients[i] * p.gradients[i];
  ok_near(second / first, 4, 1e-9, "gradients add up over passes");
  execution_free(x);
  plan_release(&plan);
  parameters_release(&p);
}

/* The load-balance loss is not part of the loss that training reports. */
static void check_without_balance(struct architecture a) {
  a.config.moe.balance_loss = 0;
  if (a.config.activation == ACTIVATION_RELU) a.config.activation = ACTIVATION_SILU; /* differences across its kink say nothing */
  check(a.name, &a.config);
}

int main(int argc, char **argv) {
  for (int i = 0; i < ARCHITECTURES; i++) check_without_balance(architecture_kind(i, V));
  uint64_t from = argc > 1 ? (uint64_t)atoll(argv[1]) : 1, to = argc > 2 ? (uint64_t)atoll(argv[2]) : SEEDS;
  for (uint64_t seed = from; seed <= to; seed++) check_without_balance(architecture_random(seed, V));
  return tap_done();
}
