/* SPDX-License-Identifier: MIT */
#include "common/train/schedule.h"

#include <math.h>

/* wsd: where the fall begins, not always at a whole step.  A share that was computed from a step meets it again. */
static double fall_begin(const struct schedule *s) {
  double begin = (double)s->steps - s->decay * (double)s->steps, whole = rint(begin);
  return fabs(begin - whole) < 1e-6 ? whole : begin;
}

int64_t schedule_decay_begin(const struct schedule *s) {
  if (s->shape == SCHEDULE_CONSTANT) return INT64_MAX;
  int64_t begin = s->shape == SCHEDULE_WSD ? (int64_t)ceil(fall_begin(s)) : s->warmup;
  return begin < s->warmup ? s->warmup : begin;
}

double schedule_decay_from(const struct schedule *s, int64_t step) { return (double)(s->steps - step) / (double)s->steps; }

double schedule_lr(const struct schedule *s, int64_t step) {
  if (step < s->warmup) return s->lr * (double)(step + 1) / (double)s->warmup;
  double left = (double)(s->steps - s->warmup), x = left > 0 ? (double)(step - s->warmup) / left : 0, fall = s->lr - s->min_lr;
  switch (s->shape) {
    case SCHEDULE_COSINE: return s->min_lr + 0.5 * fall * (1 + cos(M_PI * x));
    case SCHEDULE_LINEAR: return s->lr - fall * x;
    case SCHEDULE_CONSTANT: return s->lr;
    default: {
      double begin = fall_begin(s), length = (double)s->steps - begin;
      return (double)step < begin || length <= 0 ? s->lr : s->lr - fall * ((double)step - begin + 1) / length;
    }
  }
}
