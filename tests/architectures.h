/* SPDX-License-Identifier: MIT
 *
 * Configs of small models for tests of the whole tower: one of every kind, and random ones over all choices at once.  Sizes are
 * no multiples of anything.
 */
#ifndef TESTS_ARCHITECTURES_H
#define TESTS_ARCHITECTURES_H

#include <stdio.h>
#include <stdlib.h>

#include "common/base/rng.h"
#include "common/model/parameters.h"
#include "tests/llama.h"

struct architecture {
  char name[64];
  struct model_config config;
};

static inline struct model_config architecture_plain(int64_t vocab_size) {
  struct model_config c = llama(vocab_size, 12, 20, 2, 4, 2, 64);
  c.rope_theta = 100, c.initializer_range = 0.3, c.head_dim = c.v_head_dim = c.rope_dim = 6;
  return c;
}

enum { ARCHITECTURES = 25 };

/* The i-th kind. */
static inline struct architecture architecture_kind(int i, int64_t vocab_size) {
  struct model_config c = architecture_plain(vocab_size), latent = c, moe = c;
  latent.kv_heads = latent.heads, latent.head_dim = 8, latent.rope_dim = 4, latent.v_head_dim = 5, latent.mla.kv_rank = 7;
  moe.moe.count = 5, moe.moe.top = 2, moe.moe.size = 10, moe.moe.normalize = true;
  const char *name = "";
  switch (i) {
    case 0: name = "tied, grouped queries"; break;
    case 1: name = "untied, one layer", c.tied = false, c.kv_heads = 4, c.layers = 1; break;
    case 2: name = "a short window, one key head", c.kv_heads = 1, c.window = 3, c.mixer[0] = c.mixer[1] = MIXER_SLIDING; break;
    case 3: name = "a window longer than the sequence", c.window = 50, c.mixer[0] = MIXER_SLIDING; break;
    case 4: name = "window 1, then full", c.window = 1, c.mixer[0] = MIXER_SLIDING; break;
    case 5: name = "learned positions, LayerNorm, biases, no gate", c.norm = NORM_LAYER, c.position = POSITION_LEARNED, c.gated = false, c.activation = ACTIVATION_GELU_TANH, c.qkv_bias = c.o_bias = c.mlp_bias = true; break;
    case 6: name = "post-norm LayerNorm, sinusoidal positions", c.norm = NORM_LAYER, c.post_norm = true, c.position = POSITION_SINUSOIDAL, c.activation = ACTIVATION_GELU, c.mlp_bias = true; break;
    case 7: name = "post-norm RMSNorm, no positions, gated relu2", c.post_norm = true, c.position = POSITION_NONE, c.activation = ACTIVATION_RELU2; break;
    case 8: name = "QK-norm, biases of q, k and v", c.qk_norm = c.qkv_bias = true; break;
    case 9: name = "QK-norm without rotation, post-norm", c.qk_norm = c.post_norm = true, c.position = POSITION_LEARNED; break;
    case 10: name = "dropout", c.dropout = 0.3, c.embedding_dropout = 0.2, c.attention_dropout = 0.25; break;
    case 11: name = "dropout, post-norm, learned positions", c.dropout = 0.3, c.embedding_dropout = 0.2, c.post_norm = true, c.position = POSITION_LEARNED; break;
    case 12: name = "latent attention", c = latent; break;
    case 13: name = "latent attention and queries, post-norm", c = latent, c.mla.q_rank = 5, c.post_norm = true, c.tied = false; break;
    case 14: name = "latent attention in a window", c = latent, c.window = 4, c.mixer[1] = MIXER_SLIDING, c.mla.interleaved = true; break;
    case 15: name = "experts", c = moe; break;
    case 16: name = "experts, shared ones, a dense layer, sigmoid scores", c = moe, c.moe.shared = 2, c.moe.dense_layers = 1, c.moe.sigmoid = c.moe.correction = true, c.moe.scale = 1.5, c.moe.balance = BALANCE_BIAS; break;
    case 17: name = "experts and shared ones, post-norm", c = moe, c.moe.shared = 1, c.post_norm = true; break;
    case 18: name = "experts, shared ones, post-norm and dropout", c = moe, c.moe.shared = 1, c.post_norm = true, c.dropout = 0.3, c.gated = false; break;
    case 19: name = "experts in groups, latent attention, shared experts", c = latent, c.moe = moe.moe, c.moe.count = 6, c.moe.groups = 3, c.moe.top_groups = 2, c.moe.shared = 1, c.moe.normalize = false; break;
    case 20: name = "Hyena, then attention", c.mixer[0] = MIXER_HYENA, c.hyena.width = 5, c.hyena.bands = 2; break;
    case 21: name = "Hyena with one tap, post-norm", c.mixer[1] = MIXER_HYENA, c.hyena.width = 4, c.hyena.bands = 1, c.hyena.kernel = 1, c.post_norm = true; break;
    case 22: name = "Hyena with four taps, no positions, LayerNorm", c.mixer[0] = c.mixer[1] = MIXER_HYENA, c.hyena.width = 3, c.hyena.bands = 1, c.hyena.kernel = 4, c.position = POSITION_NONE, c.norm = NORM_LAYER; break;
    case 23: name = "Hyena, latent attention, experts", c = latent, c.moe = moe.moe, c.layers = 3, c.mixer[1] = MIXER_HYENA, c.hyena.width = 3, c.hyena.bands = 2; break;
    case 24: name = "YaRN, odd sizes, every expert chosen", c = moe, c.hidden_size = 13, c.moe.top = 5, c.moe.size = 7, c.rope_scaling.kind = ROPE_YARN, c.rope_scaling.factor = 4, c.rope_scaling.low = 1, c.rope_scaling.high = 32, c.rope_scaling.original = 16; break;
  }
  config_name(&c);
  struct architecture a = {.config = c};
  snprintf(a.name, sizeof a.name, "%s", name);
  return a;
}

static inline bool architecture_chance(struct rng *r, int one_in) { return rng_below(r, (uint64_t)one_in) == 0; }
static inline int64_t architecture_between(struct rng *r, int64_t least, int64_t most) { return least + (int64_t)rng_below(r, (uint64_t)(most - least + 1)); }

static inline void architecture_random_experts(struct model_config *c, struct rng *r) {
  int64_t size = 0;
  if (architecture_chance(r, 2)) {
    c->moe.groups = architecture_between(r, 2, 4), size = architecture_between(r, 2, 3), c->moe.top_groups = architecture_between(r, 1, c->moe.groups);
    c->moe.count = c->moe.groups * size, c->moe.top = architecture_between(r, 1, c->moe.top_groups * size);
  } else {
    c->moe.count = architecture_between(r, 1, 9), c->moe.top = architecture_between(r, 1, c->moe.count);
  }
  c->moe.size = architecture_between(r, 1, 11), c->moe.shared = architecture_between(r, 0, 2), c->moe.dense_layers = architecture_between(r, 0, c->layers);
  c->moe.sigmoid = architecture_chance(r, 2), c->moe.normalize = architecture_chance(r, 2), c->moe.correction = architecture_chance(r, 2);
  c->moe.scale = architecture_chance(r, 2) ? 1 : 1.5;
  c->moe.balance = (enum balance)rng_below(r, 3), c->moe.balance_loss = 0.01;
  if (c->moe.balance == BALANCE_BIAS) c->moe.correction = true;
  c->mlp_bias = false;
}

static inline void architecture_random_attention(struct model_config *c, struct rng *r) {
  c->heads = architecture_between(r, 1, 6), c->kv_heads = architecture_between(r, 1, c->heads);
  while (c->heads % c->kv_heads) c->kv_heads--;
  c->position = (enum position)rng_below(r, 4), c->qk_norm = architecture_chance(r, 3), c->qkv_bias = architecture_chance(r, 3), c->o_bias = architecture_chance(r, 3);
  c->head_dim = architecture_between(r, 1, 12);
  if (c->position == POSITION_ROPE) c->head_dim += c->head_dim % 2;
  c->v_head_dim = c->rope_dim = c->head_dim;
  if (architecture_chance(r, 3)) {
    c->kv_heads = c->heads, c->position = POSITION_ROPE, c->qk_norm = c->qkv_bias = c->o_bias = false;
    c->mla.kv_rank = architecture_between(r, 1, 9), c->mla.q_rank = architecture_between(r, 0, 1) * architecture_between(r, 1, 9), c->mla.interleaved = architecture_chance(r, 2);
    c->rope_dim = 2 * architecture_between(r, 1, 3), c->head_dim = c->rope_dim + architecture_between(r, 1, 7), c->v_head_dim = architecture_between(r, 1, 9);
  }
  if (c->position == POSITION_ROPE && architecture_chance(r, 3)) {
    c->rope_scaling.kind = architecture_chance(r, 2) ? ROPE_LLAMA3 : ROPE_YARN;
    c->rope_scaling.low = 1, c->rope_scaling.high = 4, c->rope_scaling.factor = 8, c->rope_scaling.original = 8;
  }
}

static inline struct architecture architecture_random(uint64_t seed, int64_t vocab_size) {
  struct rng r;
  rng_init(&r, seed);
  struct model_config c = architecture_plain(vocab_size);
  if (!vocab_size) c.vocab_size = architecture_between(&r, 2, 40);
  static const int64_t sizes[] = {1, 2, 6, 8, 10, 12, 16, 17, 20, 36, 48};
  c.hidden_size = sizes[rng_below(&r, sizeof sizes / sizeof *sizes)], c.intermediate_size = architecture_between(&r, 1, 40), c.layers = architecture_between(&r, 1, 4);
  architecture_random_attention(&c, &r);
  bool sliding = false;
  for (int64_t i = 0; i < c.layers; i++) {
    c.mixer[i] = (uint8_t)(architecture_chance(&r, 4) ? MIXER_HYENA : architecture_chance(&r, 3) ? MIXER_SLIDING : MIXER_FULL);
    sliding |= c.mixer[i] == MIXER_SLIDING;
  }
  if (sliding) c.window = architecture_between(&r, 1, 12);
  c.hyena.width = architecture_between(&r, 1, 6), c.hyena.bands = architecture_between(&r, 1, 3), c.hyena.kernel = architecture_between(&r, 1, 5);
  c.activation = (enum activation)rng_below(&r, 5), c.gated = architecture_chance(&r, 2), c.mlp_bias = architecture_chance(&r, 3);
  c.norm = (enum norm)rng_below(&r, 2), c.post_norm = architecture_chance(&r, 3), c.tied = architecture_chance(&r, 2);
  if (architecture_chance(&r, 4)) c.dropout = 0.3, c.attention_dropout = architecture_chance(&r, 2) ? 0.25 : 0, c.embedding_dropout = architecture_chance(&r, 2) ? 0.2 : 0;
  if (architecture_chance(&r, 3)) architecture_random_experts(&c, &r);
  config_name(&c);
  struct architecture a = {.config = c};
  snprintf(a.name, sizeof a.name, "random %llu (%s)", (unsigned long long)seed, c.model_type);
  return a;
}

/* The same model with all widths times `factor`: enough work for several threads and whole vectors. */
static inline void architecture_grow(struct architecture *a, int64_t factor) {
  struct model_config *c = &a->config;
  int64_t *widths[] = {&c->hidden_size, &c->intermediate_size, &c->head_dim, &c->v_head_dim, &c->rope_dim, &c->mla.q_rank, &c->mla.kv_rank, &c->moe.size, &c->hyena.width, &c->window};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) *widths[i] *= factor;
  c->max_positions *= factor, c->initializer_range = 0.02;
  config_name(c);
}

/* Initial values, and normal numbers times `deviation` on top: biases and norms are not what they begin with, every term shows. */
static inline int architecture_values(struct parameters *p, uint64_t seed, double deviation, struct err *e) {
  struct rng r;
  rng_init(&r, seed);
  if (parameters_randomize(p, seed, 1, e) < 0) return -1;
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    for (int64_t k = 0; k < t->count; k++) p->values[t->offset + k] += (real)(deviation * rng_normal(&r));
  }
  return 0;
}

#endif
