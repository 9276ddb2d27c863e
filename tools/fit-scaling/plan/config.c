/* SPDX-License-Identifier: MIT
 *
 * https://huggingface.co/docs/transformers/model_doc/llama; the recipe's keys are lm-train's options.
 */
#include "tools/fit-scaling/plan/config.h"

#include <jansson.h>
#include <stdlib.h>

static void put_int(json_t *o, const char *key, int64_t value) { json_object_set_new(o, key, json_integer(value)); }
static void put_real(json_t *o, const char *key, double value) { json_object_set_new(o, key, json_real(value)); }
static void put_string(json_t *o, const char *key, const char *value) { json_object_set_new(o, key, json_string(value)); }
static void put_bool(json_t *o, const char *key, bool value) { json_object_set_new(o, key, json_boolean(value)); }

static void write_and_free(struct buffer *out, json_t *o) {
  char *text = json_dumps(o, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
  buffer_append_string(out, text);
  buffer_put(out, '\n');
  free(text);
  json_decref(o);
}

void config_json(struct buffer *out, const struct shape *s) {
  json_t *o = json_object();
  double theta = s->seq < 8192 ? 1e4 : 5e5; /* Llama 2 up to 4096 positions, Llama 3 from 8192 on */
  json_object_set_new(o, "architectures", json_pack("[s]", "LlamaForCausalLM"));
  put_string(o, "model_type", "llama");
  put_int(o, "vocab_size", s->vocab);
  put_int(o, "hidden_size", s->width);
  put_int(o, "intermediate_size", s->intermediate);
  put_int(o, "num_hidden_layers", s->layers);
  put_int(o, "num_attention_heads", s->heads);
  put_int(o, "num_key_value_heads", s->kv_heads);
  put_int(o, "head_dim", s->head_dim);
  put_int(o, "max_position_embeddings", s->seq);
  put_string(o, "hidden_act", "silu");
  put_real(o, "rms_norm_eps", 1e-5);
  put_real(o, "initializer_range", .02);
  put_real(o, "rope_theta", theta);
  json_object_set_new(o, "rope_parameters", json_pack("{s:f,s:s}", "rope_theta", theta, "rope_type", "default"));
  put_bool(o, "tie_word_embeddings", s->tied);
  put_bool(o, "attention_bias", false);
  put_bool(o, "mlp_bias", false);
  write_and_free(out, o);
}

void recipe_json(struct buffer *out, const struct shape *s, const struct recipe *r) {
  json_t *o = json_object();
  put_int(o, "steps", r->steps);
  put_int(o, "batch", r->batch);
  if (r->micro_batch) put_int(o, "micro-batch", r->micro_batch);
  put_int(o, "seq", s->seq);
  put_real(o, "lr", r->lr);
  put_real(o, "min-lr", r->min_lr);
  put_int(o, "warmup", r->warmup);
  put_string(o, "schedule", "cosine");
  put_string(o, "optimizer", "adamw");
  put_real(o, "beta2", .95);
  put_real(o, "weight-decay", .1);
  put_real(o, "clip", 1);
  if (r->recompute) put_string(o, "recompute", "block");
  write_and_free(out, o);
}
