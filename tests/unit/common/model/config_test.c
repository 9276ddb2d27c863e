/* SPDX-License-Identifier: MIT */
#include "common/model/config.h"

#include <stdlib.h>
#include <string.h>

#include "common/model/parameters.h"
#include "tests/tap.h"

static struct err e;

#define BASE "\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"vocab_size\":100,\"hidden_size\":32,\"intermediate_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":4"

static int parse(struct model_config *c, const char *json) {
  json_t *object = json_loads(json, 0, NULL);
  if (!object) abort();
  int result = config_parse(c, object, "c.json", &e);
  json_decref(object);
  return result;
}

static void refuses(const char *more, const char *says) {
  struct model_config c;
  char json[1024];
  strcpy(json, "{" BASE ",");
  strcat(json, more);
  strcat(json, "}");
  bool refused = parse(&c, json) < 0;
  ok(refused && strstr(e.message, says), "%s is refused", more);
  if (refused && !strstr(e.message, says)) note("%s", e.message);
}

static void check_defaults(void) {
  struct model_config c;
  ok(parse(&c, "{" BASE "}") == 0, "a minimal config is enough");
  ok(c.kv_heads == 4 && c.head_dim == 8 && !c.tied && c.rope_theta == 10000 && c.bos == -1 && c.eos == -1, "the rest has transformers' defaults");
  ok(parse(&c, "{" BASE ",\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":7.0},\"rope_theta\":5.0,\"eos_token_id\":[3,4]}") == 0 && c.rope_theta == 7, "rope_parameters win over rope_theta");
  ok_int(c.eos, 3, "of several ends the first is kept");
  ok(parse(&c, "{" BASE ",\"eos_token_id\":100,\"bos_token_id\":-7,\"pad_token_id\":99}") == 0 && c.eos == -1 && c.bos == -1 && c.pad == 99, "an id outside the vocabulary is none");
  ok(parse(&c, "{" BASE ",\"num_key_value_heads\":2,\"head_dim\":16}") == 0 && c.head_dim == 16 && c.kv_heads == 2, "head_dim may differ from hidden_size / heads");
  ok(parse(&c, "{\"architectures\":[\"MistralForCausalLM\"],\"model_type\":\"mistral\",\"sliding_window\":16,\"vocab_size\":100,\"hidden_size\":32,\"intermediate_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":4}") == 0 && c.sliding_window == 16,
     "Mistral's sliding window is read");
}

static void check_set(void) {
  struct model_config c;
  json_t *object = config_preset("llama-1m", &e);
  ok(config_set(object, "hidden_size=192", &e) == 0 && config_set(object, "num_attention_heads=6", &e) == 0 && config_set(object, "rope_theta=5e5", &e) == 0 && config_parse(&c, object, "x", &e) == 0, "keys of a preset can be changed");
  ok(c.hidden_size == 192 && c.heads == 6 && c.kv_heads == 6 && c.head_dim == 32, "head_dim and key heads follow");
  ok(c.rope_theta == 500000, "rope_theta counts though rope_parameters held another");
  ok(config_set(object, "rope_parameters.rope_theta=100", &e) == 0 && config_parse(&c, object, "x", &e) == 0 && c.rope_theta == 100, "dots descend");
  ok(config_set(object, "tie_word_embeddings=false", &e) == 0 && config_parse(&c, object, "x", &e) == 0 && !c.tied, "a value is JSON");
  ok(config_set(object, "hiddn_size=3", &e) < 0 && e.kind == ERR_USAGE && strstr(e.message, "hiddn_size"), "an unknown key is refused by name");
  ok(config_set(object, "hidden_size", &e) < 0 && config_set(object, "vocab_size.x=1", &e) < 0, "what is no assignment is refused");
  json_decref(object);
  ok(!config_preset("llama-9x", &e) && strstr(e.message, "smollm2-135m"), "an unknown preset lists those that exist");
}

static void check_output(void) {
  struct model_config c, again;
  parse(&c, "{" BASE ",\"tie_word_embeddings\":true,\"rms_norm_eps\":1e-06,\"eos_token_id\":99}");
  struct buffer text = {0};
  config_write(&c, &text);
  json_t *object = json_loadb(text.data, text.len, 0, NULL);
  ok(object && config_parse(&again, object, "own", &e) == 0 && config_hash(&again) == config_hash(&c), "a written config is read as the same model");
  ok(json_object_get(object, "rope_theta") && json_object_get(json_object_get(object, "rope_parameters"), "rope_theta"), "the rotary base stands in both places");
  json_decref(object);
  again.rope_theta += 1;
  ok(config_hash(&again) != config_hash(&c), "the hash tells models apart");
  buffer_release(&text);
}

static void check_sizes(void) {
  static const struct { const char *name; int64_t parameters; } known[] = {{"smollm-135m", 134515008}, {"smollm2-360m", 361821120}, {"tinyllama-1.1b", 1100048384}, {"stories15m", 15191712}};
  for (int i = 0; i < 4; i++) {
    struct model_config c;
    json_t *object = config_preset(known[i].name, &e);
    config_parse(&c, object, known[i].name, &e);
    ok_int(config_parameters(&c), known[i].parameters, known[i].name);
    struct parameter_layout l;
    parameter_layout_init(&l, &c);
    int64_t sum = 0;
    for (int k = 0; k < l.count; k++) sum += l.tensors[k].count;
    ok_int(sum, known[i].parameters, "the layout holds as many");
    parameter_layout_release(&l);
    json_decref(object);
  }
}

int main(void) {
  check_defaults();
  refuses("\"hidden_act\":\"gelu\"", "hidden_act: \"gelu\"");
  refuses("\"attention_bias\":true", "attention_bias: true");
  refuses("\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}", "rope_scaling");
  refuses("\"rope_parameters\":{\"rope_type\":\"llama3\",\"rope_theta\":5e5}", "rope_parameters");
  refuses("\"num_key_value_heads\":3", "num_key_value_heads: 3");
  refuses("\"head_dim\":7", "head_dim: 7");
  refuses("\"sliding_window\":64", "sliding_window: 64");
  refuses("\"rms_norm_eps\":0", "rms_norm_eps");
  refuses("\"max_position_embeddings\":0", "max_position_embeddings: 0");
  refuses("\"quantization_config\":{\"bits\":4}", "quantization_config");
  refuses("\"vocab_size\":\"many\"", "vocab_size");
  struct model_config c;
  ok(parse(&c, "{\"architectures\":[\"Qwen2ForCausalLM\"]}") < 0 && strstr(e.message, "Qwen2ForCausalLM"), "another architecture is refused by name");
  ok(parse(&c, "{\"model_type\":\"llama\"}") < 0 && strstr(e.message, "vocab_size is missing"), "a missing size is named");
  check_set();
  check_output();
  check_sizes();
  return tap_done();
}
