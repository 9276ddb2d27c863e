/* SPDX-License-Identifier: MIT */
#include "common/model/parameters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"

int kernel_failed(struct err *e, const struct kernel_error *k) { return err_set(e, "%s", k->message); }

/* ---- layout */

static int64_t put(struct parameter_layout *l, double init, const char *name, int rank, int64_t rows, int64_t columns) {
  struct parameter_tensor *t = &l->tensors[l->count++];
  *t = (struct parameter_tensor){.name = STRDUP(name), .rank = rank, .shape = {rows, columns}, .offset = l->total, .count = rows * columns, .init = init};
  l->total += t->count;
  return t->offset;
}

static void align(struct parameter_layout *l) { l->total = (l->total + 15) & ~(int64_t)15; }

void parameter_layout_init(struct parameter_layout *l, const struct model_config *c) {
  *l = (struct parameter_layout){.tensors = NEW_ARRAY(struct parameter_tensor, (size_t)c->layers * 9 + 3),
                                 .layers = NEW_ARRAY(struct parameter_layer, (size_t)c->layers)};
  int64_t C = c->hidden_size, F = c->intermediate_size, q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
  double std = c->initializer_range, residual = std / sqrt(2.0 * (double)c->layers);
  l->embedding = put(l, std, "model.embed_tokens.weight", 2, c->vocab_size, C);
  for (int64_t i = 0; i < c->layers; i++) {
    struct parameter_layer *layer = &l->layers[i];
    char name[96];
#define PUT(init, suffix, rank, rows, columns) \
  (snprintf(name, sizeof name, "model.layers.%lld." suffix ".weight", (long long)i), put(l, init, name, rank, rows, columns))
    align(l);
    layer->input_norm = PUT(0, "input_layernorm", 1, C, 1);
    align(l);
    layer->qkv = PUT(std, "self_attn.q_proj", 2, q, C);
    PUT(std, "self_attn.k_proj", 2, kv, C);
    PUT(std, "self_attn.v_proj", 2, kv, C);
    align(l);
    layer->o = PUT(residual, "self_attn.o_proj", 2, C, q);
    align(l);
    layer->post_norm = PUT(0, "post_attention_layernorm", 1, C, 1);
    align(l);
    layer->gate_up = PUT(std, "mlp.gate_proj", 2, F, C);
    PUT(std, "mlp.up_proj", 2, F, C);
    align(l);
    layer->down = PUT(residual, "mlp.down_proj", 2, C, F);
#undef PUT
  }
  align(l);
  l->final_norm = put(l, 0, "model.norm.weight", 1, C, 1);
  align(l);
  l->head = c->tied ? l->embedding : put(l, std, "lm_head.weight", 2, c->vocab_size, C);
  align(l);
}

void parameter_layout_release(struct parameter_layout *l) {
  for (int i = 0; i < l->count; i++) free(l->tensors[i].name);
  free(l->tensors);
  free(l->layers);
  *l = (struct parameter_layout){0};
}

/* ---- storage */

int parameters_init(struct parameters *p, const struct model_config *c, const struct backend *backend, bool training, struct err *e) {
  *p = (struct parameters){.config = *c, .backend = backend};
  parameter_layout_init(&p->layout, c);
  struct kernel_error k;
  real **arrays[] = {&p->values, &p->gradients, &p->m, &p->v};
  for (int i = 0; i < (training ? 4 : 1); i++) {
    *arrays[i] = backend->alloc((size_t)p->layout.total * sizeof(real), &k);
    if (!*arrays[i]) {
      parameters_release(p);
      return kernel_failed(e, &k);
    }
  }
  return 0;
}

void parameters_release(struct parameters *p) {
  real *arrays[] = {p->values, p->gradients, p->m, p->v};
  for (int i = 0; i < 4; i++)
    if (arrays[i]) p->backend->release(arrays[i]);
  parameter_layout_release(&p->layout);
  *p = (struct parameters){0};
}

/* ---- initial values */

/* Two counters give one normal by Box and Muller's transform (1958); the sine half is not used, so that an element needs
 * no neighbour. */
static double normal(uint64_t seed, uint64_t tensor, uint64_t i) {
  uint64_t stream = splitmix64(splitmix64(seed) ^ (tensor + 1));
  double u = ((double)(splitmix64(stream + 2 * i) >> 11) + 1) * 0x1p-53; /* (0, 1] */
  double w = (double)(splitmix64(stream + 2 * i + 1) >> 11) * 0x1p-53;
  return sqrt(-2 * log(u)) * cos(2 * M_PI * w);
}

int parameters_randomize(struct parameters *p, uint64_t seed, struct err *e) {
  enum { BLOCK = 1 << 16 };
  real *block = MALLOC(BLOCK * sizeof(real));
  int result = 0;
  for (int t = 0; t < p->layout.count && result == 0; t++) {
    const struct parameter_tensor *tensor = &p->layout.tensors[t];
    for (int64_t at = 0; at < tensor->count && result == 0; at += BLOCK) {
      int64_t n = tensor->count - at < BLOCK ? tensor->count - at : BLOCK;
#pragma omp parallel for schedule(static)
      for (int64_t i = 0; i < n; i++)
        block[i] = tensor->init > 0 ? (real)(float)(tensor->init * normal(seed, (uint64_t)t, (uint64_t)(at + i))) : 1;
      struct kernel_error k;
      if (p->backend->to_device(p->values + tensor->offset + at, block, (size_t)n * sizeof(real), &k) < 0) result = kernel_failed(e, &k);
    }
  }
  free(block);
  return result;
}
