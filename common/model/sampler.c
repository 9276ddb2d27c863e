/* SPDX-License-Identifier: MIT */
#include "common/model/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

enum { TOP_GUESS = 256, TOP_SPARE = 64 }; /* of the largest logits: where a share is asked for and not a number; more than are drawn from, as a penalty pushes some down */

struct candidate {
  double p; /* unnormalised: exp((logit - largest) / temperature) */
  real logit;
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

int64_t sampler_vocabulary(const struct sampler *s) { return s->V; }

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

static real penalised(real logit, double penalty) { return (real)(logit > 0 ? (double)logit / penalty : (double)logit * penalty); }

static void mark(struct sampler *s, const uint32_t *seen, int64_t count, bool value) {
  for (int64_t i = 0; i < count; i++)
    if (seen[i] < (uint64_t)s->V) s->penalised[seen[i]] = value;
}

static void penalise(struct sampler *s, real *logits, double penalty, const uint32_t *seen, int64_t count) {
  mark(s, seen, count, true);
  for (int64_t i = 0; i < count; i++) { /* each once */
    if (seen[i] >= (uint64_t)s->V || !s->penalised[seen[i]]) continue;
    logits[seen[i]] = penalised(logits[seen[i]], penalty);
    s->penalised[seen[i]] = false;
  }
}

static int likeliest_first(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static int lowest_id_first(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  return x->id < y->id ? -1 : x->id > y->id;
}

static struct candidate candidate(real logit, uint32_t id, double top, double temperature) { return (struct candidate){exp(((double)logit - top) / temperature), logit, id}; }

/* Candidates that may survive: with top-p, those below (1 - top_p) / V of all cannot, since together they are less than
 * what may be cut. */
static int64_t gather(struct sampler *s, const struct sampler_settings *set, const real *logits) {
  double top = (double)logits[largest(logits, s->V)], sum = 0;
  for (int64_t i = 0; i < s->V; i++) {
    s->candidates[i] = candidate(logits[i], (uint32_t)i, top, set->temperature);
    sum += s->candidates[i].p;
  }
  double floor = set->min_p;
  if (set->top_p < 1 && !set->top_k) floor = fmax(floor, (1 - set->top_p) * sum / (double)s->V);
  int64_t n = 0;
  for (int64_t i = 0; i < s->V; i++)
    if (s->candidates[i].p >= floor || set->top_k) s->candidates[n++] = s->candidates[i];
  return n;
}

/* The fewest of n candidates, the likeliest first, that reach top_p of `total`. */
static int64_t reach(const struct candidate *c, int64_t n, double top_p, double total) {
  double reached = 0;
  int64_t k = 0;
  while (k < n && reached < top_p * total) reached += c[k++].p;
  return k > 0 ? k : 1;
}

/* One of those of n candidates that are likely enough; c is changed. */
static struct candidate draw(struct candidate *c, int64_t n, double min_p, struct rng *rng) {
  double total = 0, likeliest = 0;
  int64_t kept = 0, i = 0;
  for (int64_t k = 0; k < n; k++) likeliest = fmax(likeliest, c[k].p);
  for (int64_t k = 0; k < n; k++)
    if (c[k].p >= min_p * likeliest) total += c[k].p, c[kept++] = c[k];
  double at = rng_double(rng) * total;
  for (; i + 1 < kept && at >= c[i].p; i++) at -= c[i].p;
  return c[i];
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
    double total = 0;
    if (set->top_k || set->top_p >= 1)
      for (int64_t i = 0; i < n; i++) total += c[i].p;
    else { /* the share is of everything, also of what gather() left out */
      double top = (double)logits[c[0].id];
      for (int64_t i = 0; i < s->V; i++) total += exp(((double)logits[i] - top) / set->temperature);
    }
    if (set->top_p < 1) n = reach(c, n, set->top_p, total);
    id = draw(c, n, set->min_p, rng).id;
  }
  if (logprob) *logprob = (double)(plain ? plain : logits)[id] - normaliser;
  free(plain);
  return id;
}

/* ---- from the largest logits */

static bool of_share(const struct sampler_settings *set) { return set->temperature > 0 && !set->top_k && set->top_p < 1; }

double sampler_top_temperature(const struct sampler_settings *set) { return of_share(set) ? set->temperature : 1; }

static int64_t at_most(int64_t n, int64_t most) { return n < most ? n : most; }

/* How many of the likeliest tokens one is drawn from; 0: no number says it. */
static int64_t number(const struct sampler *s, const struct sampler_settings *set) { return set->temperature <= 0 ? 1 : at_most(set->top_k, s->V); }

int64_t sampler_top(const struct sampler *s, const struct sampler_settings *set) {
  if (set->repeat_penalty < 1) return 0; /* it pulls tokens up from anywhere */
  int64_t wanted = number(s, set);
  if (wanted > 0) {
    int64_t k = set->repeat_penalty > 1 ? wanted + TOP_SPARE : wanted;
    return wanted > SAMPLER_TOP_MOST ? 0 : at_most(at_most(k, s->V), SAMPLER_TOP_MOST);
  }
  if (set->repeat_penalty != 1) return 0; /* the shares are of another sum */
  if (set->top_p >= 1 && set->min_p <= 0) return 0; /* anything may be drawn */
  if (of_share(set) && set->temperature < 1e-3) return 0; /* logits over it are large, and their sum in floats coarse */
  return at_most(TOP_GUESS, s->V);
}

/* Of the row's candidates, the likeliest first, those to which a penalty has been applied and that are still the likeliest of all;
 * their number.  Of what is not in the row nothing is above its last logit, and of what is equal to that no id is lower. */
static int64_t penalise_top(struct sampler *s, const struct sampler_settings *set, const struct top_row *row, const uint32_t *seen, int64_t seen_count) {
  struct candidate *c = s->candidates;
  real last = row->values[row->k - 1];
  bool pushed_to_last = false;
  int64_t n = 0;
  mark(s, seen, seen_count, true);
  for (int64_t i = 0; i < row->k; i++)
    if (s->penalised[c[i].id]) {
      c[i].logit = penalised(c[i].logit, set->repeat_penalty);
      pushed_to_last |= c[i].logit == last;
    }
  for (int64_t i = 0; i < row->k; i++)
    if (row->k == s->V || c[i].logit > last || (c[i].logit == last && !pushed_to_last)) c[n++] = c[i];
  mark(s, seen, seen_count, false);
  qsort(c, (size_t)n, sizeof *c, likeliest_first);
  return n;
}

/* How many candidates, the likeliest first, are kept of all when one is drawn; 0: unclear.  log_sum_exp is in floats: the sum of
 * all is known but for `slack` of it (floats of its size, and up to 1e-5 from adding), and where that decides it is unclear.  The
 * first that is not likely enough ends the search, as no later one is. */
static int64_t kept(const struct candidate *c, int64_t n, bool all, const struct sampler_settings *set, double top, double log_sum_exp) {
  double total = exp(log_sum_exp - top / set->temperature), slack = 3e-5 + 1e-6 * fmax(fabs(log_sum_exp), fabs(top / set->temperature)), reached = 0;
  for (int64_t i = 0; i < n; i++) {
    if (i > 0 && set->top_p < 1) {
      if (reached >= set->top_p * total * (1 + slack)) return i;
      if (reached >= set->top_p * total * (1 - slack)) return 0;
    }
    if (c[i].p < set->min_p) return i;
    reached += c[i].p;
  }
  bool enough = set->top_p < 1 && reached >= set->top_p * total * (1 + slack);
  return enough || (all && set->top_p >= 1) ? n : 0;
}

static real logit_of(const struct top_row *row, uint32_t id) {
  int64_t i = 0;
  while ((uint32_t)row->ids[i] != id) i++;
  return row->values[i];
}

bool sampler_next_of_top(struct sampler *s, const struct sampler_settings *set, const struct top_row *row, const uint32_t *seen, int64_t seen_count, struct rng *rng, uint32_t *id, real *logit) {
  struct candidate *c = s->candidates;
  int64_t n = row->k, wanted = number(s, set);
  for (int64_t i = 0; i < n; i++) c[i] = (struct candidate){0, row->values[i], (uint32_t)row->ids[i]};
  if (set->repeat_penalty != 1 && (n = penalise_top(s, set, row, seen, seen_count)) < wanted) return false;
  if (wanted > 0) n = wanted;
  if (set->temperature <= 0) return *id = c[0].id, *logit = logit_of(row, *id), true;
  double top = (double)c[0].logit, total = 0;
  for (int64_t i = 0; i < n; i++) c[i] = candidate(c[i].logit, c[i].id, top, set->temperature), total += c[i].p;
  if (wanted > 0) {
    if (set->top_p < 1) n = reach(c, n, set->top_p, total);
  } else {
    n = kept(c, n, n == s->V, set, top, row->log_sum_exp);
    if (n == 0) return false;
    if (set->top_p >= 1) qsort(c, (size_t)n, sizeof *c, lowest_id_first); /* the order in which they are drawn from a whole row */
  }
  return *id = draw(c, n, set->min_p, rng).id, *logit = logit_of(row, *id), true;
}
