/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/model/config.h"

/* llama-60m .. llama-1b: the ladder of GaLore (arXiv 2403.03507) and its successors.
 * stories: karpathy/llama2.c.  smollm: HuggingFaceTB model cards.  tinyllama-1.1b: arXiv 2401.02385.
 * gpt2: Radford et al. 2019, without dropout.  llama-16m and llama-100m are the shapes of this project's benchmarks. */
static const struct {
  const char *name;
  int64_t vocab, hidden, intermediate, layers, heads, kv_heads, positions;
  double theta, eps;
  bool tied, gpt2;
} presets[] = {
    {"stories260k", 512, 64, 172, 5, 8, 4, 512, 10000, 1e-5, true},
    {"stories15m", 32000, 288, 768, 6, 6, 6, 256, 10000, 1e-5, true},
    {"stories42m", 32000, 512, 1376, 8, 8, 8, 1024, 10000, 1e-5, true},
    {"stories110m", 32000, 768, 2048, 12, 12, 12, 1024, 10000, 1e-5, true},
    {"llama-1m", 4096, 128, 352, 4, 4, 4, 1024, 10000, 1e-5, true},
    {"llama-3m", 4096, 256, 704, 4, 4, 4, 1024, 10000, 1e-5, true},
    {"llama-16m", 16384, 384, 1024, 6, 6, 6, 1024, 10000, 1e-5, true},
    {"llama-60m", 32000, 512, 1376, 8, 8, 8, 1024, 10000, 1e-6, false},
    {"llama-100m", 32000, 768, 2048, 12, 12, 4, 2048, 10000, 1e-5, true},
    {"llama-130m", 32000, 768, 2048, 12, 12, 12, 1024, 10000, 1e-6, false},
    {"llama-350m", 32000, 1024, 2736, 24, 16, 16, 1024, 10000, 1e-6, false},
    {"llama-1b", 32000, 2048, 5461, 24, 32, 32, 1024, 10000, 1e-6, false},
    {"smollm-135m", 49152, 576, 1536, 30, 9, 3, 2048, 10000, 1e-5, true},
    {"smollm-360m", 49152, 960, 2560, 32, 15, 5, 2048, 10000, 1e-5, true},
    {"smollm2-135m", 49152, 576, 1536, 30, 9, 3, 8192, 100000, 1e-5, true},
    {"smollm2-360m", 49152, 960, 2560, 32, 15, 5, 8192, 100000, 1e-5, true},
    {"tinyllama-1.1b", 32000, 2048, 5632, 22, 32, 4, 2048, 10000, 1e-5, false},
    {"gpt2-124m", 50257, 768, 3072, 12, 12, 12, 1024, 10000, 1e-5, true, true},
    {"gpt2-355m", 50257, 1024, 4096, 24, 16, 16, 1024, 10000, 1e-5, true, true},
    {"gpt2-774m", 50257, 1280, 5120, 36, 20, 20, 1024, 10000, 1e-5, true, true},
    {"gpt2-1558m", 50257, 1600, 6400, 48, 25, 25, 1024, 10000, 1e-5, true, true},
};
enum { PRESETS = sizeof presets / sizeof *presets };

void config_preset_list(struct buffer *out) {
  for (int i = 0; i < PRESETS; i++) buffer_printf(out, "%s%s", i ? ", " : "", presets[i].name);
}

json_t *config_preset(const char *name, struct err *e) {
  for (int i = 0; i < PRESETS; i++) {
    if (strcmp(presets[i].name, name) != 0) continue;
    struct model_config c;
    config_defaults(&c);
    c.vocab_size = presets[i].vocab, c.hidden_size = presets[i].hidden, c.intermediate_size = presets[i].intermediate, c.layers = presets[i].layers;
    c.heads = presets[i].heads, c.kv_heads = presets[i].kv_heads, c.max_positions = presets[i].positions;
    c.head_dim = c.v_head_dim = c.rope_dim = c.hidden_size / c.heads;
    c.norm_eps = presets[i].eps, c.rope_theta = presets[i].theta, c.tied = presets[i].tied;
    if (presets[i].gpt2) {
      c.norm = NORM_LAYER, c.position = POSITION_LEARNED, c.activation = ACTIVATION_GELU_TANH, c.gated = false;
      c.qkv_bias = c.o_bias = c.mlp_bias = true;
    }
    config_name(&c);
    return config_to_json(&c);
  }
  struct buffer names = {0};
  config_preset_list(&names);
  err_usage(e, "no preset is named %s; there are %s", name, buffer_string(&names));
  buffer_release(&names);
  return NULL;
}

json_t *config_load(const char *path, struct err *e) {
  json_t *object = json_load_path(path, e);
  if (object && !json_is_object(object)) {
    err_set(e, "%s: not a JSON object", path);
    json_decref(object);
    return NULL;
  }
  return object;
}

/* ---- --set */

static const char *const known_keys[] = {
    "architectures", "model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_act",
    "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings", "attention_bias", "mlp_bias", "bos_token_id", "eos_token_id", "pad_token_id", "dtype", "rope_parameters",
    "rope_scaling", "rope_theta", "rope_type", "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "attention_factor", "initializer_range", "sliding_window", "attention_dropout", "use_cache", "torch_dtype", "layer_types", "use_sliding_window", "max_window_layers",
    /* latent attention and experts */
    "kv_lora_rank", "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "rope_interleave", "num_local_experts", "n_routed_experts", "num_experts", "aux_loss_alpha", "num_experts_per_tok", "moe_intermediate_size",
    "n_shared_experts", "first_k_dense_replace", "topk_method", "scoring_func", "norm_topk_prob", "routed_scaling_factor", "router_aux_loss_coef", "n_group", "topk_group",
    /* own */
    "activation", "mlp_gated", "position", "norm", "placement", "qk_norm", "attention_output_bias", "dropout", "embedding_dropout", "balance", "hyena_filter_width", "hyena_filter_bands", "hyena_short_kernel",
};

/* GPT-2's names of common keys. */
static const char *const aliases[][2] = {
    {"hidden_size", "n_embd"}, {"num_hidden_layers", "n_layer"}, {"num_attention_heads", "n_head"}, {"max_position_embeddings", "n_positions"}, {"intermediate_size", "n_inner"},
    {"hidden_act", "activation_function"}, {"rms_norm_eps", "layer_norm_epsilon"}, {"dropout", "resid_pdrop"}, {"embedding_dropout", "embd_pdrop"}, {"attention_dropout", "attn_pdrop"},
};

const char *config_key(const json_t *object, const char *key) {
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    for (int k = 0; k < 2; k++)
      if (strcmp(key, aliases[i][k]) == 0 && !json_object_get(object, key) && json_object_get(object, aliases[i][1 - k])) return aliases[i][1 - k];
  return key;
}

/* Sizes that were derived from the one that changes are derived again; the two places of rope_theta stay equal. */
static void follow(json_t *object, const char *key) {
  bool is_heads = strcmp(key, "num_attention_heads") == 0, is_hidden = strcmp(key, "hidden_size") == 0 || strcmp(key, "n_embd") == 0;
  int64_t hidden = json_integer_value(json_object_get(object, "hidden_size")), heads = json_integer_value(json_object_get(object, "num_attention_heads"));
  if ((is_heads || is_hidden) && heads > 0 && json_integer_value(json_object_get(object, "head_dim")) * heads == hidden) json_object_del(object, "head_dim");
  if (is_heads && json_integer_value(json_object_get(object, "num_key_value_heads")) == heads) json_object_del(object, "num_key_value_heads");
  json_t *inner = json_object_get(object, "n_inner"), *width = json_object_get(object, "n_embd");
  if (is_hidden && json_integer_value(inner) == 4 * json_integer_value(width)) json_object_del(object, "n_inner");
  if (strcmp(key, "rope_theta") == 0 && json_is_object(json_object_get(object, "rope_parameters"))) json_object_del(json_object_get(object, "rope_parameters"), "rope_theta");
}

int config_set(json_t *object, const char *assignment, struct err *e) {
  const char *equals = strchr(assignment, '=');
  if (!equals || equals == assignment) return err_usage(e, "--set %s: expected KEY=VALUE", assignment);
  char *path = COPY(assignment, (size_t)(equals - assignment)), *part = path;
  int result = 0;
  for (char *dot; (dot = strchr(part, '.')); part = dot + 1) {
    *dot = 0;
    json_t *inner = json_object_get(object, part);
    if (!inner && strcmp(part, "rope_parameters") == 0) json_object_set_new(object, part, inner = json_object());
    if (!json_is_object(inner)) {
      result = err_usage(e, "--set %s: %s is no object of the config", assignment, part);
      break;
    }
    object = inner;
  }
  const char *key = config_key(object, part);
  if (result == 0) {
    bool known = json_object_get(object, key) != NULL;
    for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++) known |= strcmp(key, known_keys[i]) == 0;
    if (!known) result = err_usage(e, "--set %s: the config has no key %s", assignment, key);
  }
  if (result == 0) {
    follow(object, key);
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
    /* 1e6 is a real in JSON, but whole numbers are meant as counts wherever both are possible */
    if (json_is_real(value) && json_real_value(value) == floor(json_real_value(value)) && fabs(json_real_value(value)) < 1e15) {
      double whole = json_real_value(value);
      json_decref(value);
      value = json_integer((json_int_t)whole);
    }
    json_object_set_new(object, key, value ? value : json_string(equals + 1));
  }
  free(path);
  return result;
}
