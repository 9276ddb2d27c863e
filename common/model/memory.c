/* SPDX-License-Identifier: MIT */
#include "common/model/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/model/op.h"

/* ---- schedule */

struct schedule {
  struct plan *p;
  bool *droppable, *remade; /* of each value that owns: its memory is let go after the forward pass; it is there again */
  bool *written;            /* of each value: its gradient holds something */
};

static int owner(const struct plan *p, int value) { return plan_owner(p, value, NULL); }

static void touch(struct plan *p, int buffer, int step) {
  if (buffer < 0) return;
  struct plan_buffer *b = &p->buffers[buffer];
  if (b->first < 0 || step < b->first) b->first = step;
  if (step > b->last) b->last = step;
}

int memory_values(const struct plan *p, const struct plan_node *n, enum step_kind kind, int values[NODE_VALUES]) {
  const struct op *op = &ops[n->op];
  bool backward = kind == STEP_BACKWARD;
  int count = 0;
  for (int i = 0; i < PLAN_INPUTS; i++)
    if (n->inputs[i] >= 0 && (backward ? op->reads & 1u << i : !p->training || op->training_inputs & 1u << i)) values[count++] = owner(p, n->inputs[i]);
  if (n->output >= 0 && (!backward || op->reads & OP_OUTPUT)) values[count++] = owner(p, n->output);
  if (n->fused && n->op == PLAN_RMSNORM && kind == STEP_FORWARD) values[count++] = owner(p, n[-1].inputs[0]); /* the residual's sum happens here */
  return count;
}

static void touch_values(struct plan *p, const struct plan_node *n, enum step_kind kind, int step) {
  int values[NODE_VALUES], count = memory_values(p, n, kind, values);
  for (int i = 0; i < count; i++) touch(p, kind == STEP_FORWARD ? p->values[values[i]].buffer : p->values[values[i]].again, step);
}

/* What a node reads and writes when it runs forward, for the first time or again. */
static void touch_forward(struct plan *p, const struct plan_node *n, bool again, int step) {
  touch_values(p, n, again ? STEP_AGAIN : STEP_FORWARD, step);
  for (int i = 0; i < PLAN_SAVED; i++) touch(p, n->saved[i], step);
  if (n->op == PLAN_CLASSIFIER) touch(p, p->logits, step);
}

/* The policies.  norm: what is cheap to make again.  attention: also the mixers, whose values grow with heads.  block: all of
 * a layer but what it hands on. */
static bool policy_drops(const struct plan *p, int i) {
  const struct plan_node *n = &p->nodes[i];
  if (n->layer < 0 || p->recompute == RECOMPUTE_NONE) return false;
  if (n->op == PLAN_RMSNORM || n->op == PLAN_LAYERNORM || n->op == PLAN_ACTIVATION || n->op == PLAN_MULTIPLY)
    if (p->recompute != RECOMPUTE_BLOCK) return !p->config.post_norm || n->op == PLAN_ACTIVATION || n->op == PLAN_MULTIPLY;
  if (p->recompute == RECOMPUTE_ATTENTION) return n->mixer;
  return p->recompute == RECOMPUTE_BLOCK && i + 1 < p->count && p->nodes[i + 1].layer == n->layer;
}

static void choose_droppable(struct schedule *s) {
  struct plan *p = s->p;
  bool *kept = NEW_ARRAY(bool, (size_t)p->value_count);
  for (int i = 0; i < p->count; i++) {
    struct plan_node *n = &p->nodes[i];
    n->again = policy_drops(p, i);
    if (n->output >= 0 && !n->again) kept[owner(p, n->output)] = true;
  }
  for (int v = 0; v < p->value_count; v++) {
    struct plan_value *o = &p->values[v];
    if (o->base >= 0 || kept[v] || p->recompute == RECOMPUTE_NONE) continue;
    s->droppable[v] = true;
    int64_t elements = p->buffers[o->buffer].elements;
    o->again = plan_buffer_add(p, BUFFER_ACTIVATION, elements);
  }
  free(kept);
}

/* Brings a value back that was let go: runs all nodes again that write its memory, in their order. */
static void ensure(struct schedule *s, int value) {
  struct plan *p = s->p;
  int o = owner(p, value);
  if (!s->droppable[o] || s->remade[o]) return;
  s->remade[o] = true;
  for (int i = 0; i < p->count; i++) {
    const struct plan_node *n = &p->nodes[i];
    if (n->output < 0 || owner(p, n->output) != o) continue;
    for (int k = 0; k < PLAN_INPUTS; k++)
      if (n->inputs[k] >= 0 && ops[n->op].training_inputs & 1u << k) ensure(s, n->inputs[k]);
    touch_forward(p, n, true, p->step_count);
    plan_step_add(p, i, STEP_AGAIN);
  }
}

static int gradient_of(struct plan *p, int value) {
  int o = owner(p, value);
  if (p->values[o].gradient < 0) {
    int64_t elements = p->buffers[p->values[o].buffer].elements;
    int buffer = plan_buffer_add(p, BUFFER_GRADIENT, elements);
    p->values[o].gradient = buffer;
  }
  return p->values[o].gradient;
}

static const struct plan_node *producer(const struct plan *p, int value) {
  for (int i = 0; i < p->count; i++)
    if (p->nodes[i].output == value) return &p->nodes[i];
  return NULL;
}

/* A node between those two adds to this gradient in the backward pass. */
static bool added_between(const struct plan *p, const struct plan_node *first, const struct plan_node *last, int gradient) {
  for (const struct plan_node *n = first + 1; n < last; n++)
    for (int k = 0; k < PLAN_INPUTS; k++)
      if (n->inputs[k] >= 0 && ops[n->op].gradients & 1u << k && p->values[owner(p, n->inputs[k])].gradient == gradient) return true;
  return false;
}

/* An add hands its gradient on to both summands without a copy.  That is right because the branch (input 1) was computed from
 * x (input 0) or apart from it: everything that adds to the gradient of x on the branch's behalf runs later in the backward
 * pass than everything that reads the gradient of the branch.  Two cases where x gets a gradient of its own: a dropout in
 * between changes the branch's in place; and of two branches that are added first, the one that is made first (experts, before
 * the shared ones) would read its gradient when the other has added to it, where both begin at x itself (post-norm). */
static void share_gradient(struct schedule *s, struct plan_node *n) {
  struct plan *p = s->p;
  const struct plan_node *before = producer(p, n->inputs[1]), *start = producer(p, n->inputs[0]);
  struct plan_value *x = &p->values[owner(p, n->inputs[0])];
  n->shared = x->gradient < 0 && x->columns == p->values[n->inputs[0]].columns && !(before && before->op == PLAN_DROPOUT) && !added_between(p, start, n, gradient_of(p, n->output));
  if (n->shared) x->gradient = gradient_of(p, n->output);
  else gradient_of(p, n->inputs[0]);
  n->accumulate[0] = s->written[n->inputs[0]];
  s->written[n->inputs[0]] = true;
}

static void backward(struct schedule *s, int i) {
  struct plan *p = s->p;
  struct plan_node *n = &p->nodes[i];
  const struct op *op = &ops[n->op];
  if (!op->backward) return;
  for (int k = 0; k < PLAN_INPUTS; k++)
    if (n->inputs[k] >= 0 && op->reads & 1u << k) ensure(s, n->inputs[k]);
  if (op->reads & OP_OUTPUT) ensure(s, n->output);
  int step = p->step_count;
  plan_step_add(p, i, STEP_BACKWARD);
  touch_values(p, n, STEP_BACKWARD, step);
  for (int k = 0; k < PLAN_SAVED; k++) touch(p, n->saved[k], step);
  touch(p, gradient_of(p, n->output), step);
  if (n->op == PLAN_ADD) share_gradient(s, n);
  for (int k = 0; k < PLAN_INPUTS; k++) {
    if (n->inputs[k] < 0 || !(op->gradients & 1u << k)) continue;
    touch(p, gradient_of(p, n->inputs[k]), step);
    if (op->in_place || n->op == PLAN_ADD) continue;
    n->accumulate[k] = s->written[n->inputs[k]];
    assert(!n->accumulate[k] || op->accumulates);
    s->written[n->inputs[k]] = true;
  }
}

void memory_schedule(struct plan *p) {
  struct schedule s = {.p = p, .droppable = NEW_ARRAY(bool, (size_t)p->value_count), .remade = NEW_ARRAY(bool, (size_t)p->value_count), .written = NEW_ARRAY(bool, (size_t)p->value_count)};
  if (p->training) choose_droppable(&s);
  for (int i = 0; i < p->count; i++) {
    touch_forward(p, &p->nodes[i], false, p->step_count);
    plan_step_add(p, i, STEP_FORWARD);
  }
  if (p->training) {
    int last = p->count - 1; /* the classifier makes its gradients chunk by chunk in its forward step, so that the logits never exist whole */
    touch(p, gradient_of(p, p->nodes[last].inputs[0]), last);
    s.written[p->nodes[last].inputs[0]] = true;
    for (int i = last - 1; i >= 0; i--) backward(&s, i);
  }
  free(s.droppable), free(s.remade), free(s.written);
}

/* ---- layout */

static const struct plan *sorting;

static int larger_first(const void *a, const void *b) {
  int i = *(const int *)a, j = *(const int *)b;
  int64_t x = plan_buffer_bytes(sorting, &sorting->buffers[i]), y = plan_buffer_bytes(sorting, &sorting->buffers[j]);
  return x != y ? (x > y ? -1 : 1) : i - j;
}

void memory_layout(struct plan *p) {
  int n = p->buffer_count, placed = 0;
  int *order = NEW_ARRAY(int, (size_t)n), *by_offset = NEW_ARRAY(int, (size_t)n);
  for (int i = 0; i < n; i++) order[i] = i;
  sorting = p;
  qsort(order, (size_t)n, sizeof *order, larger_first);
  p->arena = 0;
  for (int k = 0; k < n; k++) {
    struct plan_buffer *b = &p->buffers[order[k]];
    if (b->first < 0) continue;
    int64_t at = 0, need = plan_buffer_bytes(p, b);
    for (int j = 0; j < placed; j++) { /* in order of offset: the first gap that is wide enough */
      const struct plan_buffer *other = &p->buffers[by_offset[j]];
      if (other->last < b->first || other->first > b->last) continue;
      if (other->offset >= at + need) break;
      int64_t end = other->offset + plan_buffer_bytes(p, other);
      if (end > at) at = end;
    }
    b->offset = at;
    int j = placed++;
    for (; j > 0 && p->buffers[by_offset[j - 1]].offset > at; j--) by_offset[j] = by_offset[j - 1];
    by_offset[j] = order[k];
    if (at + need > p->arena) p->arena = at + need;
  }
  free(order);
  free(by_offset);
}

void memory_report(const struct plan *p, const struct parameter_layout *layout, int64_t optimizer, struct memory_report *r) {
  int64_t flat = layout->total * (int64_t)sizeof(real), copy = p->backend->stored_size == sizeof(real) ? 0 : layout->total * (int64_t)p->backend->stored_size;
  *r = (struct memory_report){.parameters = p->training || !copy ? flat + copy : copy, .gradients = p->training ? flat : 0, .optimizer = optimizer, .arena = p->arena, .host = p->host};
  int64_t(*change)[BUFFER_CLASSES] = MALLOC((size_t)(p->step_count + 1) * sizeof *change), live[BUFFER_CLASSES] = {0}; /* change: bytes that come to life at a step less those that end */
  memset(change, 0, (size_t)(p->step_count + 1) * sizeof *change);
  for (int i = 0; i < p->buffer_count; i++) {
    const struct plan_buffer *b = &p->buffers[i];
    int64_t bytes = plan_buffer_bytes(p, b);
    if (b->first < 0) continue;
    change[b->first][b->class] += bytes;
    change[b->last + 1][b->class] -= bytes;
  }
  for (int step = 0; step < p->step_count; step++)
    for (int c = 0; c < BUFFER_CLASSES; c++) {
      live[c] += change[step][c];
      if (live[c] > r->classes[c]) r->classes[c] = live[c];
    }
  free(change);
  r->total = r->parameters + r->gradients + r->optimizer + r->arena;
}
