/* SPDX-License-Identifier: MIT */
#include "common/model/plan_offload.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/model/memory.h"

enum { RESIDENT = 2 }; /* blocks at the turn that stay: as many as are on the device at any other time */

/* Blocks: forward the layers 0 .. L-1, backward the same from the end.  Steps before the first block belong to none, those behind
 * the last to the last. */
struct cuts {
  struct plan *p;
  int blocks;
  int *forward, *backward;   /* [blocks] first steps of each; backward: in the order of the backward pass */
  int *last_use, *first_use; /* [values] last forward step, first one after those, that touch the memory of a value; -1: none */
  int *left, *back;          /* [values] new steps: of the wait for its copy out, of its copy in */
};

static void find_cuts(struct cuts *c) {
  const struct plan *p = c->p;
  for (int l = 0; l < c->blocks; l++) c->forward[l] = c->backward[l] = p->step_count;
  for (int i = p->step_count - 1; i >= 0; i--) {
    int layer = p->nodes[p->steps[i].node].layer;
    if (layer < 0) continue;
    if (i < p->forward_steps) c->forward[layer] = i;
    else
      for (int k = 0; k <= c->blocks - 1 - layer; k++) c->backward[k] = i; /* the backward pass is at this block, or an earlier one */
  }
}

static void find_uses(struct cuts *c) {
  const struct plan *p = c->p;
  for (int v = 0; v < p->value_count; v++) c->last_use[v] = c->first_use[v] = -1;
  for (int i = 0; i < p->step_count; i++) {
    int values[NODE_VALUES], count = memory_values(p, &p->nodes[p->steps[i].node], p->steps[i].kind, values);
    for (int k = 0; k < count; k++)
      if (i < p->forward_steps) c->last_use[values[k]] = i;
      else if (c->first_use[values[k]] < 0) c->first_use[values[k]] = i;
  }
}

/* The block that a step belongs to, by the first steps of all; -1: before the first. */
static int block_of(const struct cuts *c, const int *first, int step) {
  int block = c->blocks - 1;
  while (block >= 0 && first[block] > step) block--;
  return block;
}

static int block_out(const struct cuts *c, int value) { return block_of(c, c->forward, c->last_use[value]); }
static int block_in(const struct cuts *c, int value) { return block_of(c, c->backward, c->first_use[value]); }

static bool leaves(const struct cuts *c, int value) {
  const struct plan_value *v = &c->p->values[value];
  if (v->base >= 0 || v->again != v->buffer || c->last_use[value] < 0 || c->first_use[value] < 0) return false;
  int out = block_out(c, value);
  return out >= 0 && out < c->blocks - RESIDENT && block_in(c, value) >= RESIDENT;
}

/* ---- the new steps */

struct rewriting {
  struct plan_step *steps;
  int count;
};

static int add(struct rewriting *r, struct plan_step s) {
  r->steps = RESIZE(r->steps, (size_t)r->count + 1);
  r->steps[r->count] = s;
  return r->count++;
}

static int producer(const struct plan *p, int value) {
  for (int i = 0; i < p->count; i++)
    if (p->nodes[i].output >= 0 && plan_owner(p, p->nodes[i].output, NULL) == value) return i;
  return 0;
}

/* Slots of copies: two for either direction, of even and odd blocks. */
static int slot_out(int block) { return block % 2; }
static int slot_in(int block) { return 2 + block % 2; }

static void begin_copies(struct cuts *c, struct rewriting *r, int block, bool out) {
  struct plan *p = c->p;
  for (int v = 0; v < p->value_count; v++) {
    if (p->values[v].host < 0 || (out ? block_out(c, v) : block_in(c, v)) != block) continue;
    int step = add(r, (struct plan_step){.node = producer(p, v), .kind = out ? STEP_LEAVE : STEP_RETURN, .value = v, .slot = out ? slot_out(block) : slot_in(block)});
    if (!out) c->back[v] = step;
  }
}

static void end_copies(struct cuts *c, struct rewriting *r, int block, bool out, int node) {
  struct plan *p = c->p;
  int step = -1;
  for (int v = 0; v < p->value_count; v++) {
    if (p->values[v].host < 0 || (out ? block_out(c, v) : block_in(c, v)) != block) continue;
    if (step < 0) step = add(r, (struct plan_step){.node = node, .kind = out ? STEP_LEFT : STEP_RETURNED, .value = -1, .slot = out ? slot_out(block) : slot_in(block)});
    if (out) c->left[v] = step;
  }
}

/* What stands before an old step. */
static void between(struct cuts *c, struct rewriting *r, int step) {
  int before = step > 0 ? c->p->steps[step - 1].node : 0;
  for (int block = 1; block < c->blocks; block++)
    if (c->forward[block] == step) end_copies(c, r, block - 2, true, before), begin_copies(c, r, block - 1, true);
  for (int block = 0; block < c->blocks; block++)
    if (c->backward[block] == step) end_copies(c, r, block, false, before), begin_copies(c, r, block + 1, false);
}

/* Buffers live from and to the same steps as before, but for those of what leaves: the first lives until its copy is out, a
 * second one from where it comes back. */
static void rewrite(struct cuts *c) {
  struct plan *p = c->p;
  struct rewriting r = {0};
  int *moved = NEW_ARRAY(int, (size_t)p->step_count), forward = 0;
  for (int i = 0; i < p->step_count; i++) {
    between(c, &r, i);
    if (i == p->forward_steps) forward = r.count;
    moved[i] = add(&r, p->steps[i]);
  }
  for (int i = 0; i < p->buffer_count; i++)
    if (p->buffers[i].first >= 0) p->buffers[i].first = moved[p->buffers[i].first], p->buffers[i].last = moved[p->buffers[i].last];
  for (int v = 0; v < p->value_count; v++) {
    struct plan_value *value = &p->values[v];
    if (value->host < 0) continue;
    int64_t elements = p->buffers[value->buffer].elements;
    value->again = plan_buffer_add(p, BUFFER_ACTIVATION, elements);
    struct plan_buffer *first = &p->buffers[value->buffer], *second = &p->buffers[value->again];
    second->first = c->back[v], second->last = first->last;
    first->last = c->left[v];
  }
  free(moved);
  free(p->steps);
  p->steps = r.steps, p->step_count = r.count, p->forward_steps = forward;
}

void plan_offload(struct plan *p) {
  size_t blocks = (size_t)p->config.layers, values = (size_t)p->value_count;
  int *rows = NEW_ARRAY(int, 2 * blocks + 4 * values), *uses = rows + 2 * blocks;
  struct cuts c = {.p = p, .blocks = (int)blocks, .forward = rows, .backward = rows + blocks, .last_use = uses, .first_use = uses + values, .left = uses + 2 * values, .back = uses + 3 * values};
  find_cuts(&c);
  find_uses(&c);
  for (int v = 0; v < p->value_count; v++) {
    if (!leaves(&c, v)) continue;
    p->values[v].host = p->host;
    p->host += plan_buffer_bytes(p, &p->buffers[p->values[v].buffer]);
  }
  if (p->host > 0) rewrite(&c);
  free(rows);
}
