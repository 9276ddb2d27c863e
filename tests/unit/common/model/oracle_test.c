/* SPDX-License-Identifier: MIT
 *
 * Models of transformers against ours: logits, loss, every gradient, three AdamW steps, one of Muon, and greedy continuation, from
 * ../shared/data/oracle/lm (made in double precision).
 *
 * Usage: oracle_test [cuda [MODEL]]      on the CPU, or on a GPU: in fp32, then in bf16 within wider bounds
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/io/safetensors.h"
#include "common/model/checkpoint.h"
#include "common/model/execute.h"
#include "common/model/generate.h"
#include "common/train/optimizer.h"
#include "tests/tap.h"

enum { B = 2, T = 32, V = 256 };

static struct err e;
static const struct backend *backend;
static enum matmul_type type;
static const struct bounds { /* of logits; of losses and the norm; relative, of gradients, of parameters after steps */
  const char *name;
  double logit, loss, gradient, parameter;
} cpu = {"", 1e-5, 1e-6, 1e-4, 1e-4}, single = {", fp32 on the GPU", 5e-5, 5e-6, 2e-4, 2e-4}, half = {", bf16 on the GPU", 0.08, 5e-3, 0.05, 0.01}, *bounds = &cpu;

static bool load(const struct safetensors *s, const char *prefix, const char *name, float **out, int64_t *count) {
  char full[160];
  snprintf(full, sizeof full, "%s%s", prefix, name);
  const struct tensor_info *t = safetensors_find(s, full);
  if (!t) return false;
  *out = MALLOC((size_t)t->count * sizeof(float));
  *count = t->count;
  return safetensors_read_f32(s, t, 0, t->count, *out, &e) == 0;
}

/* [in][out], as GPT-2's files have it, becomes [out][in]. */
static void transpose(float *x, int64_t out, int64_t in) {
  float *from = COPY(x, (size_t)(out * in) * sizeof *x);
  for (int64_t o = 0; o < out; o++)
    for (int64_t i = 0; i < in; i++) x[o * in + i] = from[i * out + o];
  free(from);
}

static double relative(const float *got, const float *want, int64_t n) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < n; i++) difference += ((double)got[i] - want[i]) * ((double)got[i] - want[i]), norm += (double)want[i] * want[i];
  return sqrt(difference) / sqrt(norm);
}

/* All n numbers of an array of the device. */
static real *fetched(const real *values, int64_t n) {
  struct kernel_error k;
  real *host = MALLOC((size_t)n * sizeof *host);
  if (backend->to_host(host, values, (size_t)n * sizeof *host, &k) < 0) note("%s", k.message);
  return host;
}

static double worst_tensor(const struct safetensors *ref, const char *prefix, const struct parameters *p, const real *on_device) {
  double worst = 0;
  real *values = fetched(on_device, p->layout.total);
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    float *want;
    int64_t n;
    if (strcmp(prefix, "adamw3.") == 0 && strstr(t->name, "c_attn.bias")) continue; /* a key's has no gradient but rounding, of which AdamW makes whole steps */
    if (!load(ref, prefix, t->name, &want, &n) || n != t->count) {
      note("%s%s is not in the reference", prefix, t->name);
      return HUGE_VAL;
    }
    if (t->transposed) transpose(want, t->shape[0], t->shape[1]);
    double r = relative(values + t->offset, want, n);
    if (r > worst || isnan(r)) worst = isnan(r) ? HUGE_VAL : r;
    free(want);
  }
  free(values);
  return worst;
}

/* One step of Muon from the initial weights, on the gradients at hand: lr 0.02 sqrt(max(1, rows / columns)), no decay. */
static void check_muon(struct parameters *p, const struct safetensors *ref, const char *name) {
  struct optimizer_settings s = optimizer_defaults(OPTIMIZER_MUON);
  struct optimizer *o;
  struct kernel_error k;
  real *before = fetched(p->values, p->layout.total);
  double worst = 0;
  s.weight_decay = 0, s.adjust = MUON_ORIGINAL;
  if (!ok(optimizer_new(&o, p, &s, NULL, &e) == 0 && optimizer_step(o, 1, 0.02, 1, &e) == 0, "%s: Muon steps", name)) return;
  real *values = fetched(p->values, p->layout.total);
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    float *want;
    int64_t n;
    if (t->kind != PARAMETER_MATRIX) continue;
    if (!load(ref, "muon1.", t->name, &want, &n) || n != t->count) {
      worst = HUGE_VAL;
      continue;
    }
    if (t->transposed) transpose(want, t->shape[0], t->shape[1]);
    worst = fmax(worst, relative(values + t->offset, want, n));
    free(want);
  }
  double bound = fmax(1e-5, bounds->gradient / 10); /* a fiftieth of a matrix is new */
  ok(worst <= bound, "%s%s: every matrix after a step of Muon is within %g", name, bounds->name, bound);
  note("largest relative difference of a matrix %.3g", worst);
  if (backend->to_device(p->values, before, (size_t)p->layout.total * sizeof(real), &k) < 0 || parameters_refresh(p, &e) < 0) note("the parameters are not put back");
  free(before), free(values);
  optimizer_free(o);
}

static void check_greedy(struct parameters *p, const struct safetensors *ref, const char *name) {
  float *want;
  int64_t n;
  int32_t ids[64], got[64];
  if (!ok(load(ref, "", "greedy", &want, &n) && n == 32, "%s: the reference holds greedy ids", name)) return;
  for (int i = 0; i < n; i++) got[i] = ids[i] = (int32_t)want[i];
  struct plan plan;
  struct execution *x;
  struct cache cache;
  real logits[V];
  plan_init(&plan, &p->config, &p->layout, &(struct plan_settings){.B = 1, .T = 8, .backend = backend});
  ok(execution_new(&x, &plan, p, 64, &e) == 0 && cache_init(&cache, &p->config, p->backend, 1, 64, &e) == 0, "%s: a cache is made", name);
  execution_type(x, type);
  /* the prompt in two parts, 5 and 3 positions, then one by one */
  bool fine = execute_extend(x, &cache, 0, 1, 5, ids, NULL, &e) == 0 && execute_extend(x, &cache, 0, 1, 3, ids + 5, logits, &e) == 0;
  for (int i = 8; fine && i < n; i++) {
    int best = 0;
    for (int v = 1; v < V; v++)
      if (logits[v] > logits[best]) best = v;
    got[i] = best;
    fine = execute_extend(x, &cache, 0, 1, 1, &got[i], logits, &e) == 0;
  }
  ok(fine && memcmp(got, ids, (size_t)n * sizeof *ids) == 0, "%s%s: greedy continuation through the cache gives the reference's ids", name, bounds->name);
  cache_release(&cache);
  execution_free(x);
  plan_release(&plan);
  free(want);
}

static void check_model(const char *name) {
  char relative_path[128], title[160];
  snprintf(relative_path, sizeof relative_path, "oracle/lm/%s", name);
  const char *folder = tap_shared(relative_path);
  if (!folder) {
    skip("no ../shared/data", name);
    return;
  }
  char path[1100];
  struct model_config c;
  struct parameters p;
  struct safetensors *ref;
  snprintf(path, sizeof path, "%s/reference.safetensors", folder);
  if (!ok(checkpoint_config(&c, folder, &e) == 0, "%s: config.json is understood", name)) { note("%s", e.message); return; }
  if (!ok(safetensors_open(&ref, path, &e) == 0, "%s: the reference opens", name)) return;
  if (!ok(parameters_init(&p, &c, backend, true, &e) == 0 && checkpoint_weights(&p, folder, &e) == 0, "%s: weights load", name)) { note("%s", e.message); return; }
  if (bounds != &half) check_greedy(&p, ref, name);

  float *ids_float, *logits_want, *loss_want, *losses_want, *norm_want;
  int64_t n;
  if (!ok(load(ref, "", "input_ids", &ids_float, &n) && n == B * T && load(ref, "", "logits", &logits_want, &n) && n == B * T * V &&
          load(ref, "", "loss", &loss_want, &n) && load(ref, "", "adamw.losses", &losses_want, &n) && n == 4 && load(ref, "", "grad_norm", &norm_want, &n), "%s: the reference is whole", name)) return;
  int32_t ids[B * T], targets[B * T];
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)ids_float[i], targets[i] = i % T == T - 1 ? -1 : (int32_t)ids_float[i + 1];

  struct plan plan;
  struct execution *x;
  plan_init(&plan, &c, &p.layout, &(struct plan_settings){.B = B, .T = T, .training = true, .backend = backend});
  ok(execution_new(&x, &plan, &p, T, &e) == 0, "%s: a plan is made", name);
  execution_type(x, type);
  static real logits[B * T * V];
  ok(execute_logits(x, B, T, ids, false, logits, &e) == 0, "%s: it runs forward", name);
  double worst = 0;
  for (int i = 0; i < B * T * V; i++) worst = fmax(worst, fabs((double)logits[i] - logits_want[i]));
  ok(worst <= bounds->logit, "%s%s: logits are within %g", name, bounds->name, bounds->logit);
  note("largest difference of a logit %.3g", worst);

  struct optimizer_settings settings = optimizer_defaults(OPTIMIZER_ADAMW);
  struct optimizer *adamw;
  if (!ok(optimizer_new(&adamw, &p, &settings, NULL, &e) == 0, "%s: an optimiser is there", name)) return;
  double count = B * (T - 1);
  for (int step = 0; step < 4; step++) {
    struct kernel_error k;
    double losses[B] = {0}, loss = 0;
    if (!ok(execute_train(x, ids, targets, 1 / count, true, losses, &e) == 0, "%s: step %d runs", name, step)) break;
    for (int b = 0; b < B; b++) loss += losses[b];
    snprintf(title, sizeof title, "%s: loss before step %d", name, step);
    ok_near(loss / count, losses_want[step], fmax(2e-5, 2 * bounds->loss), title);
    if (step == 0) {
      ok_near(loss / count, loss_want[0], bounds->loss, "the loss is the reference's");
      worst = worst_tensor(ref, "grad.", &p, p.gradients);
      ok(worst <= bounds->gradient, "%s%s: every gradient is within %g", name, bounds->name, bounds->gradient);
      note("largest relative difference of a gradient %.3g", worst);
      double squares = 0;
      p.backend->sum_squares(&squares, p.gradients, p.layout.total, &k);
      ok_near(sqrt(squares), norm_want[0], 10 * bounds->loss, "the norm of the gradient is the reference's");
    }
    if (step == 0 && bounds != &half && safetensors_find(ref, "muon1.model.layers.0.self_attn.q_proj.weight")) check_muon(&p, ref, name);
    if (step < 3) optimizer_step(adamw, step + 1, 1e-3, 1, &e);
  }
  worst = worst_tensor(ref, "adamw3.", &p, p.values);
  ok(worst <= bounds->parameter, "%s%s: every parameter after three AdamW steps is within %g", name, bounds->name, bounds->parameter);
  note("largest relative difference of a parameter %.3g", worst);

  optimizer_free(adamw);
  execution_free(x);
  plan_release(&plan);
  parameters_release(&p);
  safetensors_close(ref);
  free(ids_float), free(logits_want), free(loss_want), free(losses_want), free(norm_want);
}

/* A model that others trained (karpathy's stories260K): its greedy text, through the generator. */
static void check_stories(void) {
  const char *folder = tap_shared("oracle/lm/stories260K"), *list = tap_shared("oracle/lm/stories260K/greedy_ids.txt");
  FILE *f = list ? fopen(list, "r") : NULL;
  if (!folder || !f) {
    skip("no ../shared/data", "stories260K");
    return;
  }
  uint32_t want[256];
  int n = 0;
  while (n < 256 && fscanf(f, "%u", &want[n]) == 1) n++;
  fclose(f);
  struct model_config c;
  struct parameters p;
  if (!ok(checkpoint_config(&c, folder, &e) == 0 && parameters_init(&p, &c, backend, false, &e) == 0 && checkpoint_weights(&p, folder, &e) == 0, "stories260K: loads")) return;
  struct generation g = {.prompt = want, .prompt_count = 1};
  struct generator *generator = generator_new(&p, 1, c.vocab_size);
  struct generator_settings settings = {.sampler = {.top_p = 1, .repeat_penalty = 1}, .limit = n - 1};
  ok(n > 32 && generator_run(generator, &g, 1, &settings, &e) == 0 && g.count == n - 1 && memcmp(g.ids, want + 1, (size_t)(n - 1) * sizeof *want) == 0, "stories260K: %d greedy tokens are the reference's", n - 1);
  generation_release(&g);
  generator_free(generator);
  parameters_release(&p);
}

int main(int argc, char **argv) {
  bool gpu = argc > 1 && strcmp(argv[1], "cuda") == 0;
  for (int i = 0; i <= gpu; i++) {
    struct kernel_error k;
    type = i ? MATMUL_BF16 : MATMUL_FP32, bounds = !gpu ? &cpu : i ? &half : &single;
    backend = gpu ? backend_cuda(type, &k) : backend_cpu();
    if (!ok(backend != NULL, "a backend")) {
      note("%s", k.message);
      continue;
    }
    static const char *const models[] = {"llama-tied", "llama-untied", "qwen3-tied", "gpt2"};
    for (int m = 0; m < 4; m++)
      if (argc < 3 || strcmp(argv[2], models[m]) == 0) check_model(models[m]);
    if (i == 0 && argc < 3) check_stories();
  }
  return tap_done();
}
