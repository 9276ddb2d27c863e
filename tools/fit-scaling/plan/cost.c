/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/plan/cost.h"

#include <math.h>

enum { LOGIT_ROWS = 128 }; /* of a chunk */

double cost_bytes(const struct shape *s, enum precision precision, double gpus, const struct arrangement *a) {
  double n = shape_params(s), element = precision == PRECISION_SINGLE ? 4 : 2;
  double weights = element * n, gradients = element * n, optimizer = 16 * n - weights - gradients;
  if (a->zero >= 1) optimizer /= gpus;
  if (a->zero >= 2) gradients /= gpus;
  if (a->zero >= 3) weights /= gpus;
  double d = (double)s->width, f = (double)s->intermediate, kv = (double)(s->kv_heads * s->head_dim), layers = (double)s->layers;
  double layer = 6 * d + 2 * kv + 3 * f, tokens = (double)a->micro_batch * (double)s->seq;
  double kept = (a->recompute ? layers * d + layer : layers * layer) + 2.5 * f;
  return weights + gradients + optimizer + element * (tokens * kept + fmin(LOGIT_ROWS, tokens) * (double)s->vocab);
}

struct arrangement cost_arrange(const struct shape *s, enum precision precision, double gpus, double memory, int64_t batch) {
  double limit = isnan(memory) ? INFINITY : memory;
  struct arrangement a = {.micro_batch = 1};
  for (int recompute = 0; recompute < 2 && !a.fits; recompute++)
    for (int zero = 0; zero <= (gpus > 1 ? 3 : 0) && !a.fits; zero++) {
      a.zero = zero, a.recompute = recompute == 1;
      a.bytes = cost_bytes(s, precision, gpus, &a);
      a.fits = a.bytes <= limit;
    }
  while (a.fits && !isnan(memory) && (double)(2 * a.micro_batch) * gpus <= (double)batch) {
    struct arrangement twice = a;
    twice.micro_batch *= 2;
    twice.bytes = cost_bytes(s, precision, gpus, &twice);
    if (twice.bytes > limit) break;
    a = twice;
  }
  return a;
}
