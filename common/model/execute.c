/* SPDX-License-Identifier: MIT
 *
 * The walk over a plan.  A weight matrix W lies [out][in], so that
 *   forward   y = x W^T      [rows][in] [out][in]
 *   backward  dx = dy W, dW += dy^T x
 */
#include "common/model/execute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/progress.h"

struct execution {
  const struct plan *plan;
  struct parameters *parameters;
  const struct backend *backend;
  real *arena, *cosine, *sine, *losses; /* cosine, sine: [positions][D/2]; losses: [rows] */
  int32_t *ids, *targets;               /* [rows] */
  int64_t positions;
  real *host_losses;                    /* [rows] */
  struct profile *profile;
  struct kernel_error error;
};

/* What one pass does: how many rows, and what stands in for the training defaults. */
struct pass {
  int64_t B, T;
  bool gradient;
  real gradient_scale;
  struct cache *cache; /* NULL: none */
  int64_t first_slot;
  double *loss;        /* NULL: no loss, then: */
  real *logits;        /* host; NULL: none */
  bool last_only;
};

/* ---- set-up */

static int rotary_tables(struct execution *x) {
  int64_t half = x->plan->config.head_dim / 2, n = x->positions * half;
  real *cosine = MALLOC((size_t)n * sizeof(real)), *sine = MALLOC((size_t)n * sizeof(real));
  for (int64_t i = 0; i < half; i++) {
    double frequency = pow(x->plan->config.rope_theta, -(double)i / (double)half);
    for (int64_t t = 0; t < x->positions; t++) {
      cosine[t * half + i] = (real)cos((double)t * frequency);
      sine[t * half + i] = (real)sin((double)t * frequency);
    }
  }
  size_t bytes = (size_t)n * sizeof(real);
  int result = x->backend->to_device(x->cosine, cosine, bytes, &x->error);
  if (result == 0) result = x->backend->to_device(x->sine, sine, bytes, &x->error);
  free(cosine);
  free(sine);
  return result;
}

int execution_new(struct execution **out, const struct plan *plan, struct parameters *p, int64_t positions, struct err *e) {
  struct execution *x = NEW(struct execution);
  const struct backend *b = p->backend;
  size_t rows = (size_t)(plan->B * plan->T), table = (size_t)(positions * plan->config.head_dim / 2) * sizeof(real);
  *x = (struct execution){.plan = plan, .parameters = p, .backend = b, .positions = positions};
  x->host_losses = MALLOC(rows * sizeof(real));
  if (!(x->arena = b->alloc((size_t)plan->arena * sizeof(real), &x->error)) || !(x->cosine = b->alloc(table, &x->error)) ||
      !(x->sine = b->alloc(table, &x->error)) || !(x->losses = b->alloc(rows * sizeof(real), &x->error)) ||
      !(x->ids = b->alloc(rows * sizeof *x->ids, &x->error)) || !(x->targets = b->alloc(rows * sizeof *x->targets, &x->error)) || rotary_tables(x) < 0) {
    kernel_failed(e, &x->error);
    execution_free(x);
    return -1;
  }
  *out = x;
  return 0;
}

void execution_free(struct execution *x) {
  if (!x) return;
  void *blocks[] = {x->arena, x->cosine, x->sine, x->losses, x->ids, x->targets};
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
    if (blocks[i]) x->backend->release(blocks[i]);
  free(x->host_losses);
  free(x);
}

void execution_profile(struct execution *x, struct profile *profile) { x->profile = profile; }

/* ---- nodes */

static real *at_buffer(const struct execution *x, int buffer) { return buffer < 0 ? NULL : x->arena + x->plan->buffers[buffer].offset; }
static real *value_at(const struct execution *x, int value) { return value < 0 ? NULL : at_buffer(x, x->plan->values[value].buffer); }
static real *gradient_at(const struct execution *x, int value) { return value < 0 ? NULL : at_buffer(x, x->plan->values[value].gradient); }
static int64_t columns(const struct execution *x, int value) { return value < 0 ? 0 : x->plan->values[value].columns; }

static struct attention_shape attention_shape(const struct execution *x, int64_t B, int64_t T) {
  const struct model_config *c = &x->plan->config;
  int64_t ld = (c->heads + 2 * c->kv_heads) * c->head_dim;
  return (struct attention_shape){.B = B, .T = T, .H = c->heads, .H_kv = c->kv_heads, .D = c->head_dim, .ld_q = ld, .ld_kv = ld,
                                  .ld_out = c->heads * c->head_dim, .window = c->sliding_window, .scale = (real)(1 / sqrt((double)c->head_dim))};
}

/* Keys and values go to the cache first, and are read from there together with the older ones. */
static int attention_with_cache(struct execution *x, const struct plan_node *n, const struct pass *pass, real *out, real *q) {
  const struct model_config *c = &x->plan->config;
  struct cache *cache = pass->cache;
  struct attention_shape s = attention_shape(x, pass->B, pass->T);
  const real *k = q + c->heads * c->head_dim, *v = k + cache->width;
  size_t bytes = (size_t)cache->width * sizeof(real);
  for (int64_t b = 0; b < pass->B; b++) {
    int64_t slot = pass->first_slot + b, past = cache->past[slot];
    real *keys = cache_keys(cache, n->layer, slot) + past * cache->width, *values = cache_values(cache, n->layer, slot) + past * cache->width;
    for (int64_t t = 0; t < pass->T; t++) {
      int64_t row = (b * pass->T + t) * s.ld_q;
      if (x->backend->to_device(keys + t * cache->width, k + row, bytes, &x->error) < 0 ||
          x->backend->to_device(values + t * cache->width, v + row, bytes, &x->error) < 0)
        return -1;
    }
  }
  s.ld_kv = cache->width;
  return x->backend->attention_cached(out, q, cache_keys(cache, n->layer, pass->first_slot), cache_values(cache, n->layer, pass->first_slot),
                                      cache->capacity * cache->width, cache->past + pass->first_slot, &s, &x->error);
}

static int rotate(struct execution *x, const struct pass *pass, real *qkv, bool inverse) {
  const struct model_config *c = &x->plan->config;
  int64_t ld = (c->heads + 2 * c->kv_heads) * c->head_dim, heads = c->heads + c->kv_heads; /* q and k lie side by side */
  if (!pass->cache) return x->backend->rope(qkv, ld, x->cosine, x->sine, pass->B * pass->T, pass->T, 0, heads, c->head_dim, inverse, &x->error);
  for (int64_t b = 0; b < pass->B; b++)
    if (x->backend->rope(qkv + b * pass->T * ld, ld, x->cosine, x->sine, pass->T, pass->T, pass->cache->past[pass->first_slot + b], heads, c->head_dim, inverse, &x->error) < 0)
      return -1;
  return 0;
}

/* Loss, and with pass->gradient the gradients of h and of the head, a chunk of positions at a time. */
static int classifier_loss(struct execution *x, const struct plan_node *n, const struct pass *pass) {
  const struct backend *b = x->backend;
  int64_t rows = pass->B * pass->T, C = columns(x, n->input), V = x->plan->config.vocab_size;
  const real *w = x->parameters->values + n->parameter;
  real *h = value_at(x, n->input), *dh = gradient_at(x, n->input), *logits = at_buffer(x, x->plan->logits);
  for (int64_t at = 0; at < rows; at += x->plan->chunk_rows) {
    int64_t R = rows - at < x->plan->chunk_rows ? rows - at : x->plan->chunk_rows;
    if (b->matmul(false, true, R, V, C, 1, h + at * C, C, w, C, 0, logits, V, &x->error) < 0 ||
        b->cross_entropy(x->losses + at, logits, V, x->targets + at, R, V, pass->gradient_scale, pass->gradient, &x->error) < 0)
      return -1;
    if (!pass->gradient) continue;
    if (b->matmul(false, false, R, C, V, 1, logits, V, w, C, 0, dh + at * C, C, &x->error) < 0 ||
        b->matmul(true, false, V, C, R, 1, logits, V, h + at * C, C, 1, x->parameters->gradients + n->parameter, C, &x->error) < 0)
      return -1;
  }
  if (b->to_host(x->host_losses, x->losses, (size_t)rows * sizeof(real), &x->error) < 0) return -1;
  for (int64_t r = 0; r < rows; r++) *pass->loss += (double)x->host_losses[r];
  return 0;
}

static int classifier_logits(struct execution *x, const struct plan_node *n, const struct pass *pass) {
  int64_t C = columns(x, n->input), V = x->plan->config.vocab_size;
  int64_t rows = pass->last_only ? pass->B : pass->B * pass->T, stride = pass->last_only ? pass->T * C : C;
  real *h = value_at(x, n->input) + (pass->last_only ? (pass->T - 1) * C : 0), *logits = at_buffer(x, x->plan->logits);
  for (int64_t at = 0; at < rows; at += x->plan->chunk_rows) {
    int64_t R = rows - at < x->plan->chunk_rows ? rows - at : x->plan->chunk_rows;
    if (x->backend->matmul(false, true, R, V, C, 1, h + at * stride, stride, x->parameters->values + n->parameter, C, 0, logits, V, &x->error) < 0 ||
        x->backend->to_host(pass->logits + at * V, logits, (size_t)(R * V) * sizeof(real), &x->error) < 0)
      return -1;
  }
  return 0;
}

static int forward(struct execution *x, const struct plan_node *n, const struct pass *pass) {
  const struct backend *b = x->backend;
  const struct model_config *c = &x->plan->config;
  int64_t rows = pass->B * pass->T, in = columns(x, n->input), out = columns(x, n->output);
  const real *w = x->parameters->values + n->parameter;
  real *input = value_at(x, n->input), *y = value_at(x, n->output);
  switch (n->op) {
    case PLAN_EMBEDDING: return b->embedding_forward(y, w, x->ids, rows, out, &x->error);
    case PLAN_RMSNORM: return b->rmsnorm_forward(y, at_buffer(x, n->saved), input, w, rows, in, (real)c->rms_norm_eps, &x->error);
    case PLAN_MATMUL: return b->matmul(false, true, rows, out, in, 1, input, in, w, in, 0, y, out, &x->error);
    case PLAN_ROPE: return rotate(x, pass, y, false);
    case PLAN_ATTENTION: {
      if (pass->cache) return attention_with_cache(x, n, pass, y, input);
      struct attention_shape s = attention_shape(x, pass->B, pass->T);
      const real *k = input + c->heads * c->head_dim;
      return b->attention_forward(y, at_buffer(x, n->saved), input, k, k + c->kv_heads * c->head_dim, &s, &x->error);
    }
    case PLAN_SWIGLU: return b->swiglu_forward(y, input, input + out, in, rows, out, &x->error);
    case PLAN_ADD: return b->add(y, input, value_at(x, n->second), rows * out, &x->error);
    default: return pass->loss ? classifier_loss(x, n, pass) : pass->logits ? classifier_logits(x, n, pass) : 0;
  }
}

static int backward(struct execution *x, const struct plan_node *n, const struct pass *pass) {
  const struct backend *b = x->backend;
  const struct model_config *c = &x->plan->config;
  int64_t rows = pass->B * pass->T, in = columns(x, n->input), out = columns(x, n->output);
  const real *w = x->parameters->values + n->parameter;
  real *dw = x->parameters->gradients + n->parameter, *input = value_at(x, n->input);
  real *dx = gradient_at(x, n->input), *dy = gradient_at(x, n->output);
  switch (n->op) {
    case PLAN_EMBEDDING: return b->embedding_backward(dw, dy, x->ids, rows, out, &x->error);
    case PLAN_RMSNORM: return b->rmsnorm_backward(dx, dw, dy, input, w, at_buffer(x, n->saved), rows, in, n->accumulate, &x->error);
    case PLAN_MATMUL:
      if (b->matmul(true, false, out, in, rows, 1, dy, out, input, in, 1, dw, in, &x->error) < 0) return -1;
      return b->matmul(false, false, rows, in, out, 1, dy, out, w, in, 0, dx, in, &x->error);
    case PLAN_ROPE: return rotate(x, pass, dx, true);
    case PLAN_ATTENTION: {
      struct attention_shape s = attention_shape(x, pass->B, pass->T);
      int64_t k = c->heads * c->head_dim, v = k + c->kv_heads * c->head_dim;
      return b->attention_backward(dx, dx + k, dx + v, dy, input, input + k, input + v, value_at(x, n->output), at_buffer(x, n->saved), &s, &x->error);
    }
    case PLAN_SWIGLU: return b->swiglu_backward(dx, dx + out, dy, input, input + out, in, rows, out, &x->error);
    default: return 0; /* add: one gradient for all three; classifier: done in the forward step */
  }
}

/* ---- passes */

static int step(struct execution *x, const struct plan_node *n, const struct pass *pass, bool back) {
  if (!x->profile) return back ? backward(x, n, pass) : forward(x, n, pass);
  double began = progress_clock();
  int result = back ? backward(x, n, pass) : forward(x, n, pass);
  if (result == 0) result = x->backend->synchronize(&x->error);
  bool idle = back && (n->op == PLAN_ADD || n->op == PLAN_CLASSIFIER);
  if (!idle) profile_add(x->profile, plan_op_name(n->op), n->name, back ? "backward" : "forward", progress_clock() - began, plan_node_cost(x->plan, n, pass->B * pass->T, pass->T, back));
  return result;
}

static int run(struct execution *x, const int32_t *ids, const int32_t *targets, const struct pass *pass, struct err *e) {
  size_t bytes = (size_t)(pass->B * pass->T) * sizeof *ids;
  if (pass->B > x->plan->B * x->plan->T / pass->T) return err_set(e, "%lld sequences of %lld positions do not fit a plan for %lld of %lld",
      (long long)pass->B, (long long)pass->T, (long long)x->plan->B, (long long)x->plan->T);
  if (x->backend->to_device(x->ids, ids, bytes, &x->error) < 0) return kernel_failed(e, &x->error);
  if (targets && x->backend->to_device(x->targets, targets, bytes, &x->error) < 0) return kernel_failed(e, &x->error);
  for (int i = 0; i < x->plan->count; i++)
    if (step(x, &x->plan->nodes[i], pass, false) < 0) return kernel_failed(e, &x->error);
  for (int i = pass->gradient ? x->plan->count - 1 : -1; i >= 0; i--)
    if (step(x, &x->plan->nodes[i], pass, true) < 0) return kernel_failed(e, &x->error);
  return 0;
}

int execute_train(struct execution *x, const int32_t *ids, const int32_t *targets, double gradient_scale, double *loss, struct err *e) {
  struct pass pass = {.B = x->plan->B, .T = x->plan->T, .gradient = true, .gradient_scale = (real)gradient_scale, .loss = loss};
  return run(x, ids, targets, &pass, e);
}

int execute_evaluate(struct execution *x, int64_t B, int64_t T, const int32_t *ids, const int32_t *targets, double *loss, struct err *e) {
  struct pass pass = {.B = B, .T = T, .loss = loss};
  return run(x, ids, targets, &pass, e);
}

int execute_logits(struct execution *x, int64_t B, int64_t T, const int32_t *ids, bool last_only, real *logits, struct err *e) {
  struct pass pass = {.B = B, .T = T, .logits = logits, .last_only = last_only};
  return run(x, ids, NULL, &pass, e);
}

int execute_extend(struct execution *x, struct cache *cache, int64_t first_slot, int64_t B, int64_t T, const int32_t *ids, real *logits, struct err *e) {
  struct pass pass = {.B = B, .T = T, .cache = cache, .first_slot = first_slot, .logits = logits, .last_only = true};
  for (int64_t b = 0; b < B; b++) {
    int64_t end = cache->past[first_slot + b] + T;
    if (end > cache->capacity || end > x->positions) return err_set(e, "position %lld lies beyond the %lld that the cache holds", (long long)end - 1, (long long)cache->capacity);
  }
  if (run(x, ids, NULL, &pass, e) < 0) return -1;
  for (int64_t b = 0; b < B; b++) cache->past[first_slot + b] += T;
  return 0;
}
