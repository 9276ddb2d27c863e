/* SPDX-License-Identifier: MIT */
#include "common/model/parameters.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/model/quantized.h"
#include "kernels/filter.h"

int kernel_failed(struct err *e, const struct kernel_error *k) { return err_set(e, "%s", k->message); }

/* ---- layout */

struct parameter_tensor *parameter_layout_add(struct parameter_layout *l, const char *name, enum parameter_kind kind, double init, int rank, const int64_t *shape) {
  GROW(l->tensors, l->capacity, (size_t)l->count + 1);
  struct parameter_tensor *t = &l->tensors[l->count++];
  *t = (struct parameter_tensor){.name = STRDUP(name), .kind = kind, .rank = rank, .offset = l->total, .count = 1, .init = init};
  for (int i = 0; i < 3; i++) t->shape[i] = i < rank ? shape[i] : 1, t->count *= t->shape[i];
  l->total += t->count;
  return t;
}

void parameter_layout_align(struct parameter_layout *l) { l->total = (l->total + 15) & ~(int64_t)15; }

/* What is being laid out: names carry the layer as %lld. */
struct builder {
  struct parameter_layout *l;
  const struct model_config *c;
  int64_t layer;
  bool gpt2;
  double std, residual; /* of matrices; of those that write into the residual stream (Radford et al. 2019) */
};

static struct parameter_tensor *add(struct builder *b, enum parameter_kind kind, double init, int64_t rows, int64_t columns, const char *format, ...) __attribute__((format(printf, 6, 7)));
static struct parameter_tensor *add(struct builder *b, enum parameter_kind kind, double init, int64_t rows, int64_t columns, const char *format, ...) {
  char name[160];
  int at = b->layer < 0 ? 0 : snprintf(name, sizeof name, b->gpt2 ? "transformer.h.%lld." : "model.layers.%lld.", (long long)b->layer);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(name + at, sizeof name - (size_t)at, format, arguments);
  va_end(arguments);
  struct parameter_tensor *t = parameter_layout_add(b->l, name, kind, init, columns ? 2 : 1, (int64_t[]){rows, columns});
  if (b->gpt2 && kind == PARAMETER_MATRIX) t->transposed = true;
  return t;
}

static int64_t matrix(struct builder *b, double init, int64_t rows, int64_t columns, const char *name) {
  parameter_layout_align(b->l);
  return add(b, PARAMETER_MATRIX, init, rows, columns, "%s.weight", name)->offset;
}

static int64_t bias(struct builder *b, bool there, int64_t rows, const char *name) {
  if (!there) return -1;
  parameter_layout_align(b->l);
  return add(b, PARAMETER_VECTOR, 0, rows, 0, "%s.bias", name)->offset;
}

static int64_t ones(struct parameter_tensor *t) {
  t->mean = 1;
  return t->offset;
}

static int64_t norm(struct builder *b, int64_t size, const char *name) {
  parameter_layout_align(b->l);
  return ones(add(b, PARAMETER_VECTOR, 0, size, 0, "%s.weight", name));
}

static void attention(struct builder *b, struct parameter_layer *y) {
  const struct model_config *c = b->c;
  int64_t C = c->hidden_size, q = c->heads * c->head_dim, k = c->kv_heads * c->head_dim, v = c->kv_heads * c->v_head_dim;
  static const char *const names[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
  int64_t rows[] = {q, k, v};
  if (b->gpt2) {
    y->qkv = matrix(b, b->std, q + k + v, C, "attn.c_attn");
    y->qkv_bias = bias(b, c->qkv_bias, q + k + v, "attn.c_attn");
  } else {
    parameter_layout_align(b->l);
    y->qkv = b->l->total;
    for (int i = 0; i < 3; i++) add(b, PARAMETER_MATRIX, b->std, rows[i], C, "%s.weight", names[i]);
    parameter_layout_align(b->l);
    if (c->qkv_bias) y->qkv_bias = b->l->total;
    for (int i = 0; i < 3 && c->qkv_bias; i++) add(b, PARAMETER_VECTOR, 0, rows[i], 0, "%s.bias", names[i]);
    if (c->qk_norm) y->q_norm = norm(b, c->head_dim, "self_attn.q_norm"), y->k_norm = norm(b, c->head_dim, "self_attn.k_norm");
  }
}

static void latent_attention(struct builder *b, struct parameter_layer *y) {
  const struct model_config *c = b->c;
  int64_t C = c->hidden_size, q = c->heads * c->head_dim, pairs = c->mla.interleaved ? c->rope_dim : 0;
  struct parameter_tensor *t;
  if (c->mla.q_rank) {
    y->q_a = matrix(b, b->std, c->mla.q_rank, C, "self_attn.q_a_proj");
    y->q_a_norm = norm(b, c->mla.q_rank, "self_attn.q_a_layernorm");
  }
  parameter_layout_align(b->l);
  t = add(b, PARAMETER_MATRIX, b->std, q, c->mla.q_rank ? c->mla.q_rank : C, "self_attn.%s.weight", c->mla.q_rank ? "q_b_proj" : "q_proj");
  t->head = c->head_dim, t->pairs = pairs;
  y->q_b = t->offset;
  parameter_layout_align(b->l);
  t = add(b, PARAMETER_MATRIX, b->std, c->mla.kv_rank + c->rope_dim, C, "self_attn.kv_a_proj_with_mqa.weight");
  t->head = c->mla.kv_rank + c->rope_dim, t->pairs = pairs;
  y->kv_a = t->offset;
  y->kv_a_norm = norm(b, c->mla.kv_rank, "self_attn.kv_a_layernorm");
  y->kv_b = matrix(b, b->std, c->heads * (c->head_dim - c->rope_dim + c->v_head_dim), c->mla.kv_rank, "self_attn.kv_b_proj");
}

static void hyena(struct builder *b, struct parameter_layer *y) {
  const struct model_config *c = b->c;
  int64_t C = c->hidden_size;
  y->in = matrix(b, b->std, 3 * C, C, "hyena.in_proj");
  parameter_layout_align(b->l);
  y->short_weight = add(b, PARAMETER_VECTOR, 1 / sqrt((double)c->hyena.kernel), 3 * C, c->hyena.kernel, "hyena.short_filter.weight")->offset;
  y->short_bias = bias(b, true, 3 * C, "hyena.short_filter");
  parameter_layout_align(b->l);
  y->filter = b->l->total;
  struct filter_shape s = {.T = 1, .L = c->max_positions, .C = C, .width = c->hyena.width, .bands = c->hyena.bands};
  struct filter_piece pieces[FILTER_PIECES];
  filter_pieces(pieces, &s);
  for (int i = 0; i < FILTER_PIECES; i++) {
    b->l->total = y->filter + pieces[i].offset;
    struct parameter_tensor *t = add(b, PARAMETER_VECTOR, pieces[i].deviation, pieces[i].rows, pieces[i].columns, "hyena.filter.%s", pieces[i].name);
    t->mean = pieces[i].mean;
  }
  parameter_layout_align(b->l);
  y->skip = add(b, PARAMETER_VECTOR, 1, C, 0, "hyena.skip")->offset;
}

static void mixer(struct builder *b, struct parameter_layer *y) {
  const struct model_config *c = b->c;
  int64_t C = c->hidden_size, width = c->heads * c->v_head_dim;
  if (c->mixer[b->layer] == MIXER_HYENA) {
    hyena(b, y);
    y->o = matrix(b, b->residual, C, C, "hyena.out_proj");
    return;
  }
  if (config_is_mla(c)) latent_attention(b, y);
  else attention(b, y);
  const char *name = b->gpt2 ? "attn.c_proj" : "self_attn.o_proj";
  y->o = matrix(b, b->residual, C, width, name);
  y->o_bias = bias(b, c->o_bias, C, name);
}

/* gate and up side by side, or up alone */
static int64_t gate_up(struct builder *b, int64_t F, const char *prefix, const char *gate, const char *up) {
  parameter_layout_align(b->l);
  int64_t at = b->l->total;
  if (b->c->gated) add(b, PARAMETER_MATRIX, b->std, F, b->c->hidden_size, "%s.%s.weight", prefix, gate);
  add(b, PARAMETER_MATRIX, b->std, F, b->c->hidden_size, "%s.%s.weight", prefix, up);
  return at;
}

static void dense(struct builder *b, struct parameter_layer *y) {
  const struct model_config *c = b->c;
  int64_t C = c->hidden_size, F = c->intermediate_size;
  y->gate_up = gate_up(b, F, "mlp", "gate_proj", b->gpt2 ? "c_fc" : "up_proj");
  if (c->mlp_bias) {
    parameter_layout_align(b->l);
    y->gate_up_bias = b->l->total;
    if (c->gated) add(b, PARAMETER_VECTOR, 0, F, 0, "mlp.gate_proj.bias");
    add(b, PARAMETER_VECTOR, 0, F, 0, "mlp.%s.bias", b->gpt2 ? "c_fc" : "up_proj");
  }
  const char *name = b->gpt2 ? "mlp.c_proj" : "mlp.down_proj";
  y->down = matrix(b, b->residual, C, F, name);
  y->down_bias = bias(b, c->mlp_bias, C, name);
}

/* Experts stand [expert][gate F, up F][C] and [expert][C][F]; files hold them one by one. */
static void experts(struct builder *b, struct parameter_layer *y) {
  const struct model_config *c = b->c;
  bool mixtral = strcmp(c->model_type, "mixtral") == 0;
  int64_t C = c->hidden_size, F = c->moe.size, width = (c->gated ? 2 : 1) * F;
  const char *prefix = mixtral ? "block_sparse_moe" : "mlp";
  parameter_layout_align(b->l);
  y->router = add(b, PARAMETER_MATRIX, b->std, c->moe.count, C, "%s.gate.weight", prefix)->offset;
  if (c->moe.correction) {
    parameter_layout_align(b->l);
    y->correction = add(b, PARAMETER_BALANCE, 0, c->moe.count, 0, "%s.gate.e_score_correction_bias", prefix)->offset;
  }
  parameter_layout_align(b->l);
  y->experts_gate_up = b->l->total, y->expert_gate_up_stride = width * C;
  for (int64_t k = 0; k < c->moe.count; k++) {
    if (c->gated) add(b, PARAMETER_MATRIX, b->std, F, C, "%s.experts.%lld.%s.weight", prefix, (long long)k, mixtral ? "w1" : "gate_proj");
    add(b, PARAMETER_MATRIX, b->std, F, C, "%s.experts.%lld.%s.weight", prefix, (long long)k, mixtral ? "w3" : "up_proj");
  }
  parameter_layout_align(b->l);
  y->experts_down = b->l->total, y->expert_down_stride = C * F;
  for (int64_t k = 0; k < c->moe.count; k++) add(b, PARAMETER_MATRIX, b->residual, C, F, "%s.experts.%lld.%s.weight", prefix, (long long)k, mixtral ? "w2" : "down_proj");
  if (c->moe.shared) {
    y->shared_gate_up = gate_up(b, c->moe.shared * F, "mlp.shared_experts", "gate_proj", "up_proj");
    y->shared_down = matrix(b, b->residual, C, c->moe.shared * F, "mlp.shared_experts.down_proj");
  }
}

static void layer(struct builder *b, struct parameter_layer *y) {
  const struct model_config *c = b->c;
  const char *before = b->gpt2 ? "ln_1" : "input_layernorm", *after = b->gpt2 ? "ln_2" : "post_attention_layernorm";
  for (size_t i = 0; i < sizeof *y / sizeof(int64_t); i++) ((int64_t *)y)[i] = -1;
  y->input_norm = norm(b, c->hidden_size, before);
  y->input_norm_bias = bias(b, c->norm == NORM_LAYER, c->hidden_size, before);
  mixer(b, y);
  y->post_norm = norm(b, c->hidden_size, after);
  y->post_norm_bias = bias(b, c->norm == NORM_LAYER, c->hidden_size, after);
  if (config_is_moe(c, b->layer)) experts(b, y);
  else dense(b, y);
}

void parameter_layout_init(struct parameter_layout *l, const struct model_config *c) {
  *l = (struct parameter_layout){.layers = NEW_ARRAY(struct parameter_layer, (size_t)c->layers), .positions = -1, .final_norm = -1, .final_norm_bias = -1};
  struct builder b = {.l = l, .c = c, .layer = -1, .gpt2 = strcmp(c->model_type, "gpt2") == 0, .std = c->initializer_range, .residual = c->initializer_range / sqrt(2.0 * (double)c->layers)};
  double size = c->position == POSITION_SINUSOIDAL ? 1 / sqrt((double)c->hidden_size) : b.std; /* as large as the sinusoids once multiplied */
  l->embedding = add(&b, PARAMETER_EMBEDDING, size, c->vocab_size, c->hidden_size, b.gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight")->offset;
  if (c->position == POSITION_LEARNED) {
    parameter_layout_align(l);
    l->positions = add(&b, PARAMETER_EMBEDDING, b.std, c->max_positions, c->hidden_size, b.gpt2 ? "transformer.wpe.weight" : "model.embed_positions.weight")->offset;
  }
  for (b.layer = 0; b.layer < c->layers; b.layer++) layer(&b, &l->layers[b.layer]);
  b.layer = -1;
  if (!c->post_norm) { /* after the last layer a post-norm model is normalised already */
    const char *name = b.gpt2 ? "transformer.ln_f" : "model.norm";
    l->final_norm = norm(&b, c->hidden_size, name);
    l->final_norm_bias = bias(&b, c->norm == NORM_LAYER, c->hidden_size, name);
  }
  parameter_layout_align(l);
  l->head = c->tied ? l->embedding : add(&b, PARAMETER_HEAD, b.std, c->vocab_size, c->hidden_size, "lm_head.weight")->offset;
  parameter_layout_align(l);
}

void parameter_layout_release(struct parameter_layout *l) {
  for (int i = 0; i < l->count; i++) free(l->tensors[i].name);
  free(l->tensors);
  free(l->layers);
  *l = (struct parameter_layout){0};
}

/* ---- sizes */

static int64_t mixer_matrices(const struct model_config *c, int64_t i) {
  int64_t C = c->hidden_size, q = c->heads * c->head_dim, v = c->heads * c->v_head_dim;
  if (c->mixer[i] == MIXER_HYENA) return 4 * C * C;
  if (!config_is_mla(c)) return C * (q + c->kv_heads * (c->head_dim + c->v_head_dim) + v);
  int64_t queries = c->mla.q_rank ? c->mla.q_rank * (C + q) : C * q;
  return queries + C * (c->mla.kv_rank + c->rope_dim) + c->mla.kv_rank * c->heads * (c->head_dim - c->rope_dim + c->v_head_dim) + C * v;
}

static int64_t mlp_matrices(const struct model_config *c, int64_t i) {
  int64_t matrices = c->gated ? 3 : 2;
  if (!config_is_moe(c, i)) return matrices * c->hidden_size * c->intermediate_size;
  return c->hidden_size * (matrices * (c->moe.top + c->moe.shared) * c->moe.size + c->moe.count);
}

int64_t config_matmul_parameters(const struct model_config *c) {
  int64_t sum = c->vocab_size * c->hidden_size;
  for (int64_t i = 0; i < c->layers; i++) sum += mixer_matrices(c, i) + mlp_matrices(c, i);
  return sum;
}

int64_t config_parameters(const struct model_config *c) {
  struct parameter_layout l;
  int64_t sum = 0;
  parameter_layout_init(&l, c);
  for (int i = 0; i < l.count; i++) sum += l.tensors[i].count;
  parameter_layout_release(&l);
  return sum;
}

double config_flops_per_token(const struct model_config *c, int64_t T) {
  double pairs = 0, width = (double)(c->heads * (c->head_dim + c->v_head_dim)) / 2, w = (double)c->window, length = (double)T;
  for (int64_t i = 0; i < c->layers; i++)
    if (c->mixer[i] == MIXER_FULL) pairs += length / 2;
    else if (c->mixer[i] == MIXER_SLIDING) pairs += w < length ? w - w * w / (2 * length) : length / 2;
  return 6.0 * (double)config_matmul_parameters(c) + 12.0 * width * pairs;
}

/* ---- storage */

static bool is_vector(const struct parameter_tensor *t) { return t->kind == PARAMETER_VECTOR || t->kind == PARAMETER_BALANCE; }

/* Where the small array holds each vector; its length. */
static int64_t lay_out_small(struct parameters *p) {
  int64_t total = 0;
  p->small_offsets = NEW_ARRAY(int64_t, (size_t)p->layout.count);
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    /* what lies together in the layout (a filter's pieces) stays together */
    bool follows = i > 0 && is_vector(t) && is_vector(t - 1) && t->offset == t[-1].offset + t[-1].count;
    if (!follows) total = (total + 15) & ~(int64_t)15;
    p->small_offsets[i] = is_vector(t) ? total : -1;
    if (is_vector(t)) total += t->count;
  }
  return total;
}

static int allocate(struct parameters *p, bool training, struct err *e) {
  const struct backend *b = p->backend;
  struct quantized_weights *q = p->quantized;
  struct kernel_error k;
  bool narrow = b->stored_size != sizeof(real);
  size_t total = (size_t)(q ? q->stored : p->layout.total);
  int64_t small = narrow && !training ? lay_out_small(p) : 0;
  bool fine = (narrow && !training) || (p->values = b->alloc(total * sizeof(real), &k));
  fine = fine && (!training || (p->gradients = b->alloc(total * sizeof(real), &k)));
  fine = fine && (!narrow || (p->working = b->alloc(total * b->stored_size, &k)));
  fine = fine && (!p->small_offsets || (p->small = b->alloc((size_t)small * sizeof(real), &k)));
  fine = fine && (!q || (q->blocks = b->alloc((size_t)q->bytes, &k)));
  if (!narrow) p->working = p->values;
  if (fine) return 0;
  parameters_release(p);
  return kernel_failed(e, &k);
}

int parameters_init(struct parameters *p, const struct model_config *c, const struct backend *backend, bool training, struct err *e) {
  *p = (struct parameters){.config = *c, .backend = backend};
  parameter_layout_init(&p->layout, c);
  return allocate(p, training, e);
}

int parameters_init_quantized(struct parameters *p, const struct model_config *c, const struct backend *backend, enum quantization kind, struct err *e) {
  *p = (struct parameters){.config = *c, .backend = backend};
  parameter_layout_init(&p->layout, c);
  p->quantized = quantized_new(&p->layout, c, kind);
  return allocate(p, false, e);
}

void parameters_release(struct parameters *p) {
  if (p->working && p->working != p->values) p->backend->release(p->working);
  real *arrays[] = {p->values, p->gradients, p->small};
  for (int i = 0; i < 3; i++)
    if (arrays[i]) p->backend->release(arrays[i]);
  quantized_free(p->quantized, p->backend);
  free(p->small_offsets);
  parameter_layout_release(&p->layout);
  *p = (struct parameters){0};
}

/* The last tensor that begins at or before offset. */
static int tensor_at(const struct parameter_layout *l, int64_t offset) {
  int low = 0, high = l->count - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (l->tensors[middle].offset <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/* Where the flat arrays hold what the layout has at `offset`. */
static int64_t place(const struct parameters *p, int64_t offset) {
  if (!p->quantized) return offset;
  int t = tensor_at(&p->layout, offset);
  assert(p->quantized->stored_at[t] >= 0);
  return p->quantized->stored_at[t] + (offset - p->layout.tensors[t].offset);
}

const stored *parameters_working(const struct parameters *p, int64_t offset) { return offset < 0 ? NULL : stored_at(p->backend, p->working, place(p, offset)); }

const real *parameters_exact(const struct parameters *p, int64_t offset) {
  if (offset < 0) return NULL;
  if (p->values) return p->values + place(p, offset);
  int t = tensor_at(&p->layout, offset);
  assert(p->small_offsets[t] >= 0);
  return p->small + p->small_offsets[t] + (offset - p->layout.tensors[t].offset);
}

const void *parameters_blocks(const struct parameters *p, int64_t offset, enum quantization *kind) {
  const struct quantized_weights *q = p->quantized;
  if (!q || offset < 0) return NULL;
  int t = tensor_at(&p->layout, offset);
  if (q->blocks_at[t] < 0) return NULL;
  assert(p->layout.tensors[t].offset == offset);
  *kind = q->kind;
  return q->blocks + q->blocks_at[t];
}

int parameters_put(struct parameters *p, int t, int64_t at, const real *from, int64_t n, struct err *e) {
  const struct parameter_tensor *tensor = &p->layout.tensors[t];
  struct quantized_weights *q = p->quantized;
  struct kernel_error k;
  size_t bytes = (size_t)n * sizeof *from;
  int result = 0;
  if (q && q->blocks_at[t] >= 0 && quantized_put(q, p->backend, &p->layout, t, at, from, n, e) < 0) return -1;
  if (q && q->stored_at[t] < 0) return 0;
  int64_t to = place(p, tensor->offset) + at;
  if (p->values) result = p->backend->to_device(p->values + to, from, bytes, &k);
  else if (p->small_offsets[t] >= 0) result = p->backend->to_device(p->small + p->small_offsets[t] + at, from, bytes, &k);
  if (result == 0 && p->working != p->values) result = p->backend->upload(stored_at(p->backend, p->working, to), from, n, &k);
  return result < 0 ? kernel_failed(e, &k) : 0;
}

int parameters_refresh(struct parameters *p, struct err *e) {
  struct kernel_error k;
  if (!p->values || p->working == p->values) return 0;
  return p->backend->narrow(p->working, p->values, p->layout.total, &k) < 0 ? kernel_failed(e, &k) : 0;
}

/* ---- initial values */

/* Two counters give one normal by Box and Muller's transform (1958); the sine half is not used, so that an element needs
 * no neighbour. */
static double normal(uint64_t seed, uint64_t tensor, uint64_t i) {
  uint64_t stream = splitmix64(splitmix64(seed) ^ (tensor + 1));
  double u = ((double)(splitmix64(stream + 2 * i) >> 11) + 1) * 0x1p-53; /* (0, 1] */
  double w = (double)(splitmix64(stream + 2 * i + 1) >> 11) * 0x1p-53;
  return sqrt(-2 * log(u)) * cos(2 * M_PI * w);
}

int parameters_randomize(struct parameters *p, uint64_t seed, double width_ratio, struct err *e) {
  enum { BLOCK = 1 << 16 };
  real *block = MALLOC(BLOCK * sizeof(real));
  int result = 0;
  for (int t = 0; t < p->layout.count && result == 0; t++) {
    const struct parameter_tensor *tensor = &p->layout.tensors[t];
    double std = tensor->init;
    if (tensor->kind == PARAMETER_MATRIX) std /= sqrt(width_ratio);
    if (tensor->kind == PARAMETER_HEAD) std /= width_ratio;
    for (int64_t at = 0; at < tensor->count && result == 0; at += BLOCK) {
      int64_t n = tensor->count - at < BLOCK ? tensor->count - at : BLOCK;
#pragma omp parallel for schedule(static)
      for (int64_t i = 0; i < n; i++)
        block[i] = std > 0 ? (real)(float)(std * normal(seed, (uint64_t)t, (uint64_t)(at + i))) : (real)tensor->mean;
      result = parameters_put(p, t, at, block, n, e);
    }
  }
  free(block);
  return result;
}
