/* SPDX-License-Identifier: MIT */
#include "common/train/schedule.h"

#include "tests/tap.h"

int main(void) {
  struct schedule s = {.shape = SCHEDULE_COSINE, .lr = 1, .min_lr = 0.1, .decay = 0.2, .warmup = 10, .steps = 110};
  ok_near(schedule_lr(&s, 0), 0.1, 1e-12, "warm-up begins at lr / warmup");
  ok_near(schedule_lr(&s, 9), 1, 1e-12, "and reaches lr in its last step");
  ok_near(schedule_lr(&s, 10), 1, 1e-12, "cosine begins at lr");
  ok_near(schedule_lr(&s, 60), 0.55, 1e-12, "is halfway in the middle");
  ok_near(schedule_lr(&s, 110), 0.1, 1e-12, "and would reach min after the last step");
  s.shape = SCHEDULE_LINEAR;
  ok_near(schedule_lr(&s, 35), 0.775, 1e-12, "linear has done a quarter of the way after a quarter of the steps");
  s.shape = SCHEDULE_CONSTANT;
  ok_near(schedule_lr(&s, 109), 1, 1e-12, "constant stays");
  s.shape = SCHEDULE_WSD, s.warmup = 0, s.steps = 100;
  ok_near(schedule_lr(&s, 79), 1, 1e-12, "wsd stays until its decay");
  ok_near(schedule_lr(&s, 89), 0.55, 1e-12, "is halfway in the middle of it");
  ok_near(schedule_lr(&s, 99), 0.1, 1e-12, "and ends at min");
  ok_int(schedule_decay_begin(&s), 80, "its decay begins at step 80");
  bool met = true;
  for (int64_t steps = 2; steps < 400; steps++)
    for (int64_t step = 1; step < steps; step += 7) {
      struct schedule branch = {.shape = SCHEDULE_WSD, .lr = 1, .min_lr = 0, .steps = steps};
      branch.decay = schedule_decay_from(&branch, step);
      double first = 1 - 1 / (double)(steps - step); /* the first of steps - step equal falls */
      met &= schedule_decay_begin(&branch) == step && schedule_lr(&branch, step - 1) == 1 && schedule_lr(&branch, step) == first && schedule_lr(&branch, steps - 1) == 0;
    }
  ok(met, "a decay that is to begin at a step begins there");
  s.shape = SCHEDULE_CONSTANT;
  ok(schedule_decay_begin(&s) == INT64_MAX, "a constant rate never falls");
  s.shape = SCHEDULE_COSINE, s.warmup = 200;
  ok_int(schedule_decay_begin(&s), 200, "a cosine falls from its warm-up on");
  ok_near(schedule_lr(&s, 99), 0.5, 1e-12, "a warm-up longer than the run is cut");
  s.warmup = 0, s.steps = 1;
  ok_near(schedule_lr(&s, 0), 1, 1e-12, "a single step runs at lr");
  return tap_done();
}
