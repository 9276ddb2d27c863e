/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/model/config.h"
#include "kernels/activation.h"

/* ---- which class says all of a model */

struct traits {
  bool full, sliding, hyena;            /* there is such a layer */
  bool biased;                          /* any bias */
};

static struct traits traits_of(const struct model_config *c) {
  struct traits t = {.biased = c->qkv_bias || c->o_bias || c->mlp_bias};
  for (int64_t i = 0; i < c->layers; i++) {
    t.full |= c->mixer[i] == MIXER_FULL;
    t.sliding |= c->mixer[i] == MIXER_SLIDING;
    t.hyena |= c->mixer[i] == MIXER_HYENA;
  }
  return t;
}

static bool is_gpt2(const struct model_config *c, const struct traits *t) {
  return c->norm == NORM_LAYER && !c->post_norm && c->position == POSITION_LEARNED && !c->gated && c->qkv_bias && c->o_bias && c->mlp_bias && !c->qk_norm && !t->sliding &&
         !t->hyena && c->kv_heads == c->heads && c->head_dim * c->heads == c->hidden_size && !config_is_mla(c) && c->moe.count == 0;
}

/* What the rest have in common. */
static bool is_llama_like(const struct model_config *c, const struct traits *t) {
  return c->norm == NORM_RMS && !c->post_norm && c->position == POSITION_ROPE && c->gated && !t->hyena && c->dropout == 0 && c->embedding_dropout == 0;
}

static bool is_mixtral(const struct model_config *c, const struct traits *t) {
  return !config_is_mla(c) && c->moe.count > 0 && !c->moe.shared && !c->moe.dense_layers && !c->moe.groups && !c->moe.sigmoid && c->moe.normalize && !c->moe.correction && c->moe.scale == 1 &&
         c->moe.size == c->intermediate_size && !c->qk_norm && !t->biased && !(t->full && t->sliding);
}

static bool is_deepseek(const struct model_config *c, const struct traits *t, bool third) {
  if (!config_is_mla(c) || t->sliding || t->biased || (c->moe.count == 0 && third) || (!third && !c->mla.interleaved)) return false;
  if (c->moe.count == 0) return true; /* first_k_dense_replace = layers */
  if (!c->moe.shared || c->moe.sigmoid != third || c->moe.correction != third) return false;
  return third || !c->moe.normalize;
}

static bool says(enum config_class class, const struct model_config *c, const struct traits *t) {
  if (class == CLASS_OWN) return true;
  if (class == CLASS_GPT2) return is_gpt2(c, t);
  if (!is_llama_like(c, t)) return false;
  if (class == CLASS_MIXTRAL) return is_mixtral(c, t);
  if (class == CLASS_DEEPSEEK2 || class == CLASS_DEEPSEEK3) return is_deepseek(c, t, class == CLASS_DEEPSEEK3);
  if (config_is_mla(c) || c->moe.count) return false;
  if (class == CLASS_LLAMA) return !t->sliding && !c->qk_norm && c->qkv_bias == c->o_bias;
  if (class == CLASS_MISTRAL) return !(t->full && t->sliding) && !c->qk_norm && !t->biased;
  if (class == CLASS_QWEN2) return c->qkv_bias && !c->o_bias && !c->mlp_bias && !c->qk_norm;
  return c->qk_norm && c->qkv_bias == c->o_bias && !c->mlp_bias; /* Qwen3 */
}

void config_name(struct model_config *c) {
  struct traits t = traits_of(c);
  for (int i = 0; i < CLASS_OWN; i++)
    if (strcmp(c->model_type, config_class_names[i].model_type) == 0 && says((enum config_class)i, c, &t)) return;
  int i = 0;
  while (!says((enum config_class)i, c, &t)) i++;
  strcpy(c->architecture, config_class_names[i].architecture);
  strcpy(c->model_type, config_class_names[i].model_type);
}

/* ---- JSON */

static void put_int(json_t *o, const char *key, int64_t value) { json_object_set_new(o, key, json_integer(value)); }
static void put_real(json_t *o, const char *key, double value) { json_object_set_new(o, key, json_real(value)); }
static void put_bool(json_t *o, const char *key, bool value) { json_object_set_new(o, key, json_boolean(value)); }
static void put_string(json_t *o, const char *key, const char *value) { json_object_set_new(o, key, json_string(value)); }
static json_t *id_or_null(int64_t id) { return id < 0 ? json_null() : json_integer(id); }

static void put_common(json_t *o, const struct model_config *c) {
  json_object_set_new(o, "architectures", json_pack("[s]", c->architecture));
  put_string(o, "model_type", c->model_type);
  put_int(o, "vocab_size", c->vocab_size);
  put_real(o, "initializer_range", c->initializer_range);
  put_bool(o, "tie_word_embeddings", c->tied);
  json_object_set_new(o, "bos_token_id", id_or_null(c->bos));
  json_object_set_new(o, "eos_token_id", id_or_null(c->eos));
  json_object_set_new(o, "pad_token_id", id_or_null(c->pad));
  put_string(o, "dtype", "float32");
}

/* GPT-2's own spelling where it has one. */
static const char *function_name(const struct model_config *c, bool gpt2) {
  return c->activation == ACTIVATION_GELU_TANH ? gpt2 ? "gelu_new" : "gelu_pytorch_tanh" : activation_name(c->activation);
}

static void put_gpt2(json_t *o, const struct model_config *c) {
  put_int(o, "n_embd", c->hidden_size), put_int(o, "n_layer", c->layers), put_int(o, "n_head", c->heads), put_int(o, "n_positions", c->max_positions), put_int(o, "n_ctx", c->max_positions);
  put_int(o, "n_inner", c->intermediate_size);
  put_real(o, "layer_norm_epsilon", c->norm_eps);
  put_real(o, "resid_pdrop", c->dropout), put_real(o, "embd_pdrop", c->embedding_dropout), put_real(o, "attn_pdrop", c->attention_dropout);
  put_string(o, "activation_function", function_name(c, true));
}

static void put_rope(json_t *o, const struct model_config *c) {
  json_t *rope = json_object();
  put_real(o, "rope_theta", c->rope_theta);
  put_real(rope, "rope_theta", c->rope_theta);
  static const char *const kinds[] = {"default", "llama3", "yarn"};
  bool yarn = c->rope_scaling.kind == ROPE_YARN;
  put_string(rope, "rope_type", kinds[c->rope_scaling.kind]);
  if (c->rope_scaling.kind != ROPE_DEFAULT) {
    put_real(rope, "factor", c->rope_scaling.factor), put_real(rope, yarn ? "beta_slow" : "low_freq_factor", c->rope_scaling.low), put_real(rope, yarn ? "beta_fast" : "high_freq_factor", c->rope_scaling.high);
    put_int(rope, "original_max_position_embeddings", c->rope_scaling.original);
    if (c->rope_scaling.mscale > 0) put_real(rope, "mscale", c->rope_scaling.mscale);
    if (c->rope_scaling.mscale_all_dim > 0) put_real(rope, "mscale_all_dim", c->rope_scaling.mscale_all_dim);
    if (c->rope_scaling.attention_factor > 0) put_real(rope, "attention_factor", c->rope_scaling.attention_factor);
    json_t *before = json_copy(rope); /* older readers look here */
    json_object_del(before, "rope_theta");
    json_object_set_new(o, "rope_scaling", before);
  }
  json_object_set_new(o, "rope_parameters", rope);
}

static void put_layer_types(json_t *o, const struct model_config *c) {
  static const char *const words[] = {"full_attention", "sliding_attention", "hyena"};
  json_t *types = json_array();
  for (int64_t i = 0; i < c->layers; i++) json_array_append_new(types, json_string(words[c->mixer[i]]));
  json_object_set_new(o, "layer_types", types);
}

static void put_mla(json_t *o, const struct model_config *c) {
  put_int(o, "kv_lora_rank", c->mla.kv_rank);
  json_object_set_new(o, "q_lora_rank", c->mla.q_rank ? json_integer(c->mla.q_rank) : json_null());
  put_int(o, "qk_nope_head_dim", c->head_dim - c->rope_dim), put_int(o, "qk_rope_head_dim", c->rope_dim), put_int(o, "v_head_dim", c->v_head_dim);
  put_bool(o, "rope_interleave", c->mla.interleaved);
}

static void put_experts(json_t *o, const struct model_config *c, bool mixtral) {
  put_int(o, mixtral ? "num_local_experts" : "n_routed_experts", c->moe.count ? c->moe.count : 1);
  put_int(o, "num_experts_per_tok", c->moe.count ? c->moe.top : 1);
  put_real(o, "router_aux_loss_coef", c->moe.balance_loss);
  put_string(o, "balance", c->moe.balance == BALANCE_LOSS ? "loss" : c->moe.balance == BALANCE_BIAS ? "bias" : "none");
  if (mixtral) return;
  put_int(o, "moe_intermediate_size", c->moe.count ? c->moe.size : c->intermediate_size), put_int(o, "n_shared_experts", c->moe.count ? c->moe.shared : 1);
  put_int(o, "first_k_dense_replace", c->moe.count ? c->moe.dense_layers : c->layers);
  put_real(o, "routed_scaling_factor", c->moe.scale);
  put_bool(o, "norm_topk_prob", c->moe.normalize);
  put_string(o, "scoring_func", c->moe.sigmoid ? "sigmoid" : "softmax");
  put_string(o, "topk_method", c->moe.correction ? "noaux_tc" : c->moe.groups ? "group_limited_greedy" : "greedy");
  put_int(o, "n_group", c->moe.groups ? c->moe.groups : 1), put_int(o, "topk_group", c->moe.groups ? c->moe.top_groups : 1);
}

/* What only a Crawl2lmForCausalLM may differ in. */
static void put_own(json_t *o, const struct model_config *c) {
  static const char *const positions[] = {"rope", "learned", "sinusoidal", "none"};
  put_bool(o, "mlp_gated", c->gated);
  put_string(o, "position", positions[c->position]);
  put_string(o, "norm", c->norm == NORM_RMS ? "rmsnorm" : "layernorm");
  put_string(o, "placement", c->post_norm ? "post" : "pre");
  put_bool(o, "qk_norm", c->qk_norm);
  put_bool(o, "attention_output_bias", c->o_bias);
  put_real(o, "dropout", c->dropout), put_real(o, "embedding_dropout", c->embedding_dropout);
  put_layer_types(o, c);
  if (c->window) put_int(o, "sliding_window", c->window);
  for (int64_t i = 0; i < c->layers; i++)
    if (c->mixer[i] == MIXER_HYENA) {
      put_int(o, "hyena_filter_width", c->hyena.width), put_int(o, "hyena_filter_bands", c->hyena.bands), put_int(o, "hyena_short_kernel", c->hyena.kernel);
      break;
    }
  if (config_is_mla(c)) put_mla(o, c);
  if (c->moe.count) put_experts(o, c, false);
}

static void put_llama(json_t *o, const struct model_config *c) {
  put_int(o, "hidden_size", c->hidden_size), put_int(o, "intermediate_size", c->intermediate_size), put_int(o, "num_hidden_layers", c->layers);
  put_int(o, "num_attention_heads", c->heads), put_int(o, "num_key_value_heads", c->kv_heads);
  if (!config_is_mla(c)) put_int(o, "head_dim", c->head_dim);
  put_string(o, "hidden_act", function_name(c, false));
  put_int(o, "max_position_embeddings", c->max_positions);
  put_real(o, "rms_norm_eps", c->norm_eps);
  put_bool(o, "attention_bias", c->qkv_bias), put_bool(o, "mlp_bias", c->mlp_bias);
  put_real(o, "attention_dropout", c->attention_dropout);
  put_rope(o, c);
  const char *type = c->model_type;
  bool qwen = strncmp(type, "qwen", 4) == 0;
  if (strcmp(type, "mistral") == 0 || strcmp(type, "mixtral") == 0 || qwen) json_object_set_new(o, "sliding_window", c->window ? json_integer(c->window) : json_null());
  if (qwen) put_layer_types(o, c), put_bool(o, "use_sliding_window", c->window > 0);
  if (strcmp(type, "mixtral") == 0) put_experts(o, c, true);
  if (strncmp(type, "deepseek", 8) == 0) put_mla(o, c), put_experts(o, c, false);
  if (strcmp(type, "crawl2lm") == 0) put_own(o, c);
}

json_t *config_to_json(const struct model_config *c) {
  json_t *o = json_object();
  put_common(o, c);
  if (strcmp(c->model_type, "gpt2") == 0) put_gpt2(o, c);
  else put_llama(o, c);
  return o;
}

static void dump(json_t *object, size_t flags, struct buffer *out) {
  char *text = json_dumps(object, JSON_SORT_KEYS | JSON_REAL_PRECISION(15) | flags);
  buffer_append_string(out, text);
  free(text);
  json_decref(object);
}

void config_write(const struct model_config *c, struct buffer *out) {
  dump(config_to_json(c), JSON_INDENT(2), out);
  buffer_put(out, '\n');
}

void config_generation(const struct model_config *c, struct buffer *out) {
  json_t *o = json_object();
  json_object_set_new(o, "bos_token_id", id_or_null(c->bos));
  json_object_set_new(o, "eos_token_id", id_or_null(c->eos));
  if (c->pad >= 0) put_int(o, "pad_token_id", c->pad);
  put_bool(o, "do_sample", false);
  dump(o, JSON_INDENT(2), out);
  buffer_put(out, '\n');
}

uint64_t config_hash(const struct model_config *c) {
  struct buffer text = {0};
  dump(config_to_json(c), JSON_COMPACT, &text);
  uint64_t hash = XXH3_64bits(text.data, text.len);
  buffer_release(&text);
  return hash;
}
