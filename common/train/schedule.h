/* SPDX-License-Identifier: MIT
 *
 * The learning rate of each step.  warmup: linear from lr/warmup to lr over the first steps; then
 *   cosine    min + (lr - min)/2 (1 + cos(pi x))                         (arXiv 1608.03983)
 *   wsd       lr, then over the last `decay` of all steps linear to min  (arXiv 2404.06395)
 *   linear    lr - (lr - min) x
 *   constant  lr
 * with x = (step - warmup) / (steps - warmup), step counted from 0.
 */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include <stdint.h>

enum schedule_shape { SCHEDULE_COSINE, SCHEDULE_WSD, SCHEDULE_LINEAR, SCHEDULE_CONSTANT };
#define SCHEDULE_CHOICES "cosine|wsd|linear|constant"

struct schedule {
  enum schedule_shape shape;
  double lr, min_lr, decay; /* decay: share of the steps, 0..1 */
  int64_t warmup, steps;
};

double schedule_lr(const struct schedule *s, int64_t step);

/* The first step whose learning rate is on the way down; INT64_MAX: none. */
int64_t schedule_decay_begin(const struct schedule *s);
/* The `decay` with which wsd falls from `step` on. */
double schedule_decay_from(const struct schedule *s, int64_t step);

#endif
