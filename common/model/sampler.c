/* SPDX-License-Identifier: MIT */
#include "common/model/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

struct candidate {
  double p; /* unnormalised: exp(logit - largest) */
  uint32_t id;
};

struct sampler {
  int64_t V;
  struct candidate *candidates; /* [V] */
  bool *penalised;              /* [V], all false between calls */
};

struct sampler *sampler_new(int64_t V) {
  struct sampler *s = NEW(struct sampler);
  s->V = V;
  s->candidates = NEW_ARRAY(struct candidate, (size_t)V);
  s->penalised = NEW_ARRAY(bool, (size_t)V);
  return s;
}

void sampler_free(struct sampler *s) {
  if (!s) return;
  free(s->candidates);
  free(s->penalised);
  free(s);
}

static double log_sum_exp(const real *x, int64_t n, int64_t best) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - (double)x[best]);
  return (double)x[best] + log(sum);
}

static int64_t largest(const real *x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (x[i] > x[best]) best = i;
  return best;
}

static void penalise(struct sampler *s, real *logits, double penalty, const uint32_t *seen, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    if (seen[i] >= (uint64_t)s->V || s->penalised[seen[i]]) continue;
    s->penalised[seen[i]] = true;
    real *x = &logits[seen[i]];
    *x = (real)(*x > 0 ? (double)*x / penalty : (double)*x * penalty);
  }
  for (int64_t i = 0; i < count; i++)
    if (seen[i] < (uint64_t)s->V) s->penalised[seen[i]] = false;
}

static int likeliest_first(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  if (x->p != y->p) return x->p > y->p ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

/* Candidates that may survive: with top-p, those below (1 - top_p) / V of all cannot, since together they are less than
 * what may be cut. */
static int64_t gather(struct sampler *s, const struct sampler_settings *set, const real *logits) {
  double top = (double)logits[largest(logits, s->V)], sum = 0;
  for (int64_t i = 0; i < s->V; i++) {
    s->candidates[i] = (struct candidate){exp(((double)logits[i] - top) / set->temperature), (uint32_t)i};
    sum += s->candidates[i].p;
  }
  double floor = set->min_p;
  if (set->top_p < 1 && !set->top_k) floor = fmax(floor, (1 - set->top_p) * sum / (double)s->V);
  int64_t n = 0;
  for (int64_t i = 0; i < s->V; i++)
    if (s->candidates[i].p >= floor || set->top_k) s->candidates[n++] = s->candidates[i];
  return n;
}

uint32_t sampler_next(struct sampler *s, const struct sampler_settings *set, real *logits, const uint32_t *seen, int64_t seen_count, struct rng *rng, double *logprob) {
  double normaliser = 0;
  if (logprob) normaliser = log_sum_exp(logits, s->V, largest(logits, s->V));
  real *plain = NULL;
  if (set->repeat_penalty != 1) {
    if (logprob) plain = COPY(logits, (size_t)s->V * sizeof(real));
    penalise(s, logits, set->repeat_penalty, seen, seen_count);
  }
  uint32_t id;
  if (set->temperature <= 0) id = (uint32_t)largest(logits, s->V);
  else {
    struct candidate *c = s->candidates;
    int64_t n = gather(s, set, logits);
    if (set->top_k || set->top_p < 1) qsort(c, (size_t)n, sizeof *c, likeliest_first);
    if (set->top_k && set->top_k < n) n = set->top_k;
    double total = 0, reached = 0;
    if (set->top_k || set->top_p >= 1)
      for (int64_t i = 0; i < n; i++) total += c[i].p;
    else { /* the share is of everything, also of what gather() left out */
      double top = (double)logits[c[0].id];
      for (int64_t i = 0; i < s->V; i++) total += exp(((double)logits[i] - top) / set->temperature);
    }
    if (set->top_p < 1) {
      int64_t k = 0;
      while (k < n && reached < set->top_p * total) reached += c[k++].p;
      n = k > 0 ? k : 1;
    }
    total = 0;
    int64_t kept = 0;
    double likeliest = 0;
    for (int64_t i = 0; i < n; i++) likeliest = fmax(likeliest, c[i].p);
    for (int64_t i = 0; i < n; i++)
      if (c[i].p >= set->min_p * likeliest) total += c[i].p, c[kept++] = c[i];
    double draw = rng_double(rng) * total;
    int64_t i = 0;
    for (; i + 1 < kept && draw >= c[i].p; i++) draw -= c[i].p;
    id = c[i].id;
  }
  if (logprob) *logprob = (double)(plain ? plain : logits)[id] - normaliser;
  free(plain);
  return id;
}
