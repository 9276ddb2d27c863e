/* SPDX-License-Identifier: MIT
 *
 * A layer adds two branches to the residual stream: a mixer, which looks along the sequence, and an MLP.
 *   pre-norm    x += branch(norm(x))       arXiv 2302.13971 (Llama), GPT-2
 *   post-norm   x = norm(x + branch(x))    arXiv 1706.03762
 */
#include "common/model/architecture.h"

#include "kernels/filter.h"

/* The builder's place: nodes take their layer from here. */
struct builder {
  struct plan *p;
  const struct model_config *c;
  const struct parameter_layout *layout;
  const struct parameter_layer *y; /* of this layer */
  int layer;
  bool mixer;
};

static struct plan_node *node(struct builder *b, enum plan_op op, const char *name, int input, int output) {
  struct plan_node *n = plan_node_add(b->p, op, name, b->layer);
  n->mixer = b->mixer, n->inputs[0] = input, n->output = output;
  return n;
}

static int64_t positions(const struct builder *b) { return b->p->B * b->p->T; }
static int value(struct builder *b, int64_t columns) { return plan_value_add(b->p, ROWS_POSITIONS, columns); }
static int part(struct builder *b, int base, int64_t column, int64_t columns) { return plan_value_within(b->p, base, column, columns); }

static int matmul(struct builder *b, const char *name, int x, int64_t columns, int64_t parameter, int64_t bias) {
  int y = value(b, columns);
  struct plan_node *n = node(b, PLAN_MATMUL, name, x, y);
  n->parameter = parameter, n->bias = bias;
  return y;
}

/* RMSNorm of `heads` runs of columns side by side */
static void rms(struct builder *b, const char *name, int x, int y, int64_t heads, int64_t parameter) {
  struct plan_node *n = node(b, PLAN_RMSNORM, name, x, y);
  n->parameter = parameter, n->heads = heads, n->size = b->p->values[x].columns / heads;
  n->saved[0] = plan_saved_add(b->p, positions(b) * heads);
}

static int norm(struct builder *b, const char *name, int x, int64_t parameter, int64_t bias) {
  int y = value(b, b->p->values[x].columns);
  if (b->c->norm == NORM_RMS) {
    rms(b, name, x, y, 1, parameter);
    return y;
  }
  struct plan_node *n = node(b, PLAN_LAYERNORM, name, x, y);
  n->parameter = parameter, n->bias = bias;
  n->saved[0] = plan_saved_add(b->p, positions(b)), n->saved[1] = plan_saved_add(b->p, positions(b));
  return y;
}

static int dropout(struct builder *b, int x, double probability) {
  if (probability == 0 || !b->p->training) return x;
  int y = plan_value_in_place(b->p, x);
  node(b, PLAN_DROPOUT, "dropout", x, y)->probability = probability;
  return y;
}

/* x + branch, written where the branch was */
static int residual(struct builder *b, int x, int branch) {
  branch = dropout(b, branch, b->c->dropout);
  int y = plan_value_in_place(b->p, branch);
  node(b, PLAN_ADD, "residual", x, y)->inputs[1] = branch;
  return y;
}

/* Rotates the last rope_dim columns of each of `heads` heads. */
static int rope(struct builder *b, int x, int64_t heads, int64_t head_dim) {
  if (b->c->position != POSITION_ROPE) return x;
  int y = plan_value_in_place(b->p, x);
  struct plan_node *n = node(b, PLAN_ROPE, "rope", x, y);
  n->heads = heads, n->size = b->c->rope_dim, n->step = head_dim;
  return y;
}

/* ---- mixers: each returns the branch before its output projection */

static int attend(struct builder *b, int q, int k, int v, int64_t head_v) {
  const struct model_config *c = b->c;
  const struct plan_value *values = b->p->values;
  struct attention_shape s = {.H = c->heads, .H_kv = c->kv_heads, .D = c->head_dim, .D_v = c->v_head_dim, .ld_q = values[q].ld, .ld_k = values[k].ld, .ld_v = values[v].ld,
                              .ld_out = c->heads * c->v_head_dim, .head_v = head_v, .window = c->mixer[b->layer] == MIXER_SLIDING ? c->window : 0,
                              .scale = (real)config_attention_scale(c), .dropout = b->p->training ? c->attention_dropout : 0};
  int y = value(b, s.ld_out);
  struct plan_node *n = node(b, PLAN_ATTENTION, "attention", q, y);
  n->inputs[1] = k, n->inputs[2] = v, n->attention = s;
  n->saved[0] = plan_saved_add(b->p, positions(b) * c->heads);
  return y;
}

static int attention(struct builder *b, int h) {
  const struct model_config *c = b->c;
  int64_t q = c->heads * c->head_dim, k = c->kv_heads * c->head_dim, v = c->kv_heads * c->v_head_dim;
  int qkv = matmul(b, "qkv", h, q + k + v, b->y->qkv, b->y->qkv_bias), keys = qkv;
  if (c->qk_norm) { /* not in place: the backward pass needs what came in */
    keys = value(b, q + k);
    rms(b, "q_norm", part(b, qkv, 0, q), part(b, keys, 0, q), c->heads, b->y->q_norm);
    rms(b, "k_norm", part(b, qkv, q, k), part(b, keys, q, k), c->kv_heads, b->y->k_norm);
  }
  keys = rope(b, part(b, keys, 0, q + k), c->heads + c->kv_heads, c->head_dim);
  return attend(b, part(b, keys, 0, q), part(b, keys, q, k), part(b, qkv, q + k, v), c->v_head_dim);
}

/* Keys and values of all heads come from one latent vector (arXiv 2405.04434); a generation keeps only that and the shared
 * rotated key, and multiplies kv_b into queries and outputs instead. */
static int latent_attention(struct builder *b, int h) {
  const struct model_config *c = b->c;
  int64_t rank = c->mla.kv_rank, nope = c->head_dim - c->rope_dim, each = nope + c->v_head_dim;
  int from = h;
  if (c->mla.q_rank) {
    int low = matmul(b, "q_a", h, c->mla.q_rank, b->y->q_a, -1);
    rms(b, "q_a_norm", low, from = value(b, c->mla.q_rank), 1, b->y->q_a_norm);
  }
  int q = rope(b, matmul(b, "q_b", from, c->heads * c->head_dim, b->y->q_b, -1), c->heads, c->head_dim);
  int kv_a = matmul(b, "kv_a", h, rank + c->rope_dim, b->y->kv_a, -1), latent = value(b, rank);
  rms(b, "kv_a_norm", part(b, kv_a, 0, rank), latent, 1, b->y->kv_a_norm);
  int rotated = rope(b, part(b, kv_a, rank, c->rope_dim), 1, c->rope_dim);
  int kv = matmul(b, "kv_b", latent, c->heads * each, b->y->kv_b, -1), k = value(b, c->heads * c->head_dim);
  node(b, PLAN_JOIN_KEYS, "join_keys", kv, k)->inputs[1] = rotated;
  for (int i = 1; i <= 2; i++) b->p->nodes[b->p->count - i].uncached = true; /* keys stay latent there */
  int y = attend(b, q, k, part(b, kv, nope, c->heads * each - nope), each);
  struct plan_node *n = &b->p->nodes[b->p->count - 1];
  n->inputs[3] = latent, n->inputs[4] = rotated, n->parameter = b->y->kv_b;
  return y;
}

/* y = x2 * conv(h, x1 * v) with (v, x1, x2) = short(in(x))  (arXiv 2302.10866, order 2) */
static int hyena(struct builder *b, int h) {
  int64_t C = b->c->hidden_size, K = b->c->hyena.kernel;
  int in = matmul(b, "hyena_in", h, 3 * C, b->y->in, -1), mixed = value(b, 3 * C);
  struct plan_node *n = node(b, PLAN_SHORT_CONVOLUTION, "short_convolution", in, mixed);
  n->parameter = b->y->short_weight, n->bias = b->y->short_bias, n->size = K;
  int u = value(b, C), filter = plan_value_add(b->p, ROWS_FILTER, C), convolved = value(b, C), y = value(b, C);
  node(b, PLAN_MULTIPLY, "gate_in", part(b, mixed, 0, C), u)->inputs[1] = part(b, mixed, C, C);
  n = node(b, PLAN_FILTER, "filter", -1, filter);
  n->parameter = b->y->filter;
  struct filter_shape s = {.T = b->p->T, .L = b->c->max_positions, .C = C, .width = b->c->hyena.width, .bands = b->c->hyena.bands};
  n->saved[0] = plan_saved_add(b->p, filter_saved(&s));
  n = node(b, PLAN_LONG_CONVOLUTION, "long_convolution", u, convolved);
  n->inputs[1] = filter, n->parameter = b->y->skip;
  node(b, PLAN_MULTIPLY, "gate_out", part(b, mixed, 2 * C, C), y)->inputs[1] = convolved;
  return y;
}

static int mixer(struct builder *b, int h) {
  b->mixer = true;
  int y = b->c->mixer[b->layer] == MIXER_HYENA ? hyena(b, h) : config_is_mla(b->c) ? latent_attention(b, h) : attention(b, h);
  b->mixer = false;
  return matmul(b, "o", y, b->c->hidden_size, b->y->o, b->y->o_bias);
}

/* ---- MLPs */

static int activate(struct builder *b, enum plan_rows rows, int x, int64_t F) {
  int y = plan_value_add(b->p, rows, F);
  node(b, PLAN_ACTIVATION, "activation", x, y);
  return y;
}

static int dense(struct builder *b, int h, int64_t F, int64_t gate_up, int64_t gate_up_bias, int64_t down, int64_t down_bias) {
  int x = matmul(b, "gate_up", h, (b->c->gated ? 2 : 1) * F, gate_up, gate_up_bias);
  return matmul(b, "down", activate(b, ROWS_POSITIONS, x, F), b->c->hidden_size, down, down_bias);
}

static int multiply_experts(struct builder *b, const char *name, int x, int64_t columns, int64_t parameter, int64_t stride, const int *route) {
  int y = plan_value_add(b->p, ROWS_SLOTS, columns);
  struct plan_node *n = node(b, PLAN_EXPERTS, name, x, y);
  n->parameter = parameter, n->stride = stride;
  for (int i = 0; i < 4; i++) n->saved[i] = route[i];
  return y;
}

/* Every position goes to its experts, none is dropped: rows are sorted by expert, multiplied group by group, and put back. */
static int experts(struct builder *b, int h) {
  const struct model_config *c = b->c;
  int64_t rows = positions(b), slots = rows * c->moe.top;
  int logits = matmul(b, "router", h, c->moe.count, b->y->router, -1), weights = value(b, c->moe.top);
  /* chosen, slots, sources, starts (32-bit integers, in at most as many elements), and the scores */
  int route[] = {plan_saved_add(b->p, slots), plan_saved_add(b->p, slots), plan_saved_add(b->p, slots), plan_saved_add(b->p, c->moe.count + 1), plan_saved_add(b->p, rows * c->moe.count)};
  struct plan_node *n = node(b, PLAN_ROUTE, "route", logits, weights);
  n->bias = b->y->correction;
  for (int i = 0; i < 5; i++) n->saved[i] = route[i];
  int gathered = plan_value_add(b->p, ROWS_SLOTS, c->hidden_size);
  n = node(b, PLAN_GATHER, "gather", h, gathered);
  for (int i = 0; i < 4; i++) n->saved[i] = route[i];
  int x = multiply_experts(b, "experts_gate_up", gathered, (c->gated ? 2 : 1) * c->moe.size, b->y->experts_gate_up, b->y->expert_gate_up_stride, route);
  int out = multiply_experts(b, "experts_down", activate(b, ROWS_SLOTS, x, c->moe.size), c->hidden_size, b->y->experts_down, b->y->expert_down_stride, route);
  int y = value(b, c->hidden_size);
  n = node(b, PLAN_COMBINE, "combine", out, y);
  n->inputs[1] = weights;
  for (int i = 0; i < 4; i++) n->saved[i] = route[i];
  if (!c->moe.shared) return y;
  int shared = dense(b, h, c->moe.shared * c->moe.size, b->y->shared_gate_up, -1, b->y->shared_down, -1), sum = plan_value_in_place(b->p, shared);
  node(b, PLAN_ADD, "shared", y, sum)->inputs[1] = shared;
  return sum;
}

static int mlp(struct builder *b, int h) {
  const struct parameter_layer *y = b->y;
  return config_is_moe(b->c, b->layer) ? experts(b, h) : dense(b, h, b->c->intermediate_size, y->gate_up, y->gate_up_bias, y->down, y->down_bias);
}

/* ---- the whole */

static int embed(struct builder *b) {
  int x = value(b, b->c->hidden_size);
  node(b, PLAN_EMBEDDING, "embedding", -1, x)->parameter = b->layout->embedding;
  if (b->c->position == POSITION_LEARNED || b->c->position == POSITION_SINUSOIDAL) {
    int y = plan_value_in_place(b->p, x);
    node(b, PLAN_POSITION, "position", x, y)->parameter = b->layout->positions;
    x = y;
  }
  return dropout(b, x, b->c->embedding_dropout);
}

void architecture_build(struct plan *p, const struct parameter_layout *layout) {
  struct builder b = {.p = p, .c = &p->config, .layout = layout, .layer = -1};
  int x = embed(&b);
  for (b.layer = 0; b.layer < (int)p->config.layers; b.layer++) {
    const struct parameter_layer *y = b.y = &layout->layers[b.layer];
    if (p->config.post_norm) {
      x = norm(&b, "input_norm", residual(&b, x, mixer(&b, x)), y->input_norm, y->input_norm_bias);
      x = norm(&b, "post_norm", residual(&b, x, mlp(&b, x)), y->post_norm, y->post_norm_bias);
    } else {
      x = residual(&b, x, mixer(&b, norm(&b, "input_norm", x, y->input_norm, y->input_norm_bias)));
      x = residual(&b, x, mlp(&b, norm(&b, "post_norm", x, y->post_norm, y->post_norm_bias)));
    }
  }
  b.layer = -1;
  if (!p->config.post_norm) x = norm(&b, "final_norm", x, layout->final_norm, layout->final_norm_bias);
  node(&b, PLAN_CLASSIFIER, "classifier", x, -1)->parameter = layout->head;
}
