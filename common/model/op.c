/* SPDX-License-Identifier: MIT
 *
 * How each op of a plan runs.  A weight matrix W lies [out][in], so that
 *   forward   y = x W^T + bias
 *   backward  dW += dy^T x, dx = dy W, d_bias += the sum of dy's rows
 */
#include "common/model/op.h"

#include <math.h>

#include "common/base/rng.h"
#include "common/model/execution.h"
#include "common/model/op_cached.h"
#include "kernels/filter.h"

#define ARGUMENTS struct execution *x, const struct plan_node *n, const struct pass *pass
#define CALL(op, ...) (x->backend->op(__VA_ARGS__, &x->error))

static stored *in(const struct execution *x, const struct plan_node *n, const struct pass *pass, int i) { return execution_value(x, pass, n->inputs[i]); }
static stored *out(const struct execution *x, const struct plan_node *n, const struct pass *pass) { return execution_value(x, pass, n->output); }
static stored *d_in(const struct execution *x, const struct plan_node *n, int i) { return execution_gradient(x, n->inputs[i]); }
static stored *d_out(const struct execution *x, const struct plan_node *n) { return execution_gradient(x, n->output); }
static const struct plan_value *value(const struct execution *x, int v) { return &x->plan->values[v]; }
static const stored *weights(const struct execution *x, int64_t offset) { return parameters_working(x->parameters, offset); } /* for products */
static const real *exact(const struct execution *x, int64_t offset) { return parameters_exact(x->parameters, offset); }        /* for all else */
static stored *at(const struct execution *x, const stored *p, int64_t n) { return stored_at(x->backend, p, n); }
static real *gradients(const struct execution *x, int64_t offset) { return offset < 0 ? NULL : x->parameters->gradients + offset; }
static int64_t rows_of(const struct execution *x, int v, const struct pass *pass) { return plan_rows(x->plan, value(x, v)->rows, pass->B, pass->T); }
static int64_t positions(const struct pass *pass) { return pass->B * pass->T; }

/* ---- embedding, positions, dropout */

static int embedding_op(ARGUMENTS) { return CALL(embedding_forward, out(x, n, pass), weights(x, n->parameter), x->ids, positions(pass), value(x, n->output)->columns); }

static int embedding_op_backward(ARGUMENTS) { return CALL(embedding_backward, gradients(x, n->parameter), d_out(x, n), x->ids, positions(pass), x->plan->config.vocab_size, value(x, n->output)->columns); }

/* Sinusoids, of size 1, meet embeddings multiplied by sqrt(C) (arXiv 1706.03762 section 3.4). */
static int position_op(ARGUMENTS) {
  bool sinusoidal = n->parameter < 0;
  const stored *table = sinusoidal ? x->sinusoids : weights(x, n->parameter);
  int64_t C = value(x, n->output)->columns;
  stored *y = out(x, n, pass);
  if (sinusoidal && CALL(scale, y, (real)sqrt((double)C), positions(pass) * C) < 0) return -1;
  return CALL(position_forward, y, table, positions(pass), pass->T, pass->cache ? x->past : NULL, C);
}

static int position_op_backward(ARGUMENTS) {
  int64_t C = value(x, n->output)->columns;
  if (n->parameter < 0) return CALL(scale, d_out(x, n), (real)sqrt((double)C), positions(pass) * C);
  return CALL(position_backward, gradients(x, n->parameter), d_out(x, n), positions(pass), pass->T, C);
}

/* Evaluations go without dropout. */
static int dropout_op(ARGUMENTS) {
  if (!pass->gradient) return 0;
  uint64_t key = splitmix64(x->dropout_key ^ splitmix64((uint64_t)(n - x->plan->nodes)));
  return CALL(dropout, out(x, n, pass), positions(pass) * value(x, n->output)->columns, n->probability, key);
}

static int dropout_op_backward(ARGUMENTS) {
  uint64_t key = splitmix64(x->dropout_key ^ splitmix64((uint64_t)(n - x->plan->nodes)));
  return CALL(dropout, d_out(x, n), positions(pass) * value(x, n->output)->columns, n->probability, key);
}

/* ---- norms, rotary embedding, elementwise */

/* DeepSeek's inner norms have an epsilon of their own, whatever the config says (transformers, modeling_deepseek_v2.py). */
static struct norm_shape norm_shape(const struct execution *x, const struct plan_node *n, const struct pass *pass) {
  const struct model_config *c = &x->plan->config;
  bool inner = n->mixer && config_is_mla(c);
  int64_t groups = n->heads ? n->heads : 1;
  return (struct norm_shape){.rows = positions(pass), .groups = groups, .C = value(x, n->inputs[0])->columns / groups, .ld_x = value(x, n->inputs[0])->ld, .ld_y = value(x, n->output)->ld,
                             .eps = (real)(inner ? 1e-6 : c->norm_eps)};
}

static int rmsnorm_op(ARGUMENTS) {
  struct norm_shape s = norm_shape(x, n, pass);
  real *rstd = execution_saved(x, n->saved[0]);
  if (n->fused && !pass->again) {
    const struct plan_node *add = n - 1;
    return CALL(add_rmsnorm, out(x, add, pass), out(x, n, pass), rstd, in(x, add, pass, 0), in(x, add, pass, 1), exact(x, n->parameter), s.rows, s.C, s.eps);
  }
  return CALL(rmsnorm_forward, out(x, n, pass), rstd, in(x, n, pass, 0), exact(x, n->parameter), &s);
}

static int rmsnorm_op_backward(ARGUMENTS) {
  struct norm_shape s = norm_shape(x, n, pass);
  return CALL(rmsnorm_backward, d_in(x, n, 0), gradients(x, n->parameter), d_out(x, n), in(x, n, pass, 0), exact(x, n->parameter), execution_saved(x, n->saved[0]), &s, n->accumulate[0]);
}

static int layernorm_op(ARGUMENTS) {
  struct norm_shape s = norm_shape(x, n, pass);
  return CALL(layernorm_forward, out(x, n, pass), execution_saved(x, n->saved[0]), execution_saved(x, n->saved[1]), in(x, n, pass, 0), exact(x, n->parameter), exact(x, n->bias), &s);
}

static int layernorm_op_backward(ARGUMENTS) {
  struct norm_shape s = norm_shape(x, n, pass);
  return CALL(layernorm_backward, d_in(x, n, 0), gradients(x, n->parameter), gradients(x, n->bias), d_out(x, n), in(x, n, pass, 0), exact(x, n->parameter), execution_saved(x, n->saved[0]),
                               execution_saved(x, n->saved[1]), &s, n->accumulate[0]);
}

static int rotate(struct execution *x, const struct plan_node *n, const struct pass *pass, stored *y, bool inverse) {
  y = at(x, y, n->step - n->size); /* the end of each head */
  return CALL(rope, y, value(x, n->output)->ld, n->step, x->cosine, x->sine, positions(pass), pass->T, pass->cache ? x->past : NULL, n->heads, n->size, inverse);
}

static int rope_op(ARGUMENTS) { return rotate(x, n, pass, out(x, n, pass), false); }
static int rope_op_backward(ARGUMENTS) { return rotate(x, n, pass, d_out(x, n), true); }

static int activation_op(ARGUMENTS) {
  const struct model_config *c = &x->plan->config;
  int64_t F = value(x, n->output)->columns;
  const stored *gate = in(x, n, pass, 0);
  return CALL(activation_forward, c->activation, out(x, n, pass), gate, c->gated ? at(x, gate, F) : NULL, value(x, n->inputs[0])->ld, rows_of(x, n->output, pass), F);
}

static int activation_op_backward(ARGUMENTS) {
  const struct model_config *c = &x->plan->config;
  int64_t F = value(x, n->output)->columns;
  const stored *gate = in(x, n, pass, 0);
  stored *d = d_in(x, n, 0);
  return CALL(activation_backward, c->activation, d, c->gated ? at(x, d, F) : NULL, d_out(x, n), gate, c->gated ? at(x, gate, F) : NULL, value(x, n->inputs[0])->ld, rows_of(x, n->output, pass), F);
}

static int multiply_op(ARGUMENTS) {
  return CALL(multiply, out(x, n, pass), value(x, n->output)->ld, in(x, n, pass, 0), value(x, n->inputs[0])->ld, in(x, n, pass, 1), value(x, n->inputs[1])->ld, positions(pass),
                     value(x, n->output)->columns);
}

/* One distance between rows serves a value and its gradient. */
static int multiply_op_backward(ARGUMENTS) {
  return CALL(multiply_backward, d_in(x, n, 0), value(x, n->inputs[0])->ld, d_in(x, n, 1), value(x, n->inputs[1])->ld, d_out(x, n), value(x, n->output)->ld, in(x, n, pass, 0), in(x, n, pass, 1),
                              positions(pass), value(x, n->output)->columns);
}

static int add_op(ARGUMENTS) {
  if (n->fused && !pass->again) return 0; /* the norm that follows does it */
  return CALL(add, out(x, n, pass), in(x, n, pass, 0), in(x, n, pass, 1), positions(pass) * value(x, n->output)->columns);
}

static int add_op_backward(ARGUMENTS) {
  if (n->shared) return 0;
  stored *dx = d_in(x, n, 0), *dy = d_out(x, n);
  int64_t count = positions(pass) * value(x, n->output)->columns;
  return n->accumulate[0] ? CALL(add, dx, dx, dy, count) : CALL(copy, dx, dy, (size_t)count * x->backend->stored_size);
}

/* ---- products */

/* The head stays in bfloat16 where other products are of FP8. */
static enum matmul_type type_of(const struct execution *x, const struct plan_node *n) { return x->type == MATMUL_FP8 && n->op == PLAN_CLASSIFIER ? MATMUL_BF16 : x->type; }

/* y = h W^T + bias, with the weights as they are kept */
static int linear(struct execution *x, const struct plan_node *n, stored *y, int64_t ld_y, const stored *h, int64_t ld_h, int64_t rows, int64_t out, int64_t in) {
  enum quantization kind;
  const void *blocks = parameters_blocks(x->parameters, n->parameter, &kind);
  if (blocks) return CALL(linear_quantized, kind, y, ld_y, h, ld_h, blocks, weights(x, n->bias), rows, out, in);
  return CALL(linear_forward, type_of(x, n), y, ld_y, h, ld_h, weights(x, n->parameter), weights(x, n->bias), rows, out, in);
}

static int matmul_op(ARGUMENTS) {
  const struct plan_value *from = value(x, n->inputs[0]), *to = value(x, n->output);
  return linear(x, n, out(x, n, pass), to->ld, in(x, n, pass, 0), from->ld, positions(pass), to->columns, from->columns);
}

static int matmul_op_backward(ARGUMENTS) {
  const struct plan_value *from = value(x, n->inputs[0]), *to = value(x, n->output);
  return CALL(linear_backward, type_of(x, n), d_in(x, n, 0), gradients(x, n->parameter), gradients(x, n->bias), d_out(x, n), to->ld, in(x, n, pass, 0), from->ld, weights(x, n->parameter),
              positions(pass), to->columns, from->columns, n->accumulate[0], !pass->first);
}

/* ---- attention */

static struct attention_shape shape_of(const struct execution *x, const struct plan_node *n, const struct pass *pass) {
  struct attention_shape s = n->attention;
  s.B = pass->B, s.T = pass->T, s.type = x->type;
  s.dropout = pass->gradient ? s.dropout : 0;
  s.key = splitmix64(x->dropout_key ^ splitmix64((uint64_t)(n - x->plan->nodes)));
  return s;
}

static int attention_op(ARGUMENTS) {
  struct attention_shape s = shape_of(x, n, pass);
  if (pass->cache) return n->inputs[3] >= 0 ? op_cached_latent_attention(x, n, pass, &s) : op_cached_attention(x, n, pass, &s);
  return CALL(attention_forward, out(x, n, pass), execution_saved(x, n->saved[0]), in(x, n, pass, 0), in(x, n, pass, 1), in(x, n, pass, 2), &s);
}

static int attention_op_backward(ARGUMENTS) {
  struct attention_shape s = shape_of(x, n, pass);
  return CALL(attention_backward, d_in(x, n, 0), d_in(x, n, 1), d_in(x, n, 2), d_out(x, n), in(x, n, pass, 0), in(x, n, pass, 1), in(x, n, pass, 2), out(x, n, pass), execution_saved(x, n->saved[0]),
                               &s);
}

static int join_keys_op(ARGUMENTS) {
  const struct model_config *c = &x->plan->config;
  return CALL(join_keys, out(x, n, pass), in(x, n, pass, 0), value(x, n->inputs[0])->ld, in(x, n, pass, 1), value(x, n->inputs[1])->ld, positions(pass), c->heads, c->head_dim - c->rope_dim,
                      c->v_head_dim, c->rope_dim);
}

static int join_keys_op_backward(ARGUMENTS) {
  const struct model_config *c = &x->plan->config;
  return CALL(join_keys_backward, d_in(x, n, 0), value(x, n->inputs[0])->ld, d_in(x, n, 1), value(x, n->inputs[1])->ld, d_out(x, n), positions(pass), c->heads, c->head_dim - c->rope_dim, c->v_head_dim,
                               c->rope_dim);
}

/* ---- experts */

static struct route route_of(const struct execution *x, const struct plan_node *n) {
  return (struct route){.chosen = (int32_t *)execution_saved(x, n->saved[0]), .slots = (int32_t *)execution_saved(x, n->saved[1]), .sources = (int32_t *)execution_saved(x, n->saved[2]),
                        .starts = (int32_t *)execution_saved(x, n->saved[3])};
}

static struct route_shape route_shape(const struct execution *x, const struct pass *pass) {
  const struct model_config *c = &x->plan->config;
  return (struct route_shape){.rows = positions(pass), .experts = c->moe.count, .top = c->moe.top, .sigmoid = c->moe.sigmoid, .normalize = c->moe.normalize, .scale = (real)c->moe.scale,
                              .groups = c->moe.groups, .top_groups = c->moe.top_groups, .group_score = c->moe.correction ? GROUP_BEST_TWO : GROUP_BEST};
}

static int route_op(ARGUMENTS) {
  struct route route = route_of(x, n);
  struct route_shape s = route_shape(x, pass);
  return CALL(route_forward, out(x, n, pass), execution_saved(x, n->saved[4]), &route, in(x, n, pass, 0), exact(x, n->bias), &s);
}

static int route_op_backward(ARGUMENTS) {
  const struct model_config *c = &x->plan->config;
  struct route route = route_of(x, n);
  struct route_shape s = route_shape(x, pass);
  real balance = c->moe.balance == BALANCE_LOSS ? (real)(c->moe.balance_loss * (double)c->moe.top) * pass->gradient_scale : 0; /* f sums to `top` in transformers */
  if (n->bias >= 0 && c->moe.balance == BALANCE_BIAS && CALL(route_count, gradients(x, n->bias), route.starts, c->moe.count) < 0) return -1;
  return CALL(route_backward, d_in(x, n, 0), d_out(x, n), out(x, n, pass), execution_saved(x, n->saved[4]), &route, balance, &s);
}

static int gather_op(ARGUMENTS) { return CALL(gather_rows, out(x, n, pass), in(x, n, pass, 0), route_of(x, n).sources, rows_of(x, n->output, pass), value(x, n->output)->columns); }

static int gather_op_backward(ARGUMENTS) {
  return CALL(gather_rows_backward, d_in(x, n, 0), d_out(x, n), route_of(x, n).slots, positions(pass), x->plan->config.moe.top, value(x, n->output)->columns, n->accumulate[0]);
}

static int experts_op(ARGUMENTS) {
  return CALL(experts_forward, x->type, out(x, n, pass), in(x, n, pass, 0), weights(x, n->parameter), n->stride, route_of(x, n).starts, x->plan->config.moe.count, rows_of(x, n->output, pass), value(x, n->output)->columns,
                            value(x, n->inputs[0])->columns);
}

static int experts_op_backward(ARGUMENTS) {
  return CALL(experts_backward, x->type, d_in(x, n, 0), gradients(x, n->parameter), d_out(x, n), in(x, n, pass, 0), weights(x, n->parameter), n->stride, route_of(x, n).starts,
                             x->plan->config.moe.count, rows_of(x, n->output, pass), value(x, n->output)->columns, value(x, n->inputs[0])->columns);
}

static int combine_op(ARGUMENTS) {
  return CALL(combine_forward, out(x, n, pass), in(x, n, pass, 0), in(x, n, pass, 1), route_of(x, n).slots, positions(pass), x->plan->config.moe.top, value(x, n->output)->columns);
}

static int combine_op_backward(ARGUMENTS) {
  return CALL(combine_backward, d_in(x, n, 0), d_in(x, n, 1), d_out(x, n), in(x, n, pass, 0), in(x, n, pass, 1), route_of(x, n).slots, positions(pass), x->plan->config.moe.top,
                             value(x, n->output)->columns);
}

/* ---- Hyena */

static int short_convolution_op(ARGUMENTS) {
  if (pass->cache) return op_cached_short_convolution(x, n, pass);
  return CALL(short_convolution_forward, out(x, n, pass), in(x, n, pass, 0), exact(x, n->parameter), exact(x, n->bias), pass->B, pass->T, value(x, n->output)->columns, n->size);
}

static int short_convolution_op_backward(ARGUMENTS) {
  return CALL(short_convolution_backward, d_in(x, n, 0), gradients(x, n->parameter), gradients(x, n->bias), d_out(x, n), in(x, n, pass, 0), exact(x, n->parameter), pass->B, pass->T,
                                       value(x, n->output)->columns, n->size, n->accumulate[0]);
}

static struct filter_shape filter_shape_of(const struct execution *x, const struct pass *pass) {
  const struct model_config *c = &x->plan->config;
  return (struct filter_shape){.T = pass->T, .L = c->max_positions, .C = c->hidden_size, .width = c->hyena.width, .bands = c->hyena.bands};
}

static int filter_op(ARGUMENTS) {
  if (pass->cache) return op_cached_filter(x, n);
  struct filter_shape s = filter_shape_of(x, pass);
  return CALL(filter_forward, out(x, n, pass), execution_saved(x, n->saved[0]), exact(x, n->parameter), &s);
}

static int filter_op_backward(ARGUMENTS) {
  struct filter_shape s = filter_shape_of(x, pass);
  return CALL(filter_backward, gradients(x, n->parameter), d_out(x, n), execution_saved(x, n->saved[0]), exact(x, n->parameter), &s);
}

static int long_convolution_op(ARGUMENTS) {
  if (pass->cache) return op_cached_long_convolution(x, n, pass);
  return CALL(long_convolution_forward, out(x, n, pass), in(x, n, pass, 0), in(x, n, pass, 1), exact(x, n->parameter), pass->B, pass->T, value(x, n->output)->columns);
}

static int long_convolution_op_backward(ARGUMENTS) {
  return CALL(long_convolution_backward, d_in(x, n, 0), d_in(x, n, 1), gradients(x, n->parameter), d_out(x, n), in(x, n, pass, 0), in(x, n, pass, 1), exact(x, n->parameter), pass->B, pass->T,
                                      value(x, n->output)->columns);
}

/* ---- classifier */

/* Losses, and with pass->gradient the gradients of h and of the head, a chunk of positions at a time. */
static int classifier_loss(ARGUMENTS) {
  int64_t rows = positions(pass), C = value(x, n->inputs[0])->columns, V = x->plan->config.vocab_size;
  stored *logits = execution_logits(x);
  for (int64_t r = 0; r < rows; r += x->plan->chunk_rows) {
    int64_t R = rows - r < x->plan->chunk_rows ? rows - r : x->plan->chunk_rows;
    stored *h = at(x, in(x, n, pass, 0), r * C), *dh = at(x, d_in(x, n, 0), r * C);
    if (linear(x, n, logits, V, h, C, R, V, C) < 0 ||
        CALL(cross_entropy, x->losses + r, logits, V, x->targets + r, R, V, pass->gradient_scale, (real)x->z, pass->gradient) < 0)
      return -1;
    if (!pass->gradient) continue;
    if (CALL(linear_backward, type_of(x, n), dh, gradients(x, n->parameter), NULL, logits, V, h, C, weights(x, n->parameter), R, V, C, false, !pass->first || r > 0) < 0) return -1;
  }
  return 0;
}

static int classifier_logits(ARGUMENTS) {
  int64_t C = value(x, n->inputs[0])->columns, V = x->plan->config.vocab_size;
  int64_t rows = pass->last_only ? pass->B : positions(pass), stride = pass->last_only ? pass->T * C : C;
  stored *h = at(x, in(x, n, pass, 0), pass->last_only ? (pass->T - 1) * C : 0), *logits = execution_logits(x);
  if (pass->left) return linear(x, n, pass->left, V, h, stride, rows, V, C);
  for (int64_t r = 0; r < rows; r += x->plan->chunk_rows) {
    int64_t R = rows - r < x->plan->chunk_rows ? rows - r : x->plan->chunk_rows;
    if (linear(x, n, logits, V, at(x, h, r * stride), stride, R, V, C) < 0 || CALL(download, pass->logits + r * V, logits, R * V) < 0) return -1;
  }
  return 0;
}

static int classifier_op(ARGUMENTS) { return pass->losses ? classifier_loss(x, n, pass) : pass->logits || pass->left ? classifier_logits(x, n, pass) : 0; }

/* ---- costs */

#define COST const struct plan *p, const struct plan_node *n, double batch, double length, bool backward
static double cells(const struct plan *p, int v, double batch, double length) {
  if (v < 0) return 0;
  double rows = p->values[v].rows == ROWS_FILTER ? length : batch * length * (p->values[v].rows == ROWS_SLOTS ? (double)p->config.moe.top : 1);
  return rows * (double)p->values[v].columns;
}

/* `arithmetic` operations an element of the output forward and about twice that backward; every value moves once. */
static struct plan_cost pointwise(COST, double arithmetic) {
  double moved = cells(p, n->output, batch, length), made = moved;
  for (int i = 0; i < 3; i++) moved += cells(p, n->inputs[i], batch, length);
  return (struct plan_cost){arithmetic * made * (backward ? 2 : 1), (double)p->backend->stored_size * moved * (backward ? 2 : 1)};
}

static struct plan_cost cost_copy(COST) { return pointwise(p, n, batch, length, backward, backward ? 0.5 : 0); }
static struct plan_cost cost_one(COST) { return pointwise(p, n, batch, length, backward, 1); }
static struct plan_cost cost_few(COST) { return pointwise(p, n, batch, length, backward, 5); }
static struct plan_cost cost_add(COST) { return backward && n->shared ? (struct plan_cost){0} : pointwise(p, n, batch, length, backward, backward ? 0 : 1); }

static struct plan_cost cost_matmul(COST) {
  double a = cells(p, n->inputs[0], batch, length), y = cells(p, n->output, batch, length), w = (double)p->values[n->inputs[0]].columns * (double)p->values[n->output].columns;
  if (n->op == PLAN_EXPERTS) w *= (double)p->config.moe.count;
  return (struct plan_cost){2 * a * (double)p->values[n->output].columns * (backward ? 2 : 1), (double)p->backend->stored_size * (a + y + w) * (backward ? 2 : 1)};
}

/* Causal attention touches half of the T x T square (or the window): a product for the scores and one for the values
 * forward, five backward. */
static struct plan_cost cost_attention(COST) {
  const struct attention_shape *s = &n->attention;
  double w = (double)s->window, keys = w > 0 && w < length ? w - w * w / (2 * length) : length / 2, pairs = batch * length * keys * (double)s->H;
  double moved = cells(p, n->output, batch, length) + cells(p, n->inputs[0], batch, length) + cells(p, n->inputs[1], batch, length) + cells(p, n->inputs[2], batch, length);
  return (struct plan_cost){pairs * (backward ? 6.0 * (double)s->D + 4.0 * (double)s->D_v : 2.0 * (double)(s->D + s->D_v)), (double)p->backend->stored_size * moved * (backward ? 2 : 1)};
}

static struct plan_cost cost_long_convolution(COST) { /* three transforms of 2T points for each channel of a sequence, five backward */
  double points = 2 * length, bits = 0;
  for (double m = 1; m < points; m *= 2) bits++;
  struct plan_cost c = pointwise(p, n, batch, length, backward, 0);
  c.flops = (backward ? 2 : 1) * 2.5 * points * bits * 2 * batch * (double)p->values[n->output].columns;
  return c;
}

static struct plan_cost cost_filter(COST) {
  double w = (double)p->config.hyena.width, features = 2 * (double)p->config.hyena.bands + 1;
  return (struct plan_cost){2 * length * (features * w + w * w + w * (double)p->values[n->output].columns) * (backward ? 2 : 1), (double)p->backend->stored_size * cells(p, n->output, batch, length) * (backward ? 2 : 1)};
}

static struct plan_cost cost_classifier(COST) { /* its backward runs in its forward step */
  double rows = batch * length, C = (double)p->values[n->inputs[0]].columns, V = (double)p->config.vocab_size;
  if (backward) return (struct plan_cost){0};
  return (struct plan_cost){(p->training ? 6 : 2) * rows * C * V, (double)p->backend->stored_size * (rows * C * 2 + C * V) * (p->training ? 3 : 1)};
}

const struct op ops[PLAN_OPS] = {
    /*                          name                forward               backward                      cost                   backward reads   gradients  forward reads  in place  accumulates */
    [PLAN_EMBEDDING] =         {"embedding",         embedding_op,         embedding_op_backward,         cost_copy,             0,               0,         0,             false,    false},
    [PLAN_POSITION] =          {"position",          position_op,          position_op_backward,          cost_one,              0,               1,         1,             true,     false},
    [PLAN_RMSNORM] =           {"rmsnorm",           rmsnorm_op,           rmsnorm_op_backward,           cost_few,              1,               1,         1,             false,    true},
    [PLAN_LAYERNORM] =         {"layernorm",         layernorm_op,         layernorm_op_backward,         cost_few,              1,               1,         1,             false,    true},
    [PLAN_MATMUL] =            {"matmul",            matmul_op,            matmul_op_backward,            cost_matmul,           1,               1,         1,             false,    true},
    [PLAN_ROPE] =              {"rope",              rope_op,              rope_op_backward,              cost_few,              0,               1,         1,             true,     false},
    [PLAN_JOIN_KEYS] =         {"join_keys",         join_keys_op,         join_keys_op_backward,         cost_copy,             0,               3,         3,             false,    false},
    [PLAN_ATTENTION] =         {"attention",         attention_op,         attention_op_backward,         cost_attention,        7 | OP_OUTPUT,   7,         7,             false,    false},
    [PLAN_ACTIVATION] =        {"activation",        activation_op,        activation_op_backward,        cost_few,              1,               1,         1,             false,    false},
    [PLAN_MULTIPLY] =          {"multiply",          multiply_op,          multiply_op_backward,          cost_one,              3,               3,         3,             false,    false},
    [PLAN_ADD] =               {"add",               add_op,               add_op_backward,               cost_add,              0,               3,         3,             false,    true},
    [PLAN_DROPOUT] =           {"dropout",           dropout_op,           dropout_op_backward,           cost_one,              0,               1,         1,             true,     false},
    [PLAN_ROUTE] =             {"route",             route_op,             route_op_backward,             cost_few,              OP_OUTPUT,       1,         1,             false,    false},
    [PLAN_GATHER] =            {"gather",            gather_op,            gather_op_backward,            cost_copy,             0,               1,         1,             false,    true},
    [PLAN_EXPERTS] =           {"experts",           experts_op,           experts_op_backward,           cost_matmul,           1,               1,         1,             false,    false},
    [PLAN_COMBINE] =           {"combine",           combine_op,           combine_op_backward,           cost_one,              3,               3,         3,             false,    false},
    [PLAN_SHORT_CONVOLUTION] = {"short_convolution", short_convolution_op, short_convolution_op_backward, cost_few,              1,               1,         1,             false,    true},
    [PLAN_FILTER] =            {"filter",            filter_op,            filter_op_backward,            cost_filter,           0,               0,         0,             false,    false},
    [PLAN_LONG_CONVOLUTION] =  {"long_convolution",  long_convolution_op,  long_convolution_op_backward,  cost_long_convolution, 3,               3,         3,             false,    false},
    [PLAN_CLASSIFIER] =        {"classifier",        classifier_op,        NULL,                          cost_classifier,       0,               0,         1,             false,    false},
};
