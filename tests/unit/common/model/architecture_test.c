/* SPDX-License-Identifier: MIT
 *
 * Random models over all choices at once: configs and checkpoints come back as they were, training gives a finite loss that
 * evaluation agrees with, and what nodes run again changes no bit.
 */
#include "common/model/architecture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/model/checkpoint.h"
#include "common/model/execute.h"
#include "kernels/cpu.h"
#include "tests/architectures.h"
#include "tests/tap.h"

enum { SEEDS = 60, GROWN = 12, MOST = 512 };

static struct err e;
static int32_t ids[MOST], targets[MOST];

static struct execution *start(struct plan *plan, struct parameters *p, int64_t B, int64_t T, bool training, enum recompute policy) {
  struct execution *x = NULL;
  plan_init(plan, &p->config, &p->layout, &(struct plan_settings){.B = B, .T = T, .training = training, .recompute = policy});
  if (execution_new(&x, plan, p, T, &e) == 0) execution_dropout_key(x, 3);
  return x;
}

static void finish(struct plan *plan, struct execution *x) {
  execution_free(x);
  plan_release(plan);
}

static double sum(const double *losses, int64_t n) {
  double s = 0;
  for (int64_t i = 0; i < n; i++) s += losses[i];
  return s;
}

static bool dropping(const struct model_config *c) { return c->dropout > 0 || c->embedding_dropout > 0 || c->attention_dropout > 0; }

/* The loss of a training pass that finds NaN in every gradient; NAN where one is left. */
static double train(struct parameters *p, int64_t B, int64_t T, enum recompute policy, enum matmul_type type, double *evaluated) {
  struct plan plan;
  struct execution *x = start(&plan, p, B, T, true, policy);
  double losses[MOST] = {0}, again[MOST] = {0};
  execution_type(x, type);
  for (int64_t i = 0; i < p->layout.total; i++) p->gradients[i] = NAN;
  bool fine = execute_train(x, ids, targets, 0.5, true, losses, &e) == 0 && execute_evaluate(x, B, T, ids, targets, again, &e) == 0;
  for (int i = 0; i < p->layout.count; i++)
    for (int64_t k = 0; k < p->layout.tensors[i].count; k++) fine &= isfinite(p->gradients[p->layout.tensors[i].offset + k]);
  finish(&plan, x);
  *evaluated = sum(again, B);
  return fine ? sum(losses, B) : NAN;
}

static bool policies_agree(struct parameters *p, int64_t B, int64_t T, enum matmul_type type) {
  bool same = true;
  double evaluated, loss = train(p, B, T, RECOMPUTE_NONE, type, &evaluated);
  if (!dropping(&p->config) && !(fabs(evaluated - loss) <= 1e-4 * (1 + fabs(loss)))) same = false, note("trained %.9g, evaluated %.9g", loss, evaluated);
  real *expected = COPY(p->gradients, (size_t)p->layout.total * sizeof(real));
  for (int policy = RECOMPUTE_NORM; policy <= RECOMPUTE_BLOCK; policy++) {
    double other = train(p, B, T, (enum recompute)policy, type, &evaluated);
    if (other != loss) same = false, note("policy %d: loss %.9g, not %.9g", policy, other, loss); /* NaN is not itself */
    for (int i = 0; i < p->layout.count; i++) {
      const struct parameter_tensor *t = &p->layout.tensors[i];
      if (memcmp(expected + t->offset, p->gradients + t->offset, (size_t)t->count * sizeof(real))) same = false, note("policy %d: the gradient of %s differs", policy, t->name);
    }
  }
  free(expected);
  return same;
}

/* A plan for more sequences and positions, with and without training. */
static bool fewer_agree(struct parameters *p) {
  double losses[6] = {0};
  for (int kind = 0; kind < 6; kind++) {
    static const int64_t shapes[3][2] = {{2, 5}, {3, 9}, {9, 3}};
    struct plan plan;
    const int64_t *s = shapes[kind / 2];
    struct execution *x = start(&plan, p, s[0], s[1] < 5 ? 6 : s[1], kind % 2, kind % 2 ? RECOMPUTE_BLOCK : RECOMPUTE_NONE);
    double each[2] = {0};
    if (!x || execute_evaluate(x, 2, 5, ids, targets, each, &e) < 0) losses[kind] = NAN;
    else losses[kind] = each[0] + each[1];
    finish(&plan, x);
  }
  for (int kind = 1; kind < 6; kind++)
    if (!(fabs(losses[kind] - losses[0]) <= 1e-4 * (1 + fabs(losses[0])))) return note("losses %.9g and %.9g", losses[0], losses[kind]), false;
  return true;
}

static bool config_returns(const struct model_config *c) {
  struct model_config again;
  struct buffer text = {0};
  config_write(c, &text);
  json_t *object = json_loadb(text.data, text.len, 0, NULL);
  bool same = object && config_parse(&again, object, "config.json", &e) == 0 && config_hash(&again) == config_hash(c) && strcmp(again.model_type, c->model_type) == 0 &&
              config_parameters(&again) == config_parameters(c) && config_matmul_parameters(&again) == config_matmul_parameters(c);
  if (!same) note("%s\n%.*s", e.message, (int)text.len, text.data);
  json_decref(object);
  buffer_release(&text);
  return same;
}

static bool checkpoint_returns(struct parameters *p) {
  struct model_config c;
  struct parameters again = {0};
  double evaluated[2];
  const char *folder = tap_folder();
  bool fine = checkpoint_clear(folder, &e) == 0 && checkpoint_save(folder, 1, p, NULL, 0, NULL, NULL, &e) == 0 && checkpoint_config(&c, folder, &e) == 0 && parameters_init(&again, &c, backend_cpu(), true, &e) == 0 &&
              checkpoint_weights(&again, folder, &e) == 0 && again.layout.total == p->layout.total;
  if (!fine) note("%s", e.message);
  for (int i = 0; i < p->layout.count && fine; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    fine = strcmp(t->name, again.layout.tensors[i].name) == 0 && memcmp(p->values + t->offset, again.values + t->offset, (size_t)t->count * sizeof(real)) == 0;
  }
  fine = fine && train(p, 2, 5, RECOMPUTE_NONE, MATMUL_FP32, &evaluated[0]) == train(&again, 2, 5, RECOMPUTE_NONE, MATMUL_FP32, &evaluated[1]) && evaluated[0] == evaluated[1];
  if (fine)
    for (int64_t i = 0; i < p->layout.count; i++) {
      const struct parameter_tensor *t = &p->layout.tensors[i];
      fine &= memcmp(p->gradients + t->offset, again.gradients + t->offset, (size_t)t->count * sizeof(real)) == 0;
    }
  if (again.values) parameters_release(&again);
  return fine;
}

static void check(const struct architecture *a) {
  struct parameters p;
  struct rng rng;
  rng_init(&rng, 9);
  for (int i = 0; i < MOST; i++) ids[i] = (int32_t)rng_below(&rng, (uint64_t)a->config.vocab_size), targets[i] = i % 5 == 3 ? -1 : (int32_t)rng_below(&rng, (uint64_t)a->config.vocab_size);
  ok(config_returns(&a->config), "%s: the config comes back from its JSON", a->name);
  if (!ok(parameters_init(&p, &a->config, backend_cpu(), true, &e) == 0 && architecture_values(&p, 7, 0.2, &e) == 0, "%s: parameters are there", a->name)) return;
  ok(policies_agree(&p, 3, 8, MATMUL_FP32), "%s: training is finite, evaluation agrees, policies give the same bits", a->name);
  ok(policies_agree(&p, 1, 1, MATMUL_FP32), "%s: so they do with one position", a->name);
  ok(policies_agree(&p, 2, 9, MATMUL_BF16), "%s: and with products of bfloat16", a->name);
  ok(fewer_agree(&p), "%s: larger plans give the same loss", a->name);
  ok(checkpoint_returns(&p), "%s: a checkpoint of it trains on as the original", a->name);
  parameters_release(&p);
}

/* Gradients of scalar code and of the widest vectors, on one thread and on two. */
static void check_grown(struct architecture a) {
  enum { SEQUENCES = 3, POSITIONS = 131 };
  struct parameters p;
  double loss[3], evaluated, worst = 0;
  real *gradients[3];
  architecture_grow(&a, 8);
  for (int i = 0; i < MOST; i++) ids[i] = ids[i] % (int32_t)a.config.vocab_size, targets[i] = targets[i] % (int32_t)a.config.vocab_size;
  if (!ok(parameters_init(&p, &a.config, backend_cpu(), true, &e) == 0 && architecture_values(&p, 7, 0.02, &e) == 0, "%s, grown: parameters are there", a.name)) return;
  for (int way = 0; way < 3; way++) {
    enum cpu_variant before = cpu_variant();
    if (way == 0) cpu_variant_force(CPU_SCALAR);
    backend_cpu()->set_threads(1 + way / 2);
    loss[way] = train(&p, SEQUENCES, POSITIONS, way == 2 ? RECOMPUTE_BLOCK : RECOMPUTE_NONE, MATMUL_FP32, &evaluated);
    gradients[way] = COPY(p.gradients, (size_t)p.layout.total * sizeof(real));
    backend_cpu()->set_threads(1);
    cpu_variant_force(before);
  }
  for (int way = 1; way < 3; way++)
    for (int i = 0; i < p.layout.count; i++) {
      const struct parameter_tensor *t = &p.layout.tensors[i];
      double difference = 0, norm = 1e-6;
      for (int64_t k = t->offset; k < t->offset + t->count; k++) difference += pow((double)gradients[way][k] - (double)gradients[0][k], 2), norm += pow((double)gradients[0][k], 2);
      double error = sqrt(difference / norm);
      if (!(error < 2e-3)) note("way %d: %s differs by %.3g of its norm %.3g", way, t->name, error, sqrt(norm));
      worst = error > worst || isnan(error) ? error : worst;
    }
  ok(isfinite(loss[0]) && fabs(loss[1] - loss[0]) < 1e-4 * loss[0] && fabs(loss[2] - loss[0]) < 1e-4 * loss[0] && worst < 2e-3, "%s, grown: scalar code, vectors and two threads agree", a.name);
  for (int way = 0; way < 3; way++) free(gradients[way]);
  parameters_release(&p);
}

int main(int argc, char **argv) {
  for (int i = 0; i < ARCHITECTURES; i++) {
    struct architecture a = architecture_kind(i, 23);
    check(&a);
  }
  uint64_t from = argc > 1 ? (uint64_t)atoll(argv[1]) : 1, to = argc > 2 ? (uint64_t)atoll(argv[2]) : SEEDS;
  for (uint64_t seed = from; seed <= to; seed++) {
    struct architecture a = architecture_random(seed, 0);
    check(&a);
  }
  for (int i = 0; i < ARCHITECTURES; i += 4) check_grown(architecture_kind(i, 23));
  for (uint64_t seed = from; seed < from + GROWN; seed++) check_grown(architecture_random(seed, 0));
  return tap_done();
}
