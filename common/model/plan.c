/* SPDX-License-Identifier: MIT */
#include "common/model/plan.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/model/architecture.h"
#include "common/model/memory.h"
#include "common/model/op.h"
#include "common/model/plan_offload.h"

int plan_buffer_add(struct plan *p, enum buffer_class class, int64_t elements) {
  p->buffers = RESIZE(p->buffers, (size_t)p->buffer_count + 1);
  p->buffers[p->buffer_count] = (struct plan_buffer){.class = class, .elements = elements, .first = -1, .last = -1};
  return p->buffer_count++;
}

int64_t plan_buffer_bytes(const struct plan *p, const struct plan_buffer *b) {
  int64_t bytes = b->elements * (int64_t)(b->class == BUFFER_STATISTICS ? sizeof(real) : p->backend->stored_size);
  return (bytes + 255) & ~(int64_t)255;
}

int64_t plan_rows(const struct plan *p, enum plan_rows rows, int64_t B, int64_t T) {
  return rows == ROWS_FILTER ? T : B * T * (rows == ROWS_SLOTS ? p->config.moe.top : 1);
}

static int value_add(struct plan *p, struct plan_value v) {
  p->values = RESIZE(p->values, (size_t)p->value_count + 1);
  p->values[p->value_count] = v;
  return p->value_count++;
}

int plan_value_add(struct plan *p, enum plan_rows rows, int64_t columns) {
  int buffer = plan_buffer_add(p, BUFFER_ACTIVATION, plan_rows(p, rows, p->B, p->T) * columns);
  return value_add(p, (struct plan_value){.rows = rows, .columns = columns, .ld = columns, .base = -1, .buffer = buffer, .again = buffer, .gradient = -1, .host = -1});
}

int plan_value_within(struct plan *p, int base, int64_t column, int64_t columns) {
  const struct plan_value *b = &p->values[base];
  return value_add(p, (struct plan_value){.rows = b->rows, .columns = columns, .ld = b->ld, .base = base, .column = column, .buffer = -1, .again = -1, .gradient = -1, .host = -1});
}

int plan_value_in_place(struct plan *p, int base) { return plan_value_within(p, base, 0, p->values[base].columns); }

int plan_owner(const struct plan *p, int value, int64_t *column) {
  int64_t at = 0;
  for (; p->values[value].base >= 0; value = p->values[value].base) at += p->values[value].column;
  if (column) *column = at;
  return value;
}

int plan_saved_add(struct plan *p, int64_t elements) { return plan_buffer_add(p, BUFFER_STATISTICS, elements); }

struct plan_node *plan_node_add(struct plan *p, enum plan_op op, const char *name, int layer) {
  p->nodes = RESIZE(p->nodes, (size_t)p->count + 1);
  struct plan_node *n = &p->nodes[p->count++];
  *n = (struct plan_node){.op = op, .name = name, .layer = layer, .output = -1, .parameter = -1, .bias = -1};
  for (int i = 0; i < PLAN_INPUTS; i++) n->inputs[i] = -1;
  for (int i = 0; i < PLAN_SAVED; i++) n->saved[i] = -1;
  return n;
}

void plan_step_add(struct plan *p, int node, enum step_kind kind) {
  p->steps = RESIZE(p->steps, (size_t)p->step_count + 1);
  p->steps[p->step_count++] = (struct plan_step){.node = node, .kind = kind, .value = -1};
}

static int64_t chunk_rows(const struct plan *p) {
  int64_t rows = p->B * p->T, chunk = (int64_t)(p->backend->logits_bytes / ((size_t)p->config.vocab_size * p->backend->stored_size)) / 16 * 16;
  if (chunk < 64) chunk = 64;
  return chunk < rows ? chunk : rows;
}

/* The sum of a residual and its RMSNorm read and write the same rows: one pass for both. */
static void fuse(struct plan *p) {
  for (int i = 0; i + 1 < p->count; i++) {
    struct plan_node *add = &p->nodes[i], *norm = &p->nodes[i + 1];
    if (add->op == PLAN_ADD && norm->op == PLAN_RMSNORM && norm->inputs[0] == add->output && norm->heads == 1) norm->fused = add->fused = true;
  }
}

void plan_init(struct plan *p, const struct model_config *c, const struct parameter_layout *layout, const struct plan_settings *s) {
  *p = (struct plan){.config = *c, .B = s->B, .T = s->T, .training = s->training, .recompute = s->recompute, .backend = s->backend ? s->backend : backend_cpu()};
  p->chunk_rows = chunk_rows(p);
  p->logits = plan_buffer_add(p, BUFFER_LOGITS, p->chunk_rows * c->vocab_size);
  architecture_build(p, layout);
  fuse(p);
  memory_schedule(p);
  p->forward_steps = p->count;
  if (s->training && s->offload) plan_offload(p);
  memory_layout(p);
}

void plan_release(struct plan *p) {
  free(p->nodes);
  free(p->steps);
  free(p->values);
  free(p->buffers);
  *p = (struct plan){0};
}

struct plan_cost plan_node_cost(const struct plan *p, const struct plan_node *n, int64_t B, int64_t T, bool backward) { return ops[n->op].cost(p, n, (double)B, (double)T, backward); }

double plan_recompute_share(const struct plan *p) {
  double again = 0, rest = 0;
  for (int i = 0; i < p->step_count; i++) {
    if (step_copies(p->steps[i].kind)) continue;
    double flops = plan_node_cost(p, &p->nodes[p->steps[i].node], p->B, p->T, p->steps[i].kind == STEP_BACKWARD).flops;
    if (p->steps[i].kind == STEP_AGAIN) again += flops;
    else rest += flops;
  }
  return rest > 0 ? again / rest : 0;
}
