/* SPDX-License-Identifier: MIT */
#include "common/model/op_cached.h"

#include <string.h>

#include "kernels/filter.h"

static int copy_rows(struct execution *x, real *to, int64_t ld_to, const real *from, int64_t ld_from, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r++)
    if (x->backend->to_device(to + r * ld_to, from + r * ld_from, (size_t)columns * sizeof(real), &x->error) < 0) return -1;
  return 0;
}

/* Where position `past` of each sequence's keys begins, and so for values. */
static real *new_keys(const struct plan_node *n, const struct pass *pass, int64_t b) {
  int64_t slot = pass->first_slot + b;
  return cache_keys(pass->cache, n->layer, slot) + pass->cache->past[slot] * pass->cache->layers[n->layer].key_width;
}

static real *new_values(const struct plan_node *n, const struct pass *pass, int64_t b) {
  int64_t slot = pass->first_slot + b;
  return cache_values(pass->cache, n->layer, slot) + pass->cache->past[slot] * pass->cache->layers[n->layer].value_width;
}

/* Keys and values go to the cache first, and are read from there together with the older ones. */
int op_cached_attention(struct execution *x, const struct plan_node *n, const struct pass *pass, struct attention_shape *s) {
  const struct cache *c = pass->cache;
  const struct cache_layer *l = &c->layers[n->layer];
  const real *k = execution_value(x, pass, n->inputs[1]), *v = execution_value(x, pass, n->inputs[2]);
  for (int64_t b = 0; b < pass->B; b++) {
    int64_t row = b * pass->T;
    if (copy_rows(x, new_keys(n, pass, b), l->key_width, k + row * s->ld_k, s->ld_k, pass->T, l->key_width) < 0 ||
        copy_rows(x, new_values(n, pass, b), l->value_width, v + row * s->ld_v, s->ld_v, pass->T, l->value_width) < 0)
      return -1;
  }
  s->ld_k = l->key_width, s->ld_v = l->value_width;
  return x->backend->attention_cached(execution_value(x, pass, n->output), execution_value(x, pass, n->inputs[0]), cache_keys(c, n->layer, pass->first_slot),
                                      cache_values(c, n->layer, pass->first_slot), c->capacity * l->key_width, c->capacity * l->value_width, c->past + pass->first_slot, s, &x->error);
}

int op_cached_latent_attention(struct execution *x, const struct plan_node *n, const struct pass *pass, struct attention_shape *s) {
  const struct model_config *c = &x->plan->config;
  const struct backend *b = x->backend;
  int64_t rows = pass->B * pass->T, rank = c->mla.kv_rank, rope = c->rope_dim, nope = c->head_dim - rope, width = rank + rope, each = nope + c->v_head_dim, H = c->heads;
  const real *kv_b = x->parameters->values + n->parameter, *q = execution_value(x, pass, n->inputs[0]);
  const real *latent = execution_value(x, pass, n->inputs[3]), *rotated = execution_value(x, pass, n->inputs[4]);
  int64_t ld_rotated = x->plan->values[n->inputs[4]].ld;
  for (int64_t i = 0; i < pass->B; i++) {
    real *keys = new_keys(n, pass, i);
    if (copy_rows(x, keys, width, latent + i * pass->T * rank, rank, pass->T, rank) < 0 || copy_rows(x, keys + rank, width, rotated + i * pass->T * ld_rotated, ld_rotated, pass->T, rope) < 0) return -1;
  }
  real *queries = execution_scratch(x, (size_t)(rows * H * (width + rank)) * sizeof(real)), *outputs = queries + rows * H * width;
  if (!queries) return -1;
  for (int64_t h = 0; h < H; h++) { /* kv_b's rows of head h: nope of keys, then v_head_dim of values; each [..][rank] */
    if (b->matmul(MATMUL_FP32, false, false, rows, rank, nope, 1, q + h * c->head_dim, s->ld_q, kv_b + h * each * rank, rank, 0, queries + h * width, H * width, &x->error) < 0 ||
        copy_rows(x, queries + h * width + rank, H * width, q + h * c->head_dim + nope, s->ld_q, rows, rope) < 0)
      return -1;
  }
  struct attention_shape t = *s;
  t.H_kv = 1, t.D = width, t.D_v = rank, t.ld_q = H * width, t.ld_k = t.ld_v = width, t.ld_out = H * rank, t.head_v = rank;
  const real *cached = cache_keys(pass->cache, n->layer, pass->first_slot);
  int64_t stride = pass->cache->capacity * width;
  if (b->attention_cached(outputs, queries, cached, cached, stride, stride, pass->cache->past + pass->first_slot, &t, &x->error) < 0) return -1;
  real *y = execution_value(x, pass, n->output);
  for (int64_t h = 0; h < H; h++)
    if (b->matmul(MATMUL_FP32, false, true, rows, c->v_head_dim, rank, 1, outputs + h * rank, H * rank, kv_b + (h * each + nope) * rank, rank, 0, y + h * c->v_head_dim, s->ld_out, &x->error) < 0) return -1;
  return 0;
}

/* Input rows are kept beside the long convolution's; each output needs the K-1 before it. */
int op_cached_short_convolution(struct execution *x, const struct plan_node *n, const struct pass *pass) {
  const struct parameters *p = x->parameters;
  int64_t width = x->plan->values[n->output].columns, T = pass->T;
  const real *in = execution_value(x, pass, n->inputs[0]);
  real *y = execution_value(x, pass, n->output);
  for (int64_t b = 0; b < pass->B; b++) {
    int64_t past = pass->cache->past[pass->first_slot + b], before = past < n->size - 1 ? past : n->size - 1;
    real *rows = new_values(n, pass, b), *mixed = execution_scratch(x, (size_t)((before + T) * width) * sizeof(real));
    if (!mixed || x->backend->to_device(rows, in + b * T * width, (size_t)(T * width) * sizeof(real), &x->error) < 0 ||
        x->backend->short_convolution_forward(mixed, rows - before * width, p->values + n->parameter, p->values + n->bias, 1, before + T, width, n->size, &x->error) < 0 ||
        x->backend->to_device(y + b * T * width, mixed + before * width, (size_t)(T * width) * sizeof(real), &x->error) < 0)
      return -1;
  }
  return 0;
}

/* The filter of all positions there can be, once. */
int op_cached_filter(struct execution *x, const struct plan_node *n) {
  const struct model_config *c = &x->plan->config;
  if (x->filters[n->layer]) return 0;
  struct filter_shape s = {.T = x->positions, .L = c->max_positions, .C = c->hidden_size, .width = c->hyena.width, .bands = c->hyena.bands};
  real *saved = x->backend->alloc((size_t)filter_saved(&s) * sizeof(real), &x->error);
  x->filters[n->layer] = saved ? x->backend->alloc((size_t)(s.T * s.C) * sizeof(real), &x->error) : NULL;
  int result = x->filters[n->layer] ? x->backend->filter_forward(x->filters[n->layer], saved, x->parameters->values + n->parameter, &s, &x->error) : -1;
  if (saved) x->backend->release(saved);
  return result;
}

int op_cached_long_convolution(struct execution *x, const struct plan_node *n, const struct pass *pass) {
  int64_t C = x->plan->values[n->output].columns, T = pass->T;
  const real *u = execution_value(x, pass, n->inputs[0]);
  for (int64_t b = 0; b < pass->B; b++)
    if (x->backend->to_device(new_keys(n, pass, b), u + b * T * C, (size_t)(T * C) * sizeof(real), &x->error) < 0) return -1;
  return x->backend->long_convolution_cached(execution_value(x, pass, n->output), cache_keys(pass->cache, n->layer, pass->first_slot), pass->cache->capacity * C,
                                             pass->cache->past + pass->first_slot, x->filters[n->layer], x->parameters->values + n->parameter, pass->B, T, C, &x->error);
}
