/* SPDX-License-Identifier: MIT */
#include "common/model/config.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
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
  ok(parse(&c, "{\"architectures\":[\"MistralForCausalLM\"],\"model_type\":\"mistral\",\"sliding_window\":16,\"vocab_size\":100,\"hidden_size\":32,\"intermediate_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":4}") == 0 && c.window == 16 && c.mixer[1] == MIXER_SLIDING,
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

/* A model gets the name of the plainest class that can say all of it. */
static void check_name(const char *preset, const char *settings, const char *type) {
  struct model_config c, again;
  json_t *object = config_preset(preset, &e);
  char *copy = STRDUP(settings);
  bool fine = object != NULL;
  for (char *at = strtok(copy, " "); at; at = strtok(NULL, " ")) fine = config_set(object, at, &e) == 0 && fine;
  fine = fine && config_parse(&c, object, "x", &e) == 0;
  if (ok(fine && strcmp(c.model_type, type) == 0, "%s %s is a %s", preset, settings, type)) {
    json_t *written = config_to_json(&c);
    ok(config_parse(&again, written, "written", &e) == 0 && config_hash(&again) == config_hash(&c) && strcmp(again.model_type, type) == 0, "which is read back as the same model");
    json_decref(written);
  } else note("%s", fine ? c.model_type : e.message);
  json_decref(object);
  free(copy);
}

static void check_names(void) {
  check_name("llama-1m", "", "llama");
  check_name("llama-1m", "attention_bias=true mlp_bias=true hidden_act=gelu", "llama");
  check_name("llama-1m", "sliding_window=64 layer_types=sliding", "mistral");
  check_name("llama-1m", "sliding_window=64 layer_types=sliding,full", "crawl2lm");
  check_name("llama-1m", "qk_norm=true", "qwen3");
  check_name("llama-1m", "qk_norm=true sliding_window=64 layer_types=sliding,full", "qwen3");
  check_name("llama-1m", "attention_bias=true attention_output_bias=false", "qwen2");
  check_name("llama-1m", "num_local_experts=8 num_experts_per_tok=2", "mixtral");
  check_name("llama-1m", "num_local_experts=8 balance=bias", "crawl2lm");
  check_name("llama-1m", "kv_lora_rank=32 qk_nope_head_dim=32 qk_rope_head_dim=16 v_head_dim=32", "deepseek_v2");
  check_name("llama-1m", "kv_lora_rank=32 n_routed_experts=8 n_shared_experts=1 moe_intermediate_size=64 norm_topk_prob=false", "deepseek_v2");
  check_name("llama-1m", "kv_lora_rank=32 q_lora_rank=24 n_routed_experts=8 n_shared_experts=1 scoring_func=sigmoid topk_method=noaux_tc n_group=2 topk_group=1", "deepseek_v3");
  check_name("gpt2-124m", "", "gpt2");
  check_name("gpt2-124m", "hidden_size=384 num_attention_heads=6 num_hidden_layers=6 dropout=0.1", "gpt2");
  check_name("gpt2-124m", "position=sinusoidal", "crawl2lm");
  static const char *const own[] = {"activation=relu", "activation=gelu", "activation=silu", "activation=relu2", "position=none", "position=learned", "norm=layernorm", "placement=post", "layer_types=hyena", "layer_types=hyena,full", "dropout=0.1"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) check_name("llama-1m", own[i], "crawl2lm");
  check_name("llama-1m", "activation=swiglu", "llama");
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
  refuses("\"hidden_act\":\"mish\"", "hidden_act: \"mish\"");
  refuses("\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}", "rope_scaling");
  refuses("\"rope_parameters\":{\"rope_type\":\"llama3\",\"factor\":0.5}", "rope_parameters");
  refuses("\"layer_types\":[\"full_attention\"]", "layer_types");
  refuses("\"layer_types\":\"sliding\"", "sliding_window is missing");
  refuses("\"num_local_experts\":4,\"num_experts_per_tok\":5", "num_experts_per_tok: 5");
  refuses("\"num_local_experts\":4,\"topk_method\":\"group_limited_greedy\",\"n_group\":3", "n_group: 3");
  refuses("\"kv_lora_rank\":16,\"num_key_value_heads\":2", "num_key_value_heads: 2");
  refuses("\"kv_lora_rank\":16,\"position\":\"none\"", "position");
  refuses("\"dropout\":1", "dropout: 1");
  refuses("\"num_key_value_heads\":3", "num_key_value_heads: 3");
  refuses("\"head_dim\":7", "head_dim: 7");
  refuses("\"sliding_window\":64", "sliding_window: 64");
  refuses("\"rms_norm_eps\":0", "rms_norm_eps");
  refuses("\"max_position_embeddings\":0", "max_position_embeddings: 0");
  refuses("\"quantization_config\":{\"bits\":4}", "quantization_config");
  refuses("\"num_experts\":130,\"n_group\":65,\"topk_method\":\"group_limited_greedy\"", "n_group: 65: more than are supported");
  refuses("\"num_experts\":8,\"n_group\":8,\"topk_group\":4,\"topk_method\":\"noaux_tc\"", "n_group: 8: a group is as good");
  refuses("\"num_experts\":65536,\"moe_intermediate_size\":1,\"num_hidden_layers\":1000", "num_experts: 65536: too many");
  refuses("\"num_experts\":8,\"routed_scaling_factor\":1e300", "routed_scaling_factor");
  refuses("\"vocab_size\":\"many\"", "vocab_size");
  struct model_config c;
  ok(parse(&c, "{\"architectures\":[\"T5ForCausalLM\"]}") < 0 && strstr(e.message, "T5ForCausalLM"), "another architecture is refused by name");
  ok(parse(&c, "{\"model_type\":\"llama\"}") < 0 && strstr(e.message, "vocab_size is missing"), "a missing size is named");
  check_set();
  check_names();
  check_output();
  check_sizes();
  return tap_done();
}
