/* SPDX-License-Identifier: MIT
 *
 * A small Llama's config for tests: tied, norm epsilon 1e-5, rotary base 10000; change what the test is about.
 */
#ifndef TESTS_LLAMA_H
#define TESTS_LLAMA_H

#include "common/model/config.h"

static inline struct model_config llama(int64_t vocab_size, int64_t hidden_size, int64_t intermediate_size, int64_t layers, int64_t heads, int64_t kv_heads, int64_t max_positions) {
  struct model_config c;
  config_defaults(&c);
  c.vocab_size = vocab_size, c.hidden_size = hidden_size, c.intermediate_size = intermediate_size, c.layers = layers;
  c.heads = heads, c.kv_heads = kv_heads, c.max_positions = max_positions;
  c.head_dim = c.v_head_dim = c.rope_dim = hidden_size / heads;
  c.norm_eps = 1e-5, c.tied = true;
  return c;
}

#endif
