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

static int64_t statistics(const struct plan *p) {
  int64_t sum = 0;
  for (int i = 0; i < p->buffer_count; i++)
    if (p->buffers[i].class == BUFFER_STATISTICS) sum += plan_buffer_bytes(p, &p->buffers[i]);
  return sum;
}

/* Every copy out is waited for before one comes in, and every slot before it is used again. */
static bool in_order(const struct plan *p) {
  bool under_way[4] = {0}, *out = calloc((size_t)p->value_count, sizeof *out), good = true;
  int last = -1;
  for (int i = 0; i < p->step_count; i++) {
    const struct plan_step *s = &p->steps[i];
    if (!step_copies(s->kind)) continue;
    if (s->kind == STEP_LEFT || s->kind == STEP_RETURNED) good &= under_way[s->slot], under_way[s->slot] = false;
    else {
      good &= i == last + 1 || !under_way[s->slot];
      good &= (s->kind == STEP_LEAVE) == (i < p->forward_steps) && out[s->value] == (s->kind == STEP_RETURN);
      out[s->value] = s->kind == STEP_LEAVE, under_way[s->slot] = true, last = i;
    }
  }
  for (int i = 0; i < 4; i++) good &= !under_way[i];
  for (int v = 0; v < p->value_count; v++) good &= !out[v];
  free(out);
  return good;
}

/* With what leaves in host memory two blocks' activations are left, whatever the number of blocks. */
static void offload(enum recompute policy) {
  int64_t arenas[2], hosts[2], kept[2];
  bool good = true;
  for (int i = 0; i < 2; i++) {
    struct model_config c = config(i ? 12 : 6);
    struct parameter_layout l;
    struct plan p, stays;
    parameter_layout_init(&l, &c);
    plan_init(&stays, &c, &l, &(struct plan_settings){.B = 4, .T = 32, .training = true, .recompute = policy});
    plan_init(&p, &c, &l, &(struct plan_settings){.B = 4, .T = 32, .training = true, .recompute = policy, .offload = true});
    good = !overlaps(&p) && in_order(&p) && p.arena < stays.arena && p.arena <= most_alive(&p) * 11 / 10 && stays.host == 0 && good;
    arenas[i] = p.arena - statistics(&p), hosts[i] = p.host, kept[i] = stays.arena - statistics(&stays);
    plan_release(&p), plan_release(&stays);
    parameter_layout_release(&l);
  }
  int64_t block = (hosts[1] - hosts[0]) / 6;
  good = hosts[0] >= 4 * block - 4 * 32 * 64 * (int64_t)sizeof(real) && hosts[0] <= 4 * block && kept[1] - kept[0] >= 6 * block && arenas[1] - arenas[0] < block / 10 && good;
  ok(good, "recompute %d: of 6 blocks 4 leave, of 12 10, and the arena falls to %.2f and %.2f", (int)policy, (double)arenas[0] / (double)kept[0], (double)arenas[1] / (double)kept[1]);
  note("a block %lld bytes, host %lld %lld, arena %lld %lld, without offload %lld %lld", (long long)block, (long long)hosts[0], (long long)hosts[1], (long long)arenas[0], (long long)arenas[1], (long long)kept[0], (long long)kept[1]);
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
  for (int policy = RECOMPUTE_NONE; policy <= RECOMPUTE_BLOCK; policy++) offload((enum recompute)policy);
  plan_release(&train), plan_release(&infer), plan_release(&deep_plan);
  parameter_layout_release(&l), parameter_layout_release(&deep_layout);
  return tap_done();
}
