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
#include "tests/llama.h"
#include "tests/tap.h"

enum { B = 2, T = 7, V = 19 };

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
    double product = 0, h = strstr(t->name, "filter") ? 1e-6 : 1e-5, sides[2]; /* the filter's sines turn quickly */
    for (int64_t k = 0; k < t->count; k++) {
      direction[k] = rng_normal(rng);
      product += direction[k] * gradients[t->offset + k] / scale;
    }
    for (int side = 0; side < 2; side++) {
      for (int64_t k = 0; k < t->count; k++) p->values[t->offset + k] = saved[t->offset + k] + (side ? -h : h) * direction[k];
      sides[side] = loss_at(x);
    }
    memcpy(p->values, saved, bytes);
    double difference = (sides[0] - sides[1]) / (2 * h), error = fabs(difference - product) / fmax(fabs(difference), 0.5);
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
  plan_init(&plan, &p->config, &p->layout, B, T, true, policy);
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
  ok(parameters_init(&p, c, backend_cpu(), true, &e) == 0 && parameters_randomize(&p, 1, 1, &e) == 0, "%s: parameters are there", name);
  for (int64_t i = 0; i < p.layout.total; i++) p.values[i] += 0.2 * rng_normal(&rng); /* every term of the gradient shows */
  plan_init(&plan, c, &p.layout, B, T, true, RECOMPUTE_NONE);
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

static struct model_config small(void) {
  struct model_config c = llama(V, 12, 20, 2, 4, 2, 16);
  c.rope_theta = 100, c.initializer_range = 0.3;
  c.head_dim = c.v_head_dim = c.rope_dim = 6;
  return c;
}

static void check_experts(void) {
  struct model_config c = small();
  c.moe.count = 5, c.moe.top = 2, c.moe.size = 10, c.moe.normalize = true, c.moe.balance = BALANCE_NONE;
  config_name(&c);
  check("experts", &c);
  c.moe.shared = 2, c.moe.dense_layers = 1, c.moe.sigmoid = true, c.moe.correction = true, c.moe.scale = 1.5;
  config_name(&c);
  check("shared experts, a dense layer, sigmoid scores", &c);
}

static void check_latent(void) {
  struct model_config c = small();
  c.kv_heads = c.heads, c.head_dim = 8, c.rope_dim = 4, c.v_head_dim = 6, c.mla.kv_rank = 7;
  config_name(&c);
  check("latent attention", &c);
  c.mla.q_rank = 5, c.tied = false;
  config_name(&c);
  check("latent attention with latent queries", &c);
}

static void check_own(void) {
  struct model_config c = small();
  c.norm = NORM_LAYER, c.position = POSITION_LEARNED, c.gated = false, c.activation = ACTIVATION_GELU_TANH, c.qkv_bias = c.o_bias = c.mlp_bias = true, c.kv_heads = 4;
  config_name(&c);
  check("learned positions, LayerNorm, biases, no gate", &c);
  c.post_norm = true, c.position = POSITION_SINUSOIDAL, c.activation = ACTIVATION_GELU;
  config_name(&c);
  check("post-norm, sinusoidal positions", &c);
  c = small(), c.post_norm = true, c.position = POSITION_NONE, c.activation = ACTIVATION_RELU2;
  config_name(&c);
  check("post-norm with RMSNorm, no positions, gated relu2", &c);
  c = small(), c.qk_norm = true, c.qkv_bias = true;
  config_name(&c);
  check("QK-norm, biases of q, k and v", &c);
  c = small(), c.dropout = 0.3, c.embedding_dropout = 0.2, c.attention_dropout = 0.25;
  config_name(&c);
  check("dropout", &c);
  c = small(), c.mixer[0] = MIXER_HYENA, c.hyena.width = 5, c.hyena.bands = 2;
  config_name(&c);
  check("Hyena, then attention", &c);
}

int main(void) {
  struct model_config c = small();
  check("tied, grouped queries", &c);
  c.tied = false, c.kv_heads = 4, c.layers = 1;
  check("untied", &c);
  c.kv_heads = 1, c.layers = 2, c.window = 3, c.mixer[0] = c.mixer[1] = MIXER_SLIDING;
  config_name(&c);
  check("sliding window, one key head", &c);
  check_own();
  check_latent();
  check_experts();
  return tap_done();
}
