/* SPDX-License-Identifier: MIT
 *
 * What a model is.  Every choice the engine knows stands here once; the classes of Hugging Face transformers (Llama,
 * Mistral, Qwen2, Qwen3, GPT-2, Mixtral, DeepSeek-V2, DeepSeek-V3) are regions of this space.  A model outside all of them
 * is a Crawl2lmForCausalLM, whose config.json has Llama's keys and the own ones below.
 * https://huggingface.co/docs/transformers/model_doc/llama and its neighbours.
 *
 *   config.c        JSON -> numbers; refuses, naming key and value, whatever it would otherwise compute wrongly
 *   config_write.c  numbers -> JSON: the class that says all of it, the given one where it can
 *   config_preset.c known shapes, --set, sizes
 *
 * Own keys, which any class's config.json may hold:
 *   activation       relu | gelu | gelu_tanh | silu | relu2, or gated: reglu | geglu | swiglu
 *   position         rope | learned | sinusoidal | none        (arXiv 1706.03762: embeddings times sqrt(d) + sinusoids)
 *   norm             rmsnorm | layernorm           placement   pre | post
 *   qk_norm, attention_output_bias, dropout, embedding_dropout
 *   layer_types      a list of full_attention, sliding_attention, hyena; or short words, repeated over the layers:
 *                    "sliding,sliding,full"
 *   balance          loss | bias | none: how an MoE's router is kept even (arXiv 2101.03961, 2408.15664)
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "kernels/backend.h"

enum { CONFIG_LAYERS = 1024 }; /* at most */

/* Classes of Hugging Face transformers, the plainest first, then ours. */
enum config_class { CLASS_LLAMA, CLASS_MISTRAL, CLASS_QWEN2, CLASS_QWEN3, CLASS_GPT2, CLASS_MIXTRAL, CLASS_DEEPSEEK2, CLASS_DEEPSEEK3, CLASS_OWN, CONFIG_CLASSES };
extern const struct config_class_name { const char *architecture, *model_type; } config_class_names[CONFIG_CLASSES];

enum position { POSITION_ROPE, POSITION_LEARNED, POSITION_SINUSOIDAL, POSITION_NONE };
enum norm { NORM_RMS, NORM_LAYER };
enum mixer { MIXER_FULL, MIXER_SLIDING, MIXER_HYENA };
enum balance { BALANCE_LOSS, BALANCE_BIAS, BALANCE_NONE };

struct model_config {
  char architecture[32], model_type[16]; /* LlamaForCausalLM, llama */
  int64_t vocab_size, hidden_size, intermediate_size, layers, max_positions;
  int64_t heads, kv_heads;
  int64_t head_dim, v_head_dim, rope_dim; /* of q and k, of v, the rotated part of head_dim (its end); equal but in MLA */
  uint8_t mixer[CONFIG_LAYERS];           /* enum mixer of each layer */
  int64_t window;                         /* of sliding layers: a position sees itself and window - 1 before */

  enum activation activation;
  bool gated;                             /* f(gate) * up */
  enum position position;
  enum norm norm;
  bool post_norm, qk_norm;
  bool qkv_bias, o_bias, mlp_bias;
  bool tied;                              /* tie_word_embeddings */
  double norm_eps, initializer_range;
  double dropout, embedding_dropout, attention_dropout;

  double rope_theta;
  struct {                                /* of longer sequences than the model was first trained on */
    enum { ROPE_DEFAULT, ROPE_LLAMA3, ROPE_YARN } kind;
    double factor;
    double low, high;                     /* low_freq_factor, high_freq_factor; beta_slow, beta_fast */
    double mscale, mscale_all_dim, attention_factor; /* YaRN, arXiv 2309.00071; 0: not given */
    int64_t original;                     /* original_max_position_embeddings */
  } rope_scaling;

  struct {                                /* multi-head latent attention, arXiv 2405.04434; kv_rank 0: off */
    int64_t q_rank, kv_rank;              /* q_rank 0: q is projected at once */
    bool interleaved;                     /* files hold rotated pairs side by side (x0 x1) (x2 x3) */
  } mla;

  struct {                                /* mixture of experts; count 0: off */
    int64_t count, top, size, shared;     /* experts, chosen per token, width of each; shared experts, always on */
    int64_t dense_layers;                 /* the first layers that have a plain MLP */
    int64_t groups, top_groups;           /* group-limited choice; 0: off */
    bool sigmoid, normalize, correction;  /* scores by sigmoid; weights divided by their sum; a bias for choosing */
    double scale;                         /* of the weights */
    enum balance balance;
    double balance_loss;                  /* its coefficient */
  } moe;

  struct {                                /* Hyena, arXiv 2302.10866 */
    int64_t width, bands, kernel;         /* of the filter's MLP, its features, the short convolution */
  } hyena;

  int64_t bos, eos, pad;                  /* token ids; -1: none.  Several eos ids: the first */
};

/* ---- config_preset.c */
json_t *config_load(const char *path, struct err *e);   /* config.json; NULL on error */
json_t *config_preset(const char *name, struct err *e); /* NULL: unknown, the message lists the names */
void config_preset_list(struct buffer *out);            /* "name, name, ..." */

/* KEY=VALUE; dots descend ("rope_parameters.rope_theta=1e6").  VALUE is JSON, else a string.  A key that neither the
 * object nor this engine knows is refused.  GPT-2's own names (n_embd) and the common ones (hidden_size) are the same key.
 * head_dim and num_key_value_heads, where they merely follow from the key that is set, go on following it. */
int config_set(json_t *object, const char *assignment, struct err *e);
/* The name under which this object holds the key: GPT-2's where only that is there, and the other way round. */
const char *config_key(const json_t *object, const char *key);

/* ---- config.c.  `name` prefixes messages. */
int config_parse(struct model_config *c, const json_t *object, const char *name, struct err *e);
void config_defaults(struct model_config *c); /* a Llama without sizes */
bool config_is_moe(const struct model_config *c, int64_t layer);
bool config_is_mla(const struct model_config *c);
double config_rope_factor(const struct model_config *c);    /* of the rotated columns of q and k */
double config_attention_scale(const struct model_config *c); /* of q.k */

/* ---- config_write.c */
void config_name(struct model_config *c);             /* sets architecture and model_type to what can say the rest */
json_t *config_to_json(const struct model_config *c); /* every key other readers want; the caller decrefs */
void config_write(const struct model_config *c, struct buffer *out);      /* as config.json, indented, sorted keys */
void config_generation(const struct model_config *c, struct buffer *out); /* generation_config.json */
uint64_t config_hash(const struct model_config *c); /* XXH3-64 of the compact sorted form of config_to_json() */

/* ---- sizes, in parameters.c */
int64_t config_parameters(const struct model_config *c);        /* all of them */
/* N_mm: what a token is multiplied with.  Norms, biases and embedding look-up left out, the head once, of an MoE the experts
 * that a token reaches. */
int64_t config_matmul_parameters(const struct model_config *c);
/* Training: 6 N_mm + 12 d_attn times the keys a query sees on average (T/2 for full attention, giving 6 L d_attn T). */
double config_flops_per_token(const struct model_config *c, int64_t T);

#endif
