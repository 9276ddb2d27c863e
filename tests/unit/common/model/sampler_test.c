/* SPDX-License-Identifier: MIT */
#include "common/model/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "kernels/backend.h"
#include "tests/tap.h"

enum { V = 6 };
static const real base[V] = {1, 3, 2, 3, -1, 0};

/* How often each token comes in 20000 draws. */
static void count(struct sampler_settings settings, const uint32_t *seen, int64_t seen_count, int counts[V]) {
  struct sampler *s = sampler_new(V);
  struct rng rng;
  rng_init(&rng, 9);
  memset(counts, 0, V * sizeof *counts);
  for (int i = 0; i < 20000; i++) {
    real logits[V];
    memcpy(logits, base, sizeof base);
    counts[sampler_next(s, &settings, logits, seen, seen_count, &rng, NULL)]++;
  }
  sampler_free(s);
}

static double probability(double temperature, int id, unsigned mask) {
  double sum = 0;
  for (int i = 0; i < V; i++)
    if (mask >> i & 1) sum += exp(base[i] / temperature);
  return exp(base[id] / temperature) / sum;
}

static void check(const char *name, struct sampler_settings settings, double temperature, unsigned mask) {
  int counts[V];
  bool fine = true;
  count(settings, NULL, 0, counts);
  for (int i = 0; i < V; i++) {
    double want = mask >> i & 1 ? probability(temperature, i, mask) : 0, sigma = sqrt(want * (1 - want) / 20000);
    fine &= fabs(counts[i] / 20000.0 - want) <= 4 * sigma;
  }
  ok(fine, "%s", name);
}

/* Rows of `n` logits, near each other, far from each other, or with many or all equal: the largest give the token that the whole row
 * gives, from the same rng, also where their log_sum_exp is as wrong as it may be.  Returns the share of rows where they tell. */
static double compare_top(const char *name, struct sampler_settings set, int64_t n, int64_t *wanted) {
  enum { ROWS = 150, SEEN = 60 };
  uint32_t seen[SEEN];
  struct sampler *s = sampler_new(n);
  struct rng rng, whole, part;
  struct kernel_error e;
  int64_t k = sampler_top(s, &set), told = 0, wrong = 0;
  real *x = NEW_ARRAY(real, (size_t)n), *values = NEW_ARRAY(real, (size_t)k + 1), sum;
  int32_t *ids = NEW_ARRAY(int32_t, (size_t)k + 1);
  rng_init(&rng, 5);
  for (int row = 0; row < ROWS && k > 0; row++) {
    double spread = row % 3 == 0 ? 0.5 : row % 3 == 1 ? 3 : 8;
    for (int64_t i = 0; i < n; i++) x[i] = (real)(spread * rng_normal(&rng));
    for (int64_t i = 0; i < n && row % 2; i++) x[i] = row % 10 == 1 ? 2 : (real)(floor((double)x[i] * 4) / 4); /* all equal: a sum may be just the share asked for */
    if (backend_cpu()->top_logits(values, ids, &sum, x, n, 1, n, k, (real)sampler_top_temperature(&set), &e) < 0) note("%s", e.message), wrong++;
    for (int i = 0; i < SEEN; i++) seen[i] = i < (row % 4) * 20 && i < k ? (uint32_t)ids[i / 2] : (uint32_t)rng_below(&rng, (uint64_t)n + 5); /* the likeliest among them */
    rng_init(&whole, (uint64_t)row), rng_init(&part, (uint64_t)row);
    struct top_row top = {values, ids, k, (double)sum * (1 + (row / 10 % 3 - 1) * 1e-7)};
    uint32_t id = 0;
    real logit = 0;
    bool tells = sampler_next_of_top(s, &set, &top, seen, SEEN, &part, &id, &logit);
    if (tells) told++, wrong += logit != x[id];
    else if (memcmp(&part, &whole, sizeof part) != 0) wrong++;
    uint32_t want = sampler_next(s, &set, x, seen, SEEN, &whole, NULL);
    if (tells && (id != want || rng_next(&part) != rng_next(&whole))) note("row %d: %u, want %u", row, id, want), wrong++;
  }
  ok(wrong == 0, "%s: the largest of %lld logits give the token of the whole row", name, (long long)n);
  if (wanted) *wanted = k;
  free(x), free(values), free(ids);
  sampler_free(s);
  return (double)told / ROWS;
}

static void check_top(const char *name, struct sampler_settings set, int64_t want_k, double least, double most) {
  int64_t k;
  double told = compare_top(name, set, 1000, &k);
  ok(k == want_k && told >= least && told <= most, "%s: %lld logits tell for %.2f of the rows", name, (long long)k, told);
  ok(compare_top(name, set, 90, NULL) >= (want_k ? 0.88 : 0), "%s: in a small vocabulary they nearly always tell", name);
}

/* Few logits, many equal, and too few of the largest given: whatever they tell is right, and they tell it often. */
static void check_few(void) {
  enum { N = 12, TRIALS = 20000 };
  static const double penalties[] = {1, 1.5, 2, 4};
  struct sampler *s = sampler_new(N);
  struct rng rng, whole, part;
  struct kernel_error e;
  int64_t told = 0, wrong = 0;
  rng_init(&rng, 3);
  for (int t = 0; t < TRIALS; t++) {
    struct sampler_settings set = {.temperature = t % 3 ? 1 : 0, .top_k = 1 + t % 4, .top_p = t % 5 ? 1 : 0.7, .repeat_penalty = penalties[rng_below(&rng, 4)]};
    real x[N], values[N], sum, logit;
    int32_t ids[N];
    uint32_t seen[4], id;
    for (int i = 0; i < N; i++) x[i] = (real)((double)rng_below(&rng, 9) / 2 - 1);
    for (int i = 0; i < 4; i++) seen[i] = (uint32_t)rng_below(&rng, N);
    int64_t wanted = set.temperature > 0 ? set.top_k : 1, k = wanted + (int64_t)rng_below(&rng, (uint64_t)(N - wanted + 1));
    wrong += backend_cpu()->top_logits(values, ids, &sum, x, N, 1, N, k, 1, &e) < 0;
    rng_init(&whole, (uint64_t)t), rng_init(&part, (uint64_t)t);
    if (!sampler_next_of_top(s, &set, &(struct top_row){values, ids, k, (double)sum}, seen, 4, &part, &id, &logit)) continue;
    told++;
    bool good = logit == x[id];
    good = id == sampler_next(s, &set, x, seen, 4, &whole, NULL) && good;
    wrong += !good;
  }
  ok(wrong == 0 && told > TRIALS / 2, "few of few logits tell the right token, %lld times of %d", (long long)told, (int)TRIALS);
  sampler_free(s);
}

int main(void) {
  struct sampler_settings plain = {.temperature = 1, .top_p = 1, .repeat_penalty = 1}, s = plain;
  struct sampler *sampler = sampler_new(V);
  struct rng rng;
  rng_init(&rng, 1);
  real logits[V];
  double logprob;
  s.temperature = 0;
  memcpy(logits, base, sizeof base);
  ok_int(sampler_next(sampler, &s, logits, NULL, 0, &rng, &logprob), 1, "temperature 0 takes the lowest id of the likeliest");
  ok_near(logprob, log(probability(1, 1, 63)), 1e-6, "and reports its log-probability");
  uint32_t seen[] = {1, 1, 3, 77};
  s.repeat_penalty = 2;
  memcpy(logits, base, sizeof base);
  ok_int(sampler_next(sampler, &s, logits, seen, 4, &rng, &logprob), 2, "the penalty applies once to each token seen");
  ok_near(logprob, log(probability(1, 2, 63)), 1e-6, "and not to the log-probability");
  sampler_free(sampler);

  check("temperature 1 draws from the model", plain, 1, 63);
  s = plain, s.temperature = 2;
  check("temperature 2 flattens", s, 2, 63);
  s = plain, s.top_k = 3;
  check("top-k keeps the k likeliest", s, 1, 1 << 1 | 1 << 3 | 1 << 2);
  s = plain, s.top_k = 1;
  check("top-k 1 is greedy", s, 1, 1 << 1);
  s = plain, s.top_p = 0.5; /* the likeliest has .37, the next .37 */
  check("top-p keeps the fewest that reach p", s, 1, 1 << 1 | 1 << 3);
  s = plain, s.top_p = 0;
  check("top-p 0 keeps one", s, 1, 1 << 1);
  s = plain, s.min_p = 0.3; /* e^-1 = .368 stays, e^-2 = .135 goes */
  check("min-p keeps what is near the likeliest", s, 1, 1 << 1 | 1 << 3 | 1 << 2);
  s = plain, s.top_k = 4, s.top_p = 0.99, s.min_p = 0.3;
  check("all of them together", s, 1, 1 << 1 | 1 << 3 | 1 << 2);

  s = plain, s.temperature = 0;
  check_top("temperature 0", s, 1, 1, 1);
  s = plain, s.temperature = 0.7, s.top_k = 40;
  check_top("top-k", s, 40, 1, 1);
  s.top_p = 0.8, s.min_p = 0.02;
  check_top("top-k, top-p and min-p", s, 40, 1, 1);
  s = plain, s.top_k = 1 << 20;
  check_top("a top-k of everything", s, 1000, 1, 1);
  s = plain, s.top_p = 0.9;
  check_top("top-p", s, 256, 0.3, 0.9);
  s.temperature = 0.3;
  check_top("top-p at a low temperature", s, 256, 0.5, 0.9);
  s.top_p = 0;
  check_top("top-p 0", s, 256, 1, 1);
  s = plain, s.min_p = 0.05;
  check_top("min-p", s, 256, 0.5, 0.9);
  s.top_p = 0.95;
  check_top("top-p and min-p", s, 256, 0.5, 0.9);
  check_top("anything may be drawn", plain, 0, 0, 0);
  s.repeat_penalty = 1.1;
  check_top("a penalty on all", s, 0, 0, 0);
  s.top_p = 0.9;
  check_top("a penalty and top-p", s, 0, 0, 0);
  s.temperature = 0;
  check_top("a penalty at temperature 0", s, 65, 0.7, 1);
  s.temperature = 0.9, s.top_k = 30, s.top_p = 1, s.repeat_penalty = 1.5;
  check_top("a penalty and top-k", s, 94, 0.3, 1);
  s.repeat_penalty = 0.9;
  check_top("a reward", s, 0, 0, 0);
  check_few();
  s = plain, s.top_k = 1 << 20;
  struct sampler *wide = sampler_new(5000);
  ok_int(sampler_top(wide, &s), 0, "a large top-k wants the whole row");
  sampler_free(wide);
  return tap_done();
}
