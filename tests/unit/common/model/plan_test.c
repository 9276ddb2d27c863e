/* SPDX-License-Identifier: MIT */
#include "common/model/plan.h"

#include <stdlib.h>

#include "common/model/memory.h"
#include "tests/llama.h"
#include "tests/tap.h"

static struct model_config config(int64_t layers) {
  return llama(1000, 64, 160, layers, 4, 2, 64);
}

static bool overlaps(const struct plan *p) {
  for (int i = 0; i < p->buffer_count; i++)
    for (int j = 0; j < i; j++) {
      const struct plan_buffer *a = &p->buffers[i], *b = &p->buffers[j];
      if (a->first < 0 || b->first < 0) continue;
      bool together = a->first <= b->last && b->first <= a->last, meet = a->offset < b->offset + plan_buffer_bytes(p, b) && b->offset < a->offset + plan_buffer_bytes(p, a);
      if (together && meet) return true;
    }
  return false;
}

static int64_t most_alive(const struct plan *p) {
  int64_t most = 0;
  for (int step = 0; step < p->step_count; step++) {
    int64_t sum = 0;
    for (int i = 0; i < p->buffer_count; i++)
      if (p->buffers[i].first >= 0 && p->buffers[i].first <= step && step <= p->buffers[i].last) sum += plan_buffer_bytes(p, &p->buffers[i]);
    if (sum > most) most = sum;
  }
  return most;
}

int main(void) {
  struct model_config c = config(6);
  struct parameter_layout l;
  struct plan train, infer;
  parameter_layout_init(&l, &c);
  plan_init(&train, &c, &l, &(struct plan_settings){.B = 4, .T = 32, .training = true});
  plan_init(&infer, &c, &l, &(struct plan_settings){.B = 4, .T = 32});
  ok(!overlaps(&train), "buffers that live at one step lie apart, training");
  ok(!overlaps(&infer), "and without training");
  ok(train.arena <= most_alive(&train) * 11 / 10, "the training arena is within a tenth of the most that lives at once");
  ok(infer.arena <= most_alive(&infer) * 11 / 10, "so is the other");
  note("training %lld bytes, at least %lld needed; inference %lld, %lld", (long long)train.arena, (long long)most_alive(&train), (long long)infer.arena, (long long)most_alive(&infer));

  /* without training the activations of a layer are gone before the next: more layers need no more memory */
  struct model_config deep = config(12);
  struct parameter_layout deep_layout;
  struct plan deep_plan;
  parameter_layout_init(&deep_layout, &deep);
  plan_init(&deep_plan, &deep, &deep_layout, &(struct plan_settings){.B = 4, .T = 32});
  ok_int(deep_plan.arena, infer.arena, "inference memory does not grow with the layers");

  int embedding_gradient = -1, shared = 0;
  for (int i = 0; i < train.count; i++) {
    if (train.nodes[i].op == PLAN_EMBEDDING) embedding_gradient = train.values[plan_owner(&train, train.nodes[i].output, NULL)].gradient;
    if (train.nodes[i].op == PLAN_ADD) shared += train.nodes[i].shared && train.values[plan_owner(&train, train.nodes[i].output, NULL)].gradient == embedding_gradient;
  }
  ok_int(shared, 12, "the residual stream has one gradient buffer from end to start");

  double flops = 0;
  for (int i = 0; i < train.count; i++)
    flops += plan_node_cost(&train, &train.nodes[i], 4, 32, false).flops + (train.nodes[i].op == PLAN_CLASSIFIER ? 0 : plan_node_cost(&train, &train.nodes[i], 4, 32, true).flops);
  double formula = config_flops_per_token(&c, 32) * 4 * 32;
  ok(flops > formula && flops < 1.1 * formula, "the nodes' costs add up to the formula and a little for the rest (%.3f)", flops / formula);

  /* each policy keeps less and computes more again */
  int64_t arena = train.arena;
  double share = 0;
  for (int policy = RECOMPUTE_NORM; policy <= RECOMPUTE_BLOCK; policy++) {
    struct plan again;
    plan_init(&again, &c, &l, &(struct plan_settings){.B = 4, .T = 32, .training = true, .recompute = (enum recompute)policy});
    ok(!overlaps(&again) && again.arena < arena && plan_recompute_share(&again) > share, "recompute %d: %.2f of the arena for %.3f more arithmetic", policy, (double)again.arena / (double)train.arena, plan_recompute_share(&again));
    arena = again.arena, share = plan_recompute_share(&again);
    plan_release(&again);
  }
  ok(share > 0.2 && share < 1.0 / 3 + 1e-9, "running every block again costs a third of forward and backward, the classifier aside");
  plan_release(&train), plan_release(&infer), plan_release(&deep_plan);
  parameter_layout_release(&l), parameter_layout_release(&deep_layout);
  return tap_done();
}
