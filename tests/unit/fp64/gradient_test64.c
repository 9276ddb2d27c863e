/* SPDX-License-Identifier: MIT
 *
 * The gradient of a small model against central differences of its loss, everything in double precision.  Directions are
 * random, one per tensor: the derivative along a direction is its product with the gradient.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/model/execute.h"
#include "tests/tap.h"

enum { B = 2, T = 7, V = 19 };

static struct err e;

static double loss_at(struct execution *x, const int32_t *ids, const int32_t *targets) {
  double loss = 0;
  if (execute_evaluate(x, B, T, ids, targets, &loss, &e) < 0) return NAN;
  return loss;
}

static void check(const char *name, const struct model_config *c) {
  struct parameters p;
  struct plan plan;
  struct execution *x;
  struct rng rng;
  int32_t ids[B * T], targets[B * T];
  rng_init(&rng, 5);
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)rng_below(&rng, V), targets[i] = i % 5 == 3 ? -1 : (int32_t)rng_below(&rng, V);
  ok(parameters_init(&p, c, backend_cpu(), true, &e) == 0 && parameters_randomize(&p, 1, &e) == 0, "%s: parameters are there", name);
  for (int64_t i = 0; i < p.layout.total; i++) p.values[i] += 0.2 * rng_normal(&rng); /* every term of the gradient shows */
  plan_init(&plan, c, &p.layout, B, T, true);
  ok(plan.chunk_rows == B * T && execution_new(&x, &plan, &p, T, &e) == 0, "%s: a plan is there", name);
  plan.chunk_rows = 5; /* several chunks, the last one shorter */

  double loss = 0, scale = 0.25;
  ok(execute_train(x, ids, targets, scale, &loss, &e) == 0, "%s: a training pass runs", name);
  ok_near(loss, loss_at(x, ids, targets), 1e-12, "evaluation gives the loss of training");
  double first = 0;
  for (int64_t i = 0; i < p.layout.total; i++) first += p.gradients[i] * p.gradients[i];

  double worst = 0;
  real *saved = COPY(p.values, (size_t)p.layout.total * sizeof(real)), *direction = NEW_ARRAY(real, (size_t)p.layout.total);
  for (int i = 0; i < p.layout.count; i++) {
    const struct parameter_tensor *t = &p.layout.tensors[i];
    double product = 0, h = 1e-5, sides[2];
    for (int64_t k = 0; k < t->count; k++) {
      direction[k] = rng_normal(&rng);
      product += direction[k] * p.gradients[t->offset + k] / scale;
    }
    for (int side = 0; side < 2; side++) {
      for (int64_t k = 0; k < t->count; k++) p.values[t->offset + k] = saved[t->offset + k] + (side ? -h : h) * direction[k];
      sides[side] = loss_at(x, ids, targets);
    }
    memcpy(p.values, saved, (size_t)p.layout.total * sizeof(real));
    double difference = (sides[0] - sides[1]) / (2 * h), error = fabs(difference - product) / fmax(fabs(difference), 1e-3);
    if (error > worst) worst = error;
    if (error > 1e-6) note("%s: by differences %.12g, by the backward pass %.12g", t->name, difference, product);
  }
  ok(worst < 1e-6, "%s: the gradient of every tensor is that of finite differences", name);
  note("largest relative error %.2g", worst);

  loss = 0;
  ok(execute_train(x, ids, targets, scale, &loss, &e) == 0, "%s: a second pass runs", name);
  double second = 0;
  for (int64_t i = 0; i < p.layout.total; i++) second += p.gradients[i] * p.gradients[i];
  ok_near(second / first, 4, 1e-9, "gradients add up over passes");
  free(saved), free(direction);
  execution_free(x);
  plan_release(&plan);
  parameters_release(&p);
}

int main(void) {
  struct model_config c = {.architecture = "LlamaForCausalLM", .model_type = "llama", .vocab_size = V, .hidden_size = 12, .intermediate_size = 20, .layers = 2, .heads = 4, .kv_heads = 2,
                           .head_dim = 6, .max_positions = 16, .rms_norm_eps = 1e-5, .rope_theta = 100, .initializer_range = 0.3, .tied = true, .bos = -1, .eos = -1, .pad = -1};
  check("tied, grouped queries", &c);
  c.tied = false, c.kv_heads = 4, c.layers = 1;
  check("untied", &c);
  c.sliding_window = 3, c.kv_heads = 1, c.layers = 2;
  check("sliding window, one key head", &c);
  return tap_done();
}
