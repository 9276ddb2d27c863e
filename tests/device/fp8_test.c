/* SPDX-License-Identifier: MIT
 *
 * Whole models with products of FP8 factors, against the CPU's float and the device's bfloat16.
 */
#include "common/model/execute.h"
#include "kernels/fp8.h"
#include "tests/architectures.h"
#include "tests/device/device_test.h"

enum { B = 2, T = 16, V = 32, STEPS = 3 };

static struct err err;
static int32_t ids[B * T], targets[B * T];

struct result {
  double losses[B];
  real *gradients;
  int64_t count;
};

/* Passes that add up, step by step, recorded, and what was recorded. */
static struct result train(const struct model_config *c, const struct backend *b, enum matmul_type type) {
  struct parameters host, p;
  struct plan plan;
  struct execution *x = NULL;
  struct result r = {{0}, NULL, 0};
  if (parameters_init(&host, c, backend_cpu(), true, &err) < 0 || architecture_values(&host, 7, 0.2, &err) < 0 || parameters_init(&p, c, b, true, &err) < 0) return note("%s", err.message), r;
  for (int t = 0; t < host.layout.count; t++) device_must(parameters_put(&p, t, 0, host.values + host.layout.tensors[t].offset, host.layout.tensors[t].count, &err));
  plan_init(&plan, c, &p.layout, &(struct plan_settings){.B = B, .T = T, .training = true, .recompute = RECOMPUTE_NORM, .backend = b});
  if (execution_new(&x, &plan, &p, T, &err) == 0) {
    execution_type(x, type);
    bool good = true;
    for (int i = 0; i < STEPS && good; i++) good = execute_train(x, ids, targets, 0.25, i == 0, r.losses, &err) == 0;
    r.count = p.layout.total, r.gradients = (real *)malloc((size_t)r.count * sizeof(real));
    device_must(b->to_host(r.gradients, p.gradients, (size_t)r.count * sizeof(real), &device_error));
    if (!good) r.count = 0;
  }
  if (err.message[0]) note("%s", err.message);
  execution_free(x);
  plan_release(&plan);
  parameters_release(&p), parameters_release(&host);
  return r;
}

static double apart(const struct result *a, const struct result *b) {
  double error = 0, size = 1e-12;
  for (int64_t i = 0; i < a->count; i++) error += pow((double)a->gradients[i] - (double)b->gradients[i], 2), size += pow((double)b->gradients[i], 2);
  return a->count > 0 && a->count == b->count ? sqrt(error / size) : INFINITY;
}

static void model(const char *name, const struct model_config *c) {
  struct result cpu = train(c, backend_cpu(), MATMUL_FP32), half = train(c, device, MATMUL_BF16), before = {{0}, NULL, 0};
  for (int kind = 0; kind < 2; kind++) {
    fp8_choose(kind ? FP8_SCALES_MATRIX : FP8_SCALES_BLOCKS, 0);
    struct result eight = train(c, device, MATMUL_FP8);
    double d = apart(&eight, &cpu), plain = apart(&half, &cpu), loss = fabs(eight.losses[0] + eight.losses[1] - cpu.losses[0] - cpu.losses[1]) / (cpu.losses[0] + cpu.losses[1]);
    /* A factor of 3 bits behind the point is 16 times as rough as one of 7; what lies between the products is bfloat16 in both. */
    if (!ok(d > 3 * plain && d < 16 * plain && loss < 0.03, "%s: %s", name, kind ? "a scale a matrix" : "scales of blocks"))
      note("gradients %.3g apart, of bfloat16 %.3g, loss %.3g", d, plain, loss);
    if (kind) ok(apart(&eight, &before) > 0 || fp8_without_blocks() > 0, "%s: the two differ", name);
    free(before.gradients);
    before = eight;
  }
  fp8_choose(FP8_SCALES_BLOCKS, 1);
  struct result small = train(c, device, MATMUL_FP8);
  ok(apart(&small, &half) == 0, "%s: products too small to gain stay bfloat16", name);
  free(cpu.gradients), free(half.gradients), free(before.gradients), free(small.gradients);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  if (device->stored_size != 2) return;
  struct rng rng;
  rng_init(&rng, 9);
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)rng_below(&rng, V), targets[i] = (int32_t)rng_below(&rng, V);
  struct model_config c = llama(V, 64, 96, 1, 4, 2, 64);
  model("gated", &c);
  c.gated = false, c.activation = ACTIVATION_RELU2, c.qkv_bias = c.o_bias = c.mlp_bias = true;
  model("with biases", &c);
  /* Nothing but the embedding and the head */
  c.layers = 0;
  fp8_choose(FP8_SCALES_BLOCKS, 0);
  struct result eight = train(&c, device, MATMUL_FP8), half = train(&c, device, MATMUL_BF16);
  ok(apart(&eight, &half) == 0, "the head stays bfloat16");
  free(eight.gradients), free(half.gradients);
  fp8_choose(FP8_SCALES_BLOCKS, 1);
}

int main(void) { return device_test_run(test); }
