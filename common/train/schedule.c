/* SPDX-License-Identifier: MIT */
#include "common/train/schedule.h"

#include <math.h>

double schedule_lr(const struct schedule *s, int64_t step) {
  if (step < s->warmup) return s->lr * (double)(step + 1) / (double)s->warmup;
  double left = (double)(s->steps - s->warmup), x = left > 0 ? (double)(step - s->warmup) / left : 0, fall = s->lr - s->min_lr;
  switch (s->shape) {
    case SCHEDULE_COSINE: return s->min_lr + 0.5 * fall * (1 + cos(M_PI * x));
    case SCHEDULE_LINEAR: return s->lr - fall * x;
    case SCHEDULE_CONSTANT: return s->lr;
    default: {
      double length = s->decay * (double)s->steps, begin = (double)s->steps - length;
      return (double)step < begin || length <= 0 ? s->lr : s->lr - fall * ((double)step - begin + 1) / length;
    }
  }
}
