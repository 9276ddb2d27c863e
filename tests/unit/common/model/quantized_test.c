/* SPDX-License-Identifier: MIT
 *
 * A model with quantised weights computes what the same model computes with each of these weights rounded to what its blocks
 * say, in passes of few rows and of many, through a cache and without, and holds no more memory than its blocks.
 */
#include "common/model/quantized.h"

#include <math.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/model/cache.h"
#include "common/model/execute.h"
#include "kernels/quantized.h"
#include "tests/architectures.h"
#include "tests/tap.h"

enum { B = 2, T = 24, V = 101, LAST = 3 };

static struct err e;
static int32_t ids[B * T], targets[B * T];
static size_t allocated;

static void *counting_alloc(size_t bytes, struct kernel_error *k) {
  allocated += bytes;
  return backend_cpu()->alloc(bytes, k);
}

struct model {
  struct parameters p;
  struct plan plan;
  struct execution *x;
};

static bool start(struct model *m) {
  plan_init(&m->plan, &m->p.config, &m->p.layout, &(struct plan_settings){.B = B, .T = T});
  m->plan.chunk_rows = 7;
  return execution_new(&m->x, &m->plan, &m->p, T, &e) == 0;
}

static void finish(struct model *m) {
  execution_free(m->x);
  plan_release(&m->plan);
  parameters_release(&m->p);
}

/* Said here once more, by name. */
static bool in_blocks(const struct parameter_tensor *t) {
  static const char *const names[] = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "c_attn", "c_proj", "c_fc", "q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "in_proj", "out_proj"};
  if (strstr(t->name, ".experts.") || t->rank < 2 || t->shape[1] % 32) return false;
  if (strcmp(t->name, "lm_head.weight") == 0) return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *at = strstr(t->name, names[i]);
    if (at && at[-1] == '.' && strcmp(at + strlen(names[i]), ".weight") == 0) return true;
  }
  return false;
}

static const struct parameter_tensor *find(const struct parameter_layout *l, const char *name) {
  for (int i = 0; i < l->count; i++)
    if (strcmp(l->tensors[i].name, name) == 0) return &l->tensors[i];
  return NULL;
}

static void rounded(enum quantization kind, real *to, const real *from, const struct parameter_tensor *t) {
  struct kernel_error k;
  void *blocks = MALLOC(quantized_bytes(kind, t->shape[0], t->shape[1]));
  if (quantize_rows(kind, blocks, from, t->shape[0], t->shape[1], &k) < 0) note("%s", k.message);
  dequantize_rows(kind, to, blocks, t->shape[0], t->shape[1]);
  free(blocks);
}

/* `from` with rounded weights; a tied head becomes one of its own. */
static bool reference(struct model *m, const struct parameters *from, enum quantization kind) {
  struct model_config c = from->config;
  bool head = c.tied && c.hidden_size % 32 == 0;
  if (head) c.tied = false;
  if (parameters_init(&m->p, &c, backend_cpu(), false, &e) < 0) return false;
  for (int i = 0; i < m->p.layout.count; i++) {
    const struct parameter_tensor *t = &m->p.layout.tensors[i], *source = find(&from->layout, t->name);
    if (!source && head) source = &from->layout.tensors[0]; /* the embedding */
    real *to = m->p.values + t->offset;
    memcpy(to, from->values + source->offset, (size_t)t->count * sizeof *to);
    if (in_blocks(t)) rounded(kind, to, from->values + source->offset, t);
  }
  return start(m);
}

static bool quantised(struct model *m, const struct parameters *from, const struct backend *b, enum quantization kind) {
  allocated = 0;
  if (parameters_init_quantized(&m->p, &from->config, b, kind, &e) < 0) return false;
  for (int i = 0; i < from->layout.count; i++) { /* in pieces, as files are read */
    const struct parameter_tensor *t = &from->layout.tensors[i];
    for (int64_t at = 0; at < t->count; at += 160)
      if (parameters_put(&m->p, i, at, from->values + t->offset + at, t->count - at < 160 ? t->count - at : 160, &e) < 0) return false;
  }
  return start(m);
}

static double distance(const real *got, const real *want, int64_t n) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < n; i++) error += pow((double)got[i] - (double)want[i], 2), size += pow((double)want[i], 2);
  return sqrt(error / size);
}

static bool generate(struct model *m, real *logits) {
  struct cache cache;
  if (cache_init(&cache, &m->p.config, m->p.backend, B, T, &e) < 0) return false;
  bool fine = true;
  for (int64_t b = 0; b < B && fine; b++) fine = execute_extend(m->x, &cache, b, 1, T - LAST, ids + b * T, NULL, &e) == 0;
  for (int64_t at = T - LAST; at < T && fine; at++) fine = execute_extend(m->x, &cache, 0, B, 1, (int32_t[]){ids[at], ids[T + at]}, logits + (at - (T - LAST)) * B * V, &e) == 0;
  cache_release(&cache);
  return fine;
}

/* Relative difference of the logits of all positions, of a short pass, of a generation, and of the losses */
static bool compare(struct model *got, struct model *want, double bound, double *logits_apart) {
  static real logits[2][B * T * V], few[2][4 * V], generated[2][LAST * B * V];
  double losses[2][B] = {{0}};
  struct model *models[] = {got, want};
  for (int i = 0; i < 2; i++)
    if (execute_logits(models[i]->x, B, T, ids, false, logits[i], &e) < 0 || execute_logits(models[i]->x, 1, 4, ids, false, few[i], &e) < 0 || !generate(models[i], generated[i]) ||
        execute_evaluate(models[i]->x, B, T, ids, targets, losses[i], &e) < 0)
      return note("%s", e.message), false;
  double apart[] = {distance(logits[0], logits[1], B * T * V), distance(few[0], few[1], 4 * V), distance(generated[0], generated[1], LAST * B * V), fabs(losses[0][0] + losses[0][1] - losses[1][0] - losses[1][1]) / (B * T)};
  *logits_apart = apart[0];
  bool good = true;
  for (int i = 0; i < 4; i++) good &= apart[i] <= bound;
  if (!good) note("all positions %.2g, few %.2g, generated %.2g, loss %.2g", apart[0], apart[1], apart[2], apart[3]);
  return good;
}

static void check(const char *name, struct model_config c) {
  struct model plain = {0};
  config_name(&c);
  if (!ok(parameters_init(&plain.p, &c, backend_cpu(), false, &e) == 0 && architecture_values(&plain.p, 5, 0.1, &e) == 0 && start(&plain), "%s: a model", name)) return;
  struct backend counting = *backend_cpu();
  counting.alloc = counting_alloc;
  for (int i = 0; i < 2; i++) {
    enum quantization kind = i ? QUANTIZED_Q4_0 : QUANTIZED_Q8_0;
    const char *word = i ? "q4_0" : "q8_0";
    struct model got = {0}, want = {0};
    double apart, damage;
    if (!ok(quantised(&got, &plain.p, &counting, kind) && reference(&want, &plain.p, kind), "%s, %s: models", name, word)) continue;
    ok(compare(&got, &want, 1e-5, &apart), "%s, %s: the logits are those of rounded weights", name, word);

    struct quantized_report r;
    int64_t matrices = 0, block_bytes = 0, stored = 0;
    for (int k = 0; k < plain.p.layout.count; k++) {
      const struct parameter_tensor *t = &plain.p.layout.tensors[k];
      bool embedding = t->offset == plain.p.layout.embedding, blocks = in_blocks(t) || (embedding && c.tied && c.hidden_size % 32 == 0);
      matrices += blocks, block_bytes += blocks ? t->count / 32 * (i ? 18 : 34) : 0, stored += blocks && !embedding ? 0 : t->count;
    }
    quantized_report(&got.p, &r);
    ok(r.tensors[QUANTIZED_BLOCKS] == matrices && r.block_bytes >= block_bytes && r.block_bytes <= block_bytes + 64 * (matrices + 1), "%s, %s: %lld matrices are in blocks", name, word, (long long)matrices);
    ok(r.stored_bytes >= stored * 4 && r.stored_bytes <= stored * 4 + 64 * got.p.layout.count, "%s, %s: the rest stays as stored", name, word);
    struct parameters again;
    allocated = 0;
    ok(parameters_init_quantized(&again, &c, &counting, kind, &e) == 0 && allocated == (size_t)(r.block_bytes + r.stored_bytes), "%s, %s: nothing is kept twice", name, word);
    parameters_release(&again);

    compare(&got, &plain, INFINITY, &damage);
    ok(matrices == 0 ? damage == 0 : damage > 1e-5 && damage < (i ? 0.6 : 0.05), "%s, %s: the logits are %.2g from those of the weights as they were", name, word, damage);
    finish(&got), finish(&want);
  }
  finish(&plain);
}

int main(void) {
  struct rng rng;
  rng_init(&rng, 4);
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)rng_below(&rng, V), targets[i] = i % T == T - 1 ? -1 : (int32_t)rng_below(&rng, V);

  struct model_config tied = llama(V, 64, 96, 2, 4, 2, 64), c = tied;
  check("tied head", tied);
  c.tied = false;
  check("untied head", c);
  c = tied, c.norm = NORM_LAYER, c.position = POSITION_LEARNED, c.gated = false, c.activation = ACTIVATION_GELU_TANH, c.qkv_bias = c.o_bias = c.mlp_bias = true;
  check("LayerNorm, biases, no gate", c);
  c = tied, c.hidden_size = 48, c.qk_norm = true;
  check("half of the rows are no whole blocks", c);
  c = tied, c.heads = 5, c.kv_heads = 1, c.head_dim = c.v_head_dim = c.rope_dim = 6;
  check("matrices that lie together begin anywhere", c);
  c = llama(V, 12, 20, 2, 2, 1, 64);
  check("no row is whole blocks", c);
  c = tied, c.kv_heads = c.heads, c.head_dim = 24, c.rope_dim = 8, c.v_head_dim = 16, c.mla.kv_rank = 32, c.mla.q_rank = 64;
  check("latent attention", c);
  c.mla.q_rank = 0, c.tied = false;
  check("latent attention, queries from the whole", c);
  c = tied, c.moe.count = 5, c.moe.top = 2, c.moe.size = 32, c.moe.normalize = true, c.moe.shared = 1, c.moe.dense_layers = 1;
  check("experts, shared ones, a dense layer", c);
  c = tied, c.mixer[0] = MIXER_HYENA, c.hyena.width = 5, c.hyena.bands = 2;
  check("Hyena, then attention", c);

  struct parameters p;
  real weights[64 * 64] = {0};
  c = tied, config_name(&c);
  weights[77] = NAN;
  int t = 0;
  ok(parameters_init_quantized(&p, &c, backend_cpu(), QUANTIZED_Q8_0, &e) == 0, "a model for bad weights");
  while (!strstr(p.layout.tensors[t].name, "q_proj")) t++;
  ok(parameters_put(&p, t, 0, weights, 64 * 64, &e) < 0 && strstr(e.message, p.layout.tensors[t].name), "a weight that is not a number is refused, with its tensor's name");
  parameters_release(&p);
  return tap_done();
}
