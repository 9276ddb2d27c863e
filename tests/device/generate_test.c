/* SPDX-License-Identifier: MIT
 *
 * Text from a device: draws from the largest logits beside draws from the whole rows, and models with quantised weights.
 *
 * The generator runs on a backend of which the test sees the logits: whenever the largest are asked for, it takes the whole rows
 * too, and draws every token a second time from these.
 */
#include "common/base/memory.h"
#include "common/model/cache.h"
#include "common/model/generate.h"
#include "common/model/execute.h"
#include "common/model/quantized.h"
#include "tests/architectures.h"
#include "tests/device/device_test.h"

enum { V = 700, DRAWN = 690, ITEMS = 3, TOKENS = 6, PROMPT = 7, B = 2, T = 20, LAST = 2 };

static struct err err;

static const struct backend *watched;
static real rows[ITEMS * V];
static int64_t rows_moved, next_row, allocated;

static int top_logits_watched(real *values, int32_t *ids, real *sums, const stored *logits, int64_t ld, int64_t count, int64_t n, int64_t k, real temperature, struct kernel_error *e) {
  if (k > 0) next_row = 0;
  if (watched->download(rows, logits, count * V, e) < 0) return -1;
  return watched->top_logits(values, ids, sums, logits, ld, count, n, k, temperature, e);
}

static int download_watched(real *to, const stored *from, int64_t n, struct kernel_error *e) {
  rows_moved += n / V;
  return watched->download(to, from, n, e);
}

static void *alloc_watched(size_t bytes, struct kernel_error *e) {
  allocated += (int64_t)bytes;
  return watched->alloc(bytes, e);
}

static struct backend watch(const struct backend *b) {
  watched = b;
  struct backend spy = *b;
  spy.top_logits = top_logits_watched, spy.download = download_watched, spy.alloc = alloc_watched;
  return spy;
}

struct judge {
  const struct sampler_settings *sampler;
  const struct generation *items;
  struct sampler *whole;
  struct rng rng[ITEMS];
  int64_t draws, wrong;
};

/* The token that has come, drawn again: slots are drawn in order, and none is empty before the last tokens. */
static int judge(void *context, const struct generation *g, struct err *e) {
  (void)e;
  struct judge *j = context;
  struct rng *rng = &j->rng[g - j->items];
  double logprob;
  uint32_t seen[PROMPT + TOKENS];
  int64_t seen_count = g->prompt_count + g->count - 1;
  memcpy(seen, g->prompt, (size_t)g->prompt_count * sizeof *seen), memcpy(seen + g->prompt_count, g->ids, (size_t)(g->count - 1) * sizeof *seen);
  uint32_t want = sampler_next(j->whole, j->sampler, rows + next_row++ * V, seen, seen_count, rng, &logprob);
  bool good = g->ids[g->count - 1] == want && memcmp(rng, &g->rng, sizeof *rng) == 0 && fabs(g->logprobs[g->count - 1] - logprob) < 2e-5;
  if (!good) note("token %lld: %u, want %u; logprob %.9g, want %.9g", (long long)g->count, g->ids[g->count - 1], want, g->logprobs[g->count - 1], logprob);
  j->draws++, j->wrong += !good;
  return 0;
}

/* least, most: of the rows whose tokens are drawn, the share that is moved whole */
static void draws(const char *name, struct generator *generator, struct sampler_settings sampler, double least, double most) {
  static const uint32_t prompts[2][PROMPT] = {{3, 1, 4, 1, 5, 9, 2}, {600, 5, 77, 3, 0, 12, 689}};
  struct generation items[ITEMS] = {{.prompt = prompts[0], .prompt_count = PROMPT}, {.prompt = prompts[0], .prompt_count = PROMPT}, {.prompt = prompts[1], .prompt_count = PROMPT - 2}};
  struct judge j = {.sampler = &sampler, .items = items, .whole = sampler_new(DRAWN)};
  for (int i = 0; i < ITEMS; i++) rng_init(&items[i].rng, (uint64_t)i), j.rng[i] = items[i].rng;
  struct generator_settings settings = {.sampler = sampler, .limit = TOKENS, .logprobs = true, .token = judge, .context = &j};
  rows_moved = 0;
  bool good = generator_run(generator, items, ITEMS, &settings, &err) == 0;
  if (!good) note("%s", err.message);
  double share = (double)rows_moved / (double)(ITEMS * TOKENS);
  good = ok(good && j.draws == ITEMS * TOKENS && j.wrong == 0, "%s: %s: tokens are those of whole rows", watched->name, name) && good;
  ok(share >= least && share <= most, "%s: %s: %.2f of the rows are moved whole", watched->name, name, share);
  bool same = true;
  for (int i = 0; i < TOKENS && good; i++) same &= items[0].ids[i] == items[1].ids[i];
  if (sampler.temperature > 0 && sampler.top_p > 0) ok(!same, "%s: %s: two samples of a prompt differ", watched->name, name);
  for (int i = 0; i < ITEMS; i++) generation_release(&items[i]);
  sampler_free(j.whole);
}

static bool copy_parameters(struct parameters *to, const struct parameters *from) {
  for (int t = 0; t < from->layout.count; t++)
    if (parameters_put(to, t, 0, from->values + from->layout.tensors[t].offset, from->layout.tensors[t].count, &err) < 0) return false;
  return true;
}

static void draw_in_all_ways(const struct backend *b) {
  struct model_config c = llama(V, 24, 40, 2, 4, 2, 64);
  struct parameters from, p;
  struct backend spy = watch(b);
  config_name(&c);
  if (!ok(parameters_init(&from, &c, backend_cpu(), false, &err) == 0 && architecture_values(&from, 3, 0.25, &err) == 0 && parameters_init(&p, &c, &spy, false, &err) == 0 && copy_parameters(&p, &from),
          "%s: a model", b->name))
    return;
  struct generator *g = generator_new(&p, ITEMS, DRAWN);
  struct sampler_settings plain = {.temperature = 1, .top_p = 1, .repeat_penalty = 1}, s = plain;
  s.temperature = 0;
  draws("temperature 0", g, s, 0, 0);
  s = plain, s.top_k = 20;
  draws("top-k", g, s, 0, 0);
  s = plain, s.temperature = 0.8, s.top_k = 600, s.top_p = 0.9;
  draws("a large top-k, top-p", g, s, 0, 0);
  s = plain, s.temperature = 0.9, s.top_p = 0.5;
  draws("top-p", g, s, 0, 0.3);
  s = plain, s.temperature = 1, s.top_p = 0.8;
  draws("top-p at a high temperature", g, s, 0.1, 0.95);
  s = plain, s.temperature = 0, s.repeat_penalty = 1.3;
  draws("a penalty", g, s, 0, 0.2);
  s.temperature = 0.9, s.top_k = 5;
  draws("a penalty and top-k", g, s, 0, 0.2);
  s = plain, s.min_p = 0.1;
  draws("min-p", g, s, 0, 0.3);
  generator_free(g);
  parameters_release(&from), parameters_release(&p);
}

/* ---- quantised weights */

struct model {
  struct parameters p;
  struct plan plan;
  struct execution *x;
};

static bool begin(struct model *m, const struct parameters *from, const struct backend *b, enum quantization kind) {
  if (parameters_init_quantized(&m->p, &from->config, b, kind, &err) < 0 || !copy_parameters(&m->p, from)) return false;
  plan_init(&m->plan, &from->config, &m->p.layout, &(struct plan_settings){.B = B, .T = T, .backend = b});
  return execution_new(&m->x, &m->plan, &m->p, T, &err) == 0;
}

static void end(struct model *m) {
  execution_free(m->x);
  plan_release(&m->plan);
  parameters_release(&m->p);
}

/* The logits of all positions, then those of a generation whose prompts are read at once */
static bool run(struct model *m, const int32_t *ids, real *all, real *generated) {
  struct cache cache;
  if (execute_logits(m->x, B, T, ids, false, all, &err) < 0 || cache_init(&cache, &m->p.config, m->p.backend, B, T, &err) < 0) return false;
  bool good = true;
  for (int64_t b = 0; b < B && good; b++) good = execute_extend(m->x, &cache, b, 1, T - LAST, ids + b * T, NULL, &err) == 0;
  for (int64_t at = T - LAST; at < T && good; at++) good = execute_extend(m->x, &cache, 0, B, 1, (int32_t[]){ids[at], ids[T + at]}, generated + (at - (T - LAST)) * B * V, &err) == 0;
  cache_release(&cache);
  return good;
}

static double distance(const real *got, const real *want, int64_t n) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < n; i++) error += pow((double)got[i] - (double)want[i], 2), size += pow((double)want[i], 2);
  return sqrt(error / size);
}

static void quantised(const char *name, struct model_config c, double bound) {
  static real all[2][B * T * V], generated[2][LAST * B * V];
  static int32_t ids[B * T];
  struct rng rng;
  rng_init(&rng, 8);
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)rng_below(&rng, V);
  struct parameters from;
  config_name(&c);
  if (!ok(parameters_init(&from, &c, backend_cpu(), false, &err) == 0 && architecture_values(&from, 6, 0.1, &err) == 0, "%s: a model", name)) return;
  for (int i = 0; i < 2; i++) {
    enum quantization kind = i ? QUANTIZED_Q4_0 : QUANTIZED_Q8_0;
    struct model cpu = {0}, gpu = {0};
    struct backend spy = watch(device);
    bool good = begin(&cpu, &from, backend_cpu(), kind) && run(&cpu, ids, all[0], generated[0]) && begin(&gpu, &from, &spy, kind) && run(&gpu, ids, all[1], generated[1]);
    if (!good) note("%s", err.message);
    double apart = distance(all[1], all[0], B * T * V), later = distance(generated[1], generated[0], LAST * B * V);
    ok(good && apart <= bound && later <= bound, "%s, %s: logits as on the CPU, %.2g and %.2g apart", name, i ? "q4_0" : "q8_0", apart, later);
    struct quantized_report r;
    struct parameters again;
    int64_t vectors = 0;
    quantized_report(&gpu.p, &r);
    for (int t = 0; t < from.layout.count; t++) vectors += from.layout.tensors[t].kind == PARAMETER_VECTOR ? (from.layout.tensors[t].count + 15) * (int64_t)sizeof(real) : 0;
    allocated = 0;
    good = parameters_init_quantized(&again, &c, &spy, kind, &err) == 0;
    ok(good && r.tensors[QUANTIZED_BLOCKS] > 0 && allocated >= r.block_bytes + r.stored_bytes && allocated <= r.block_bytes + r.stored_bytes + vectors, "%s, %s: nothing is kept twice on the device", name, i ? "q4_0" : "q8_0");
    parameters_release(&again);
    end(&cpu), end(&gpu);
  }
  parameters_release(&from);
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  bool half = device->stored_size == 2;
  double bound = half ? 0.03 : 2e-5;
  draw_in_all_ways(device);
  struct model_config tied = llama(V, 64, 96, 2, 4, 2, 64), c = tied;
  quantised(half ? "bf16, tied head" : "fp32, tied head", tied, bound);
  c.tied = false, c.layers = 1, c.norm = NORM_LAYER, c.position = POSITION_LEARNED, c.gated = false, c.activation = ACTIVATION_GELU_TANH, c.qkv_bias = c.o_bias = c.mlp_bias = true;
  quantised(half ? "bf16, biases" : "fp32, biases", c, bound);
  c = tied, c.kv_heads = c.heads, c.head_dim = 24, c.rope_dim = 8, c.v_head_dim = 16, c.mla.kv_rank = 32, c.mla.q_rank = 40, c.layers = 1;
  quantised(half ? "bf16, latent attention" : "fp32, latent attention", c, bound);
  (void)stored_bound;
}

int main(void) {
  draw_in_all_ways(backend_cpu());
  return device_test_run(test);
}
