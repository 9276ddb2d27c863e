/* SPDX-License-Identifier: MIT */
#include "common/model/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

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
  return tap_done();
}
