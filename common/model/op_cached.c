/* SPDX-License-Identifier: MIT */
#include "common/model/op_cached.h"

#include <assert.h>

#include "kernels/filter.h"

#define CALL(op, ...) (x->backend->op(__VA_ARGS__, &x->error))

/* Rows of a pass become rows of its sequences' keys (or what else a layer keeps there), from column `column` on. */
static int append_keys(struct execution *x, const struct plan_node *n, const struct pass *pass, int64_t column, const stored *rows, int64_t ld, int64_t columns) {
  return CALL(cache_append, stored_at(x->backend, cache_keys(pass->cache, n->layer), column), pass->cache->layers[n->layer].key_width, &pass->pages, x->past, rows, ld, pass->B, pass->T, columns);
}

static int append_values(struct execution *x, const struct plan_node *n, const struct pass *pass, const stored *rows, int64_t ld, int64_t columns) {
  return CALL(cache_append, cache_values(pass->cache, n->layer), pass->cache->layers[n->layer].value_width, &pass->pages, x->past, rows, ld, pass->B, pass->T, columns);
}

/* Keys and values go to the cache first, and are read from there together with the older ones. */
int op_cached_attention(struct execution *x, const struct plan_node *n, const struct pass *pass, struct attention_shape *s) {
  const struct cache *c = pass->cache;
  const struct cache_layer *l = &c->layers[n->layer];
  if (append_keys(x, n, pass, 0, execution_value(x, pass, n->inputs[1]), s->ld_k, l->key_width) < 0 || append_values(x, n, pass, execution_value(x, pass, n->inputs[2]), s->ld_v, l->value_width) < 0)
    return -1;
  s->ld_k = l->key_width, s->ld_v = l->value_width;
  return CALL(attention_cached, execution_value(x, pass, n->output), execution_value(x, pass, n->inputs[0]), cache_keys(c, n->layer), cache_values(c, n->layer), &pass->pages, x->past, pass->longest, s);
}

int op_cached_latent_attention(struct execution *x, const struct plan_node *n, const struct pass *pass, struct attention_shape *s) {
  const struct model_config *c = &x->plan->config;
  int64_t rows = pass->B * pass->T, rank = c->mla.kv_rank, rope = c->rope_dim, nope = c->head_dim - rope, width = rank + rope, each = nope + c->v_head_dim, H = c->heads;
  const stored *kv_b = parameters_working(x->parameters, n->parameter), *q = execution_value(x, pass, n->inputs[0]);
  if (append_keys(x, n, pass, 0, execution_value(x, pass, n->inputs[3]), rank, rank) < 0 ||
      append_keys(x, n, pass, rank, execution_value(x, pass, n->inputs[4]), x->plan->values[n->inputs[4]].ld, rope) < 0)
    return -1;
  stored *queries = execution_scratch(x, rows * H * (width + rank)), *outputs = stored_at(x->backend, queries, rows * H * width);
  if (!queries) return -1;
  /* kv_b's rows of head h: nope of keys, then v_head_dim of values; each [..][rank] */
  struct batch_shape keys = {.count = H, .M = rows, .N = rank, .K = nope, .ld_a = s->ld_q, .ld_b = rank, .ld_c = H * width, .stride_a = c->head_dim, .stride_b = each * rank, .stride_c = width};
  struct batch_shape values = {.count = H, .M = rows, .N = c->v_head_dim, .K = rank, .ld_a = H * rank, .ld_b = rank, .ld_c = s->ld_out, .stride_a = rank, .stride_b = each * rank, .stride_c = c->v_head_dim, .transpose_b = true};
  assert(s->ld_q == H * c->head_dim);
  if (CALL(matmul_batched, MATMUL_FP32, queries, q, kv_b, &keys) < 0 || CALL(copy_rows, stored_at(x->backend, queries, rank), width, stored_at(x->backend, q, nope), c->head_dim, rows * H, rope) < 0) return -1;
  struct attention_shape t = *s;
  t.H_kv = 1, t.D = width, t.D_v = rank, t.ld_q = H * width, t.ld_k = t.ld_v = width, t.ld_out = H * rank, t.head_v = rank;
  const stored *cached = cache_keys(pass->cache, n->layer);
  if (CALL(attention_cached, outputs, queries, cached, cached, &pass->pages, x->past, pass->longest, &t) < 0) return -1;
  return CALL(matmul_batched, MATMUL_FP32, execution_value(x, pass, n->output), outputs, stored_at(x->backend, kv_b, nope * rank), &values);
}

/* Input rows are kept beside the long convolution's; each output needs the K-1 before it. */
int op_cached_short_convolution(struct execution *x, const struct plan_node *n, const struct pass *pass) {
  int64_t width = x->plan->values[n->output].columns;
  if (append_values(x, n, pass, execution_value(x, pass, n->inputs[0]), width, width) < 0) return -1;
  return CALL(short_convolution_cached, execution_value(x, pass, n->output), cache_values(pass->cache, n->layer), &pass->pages, x->past, parameters_exact(x->parameters, n->parameter),
              parameters_exact(x->parameters, n->bias), pass->B, pass->T, width, n->size);
}

/* The filter of all positions there can be, once. */
int op_cached_filter(struct execution *x, const struct plan_node *n) {
  const struct model_config *c = &x->plan->config;
  if (x->filters[n->layer]) return 0;
  struct filter_shape s = {.T = x->positions, .L = c->max_positions, .C = c->hidden_size, .width = c->hyena.width, .bands = c->hyena.bands};
  real *saved = x->backend->alloc((size_t)filter_saved(&s) * sizeof(real), &x->error);
  x->filters[n->layer] = saved ? x->backend->alloc((size_t)(s.T * s.C) * x->backend->stored_size, &x->error) : NULL;
  int result = x->filters[n->layer] ? CALL(filter_forward, x->filters[n->layer], saved, parameters_exact(x->parameters, n->parameter), &s) : -1;
  if (saved) x->backend->release(saved);
  return result;
}

int op_cached_long_convolution(struct execution *x, const struct plan_node *n, const struct pass *pass) {
  int64_t C = x->plan->values[n->output].columns;
  if (append_keys(x, n, pass, 0, execution_value(x, pass, n->inputs[0]), C, C) < 0) return -1;
  return CALL(long_convolution_cached, execution_value(x, pass, n->output), cache_keys(pass->cache, n->layer), &pass->pages, x->past, pass->longest, x->filters[n->layer],
              parameters_exact(x->parameters, n->parameter), pass->B, pass->T, C);
}
