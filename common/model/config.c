/* SPDX-License-Identifier: MIT */
#include "common/model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "kernels/activation.h"

void config_defaults(struct model_config *c) {
  *c = (struct model_config){.norm_eps = 1e-6, .initializer_range = 0.02, .rope_theta = 10000, .activation = ACTIVATION_SILU, .gated = true,
                             .moe = {.scale = 1, .balance_loss = 0.001}, .hyena = {.width = 64, .bands = 16, .kernel = 3}, .bos = -1, .eos = -1, .pad = -1};
  strcpy(c->architecture, "LlamaForCausalLM");
  strcpy(c->model_type, "llama");
}

bool config_is_mla(const struct model_config *c) { return c->mla.kv_rank > 0; }
bool config_is_moe(const struct model_config *c, int64_t layer) { return c->moe.count > 0 && layer >= c->moe.dense_layers; }

/* YaRN: sharper attention over longer sequences. */
static double mscale(const struct model_config *c, double m) { return c->rope_scaling.factor > 1 ? 0.1 * m * log(c->rope_scaling.factor) + 1 : 1; }

double config_rope_factor(const struct model_config *c) {
  if (c->rope_scaling.kind != ROPE_YARN) return 1;
  if (c->rope_scaling.attention_factor > 0) return c->rope_scaling.attention_factor;
  bool both = c->rope_scaling.mscale > 0 && c->rope_scaling.mscale_all_dim > 0;
  return both ? mscale(c, c->rope_scaling.mscale) / mscale(c, c->rope_scaling.mscale_all_dim) : mscale(c, 1);
}

double config_attention_scale(const struct model_config *c) {
  double m = config_is_mla(c) && c->rope_scaling.kind == ROPE_YARN && c->rope_scaling.mscale_all_dim > 0 ? mscale(c, c->rope_scaling.mscale_all_dim) : 1;
  return m * m / sqrt((double)c->head_dim);
}

/* ---- single values */

static int refuse(const json_t *object, const char *key, const char *why, struct err *e) {
  char *value = json_dumps(json_object_get(object, key), JSON_ENCODE_ANY | JSON_COMPACT);
  err_set(e, "%s: %.200s: %s", key, value ? value : "absent", why);
  free(value);
  return -1;
}

static bool is_off(const json_t *v) {
  return !v || json_is_null(v) || json_is_false(v) || (json_is_number(v) && json_number_value(v) == 0);
}

static int size_in(const json_t *object, const char *key, int64_t *value, int64_t fallback, int64_t least, int64_t most, struct err *e) {
  *value = fallback;
  if (json_get_int(object, key, value, e) < 0) return -1;
  const json_t *given = json_object_get(object, key);
  if (*value < least && (!given || json_is_null(given))) return err_set(e, "%s is missing", key);
  return *value < least || *value > most ? refuse(object, key, "out of range", e) : 0;
}

static int share(const json_t *object, const char *key, double *value, struct err *e) {
  if (json_get_double(object, key, value, e) < 0) return -1;
  return *value < 0 || *value >= 1 ? refuse(object, key, "must be at least 0 and below 1", e) : 0;
}

/* Ids that the vocabulary lacks (-1 in old exports, padding that was never added) stand for none. */
static int token_id(const json_t *object, const char *key, int64_t vocab_size, int64_t *id, struct err *e) {
  json_t *value = json_object_get(object, key);
  if (json_is_array(value)) value = json_array_get(value, 0); /* Llama 3 has several ends */
  *id = -1;
  if (!value || json_is_null(value)) return 0;
  if (!json_is_integer(value)) return refuse(object, key, "expected a token id", e);
  json_int_t given = json_integer_value(value);
  if (given >= 0 && given < vocab_size) *id = given;
  return 0;
}

/* Index of the word that `key` holds; `fallback` when it is absent. */
static int word_of(const json_t *object, const char *key, const char *const *words, int count, int fallback, int *index, struct err *e) {
  const char *word = NULL;
  *index = fallback;
  if (json_get_string(object, key, &word, e) < 0) return -1;
  for (int i = 0; word && i < count; i++)
    if (strcmp(word, words[i]) == 0) return *index = i, 0;
  return word ? refuse(object, key, "unknown word", e) : 0;
}

/* ---- parts */

const struct config_class_name config_class_names[CONFIG_CLASSES] = {
    {"LlamaForCausalLM", "llama"}, {"MistralForCausalLM", "mistral"}, {"Qwen2ForCausalLM", "qwen2"}, {"Qwen3ForCausalLM", "qwen3"}, {"GPT2LMHeadModel", "gpt2"},
    {"MixtralForCausalLM", "mixtral"}, {"DeepseekV2ForCausalLM", "deepseek_v2"}, {"DeepseekV3ForCausalLM", "deepseek_v3"}, {"Crawl2lmForCausalLM", "crawl2lm"},
};

static int parse_class(const json_t *object, enum config_class *class, struct err *e) {
  const char *name = json_string_value(json_array_get(json_object_get(object, "architectures"), 0)), *type = NULL;
  if (json_get_string(object, "model_type", &type, e) < 0) return -1;
  if (!name && !type) return err_set(e, "neither architectures nor model_type is there");
  int i = 0;
  while (i < CONFIG_CLASSES && strcmp(name ? name : type, name ? config_class_names[i].architecture : config_class_names[i].model_type) != 0) i++;
  if (i == CONFIG_CLASSES) return refuse(object, name ? "architectures" : "model_type", "supported are Llama, Mistral, Qwen2, Qwen3, GPT2, Mixtral, DeepseekV2, DeepseekV3 and Crawl2lm", e);
  if (type && strcmp(type, config_class_names[i].model_type) != 0) return refuse(object, "model_type", "contradicts architectures", e);
  *class = (enum config_class)i;
  return 0;
}

/* Llama 3's and YaRN's parameters; defaults are transformers' (modeling_rope_utils.py). */
static int parse_rope_scaling(struct model_config *c, const json_t *object, const json_t *holder, const char *type, const char *name, struct err *e) {
  bool llama3 = strcmp(type, "llama3") == 0;
  if (!llama3 && strcmp(type, "yarn") != 0) return refuse(object, name, "only the default, llama3 and yarn rotary embeddings are supported", e);
  c->rope_scaling.kind = llama3 ? ROPE_LLAMA3 : ROPE_YARN;
  c->rope_scaling.low = 1, c->rope_scaling.high = llama3 ? 4 : 32, c->rope_scaling.original = c->max_positions, c->rope_scaling.factor = 8;
  if (json_get_double(holder, "factor", &c->rope_scaling.factor, e) < 0 || json_get_double(holder, llama3 ? "low_freq_factor" : "beta_slow", &c->rope_scaling.low, e) < 0 ||
      json_get_double(holder, llama3 ? "high_freq_factor" : "beta_fast", &c->rope_scaling.high, e) < 0 || json_get_double(holder, "mscale", &c->rope_scaling.mscale, e) < 0 ||
      json_get_double(holder, "mscale_all_dim", &c->rope_scaling.mscale_all_dim, e) < 0 || json_get_double(holder, "attention_factor", &c->rope_scaling.attention_factor, e) < 0 ||
      json_get_int(holder, "original_max_position_embeddings", &c->rope_scaling.original, e) < 0)
    return -1;
  bool truncate = true;
  if (json_get_bool(holder, "truncate", &truncate, e) < 0) return -1;
  if (!(c->rope_scaling.factor >= 1) || !(c->rope_scaling.low > 0) || !(c->rope_scaling.high > c->rope_scaling.low) || c->rope_scaling.original < 1 || !truncate || c->rope_scaling.attention_factor < 0)
    return refuse(object, name, "factor >= 1, high > low > 0 are needed, and truncate", e);
  return 0;
}

/* Rotary settings stand in rope_parameters (transformers 5) or rope_scaling and rope_theta (before). */
static int parse_rope(struct model_config *c, const json_t *object, struct err *e) {
  const json_t *holders[] = {object, json_object_get(object, "rope_scaling"), json_object_get(object, "rope_parameters")};
  static const char *const names[] = {"", "rope_scaling", "rope_parameters"};
  for (int i = 0; i < 3; i++) {
    const json_t *holder = holders[i];
    if (!holder || json_is_null(holder)) continue;
    if (!json_is_object(holder)) return refuse(object, names[i], "expected an object", e);
    const char *type = NULL;
    if (i && (json_get_string(holder, "type", &type, e) < 0 || json_get_string(holder, "rope_type", &type, e) < 0)) return -1;
    if (type && strcmp(type, "default") != 0 && parse_rope_scaling(c, object, holder, type, names[i], e) < 0) return -1;
    if (json_get_double(holder, "rope_theta", &c->rope_theta, e) < 0) return -1;
    double partial = 1;
    if (json_get_double(holder, "partial_rotary_factor", &partial, e) < 0) return -1;
    if (partial != 1) return refuse(holder, "partial_rotary_factor", "only 1 is supported", e);
  }
  if (!(c->rope_theta > 0) || !isfinite(c->rope_theta)) return err_set(e, "rope_theta: %g: must be positive", c->rope_theta);
  return 0;
}

/* The functions by transformers' names, and the own key that also says whether a gate is there. */
static int parse_activation(struct model_config *c, const json_t *object, enum config_class class, struct err *e) {
  static const struct { const char *word; enum activation f; } gated[] = {{"reglu", ACTIVATION_RELU}, {"geglu", ACTIVATION_GELU}, {"swiglu", ACTIVATION_SILU}};
  c->gated = class != CLASS_GPT2, c->activation = class == CLASS_GPT2 ? ACTIVATION_GELU_TANH : ACTIVATION_SILU;
  const char *name = NULL, *own = NULL, *key = class == CLASS_GPT2 ? config_key(object, "activation_function") : "hidden_act";
  if (json_get_string(object, key, &name, e) < 0 || json_get_bool(object, "mlp_gated", &c->gated, e) < 0 || json_get_string(object, "activation", &own, e) < 0) return -1;
  if (own) {
    key = "activation", name = own, c->gated = false;
    for (int i = 0; i < 3; i++)
      if (strcmp(own, gated[i].word) == 0) return c->activation = gated[i].f, c->gated = true, 0;
  }
  int f = name ? activation_find(name) : (int)c->activation;
  if (f < 0) return refuse(object, key, "unknown activation", e);
  c->activation = (enum activation)f;
  return 0;
}

/* "sliding,full" repeats over the layers; a list gives each. */
static int parse_layer_types(struct model_config *c, const json_t *object, struct err *e) {
  static const char *const words[] = {"full_attention", "sliding_attention", "hyena", "full", "sliding"};
  json_t *given = json_object_get(object, "layer_types");
  if (!given || json_is_null(given)) return 0;
  if (json_is_array(given) && (int64_t)json_array_size(given) != c->layers) return refuse(object, "layer_types", "expected one for each layer", e);
  if (!json_is_array(given) && !json_is_string(given)) return refuse(object, "layer_types", "expected a list", e);
  const char *pattern = json_string_value(given), *at = pattern;
  for (int64_t i = 0; i < c->layers; i++) {
    const char *word = pattern ? at : json_string_value(json_array_get(given, (size_t)i));
    size_t n = !word ? 0 : pattern ? strcspn(word, ",") : strlen(word);
    int k = 0;
    while (k < 5 && !(n == strlen(words[k]) && memcmp(word, words[k], n) == 0)) k++;
    if (k == 5) return refuse(object, "layer_types", "the kinds are full_attention, sliding_attention and hyena", e);
    c->mixer[i] = (uint8_t)(k % 3);
    if (pattern) at = at[n] ? at + n + 1 : pattern;
  }
  return 0;
}

static bool has_mixer(const struct model_config *c, enum mixer mixer) {
  for (int64_t i = 0; i < c->layers; i++)
    if (c->mixer[i] == mixer) return true;
  return false;
}

static int parse_mixers(struct model_config *c, const json_t *object, enum config_class class, struct err *e) {
  json_t *window = json_object_get(object, "sliding_window");
  bool use = class != CLASS_QWEN2 && class != CLASS_QWEN3, listed = json_object_get(object, "layer_types") && !json_is_null(json_object_get(object, "layer_types"));
  int64_t first = 28;
  if (json_get_bool(object, "use_sliding_window", &use, e) < 0 || json_get_int(object, "max_window_layers", &first, e) < 0) return -1;
  if (!is_off(window)) {
    if (size_in(object, "sliding_window", &c->window, 0, 1, INT32_MAX, e) < 0) return -1;
    if (!listed && class != CLASS_MISTRAL && class != CLASS_MIXTRAL && class != CLASS_QWEN2 && class != CLASS_QWEN3)
      return refuse(object, "sliding_window", "layer_types does not say which layers slide", e);
  }
  if (!use && !listed) c->window = 0;
  if (c->window && !listed)
    for (int64_t i = 0; i < c->layers; i++)
      if (class == CLASS_MISTRAL || class == CLASS_MIXTRAL || ((class == CLASS_QWEN2 || class == CLASS_QWEN3) && i >= first)) c->mixer[i] = MIXER_SLIDING;
  if (parse_layer_types(c, object, e) < 0) return -1;
  if (!has_mixer(c, MIXER_SLIDING)) c->window = 0;
  else if (!c->window) return err_set(e, "sliding_window is missing, and layer_types has sliding layers");
  if (!has_mixer(c, MIXER_HYENA)) return 0;
  return size_in(object, "hyena_filter_width", &c->hyena.width, 64, 1, 4096, e) < 0 || size_in(object, "hyena_filter_bands", &c->hyena.bands, 16, 1, 4096, e) < 0 ||
                 size_in(object, "hyena_short_kernel", &c->hyena.kernel, 3, 1, 64, e) < 0 ? -1 : 0;
}

static int parse_heads(struct model_config *c, const json_t *object, enum config_class class, struct err *e) {
  int64_t most = 65536, nope = 0;
  if (size_in(object, config_key(object, "num_attention_heads"), &c->heads, 0, 1, most, e) < 0 ||
      size_in(object, "num_key_value_heads", &c->kv_heads, class == CLASS_MIXTRAL && c->heads % 8 == 0 ? 8 : c->heads, 1, most, e) < 0)
    return -1;
  if (c->heads % c->kv_heads) return refuse(object, "num_key_value_heads", "does not divide num_attention_heads", e);
  bool latent = class == CLASS_DEEPSEEK2 || class == CLASS_DEEPSEEK3;
  if (!is_off(json_object_get(object, "kv_lora_rank")) || latent) {
    if (c->kv_heads != c->heads) return refuse(object, "num_key_value_heads", "latent attention has as many as num_attention_heads", e);
    c->mla.interleaved = true;
    if (size_in(object, "kv_lora_rank", &c->mla.kv_rank, latent ? 512 : 0, 1, 1 << 20, e) < 0 ||
        size_in(object, "q_lora_rank", &c->mla.q_rank, latent && !json_object_get(object, "q_lora_rank") ? 1536 : 0, 0, 1 << 20, e) < 0 ||
        size_in(object, "qk_nope_head_dim", &nope, 128, 1, most, e) < 0 || size_in(object, "qk_rope_head_dim", &c->rope_dim, 64, 2, most, e) < 0 ||
        size_in(object, "v_head_dim", &c->v_head_dim, 128, 1, most, e) < 0 || json_get_bool(object, "rope_interleave", &c->mla.interleaved, e) < 0)
      return -1;
    c->head_dim = nope + c->rope_dim;
    return c->rope_dim % 2 ? refuse(object, "qk_rope_head_dim", "rotary embedding needs an even size", e) : 0;
  }
  int64_t head_dim = class == CLASS_QWEN3 ? 128 : c->hidden_size % c->heads ? 0 : c->hidden_size / c->heads;
  if (size_in(object, "head_dim", &c->head_dim, head_dim, 1, most, e) < 0)
    return err_prefix(e, "num_attention_heads %lld does not divide hidden_size %lld", (long long)c->heads, (long long)c->hidden_size);
  if (c->head_dim % 2 && c->position == POSITION_ROPE) return err_set(e, "head_dim: %lld: rotary embedding needs an even size", (long long)c->head_dim);
  c->v_head_dim = c->head_dim, c->rope_dim = c->head_dim;
  return 0;
}

enum { MOST_EXPERTS = 1 << 17 }; /* of all layers; each has tensors with names of their own */

static int parse_experts(struct model_config *c, const json_t *object, enum config_class class, struct err *e) {
  static const char *const names[] = {"n_routed_experts", "num_experts", "num_local_experts"}, *const scores[] = {"softmax", "sigmoid"}, *const balances[] = {"loss", "bias", "none"};
  const char *key = "num_local_experts";
  bool deepseek = class == CLASS_DEEPSEEK2 || class == CLASS_DEEPSEEK3;
  for (int i = 0; i < 3; i++)
    if (json_object_get(object, names[i])) key = names[i];
  int64_t standard = class == CLASS_MIXTRAL ? 8 : class == CLASS_DEEPSEEK2 ? 64 : class == CLASS_DEEPSEEK3 ? 256 : 0;
  if (json_object_get(object, key) == NULL && standard == 0) return 0;
  if (size_in(object, key, &c->moe.count, standard, 0, 65536, e) < 0) return -1;
  if (c->moe.count == 0) return 0;
  int method, score;
  static const char *const methods[] = {"greedy", "group_limited_greedy", "noaux_tc"};
  if (size_in(object, "num_experts_per_tok", &c->moe.top, deepseek ? 8 : 2, 1, 64, e) < 0 ||
      size_in(object, "moe_intermediate_size", &c->moe.size, class == CLASS_DEEPSEEK2 ? 1407 : class == CLASS_DEEPSEEK3 ? 2048 : c->intermediate_size, 1, 1 << 22, e) < 0 ||
      size_in(object, "n_shared_experts", &c->moe.shared, class == CLASS_DEEPSEEK2 ? 2 : class == CLASS_DEEPSEEK3 ? 1 : 0, 0, 1024, e) < 0 ||
      size_in(object, "first_k_dense_replace", &c->moe.dense_layers, class == CLASS_DEEPSEEK3 ? 3 : 0, 0, INT32_MAX, e) < 0 ||
      word_of(object, "topk_method", methods, 3, class == CLASS_DEEPSEEK3 ? 2 : 0, &method, e) < 0 || word_of(object, "scoring_func", scores, 2, class == CLASS_DEEPSEEK3, &score, e) < 0 ||
      json_get_double(object, "routed_scaling_factor", &c->moe.scale, e) < 0 || json_get_double(object, "router_aux_loss_coef", &c->moe.balance_loss, e) < 0 ||
      json_get_double(object, "aux_loss_alpha", &c->moe.balance_loss, e) < 0)
    return -1;
  if (class == CLASS_DEEPSEEK3 && !json_object_get(object, "routed_scaling_factor")) c->moe.scale = 2.5;
  c->moe.sigmoid = score, c->moe.normalize = class != CLASS_DEEPSEEK2, c->moe.correction = method == 2;
  bool normalize = c->moe.normalize;
  if (json_get_bool(object, "norm_topk_prob", &normalize, e) < 0) return -1;
  if (class == CLASS_DEEPSEEK2 && normalize) return refuse(object, "norm_topk_prob", "transformers' DeepseekV2 does not normalise", e);
  c->moe.normalize = normalize;
  if (method > 0) {
    if (size_in(object, "n_group", &c->moe.groups, class == CLASS_DEEPSEEK3 ? 8 : 1, 1, c->moe.count, e) < 0 || size_in(object, "topk_group", &c->moe.top_groups, class == CLASS_DEEPSEEK3 ? 4 : 1, 1, c->moe.groups, e) < 0) return -1;
    if (c->moe.count % c->moe.groups) return refuse(object, "n_group", "does not divide the experts", e);
    if (c->moe.groups == 1) c->moe.groups = c->moe.top_groups = 0;
  }
  if (c->moe.groups > ROUTE_MOST_GROUPS) return refuse(object, "n_group", "more than are supported", e);
  int64_t choice = c->moe.groups ? c->moe.count / c->moe.groups * c->moe.top_groups : c->moe.count;
  if (c->moe.top > choice) return refuse(object, "num_experts_per_tok", "more than there are experts to choose from", e);
  if (c->moe.dense_layers > c->layers) c->moe.dense_layers = c->layers;
  int balance;
  if (word_of(object, "balance", balances, 3, c->moe.correction ? BALANCE_BIAS : BALANCE_LOSS, &balance, e) < 0) return -1;
  c->moe.balance = (enum balance)balance;
  if (c->moe.balance == BALANCE_BIAS) c->moe.correction = true;
  if (c->moe.correction && c->moe.groups == c->moe.count) return refuse(object, "n_group", "a group is as good as its two best experts, and has one", e);
  if ((c->layers - c->moe.dense_layers) * c->moe.count > MOST_EXPERTS) return refuse(object, key, "too many over all layers", e);
  if (!(c->moe.balance_loss >= 0) || c->moe.balance_loss > 1e6) return err_set(e, "router_aux_loss_coef: %g: out of range", c->moe.balance_loss);
  return c->moe.scale > 0 && c->moe.scale <= 1e6 ? 0 : refuse(object, "routed_scaling_factor", "out of range", e);
}

static int parse_biases(struct model_config *c, const json_t *object, enum config_class class, struct err *e) {
  bool attention = class == CLASS_GPT2, mlp = class == CLASS_GPT2, output = class == CLASS_GPT2;
  if (class == CLASS_QWEN2) attention = true;
  else if (json_get_bool(object, "attention_bias", &attention, e) < 0) return -1;
  if (class != CLASS_QWEN2 && class != CLASS_GPT2) output = attention;
  if (json_get_bool(object, "attention_output_bias", &output, e) < 0 || json_get_bool(object, "mlp_bias", &mlp, e) < 0) return -1;
  c->qkv_bias = attention, c->o_bias = output, c->mlp_bias = mlp;
  if (config_is_mla(c) && (attention || output)) return refuse(object, "attention_bias", "latent attention has no biases here", e);
  if (c->moe.count && mlp) return refuse(object, "mlp_bias", "experts have no biases", e);
  return 0;
}

static int parse_norms(struct model_config *c, const json_t *object, enum config_class class, struct err *e) {
  static const char *const norms[] = {"rmsnorm", "layernorm"}, *const placements[] = {"pre", "post"}, *const positions[] = {"rope", "learned", "sinusoidal", "none"};
  int norm, placement, position;
  c->norm_eps = class == CLASS_GPT2 || class == CLASS_MIXTRAL ? 1e-5 : 1e-6, c->qk_norm = class == CLASS_QWEN3;
  if (word_of(object, "norm", norms, 2, class == CLASS_GPT2, &norm, e) < 0 || word_of(object, "placement", placements, 2, 0, &placement, e) < 0 ||
      word_of(object, "position", positions, 4, class == CLASS_GPT2 ? POSITION_LEARNED : POSITION_ROPE, &position, e) < 0 || json_get_bool(object, "qk_norm", &c->qk_norm, e) < 0)
    return -1;
  c->norm = (enum norm)norm, c->post_norm = placement, c->position = (enum position)position;
  const char *key = class == CLASS_GPT2 ? config_key(object, "layer_norm_epsilon") : "rms_norm_eps";
  if (json_get_double(object, key, &c->norm_eps, e) < 0) return -1;
  return c->norm_eps > 0 && c->norm_eps <= 1 ? 0 : refuse(object, key, "out of range", e);
}

static int parse_dropout(struct model_config *c, const json_t *object, enum config_class class, struct err *e) {
  if (class == CLASS_GPT2) c->dropout = c->embedding_dropout = c->attention_dropout = 0.1;
  return share(object, config_key(object, "dropout"), &c->dropout, e) < 0 || share(object, config_key(object, "embedding_dropout"), &c->embedding_dropout, e) < 0 ||
                 share(object, config_key(object, "attention_dropout"), &c->attention_dropout, e) < 0 ? -1 : 0;
}

static int parse_sizes(struct model_config *c, const json_t *object, enum config_class class, struct err *e) {
  if (size_in(object, "vocab_size", &c->vocab_size, 0, 1, 1 << 28, e) < 0 || size_in(object, config_key(object, "hidden_size"), &c->hidden_size, 0, 1, 1 << 20, e) < 0 ||
      size_in(object, config_key(object, "num_hidden_layers"), &c->layers, 0, 1, CONFIG_LAYERS, e) < 0 ||
      size_in(object, config_key(object, "max_position_embeddings"), &c->max_positions, class == CLASS_GPT2 ? 1024 : 2048, 1, INT32_MAX, e) < 0)
    return -1;
  return size_in(object, config_key(object, "intermediate_size"), &c->intermediate_size, class == CLASS_GPT2 ? 4 * c->hidden_size : 0, 1, 1 << 22, e);
}

static int parse(struct model_config *c, const json_t *object, struct err *e) {
  enum config_class class = CLASS_LLAMA;
  config_defaults(c);
  if (parse_class(object, &class, e) < 0) return -1;
  strcpy(c->architecture, config_class_names[class].architecture);
  strcpy(c->model_type, config_class_names[class].model_type);
  static const char *const off[] = {"quantization_config", "use_qk_norm", "rope_interleaved", "scale_attn_by_inverse_layer_idx", "router_jitter_noise", "no_rope_layers"};
  for (size_t i = 0; i < sizeof off / sizeof *off; i++)
    if (!is_off(json_object_get(object, off[i]))) return refuse(object, off[i], "not supported", e);
  bool scaled = true;
  if (json_get_bool(object, "scale_attn_weights", &scaled, e) < 0) return -1;
  if (!scaled) return refuse(object, "scale_attn_weights", "not supported", e);
  c->tied = class == CLASS_GPT2;
  if (parse_sizes(c, object, class, e) < 0 || parse_norms(c, object, class, e) < 0 || parse_heads(c, object, class, e) < 0 || parse_mixers(c, object, class, e) < 0 ||
      parse_experts(c, object, class, e) < 0 || parse_biases(c, object, class, e) < 0 || parse_activation(c, object, class, e) < 0 || parse_dropout(c, object, class, e) < 0 ||
      json_get_double(object, "initializer_range", &c->initializer_range, e) < 0 || json_get_bool(object, "tie_word_embeddings", &c->tied, e) < 0)
    return -1;
  double experts = (double)(c->moe.count + c->moe.shared) * (double)c->moe.size, width = (double)c->heads * (double)(c->head_dim + c->v_head_dim);
  double weights = (double)c->hidden_size * ((double)c->layers * (2 * width + 3 * ((double)c->intermediate_size + experts) + (double)(c->mla.q_rank + c->mla.kv_rank)) + 2 * (double)c->vocab_size) +
                   (double)c->layers * width * (double)(c->mla.q_rank + c->mla.kv_rank);
  if (weights > 1e15) return err_set(e, "the config describes %.3g parameters", weights);
  if (!(c->initializer_range > 0) || c->initializer_range > 10) return refuse(object, "initializer_range", "out of range", e);
  if (c->position == POSITION_LEARNED && (double)c->max_positions * (double)c->hidden_size > 1e12) return refuse(object, "max_position_embeddings", "out of range", e);
  if (config_is_mla(c) && c->qk_norm) return refuse(object, "qk_norm", "latent attention normalises its latents instead", e);
  if (config_is_mla(c) && c->position != POSITION_ROPE) return refuse(object, "position", "latent attention is rotary", e);
  if (parse_rope(c, object, e) < 0) return -1;
  int64_t V = c->vocab_size;
  if (token_id(object, "bos_token_id", V, &c->bos, e) < 0 || token_id(object, "eos_token_id", V, &c->eos, e) < 0 || token_id(object, "pad_token_id", V, &c->pad, e) < 0) return -1;
  config_name(c);
  return 0;
}

int config_parse(struct model_config *c, const json_t *object, const char *name, struct err *e) {
  return parse(c, object, e) < 0 ? err_prefix(e, "%s", name) : 0;
}
