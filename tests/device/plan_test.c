/* SPDX-License-Identifier: MIT
 *
 * Whole models: a plan on a device against the same plan on the CPU, for one model of every kind.
 *
 * Losses, gradients of every parameter (after one pass, after a second one that adds to them, and after the same two recorded),
 * every recomputing policy, evaluation, and generation through a cache with pages.
 */
#include "common/model/cache.h"
#include "common/model/execute.h"
#include "common/model/profile.h"
#include "tests/architectures.h"
#include "tests/device/device_test.h"

enum { B = 2, T = 9, V = 29 };

static struct err err;
static int32_t ids[B * T], targets[B * T];

struct run {
  struct parameters parameters;
  struct plan plan;
  struct execution *x;
};

static bool begin(struct run *r, const struct architecture *a, const struct backend *b, const struct parameters *from, enum recompute policy, enum matmul_type type, bool training) {
  *r = (struct run){0};
  if (parameters_init(&r->parameters, &a->config, b, training, &err) < 0) return false;
  if (!from && architecture_values(&r->parameters, 7, 0.2, &err) < 0) return false;
  for (int t = 0; from && t < from->layout.count; t++) {
    const struct parameter_tensor *tensor = &from->layout.tensors[t];
    if (parameters_put(&r->parameters, t, 0, from->values + tensor->offset, tensor->count, &err) < 0) return false;
  }
  plan_init(&r->plan, &a->config, &r->parameters.layout, &(struct plan_settings){.B = B, .T = T, .training = training, .recompute = policy, .backend = b});
  r->plan.chunk_rows = 5;
  if (execution_new(&r->x, &r->plan, &r->parameters, T, &err) < 0) return false;
  execution_type(r->x, type);
  execution_z_loss(r->x, 0.01);
  execution_dropout_key(r->x, 11);
  return true;
}

static void end(struct run *r) {
  execution_free(r->x);
  plan_release(&r->plan);
  parameters_release(&r->parameters);
}

/* Relative distance of all gradients; the worst tensor is noted when it is beyond `bound`. */
static double distance(const struct run *r, const real *want, double bound) {
  const struct parameter_layout *l = &r->parameters.layout;
  real *got = (real *)malloc((size_t)l->total * sizeof *got);
  double error = 0, size = 0, worst = 0;
  int which = 0;
  device_must(r->parameters.backend->to_host(got, r->parameters.gradients, (size_t)l->total * sizeof *got, &device_error));
  for (int i = 0; i < l->count; i++) {
    const struct parameter_tensor *t = &l->tensors[i];
    double e = 0, s = 0;
    for (int64_t k = t->offset; k < t->offset + t->count; k++) e += pow((double)got[k] - (double)want[k], 2), s += pow((double)want[k], 2);
    if (sqrt(e / (s + 1e-12)) > worst || isnan(e)) worst = sqrt(e / (s + 1e-12)), which = i;
    error += e, size += s;
  }
  free(got);
  double d = sqrt(error / (size + 1e-12));
  if (!(d <= bound)) note("gradients %.3g apart, %s %.3g", d, l->tensors[which].name, worst);
  return d;
}

static bool near(double got, double want, double bound, const char *what) {
  bool good = fabs(got - want) <= bound * fmax(1, fabs(want));
  if (!good) note("%s: %.9g, want %.9g", what, got, want);
  return good;
}

static double total(const double *losses) { return losses[0] + losses[1]; }

static bool trains(const struct architecture *a, const struct parameters *from, enum recompute policy, enum matmul_type type, double loss_bound, double bound) {
  struct run cpu, gpu;
  bool good = begin(&cpu, a, backend_cpu(), from, policy, MATMUL_FP32, true) && begin(&gpu, a, device, from, policy, type, true);
  if (!good) return note("%s%s", err.message, device_error.message), false;
  for (int round = 0; round < 3 && good; round++) /* of the device's: step by step, recorded, and what was recorded */
    for (int again = 0; again < 2 && good; again++) {
      double want[B] = {0}, got[B] = {0};
      good = execute_train(cpu.x, ids, targets, 0.25, !again, want, &err) == 0 && execute_train(gpu.x, ids, targets, 0.25, !again, got, &err) == 0;
      if (!good) note("%s", err.message);
      good = good && near(total(got), total(want), loss_bound, "loss") && distance(&gpu, cpu.parameters.gradients, bound) <= bound;
    }
  double want[B] = {0}, got[B] = {0};
  good = good && execute_evaluate(cpu.x, B, T - 2, ids, targets, want, &err) == 0 && execute_evaluate(gpu.x, B, T - 2, ids, targets, got, &err) == 0 && near(total(got), total(want), loss_bound, "evaluation");
  end(&cpu), end(&gpu);
  return good;
}

/* A prompt, then one by one; the second sequence is a copy of the first from then on. */
static bool generates(const struct architecture *a, const struct parameters *from, enum matmul_type type, double bound) {
  struct run cpu, gpu;
  struct cache caches[2];
  static real logits[2][B * V];
  bool good = begin(&cpu, a, backend_cpu(), from, RECOMPUTE_NONE, MATMUL_FP32, false) && begin(&gpu, a, device, from, RECOMPUTE_NONE, type, false);
  good = good && cache_init(&caches[0], &a->config, backend_cpu(), B, T, &err) == 0 && cache_init(&caches[1], &a->config, device, B, T, &err) == 0;
  if (!good) return note("%s", err.message), false;
  struct run *runs[] = {&cpu, &gpu};
  for (int64_t at = 0, n = T - 3; at < T && good; at += n, n = 1) {
    int32_t part[B * T];
    for (int64_t b = 0; b < B; b++) memcpy(part + b * n, ids + b * T + at, (size_t)n * sizeof *part);
    for (int i = 0; i < 2 && good; i++) good = execute_extend(runs[i]->x, &caches[i], 0, B, n, part, logits[i], &err) == 0 && (at > 0 || cache_copy(&caches[i], 1, 0, &err) == 0);
    if (!good) note("%s", err.message);
    double error = 0, size = 0;
    for (int v = 0; v < B * V; v++) error += pow((double)logits[1][v] - (double)logits[0][v], 2), size += pow((double)logits[0][v], 2);
    good = good && sqrt(error / size) <= bound;
    if (sqrt(error / size) > bound) note("after position %lld: logits %.3g apart", (long long)(at + n), sqrt(error / size));
  }
  for (int i = 0; i < 2; i++) cache_release(&caches[i]);
  end(&cpu), end(&gpu);
  return good;
}

/* The profile of a pass has every op, with times. */
static bool profiles(const struct architecture *a, const struct parameters *from) {
  struct run gpu;
  double losses[B] = {0};
  struct profile *p = profile_new();
  bool good = begin(&gpu, a, device, from, RECOMPUTE_NONE, MATMUL_BF16, true);
  execution_profile(gpu.x, p);
  good = good && execute_train(gpu.x, ids, targets, 0.25, true, losses, &err) == 0;
  const struct machine_peak peak = {0};
  good = good && profile_write(p, "/dev/null", &peak, &err) == 0;
  if (!good) note("%s", err.message);
  profile_free(p);
  end(&gpu);
  return good;
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  bool half = stored_bound > 1e-8;
  enum matmul_type type = half ? MATMUL_BF16 : MATMUL_FP32;
  struct rng rng;
  rng_init(&rng, 9);
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)rng_below(&rng, V), targets[i] = i % 5 == 3 ? -1 : (int32_t)rng_below(&rng, V);
  for (int i = 0; i < ARCHITECTURES; i++) {
    struct architecture a = architecture_kind(i, V);
    struct parameters p;
    bool hyena = false;
    for (int64_t l = 0; l < a.config.layers; l++) hyena |= a.config.mixer[l] == MIXER_HYENA;
    if (hyena) {
      struct filter_shape shape = {.T = 1, .L = 1, .C = 1, .width = 1};
      if (device->filter_forward(NULL, NULL, NULL, &shape, &device_error) < 0 && strstr(device_error.message, "not on the GPU yet")) {
        skip(device_error.message, a.name);
        continue;
      }
    }
    if (!ok(parameters_init(&p, &a.config, backend_cpu(), true, &err) == 0 && architecture_values(&p, 7, 0.2, &err) == 0, "%s: parameters are there", a.name)) continue;
    enum recompute policy = (enum recompute)(i % 4);
    ok(trains(&a, &p, policy, type, half ? 0.02 : 1e-4, half ? 0.15 : 2e-3), "%s, %s: losses and gradients are the CPU's", half ? "bf16" : "fp32", a.name);
    ok(generates(&a, &p, type, half ? 0.1 : 1e-3), "%s, %s: so are the logits of a generation", half ? "bf16" : "fp32", a.name);
    if (i == 0) ok(profiles(&a, &p), "%s: a pass can be profiled", half ? "bf16" : "fp32");
    parameters_release(&p);
  }
}

int main(void) { return device_test_run(test); }
