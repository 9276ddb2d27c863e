/* SPDX-License-Identifier: MIT */
#include "common/model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/json.h"
#include "common/base/memory.h"

/* ---- presets
 * llama-60m .. llama-1b: the ladder of GaLore (arXiv 2403.03507) and its successors.
 * stories: karpathy/llama2.c.  smollm: HuggingFaceTB model cards.  tinyllama-1.1b: arXiv 2401.02385.
 * llama-16m and llama-100m are the shapes of this project's benchmarks. */
static const struct {
  const char *name;
  int64_t vocab, hidden, intermediate, layers, heads, kv_heads, positions;
  double theta, eps;
  bool tied;
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
};
enum { PRESETS = sizeof presets / sizeof *presets };

void config_preset_list(struct buffer *out) {
  for (int i = 0; i < PRESETS; i++) buffer_printf(out, "%s%s", i ? ", " : "", presets[i].name);
}

json_t *config_preset(const char *name, struct err *e) {
  for (int i = 0; i < PRESETS; i++) {
    if (strcmp(presets[i].name, name) != 0) continue;
    struct model_config c = {.architecture = "LlamaForCausalLM", .model_type = "llama", .vocab_size = presets[i].vocab,
                             .hidden_size = presets[i].hidden, .intermediate_size = presets[i].intermediate,
                             .layers = presets[i].layers, .heads = presets[i].heads, .kv_heads = presets[i].kv_heads,
                             .head_dim = presets[i].hidden / presets[i].heads, .max_positions = presets[i].positions,
                             .rms_norm_eps = presets[i].eps, .rope_theta = presets[i].theta, .initializer_range = 0.02,
                             .tied = presets[i].tied, .bos = -1, .eos = -1, .pad = -1};
    return config_to_json(&c);
  }
  struct buffer names = {0};
  config_preset_list(&names);
  err_usage(e, "no preset is named %s; there are %s", name, buffer_string(&names));
  buffer_release(&names);
  return NULL;
}

/* ---- JSON in */

json_t *config_load(const char *path, struct err *e) {
  json_t *object = json_load_path(path, e);
  if (object && !json_is_object(object)) {
    err_set(e, "%s: not a JSON object", path);
    json_decref(object);
    return NULL;
  }
  return object;
}

static const char *const known_keys[] = {
    "architectures", "model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "hidden_act", "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings",
    "attention_bias", "mlp_bias", "bos_token_id", "eos_token_id", "pad_token_id", "dtype", "rope_parameters", "rope_scaling",
    "rope_theta", "rope_type", "initializer_range", "sliding_window", "attention_dropout", "use_cache", "torch_dtype",
};

/* Sizes that were derived from the one that changes are derived again; the two places of rope_theta stay equal. */
static void follow(json_t *object, const char *key) {
  int64_t hidden = json_integer_value(json_object_get(object, "hidden_size")), heads = json_integer_value(json_object_get(object, "num_attention_heads"));
  bool is_heads = strcmp(key, "num_attention_heads") == 0;
  if ((is_heads || strcmp(key, "hidden_size") == 0) && heads > 0 && json_integer_value(json_object_get(object, "head_dim")) * heads == hidden)
    json_object_del(object, "head_dim");
  if (is_heads && json_integer_value(json_object_get(object, "num_key_value_heads")) == heads) json_object_del(object, "num_key_value_heads");
  if (strcmp(key, "rope_theta") == 0 && json_is_object(json_object_get(object, "rope_parameters")))
    json_object_del(json_object_get(object, "rope_parameters"), "rope_theta");
}

int config_set(json_t *object, const char *assignment, struct err *e) {
  const char *equals = strchr(assignment, '=');
  if (!equals || equals == assignment) return err_usage(e, "--set %s: expected KEY=VALUE", assignment);
  char *path = COPY(assignment, (size_t)(equals - assignment)), *key = path;
  int result = 0;
  for (char *dot; (dot = strchr(key, '.')); key = dot + 1) {
    *dot = 0;
    json_t *inner = json_object_get(object, key);
    if (!inner && strcmp(key, "rope_parameters") == 0) json_object_set_new(object, key, inner = json_object());
    if (!json_is_object(inner)) {
      result = err_usage(e, "--set %s: %s is no object of the config", assignment, key);
      break;
    }
    object = inner;
  }
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

static int refuse(const json_t *object, const char *key, const char *why, struct err *e) {
  char *value = json_dumps(json_object_get(object, key), JSON_ENCODE_ANY | JSON_COMPACT);
  err_set(e, "%s: %.200s: %s", key, value ? value : "absent", why);
  free(value);
  return -1;
}

static bool is_off(const json_t *v) {
  return !v || json_is_null(v) || json_is_false(v) || (json_is_number(v) && json_number_value(v) == 0);
}

static int positive(const json_t *object, const char *key, int64_t *value, int64_t fallback, struct err *e) {
  *value = fallback;
  if (json_get_int(object, key, value, e) < 0) return -1;
  if (*value == 0 && !json_object_get(object, key)) return err_set(e, "%s is missing", key);
  if (*value < 1 || *value > INT32_MAX) return refuse(object, key, "out of range", e);
  return 0;
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

/* Rotary settings stand in rope_parameters (transformers 5) or rope_scaling and rope_theta (before). */
static int parse_rope(struct model_config *c, const json_t *object, struct err *e) {
  c->rope_theta = 10000;
  const json_t *holders[] = {object, json_object_get(object, "rope_scaling"), json_object_get(object, "rope_parameters")};
  static const char *const names[] = {"", "rope_scaling", "rope_parameters"};
  for (int i = 0; i < 3; i++) {
    const json_t *holder = holders[i];
    if (!holder || json_is_null(holder)) continue;
    if (!json_is_object(holder)) return refuse(object, names[i], "expected an object", e);
    const char *type = NULL;
    if (i && (json_get_string(holder, "type", &type, e) < 0 || json_get_string(holder, "rope_type", &type, e) < 0)) return -1;
    if (type && strcmp(type, "default") != 0) return refuse(object, names[i], "only the default rotary embedding is supported", e);
    if (json_get_double(holder, "rope_theta", &c->rope_theta, e) < 0) return -1;
    double partial = 1;
    if (json_get_double(holder, "partial_rotary_factor", &partial, e) < 0) return -1;
    if (partial != 1) return refuse(holder, "partial_rotary_factor", "only 1 is supported", e);
  }
  if (!(c->rope_theta > 0) || !isfinite(c->rope_theta)) return err_set(e, "rope_theta: %g: must be positive", c->rope_theta);
  return 0;
}

static int parse_architecture(struct model_config *c, const json_t *object, struct err *e) {
  const json_t *list = json_object_get(object, "architectures");
  const char *name = json_string_value(json_array_get(list, 0)), *type = NULL;
  if (json_get_string(object, "model_type", &type, e) < 0) return -1;
  if (!name && !type) return err_set(e, "neither architectures nor model_type is there");
  bool mistral = name ? strcmp(name, "MistralForCausalLM") == 0 : strcmp(type, "mistral") == 0;
  if (!mistral && (name ? strcmp(name, "LlamaForCausalLM") : strcmp(type, "llama")) != 0)
    return refuse(object, name ? "architectures" : "model_type", "supported are LlamaForCausalLM (llama) and MistralForCausalLM (mistral)", e);
  if (type && strcmp(type, mistral ? "mistral" : "llama") != 0) return refuse(object, "model_type", "contradicts architectures", e);
  strcpy(c->architecture, mistral ? "MistralForCausalLM" : "LlamaForCausalLM");
  strcpy(c->model_type, mistral ? "mistral" : "llama");
  json_t *window = json_object_get(object, "sliding_window");
  if (!is_off(window)) {
    if (!mistral) return refuse(object, "sliding_window", "LlamaForCausalLM has none", e);
    if (positive(object, "sliding_window", &c->sliding_window, 0, e) < 0) return -1;
  }
  return 0;
}

static int parse(struct model_config *c, const json_t *object, struct err *e) {
  *c = (struct model_config){.rms_norm_eps = 1e-6, .initializer_range = 0.02};
  if (parse_architecture(c, object, e) < 0) return -1;
  if (positive(object, "vocab_size", &c->vocab_size, 0, e) < 0 || positive(object, "hidden_size", &c->hidden_size, 0, e) < 0 ||
      positive(object, "intermediate_size", &c->intermediate_size, 0, e) < 0 ||
      positive(object, "num_hidden_layers", &c->layers, 0, e) < 0 || positive(object, "num_attention_heads", &c->heads, 0, e) < 0 ||
      positive(object, "num_key_value_heads", &c->kv_heads, c->heads, e) < 0 ||
      positive(object, "max_position_embeddings", &c->max_positions, 2048, e) < 0)
    return -1;
  if (c->layers > 10000) return refuse(object, "num_hidden_layers", "out of range", e);
  if (c->hidden_size > 1 << 20 || c->intermediate_size > 1 << 22 || c->vocab_size > 1 << 28) return err_set(e, "hidden_size, intermediate_size or vocab_size is out of range");
  if (positive(object, "head_dim", &c->head_dim, c->hidden_size % c->heads ? 0 : c->hidden_size / c->heads, e) < 0)
    return err_prefix(e, "num_attention_heads %lld does not divide hidden_size %lld", (long long)c->heads, (long long)c->hidden_size);
  if (c->head_dim % 2) return err_set(e, "head_dim: %lld: rotary embedding needs an even size", (long long)c->head_dim);
  if (c->head_dim > 65536 || c->heads > 65536) return err_set(e, "head_dim or num_attention_heads is out of range");
  double weights = (double)c->hidden_size * ((double)c->layers * ((double)((c->heads + c->kv_heads) * c->head_dim) * 2 + 3 * (double)c->intermediate_size) + 2 * (double)c->vocab_size);
  if (weights > 1e15) return err_set(e, "the config describes %.3g parameters", weights);
  if (c->heads % c->kv_heads) return refuse(object, "num_key_value_heads", "does not divide num_attention_heads", e);

  const char *activation = "silu";
  if (json_get_string(object, "hidden_act", &activation, e) < 0) return -1;
  if (strcmp(activation, "silu") != 0 && strcmp(activation, "swish") != 0) return refuse(object, "hidden_act", "only silu is supported", e);
  static const char *const off[] = {"attention_bias", "mlp_bias", "attention_dropout", "quantization_config", "use_qk_norm", "qk_norm", "rope_interleaved"};
  for (size_t i = 0; i < sizeof off / sizeof *off; i++)
    if (!is_off(json_object_get(object, off[i]))) return refuse(object, off[i], "not supported", e);
  if (json_get_double(object, "rms_norm_eps", &c->rms_norm_eps, e) < 0 || json_get_double(object, "initializer_range", &c->initializer_range, e) < 0 ||
      json_get_bool(object, "tie_word_embeddings", &c->tied, e) < 0)
    return -1;
  if (!(c->rms_norm_eps > 0) || c->rms_norm_eps > 1) return refuse(object, "rms_norm_eps", "out of range", e);
  if (!(c->initializer_range > 0) || c->initializer_range > 10) return refuse(object, "initializer_range", "out of range", e);
  if (parse_rope(c, object, e) < 0) return -1;
  return token_id(object, "bos_token_id", c->vocab_size, &c->bos, e) < 0 || token_id(object, "eos_token_id", c->vocab_size, &c->eos, e) < 0 || token_id(object, "pad_token_id", c->vocab_size, &c->pad, e) < 0 ? -1 : 0;
}

int config_parse(struct model_config *c, const json_t *object, const char *name, struct err *e) {
  return parse(c, object, e) < 0 ? err_prefix(e, "%s", name) : 0;
}

/* ---- JSON out */

static json_t *id_or_null(int64_t id) { return id < 0 ? json_null() : json_integer(id); }

json_t *config_to_json(const struct model_config *c) {
  json_t *o = json_object(), *rope = json_object(), *architectures = json_array();
  json_array_append_new(architectures, json_string(c->architecture));
  json_object_set_new(o, "architectures", architectures);
  json_object_set_new(o, "model_type", json_string(c->model_type));
  json_object_set_new(o, "vocab_size", json_integer(c->vocab_size));
  json_object_set_new(o, "hidden_size", json_integer(c->hidden_size));
  json_object_set_new(o, "intermediate_size", json_integer(c->intermediate_size));
  json_object_set_new(o, "num_hidden_layers", json_integer(c->layers));
  json_object_set_new(o, "num_attention_heads", json_integer(c->heads));
  json_object_set_new(o, "num_key_value_heads", json_integer(c->kv_heads));
  json_object_set_new(o, "head_dim", json_integer(c->head_dim));
  json_object_set_new(o, "hidden_act", json_string("silu"));
  json_object_set_new(o, "max_position_embeddings", json_integer(c->max_positions));
  json_object_set_new(o, "rms_norm_eps", json_real(c->rms_norm_eps));
  json_object_set_new(o, "initializer_range", json_real(c->initializer_range));
  json_object_set_new(o, "tie_word_embeddings", json_boolean(c->tied));
  json_object_set_new(o, "attention_bias", json_false());
  json_object_set_new(o, "attention_dropout", json_real(0));
  json_object_set_new(o, "mlp_bias", json_false());
  json_object_set_new(o, "use_cache", json_true());
  json_object_set_new(o, "bos_token_id", id_or_null(c->bos));
  json_object_set_new(o, "eos_token_id", id_or_null(c->eos));
  json_object_set_new(o, "pad_token_id", id_or_null(c->pad));
  json_object_set_new(o, "dtype", json_string("float32"));
  json_object_set_new(o, "rope_theta", json_real(c->rope_theta));
  json_object_set_new(rope, "rope_type", json_string("default"));
  json_object_set_new(rope, "rope_theta", json_real(c->rope_theta));
  json_object_set_new(o, "rope_parameters", rope);
  if (strcmp(c->model_type, "mistral") == 0) json_object_set_new(o, "sliding_window", c->sliding_window ? json_integer(c->sliding_window) : json_null());
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
  if (c->pad >= 0) json_object_set_new(o, "pad_token_id", json_integer(c->pad));
  json_object_set_new(o, "do_sample", json_false());
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

/* ---- sizes */

int64_t config_matmul_parameters(const struct model_config *c) {
  int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
  return c->layers * c->hidden_size * (2 * q + 2 * kv + 3 * c->intermediate_size) + c->vocab_size * c->hidden_size;
}

int64_t config_parameters(const struct model_config *c) {
  return config_matmul_parameters(c) + (2 * c->layers + 1) * c->hidden_size + (c->tied ? 0 : c->vocab_size * c->hidden_size);
}

double config_flops_per_token(const struct model_config *c, int64_t T) {
  return 6.0 * (double)config_matmul_parameters(c) + 6.0 * (double)(c->layers * c->heads * c->head_dim) * (double)T;
}
