/* SPDX-License-Identifier: MIT */
#include "common/model/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

/* ---- liveness */

static void touch(struct plan *p, int buffer, int step) {
  if (buffer < 0) return;
  struct plan_buffer *b = &p->buffers[buffer];
  if (b->first < 0 || step < b->first) b->first = step;
  if (step > b->last) b->last = step;
}

static void touch_value(struct plan *p, int value, int step) {
  if (value >= 0) touch(p, p->values[value].buffer, step);
}

static int gradient_add(struct plan *p, int64_t columns) {
  p->buffers = RESIZE(p->buffers, (size_t)p->buffer_count + 1);
  p->buffers[p->buffer_count] = (struct plan_buffer){.class = BUFFER_GRADIENT, .elements = p->B * p->T * columns, .first = -1, .last = -1};
  return p->buffer_count++;
}

/* Walks backward.  An add hands its gradient on to both summands without a copy.  That is right because the branch was
 * computed from x: everything that adds to the gradient of x on the branch's behalf runs later in this walk than
 * everything that reads the gradient of the branch. */
static void gradients(struct plan *p) {
  int steps = 2 * p->count;
  bool *written = NEW_ARRAY(bool, (size_t)p->value_count + 1);
  for (int i = p->count - 1; i >= 0; i--) {
    struct plan_node *n = &p->nodes[i];
    int step = steps - 1 - i;
    int dy = n->output >= 0 ? p->values[n->output].gradient : -1;
    if (n->op == PLAN_CLASSIFIER) {
      p->values[n->input].gradient = gradient_add(p, p->values[n->input].columns);
      touch(p, p->values[n->input].gradient, i); /* made in the forward step */
    } else if (n->op == PLAN_ADD) {
      assert(p->values[n->input].gradient < 0 && n->second > n->input);
      p->values[n->input].gradient = p->values[n->second].gradient = dy;
      written[n->input] = true;
    } else if (n->op == PLAN_ROPE) {
      p->values[n->input].gradient = dy;
    } else if (n->input >= 0) {
      struct plan_value *x = &p->values[n->input];
      if (x->gradient < 0) x->gradient = gradient_add(p, x->columns);
      n->accumulate = written[n->input];
      assert(!n->accumulate || n->op == PLAN_RMSNORM);
      written[n->input] = true;
      touch(p, x->gradient, step);
    }
    touch(p, dy, step);

    touch(p, n->saved, step);
    if (n->op == PLAN_RMSNORM || n->op == PLAN_MATMUL || n->op == PLAN_ATTENTION || n->op == PLAN_SWIGLU) touch_value(p, n->input, step);
    if (n->op == PLAN_ATTENTION) touch_value(p, n->output, step);
  }
  free(written);
}

void memory_liveness(struct plan *p) {
  for (int i = 0; i < p->count; i++) {
    struct plan_node *n = &p->nodes[i];
    touch_value(p, n->input, i), touch_value(p, n->second, i), touch_value(p, n->output, i);
    touch(p, n->saved, i);
    if (n->op == PLAN_CLASSIFIER) touch(p, p->logits, i);
  }
  if (p->training) gradients(p);
}

/* ---- layout */

static const struct plan *sorting;

static int larger_first(const void *a, const void *b) {
  int i = *(const int *)a, j = *(const int *)b;
  int64_t x = sorting->buffers[i].elements, y = sorting->buffers[j].elements;
  return x != y ? (x > y ? -1 : 1) : i - j;
}

static int64_t round_up(int64_t elements) { return (elements + 15) & ~(int64_t)15; }

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
    int64_t at = 0, need = round_up(b->elements);
    for (int j = 0; j < placed; j++) { /* in order of offset: the first gap that is wide enough */
      const struct plan_buffer *other = &p->buffers[by_offset[j]];
      if (other->last < b->first || other->first > b->last) continue;
      if (other->offset >= at + need) break;
      int64_t end = other->offset + round_up(other->elements);
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

void memory_report(const struct plan *p, const struct parameter_layout *layout, struct memory_report *r) {
  int64_t flat = layout->total * (int64_t)sizeof(real);
  *r = (struct memory_report){.parameters = flat, .gradients = p->training ? flat : 0, .moments = p->training ? 2 * flat : 0,
                              .arena = p->arena * (int64_t)sizeof(real)};
  int64_t(*change)[BUFFER_CLASSES] = MALLOC((size_t)(2 * p->count + 1) * sizeof *change), live[BUFFER_CLASSES] = {0}; /* change: bytes that come to life at a step less those that end */
  memset(change, 0, (size_t)(2 * p->count + 1) * sizeof *change);
  for (int i = 0; i < p->buffer_count; i++) {
    const struct plan_buffer *b = &p->buffers[i];
    int64_t bytes = round_up(b->elements) * (int64_t)sizeof(real);
    if (b->first < 0) continue;
    change[b->first][b->class] += bytes;
    change[b->last + 1][b->class] -= bytes;
  }
  for (int step = 0; step < 2 * p->count; step++)
    for (int c = 0; c < BUFFER_CLASSES; c++) {
      live[c] += change[step][c];
      if (live[c] > r->classes[c]) r->classes[c] = live[c];
    }
  free(change);
  r->total = r->parameters + r->gradients + r->moments + r->arena;
}
