/* SPDX-License-Identifier: MIT
 *
 * What a model is: the fields of a Hugging Face config.json that this engine understands, for LlamaForCausalLM and
 * MistralForCausalLM (Llama with an optional sliding window).  https://huggingface.co/docs/transformers/model_doc/llama
 *
 * A config starts as a JSON object, from a file or a preset; --set changes keys of it; config_parse() turns it into
 * numbers and refuses, naming key and value, whatever it would otherwise compute wrongly.
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct model_config {
  char architecture[40], model_type[24]; /* LlamaForCausalLM, llama */
  int64_t vocab_size, hidden_size, intermediate_size;
  int64_t layers, heads, kv_heads, head_dim;
  int64_t max_positions;  /* max_position_embeddings */
  int64_t sliding_window; /* 0: none */
  double rms_norm_eps, rope_theta, initializer_range;
  bool tied;              /* tie_word_embeddings */
  int64_t bos, eos, pad;  /* token ids; -1: none.  Several eos ids: the first */
};

json_t *config_load(const char *path, struct err *e);   /* config.json; NULL on error */
json_t *config_preset(const char *name, struct err *e); /* NULL: unknown, the message lists the names */
void config_preset_list(struct buffer *out);            /* "name, name, ..." */

/* KEY=VALUE; dots descend ("rope_parameters.rope_theta=1e6").  VALUE is JSON, else a string.  A key that neither the
 * object nor this engine knows is refused.  head_dim and num_key_value_heads, where they merely follow from the key that
 * is set, go on following it. */
int config_set(json_t *object, const char *assignment, struct err *e);

/* `name` prefixes messages. */
int config_parse(struct model_config *c, const json_t *object, const char *name, struct err *e);

json_t *config_to_json(const struct model_config *c); /* every key other readers want; the caller decrefs */
void config_write(const struct model_config *c, struct buffer *out);     /* as config.json, indented, sorted keys */
void config_generation(const struct model_config *c, struct buffer *out); /* generation_config.json */
uint64_t config_hash(const struct model_config *c); /* XXH3-64 of the compact sorted form of config_to_json() */

/* Sizes. */
int64_t config_parameters(const struct model_config *c);        /* all of them */
int64_t config_matmul_parameters(const struct model_config *c); /* N_mm: norms and embedding look-up left out, the head once */
double config_flops_per_token(const struct model_config *c, int64_t T); /* 6 N_mm + 6 L d_attn T: training, causal */

#endif
