/* SPDX-License-Identifier: MIT */
#include "common/model/plan.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/model/architecture.h"
#include "common/model/memory.h"

/* The classifier's chunk of logits is written once and read four times: it should stay in the last-level cache. */
#define CHUNK_BYTES (16 << 20)

const char *plan_op_name(enum plan_op op) {
  static const char *const names[] = {"embedding", "rmsnorm", "matmul", "rope", "attention", "swiglu", "add", "classifier"};
  return names[op];
}

static int buffer_add(struct plan *p, enum buffer_class class, int64_t elements) {
  p->buffers = RESIZE(p->buffers, (size_t)p->buffer_count + 1);
  p->buffers[p->buffer_count] = (struct plan_buffer){.class = class, .elements = elements, .first = -1, .last = -1};
  return p->buffer_count++;
}

int plan_value_add(struct plan *p, int64_t columns) {
  p->values = RESIZE(p->values, (size_t)p->value_count + 1);
  p->values[p->value_count] = (struct plan_value){.columns = columns, .gradient = -1};
  p->values[p->value_count].buffer = buffer_add(p, BUFFER_ACTIVATION, p->B * p->T * columns);
  return p->value_count++;
}

int plan_value_in_place(struct plan *p, int value) {
  p->values = RESIZE(p->values, (size_t)p->value_count + 1);
  p->values[p->value_count] = (struct plan_value){.columns = p->values[value].columns, .buffer = p->values[value].buffer, .gradient = -1};
  return p->value_count++;
}

int plan_statistics_add(struct plan *p, int64_t columns) { return buffer_add(p, BUFFER_STATISTICS, p->B * p->T * columns); }

struct plan_node *plan_node_add(struct plan *p, enum plan_op op, const char *name, int layer) {
  p->nodes = RESIZE(p->nodes, (size_t)p->count + 1);
  struct plan_node *n = &p->nodes[p->count++];
  *n = (struct plan_node){.op = op, .name = name, .layer = layer, .input = -1, .second = -1, .output = -1, .parameter = -1, .saved = -1};
  return n;
}

static int64_t chunk_rows(const struct plan *p) {
  int64_t rows = p->B * p->T, chunk = CHUNK_BYTES / (p->config.vocab_size * (int64_t)sizeof(real)) / 16 * 16;
  if (chunk < 64) chunk = 64;
  return chunk < rows ? chunk : rows;
}

void plan_init(struct plan *p, const struct model_config *c, const struct parameter_layout *layout, int64_t B, int64_t T, bool training) {
  *p = (struct plan){.config = *c, .B = B, .T = T, .training = training};
  p->chunk_rows = chunk_rows(p);
  p->logits = buffer_add(p, BUFFER_LOGITS, p->chunk_rows * c->vocab_size);
  architecture_build(p, layout);
  memory_liveness(p);
  memory_layout(p);
}

void plan_release(struct plan *p) {
  free(p->nodes);
  free(p->values);
  free(p->buffers);
  *p = (struct plan){0};
}

/* Causal attention touches half of the T x T square: 2 products of 2 H D operations a pair forward, 5 backward. */
struct plan_cost plan_node_cost(const struct plan *p, const struct plan_node *n, int64_t rows, int64_t T, bool backward) {
  const struct model_config *c = &p->config;
  double R = (double)rows, in = n->input >= 0 ? (double)p->values[n->input].columns : 0, out = n->output >= 0 ? (double)p->values[n->output].columns : 0;
  double passes = backward ? 2 : 1, size = sizeof(real);
  switch (n->op) {
    case PLAN_EMBEDDING: return (struct plan_cost){backward ? R * out : 0, size * R * out * (backward ? 3 : 2)};
    case PLAN_RMSNORM: return (struct plan_cost){R * in * (backward ? 8 : 4), size * R * in * (backward ? 4 : 2)};
    case PLAN_MATMUL: return (struct plan_cost){2 * R * in * out * passes, size * (R * (in + out) + in * out) * passes};
    case PLAN_ROPE: return (struct plan_cost){3 * R * (double)((c->heads + c->kv_heads) * c->head_dim), size * 2 * R * (double)((c->heads + c->kv_heads) * c->head_dim)};
    case PLAN_ATTENTION: return (struct plan_cost){(backward ? 5.0 : 2.0) * R * (double)T * (double)(c->heads * c->head_dim), size * R * (in + out) * passes};
    case PLAN_SWIGLU: return (struct plan_cost){R * out * (backward ? 10 : 5), size * R * (in + out) * (backward ? 5.0 / 3 : 1)};
    case PLAN_ADD: return (struct plan_cost){backward ? 0 : R * out, backward ? 0 : size * 3 * R * out};
    default: /* the classifier's backward runs in its forward step */
      return (struct plan_cost){(p->training ? 6 : 2) * R * in * (double)c->vocab_size, size * (R * in * 2 + in * (double)c->vocab_size) * (p->training ? 3 : 1)};
  }
}
