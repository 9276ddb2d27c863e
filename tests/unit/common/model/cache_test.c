/* SPDX-License-Identifier: MIT
 *
 * Logits of a sequence that goes through a cache piece by piece are those of the whole sequence at once, for every
 * architecture: prompts in uneven pieces, single positions of several sequences at different places together, slots copied
 * and moved.
 */
#include "common/model/cache.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/model/execute.h"
#include "tests/architectures.h"
#include "tests/tap.h"

enum { SLOTS = 3, LENGTH = 24, V = 23, SEEDS = 60 };

static struct err e;
static int32_t ids[SLOTS][LENGTH]; /* of each sequence */
static real expected[SLOTS][LENGTH][V];

struct machine {
  struct execution *x;
  struct cache cache;
  int sequence[SLOTS]; /* in each slot */
  double worst;        /* largest difference from `expected`, relative to the largest logit of its row when that is above 1 */
};

static void compare(struct machine *m, int sequence, int64_t position, const real *logits) {
  double most = 1, difference = 0;
  for (int v = 0; v < V; v++) {
    double want = (double)expected[sequence][position][v];
    most = fmax(most, fabs(want));
    difference = fmax(difference, isfinite(logits[v]) ? fabs((double)logits[v] - want) : INFINITY);
  }
  m->worst = fmax(m->worst, difference / most);
}

/* n more positions of what stands in `count` slots */
static bool extend(struct machine *m, int first_slot, int count, int64_t n) {
  real logits[SLOTS * V];
  int32_t next[SLOTS * LENGTH] = {0};
  for (int b = 0; b < count; b++) memcpy(next + b * n, ids[m->sequence[first_slot + b]] + m->cache.past[first_slot + b], (size_t)n * sizeof *next);
  if (execute_extend(m->x, &m->cache, first_slot, count, n, next, logits, &e) < 0) return false;
  for (int b = 0; b < count; b++) compare(m, m->sequence[first_slot + b], m->cache.past[first_slot + b] - 1, logits + b * V);
  return true;
}

static bool copy(struct machine *m, int to, int from) {
  m->sequence[to] = m->sequence[from];
  return cache_copy(&m->cache, to, from, &e) == 0;
}

static bool run(struct machine *m) {
  for (int i = 0; i < SLOTS; i++) m->sequence[i] = i, cache_clear(&m->cache, i);
  bool fine = extend(m, 0, 1, 1) && extend(m, 0, 1, 5) && extend(m, 0, 1, 3) && extend(m, 1, 1, 2) && extend(m, 1, 1, 1) && extend(m, 2, 1, 13); /* 9, 3, 13 positions */
  for (int i = 0; i < 4; i++) fine = fine && extend(m, 0, 3, 1);
  fine = fine && extend(m, 0, 2, 3) && extend(m, 1, 2, 2);           /* 16, 12, 19 */
  fine = fine && copy(m, 0, 2) && extend(m, 0, 3, 1) && extend(m, 0, 1, 4); /* the last one moves to the front: 24, 13, 20 */
  cache_clear(&m->cache, 0), m->sequence[0] = 1;                     /* a slot begins anew */
  fine = fine && extend(m, 0, 1, 8) && copy(m, 2, 1) && extend(m, 0, 3, 2) && extend(m, 2, 1, 9);
  return fine && m->cache.past[0] == 10 && m->cache.past[1] == 15 && m->cache.past[2] == 24;
}

/* All experts alike to the router: only their order decides. */
static void tie(struct parameters *p) {
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    if (strstr(t->name, "mlp.gate.") || strstr(t->name, "block_sparse_moe.gate.")) memset(p->values + t->offset, 0, (size_t)t->count * sizeof(real));
  }
}

static void check(const struct architecture *a, bool ties) {
  struct parameters p;
  struct plan whole, plan;
  struct machine m = {0};
  bool fine = parameters_init(&p, &a->config, backend_cpu(), false, &e) == 0 && architecture_values(&p, 7, 0.2, &e) == 0;
  if (fine && ties) tie(&p);
  plan_init(&whole, &a->config, &p.layout, &(struct plan_settings){.B = SLOTS, .T = LENGTH});
  plan_init(&plan, &a->config, &p.layout, &(struct plan_settings){.B = 1, .T = 13});
  fine = fine && execution_new(&m.x, &whole, &p, LENGTH, &e) == 0 && execute_logits(m.x, SLOTS, LENGTH, ids[0], false, expected[0][0], &e) == 0;
  /* the first positions alone, and the last one alone, which plans for more must also do */
  static real few[SLOTS * LENGTH * V];
  int32_t beginnings[2 * 5];
  for (int b = 0; b < 2; b++) memcpy(beginnings + 5 * b, ids[b], 5 * sizeof *beginnings);
  fine = fine && execute_logits(m.x, 2, 5, beginnings, false, few, &e) == 0;
  for (int i = 0; i < 10 && fine; i++) compare(&m, i / 5, i % 5, few + i * V);
  fine = fine && execute_logits(m.x, SLOTS, LENGTH, ids[0], true, few, &e) == 0;
  for (int b = 0; b < SLOTS && fine; b++) compare(&m, b, LENGTH - 1, few + b * V);
  bool longer = fine && execute_logits(m.x, 1, LENGTH + 1, ids[0], true, few, &e) == 0, more = fine && execute_logits(m.x, SLOTS + 1, LENGTH, ids[0], true, few, &e) == 0, none = fine && execute_logits(m.x, 1, 0, ids[0], true, few, &e) == 0;
  ok(fine && !longer && !more && !none, "%s: longer ones, more of them, or none are refused", a->name);
  ok(fine && m.worst < 1e-4, "%s: fewer sequences, fewer positions, the last position alone give the same logits", a->name);
  execution_free(m.x);
  m.x = NULL;
  m.worst = 0;
  fine = execution_new(&m.x, &plan, &p, LENGTH, &e) == 0 && cache_init(&m.cache, &a->config, backend_cpu(), SLOTS, LENGTH, &e) == 0 && run(&m);
  ok(fine && m.worst < 1e-3, "%s: so does a cache", a->name);
  if (!fine || !(m.worst < 1e-4)) note("%s: %s: worst %.3g", a->name, fine ? "" : e.message, m.worst);
  int32_t one = 0;
  ok(m.x && execute_extend(m.x, &m.cache, 2, 1, 1, &one, NULL, &e) < 0 && m.cache.past[2] == LENGTH && execute_extend(m.x, &m.cache, 2, 2, 1, ids[0], NULL, &e) < 0 && strstr(e.message, "slot 2"), "%s: a full slot takes no more, nor one that is not there", a->name);
  execution_free(m.x);
  cache_release(&m.cache);
  plan_release(&whole), plan_release(&plan);
  parameters_release(&p);
}

int main(int argc, char **argv) {
  struct rng rng;
  rng_init(&rng, 5);
  for (int i = 0; i < SLOTS * LENGTH; i++) ids[i / LENGTH][i % LENGTH] = (int32_t)rng_below(&rng, V);
  for (int i = 0; i < ARCHITECTURES; i++) {
    struct architecture a = architecture_kind(i, V);
    check(&a, false);
    if (!a.config.moe.count) continue;
    snprintf(a.name + strlen(a.name), sizeof a.name - strlen(a.name), ", ties");
    check(&a, true);
  }
  uint64_t seeds = argc > 1 ? (uint64_t)atoll(argv[1]) : SEEDS;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    struct architecture a = architecture_random(seed, V);
    check(&a, false);
  }
  return tap_done();
}
