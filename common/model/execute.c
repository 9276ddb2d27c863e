/* SPDX-License-Identifier: MIT */
#include "common/model/execute.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/model/execution.h"
#include "common/model/op.h"
#include "kernels/quantized.h"

/* ---- tables */

/* transformers, modeling_rope_utils.py.  Llama 3: wavelengths beyond original / low are stretched by the factor, those below
 * original / high stay, and those between are mixed.  YaRN (arXiv 2309.00071): the same over the index of the pair. */
static double frequency(const struct model_config *c, int64_t i) {
  double D = (double)c->rope_dim, f = pow(c->rope_theta, -2 * (double)i / D), low = c->rope_scaling.low, high = c->rope_scaling.high, keep;
  if (c->rope_scaling.kind == ROPE_DEFAULT) return f;
  double original = (double)c->rope_scaling.original;
  if (c->rope_scaling.kind == ROPE_LLAMA3) {
    keep = (original * f / (2 * M_PI) - low) / (high - low);
  } else {
    double from = fmax(floor(D * log(original / (high * 2 * M_PI)) / (2 * log(c->rope_theta))), 0), to = fmin(ceil(D * log(original / (low * 2 * M_PI)) / (2 * log(c->rope_theta))), D - 1);
    keep = 1 - ((double)i - from) / (to > from ? to - from : 0.001);
  }
  keep = keep < 0 ? 0 : keep > 1 ? 1 : keep;
  return (1 - keep) * f / c->rope_scaling.factor + keep * f;
}

static int put(struct execution *x, real **table, real *values, int64_t count) {
  size_t bytes = (size_t)count * sizeof(real);
  *table = x->backend->alloc(bytes, &x->error);
  int result = *table ? x->backend->to_device(*table, values, bytes, &x->error) : -1;
  free(values);
  return result;
}

static int rotary_tables(struct execution *x) {
  int64_t half = x->plan->config.rope_dim / 2, n = x->positions * half;
  real *cosine = MALLOC((size_t)n * sizeof(real)), *sine = MALLOC((size_t)n * sizeof(real));
  for (int64_t i = 0; i < half; i++) {
    double f = frequency(&x->plan->config, i), scale = config_rope_factor(&x->plan->config);
    for (int64_t t = 0; t < x->positions; t++) cosine[t * half + i] = (real)(scale * cos((double)t * f)), sine[t * half + i] = (real)(scale * sin((double)t * f));
  }
  int result = put(x, &x->cosine, cosine, n);
  return put(x, &x->sine, sine, n) < 0 ? -1 : result;
}

/* sin in even columns, cos in odd ones, wavelengths from 2 pi to 10000 2 pi (arXiv 1706.03762 section 3.5) */
static int sinusoidal_table(struct execution *x) {
  int64_t C = x->plan->config.hidden_size, n = x->positions * C;
  real *table = MALLOC((size_t)n * sizeof(real));
  for (int64_t i = 0; i < C; i++) {
    double f = pow(10000, -(double)(i - i % 2) / (double)C);
    for (int64_t t = 0; t < x->positions; t++) table[t * C + i] = (real)(i % 2 ? cos((double)t * f) : sin((double)t * f));
  }
  x->sinusoids = x->backend->alloc((size_t)n * x->backend->stored_size, &x->error);
  int result = x->sinusoids ? x->backend->upload(x->sinusoids, table, n, &x->error) : -1;
  free(table);
  return result;
}

/* ---- set-up */

/* With execute_train()'s `first`, a product overwrites the gradients of its matrix, as the classifier does those of the head. */
static bool *cleared_tensors(const struct plan *plan, const struct parameter_layout *l) {
  bool *cleared = NEW_ARRAY(bool, (size_t)l->count);
  for (int i = 0; i < l->count; i++) cleared[i] = l->tensors[i].offset != l->head;
  for (int k = 0, i = 0; k < plan->count; k++) {
    const struct plan_node *n = &plan->nodes[k];
    if (n->op != PLAN_MATMUL) continue;
    int64_t end = n->parameter + plan->values[n->inputs[0]].columns * plan->values[n->output].columns;
    if (i >= l->count || l->tensors[i].offset > n->parameter) i = 0; /* nodes come nearly in the order of tensors */
    while (l->tensors[i].offset < n->parameter) i++;
    for (; i < l->count && l->tensors[i].offset < end; i++) cleared[i] = false;
  }
  return cleared;
}

int execution_new(struct execution **out, const struct plan *plan, struct parameters *p, int64_t positions, struct err *e) {
  struct execution *x = NEW(struct execution);
  const struct backend *b = p->backend;
  size_t rows = (size_t)(plan->B * plan->T);
  *x = (struct execution){.plan = plan, .parameters = p, .backend = b, .positions = positions, .filters = NEW_ARRAY(stored *, (size_t)plan->config.layers), .host_losses = MALLOC(rows * sizeof(real))};
  if (!(x->arena = b->alloc((size_t)plan->arena, &x->error)) || !(x->losses = b->alloc(rows * sizeof(real), &x->error)) ||
      !(x->ids = b->alloc(rows * sizeof *x->ids, &x->error)) || !(x->targets = b->alloc(rows * sizeof *x->targets, &x->error)) || !(x->past = b->alloc(rows * sizeof *x->past, &x->error)) ||
      (plan->config.position == POSITION_ROPE && rotary_tables(x) < 0) || (plan->config.position == POSITION_SINUSOIDAL && sinusoidal_table(x) < 0) ||
      (plan->host > 0 && !(x->host = b->alloc_host((size_t)plan->host, &x->error)))) {
    kernel_failed(e, &x->error);
    execution_free(x);
    return -1;
  }
  x->cleared = cleared_tensors(plan, &p->layout);
  x->fixed = true;
  for (int i = 0; i < plan->count; i++) x->fixed &= plan->nodes[i].probability == 0 && plan->nodes[i].attention.dropout == 0;
  *out = x;
  return 0;
}

static void forget(struct execution *x, struct recorded_pass *r) {
  if (r->graph) x->backend->graph_release(r->graph);
  *r = (struct recorded_pass){0};
}

void execution_free(struct execution *x) {
  if (!x) return;
  for (int i = 0; i < 2; i++) forget(x, &x->recorded[i]);
  void *blocks[] = {x->arena, x->cosine, x->sine, x->sinusoids, x->losses, x->ids, x->targets, x->past, x->scratch};
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
    if (blocks[i]) x->backend->release(blocks[i]);
  if (x->host) x->backend->release_host(x->host); /* release() has waited for what is queued */
  for (int64_t i = 0; i < x->plan->config.layers; i++)
    if (x->filters[i]) x->backend->release(x->filters[i]);
  free(x->filters);
  free(x->cleared);
  free(x->host_losses);
  free(x);
}

void execution_profile(struct execution *x, struct profile *profile) { x->profile = profile; }
void execution_type(struct execution *x, enum matmul_type type) { x->type = type; }
void execution_z_loss(struct execution *x, double coefficient) { x->z = coefficient; }
void execution_dropout_key(struct execution *x, uint64_t key) { x->dropout_key = key; }

/* ---- where things lie */

real *execution_saved(const struct execution *x, int buffer) { return buffer < 0 ? NULL : (real *)(x->arena + x->plan->buffers[buffer].offset); }

stored *execution_logits(const struct execution *x) { return (stored *)(x->arena + x->plan->buffers[x->plan->logits].offset); }

static stored *within(const struct execution *x, int buffer, int64_t column) { return stored_at(x->backend, (stored *)(x->arena + x->plan->buffers[buffer].offset), column); }

stored *execution_value(const struct execution *x, const struct pass *pass, int value) {
  int64_t column;
  if (value < 0) return NULL;
  const struct plan_value *o = &x->plan->values[plan_owner(x->plan, value, &column)];
  return within(x, pass->again ? o->again : o->buffer, column);
}

stored *execution_gradient(const struct execution *x, int value) {
  int64_t column;
  if (value < 0) return NULL;
  const struct plan_value *o = &x->plan->values[plan_owner(x->plan, value, &column)];
  return o->gradient < 0 ? NULL : within(x, o->gradient, column);
}

stored *execution_scratch(struct execution *x, int64_t elements) {
  size_t bytes = (size_t)elements * x->backend->stored_size;
  if (bytes <= x->scratch_bytes) return x->scratch;
  if (x->scratch) x->backend->release(x->scratch);
  x->scratch = x->backend->alloc(bytes, &x->error);
  x->scratch_bytes = x->scratch ? bytes : 0;
  return x->scratch;
}

/* ---- passes */

static int clear_gradients(struct execution *x) {
  const struct parameters *p = x->parameters;
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    if (x->cleared[i] && x->backend->zero(p->gradients + t->offset, (size_t)t->count * sizeof(real), &x->error) < 0) return -1;
  }
  return 0;
}

static size_t bytes_of(const struct execution *x, const struct plan_step *copy) { return (size_t)x->plan->buffers[x->plan->values[copy->value].buffer].elements * x->backend->stored_size; }

static int copy_step(struct execution *x, const struct plan_step *s) {
  const struct backend *b = x->backend;
  if (s->kind == STEP_LEFT || s->kind == STEP_RETURNED) return b->wait_copy(s->slot, &x->error);
  const struct plan_value *v = &x->plan->values[s->value];
  char *host = x->host + v->host;
  return s->kind == STEP_LEAVE ? b->copy_out(host, within(x, v->buffer, 0), bytes_of(x, s), s->slot, &x->error) : b->copy_in(within(x, v->again, 0), host, bytes_of(x, s), s->slot, &x->error);
}

int execution_step(struct execution *x, const struct plan_step *s, struct pass *pass) {
  if (step_copies(s->kind)) return pass->gradient ? copy_step(x, s) : 0;
  const struct plan_node *n = &x->plan->nodes[s->node];
  const struct op *op = &ops[n->op];
  if (pass->cache && n->uncached) return 0;
  pass->again = s->kind != STEP_FORWARD;
  return s->kind == STEP_BACKWARD ? op->backward(x, n, pass) : op->forward(x, n, pass);
}

static int walk(struct execution *x, int steps, struct pass *pass) {
  for (int i = 0; i < steps; i++)
    if (execution_step(x, &x->plan->steps[i], pass) < 0) return -1;
  return 0;
}

static const char *copy_direction(enum step_kind kind) { return kind == STEP_LEAVE || kind == STEP_LEFT ? "forward" : "backward"; }

static const char *name_of(const struct execution *x, const struct plan_step *s) {
  return !step_copies(s->kind) ? x->plan->nodes[s->node].name : s->kind == STEP_LEAVE || s->kind == STEP_LEFT ? "leave" : "return";
}

/* A product with quantised weights reads fewer bytes of them. */
static struct plan_cost cost_of(const struct execution *x, const struct plan_node *n, const struct pass *pass, bool backward) {
  struct plan_cost cost = plan_node_cost(x->plan, n, pass->B, pass->T, backward);
  enum quantization kind;
  if (backward || (n->op != PLAN_MATMUL && n->op != PLAN_CLASSIFIER) || !parameters_blocks(x->parameters, n->parameter, &kind)) return cost;
  int64_t in = x->plan->values[n->inputs[0]].columns, out = n->output < 0 ? x->plan->config.vocab_size : x->plan->values[n->output].columns;
  cost.bytes -= (double)out * ((double)in * (double)x->backend->stored_size - (double)quantized_row_bytes(kind, in));
  return cost;
}

/* The same with a mark before each step and one at the end; the times are asked for when all steps are queued.
 * Copies of what leaves have no cost of their own: their time is that which ops wait for them. */
static int walk_profiled(struct execution *x, int steps, struct pass *pass) {
  static const char *const directions[] = {[STEP_FORWARD] = "forward", [STEP_AGAIN] = "again", [STEP_BACKWARD] = "backward"};
  const struct backend *b = x->backend;
  if (b->synchronize(&x->error) < 0) return -1;
  double began = progress_clock();
  for (int i = 0; i < steps; i++) {
    if (b->mark(i, &x->error) < 0) return -1;
    b->range(name_of(x, &x->plan->steps[i]));
    int result = execution_step(x, &x->plan->steps[i], pass);
    b->range(NULL);
    if (result < 0) return -1;
  }
  if (b->mark(steps, &x->error) < 0) return -1;
  for (int i = 0; i < steps; i++) {
    const struct plan_step *s = &x->plan->steps[i];
    const struct plan_node *n = &x->plan->nodes[s->node];
    bool copies = step_copies(s->kind);
    bool idle = copies ? !pass->gradient : (n->op == PLAN_ADD && (s->kind == STEP_BACKWARD ? n->shared : n->fused && s->kind == STEP_FORWARD)) || (pass->cache && n->uncached);
    double seconds = 0, since = 0;
    if (idle) continue;
    if (b->elapsed(&seconds, i, i + 1, &x->error) < 0 || b->elapsed(&since, 0, i, &x->error) < 0) return -1;
    if (copies) profile_add_at(x->profile, "offload", name_of(x, s), copy_direction(s->kind), began + since, seconds, (struct plan_cost){0});
    else profile_add_at(x->profile, ops[n->op].name, n->name, directions[s->kind], began + since, seconds, cost_of(x, n, pass, s->kind == STEP_BACKWARD));
  }
  return 0;
}

/* ---- recorded passes.  A GPU spends less time on many small ops when it is given all of them at once. */

/* The first pass of a kind runs step by step, the second is recorded. */
static int walk_recorded(struct execution *x, int steps, struct pass *pass) {
  struct recorded_pass *r = &x->recorded[pass->first];
  if (r->seen && (r->gradient_scale != pass->gradient_scale || r->z != x->z || r->type != x->type)) forget(x, r);
  if (r->graph) return x->backend->graph_run(r->graph, &x->error);
  bool seen = r->seen;
  *r = (struct recorded_pass){.seen = true, .gradient_scale = pass->gradient_scale, .z = x->z, .type = x->type};
  if (!seen) return walk(x, steps, pass);
  if (x->backend->record_begin(&x->error) < 0) return -1;
  int result = walk(x, steps, pass);
  struct kernel_error unheard;
  if (x->backend->record_end(&r->graph, result < 0 ? &unheard : &x->error) < 0 || result < 0) return -1;
  return x->backend->graph_run(r->graph, &x->error);
}

/* The summed losses of the sequences. */
static int fetch_losses(struct execution *x, const struct pass *pass) {
  int64_t rows = pass->B * pass->T;
  if (x->backend->to_host(x->host_losses, x->losses, (size_t)rows * sizeof(real), &x->error) < 0) return -1;
  for (int64_t r = 0; r < rows; r++) pass->losses[r / pass->T] += (double)x->host_losses[r];
  return 0;
}

static int run(struct execution *x, const int32_t *ids, const int32_t *targets, struct pass *pass, struct err *e) {
  size_t bytes = (size_t)(pass->B * pass->T) * sizeof *ids;
  int64_t longest = pass->cache ? x->plan->B * x->plan->T : x->plan->T; /* filters and position tables have as many rows as a sequence */
  if (pass->B < 1 || pass->T < 1 || pass->T > longest || pass->B > x->plan->B * x->plan->T / pass->T)
    return err_set(e, "%lld sequences of %lld positions do not fit a plan for %lld of %lld", (long long)pass->B, (long long)pass->T, (long long)x->plan->B, (long long)x->plan->T);
  if (x->backend->to_device(x->ids, ids, bytes, &x->error) < 0) return kernel_failed(e, &x->error);
  if (targets && x->backend->to_device(x->targets, targets, bytes, &x->error) < 0) return kernel_failed(e, &x->error);
  if (pass->cache && x->backend->to_device(x->past, pass->cache->past + pass->first_slot, (size_t)pass->B * sizeof *x->past, &x->error) < 0) return kernel_failed(e, &x->error);
  if (pass->first && clear_gradients(x) < 0) return kernel_failed(e, &x->error);
  int steps = pass->gradient ? x->plan->step_count : x->plan->forward_steps; /* which stand first */
  bool recorded = pass->gradient && x->fixed && x->backend->record_begin;
  if ((x->profile ? walk_profiled : recorded ? walk_recorded : walk)(x, steps, pass) < 0) return kernel_failed(e, &x->error);
  return pass->losses && fetch_losses(x, pass) < 0 ? kernel_failed(e, &x->error) : 0;
}

int execute_train(struct execution *x, const int32_t *ids, const int32_t *targets, double gradient_scale, bool first, double *losses, struct err *e) {
  assert(x->plan->training);
  struct pass pass = {.B = x->plan->B, .T = x->plan->T, .gradient = true, .first = first, .gradient_scale = (real)gradient_scale, .losses = losses};
  return run(x, ids, targets, &pass, e);
}

int execute_evaluate(struct execution *x, int64_t B, int64_t T, const int32_t *ids, const int32_t *targets, double *losses, struct err *e) {
  struct pass pass = {.B = B, .T = T, .losses = losses};
  return run(x, ids, targets, &pass, e);
}

int execute_logits(struct execution *x, int64_t B, int64_t T, const int32_t *ids, bool last_only, real *logits, struct err *e) {
  struct pass pass = {.B = B, .T = T, .logits = logits, .last_only = last_only};
  return run(x, ids, NULL, &pass, e);
}

static int extend(struct execution *x, struct cache *cache, int64_t first_slot, int64_t B, int64_t T, const int32_t *ids, real *logits, stored *left, struct err *e) {
  struct pass pass = {.B = B, .T = T, .cache = cache, .first_slot = first_slot, .logits = logits, .left = left, .last_only = true};
  assert(!x->plan->training); /* such plans let go of what a cache takes */
  if (first_slot < 0 || first_slot + B > cache->slots) return err_set(e, "%lld sequences from slot %lld are more than the %lld of the cache", (long long)B, (long long)first_slot, (long long)cache->slots);
  for (int64_t b = 0; b < B; b++) {
    int64_t end = cache->past[first_slot + b] + T;
    if (end > cache->capacity || end > x->positions) return err_set(e, "position %lld lies beyond the %lld that the cache holds", (long long)end - 1, (long long)cache->capacity);
    if (end > pass.longest) pass.longest = end;
  }
  if (cache_reserve(cache, first_slot, B, T, &pass.pages, e) < 0) return -1;
  if (run(x, ids, NULL, &pass, e) < 0) return -1;
  for (int64_t b = 0; b < B; b++) cache->past[first_slot + b] += T;
  return 0;
}

int execute_extend(struct execution *x, struct cache *cache, int64_t first_slot, int64_t B, int64_t T, const int32_t *ids, real *logits, struct err *e) {
  return extend(x, cache, first_slot, B, T, ids, logits, NULL, e);
}

int execute_extend_left(struct execution *x, struct cache *cache, int64_t first_slot, int64_t B, int64_t T, const int32_t *ids, stored *logits, struct err *e) {
  return extend(x, cache, first_slot, B, T, ids, NULL, logits, e);
}
